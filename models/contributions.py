"""What each column adds to a forecast against the training mean: exact, from the model's own form."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from blockrisk.models.estimators import Forecast
from blockrisk.models.exact import on_grid
from blockrisk.models.forest import Forest
from blockrisk.models.smooth import SmoothPart

Array = np.ndarray

_ROWS = 512  # rows at once
_CELLS = 1 << 18  # (row, slot) pairs at once: the working arrays stay in the processor's cache
_THREADS = 2


def contributions(model: Forecast, values: Array) -> tuple[float, Array]:
    """Split the margin of each row into a base and one addend a column.

    A column's addend is its curve less the curve's mean over the training rows, half of each product it takes part in (less the
    product's mean), and its Shapley value in the trees: what it adds on average over all orders in which the columns become
    known, a column not yet known being averaged over the training rows that the trees saw (path-dependent, from `cover`). All of
    it times the slope of the calibration; a shift of level counts wholly for its own column. Addends are rounded to the grid
    before they are summed: a row alone and in a batch gives the same bits.

    Args:
        model: a forecast whose smooth part, if any, holds its training means.
        values: float64[n, p], as `model.values` makes them.

    Returns:
        base (log-odds, the same for all rows) and addends float64[n, p]; base + the sum of a row's addends is its margin but for
        rounding (1e-9). No rows give no addends.

    Raises:
        ValueError: the smooth part was fitted before training means were kept.

    >>> from blockrisk.models.estimators import constant_forecast
    >>> contributions(constant_forecast(["calls_out_1d"], 0.5), np.array([[3.0]]))
    (0.0, array([[0.]]))

    """
    base, added = model.intercept, np.zeros(values.shape)
    if model.smooth is not None:
        part, mean = model.smooth, _means(model.smooth)
        base += float(mean.sum())
        for start in range(0, len(values), _ROWS):
            added[start : start + _ROWS] = _smooth(part, mean, values[start : start + _ROWS])
    if model.forest is not None and len(model.forest.roots):
        groups = leaf_groups(model.forest)
        base += float(sum(group.value @ group.reach.prod(axis=1) for group in groups))
        starts = range(0, len(values), _ROWS)
        with ThreadPoolExecutor(_THREADS) as pool:
            parts = pool.map(partial(_forest, groups), (values[start : start + _ROWS] for start in starts))
            for start, part_added in zip(starts, parts, strict=True):
                added[start : start + _ROWS] += part_added
    added = model.calibration_b * added
    if model.levels is not None:
        added[:, model.levels.column] += model.levels.margin(values)
    return model.calibration_a + model.calibration_b * base, added


def explainable(model: Forecast) -> bool:
    """Say whether the model holds the training means that contributions are told against.

    >>> from blockrisk.models.estimators import constant_forecast
    >>> explainable(constant_forecast([], 0.5))
    True
    """
    return model.smooth is None or model.smooth.mean is not None


def _means(part: SmoothPart) -> Array:
    if part.mean is None:
        raise ValueError("the smooth part holds no training means; train the model again")
    return part.mean


def _smooth(part: SmoothPart, mean: Array, values: Array) -> Array:
    columns = values.shape[1]
    added = part.terms(values) - mean[:columns]
    halves = (part.products(values) - mean[columns:]) / 2
    for pair, half in zip(part.pairs, halves.T, strict=True):
        added[:, pair[0]] += half
        added[:, pair[1]] += half
    return added


@dataclass(frozen=True)
class LeafGroup:
    """Hold the leaves whose paths ask about the same number d of distinct columns.

    A row is in a leaf if for each of its d columns low < value <= high, or the value is missing and `missing` says so; `reach` is
    the share of the training rows that pass the leaf's questions about that column. Arrays of shape (leaves, d); `value` has one
    number a leaf, divided by the bags.
    """

    column: Array
    low: Array
    high: Array
    missing: Array
    reach: Array
    value: Array

    def slices(self, most: int) -> Iterator["LeafGroup"]:
        """Cut the group into parts of at most `most` leaves."""
        for start in range(0, len(self.value), most):
            rows = slice(start, start + most)
            yield LeafGroup(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def leaf_groups(forest: Forest) -> list[LeafGroup]:
    """List the leaves of a forest with their questions joined by column, grouped by the number of columns asked about."""
    found: dict[int, list[tuple[dict[int, _Asked], float]]] = {}
    for root in forest.roots.tolist():
        waiting: list[tuple[int, dict[int, _Asked]]] = [(root, {})]
        while waiting:
            node, path = waiting.pop()
            left, right = int(forest.left[node]), int(forest.right[node])
            if left == node:
                found.setdefault(len(path), []).append((path, float(forest.value[node]) / forest.bags))
                continue
            column, edge, whole = int(forest.feature[node]), float(forest.threshold[node]), float(forest.cover[node])
            before, to_left = path.get(column, _Asked()), bool(forest.missing_left[node])
            shares = [float(forest.cover[child]) / whole if whole > 0 else 0.5 for child in (left, right)]
            waiting.append((left, path | {column: before.below(edge, to_left, shares[0])}))
            waiting.append((right, path | {column: before.above(edge, not to_left, shares[1])}))
    return [_group(leaves) for _, leaves in sorted(found.items())]


@dataclass(frozen=True)
class _Asked:
    low: float = -np.inf
    high: float = np.inf
    missing: bool = True
    reach: float = 1.0

    def below(self, edge: float, missing: bool, share: float) -> "_Asked":
        return _Asked(self.low, min(self.high, edge), self.missing and missing, self.reach * share)

    def above(self, edge: float, missing: bool, share: float) -> "_Asked":
        return _Asked(max(self.low, edge), self.high, self.missing and missing, self.reach * share)


def _group(leaves: list[tuple[dict[int, _Asked], float]]) -> LeafGroup:
    shape = (len(leaves), len(leaves[0][0]))
    asked = [one for path, _ in leaves for one in path.values()]
    return LeafGroup(
        np.array([column for path, _ in leaves for column in path], dtype=np.int64).reshape(shape),
        np.array([one.low for one in asked], dtype=np.float64).reshape(shape),
        np.array([one.high for one in asked], dtype=np.float64).reshape(shape),
        np.array([one.missing for one in asked], dtype=bool).reshape(shape),
        np.array([one.reach for one in asked], dtype=np.float64).reshape(shape),
        np.array([value for _, value in leaves], dtype=np.float64),
    )


def _forest(groups: list[LeafGroup], values: Array) -> Array:
    by_column = np.ascontiguousarray(values.T)
    added = np.zeros(by_column.shape)
    for group in groups:
        depth = group.column.shape[1]
        if depth:
            for part in group.slices(max(1, _CELLS // (len(values) * depth))):
                _add_up(part.column.ravel(), _shapley(part, by_column), added)
    return added.T


def _shapley(group: LeafGroup, by_column: Array) -> Array:
    """Give the Shapley values of the leaves' columns for each row: float64[leaves * d, n].

    A leaf is worth value * the product over its columns of: 1 or 0 where the column is known (inside or not), reach where it is
    not. The average over all orders is an integral over t from 0 to 1, the share of the columns already known, of a polynomial of
    degree d - 1; Gauss's rule with d / 2 points gives it exactly.
    """
    leaves, depth = group.column.shape
    seen = by_column[group.column]
    edge = (leaves, depth, 1)
    inside = (seen > group.low.reshape(edge)) & (seen <= group.high.reshape(edge))
    inside |= np.isnan(seen) & group.missing.reshape(edge)
    reach = group.reach.reshape(edge)
    points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
    total = np.zeros(seen.shape)
    for t, weight in zip((points + 1) / 2, weights / 2, strict=True):
        outside = np.maximum((1 - t) * reach, 1e-300)
        factor = np.where(inside, outside + t, outside)
        total += weight * factor.prod(axis=1, keepdims=True) / factor
    total *= np.where(inside, 1 - reach, -reach) * group.value.reshape(-1, 1, 1)
    return np.asarray(on_grid(total).reshape(leaves * depth, -1))


def _add_up(columns: Array, parts: Array, added: Array) -> None:
    """Add the rows of `parts` to those rows of `added` that `columns` names, repeats included."""
    order = np.argsort(columns, kind="stable")
    ordered = columns[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    added[ordered[first]] += np.add.reduceat(parts[order], first, axis=0)
