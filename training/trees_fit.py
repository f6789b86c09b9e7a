"""Fit the trees of a forecast: bags that differ by the columns each split may look at, as many trees as there are blocks for."""

from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from blockrisk.models.forest import Forest
from blockrisk.training.calibrate import fit_affine
from blockrisk.training.folds import Fold
from blockrisk.training.smooth_fit import Part, best_of, spread_margins
from blockrisk.training.task import Rows
from blockrisk.training.trees import TreeSettings, bin_edges, fit_forest, to_bins

Array = np.ndarray

STAGES = (20, 60, 100, 150, 250)
"""Numbers of trees a bag that are compared where folds can tell them apart."""

TREES = 150
"""Trees a bag where there are no such folds, and at least so many rows of the rarer class."""

BAGS = 6
"""Bags of a fitted forest. Each sees every row: cards drawn anew would take a third of the few blocks away from each."""

_PLENTY = 1000  # rows of the rarer class, from which splits may be finer and look at half of the columns
_FOLD_BAGS = 2  # bags while comparing


def fit_trees(rows: Rows, folds: list[Fold], seed: int, jobs: int, bags: int = BAGS) -> Part[Forest]:
    """Fit shallow, shrunk, monotone trees; folds choose their number, without them it follows from the rows of the rarer class."""
    positives = float(rows.weight @ rows.y)
    negatives = float(rows.weight.sum()) - positives
    settings = shallow_trees(positives, negatives)
    stage, margins = int(np.clip(min(positives, negatives), STAGES[0], TREES)), np.full(len(rows.y), np.nan)
    if folds:
        paths = Parallel(n_jobs=jobs)(delayed(_fold_stages)(rows, fold, settings, seed) for fold in folds)
        best = best_of(settled(paths, folds, rows), folds, rows)
        stage, margins = STAGES[best], spread_margins(paths, folds, best, len(rows.y))
    forest, start = _grow(rows, replace(settings, trees=stage), seed, bags, jobs)
    return Part(forest, start, margins)


def settled(paths: list[list[Array]], folds: list[Fold], rows: Rows) -> list[list[Array]]:
    """Put an affine step behind each margin of a fold, as calibration will: stages are then compared by what they order."""
    checks = [rows.take(check) for _, check in folds]

    def step(margin: Array, check: Rows) -> Array:
        a, b = fit_affine(margin, check.y, check.weight)
        return a + b * margin

    return [[step(margin, check) for margin in path] for path, check in zip(paths, checks, strict=True)]


def shallow_trees(positives: float, negatives: float) -> TreeSettings:
    """Choose small, strongly shrunk trees for the number of rows of the rarer and the commoner class.

    >>> shallow_trees(200, 25000).leaves, shallow_trees(1400, 2850).leaves
    (6, 12)
    """
    scarce = min(positives, negatives)
    base = scarce / max(positives + negatives, 1)
    leaves = int(np.clip(scarce // 30, 4, 12))
    least = int(np.clip(0.5 / max(base, 1e-4), 15, 2000))
    columns, bins = (0.2, 63) if scarce < _PLENTY else (0.5, 255)
    return TreeSettings(leaves=leaves, learning_rate=0.03, least_rows=least, l2=5.0, columns=columns, bins=bins)


def stage_margins(forest: Forest, values: Array, stages: tuple[int, ...]) -> Array:
    """Give the margin after the first trees of each bag, float64[len(stages), n]."""
    each = len(forest.roots) // forest.bags
    total = np.zeros((len(stages), len(values)))
    for start in range(0, len(values), 1000):
        grown = forest.value[forest.leaves(values[start : start + 1000])].reshape(-1, forest.bags, each)
        summed = np.cumsum(grown.sum(axis=1), axis=1) / forest.bags
        for row, stage in enumerate(stages):
            if each:
                total[row, start : start + 1000] = summed[:, min(stage, each) - 1]
    return total


def _grow(rows: Rows, settings: TreeSettings, seed: int, bags: int, jobs: int) -> tuple[Forest, float]:
    edges = bin_edges(rows.values, settings.bins)
    return fit_forest(to_bins(rows.values, edges), edges, rows.y, [rows.weight] * bags, settings, rows.signs, seed, jobs)


def _fold_stages(rows: Rows, fold: Fold, settings: TreeSettings, seed: int) -> list[Array]:
    forest, start = _grow(rows.take(fold[0]), replace(settings, trees=STAGES[-1]), seed, _FOLD_BAGS, 1)
    return list(start + stage_margins(forest, rows.values[fold[1]], STAGES))
