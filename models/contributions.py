"""What each column adds to a forecast against the training mean: exact, from the model's own form."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from blockrisk.models.estimators import Forecast
from blockrisk.models.leaf_groups import LeafGroup
from blockrisk.models.smooth import SmoothPart

Array = np.ndarray

_ROWS = 64  # rows at once: the working arrays stay in the processor's cache
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
        groups = model.forest.groups
        base += sum(group.mean for group in groups)
        _add_forest(groups, values, added)
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
    terms, products = part.addends(values)
    added = terms - mean[:columns]
    halves = (products - mean[columns:]) / 2
    for pair, half in zip(part.pairs, halves.T, strict=True):
        added[:, pair[0]] += half
        added[:, pair[1]] += half
    return added


def _add_forest(groups: list[LeafGroup], values: Array, added: Array) -> None:
    if len(values) <= _ROWS:
        added += _forest(groups, values)
        return
    for group in groups:
        _ = group.table  # made before threads ask for it
    starts = range(0, len(values), _ROWS)
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = pool.map(partial(_forest, groups), (values[start : start + _ROWS] for start in starts))
        for start, part_added in zip(starts, parts, strict=True):
            added[start : start + _ROWS] += part_added


def _forest(groups: list[LeafGroup], values: Array) -> Array:
    by_column = np.ascontiguousarray(values.T)
    added = np.zeros(by_column.shape)
    for group in groups:
        if group.column.shape[1]:
            group.add_to(added, by_column)
    return added.T
