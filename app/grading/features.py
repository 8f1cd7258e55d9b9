"""What is measured of each window against each point and each mistake, before anything is weighed.

Every feature is one that a person can check, and more of it never means less credit (or a less likely mistake):
that is what lets the weights be held non-negative and every verdict be explained.

The texts of a rubric are all about one topic, and so is the answer; what they share drowns what sets the points apart.
Features called `centred` therefore compare vectors from which the rubric's mean has been taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.segment import Window
from app.grading.encoder import Vectors, unit
from app.grading.references import Group, References, best
from app.grading.words import content_stems, words

Array = npt.NDArray[np.float32]

POINT_FEATURES = (
    "nearest",
    "centred",
    "centred_next",
    "ahead_of_points",
    "ahead_of_mistakes",
    "apart",
    "ahead_of_bank",
    "shared_words",
    "vocabulary",
    "singled_out",
)
MISTAKE_FEATURES = (
    "nearest",
    "centred",
    "centred_next",
    "ahead_of_points",
    "apart",
    "shared_words",
    "vocabulary",
    "singled_out",
)

LONE_FEATURES = ("nearest", "shared_words")
"""What is left of POINT_FEATURES for a rubric of one to three points; the rest compare a point with its neighbours."""
JUDGED_FEATURES = tuple(name for name in POINT_FEATURES if name not in ("shared_words", "vocabulary"))
"""What points with exemplars are judged by: not by words. Without them answers that avoid textbook terms gain 6 points
of 100, terse ones and transcripts 4, and those turned false lose 4."""

RUNNERS_UP = 3
"""How many of a point's texts `centred_next` averages over: one lucky exemplar should not decide alone."""
MARGIN = 0.3
"""Margins are cut to plus or minus this; beyond it a window is simply about something else. Where a rubric names no
mistakes, the margin over them is 0: that there are none speaks neither for an answer nor against it."""
ELSEWHERE_UNKNOWN = 0.7
"""Where there is no bank to compare with, the cosine with the nearest text of another question is taken to be this:
about its median over the windows of labelled answers. With the packaged layers that is 0.56, which stood here before;
with the trained ones it let two sentences about bread raise an answer's score by 1.4 of 100, this by 0.8."""
ON_ITS_SIDE = 0.1
"""How far on a mistake's side of its contrasts (the feature `apart`) a window must lie to make it. "Covariate shift is
when P(x) changes" is as near to the sentence that exchanges the terms as to the right one, and so no proof of either.
On the labelled answers QWK rose from 0.929 to 0.936 by it, precision of mistakes from 0.902 to 0.907; recall fell from
0.782 to 0.767 (with 0.25: 0.935, 0.916, 0.745)."""
APART_UNKNOWN = ON_ITS_SIDE
"""What `apart` is for a claim without contrasts: neither side is known, so nothing is held against it."""
SINGLED_OUT = (-1.0, 1.5)
"""What `singled_out` is cut to: 1 is the mean of a claim's own texts, 0 that of all others in the rubric."""
SHRINK = 8
"""The rubric's mean counts n / (n + SHRINK) for n texts: the mean of two or three is hardly a topic."""


class Measured(NamedTuple):
    """Features of the windows of one answer: (windows, points, features) and (windows, mistakes, features)."""

    points: Array
    mistakes: Array


def measure(
    windows: Sequence[Window],
    vectors: Vectors,
    refs: References,
    elsewhere: Array | None = None,
) -> Measured:
    """Measure every window against every point and mistake; `vectors` are the windows' unit vectors.

    `elsewhere` (windows,) is each window's cosine with the nearest text of any other question; without it it is taken
    to be ELSEWHERE_UNKNOWN.
    """
    plain = np.asarray(vectors @ refs.vectors.T, np.float32)
    nearest = best(plain, refs.points)
    bank = np.full((len(vectors), 1), ELSEWHERE_UNKNOWN, np.float32) if elsewhere is None else elsewhere[:, None]
    centred = _centred(vectors, refs)
    shared, known = refs.words.shared([frozenset(content_stems(words(window.text))) for window in windows])
    points, mistakes = best(centred, refs.points), best(centred, refs.mistakes)
    apart = _apart(vectors, refs)
    singled_out = np.clip(refs.singled_out(vectors), *SINGLED_OUT)
    point_features = (
        nearest,
        points,
        _runners_up(centred, refs.points),
        _margin(points, _best_other(points)),
        _margin(points, np.broadcast_to(_highest(mistakes), points.shape)) if refs.mistakes else np.zeros_like(points),
        apart[:, : len(refs.points)],
        _margin(nearest, bank),
        best(shared, refs.points),
        known[:, : len(refs.points)],
        singled_out[:, : len(refs.points)],
    )
    mistake_features = (
        best(plain, refs.mistakes),
        mistakes,
        _runners_up(centred, refs.mistakes),
        _margin(mistakes, np.broadcast_to(_highest(points), mistakes.shape)),
        apart[:, len(refs.points) :],
        best(shared, refs.mistakes),
        known[:, len(refs.points) :],
        singled_out[:, len(refs.points) :],
    )
    return Measured(np.stack(point_features, axis=2), np.stack(mistake_features, axis=2))


def pair_vectors(single: Vectors, lengths: Sequence[int]) -> Vectors:
    """Unit vectors of neighbouring pairs, (n - 1, width), from unit vectors (n, width) of the single sentences.

    The model averages over tokens, so the mean of two sentences weighted by length stands in for encoding both
    together, at a third of the time.
    """
    weighted = single * np.asarray(lengths, np.float32)[:, None]
    return unit(weighted[:-1] + weighted[1:])


def _centred(vectors: Vectors, refs: References) -> Array:
    """Cosines of windows and texts, (windows, texts), once the rubric's mean has been taken away from both."""
    claims = refs.claims
    mean = claims.mean(axis=0) * (len(claims) / (len(claims) + SHRINK))
    return np.asarray(unit(vectors - mean) @ unit(refs.vectors - mean).T, np.float32)


def _runners_up(similarity: Array, groups: Sequence[Group]) -> Array:
    columns = [
        np.sort(similarity[:, group.start : group.stop], axis=1)[:, -RUNNERS_UP:].mean(axis=1) for group in groups
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(similarity), 0), np.float32)


def _apart(vectors: Vectors, refs: References) -> Array:
    """How far each window is on a claim's side of its contrasts, -1 to 1: (windows, points and mistakes)."""
    unknown = np.full(len(vectors), APART_UNKNOWN, np.float32)
    columns = [np.clip(one(vectors), -1.0, 1.0) if one else unknown for one in refs.apart]
    return np.stack(columns, axis=1)


def _highest(values: Array) -> Array:
    """The highest of each row, as a column; -1 where there are none."""
    return np.asarray(values.max(axis=1, initial=-1.0)[:, None], np.float32)


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
    return np.asarray(np.clip(values - against, -MARGIN, MARGIN), np.float32)
