"""Logistic regression with non-negative weights, by which everything in the calibration is fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PENALTY = 1.0
"""L2 penalty on the weights of standardised features, against the sum of log losses."""
STEPS = 400
"""Accelerated gradient steps of one fit; the loss is flat to six digits after about 200."""

Array = npt.NDArray[np.float64]


def logistic_regression(features: Array, targets: Array, *, penalty: float = PENALTY) -> tuple[float, Array]:
    """Bias and non-negative weights that minimise the log loss against soft targets (0..1), L2-penalised.

    `features` is (rows, features). Accelerated projected gradient (FISTA, Beck and Teboulle 2009) on standardised
    columns; a column that hardly varies gets weight 0.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-4, spread, np.inf)
    design = np.hstack([(features - mean) / scale, np.ones((len(features), 1))])
    step = 4.0 / (np.linalg.norm(design, 2) ** 2 + penalty)
    weights = np.zeros(design.shape[1])
    ahead, momentum = weights.copy(), 1.0
    ridge = np.r_[np.full(features.shape[1], penalty), 0.0]
    for _ in range(STEPS):
        gradient = design.T @ (1 / (1 + np.exp(-design @ ahead)) - targets) + ridge * ahead
        fresh = ahead - step * gradient
        fresh[:-1] = np.maximum(fresh[:-1], 0.0)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = fresh + (momentum - 1) / following * (fresh - weights)
        weights, momentum = fresh, following
    plain = weights[:-1] / scale
    return float(weights[-1] - plain @ mean), plain
