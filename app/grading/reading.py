"""One turn of an answer, cut and encoded, and what is measured of it.

A turn is read twice, by sentences and by clauses, and the readings' log odds are averaged (READINGS in context.py).
People type two or three claims in a sentence, and the vector of such a sentence is nearly that of the same with the
claims exchanged; but a clause out of its sentence is as often near to the wrong point as to the right one. Each reading
errs where the other does not: on 182 answers typed without the rubric, twins among them, the AUC of a point said
against one missing is .866 by sentences, .874 by clauses and .883 by both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.core.feedback import Answer
from app.grading import flags
from app.grading.background import Surroundings
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
        self.part_vectors = vectors
        self.windows: list[Window] = [*parts, *pairs(text, parts)]
        joined = pair_vectors(vectors, [window.end - window.start for window in parts])
        self.vectors: Vectors = np.concatenate([vectors, joined])

    def measured(self, refs: References, around: Surroundings | None) -> Measured:
        """The windows against a rubric, and against the other questions where they are known."""
        if around is None:
            return measure(self.windows, self.vectors, refs)
        return measure(self.windows, self.vectors, refs, around.nearest(), around.nearest_everyday())


def read(text: str, encoder: Encoder, cuts: Sequence[Cut]) -> list[Reading]:
    """A reading of `text` for each of `cuts`, all encoded together; sentences to the grader are left out.

    Raises GradingFailed.
    """
    to_the_grader = [window for window in sentences(text) if flags.is_injection(window.text)]
    parts = [[window for window in cut(text) if not _touches(window, to_the_grader)] for cut in cuts]
    texts = list(dict.fromkeys(window.text for mine in parts for window in mine))
    row = {one: number for number, one in enumerate(texts)}
    vectors = encoder.encode(texts)
    return [
        Reading(text, mine, vectors[[row[window.text] for window in mine]])
        for mine in parts
        if mine or mine is parts[0]
    ]


def _touches(window: Window, others: Sequence[Window]) -> bool:
    return any(window.start < other.end and other.start < window.end for other in others)


def seen_turn(answer: Answer, reading: Reading, around: Surroundings | None) -> flags.Turn:
    """What the flags look at in one turn."""
    vectors = reading.part_vectors
    if around is None:
        return flags.Turn(answer.text, vectors, None, None, answer.after_probe)
    fits = around.best_question(len(vectors)), around.best_everyday(len(vectors))
    return flags.Turn(answer.text, vectors, *fits, answer.after_probe)
