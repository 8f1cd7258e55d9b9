"""One turn of an answer, cut and encoded, and what is measured of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.core.feedback import Answer
from app.grading import flags
from app.grading.background import Surroundings
from app.grading.clauses import compound
from app.grading.encoder import Encoder, Vectors
from app.grading.features import Measured, measure, pair_vectors
from app.grading.references import References
from app.grading.segment import Window, pairs, sentences


class Reading:
    """One turn, cut and encoded: its sentences and windows with their vectors. Sentences to the grader are left out."""

    def __init__(
        self,
        text: str,
        encoder: Encoder,
        cut: Callable[[str], list[Window]] = sentences,
        *,
        by_clause: bool = False,
    ) -> None:
        """Encode the sentences of `text`, or what `cut` makes of it, and `by_clause` the clauses of those with several.

        Raises GradingFailed.
        """
        single = [window for window in cut(text) if not flags.is_injection(window.text)]
        self.text = text
        compounds = compound(single) if by_clause else {}
        self.clauses = [part for parts in compounds.values() for part in parts]
        self.clause_counts = {row: len(parts) for row, parts in compounds.items()}
        encoded = encoder.encode([window.text for window in (*single, *self.clauses)])
        self.sentence_vectors: Vectors = encoded[: len(single)]
        self.clause_vectors: Vectors = encoded[len(single) :]
        self.windows: list[Window] = single + pairs(text, single)
        joined = pair_vectors(self.sentence_vectors, [window.end - window.start for window in single])
        self.vectors: Vectors = np.concatenate([self.sentence_vectors, joined])

    def measured(self, refs: References, around: Surroundings | None) -> Measured:
        """The windows against a rubric, and against the other questions where they are known."""
        return measured(self.windows, self.vectors, refs, around)


def measured(windows: Sequence[Window], vectors: Vectors, refs: References, around: Surroundings | None) -> Measured:
    """`windows` against a rubric, and against the other questions where they are known."""
    if around is None:
        return measure(windows, vectors, refs)
    return measure(windows, vectors, refs, around.nearest(), around.nearest_everyday())


def seen_turn(answer: Answer, reading: Reading, around: Surroundings | None) -> flags.Turn:
    """What the flags look at in one turn."""
    vectors = reading.sentence_vectors
    if around is None:
        return flags.Turn(answer.text, vectors, None, None, answer.after_probe)
    fits = around.best_question(len(vectors)), around.best_everyday(len(vectors))
    return flags.Turn(answer.text, vectors, *fits, answer.after_probe)
