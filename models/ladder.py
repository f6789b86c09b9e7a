"""Several horizons from one margin, never contradicting each other."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray

ALIKE: Final = (1.0,) * 7
"""The rates of weekdays of which none differs from another."""

_MONDAY = np.datetime64("1970-01-05")


@dataclass(frozen=True)
class Rung:
    """Hold how the log-odds of a block within `days` follow from the model's margin: a + b * (margin + week's share), b > 0."""

    days: int
    a: float
    b: float


@dataclass(frozen=True)
class Ladder:
    """Hold the horizons of a model, in ascending days; that of `primary` days is the margin itself.

    `week` are the blocks of a day of each weekday, Monday first, as multiples of those of a mean day: a horizon that is no whole
    number of weeks is raised or lowered by the days it holds.

    A longer horizon contains a shorter one, so where the fitted lines cross, a shorter horizon is held down to the next longer
    one, and a longer one up to the next shorter one, starting from the primary: P(1) <= P(7) <= P(30) for every card, and
    each rung still rises with the margin.

    >>> ladder = Ladder(7, (Rung(1, -2.0, 1.5), Rung(7, 0.0, 1.0), Rung(30, 1.2, 0.8)))
    >>> ladder.margins(np.array([-4.0, 5.0])).tolist()
    [[-8.0, -4.0, -2.0], [5.0, 5.0, 5.2]]
    """

    primary: int
    rungs: tuple[Rung, ...]
    week: tuple[float, ...] = ALIKE

    @property
    def days(self) -> list[int]:
        """Give the horizons, ascending."""
        return [rung.days for rung in self.rungs]

    def margins(self, margin: Array, as_of: Array | None = None) -> Array:
        """Give the log-odds at each horizon, float64[n, horizons], of the primary margins float64[n]; none give no rows.

        `as_of` datetime64[n] are the dates of the forecasts; where one is missing, mean days are reckoned with.
        """
        place = self.days.index(self.primary)
        found = [rung.a + rung.b * (margin + week_share(self.week, rung.days, as_of)) for rung in self.rungs]
        found[place] = margin
        for shorter in reversed(range(place)):
            found[shorter] = np.minimum(found[shorter], found[shorter + 1])
        for longer in range(place + 1, len(found)):
            found[longer] = np.maximum(found[longer], found[longer - 1])
        return np.column_stack(found)

    def to_json(self) -> dict[str, Any]:
        """Give the ladder as plain values, which `read_ladder` takes."""
        rungs = [{"days": rung.days, "a": rung.a, "b": rung.b} for rung in self.rungs]
        return {"primary_days": self.primary, "horizons": rungs, "week": list(self.week)}


def week_share(week: tuple[float, ...], days: int, as_of: Array | None) -> Array | float:
    """Give ln of the mean rate of the days [as_of, as_of + days), float64[n], 0 where as_of is missing.

    >>> dates = np.array(["2026-11-27", "2026-11-28", "NaT"], dtype="datetime64[us]")  # a Friday, a Saturday
    >>> week = (1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5)
    >>> np.exp(week_share(week, 1, dates)).round(2).tolist(), np.exp(week_share(week, 9, dates)).round(2).tolist()
    ([1.2, 0.5, 1.0], [0.97, 0.89, 1.0])
    >>> week_share(week, 14, dates)
    0.0
    """
    if as_of is None or days % 7 == 0 or week == ALIKE:
        return 0.0
    rest = np.array([sum(week[(first + day) % 7] for day in range(days % 7)) for first in range(7)])
    there = ~np.isnat(as_of)
    first = weekday(np.where(there, as_of, _MONDAY))
    return np.where(there, np.log((days - days % 7 + rest) / days)[first], 0.0)


def weekday(moments: Array) -> Array:
    """Give the weekday of each moment, none of them missing: int64[n], 0 a Monday.

    >>> weekday(np.array(["2026-11-27T23:59", "1969-12-28"], dtype="datetime64[us]")).tolist()
    [4, 6]
    """
    return np.asarray((moments.astype("datetime64[D]") - _MONDAY).astype(np.int64) % 7)


def read_ladder(primary: Any, rungs: Any, week: Any = ALIKE) -> Ladder:
    """Build a ladder from plain values; ValueError unless days ascend, the primary is among them, all b and all rates are above 0.

    >>> read_ladder(7, [{"days": 7, "a": 0.0, "b": 1.0}]).days
    [7]
    """
    if not isinstance(rungs, list) or not all(isinstance(rung, dict) for rung in rungs):
        raise ValueError("the horizons must be a list of days, a and b")
    built = tuple(Rung(int(rung["days"]), float(rung["a"]), float(rung["b"])) for rung in rungs)
    days = [rung.days for rung in built]
    if days != sorted(set(days)) or primary not in days or min(days) < 1:
        raise ValueError("the horizons must be ascending days with the primary one among them")
    if not all(rung.b > 0 and np.isfinite([rung.a, rung.b]).all() for rung in built):
        raise ValueError("each horizon needs a finite a and a b above 0")
    rates = tuple(map(float, week))
    if len(rates) != len(ALIKE) or not all(0 < rate < np.inf for rate in rates):
        raise ValueError("the week needs seven rates above 0")
    return Ladder(int(primary), built, rates)
