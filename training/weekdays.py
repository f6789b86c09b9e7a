"""Blocks by weekday: where operators rest at weekends, what tomorrow brings depends on which day it is."""

from typing import Final

import numpy as np

from blockrisk.models.ladder import ALIKE
from blockrisk.training.operators import dispersion

LEAST_WEEKS: Final = 4
"""Fewer whole weeks of blocks than this tell nothing of weekdays."""

_DAY, _MONDAY = np.timedelta64(1, "D"), np.datetime64("1970-01-05")


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
    ages = (end - days[days < end]) // _DAY - 1
    weeks = int(ages.max() + 1) // 7 if len(ages) else 0
    ages = ages[ages < weeks * 7]
    if weeks < LEAST_WEEKS or not len(ages):
        return ALIKE
    last = int((end - _MONDAY) // _DAY - 1)
    place = (last - ages) % 7 * weeks + (weeks - 1 - ages // 7)
    counts = np.bincount(place, minlength=7 * weeks).reshape(7, weeks).astype(float)
    told = counts.sum(axis=1) / dispersion(counts, np.full(counts.shape, counts.mean()))
    beyond_chance = told.var(ddof=1) / told.mean() ** 2 - 1 / told.mean()
    if beyond_chance <= 0:
        return ALIKE
    trust = 1 / beyond_chance
    return tuple(((told + trust) / (told.mean() + trust)).tolist())
