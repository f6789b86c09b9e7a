"""Recalibration by operator: follows an operator that has become stricter or laxer of late."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import gammaln

from blockrisk.models.estimators import Forecast, probability
from blockrisk.models.levels import LevelShifts
from blockrisk.training.split import overlap_of

Array = np.ndarray

COLUMN: Final = "operator"
"""The text column whose levels are followed."""

RECENT_DAYS: Final = 28
"""Days of as_of dates, before the last one, whose labels tell of the present rule."""

CHANGED: Final = 0.5
"""Prior probability that an operator has changed its rule of late. An ample one is cheap: it costs 0.07 nats a month and operator
where nothing changes, and follows a doubled rule to 1.14 (docs/decisions/0005)."""

_STEADY, _CHANGED = 100.0, 1.5  # blocks' worth of trust in no shift, of an operator that kept to its rule and of one that changed


def shift_operators(  # noqa: PLR0913 - the rows, column by column
    model: Forecast, frame: pd.DataFrame, y: Array, margin: Array, dates: Array, horizon: int
) -> tuple[Forecast, Array]:
    """Add to a model the shift of each operator that the latest rows bear out.

    `frame`, `y` and `margin` (what a model that has not seen the rows says of them) are rows of n, `dates` their as_of dates,
    `horizon` the days that y looks ahead. The last RECENT_DAYS of them are counted, the earlier ones tell how far counts scatter.
    Returns the model and the shift of each row.
    A frame without operators changes nothing.
    """
    if COLUMN not in model.encoder.columns or not len(dates):
        return model, np.zeros(len(y))
    column = model.columns.index(COLUMN)
    numbers = model.encoder.encode(COLUMN, frame[COLUMN])
    known, place = np.unique(numbers, return_inverse=True)
    days, day = np.unique(dates, return_inverse=True)
    observed, expected = (_by_cell(place, day, values, (len(known), len(days))) for values in (y, probability(margin)))
    recent = days > days[-1] - np.timedelta64(RECENT_DAYS, "D")
    overlap = overlap_of(horizon)
    scatter = overlap * dispersion(observed, expected, overlap)
    shifts = level_shifts(observed[:, recent] / scatter, expected[:, recent] / scatter)
    held = known != 0.0  # the number of an unknown operator
    levels = LevelShifts(column, known[held], shifts[held])
    values = np.zeros((len(y), len(model.columns)))
    values[:, column] = numbers
    return replace(model, levels=levels), levels.margin(values)


def _by_cell(place: Array, day: Array, values: Array, shape: tuple[int, int]) -> Array:
    return np.bincount(place * shape[1] + day, weights=values, minlength=shape[0] * shape[1]).reshape(shape)


def dispersion(observed: Array, expected: Array, overlap: float = 1.0) -> float:
    """Estimate how much wider counts scatter from date to date than Poisson counts do: 1 or more.

    `observed` and `expected` float64[k, dates] are blocks by operator and date. Where operators stop many cards on one day, so many
    blocks are one event and tell as much as one. Differences between neighbouring dates are compared, of which a lasting change of
    level is one. Where a block fills `overlap` dates, neighbours share all but one of so many parts and differ by so much less.

    >>> dispersion(np.array([[3.0, 15.0, 3.0, 3.0]]), np.full((1, 4), 3.0)), dispersion(np.full((1, 4), 9.0), np.full((1, 4), 3.0))
    (16.0, 1.0)
    """
    steps = np.diff(observed - expected, axis=1)
    variance = float((expected[:, 1:] + expected[:, :-1]).sum())
    return max(1.0, overlap * float((steps**2).sum()) / variance) if variance > 0 else 1.0


def level_shifts(observed: Array, expected: Array) -> Array:
    """Estimate the present log ratio of true to expected blocks of each operator: float64[k].

    `observed` and `expected` float64[k, dates] are blocks by operator and date, oldest first. An operator has either kept to its
    rule, or changed it (prior CHANGED) at one of the dates, each as likely; counts are Poisson, their level gamma-distributed
    around 1, closely if the rule was kept and widely from the change on. The mean ratio under the posterior is taken (a change
    point by Bayes, as in Smith 1975), so a chance cluster of blocks moves little and a lasting one all the way.

    >>> level_shifts(np.array([[3.0, 3.0, 5.0, 3.0], [3.0, 7.0, 9.0, 8.0]]), np.full((2, 4), 3.5)).round(1) + 0.0
    array([0. , 0.5])
    """
    dates = observed.shape[1]
    whole = observed.sum(axis=1), expected.sum(axis=1)
    fits = [np.log(1 - CHANGED) + _likelihood(*whole, _STEADY)]
    ratios = [_ratio(*whole, _STEADY)]
    for start in range(dates):
        since = observed[:, start:].sum(axis=1), expected[:, start:].sum(axis=1)
        before = whole[0] - since[0], whole[1] - since[1]
        fits.append(np.log(CHANGED / dates) + _likelihood(*since, _CHANGED) + _likelihood(*before, _STEADY))
        ratios.append(_ratio(*since, _CHANGED))
    weights = np.exp(np.array(fits) - np.max(fits, axis=0))
    return np.asarray(np.log((weights * np.array(ratios)).sum(axis=0) / weights.sum(axis=0)))


def _ratio(observed: Array, expected: Array, trust: float) -> Array:
    return (observed + trust) / (expected + trust)


def _likelihood(observed: Array, expected: Array, trust: float) -> Array:
    """Give the log-likelihood of each count, but for terms that the observed counts of the whole period fix."""
    expected = np.maximum(expected, 1e-9)
    chosen = gammaln(observed + trust) - gammaln(trust) - gammaln(observed + 1) + trust * np.log(trust)
    return np.asarray(chosen + observed * np.log(expected) - (observed + trust) * np.log(expected + trust))
