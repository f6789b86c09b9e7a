"""How blocks differ by weekday."""

import numpy as np
import pytest

from blockrisk.models.ladder import ALIKE
from blockrisk.training.weekdays import LEAST_WEEKS, weekday_rates

START, UNTIL = np.datetime64("2026-01-05"), np.datetime64("2026-06-22")
DAYS = np.arange(START, UNTIL)


def drawn(seed: int, rates: np.ndarray, sweeps: int = 0, a_day: float = 1.2) -> np.ndarray:
    """Draw moments of blocks, `a_day` of them on a mean day, and 15 more on each of some days."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(a_day * rates[np.arange(len(DAYS)) % 7])
    counts[rng.choice(len(DAYS), sweeps, replace=False)] += 15
    return np.repeat(DAYS, counts).astype("datetime64[us]") + rng.integers(0, 86_400_000_000, counts.sum()).astype(
        "timedelta64[us]"
    )


def nats_a_block(found: tuple[float, ...], true: np.ndarray) -> float:
    """Give what forecasts of the rates lose against the truth, per block (Poisson deviance / 2)."""
    return float(np.mean(true * np.log(true / np.array(found)) - true + np.array(found)))


@pytest.mark.parametrize(
    ("true", "sweeps", "most"),
    [
        ([1.0] * 7, 0, 0.006),
        ([1.0] * 7, 4, 0.010),
        ([1.35, 1.35, 1.35, 1.35, 1.35, 0.125, 0.125], 0, 0.02),
        ([1.35, 1.35, 1.35, 1.35, 1.35, 0.125, 0.125], 3, 0.11),
        ([0.8, 1.2, 1.0, 1.0, 1.2, 0.9, 0.9], 0, 0.009),
    ],
)  # rates that are all 1 lose 0.22 nats at desk hours, 0.010 in the last case
def test_rates_come_near_the_truth_and_chance_moves_little(true: list[float], sweeps: int, most: float) -> None:
    rates = np.array(true)
    lost = [nats_a_block(weekday_rates(drawn(seed, rates, sweeps), UNTIL), rates) for seed in range(200)]
    assert np.mean(lost) < most


def test_what_comes_later_is_not_seen_and_the_order_does_not_matter() -> None:
    rates = np.array([1.35, 1.35, 1.35, 1.35, 1.35, 0.125, 0.125])
    blocked = drawn(1, rates)
    later = np.repeat(np.arange(UNTIL, UNTIL + 60).astype("datetime64[us]"), 9)
    shuffled = np.random.default_rng(0).permutation(np.concatenate([later, blocked]))
    assert weekday_rates(shuffled, UNTIL) == weekday_rates(blocked, UNTIL) != ALIKE
    assert np.mean(weekday_rates(blocked, UNTIL)) == pytest.approx(1)


@pytest.mark.parametrize("until", [UNTIL, UNTIL - 3, UNTIL - 6])
def test_the_first_rate_is_that_of_mondays(until: np.datetime64) -> None:
    mondays = np.repeat(DAYS[::7], 5)
    assert int(np.argmax(weekday_rates(mondays, until))) == 0


def test_little_tells_nothing() -> None:
    few = np.repeat(np.arange(UNTIL - 7 * LEAST_WEEKS + 1, UNTIL), 3)
    assert weekday_rates(few, UNTIL) == ALIKE
    assert weekday_rates(np.empty(0, "datetime64[us]"), UNTIL) == ALIKE
    assert weekday_rates(np.array([UNTIL - 200]), UNTIL) == ALIKE
