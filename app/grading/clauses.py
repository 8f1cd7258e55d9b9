"""Sentences of which each clause clearly says a point.

"Precision is how many of the flagged were fraud, and recall how much of the fraud we flagged" has nearly the vector of
the same sentence with the two words exchanged, and of the mistake that swaps them. Its clauses by themselves are told
apart well. Where each of them clearly says a point, there is no doubt left: the sentence says all of these, and makes
no mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.segment import Window

Probabilities = npt.NDArray[np.float64]

COVERED = 0.8
"""The share of a sentence that its clauses make up, at least: commas and conjunctions lie between them, and of a slice
of an over-long sentence the first and last clause may be cut off."""


class BorneOut(NamedTuple):
    """The probabilities (windows, points) by sentences after their clauses were heard, and which of the rows agree."""

    nearest: Probabilities
    rows: tuple[int, ...]


def borne_out(
    windows: Sequence[Window],
    nearest: Probabilities,
    clauses: Sequence[Window],
    said: Probabilities,
    clearly: float,
) -> BorneOut:
    """`nearest` with the points of sentences of which each clause says one at `clearly` or more.

    `windows` are n sentences and their n - 1 pairs, `clauses` m clauses and their m - 1 pairs; `nearest` and `said` are
    the probabilities of either (windows, points). Pairs are not looked at.
    """
    left, right = nearest.copy(), []
    parts = clauses[: (len(clauses) + 1) // 2]
    clear = said[: len(parts)].max(axis=1) >= clearly
    for row, sentence in enumerate(windows[: (len(windows) + 1) // 2]):
        mine = [at for at, part in enumerate(parts) if sentence.start <= part.start and part.end <= sentence.end]
        covered = sum(len(parts[at].text) for at in mine)
        if len(mine) > 1 and clear[mine].all() and covered >= COVERED * len(sentence.text):
            left[row] = np.maximum(left[row], said[mine].max(axis=0))
            right.append(row)
    return BorneOut(left, tuple(right))


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
