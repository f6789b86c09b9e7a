"""Affine recalibration in log-odds: mends level and confidence, never the order."""

import numpy as np
from scipy.optimize import minimize

from blockrisk.models.estimators import log_odds

Array = np.ndarray

_PRIOR_LEVEL = 12.0  # positives' worth of trust in a = 0
_PRIOR_SLOPE = 60.0  # positives' worth of trust in b = 1: the model to ship has seen more than the one that is calibrated
_LEAST_SLOPE = 0.05


def fit_affine(margin: Array, y: Array, weight: Array | None = None) -> tuple[float, float]:
    """Find a and b > 0 such that a + b * margin forecasts y on later rows.

    `margin` is float64[n] in log-odds, `y` int[n] of 0 and 1, `weight` float64[n] (default 1). Penalised towards a = 0, b = 1:
    with few positives little moves; no rows, or no positive ones, give almost (0, 1). The slope works around the mean margin of
    the rows, so that level and confidence are mended apart (Platt 1999, with a prior).

    >>> margin = np.linspace(-4, 4, 2001)
    >>> y = (np.random.default_rng(0).random(2001) < 1 / (1 + np.exp(-margin / 2))).astype(int)
    >>> a, b = fit_affine(margin, y)
    >>> 0.45 < b < 0.65, abs(a) < 0.2
    (True, True)
    """
    margin, y = np.asarray(margin, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(margin):
        return 0.0, 1.0
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    middle = float(np.average(margin, weights=weight))
    spread = max(float(np.average((margin - middle) ** 2, weights=weight)), 1e-12)

    def loss(point: Array) -> tuple[float, Array]:
        score = middle + point[0] + point[1] * (margin - middle)
        residual = weight * (1 / (1 + np.exp(-score)) - y)
        value = np.sum(weight * (np.logaddexp(0, score) - y * score))
        value += _PRIOR_LEVEL / 2 * point[0] ** 2 + _PRIOR_SLOPE / 2 * spread * (point[1] - 1) ** 2
        slope = residual @ (margin - middle) + _PRIOR_SLOPE * spread * (point[1] - 1)
        return float(value), np.array([residual.sum() + _PRIOR_LEVEL * point[0], slope])

    found = minimize(loss, [0.0, 1.0], jac=True, method="L-BFGS-B", bounds=[(None, None), (_LEAST_SLOPE, None)])
    shift, b = (float(value) for value in found.x)
    return middle + shift - b * middle, b


def base_margin(y: Array, weight: Array | None = None) -> float:
    """Give the log-odds of the base rate, one half positive added, so that no positives give a number.

    >>> round(base_margin(np.zeros(99)), 2)
    -5.29
    """
    weight = np.ones(len(y)) if weight is None else weight
    return log_odds((float(weight @ y) + 0.5) / (float(weight.sum()) + 1.0))
