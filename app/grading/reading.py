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

from app.core.feedback import Answer
from app.grading import flags
from app.grading.background import Background, Surroundings
from app.grading.encoder import Encoder, Vectors
from app.grading.features import Measured, measure, pair_vectors
from app.grading.references import References
from app.grading.segment import Window, clauses, pairs, sentences

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
    """One turn: what the flags look at, and each reading of what is not everyday talk, with what lies around it."""

    seen: flags.Turn
    readings: list[Reading]
    around: list[Surroundings | None]


def read(text: str, encoder: Encoder, cuts: Sequence[Cut]) -> list[Reading]:
    """A reading of `text` for each of `cuts`, all encoded together; sentences to the grader are left out.

    Raises GradingFailed.
    """
    to_the_grader = [window for window in sentences(text) if flags.is_injection(window.text)]
    parts = [[window for window in cut(text) if not _touches(window, to_the_grader)] for cut in cuts]
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
    readings = read(answer.text, encoder, cuts)
    vectors = readings[0].part_vectors
    if background is None:
        return Heard(flags.Turn(answer.text, vectors, None, 0.0, answer.after_probe), readings, [None] * len(readings))
    around = [background.around(question_id, reading.vectors) for reading in readings]
    talk = background.talk(question_id, vectors, refs.vectors, reply=answer.after_probe)
    elsewhere = around[0].best_question(len(vectors)) if around[0] else None
    seen = flags.Turn(answer.text, vectors, elsewhere, float(talk.mean()) if len(talk) else 0.0, answer.after_probe)
    if talk.any():
        aside = [part for part, is_talk in zip(readings[0].parts, talk, strict=True) if is_talk]
        readings = _with_windows([reading.without(aside) for reading in readings])
        around = [background.around(question_id, reading.vectors) for reading in readings]
    return Heard(seen, readings, around)


def _with_windows(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.windows or reading is readings[0]]
