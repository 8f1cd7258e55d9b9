"""The other questions of the bank, as what an answer might be about instead."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.rubric import PointKind, Rubric
from app.grading.encoder import WORKERS, Encoder, Vectors

Array = npt.NDArray[np.float32]


EXEMPLARS = 6
"""Exemplars of a point or mistake that stand for it here."""


class Elsewhere(NamedTuple):
    """How near an answer's sentences are to the other questions.

    `nearest` (sentences,) is the cosine with the nearest text of any of them; `best_question` the mean, over the
    sentences, of the cosines with the nearest text of the one question that fits the answer best.
    """

    nearest: Array
    best_question: float


class Background:
    """Some texts of every question of a bank: claims, mistakes, prompts. Signals are left out, as questions share them.

    A few of each are enough to tell where an answer belongs, and make the difference between seconds and a minute when
    their vectors are computed for the first time.
    """

    def __init__(self, bank: Sequence[tuple[str, Rubric]], encoder: Encoder) -> None:
        """`bank` pairs each question's prompt with its rubric. Computes what the encoder's cache lacks."""
        with ThreadPoolExecutor(WORKERS) as pool:
            vectors = list(pool.map(lambda one: encoder.bundle(_own_texts(*one)), bank))
        self._vectors = {rubric.question_id: found for (_, rubric), found in zip(bank, vectors, strict=True)}

    def elsewhere(self, question_id: str, vectors: Vectors) -> Elsewhere | None:
        """`vectors` (sentences, width) against the other questions; None for a question that is not in the bank."""
        if question_id not in self._vectors or len(self._vectors) < 2 or not len(vectors):
            return None
        found = np.stack(
            [(vectors @ theirs.T).max(axis=1) for name, theirs in self._vectors.items() if name != question_id]
        )
        return Elsewhere(np.asarray(found.max(axis=0), np.float32), float(found.mean(axis=1).max()))


def _own_texts(prompt: str, rubric: Rubric) -> list[str]:
    points = [point for point in rubric.points if point.kind is PointKind.point]
    texts = [prompt, *(point.probe for point in rubric.points)]
    texts += [text for point in points for text in (point.says, *point.exemplars[:EXEMPLARS])]
    return texts + [text for one in rubric.mistakes for text in (one.says, *one.exemplars[:EXEMPLARS])]
