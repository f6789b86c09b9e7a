"""The leaves of a forest with their questions joined by column: what exact reasons are computed from."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from blockrisk.models.exact import on_grid

if TYPE_CHECKING:
    from blockrisk.models.forest import Forest

Array = np.ndarray

_SLOTS = 4096  # (leaf, column) pairs of a group: with a few rows the working arrays stay in the processor's cache
_MOST_TABLED = 8  # columns of a leaf whose Shapley values are kept for all answers: 2^8 numbers a column


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

    @cached_property
    def mean(self) -> float:
        """Give what these leaves add on average over the training rows."""
        return float(self.value @ self.reach.prod(axis=1))

    @cached_property
    def by_column(self) -> tuple[Array, Array, Array]:
        """Order the (leaf, place) slots by column: the order, where each column begins in it, and which column that is."""
        columns = self.column.ravel()
        order = np.argsort(columns, kind="stable")
        first = np.flatnonzero(np.diff(columns[order], prepend=-1))
        return order, first, columns[order][first]

    @cached_property
    def table(self) -> Array | None:
        """Give the Shapley value of each slot, in the order of `by_column`, by which columns are inside: flat, 2^d numbers a slot.

        Column j of a leaf counts 2^j. None where that would be too many numbers.
        """
        depth = self.column.shape[1]
        if depth > _MOST_TABLED:
            return None
        inside = (np.arange(1 << depth) >> np.arange(depth)[:, None] & 1).astype(bool)
        values = self.shapley(np.broadcast_to(inside, (len(self.value), *inside.shape)))
        return values.reshape(-1, 1 << depth)[self.by_column[0]].ravel()

    def inside(self, by_column: Array) -> Array:
        """Say for float64[p, n] whether each row is inside what each leaf asks of each of its columns: bool[leaves, d, n]."""
        seen = by_column[self.column]
        found = (seen > self.low[:, :, None]) & (seen <= self.high[:, :, None])
        found |= np.isnan(seen) & self.missing[:, :, None]
        return found

    def shapley(self, inside: Array) -> Array:
        """Give the Shapley values of the leaves' columns on the grid, float64[leaves, d, n], for bool of that shape.

        A leaf is worth value * the product over its columns of: 1 or 0 where the column is known (inside or not), reach where it
        is not. The average over all orders is an integral over t from 0 to 1, the share of the columns already known, of a
        polynomial of degree d - 1; Gauss's rule with d / 2 points gives it exactly.
        """
        points, weights = np.polynomial.legendre.leggauss((self.column.shape[1] + 1) // 2)
        reach = self.reach[:, :, None]
        total = np.zeros(inside.shape)
        for t, weight in zip((points + 1) / 2, weights / 2, strict=True):
            outside = np.maximum((1 - t) * reach, 1e-300)
            factor = np.where(inside, outside + t, outside)
            total += weight * factor.prod(axis=1, keepdims=True) / factor
        total *= np.where(inside, 1 - reach, -reach) * self.value.reshape(-1, 1, 1)
        return np.asarray(on_grid(total))

    def add_to(self, added: Array, by_column: Array) -> None:
        """Add what the leaves' columns add for rows float64[p, n] to float64[p, n]."""
        inside = self.inside(by_column)
        order, first, columns = self.by_column
        leaves, depth, rows = inside.shape
        if self.table is None:
            parts = self.shapley(inside).reshape(leaves * depth, rows)[order]
        else:
            code = np.zeros((leaves, rows), dtype=np.intp)
            for place in reversed(range(depth)):
                code += code
                code += inside[:, place]
            parts = self.table.take(code[order // depth] + (np.arange(len(order)) << depth)[:, None])
        added[columns] += np.add.reduceat(parts, first, axis=0)


def leaf_groups(forest: "Forest") -> list[LeafGroup]:
    """List the leaves of a forest with their questions joined by column, grouped by the number of columns; few enough in each."""
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
    cut = [(depth, start) for depth in sorted(found) for start in range(0, len(found[depth]), _SLOTS // max(depth, 1))]
    return [_group(found[depth][start : start + _SLOTS // max(depth, 1)]) for depth, start in cut]


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
