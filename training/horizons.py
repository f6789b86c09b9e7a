"""Fit the horizons beside the primary one: what a margin says of tomorrow and of the month."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from blockrisk.models.ladder import ALIKE, Ladder, Rung, week_share
from blockrisk.training.calibrate import fit_affine

HORIZONS: Final = (1, 7, 30)
"""Days that a model forecasts when nothing else is asked for; `--horizon` names the primary one."""


def fit_ladder(
    margin: np.ndarray,
    primary: int,
    labels: Mapping[int, np.ndarray],
    dates: np.ndarray | None = None,
    week: tuple[float, ...] = ALIKE,
) -> Ladder:
    """Find, for each further horizon, how its log-odds follow from the margin at the primary one.

    `margin` float64[n] are the primary log-odds of rows that the model has not seen, `labels` by days float64[n] of 0 and 1, NaN
    where unknown, `dates` datetime64[n] their as_of and `week` what `weekday_rates` found. The prior is a hazard that is steady but
    for the weekday, the log-odds moved by ln(days / primary), and as in `fit_affine` few blocks move it little; a horizon without
    any known label is left at that.

    >>> ladder = fit_ladder(np.full(4, -5.0), 7, {1: np.full(4, np.nan)})
    >>> ladder.days, [round(rung.a, 3) for rung in ladder.rungs]
    ([1, 7], [-1.946, 0.0])
    """
    rungs = [Rung(primary, 0.0, 1.0)]
    for days, y in labels.items():
        known = ~np.isnan(y)
        steady = float(np.log(days / primary))
        a, b = fit_affine((margin + week_share(week, days, dates))[known] + steady, y[known])
        rungs.append(Rung(days, a + b * steady, b))
    return Ladder(primary, tuple(sorted(rungs, key=lambda rung: rung.days)), week)
