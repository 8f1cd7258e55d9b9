"""The other questions of the bank, as what an answer might be about instead."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.rubric import PointKind, Rubric
from app.grading.encoder import Encoder, Vectors
from app.grading.references import References, references

Array = npt.NDArray[np.float32]

COMMON = 0.9
"""How much of the bank's mean is taken from a centroid: what all questions share says nothing about which one it is."""


class Elsewhere(NamedTuple):
    """How near an answer's sentences are to the other questions.

    `nearest` (sentences,) is the cosine with the nearest text of any of them; `best_question` the mean, over the
    sentences, of the cosines with the nearest text of the one question that fits the answer best; `own_centroid` the
    cosine of the answer's mean with the middle of its own question, the bank's middle taken away.
    """

    nearest: Array
    best_question: float
    own_centroid: float


class Background:
    """Texts of every question of a bank: claims, contrasts, mistakes, prompts; no signals, as questions share them."""

    def __init__(self, bank: Sequence[tuple[str, Rubric]], encoder: Encoder) -> None:
        """`bank` pairs each question's prompt with its rubric. Computes what the encoder's cache lacks."""
        with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
            refs = list(pool.map(lambda one: references(one[0], one[1], encoder), bank))
        self._vectors = {
            rubric.question_id: _own_texts(rubric, found) for (_, rubric), found in zip(bank, refs, strict=True)
        }
        self._centroids = {name: _mean_direction(vectors) for name, vectors in self._vectors.items()}
        centroids = list(self._centroids.values())
        self._middle = COMMON * np.mean(centroids, axis=0) if centroids else np.zeros(encoder.width, np.float32)

    def elsewhere(self, question_id: str, vectors: Vectors) -> Elsewhere | None:
        """`vectors` (sentences, width) against the other questions; None for a question that is not in the bank."""
        own = self._centroids.get(question_id)
        if own is None or len(self._vectors) < 2 or not len(vectors):
            return None
        found = np.stack(
            [(vectors @ theirs.T).max(axis=1) for name, theirs in self._vectors.items() if name != question_id]
        )
        centroid = _direction(_mean_direction(vectors) - self._middle) @ _direction(own - self._middle)
        return Elsewhere(np.asarray(found.max(axis=0), np.float32), float(found.mean(axis=1).max()), float(centroid))


def _own_texts(rubric: Rubric, refs: References) -> Vectors:
    own = [row for row, point in enumerate(rubric.points) if point.kind is PointKind.point]
    groups = [*(refs.points[row] for row in own), *refs.mistakes, refs.prompts, *(refs.contrasts[row] for row in own)]
    return refs.vectors[[row for group in groups for row in range(group.start, group.stop)]]


def _mean_direction(vectors: Vectors) -> Array:
    return _direction(vectors.mean(axis=0))


def _direction(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
