"""Which question an answer belongs to, by all that it says: linear discriminant analysis of the bank's questions.

The nearest texts tell well whether an answer is about overfitting or about retraining. Stories are another matter: one
of a conflict and one of a project that went off course are made of the same things, and each sentence of the one is
near to something that the other question asks for. But the questions' texts differ in directions, and the whole answer
leans to one side or to the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.grading.encoder import Vectors

RIDGE = 0.5
"""What is added to the variance in each direction, in means of it. 0.2 to 1 are level."""

Array = npt.NDArray[np.float64]


class Telling(NamedTuple):
    """Texts that tell one question from the others, with unit vectors (texts, width)."""

    texts: Sequence[str]
    vectors: Vectors


class Topics:
    """Tells the questions apart. All count as equally likely, and to vary alike."""

    def __init__(self, questions: Mapping[str, Telling]) -> None:
        """`questions` (at least two) have their texts by their ids."""
        self._texts = {name: frozenset(one.texts) for name, one in questions.items()}
        every = [one.vectors.astype(np.float64) for one in questions.values()]
        means = np.stack([one.mean(axis=0) for one in every])
        within = np.mean([one.T @ one / len(one) for one in every], axis=0) - means.T @ means / len(means)
        within.flat[:: len(within) + 1] += RIDGE * np.trace(within) / len(within)
        self._means = dict(zip(questions, means, strict=True))
        self._inverse = np.linalg.inv(within)

    def lead(self, question: str, rubric: Telling, sentences: Vectors) -> float:
        """How much likelier the `sentences` (n, width) are to belong to `question` than to the likeliest other one.

        In log odds, the mean of the sentences. `rubric` is what they are judged by; those of its texts count that tell
        the question from others, so that a rubric which has not heard something is not helped by it here.
        """
        rows = [row for row, text in enumerate(rubric.texts) if text in self._texts[question]]
        mine = rubric.vectors[rows].mean(axis=0, dtype=np.float64) if rows else self._means[question]
        middle = sentences.mean(axis=0, dtype=np.float64)
        others = np.stack([mean for name, mean in self._means.items() if name != question])
        return float(self._score(mine[None], middle)[0] - self._score(others, middle).max())

    def _score(self, means: Array, vector: Array) -> Array:
        """The discriminant (questions,) of `vector` (width,) for questions with these `means` (questions, width)."""
        return np.asarray(((vector - means / 2) * (means @ self._inverse)).sum(axis=1), np.float64)
