"""Blocks by weekday: where operators rest at weekends, what tomorrow brings depends on which day it is."""

from typing import Final

import numpy as np

from blockrisk.models.ladder import ALIKE, weekday
from blockrisk.training.operators import dispersion

LEAST_WEEKS: Final = 4
"""Fewer whole weeks of blocks than this tell nothing of weekdays."""

_WEEK = np.timedelta64(7, "D")


def weekday_rates(blocked: np.ndarray, until: np.datetime64) -> tuple[float, ...]:
    """Estimate the blocks of a day of each weekday, Monday first, as multiples of those of a mean day: seven values, mean 1.

    `blocked` datetime64[n] are the moments of blocks in any order, of which those before the midnight `until` count, in whole weeks
    back from there. Weekdays differ by chance; how much more they do is what moves the rates off 1, with counts divided by how much
    wider than Poisson's they scatter from week to week (gamma-Poisson by moments; Robbins 1956). No blocks, or those of fewer
    than LEAST_WEEKS weeks, give ones.

    >>> working = np.array([day for day in np.arange("2026-01-05", "2026-06-01", dtype="datetime64[D]") if np.is_busday(day)])
    >>> [round(rate, 1) for rate in weekday_rates(working, np.datetime64("2026-06-01"))]
    [1.3, 1.3, 1.3, 1.3, 1.3, 0.1, 0.1]
    """
    end = until.astype("datetime64[D]")
    days = np.asarray(blocked).astype("datetime64[D]")
    days = days[days < end]
    weeks = int((end - days.min()) // _WEEK) if len(days) else 0
    days = days[days >= end - weeks * _WEEK]
    if weeks < LEAST_WEEKS or not len(days):
        return ALIKE
    place = weekday(days) * weeks + (days - (end - weeks * _WEEK)) // _WEEK
    counts = np.bincount(place, minlength=7 * weeks).reshape(7, weeks).astype(float)
    told = counts.sum(axis=1) / dispersion(counts, np.full(counts.shape, counts.mean()))
    beyond_chance = told.var(ddof=1) / told.mean() ** 2 - 1 / told.mean()
    if beyond_chance <= 0:
        return ALIKE
    trust = 1 / beyond_chance
    return tuple(((told + trust) / (told.mean() + trust)).tolist())
