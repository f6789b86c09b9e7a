"""Fit the served forecast: the smooth part and the trees, averaged in log-odds."""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from blockrisk.models.estimators import Forecast, constant_forecast, probability
from blockrisk.models.exact import on_grid
from blockrisk.models.forest import Forest
from blockrisk.models.smooth import SmoothPart
from blockrisk.training.calibrate import base_margin
from blockrisk.training.encoding import blank_encoder
from blockrisk.training.folds import make_folds
from blockrisk.training.smooth_fit import Part, fit_smooth
from blockrisk.training.task import Rows, Task, as_rows, thin
from blockrisk.training.trees_fit import fit_trees

Array = np.ndarray

FEWEST = 5
"""Rows of the rarer class, below which only the base rate is forecast."""

_PRIOR_SHARES = 30.0  # rows of the rarer class worth of trust in an even average of the parts
_SHARE_UNFOLDED = 0.5  # of the parts, where there was too little to make folds


def fit_parts(task: Task, *, smooth: bool = True, trees: bool = True) -> Forecast:
    """Fit the smooth part, the trees, or both, and average them in log-odds.

    Where rows are exchangeable the parts get the non-negative weights that they earn out of fold. Folds forward in time have too
    few blocks for that: weights and numbers of trees chosen by them differ from one fit to the next, and the calibration found for
    one does not hold for the other (docs/decisions/0005). There the average is even, and its confidence is left to calibration.

    Rows of the commoner class are thinned; with too few of the rarer one the base rate is all that is forecast. The same task
    gives the same bytes, whatever its number of jobs.
    """
    base = base_margin(task.y, task.weight)
    if min(task.y.sum(), len(task.y) - task.y.sum()) < FEWEST:
        return replace(constant_forecast(task.columns, float(probability(base))), encoder=blank_encoder(task.frame))
    task = thin(task)
    with threadpool_limits(1):  # with more threads sums would be added up in another order
        encoder, rows = as_rows(task)
        folds = make_folds(task.y, task.times, task.groups, task.seed, gap=task.gap)
        curves = fit_smooth(rows, folds, task.jobs) if smooth else None
        forward = task.times is not None
        forest = fit_trees(rows, [] if forward else folds, task.seed, task.jobs) if trees else None
    parts: list[Part[SmoothPart] | Part[Forest] | None] = [curves, forest]
    margins = [part.margins if part else None for part in parts]
    shares = even_shares(margins) if forward and folds else earn_shares(margins, rows, base)
    start = base + sum(share * (part.start - base) for part, share in zip(parts, shares, strict=True) if part)
    return Forecast(
        task.columns,
        encoder,
        float(on_grid(start)),
        scale_smooth(curves.part, shares[0]).centred(rows.values, rows.weight) if curves else None,
        scale_forest(forest.part, shares[1]) if forest else None,
    )


def even_shares(margins: list[Array | None]) -> Array:
    """Give the parts that there are the same weight, and the absent ones none; together they weigh 1.

    >>> even_shares([None, np.zeros(2)]).tolist(), even_shares([np.zeros(2), np.zeros(2)]).tolist()
    ([0.0, 1.0], [0.5, 0.5])
    """
    used = np.array([margin is not None for margin in margins], dtype=np.float64)
    return used / used.sum()


def earn_shares(margins: list[Array | None], rows: Rows, base: float) -> Array:
    """Find the weights of the parts from their margins out of fold, float64[n] with NaN where there is none.

    Minimises the log loss of base + level + sum of weight * (margin - base), weights at least 0 (an absent part has 0), pulled
    towards an even average by a few rows' worth. The level is not kept: calibration mends it. No margins at all give half an even
    average.
    """
    even = even_shares(margins)
    away = np.column_stack([np.zeros(len(rows.y)) if margin is None else margin - base for margin in margins])
    known = ~np.isnan(away).any(axis=1)
    if not known.any():
        return even * _SHARE_UNFOLDED
    away, seen = away[known], rows.take(np.flatnonzero(known))
    trust = _PRIOR_SHARES * max(float(np.average((away @ even) ** 2, weights=seen.weight)), 1e-9)

    def loss(point: Array) -> tuple[float, Array]:
        margin = base + point[0] + away @ point[1:]
        residual = seen.weight * (probability(margin) - seen.y)
        pull = np.concatenate([[0.0], trust * (point[1:] - even)])
        value = seen.loss(margin) + 0.5 * trust * np.sum((point[1:] - even) ** 2)
        return float(value), np.concatenate([[residual.sum()], away.T @ residual]) + pull

    limits = [(None, None), *((0.0, None if one else 0.0) for one in even)]
    found = minimize(loss, np.concatenate([[0.0], even]), jac=True, method="L-BFGS-B", bounds=limits)
    return found.x[1:]


def scale_smooth(part: SmoothPart, share: float) -> SmoothPart:
    """Multiply all addends of a smooth part by a share of at least 0."""
    return replace(part, curves=part.curves * share, missing=part.missing * share, weights=part.weights * share, mean=None)


def scale_forest(part: Forest, share: float) -> Forest:
    """Multiply all leaves of a forest by a share of at least 0."""
    return replace(part, value=on_grid(part.value * share))
