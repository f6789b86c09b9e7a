"""Grow boosted trees with scikit-learn on binned rows and take them out as plain arrays."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from blockrisk.models.exact import on_grid
from blockrisk.models.forest import Forest

Array = np.ndarray


@dataclass(frozen=True)
class TreeSettings:
    """Say how the trees of one bag are grown; the names are scikit-learn's, `columns` is its max_features."""

    trees: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    least_rows: int = 20
    l2: float = 0.0
    columns: float = 1.0
    bins: int = 255


DEFAULT_TREES = TreeSettings()
"""Scikit-learn's own defaults."""


def bin_edges(values: Array, most: int = DEFAULT_TREES.bins) -> list[Array]:
    """Give, for each column of float64[n, p], the ascending edges between at most `most` bins; missing values are left aside.

    Binned once, the rows are cheap to grow many bags on: scikit-learn would bin them again for each.

    >>> [edges.tolist() for edges in bin_edges(np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0]]))]
    [[1.5], []]
    """
    return [_edges(column[~np.isnan(column)], most) for column in values.T]


def to_bins(values: Array, edges: list[Array]) -> Array:
    """Replace each value by its bin's number, float64[n, p]: bin k holds what is above edge k-1 and at most edge k; NaN stays."""
    bins = np.full(values.shape, np.nan)
    for index, ascending in enumerate(edges):
        known = ~np.isnan(values[:, index])
        bins[known, index] = np.searchsorted(ascending, values[known, index], side="left")
    return bins


def fit_forest(  # noqa: PLR0913 - one bag for each array of weights, all on the same rows
    bins: Array,
    edges: list[Array],
    y: Array,
    weights: list[Array],
    settings: TreeSettings,
    signs: Array,
    seed: int,
    jobs: int,
) -> tuple[Forest, float]:
    """Grow one bag for each array of row weights on binned rows; gives the forest and the mean of the bags' starting log-odds.

    Rows of weight 0 are left out of a bag. `signs` int[p] are +1, -1, 0: the trees never fall, never rise, or are free in
    that column. The forest asks for values, not bins.
    """
    work = (
        delayed(_fit_bag)(bins[weight > 0], y[weight > 0], weight[weight > 0], settings, signs, seed + number)
        for number, weight in enumerate(weights)
    )
    bags = Parallel(n_jobs=min(jobs, len(weights)))(work)
    trees = [_unbin(tree, edges) for bag, _ in bags for tree in bag]
    return join_trees(trees, len(bags)), float(np.mean([start for _, start in bags]))


def join_trees(trees: list[Array], bags: int) -> Forest:
    """Lay scikit-learn's node arrays one after the other into one Forest."""
    sizes = [len(tree) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64) if trees else np.zeros(0, dtype=np.int64)
    nodes = np.concatenate(trees) if trees else np.zeros(0, dtype=_NODE)
    shift = np.repeat(roots, sizes)
    own = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    return Forest(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, np.inf, nodes["num_threshold"]),
        missing_left=leaf | nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, own, nodes["left"].astype(np.int64) + shift),
        right=np.where(leaf, own, nodes["right"].astype(np.int64) + shift),
        value=on_grid(np.where(leaf, nodes["value"], 0.0)),
        cover=nodes["count"].astype(np.float64),
        roots=roots,
        depth=int(nodes["depth"].max()) if len(nodes) else 0,
        bags=bags,
    )


def _edges(present: Array, most: int) -> Array:
    distinct = np.unique(present)
    if len(distinct) > most:
        distinct = np.unique(np.quantile(present, np.linspace(0, 1, most), method="inverted_cdf"))
    return (distinct[:-1] + distinct[1:]) / 2


def _unbin(nodes: Array, edges: list[Array]) -> Array:
    nodes = nodes.copy()
    for place in np.flatnonzero((nodes["is_leaf"] == 0) & np.isfinite(nodes["num_threshold"])):
        ascending = edges[nodes["feature_idx"][place]]
        step = int(np.floor(nodes["num_threshold"][place]))
        nodes["num_threshold"][place] = ascending[step] if step < len(ascending) else np.inf
    return nodes


_NODE = np.dtype(
    [(name, np.float64) for name in ("value", "num_threshold", "count", "depth")]
    + [(name, np.int64) for name in ("feature_idx", "missing_go_to_left", "left", "right", "is_leaf")]
)


def _fit_bag(values: Array, y: Array, weight: Array, settings: TreeSettings, signs: Array, seed: int) -> tuple[list[Array], float]:
    grower = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        max_leaf_nodes=settings.leaves,
        learning_rate=settings.learning_rate,
        min_samples_leaf=settings.least_rows,
        l2_regularization=settings.l2,
        max_features=settings.columns,
        monotonic_cst=signs if signs.any() else None,
        early_stopping=False,
        random_state=seed,
    )
    values = np.where(np.isnan(values).all(axis=0), 0.0, values)  # scikit-learn fails on a column without any value
    with threadpool_limits(1):
        grower.fit(values, y, sample_weight=weight)
    trees = [stage[0].nodes for stage in grower._predictors]
    return trees, float(np.ravel(grower._baseline_prediction)[0])
