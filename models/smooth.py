"""The smooth part of a forecast: one curve a column, and a few products of two columns."""

from dataclasses import dataclass, replace

import numpy as np

from blockrisk.models.exact import on_grid

Array = np.ndarray

BOTH, EITHER = 0, 1
"""Kinds of product: g * h (both must be high), and 1 - (1 - g)(1 - h) (one of them is enough)."""

_ROWS = 2048  # rows at once: memory stays bounded


def signed_log(values: Array) -> Array:
    """Compress heavy tails, sign(x) log(1 + |x|), element by element; NaN stays NaN.

    >>> signed_log(np.array([0.0, np.e - 1, 1 - np.e])).tolist()
    [0.0, 1.0, -1.0]
    """
    return np.copysign(np.log1p(np.abs(values)), values)


@dataclass(frozen=True)
class SmoothPart:
    """Hold the curves and products of an additive logistic regression as plain arrays.

    Column j has the knots `knots[j]` (at least one, ascending, on the signed-log scale, padded with +inf) and the log-odds
    `curves[j]` at them (padded with the last one): between two knots the curve is straight, outside it is flat. A missing
    value has `missing[j]`. `gates[j]` are likewise curves from 0 to 1 (missing: `gate_missing[j]`), of which the i-th product
    takes those of the two columns `pairs[i]`, joins them as `kinds[i]` says (BOTH, EITHER) and multiplies by `weights[i]`.
    `mean` holds the mean addend over the training rows of each column, then of each product: what reasons are told against.

    A curve that never falls, and a weight of at least 0 on gates that never fall, make the sum monotone in that column, to the
    last bit: each step of the computation keeps the order.

    >>> part = SmoothPart(np.array([[0.0, 1.0]]), np.array([[-1.0, 1.0]]), np.array([0.25]), np.zeros((1, 2)), np.zeros(1),
    ...     np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    >>> part.margin(np.array([[0.0], [np.e - 1], [1000.0], [np.nan]])).tolist()
    [-1.0, 1.0, 1.0, 0.25]
    """

    knots: Array
    curves: Array
    missing: Array
    gates: Array
    gate_missing: Array
    pairs: Array
    kinds: Array
    weights: Array
    mean: Array | None = None

    def centred(self, values: Array, weight: Array) -> "SmoothPart":
        """Note the mean addends over training rows float64[n, p] of the given weights; no rows give zeros."""
        total = np.zeros(len(self.knots) + len(self.weights))
        for start in range(0, len(values), _ROWS):
            part, rows = values[start : start + _ROWS], weight[start : start + _ROWS]
            total += np.concatenate([rows @ self.terms(part), rows @ self.products(part)])
        return replace(self, mean=on_grid(total / max(float(weight.sum()), 1e-300)))

    def terms(self, values: Array) -> Array:
        """Give each column's addend, float64[n, p] in log-odds on the grid, for values float64[n, p]."""
        return on_grid(read_curves(signed_log(values), self.knots, self.curves, self.missing))

    def products(self, values: Array) -> Array:
        """Give each product's addend, float64[n, m] in log-odds on the grid, for values float64[n, p]."""
        if not len(self.weights):
            return np.zeros((len(values), 0))
        used = np.unique(self.pairs)
        gate = np.zeros(values.shape)
        gate[:, used] = read_curves(signed_log(values[:, used]), self.knots[used], self.gates[used], self.gate_missing[used])
        return on_grid(join_gates(gate[:, self.pairs[:, 0]], gate[:, self.pairs[:, 1]], self.kinds) * self.weights)

    def margin(self, values: Array) -> Array:
        """Sum all addends, float64[n] in log-odds; no rows give no margins."""
        total = np.zeros(len(values))
        for start in range(0, len(values), _ROWS):
            part = values[start : start + _ROWS]
            total[start : start + _ROWS] = self.terms(part).sum(axis=1) + self.products(part).sum(axis=1)
        return total

    def check(self, count: int) -> None:
        """Look at the arrays before they are used; ValueError unless they fit each other and `count` columns."""
        shape, products = self.knots.shape, len(self.weights)
        fits = (
            len(shape) == 2
            and shape[0] == count
            and shape[1] >= 1
            and self.curves.shape == self.gates.shape == shape
            and self.missing.shape == self.gate_missing.shape == (count,)
            and self.pairs.shape == (products, 2)
            and self.kinds.shape == self.weights.shape == (products,)
        )
        fits = fits and (self.mean is None or self.mean.shape == (count + products,))
        if not fits or self.pairs.dtype.kind != "i":
            raise ValueError("the smooth part's arrays do not fit together")
        if products and not (self.pairs.min() >= 0 and self.pairs.max() < count):
            raise ValueError("a product names a column that is not there")
        rises = (self.knots[:, 1:] >= self.knots[:, :-1]).all() and np.isfinite(self.knots[:, 0]).all()
        finite = all(np.isfinite(part).all() for part in (self.curves, self.missing, self.gates, self.gate_missing))
        finite = finite and np.isfinite(self.weights).all() and (self.mean is None or bool(np.isfinite(self.mean).all()))
        if not rises or not finite:
            raise ValueError("knots must rise and curves be finite")


def join_gates(first: Array, second: Array, kinds: Array) -> Array:
    """Join two gates from 0 to 1, column by column of float64[n, m], as kinds int64[m] say; rises in both.

    >>> join_gates(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]), np.array([BOTH, EITHER])).tolist()
    [[0.25, 0.75]]
    """
    return np.where(kinds == BOTH, first * second, 1 - (1 - first) * (1 - second))


def read_curves(values: Array, knots: Array, curves: Array, missing: Array) -> Array:
    """Read each column's curve at float64[n, p]: straight between knots[j], flat outside, missing[j] for NaN.

    Keeps the order exactly: a larger value never reads lower on a curve that never falls.

    >>> read_curves(np.array([[0.5]]), np.array([[0.0, 1.0, np.inf]]), np.array([[0.0, 2.0, 2.0]]), np.zeros(1)).tolist()
    [[1.0]]
    """
    finite = np.nan_to_num(values, nan=0.0)
    place = np.zeros(values.shape, dtype=np.int64)
    for k in range(1, knots.shape[1]):
        place += finite >= knots[:, k]
    column = np.arange(knots.shape[0])
    upper = np.minimum(place + 1, knots.shape[1] - 1)
    low, high = knots[column, place], knots[column, upper]
    width = np.where(np.isfinite(high) & (high > low), high - low, np.inf)
    share = (np.clip(finite, low, high) - low) / width
    start, end = curves[column, place], curves[column, upper]
    read = start + share * (end - start)
    read = np.clip(read, np.minimum(start, end), np.maximum(start, end))
    return np.where(np.isnan(values), missing, read)
