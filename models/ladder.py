"""Several horizons from one margin, never contradicting each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Rung:
    """Hold how the log-odds of a block within `days` follow from the model's margin: a + b * margin, b > 0."""

    days: int
    a: float
    b: float


@dataclass(frozen=True)
class Ladder:
    """Hold the horizons of a model, in ascending days; that of `primary` days is the margin itself.

    A longer horizon contains a shorter one, so where the fitted lines cross, a shorter horizon is held down to the next longer
    one, and a longer one up to the next shorter one, starting from the primary: P(1) <= P(7) <= P(30) for every card, and
    each rung still rises with the margin.

    >>> ladder = Ladder(7, (Rung(1, -2.0, 1.5), Rung(7, 0.0, 1.0), Rung(30, 1.2, 0.8)))
    >>> ladder.margins(np.array([-4.0, 5.0])).tolist()
    [[-8.0, -4.0, -2.0], [5.0, 5.0, 5.2]]
    """

    primary: int
    rungs: tuple[Rung, ...]

    @property
    def days(self) -> list[int]:
        """Give the horizons, ascending."""
        return [rung.days for rung in self.rungs]

    def margins(self, margin: Array) -> Array:
        """Give the log-odds at each horizon, float64[n, horizons], of the primary margins float64[n]; none give no rows."""
        place = self.days.index(self.primary)
        found = [rung.a + rung.b * margin for rung in self.rungs]
        found[place] = margin
        for shorter in reversed(range(place)):
            found[shorter] = np.minimum(found[shorter], found[shorter + 1])
        for longer in range(place + 1, len(found)):
            found[longer] = np.maximum(found[longer], found[longer - 1])
        return np.column_stack(found)

    def to_json(self) -> list[dict[str, float]]:
        """Give the rungs as plain values."""
        return [{"days": rung.days, "a": rung.a, "b": rung.b} for rung in self.rungs]


def read_ladder(primary: Any, rungs: Any) -> Ladder:
    """Build a ladder from plain values; ValueError unless days ascend, the primary is among them, and all b are above 0.

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
    return Ladder(int(primary), built)
