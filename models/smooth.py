"""The smooth part of a forecast: one curve a column, and a few products of two columns."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from blockrisk.models.exact import on_grid

Array = np.ndarray

BOTH, EITHER = 0, 1
"""Kinds of product: g * h (both must be high), and 1 - (1 - g)(1 - h) (one of them is enough)."""

_ROWS = 512  # rows at once: the working arrays stay in the processor's cache
_MOST_KNOTS = 255  # of a column: a segment's number is one byte


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
            total += np.concatenate([rows @ added for added in self.addends(part)])
        return replace(self, mean=on_grid(total / max(float(weight.sum()), 1e-300)))

    def terms(self, values: Array) -> Array:
        """Give each column's addend, float64[n, p] in log-odds on the grid, for values float64[n, p]."""
        return self.addends(values)[0]

    def products(self, values: Array) -> Array:
        """Give each product's addend, float64[n, m] in log-odds on the grid, for values float64[n, p]."""
        return self.addends(values)[1]

    def addends(self, values: Array) -> tuple[Array, Array]:
        """Give what `terms` and `products` give, at the cost of one of them."""
        where = locate(signed_log(values), self.knots)
        terms = on_grid(self._curve_segments.read(where, self.missing))
        if not len(self.weights):
            return terms, np.zeros((len(values), 0))
        used, first, second = self._gates_used
        finite, place, gone = (part[:, used] for part in where)
        gate = self._gate_segments.read((finite, place, gone), self.gate_missing[used])
        return terms, on_grid(join_gates(gate[:, first], gate[:, second], self.kinds) * self.weights)

    def margin(self, values: Array) -> Array:
        """Sum all addends, float64[n] in log-odds; no rows give no margins."""
        total = np.zeros(len(values))
        for start in range(0, len(values), _ROWS):
            terms, products = self.addends(values[start : start + _ROWS])
            total[start : start + _ROWS] = terms.sum(axis=1) + products.sum(axis=1)
        return total

    @cached_property
    def _curve_segments(self) -> "_Segments":
        return _segments(self.knots, self.curves)

    @cached_property
    def _gate_segments(self) -> "_Segments":
        return _segments(self.knots, self.gates)

    @cached_property
    def _gates_used(self) -> tuple[Array, Array, Array]:
        """Give the columns that take part in products, and for each product the places of its two among them."""
        used = np.unique(self.pairs)
        return used, np.searchsorted(used, self.pairs[:, 0]), np.searchsorted(used, self.pairs[:, 1])

    def check(self, count: int) -> None:
        """Look at the arrays before they are used; ValueError unless they fit each other and `count` columns."""
        shape, products = self.knots.shape, len(self.weights)
        fits = (
            len(shape) == 2
            and shape[0] == count
            and 1 <= shape[1] <= _MOST_KNOTS
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
    return _segments(knots, curves).read(locate(values, knots), missing)


Located = tuple[Array, Array, Array]
"""Values with 0 for NaN, the number of the segment that each is in, counted through all columns, and which are NaN."""


def locate(values: Array, knots: Array) -> Located:
    """Find the segment between knots[j] that each value of float64[n, p] is in, for any curves over the same knots."""
    missing = np.isnan(values)
    finite = np.nan_to_num(values, nan=0.0)
    place = np.zeros(values.shape, dtype=np.uint8)
    for k in range(1, knots.shape[1]):
        place += (finite >= knots[:, k]).view(np.uint8)
    return finite, place + np.arange(0, knots.size, knots.shape[1]), missing


@dataclass(frozen=True)
class _Segments:
    """Hold the segments of all curves, one column's behind another's: where each begins, how wide it is, and what it reads."""

    low: Array
    width: Array
    start: Array
    rise: Array
    least: Array
    most: Array

    def read(self, where: Located, missing: Array) -> Array:
        finite, place, gone = where
        low = self.low.take(place)
        read = np.maximum(finite, low)
        read -= low
        read /= self.width.take(place)
        read *= self.rise.take(place)
        read += self.start.take(place)
        np.clip(read, self.least.take(place), self.most.take(place), out=read)
        np.copyto(read, missing, where=gone)
        return read


def _segments(knots: Array, curves: Array) -> _Segments:
    upper = np.minimum(np.arange(knots.shape[1]) + 1, knots.shape[1] - 1)
    high, end = knots[:, upper], curves[:, upper]
    rises = np.isfinite(high) & (high > knots)
    width = np.where(rises, np.where(rises, high, 0.0) - np.where(rises, knots, 0.0), np.inf)
    low = np.where(np.isfinite(knots), knots, 0.0)  # no value is in a segment that begins at infinity
    parts = (low, width, curves, end - curves, np.minimum(curves, end), np.maximum(curves, end))
    return _Segments(*(np.ascontiguousarray(part).ravel() for part in parts))
