"""Sentences that say two things, one after the other: read again clause by clause.

"Precision is how many of the flagged were fraud, and recall how much of the fraud we flagged" has nearly the vector of
the same sentence with the two words exchanged, and of the mistake that swaps them. Its clauses by themselves are told
apart well. But a clause out of its sentence is as often near to the wrong point as to the right one, so clauses count
only where each of them clearly says a point: then the sentence says all of these, and makes no mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.grading.segment import SENTENCES_MOST, Window, clauses

Probabilities = npt.NDArray[np.float64]


class Reread(NamedTuple):
    """What clauses tell: the probabilities (windows, points), and the sentences (rows) that they clear of mistakes."""

    nearest: Probabilities
    right: tuple[int, ...]


def compound(sentences: Sequence[Window]) -> dict[int, list[Window]]:
    """The clauses of each sentence that has several, by its row; at most SENTENCES_MOST, from the first on."""
    found: dict[int, list[Window]] = {}
    left = SENTENCES_MOST
    for row, sentence in enumerate(sentences):
        if 1 < len(parts := clauses(sentence)) <= left:
            found[row] = parts
            left -= len(parts)
    return found


def reread(nearest: Probabilities, counts: Mapping[int, int], said: Probabilities, clearly: float) -> Reread:
    """`nearest` (windows, points) with the points of sentences of which each clause says one at `clearly` or more.

    `counts` is how many clauses the sentence of a row has, `said` (clauses, points) what they say, row after row.
    """
    left, right, start = nearest.copy(), [], 0
    for row, count in counts.items():
        clause = said[start : start + count]
        start += count
        if (clause.max(axis=1) >= clearly).all():
            left[row] = np.maximum(left[row], clause.max(axis=0))
            right.append(row)
    return Reread(left, tuple(right))


def cleared(suspected: Probabilities, right: Sequence[int]) -> Probabilities:
    """`suspected` (windows, mistakes) without the sentences in `right`; a pair counts as its other sentence at most."""
    left = suspected.copy()
    sentences = (len(suspected) + 1) // 2
    left[list(right)] = 0.0
    for row in right:
        for first in (row - 1, row):
            if 0 <= first < sentences - 1:
                other = first + 1 if first == row else first
                left[sentences + first] = np.minimum(left[sentences + first], left[other])
    return left
