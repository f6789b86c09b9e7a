"""Boosted trees as plain arrays: followed with numpy alone, and open to exact reasons."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from blockrisk.models.decision_tables import DecisionTables, tabulate
from blockrisk.models.leaf_groups import LeafGroup, leaf_groups

Array = np.ndarray

_MOST_DEPTH = 100
_MOST_NODES = 1 << 20  # the tables made of them stay under a gigabyte


@dataclass(frozen=True)
class Forest:
    """Hold the nodes of all trees of all bags one after the other.

    Node k asks whether value `feature[k]` is <= `threshold[k]` (a missing value answers `missing_left[k]`): yes leads to node
    `left[k]`, no to `right[k]`. A leaf leads to itself, so that following `depth` steps from `roots` ends in a leaf, whose
    `value` is in log-odds on the grid of `models.exact`. `cover[k]` is the weight of the training rows that passed the node
    (reasons need it). `bags` is the number of bags over which the sum of all trees is divided.

    >>> stump = Forest(np.array([0, 0, 0]), np.array([5.0, np.inf, np.inf]), np.array([True, True, True]), np.array([1, 1, 2]),
    ...     np.array([2, 1, 2]), np.array([0.0, -1.0, 1.0]), np.array([8.0, 6.0, 2.0]), np.array([0]), depth=1, bags=1)
    >>> stump.margin(np.array([[3.0], [7.0], [np.nan]])).tolist()
    [-1.0, 1.0, -1.0]
    """

    feature: Array
    threshold: Array
    missing_left: Array
    left: Array
    right: Array
    value: Array
    cover: Array
    roots: Array
    depth: int
    bags: int

    def leaves(self, values: Array) -> Array:
        """Follow each row of float64[n, p] through each tree: the number of the leaf node, int64[n, trees]."""
        rows = np.arange(len(values))[:, None]
        node = np.broadcast_to(self.roots, (len(values), len(self.roots)))
        for _ in range(self.depth):
            seen = values[rows, self.feature[node]]
            goes_left = (seen <= self.threshold[node]) | (np.isnan(seen) & self.missing_left[node])
            node = np.where(goes_left, self.left[node], self.right[node])
        return node

    def margin(self, values: Array) -> Array:
        """Sum the trees over the bags, float64[n] in log-odds; no rows give no margins."""
        return self.tables.margin(values) / self.bags

    @cached_property
    def tables(self) -> DecisionTables:
        """Give the same trees as tables: what scores; made once."""
        return tabulate(self)

    @cached_property
    def groups(self) -> list[LeafGroup]:
        """Give the same leaves by the columns they ask about: what reasons are told from; made once."""
        return leaf_groups(self)

    def check(self, count: int) -> None:
        """Look at the arrays before they are used; ValueError unless they fit each other and `count` columns."""
        nodes = len(self.value)
        parts = (self.feature, self.threshold, self.missing_left, self.left, self.right, self.cover)
        if any(part.shape != (nodes,) for part in parts) or self.value.shape != (nodes,) or self.roots.ndim != 1:
            raise ValueError("the forest's arrays do not fit together")
        if self.missing_left.dtype != bool or not (isinstance(self.depth, int) and isinstance(self.bags, int)):
            raise ValueError("the forest's arrays have other types than we write")
        if not 0 <= self.depth <= _MOST_DEPTH or self.bags < 1 or not np.isfinite(self.value).all():
            raise ValueError("the forest's depth, bags or leaves are out of bounds")
        for places, most in ((self.feature, count), (self.left, nodes), (self.right, nodes), (self.roots, nodes)):
            if places.dtype.kind != "i" or (len(places) and not (places.min() >= 0 and places.max() < most)):
                raise ValueError("a tree leads to a place that is not there")
        self._check_ways()

    def _check_ways(self) -> None:
        """See that no way through the trees meets another, goes in a circle, or is longer than `depth`."""
        inner = (self.left != np.arange(len(self.value))) | (self.right != np.arange(len(self.value)))
        entered = np.concatenate([self.roots, self.left[inner], self.right[inner]])
        if len(self.value) > _MOST_NODES or (np.bincount(entered, minlength=1) > 1).any():
            raise ValueError("a node must be reached in one way")
        reached = self.roots
        for _ in range(self.depth):
            asking = reached[inner[reached]]
            reached = np.concatenate([self.left[asking], self.right[asking]])
        if inner[reached].any():
            raise ValueError("a tree must fit its depth")
