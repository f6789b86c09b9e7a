"""Rolling origins: at each the forecaster starts anew with what was known then, and is judged on the days that follow."""

import math
from typing import Final

import numpy as np
import pandas as pd

from blockrisk.training.sentences import mistake
from blockrisk.training.split import HISTORY_DAYS, LEARN_DAYS, DateSplit, prediction_dates

TEST_SHARE: Final = 0.3
"""The last share of the period that is forecast."""

ORIGINS: Final = 6
"""Least number of origins wanted; fewer where the period is short."""

_STEP_DAYS: Final = 7
_CALIBRATE_SHARE: Final = 0.25
_MOST_CALIBRATE: Final = 4
_LEAST_TRAIN: Final = 2


class Origin(DateSplit):
    """Name the as_of dates of one origin: those to fit on and to calibrate on, LEARN_DAYS apart, and daily ones to be judged on."""

    @property
    def start(self) -> pd.Timestamp:
        """Give the first day that is forecast: nothing at or after it was known."""
        return self.test[0]


def rolling_origins(
    start: pd.Timestamp, until: pd.Timestamp, horizon_days: int, *, count: int = ORIGINS, share: float = TEST_SHARE
) -> list[Origin]:
    """Cut the last `share` of the period into runs of whole weeks of daily test dates, each with its own past.

    `start` is the first midnight of the data, `until` the end of observation; a date is tested only if its horizon ends by
    `until`. Runs are as many weeks long as leave at least `count` of them, at least one. The dates to learn from are
    counted back from the latest day whose labels are known at the origin. The first 30 days
    (down to 7 in a short period) only feed features. UserError, with the days needed, if not even the first origin has dates to
    fit and to calibrate on.

    >>> day = pd.Timestamp
    >>> found = rolling_origins(day("2026-01-01"), day("2026-06-30"), 7)
    >>> [str(origin.start.date()) for origin in found][:2], len(found), len(found[0].train), len(found[0].calibrate)
    (['2026-05-07', '2026-05-14'], 7, 9, 3)
    """
    first = start.ceil("D")
    days = (until.normalize() - first).days
    tested = [first + pd.Timedelta(days=day) for day in range(round(days * (1 - share)), days - horizon_days + 1)]
    length = max(1, len(tested) // (count * _STEP_DAYS)) * _STEP_DAYS
    runs = [tested[place : place + length] for place in range(0, len(tested), length)]
    for history in HISTORY_DAYS:
        found = [_origin(first, history, run, horizon_days) for run in runs]
        if found and all(origin is not None for origin in found):
            return [origin for origin in found if origin is not None]
    past = HISTORY_DAYS[-1] + LEARN_DAYS * (_LEAST_TRAIN - 1 + math.ceil(horizon_days / LEARN_DAYS)) + horizon_days
    needed = math.ceil(max(past / (1 - share), horizon_days / share))
    raise mistake("few_days_to_backtest", days=max(days, 0), until=until.date(), horizon=horizon_days, needed=needed)


def _origin(first: pd.Timestamp, history: int, test: list[pd.Timestamp], horizon_days: int) -> Origin | None:
    gap = pd.Timedelta(days=horizon_days)
    known = prediction_dates(first, test[0], horizon_days, history_days=history, step_days=LEARN_DAYS)
    wanted = int(np.clip(round(_CALIBRATE_SHARE * len(known)), 1, _MOST_CALIBRATE))
    for size in range(wanted, 0, -1):
        calibrate = known[-size:]
        train = [date for date in known if date <= calibrate[0] - gap] if calibrate else []
        if len(train) >= _LEAST_TRAIN:
            return Origin(tuple(train), tuple(calibrate), tuple(test))
    return None


def dates_of(origins: list[Origin]) -> list[pd.Timestamp]:
    """List all dates that the origins need, ascending, each once.

    >>> dates_of([])
    []
    """
    return sorted({date for origin in origins for date in origin.dates})
