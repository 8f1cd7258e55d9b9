"""A point's credit in the light of the whole answer.

A window that looks doubtful by itself is more often right in an answer that is convincing on the other points, and more
often wrong in one that is not: labelled answers show it clearly. So the credit of a point is a logistic function of two
things, both with non-negative weights: the log odds from its own best window, and the mean log odds of the rubric's
other points. What is said can only help, and nothing but what is said counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CONTEXT_FEATURES = ("own", "others")
FEWEST = 4
"""Points from which the others say something; below, a point is judged by itself."""
SURE = 0.03
"""Probabilities are kept this far from 0 and 1: no single point outweighs all others, and "surely not" is no less for a
sentence about something else than for one on the topic."""

REACH = 2.0
"""Log odds to which the other points' are cut: a short answer leaves most points far behind, and no more than "probably
not said" may count against the two or three that it makes well."""

Array = npt.NDArray[np.float64]


def in_context(own: Array, so_far: Array) -> npt.NDArray[np.float32]:
    """CONTEXT_FEATURES of each point, (points, 2).

    `own` (points,) are the probabilities that this turn says each point, `so_far` the highest over the turns up to it.
    """
    odds = np.clip(log_odds(so_far), -REACH, REACH)
    others = (odds.sum() - odds) / max(1, len(odds) - 1)
    return np.stack([log_odds(own), others], axis=1).astype(np.float32)


def log_odds(probability: Array) -> Array:
    """log(p / (1 - p)), kept finite."""
    kept = np.clip(probability, SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)
