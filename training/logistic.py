"""Ridge-penalised logistic regression with limits on the coefficients."""

import numpy as np
from scipy.optimize import minimize

Array = np.ndarray
Limits = tuple[Array, Array]

_STEPS = 30
_TOLERANCE = 1e-6  # relative fall of the loss at which the steps end
_SHORTEST = 1e-4


def fit_logistic(  # noqa: PLR0913 - the parts of one optimisation
    matrix: Array, y: Array, weight: Array, ridge: Array, limits: Limits, start: Array | None = None
) -> Array:
    """Minimise the weighted log loss plus ridge/2 * coefficient^2 within limits; gives the intercept, then q coefficients.

    `matrix` is float64[n, q], `ridge` and both `limits` are float64[q]; the intercept is free. Newton steps on the whole loss,
    each a bounded quadratic problem (L-BFGS-B on the Gram matrix), halved until the loss falls.

    >>> x = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> free, bounded = np.array([np.inf]), np.array([0.0])
    >>> y = np.array([1, 0, 1, 1])
    >>> bool(fit_logistic(x, y, np.ones(4), np.ones(1), (-free, free))[1] < 0)
    True
    >>> float(fit_logistic(x, y, np.ones(4), np.ones(1), (bounded, free))[1])
    0.0
    """
    full = np.column_stack([np.ones(len(y)), matrix])
    rough = full.astype(np.float32)  # for the curvature, which only steers the steps
    ridge = np.concatenate([[1e-6], ridge])
    low, high = (np.concatenate([[edge], part]) for edge, part in zip((-np.inf, np.inf), limits, strict=True))
    point = _start(full, y, weight) if start is None else start
    value = _loss(full, y, weight, ridge, point)
    for _ in range(_STEPS):
        risk = 1 / (1 + np.exp(-(full @ point)))
        slope = full.T @ (weight * (risk - y)) + ridge * point
        scaled = rough * np.sqrt(weight * risk * (1 - risk)).astype(np.float32)[:, None]
        curvature = (scaled.T @ scaled).astype(np.float64) + np.diag(ridge + 1e-9)
        step = _bounded_quadratic(curvature, slope, low - point, high - point)
        length, tried = 1.0, _loss(full, y, weight, ridge, point + step)
        while tried > value and length > _SHORTEST:
            length /= 2
            tried = _loss(full, y, weight, ridge, point + length * step)
        if tried >= value:
            break
        point, value, gain = np.clip(point + length * step, low, high), tried, value - tried
        if gain < _TOLERANCE * abs(value):
            break
    return point


def _start(full: Array, y: Array, weight: Array) -> Array:
    point = np.zeros(full.shape[1])
    point[0] = np.log(max(weight @ y, 0.5) / max(weight @ (1 - y), 0.5))
    return point


def _loss(full: Array, y: Array, weight: Array, ridge: Array, point: Array) -> float:
    score = full @ point
    return float(weight @ (np.logaddexp(0, score) - y * score) + 0.5 * ridge @ point**2)


def _bounded_quadratic(curvature: Array, slope: Array, low: Array, high: Array) -> Array:
    scale = 1 / np.sqrt(np.diag(curvature))
    scaled, target = curvature * scale[:, None] * scale, slope * scale

    def value(step: Array) -> tuple[float, Array]:
        pulled = scaled @ step
        return float(0.5 * step @ pulled + target @ step), pulled + target

    limits = np.column_stack([low / scale, high / scale])
    found = minimize(value, np.zeros(len(slope)), jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 400})
    return found.x * scale
