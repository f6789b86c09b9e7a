"""What the policy alarm finds, and how often it is wrong: many operators' years drawn by chance, blocks card by card."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from blockrisk.training.monitoring.sequential import Change, seen, watch
from blockrisk.training.simulator.policy import REGIONS, SWEEP_CHANCE, SWEEP_SIZE

Array = np.ndarray

YEAR: Final = 365
CHANGE_DAY: Final = 240
"""The day of the change, when an operator's ordinary level has long been learned."""

GIVEN_UP_DAYS: Final = 90
"""A change not found by then counts as not found; the median counts it among the longest delays."""

BLOCKED_A_DAY: Final = 0.00125
"""Blocks a card and day on the simulator (2,500 cards, 180 days, seed 1: 0.0009 to 0.0015 by operator), sweeps included."""

_SPREAD, _WEEK = 0.9, 0.1  # of the log hazard between cards; of the hazard over the days of a week, which no forecast knows


@dataclass(frozen=True)
class Trial:
    """Hold what a number of operators' years gave.

    Attributes:
        cards: of the operator.
        calibration: true blocks over forecast ones before any change.
        false_alarms: by year and operator, where nothing changes.
        delay_days: median from a doubling to its alarm; infinite where most are not found.
        date_error_days: median distance of the named start from the true one.
        covered: share of the found changes whose interval of the size covers the truth.
        known_days: median delay of Page's test on the same counts, told the true rate and the size of the change.

    """

    cards: int
    calibration: float
    false_alarms: float
    delay_days: float
    date_error_days: float
    covered: float
    known_days: float


def trial(cards: int, calibration: float, years: int, seed: int) -> Trial:
    """Draw `years` operators' years without a change and as many with a doubling, and watch them."""
    rng = np.random.default_rng(seed)
    quiet = [draw(cards, calibration, None, rng) for _ in range(years)]
    wrong = [watch(*pair) for pair in quiet]
    changed = [draw(cards, calibration, CHANGE_DAY, rng) for _ in range(years)]
    found = [_first_after(watch(*pair)) for pair in changed]
    delays = np.array([np.inf if change is None else change.raised + 1 - CHANGE_DAY for change in found])
    dates = [abs(change.start - CHANGE_DAY) for change in found if change is not None]
    truth = 2.0 * calibration
    covered = [change.low <= truth <= change.high for change in found if change is not None]
    return Trial(
        cards,
        calibration,
        sum(len(changes) for changes in wrong) / years,
        float(np.median(delays)),
        float(np.median(dates)) if dates else float("nan"),
        float(np.mean(covered)) if covered else float("nan"),
        _known(quiet, changed, calibration),
    )


def draw(cards: int, calibration: float, change: int | None, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the blocks of one operator's year, and the forecasts: observed and expected float64[regions, days].

    Every card has a hazard of its own that wanders from month to month and is known to the forecast up to `calibration`; a card
    is blocked on a day by chance. Sweeps pass over whole regions as in the simulator. From day `change` on all of it doubles.
    """
    region = rng.integers(len(REGIONS), size=cards)
    months = rng.normal(0.0, 1.0, (cards, 1 + YEAR // 30))
    log = _SPREAD * (0.8 * rng.normal(0.0, 1.0, (cards, 1)) + 0.6 * months) - _SPREAD**2 / 2
    hazard = np.exp(log)[:, np.arange(YEAR) // 30] * (BLOCKED_A_DAY - SWEEP_CHANCE * SWEEP_SIZE)
    day = np.arange(YEAR)
    level = np.where(day >= (YEAR if change is None else change), 2.0, 1.0)
    blocked = rng.random(hazard.shape) < hazard * level * (1 + _WEEK * np.sin(2 * np.pi * day / 7))
    swept = (rng.random((len(REGIONS), YEAR)) < SWEEP_CHANCE * level)[region]
    blocked |= swept & (rng.random(hazard.shape) < SWEEP_SIZE)
    rows = np.zeros((len(REGIONS), cards))
    rows[region, np.arange(cards)] = 1.0
    return rows @ blocked, rows @ (hazard + SWEEP_CHANCE * SWEEP_SIZE) / calibration


def _first_after(changes: Sequence[Change]) -> Change | None:
    later = [found for found in changes if CHANGE_DAY <= found.raised < CHANGE_DAY + GIVEN_UP_DAYS]
    return later[0] if later else None


def _known(quiet: Sequence[tuple[Array, Array]], changed: Sequence[tuple[Array, Array]], calibration: float) -> float:
    """Give the median delay of Page's test for a doubling from the true rate, its limit set for one false alarm a year.

    It sees the counts as `watch` does, capped, so that it is no worse off.
    """
    calm, steps = (np.array([_steps(*pair, calibration) for pair in pairs]) for pairs in (quiet, changed))
    low, high = 0.5, 12.0
    for _ in range(20):
        limit = (low + high) / 2
        low, high = (limit, high) if _alarms(calm, limit).sum() > len(calm) else (low, limit)
    raised = _alarms(steps, high)[:, CHANGE_DAY:]
    return float(np.median(np.where(raised.any(axis=1), raised.argmax(axis=1) + 1.0, np.inf)))


def _steps(observed: Array, expected: Array, calibration: float) -> Array:
    kept, known = seen(observed, expected)
    return np.asarray(kept.sum(axis=0) * np.log(2.0) - calibration * known.sum(axis=0))


def _alarms(steps: Array, limit: float) -> Array:
    total, raised = np.zeros(len(steps)), np.zeros(steps.shape, dtype=bool)
    for day in range(steps.shape[1]):
        total = np.maximum(0.0, total + steps[:, day])
        raised[:, day] = total > limit
        total[raised[:, day]] = 0.0
    return raised
