"""Splits: train, calibrate and test forward in time with a gap, and a random split for rows without dates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from blockrisk.training.sentences import mistake

SHARES: Final = (0.6, 0.2, 0.2)
"""Wanted shares of train, calibrate and test."""

HISTORY_DAYS: Final = (30, 21, 14, 7)
"""Days at the start of the data that only feed features; the first that leaves enough dates is taken."""

LEARN_DAYS: Final = 8
"""Days between two dates to learn from: a week and a day, so that each weekday has its turn. Of one weekday alone a model learns
that yesterday always is a working day, or never: where nobody calls at weekends it then forecast half of Monday's blocks."""

ENOUGH_DATES: Final = 6
"""As many prediction dates as a longer history is given up for."""


@dataclass(frozen=True)
class DateSplit:
    """Name the prediction dates of each slice, in time order; between two slices lies a gap of the horizon."""

    train: tuple[pd.Timestamp, ...]
    calibrate: tuple[pd.Timestamp, ...]
    test: tuple[pd.Timestamp, ...]

    @property
    def dates(self) -> tuple[pd.Timestamp, ...]:
        """List the dates of all slices; those that fall into a gap are not among them."""
        return self.train + self.calibrate + self.test


class RowSplit(NamedTuple):
    """Hold the row positions of each slice, ascending, no position twice."""

    train: np.ndarray
    calibrate: np.ndarray
    test: np.ndarray


def step_of(horizon_days: int) -> int:
    """Give the days between two dates to learn from: LEARN_DAYS, or the horizon if it is under a week.

    >>> step_of(7), step_of(3)
    (8, 3)
    """
    return LEARN_DAYS if horizon_days >= 7 else horizon_days


def overlap_of(horizon_days: int) -> float:
    """Give how many of the dates to learn from look at one and the same day ahead: 1, or more for a horizon beyond their distance.

    >>> overlap_of(7), overlap_of(30)
    (1.0, 3.75)
    """
    return max(1.0, horizon_days / step_of(horizon_days))


def prediction_dates(
    start: pd.Timestamp, until: pd.Timestamp, horizon_days: int, *, history_days: int = 30, step_days: int | None = None
) -> list[pd.Timestamp]:
    """List the as_of dates to learn from, ascending, every `step_days` (default: `step_of` the horizon).

    The last date is the latest midnight whose horizon ends by `until`; the first lies at least `history_days` after
    `start`. Empty if the period is too short. Dates a week apart were measured to teach as much as daily ones.

    >>> day = pd.Timestamp
    >>> [str(d.date()) for d in prediction_dates(day("2026-01-01"), day("2026-02-21"), 7)]
    ['2026-02-06', '2026-02-14']
    """
    step = pd.Timedelta(days=step_days or step_of(horizon_days))
    first = start.ceil("D") + pd.Timedelta(days=history_days)
    date = until.normalize() - pd.Timedelta(days=horizon_days)
    dates = []
    while date >= first:
        dates.append(date)
        date -= step
    return dates[::-1]


def split_dates(dates: Sequence[pd.Timestamp], horizon_days: int, shares: tuple[float, float, float] = SHARES) -> DateSplit | None:
    """Cut ascending dates into train, calibrate and test, each later than the one before by at least the horizon.

    The first date of a slice is at least `horizon_days` after the last date of the slice before, so no label of one
    slice overlaps the features of the next. Among all such cuts the one closest to `shares` is taken, then the one
    that loses the fewest dates in the gaps. None if three slices cannot be made.

    >>> dates = list(pd.date_range("2026-01-05", periods=10, freq="7D"))
    >>> [len(part) for part in (lambda s: (s.train, s.calibrate, s.test))(split_dates(dates, 7))]
    [6, 2, 2]
    >>> split_dates(dates[:2], 7) is None
    True
    """
    days = np.array([date.to_datetime64() for date in dates], dtype="datetime64[us]")
    after = np.searchsorted(days, days + np.timedelta64(horizon_days, "D"))
    best: tuple[float, int, int] | None = None
    for last_train in range(len(days)):
        for last_calibrate in range(after[last_train], len(days)):
            if after[last_calibrate] < len(days):
                score = _distance(last_train, last_calibrate, after, shares)
                best = min(best or (np.inf, 0, 0), (score, last_train, last_calibrate))
    if best is None:
        return None
    _, t, c = best
    return DateSplit(tuple(dates[: t + 1]), tuple(dates[after[t] : c + 1]), tuple(dates[after[c] :]))


def _distance(last_train: int, last_calibrate: int, after: np.ndarray, shares: tuple[float, float, float]) -> float:
    """Measure how far a cut is from the wanted shares; dates lost in the gaps count a little."""
    counts = (last_train + 1, last_calibrate + 1 - after[last_train], len(after) - after[last_calibrate])
    used = sum(counts)
    return float(sum((n / used - share) ** 2 for n, share in zip(counts, shares, strict=True)) - 1e-3 * used / len(after))


def split_period(start: pd.Timestamp, until: pd.Timestamp, horizon_days: int) -> DateSplit:
    """Choose the prediction dates between the start of the data and `until`, and cut them into three slices.

    The first 30 days only feed features; a short period gives up part of that, down to 7 days, before it gives up
    dates. Raises UserError, with the number of days needed, if even then three slices do not fit.

    >>> split = split_period(pd.Timestamp("2026-01-01"), pd.Timestamp("2026-05-01"), 7)
    >>> len(split.train), len(split.calibrate), len(split.test), str(split.test[-1].date())
    (7, 2, 2, '2026-04-24')
    """
    found: DateSplit | None = None
    for history in HISTORY_DAYS:
        if found is None or len(found.dates) < ENOUGH_DATES:
            dates = prediction_dates(start, until, horizon_days, history_days=history)
            found = split_dates(dates, horizon_days) or found
    if found is None:
        seen = max(0, (until.normalize() - start.ceil("D")).days)
        step = step_of(horizon_days)
        needed = HISTORY_DAYS[-1] + 2 * step * math.ceil(horizon_days / step) + horizon_days
        raise mistake("few_days", seen=seen, until=until.date(), horizon=horizon_days, needed=needed, history=HISTORY_DAYS[-1])
    return found


def split_rows(y: np.ndarray, seed: int, shares: tuple[float, float, float] = SHARES) -> RowSplit:
    """Draw train, calibrate and test at random with the same share of positives, for rows that have no dates.

    Such a split cannot show how a model does on later data; say so beside every figure. The same seed gives the same
    split. Raises UserError with fewer than 5 rows of either class.

    >>> split = split_rows(np.array([0] * 80 + [1] * 20), seed=0)
    >>> len(split.train), len(split.calibrate), len(split.test)
    (60, 20, 20)
    """
    fewest = int(min((y == 0).sum(), (y == 1).sum()))
    if fewest < 5:
        raise mistake("few_labels", ones=int((y == 1).sum()), zeros=int((y == 0).sum()))
    positions = np.arange(len(y))
    train, later = train_test_split(positions, test_size=shares[1] + shares[2], stratify=y, random_state=seed)
    calibrate, test = train_test_split(later, test_size=shares[2] / (shares[1] + shares[2]), stratify=y[later], random_state=seed)
    return RowSplit(np.sort(train), np.sort(calibrate), np.sort(test))
