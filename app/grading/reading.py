"""One turn of an answer, cut and encoded, and what is measured of it.

A turn is read twice, by sentences and by clauses, and the readings' log odds are averaged (READINGS in context.py).
People type two or three claims in a sentence, and the vector of such a sentence is nearly that of the same with the
claims exchanged; but a clause out of its sentence is as often near to the wrong point as to the right one. Each reading
errs where the other does not: on 182 answers typed without the rubric, twins among them, the AUC of a point said
against one missing is .866 by sentences, .874 by clauses and .883 by both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from app.core.feedback import Answer, Evidence, LeftOut, Unheard
from app.core.segment import Window, clauses, pairs, sentences
from app.grading import flags
from app.grading.background import Background, Surroundings
from app.grading.encoder import Encoder, Vectors
from app.grading.features import Measured, measure, pair_vectors
from app.grading.references import References
from app.grading.topics import Telling

Cut = Callable[[str], list[Window]]

BOTH: tuple[Cut, ...] = (sentences, clauses)
"""By sentences and by clauses."""


class Reading:
    """One turn as one cut makes it: its parts, then the pairs of neighbouring parts, with their vectors."""

    def __init__(self, text: str, parts: Sequence[Window], vectors: Vectors) -> None:
        """`vectors` (parts, width) are those of `parts`."""
        self.text = text
        self.parts = list(parts)
        self.part_vectors = vectors
        self.windows: list[Window] = [*parts, *pairs(text, parts)]
        joined = pair_vectors(vectors, [window.end - window.start for window in parts])
        self.vectors: Vectors = np.concatenate([vectors, joined])

    def measured(self, refs: References, around: Surroundings | None) -> Measured:
        """The windows against a rubric, and against the other questions where they are known."""
        return measure(self.windows, self.vectors, refs, around.nearest() if around else None)

    def without(self, stretches: Sequence[Window]) -> Reading:
        """This reading without the parts that touch any of `stretches`; what stood around them become neighbours."""
        kept = [row for row, part in enumerate(self.parts) if not _touches(part, stretches)]
        return Reading(self.text, [self.parts[row] for row in kept], self.part_vectors[kept])


class Heard(NamedTuple):
    """One turn: what the flags look at, and each reading of what is judged, with what lies around it.

    `kept` is what the flags look at without everyday talk. `left_out` are its sentences that speak to the grader, then
    those of everyday talk.
    """

    seen: flags.Turn
    kept: flags.Turn
    readings: list[Reading]
    around: list[Surroundings | None]
    left_out: list[LeftOut]


def to_the_grader(text: str) -> list[Window]:
    """The sentences of `text` that speak to the grader instead of answering."""
    return [window for window in sentences(text) if flags.is_injection(window.text)]


def read(text: str, encoder: Encoder, cuts: Sequence[Cut], but: Sequence[Window]) -> list[Reading]:
    """A reading of `text` for each of `cuts`, without what touches any of `but`; all encoded together.

    Raises GradingFailed.
    """
    parts = [[window for window in cut(text) if not _touches(window, but)] for cut in cuts]
    texts = list(dict.fromkeys(window.text for mine in parts for window in mine))
    row = {one: number for number, one in enumerate(texts)}
    vectors = encoder.encode(texts)
    return _with_windows([Reading(text, mine, vectors[[row[window.text] for window in mine]]) for mine in parts])


def _touches(window: Window, others: Sequence[Window]) -> bool:
    return any(window.start < other.end and other.start < window.end for other in others)


def hear(
    answer: Answer,
    question_id: str,
    refs: References,
    encoder: Encoder,
    background: Background | None,
    cuts: Sequence[Cut],
) -> Heard:
    """One turn of an answer to a question, read by each of `cuts`. Raises GradingFailed."""
    unasked = to_the_grader(answer.text)
    left_out = [_left_out(answer, part, Unheard.to_the_grader) for part in unasked]
    readings = read(answer.text, encoder, cuts, unasked)
    vectors = readings[0].part_vectors
    if background is None:
        seen = flags.Turn(answer.text, vectors, None, 0.0, 0.0, answer.after_probe)
        return Heard(seen, seen, readings, [None] * len(readings), left_out)
    telling = Telling(refs.texts, refs.vectors)
    around = [background.around(question_id, reading.vectors) for reading in readings]
    talk = background.talk(question_id, vectors, refs.vectors, reply=answer.after_probe)

    def lies() -> tuple[float | None, float]:
        """How well another question fits what is read now, and how far that leans to this one."""
        parts = readings[0].part_vectors
        elsewhere = around[0].best_question(len(parts)) if around[0] else None
        return elsewhere, background.leaning(question_id, telling, parts)

    seen = flags.Turn(answer.text, vectors, *lies(), float(talk.mean()) if len(talk) else 0.0, answer.after_probe)
    kept = seen
    if talk.any():
        aside = [part for part, is_talk in zip(readings[0].parts, talk, strict=True) if is_talk]
        left_out += [_left_out(answer, part, Unheard.everyday_talk) for part in aside]
        readings = _with_windows([reading.without(aside) for reading in readings])
        around = [background.around(question_id, reading.vectors) for reading in readings]
        elsewhere, leaning = lies()
        kept = seen._replace(vectors=readings[0].part_vectors, elsewhere=elsewhere, leaning=leaning)
    return Heard(seen, kept, readings, around, left_out)


def evidence(answer: Answer, window: Window) -> Evidence:
    """A window of an answer as a stretch of the candidate's own text."""
    return Evidence(turn=answer.turn, start=window.start, end=window.end, text=window.text)


def _left_out(answer: Answer, part: Window, why: Unheard) -> LeftOut:
    return LeftOut(stretch=evidence(answer, part), why=why)


def _with_windows(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.windows or reading is readings[0]]
