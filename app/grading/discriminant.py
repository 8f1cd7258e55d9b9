"""Telling what says a point from what only looks like it: two functions of the vector for each claim.

One tells a claim from its contrasts alone (`tell_apart`), the other from all else that the rubric has (`one_vs_rest`).
The first is linear, as few texts are fitted; the second is not, as a point has been said in many unlike ways.

The nearest text alone can't do that. A sentence and its twin turned false lie close together, and which of a point's
texts is nearest depends on the example that somebody happens to give. But the exemplars together differ from their
contrasts in a direction, and ridge regression finds it: on 1,071 pairs that the encoder had not seen, the true sentence
came out above its turned twin in 87 % by this function, in 76 % by the nearest exemplar alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RIDGE = 0.01
"""Penalty on the direction's squared length, both sides having weight 1: best of 0.003 to 1, and flat around it."""
RIDGE_OF_ALL = 0.2
"""Penalty of the kernel regression against all other rows, in means of the centred kernel's diagonal."""
FEWEST = 3
"""Texts on each side from which a direction is worth anything."""

Array = npt.NDArray[np.float32]


class Discriminant(NamedTuple):
    """score(v) = (v - middle) . direction: about 1 for the claim's own texts, about -1 for its contrasts."""

    middle: Array
    direction: Array

    def __call__(self, vectors: Array) -> Array:
        """Scores (n,) of vectors (n, width)."""
        return np.asarray((vectors - self.middle) @ self.direction, np.float32)


class OneVsRest(NamedTuple):
    """scores(v) = K(v, rows) @ dual - offsets, centred: about 1 for a claim's own texts, about 0 for all others.

    `rows` (texts, width) are what it was fitted to, `means` (texts,) the means of their kernel's rows, `mean` of all.
    """

    rows: Array
    means: Array
    mean: float
    dual: Array
    offsets: Array

    def __call__(self, vectors: Array) -> Array:
        """Scores (n, claims) of vectors (n, width)."""
        near = _kernel(vectors, self.rows)
        near = near - near.mean(axis=1, keepdims=True) - self.means + self.mean
        return np.asarray(near @ self.dual - self.offsets, np.float32)


def one_vs_rest(vectors: Array, claims: Sequence[slice]) -> OneVsRest:
    """The functions that tell each of `claims`, rows of `vectors` (n, width), from all other rows.

    Kernel ridge regression on 1 and 0, all rows having the same weight and the kernel being centred (as in Schoelkopf
    et al. 1998); then scaled so that the means of a claim's own rows and of the others are 1 and 0. One system of
    equations serves all claims.
    """
    centred = _kernel(vectors, vectors)
    means, mean = centred.mean(axis=0), float(centred.mean())
    centred -= means[:, None]  # in place, here and below: it is some 35 MB, and copies of it were the server's peak
    centred -= means
    centred += mean
    own = np.zeros((len(vectors), len(claims)))
    for column, claim in enumerate(claims):
        own[claim, column] = 1.0
    penalty = max(RIDGE_OF_ALL * np.trace(centred) / len(vectors), 1e-6)
    centred.flat[:: len(vectors) + 1] += penalty
    dual = np.linalg.solve(centred, own - own.mean(axis=0))
    scores = centred @ dual - penalty * dual
    mine = (scores * own).sum(axis=0) / own.sum(axis=0)
    others = (scores * (1 - own)).sum(axis=0) / (1 - own).sum(axis=0)
    spread = np.maximum(mine - others, 0.05)  # a statement that is also the question can't be told from it
    return OneVsRest(
        np.asarray(vectors, np.float32),
        np.asarray(means, np.float32),
        mean,
        np.asarray(dual / spread, np.float32),
        np.asarray(others / spread, np.float32),
    )


def _kernel(left: Array, right: Array) -> npt.NDArray[np.float64]:
    """exp(-|u - v|^2) of each pair of unit vectors."""
    kernel = left.astype(np.float64) @ right.astype(np.float64).T
    kernel -= 1.0
    kernel *= 2.0
    return np.exp(kernel, out=kernel)


def tell_apart(claim: Array, contrasts: Array, ridge: float = RIDGE) -> Discriminant | None:
    """The function that tells `claim` (n, width) from `contrasts` (m, width); None where either is too few.

    Weighted ridge regression on +1 and -1, each side with the same total weight and the point half-way between their
    means as origin; solved in its dual form where there are fewer texts than numbers in a vector.
    """
    if len(claim) < FEWEST or len(contrasts) < FEWEST:
        return None
    both = np.concatenate([claim, contrasts]).astype(np.float64)
    middle = (claim.mean(axis=0) + contrasts.mean(axis=0)) / 2
    centred = both - middle
    counts = np.r_[np.full(len(claim), len(claim)), np.full(len(contrasts), len(contrasts))].astype(np.float64)
    wanted = np.r_[np.ones(len(claim)), -np.ones(len(contrasts))]
    if len(both) <= both.shape[1]:
        direction = centred.T @ np.linalg.solve(centred @ centred.T + ridge * np.diag(counts), wanted)
    else:
        weighed = centred.T / counts
        direction = np.linalg.solve(weighed @ centred + ridge * np.eye(len(weighed)), weighed @ wanted)
    return Discriminant(np.asarray(middle, np.float32), np.asarray(direction, np.float32))
