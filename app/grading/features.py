"""What is measured of each window against each point and each mistake, before anything is weighed.

Every feature is one that a person can check, and more of it never means less credit (or a less likely mistake):
that is what lets the weights be held non-negative and every verdict be explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.grading.encoder import Vectors
from app.grading.references import Group, References, best
from app.grading.segment import Window
from app.grading.words import content_stems, words

Array = npt.NDArray[np.float32]

POINT_FEATURES = ("nearest", "next_nearest", "ahead_of_points", "ahead_of_mistakes", "shared_words")
MISTAKE_FEATURES = ("nearest", "next_nearest", "ahead_of_points", "ahead_of_correction", "shared_words")

RUNNERS_UP = 3
"""How many of a point's texts `next_nearest` averages over: one lucky exemplar should not decide alone."""
MARGIN = 0.3
"""Margins are cut to plus or minus this; beyond it a window is simply about something else."""


class Measured(NamedTuple):
    """Features of the windows of one answer: (windows, points, features) and (windows, mistakes, features)."""

    points: Array
    mistakes: Array


def measure(windows: Sequence[Window], vectors: Vectors, refs: References) -> Measured:
    """Measure every window against every point and mistake; `vectors` are the windows' unit vectors."""
    similarity = np.asarray(vectors @ refs.vectors.T, np.float32)
    shared = shared_words(windows, refs)
    points, mistakes = best(similarity, refs.points), best(similarity, refs.mistakes)
    corrections = best(similarity, refs.corrections)
    wrong = mistakes.max(axis=1, initial=-1.0)[:, None]
    right = points.max(axis=1, initial=-1.0)[:, None]
    point_features = (
        points,
        _runners_up(similarity, refs.points),
        _margin(points, _best_other(points)),
        _margin(points, np.broadcast_to(wrong, points.shape)),
        _grouped(shared, refs.points),
    )
    mistake_features = (
        mistakes,
        _runners_up(similarity, refs.mistakes),
        _margin(mistakes, np.broadcast_to(right, mistakes.shape)),
        _margin(mistakes, corrections),
        _grouped(shared, refs.mistakes),
    )
    return Measured(np.stack(point_features, axis=2), np.stack(mistake_features, axis=2))


def pair_vectors(single: Vectors, lengths: Sequence[int]) -> Vectors:
    """Unit vectors of neighbouring pairs, (n - 1, width), from unit vectors (n, width) of the single sentences.

    The model averages over tokens, so the mean of two sentences weighted by length stands in for encoding both
    together, at a third of the time.
    """
    weighted = single * np.asarray(lengths, np.float32)[:, None]
    joined = weighted[:-1] + weighted[1:]
    norms = np.linalg.norm(joined, axis=1, keepdims=True)
    return np.asarray(joined / np.maximum(norms, 1e-9), np.float32)


def shared_words(windows: Sequence[Window], refs: References) -> Array:
    """The share of each text's content words that a window has, rare words counting more: (windows, texts).

    A word's weight is 1 / (number of points and mistakes whose texts have it), 0 for words of the question itself.
    """
    groups = (*refs.points, *refs.mistakes)
    spread: dict[str, int] = {}
    for group in groups:
        for one in frozenset().union(*refs.stems[group.start : group.stop]):
            spread[one] = spread.get(one, 0) + 1
    asked = refs.stems[refs.prompts.start]
    weight = {one: 0.0 if one in asked else 1.0 / count for one, count in spread.items()}
    totals = [sum(weight.get(one, 0.0) for one in stems) for stems in refs.stems]
    found = np.zeros((len(windows), len(refs.texts)), np.float32)
    for row, window in enumerate(windows):
        have = frozenset(content_stems(words(window.text)))
        for group in groups:
            for column in range(group.start, group.stop):
                if totals[column]:
                    common = sorted(
                        refs.stems[column] & have
                    )  # a set's order differs from run to run; a sum's bits too
                    found[row, column] = sum(weight[one] for one in common) / totals[column]
    return found


def _runners_up(similarity: Array, groups: Sequence[Group]) -> Array:
    columns = [
        np.sort(similarity[:, group.start : group.stop], axis=1)[:, -RUNNERS_UP:].mean(axis=1) for group in groups
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(similarity), 0), np.float32)


def _grouped(values: Array, groups: Sequence[Group]) -> Array:
    return best(values, groups)


def _best_other(values: Array) -> Array:
    """For each column, the highest of the other columns in that row; -1 where there is no other."""
    if values.shape[1] < 2:
        return np.full_like(values, -1.0)
    order = np.argsort(values, axis=1, kind="stable")
    first, second = order[:, -1], order[:, -2]
    rows = np.arange(len(values))
    other = np.repeat(values[rows, first][:, None], values.shape[1], axis=1)
    other[rows, first] = values[rows, second]
    return other


def _margin(values: Array, against: Array) -> Array:
    return np.clip(values - against, -MARGIN, MARGIN)
