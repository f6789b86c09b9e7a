"""Hidden rules of the made-up operators: what they tolerate, where they are strict, when one of them tightens."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

OPERATORS = ("Beichen", "Donglan", "Haiyun", "Mingtong", "Qinghe", "Xinlu")
REGIONS = (
    "Beijing",
    "Shanghai",
    "Guangzhou",
    "Shenzhen",
    "Chengdu",
    "Wuhan",
    "Hangzhou",
    "Nanjing",
    "Chongqing",
    "Changsha",
)

# One row per cause: soft threshold from, to (drawn per operator), width of the ramp, daily weight from, to.
# The units are those of dynamics.drives; counts enter as log(1 + count).
CAUSES: dict[str, tuple[float, float, float, float, float]] = {
    "calls": (np.log(115.0), np.log(265.0), 0.11, 0.0008, 0.0022),
    "complaints": (1.3, 3.3, 0.23, 0.0008, 0.0024),
    "late": (np.log(9.0), np.log(24.0), 0.16, 0.0006, 0.0018),
    "redials": (np.log(15.0), np.log(40.0), 0.16, 0.0006, 0.0016),
    "offsite": (1.4, 3.3, 0.20, 0.0010, 0.0032),
    "arrears": (4.0, 9.0, 0.70, 0.0006, 0.0016),
    "handset": (1.2, 2.4, 0.17, 0.0006, 0.0012),
    "texts": (np.log(16.0), np.log(45.0), 0.16, 0.0002, 0.0008),
}
UNEXPLAINED = ("sweep", "identity")

TIGHT_SHARE = 0.3  # of the period: the tightening comes at 70 %
TIGHTENED_SHIFT = 0.65  # a tightened threshold, as a share of the old one
TIGHTENED_WEIGHT = 1.5
SWEEP_CHANCE = 1 / 110  # per operator, region and day
SWEEP_SIZE = 0.030  # chance that a sweep stops a card it passes over
IDENTITY = 0.00012  # daily, the same for every card


@dataclass(frozen=True)
class Policy:
    """Hold what the operators do, by cause (K), operator (O) and region (G).

    `threshold` and `weight` have shape (2, K, O): before and from `change_day`, when operator number `tightened`
    tightens. `sweeps` has shape (days, O, G) and tells on which days a sweep passes over an operator's region.
    Days count from `start` (day 0), local midnights.
    """

    start: date
    threshold: Array
    weight: Array
    width: Array
    strictness: Array
    hours: Array
    stop_after: Array
    sweeps: Array
    tightened: int
    change_day: int

    def date(self, day: int) -> date:
        """Give the calendar date of a day number."""
        return self.start + timedelta(days=day)

    def phase(self, day: int) -> int:
        """Give 0 before the tightening and 1 from it on."""
        return int(day >= self.change_day)


def draw_policy(days: int, start: date, rng: np.random.Generator) -> Policy:
    """Draw the rules of one world: every operator its own limits, so that no world repeats another."""
    low, high, width, least, most = (np.array(column) for column in zip(*CAUSES.values(), strict=True))
    size = (len(CAUSES), len(OPERATORS))
    # Spread evenly and shuffled, not drawn freely: operators always differ from each other.
    place = rng.permuted(np.tile(np.linspace(0.0, 1.0, size[1]), (size[0], 1)), axis=1)
    threshold = low[:, None] + (high - low)[:, None] * place + rng.normal(0.0, 0.04, size)
    weight = least[:, None] + (most - least)[:, None] * rng.random(size)
    tightened = int(rng.integers(size[1]))
    return Policy(
        start=start,
        threshold=_tighten_threshold(threshold, tightened).astype(np.float32),
        weight=_tighten_weight(weight, tightened).astype(np.float32),
        width=width.astype(np.float32),
        strictness=rng.permuted(np.linspace(0.5, 1.8, len(REGIONS))).astype(np.float32),
        hours=np.column_stack([rng.choice([7.5, 8.5, 9.0], size[1]), rng.choice([20.0, 20.5, 21.5], size[1])]),
        stop_after=rng.permuted(np.array([9, 11, 13, 15, 17, 20])),
        sweeps=rng.random((days, size[1], len(REGIONS))) < SWEEP_CHANCE,
        tightened=tightened,
        change_day=int((1 - TIGHT_SHARE) * days),
    )


def _tighten_threshold(threshold: Array, operator: int) -> Array:
    after = threshold.copy()
    logs = np.array([name in ("calls", "late", "redials", "texts") for name in CAUSES])
    old = threshold[:, operator]
    after[:, operator] = np.where(logs, old + np.log(TIGHTENED_SHIFT), old * TIGHTENED_SHIFT)
    return np.stack([threshold, after])


def _tighten_weight(weight: Array, operator: int) -> Array:
    after = weight.copy()
    after[:, operator] *= TIGHTENED_WEIGHT
    return np.stack([weight, after])
