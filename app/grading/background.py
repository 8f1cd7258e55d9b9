"""The other questions of the bank, as what an answer might be about instead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from app.core.known import KnownQuestions
from app.core.rubric import PointKind, Rubric
from app.grading.encoder import WORKERS, Encoder, Vectors

Array = npt.NDArray[np.float32]


EXEMPLARS = 6
"""Exemplars of a point or mistake that stand for it here."""
FEWER_TEXTS = 0.02
"""Added to the mean cosine with a question that the bank lacks: the nearest of 17 texts is a little farther than the
nearest of the hundred or so that a question of the bank has here. With it, 6 of 37 labelled answers to other questions
come as near to the question asked as the least near honest answer; without it 8; with the bank's questions alone 11."""


class Background:
    """Some texts of every known question: claims, mistakes, prompts. Signals are left out, as questions share them.

    A few of each are enough to tell where an answer belongs, and make the difference between seconds and a minute when
    their vectors are computed for the first time.
    """

    def __init__(self, known: KnownQuestions, encoder: Encoder) -> None:
        """Computes the vectors that the encoder's cache lacks."""
        with ThreadPoolExecutor(WORKERS) as pool:
            bank = pool.map(lambda one: encoder.bundle(_own_texts(*one)), known.bank)
            others = pool.map(lambda one: encoder.bundle([one.asks, *one.texts]), known.others)
            self._vectors = {rubric.question_id: found for (_, rubric), found in zip(known.bank, bank, strict=True)}
            self._others = list(others)
        self._everyday = [found for one, found in zip(known.others, self._others, strict=True) if one.everyday]

    def nearest(self, question_id: str, vectors: Vectors) -> Array | None:
        """The cosine of each of `vectors` (n, width) with the nearest text of any other question, (n,).

        None for a question that is not in the bank, or has it to itself.
        """
        found = self._cosines(question_id, vectors)
        return None if found is None else np.asarray(np.vstack([found, *self._elsewhere(vectors)]).max(axis=0))

    def everyday(self, question_id: str, vectors: Vectors) -> Array | None:
        """The cosine of each of `vectors` with the nearest text of each everyday subject, (subjects, n).

        None for a question outside the bank, and where no everyday subject is known.
        """
        if question_id not in self._vectors or not self._everyday or not len(vectors):
            return None
        return np.stack([_nearest_of(theirs, vectors) for theirs in self._everyday])

    def best_question(self, question_id: str, vectors: Vectors) -> float | None:
        """How well the other question, in the bank or not, that fits an answer best does so; None as above.

        It is the mean, over the answer's sentences `vectors` (n, width), of the cosine with its nearest text.
        """
        found = self._cosines(question_id, vectors)
        if found is None:
            return None
        fits = [float(found.mean(axis=1).max())]
        fits += [float(cosines.mean()) + FEWER_TEXTS for cosines in self._elsewhere(vectors)]
        return max(fits)

    def _elsewhere(self, vectors: Vectors) -> list[Array]:
        """The cosine of each vector with the nearest text of each question that the bank lacks, (n,) each."""
        return [_nearest_of(theirs, vectors) for theirs in self._others]

    def _cosines(self, question_id: str, vectors: Vectors) -> Array | None:
        """The cosine of each vector with the nearest text of each other question of the bank: (questions, n)."""
        if question_id not in self._vectors or len(self._vectors) < 2 or not len(vectors):
            return None
        return np.stack([_nearest_of(theirs, vectors) for name, theirs in self._vectors.items() if name != question_id])


def _nearest_of(texts: Vectors, vectors: Vectors) -> Array:
    """The cosine of each of `vectors` (n, width) with the nearest of `texts`, (n,)."""
    return np.asarray((vectors @ texts.T).max(axis=1), np.float32)


def _own_texts(prompt: str, rubric: Rubric) -> list[str]:
    points = [point for point in rubric.points if point.kind is PointKind.point]
    texts = [prompt, *(point.probe for point in rubric.points)]
    texts += [text for point in points for text in (point.says, *point.exemplars[:EXEMPLARS])]
    return texts + [text for one in rubric.mistakes for text in (one.says, *one.exemplars[:EXEMPLARS])]
