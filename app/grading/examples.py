"""Labelled answers as examples to fit a calibration to: what is measured of each, against each point and mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.feedback import Answer, Flag
from app.core.rubric import PointKind, Rubric
from app.core.segment import lies_on
from app.grading import flags
from app.grading.background import Background
from app.grading.calibration import ANYTHING, OnTopic
from app.grading.encoder import WORKERS, Encoder
from app.grading.reading import BOTH, Reading, hear
from app.grading.references import references

Features = npt.NDArray[np.float32]


class Labelled(NamedTuple):
    """An answer with its labels.

    Its grade 0 to 4, credit (0, 0.5, 1) and stretch of each point, stretch of each mistake made.
    """

    question_id: str
    question: str
    rubric: Rubric
    text: str
    grade: int
    credits: dict[str, float]
    spans: dict[str, str]
    mistakes: dict[str, str]


class Example(NamedTuple):
    """What is measured of one labelled answer against one point or mistake.

    `features` is (windows, features) by sentences, `by_clause` the same by clauses; `inside` marks the windows by
    sentences that lie on the labelled stretch; `target` is 0..1. `answer` tells the answers apart, `grade` is the
    labelled one, `flag` says that it earns nothing anyway (off topic only where it is so by any bounds), `reached` how
    far it is on the topic, `kept` the same without everyday talk. `claim` is the id of the point or mistake,
    `denied_by` the mistakes that deny it.
    """

    question_id: str
    group: str
    features: npt.NDArray[np.float32]
    by_clause: npt.NDArray[np.float32]
    inside: npt.NDArray[np.bool_]
    target: float
    answer: int = 0
    grade: int = 0
    flag: Flag | None = None
    reached: OnTopic = ANYTHING
    kept: OnTopic = ANYTHING
    claim: str = ""
    denied_by: tuple[str, ...] = ()


def collect(answers: Sequence[Labelled], encoder: Encoder, background: Background) -> Iterator[list[Example]]:
    """The examples in each of `answers`, measured with its rubric's exemplars and again with the statements alone."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(lambda it: _measured(it[0], it[1], encoder, background), enumerate(answers))


def _measured(number: int, answer: Labelled, encoder: Encoder, background: Background) -> list[Example]:
    refs = references(answer.question, answer.rubric, encoder)
    turn = Answer(turn=0, text=answer.text)
    heard = hear(turn, answer.question_id, refs, encoder, background, BOTH)
    reading, clauses = heard.readings[0], heard.readings[-1]
    around, around_clauses = heard.around[0], heard.around[-1]
    if not reading.windows:
        return []
    flag = flags.flag(heard.seen, refs, ANYTHING)
    reached, kept = flags.reached(heard.seen, refs), flags.reached(heard.kept, refs)
    found: list[Example] = []
    for rubric, bare in ((answer.rubric, False), (_without_exemplars(answer.rubric), True)):
        against = references(answer.question, rubric, encoder)
        measured = reading.measured(against, None if bare else around)
        by_clause = clauses.measured(against, None if bare else around_clauses)
        found += _point_examples(answer, reading, measured.points, by_clause.points, bare=bare)
        found += _mistake_examples(answer, reading, measured.mistakes, by_clause.mistakes, bare=bare)
    return [one._replace(answer=number, grade=answer.grade, flag=flag, reached=reached, kept=kept) for one in found]


def _point_examples(
    answer: Labelled, reading: Reading, features: Features, by_clause: Features, *, bare: bool
) -> list[Example]:
    found = []
    for column, point in enumerate(answer.rubric.points):
        group = "bare" if bare else "signal" if point.kind is PointKind.signal else "point"
        if bare and point.kind is PointKind.signal:
            continue  # no rubric of one's own has the signals' bare statements
        inside = _inside(reading, answer.spans.get(point.id))
        denied_by = tuple(mistake.id for mistake in answer.rubric.mistakes if point.id in mistake.denies)
        mine = features[:, column], by_clause[:, column]
        one = Example(answer.question_id, group, *mine, inside, answer.credits[point.id])
        found.append(one._replace(claim=point.id, denied_by=denied_by))
    return found


def _mistake_examples(
    answer: Labelled, reading: Reading, features: Features, by_clause: Features, *, bare: bool
) -> list[Example]:
    found = []
    for column, mistake in enumerate(answer.rubric.mistakes):
        span = answer.mistakes.get(mistake.id)
        mine = features[:, column], by_clause[:, column]
        group = "bare_mistake" if bare else "mistake"
        inside = _inside(reading, span)
        target = float(span is not None)
        found.append(Example(answer.question_id, group, *mine, inside, target, claim=mistake.id))
    return found


def _inside(reading: Reading, span: str | None) -> npt.NDArray[np.bool_]:
    """Which windows lie on `span`."""
    start = reading.text.find(span) if span else -1
    if not span or start < 0:
        return np.zeros(len(reading.windows), np.bool_)
    return np.array([lies_on(window, start, start + len(span)) for window in reading.windows])


def _without_exemplars(rubric: Rubric) -> Rubric:
    bare: dict[str, tuple[str, ...]] = {"exemplars": (), "contrasts": ()}
    return rubric.model_copy(
        update={
            "points": tuple(point.model_copy(update=bare) for point in rubric.points),
            "mistakes": tuple(mistake.model_copy(update=bare) for mistake in rubric.mistakes),
        }
    )
