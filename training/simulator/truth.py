"""The true chances: roll-outs of the world's own daily step, from the state at a midnight, the future drawn anew."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from blockrisk.training.simulator.dynamics import State, intensity, step, take, take_habits, unexplained_ahead
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import Array, Policy

WARM_UP = 7  # days without truth: the ledgers are too short there
THREADS = 2


@dataclass(frozen=True)
class Outcomes:
    """Hold what really happened: `label` and `other` (other ends of observation), bool, shape (cards, days)."""

    label: Array
    other: Array


def chances(
    state: State, habits: Habits, policy: Policy, day: int, horizon: int, *, rollouts: int, rng: np.random.Generator
) -> Array:
    """Compute the true chance that a block of a label kind starts in the `horizon` days from the midnight of `day`.

    `state` is that of the midnight, of shape (cards,); the operator's memories are in it, the future is drawn
    `rollouts` times. No block is drawn: each roll-out gives 1 - exp(-sum of the daily intensities), and their mean is returned,
    shape (cards,). To apply an action for real, change the state or the habits first (`dataclasses.replace`). A card
    is taken to stay in use: nothing else ends the observation.

    >>> from dataclasses import replace
    >>> from blockrisk.training.simulator import simulate
    >>> world = simulate(cards=40, days=10, seed=1, rollouts=4)
    >>> half = replace(world.habits, log_calls=world.habits.log_calls - 0.69)
    >>> draw = {"rollouts": 64, "rng": np.random.default_rng(0)}
    >>> before = chances(world.states[10], world.habits, world.policy, 10, 7, **draw)
    >>> after = chances(world.states[10], half, world.policy, 10, 7, **draw)
    >>> bool(after.sum() < before.sum())
    True
    """
    future = take(state, np.arange(len(habits.team)), copies=rollouts)
    total = np.zeros(future.level.shape)
    for ahead in range(day, day + horizon):
        causes = intensity(future, habits, policy, ahead)
        total += sum(causes[1:], causes[0]) + unexplained_ahead()
        if ahead < day + horizon - 1:
            future = step(future, habits, policy, ahead, rng)
    return -np.expm1(-total).mean(axis=0)


@dataclass(frozen=True)
class History:
    """Hold the hidden history of a world: habits, rules, the state at each midnight (days + 1), what happened."""

    habits: Habits
    policy: Policy
    states: list[State]
    outcomes: Outcomes


def truth_table(
    history: History, card_ids: Array, horizon: int, end: int, rollouts: int, seed: np.random.SeedSequence
) -> pd.DataFrame:
    """Make the table card_id, as_of, probability, blocked: each card at risk at each midnight from WARM_UP to `end`.

    `end` is the day number of the end of observation. `blocked` is 1 or 0, NaN where the contract's label is unknown.
    """
    days = range(min(WARM_UP, end), end + 1)
    # Every midnight has its own stream, so that threads cannot change the numbers.
    jobs = list(zip(days, seed.spawn(len(days)), strict=True))
    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(lambda job: _midnight(history, horizon, end, rollouts, *job), jobs))
    cards, chance, blocked = (np.concatenate(column) for column in zip(*parts, strict=True))
    first = pd.Timestamp(history.policy.start).to_datetime64().astype("datetime64[us]")
    day = np.repeat(np.array(days), [len(part[0]) for part in parts])
    return pd.DataFrame(
        {
            "card_id": card_ids[cards],
            "as_of": first + day.astype("timedelta64[D]"),
            "probability": chance,
            "blocked": blocked,
        }
    )


def _midnight(
    history: History, horizon: int, end: int, rollouts: int, day: int, seed: np.random.SeedSequence
) -> tuple[Array, Array, Array]:
    cards = np.flatnonzero(history.states[day].on)
    habits = take_habits(history.habits, cards)
    rng = np.random.Generator(np.random.SFC64(seed))
    state = take(history.states[day], cards)
    chance = chances(state, habits, history.policy, day, horizon, rollouts=rollouts, rng=rng)
    return cards, chance, _label(history.outcomes, cards, day, horizon, end)


def _label(outcomes: Outcomes, cards: Array, day: int, horizon: int, end: int) -> Array:
    """The contract's label: 1, 0, or NaN where unknown."""
    if day + horizon > end:
        return np.full(len(cards), np.nan)
    ahead = slice(day, day + horizon)
    label = outcomes.label[cards, ahead].any(axis=1)
    other = outcomes.other[cards, ahead].any(axis=1)
    return np.where(label, 1.0, np.where(other, np.nan, 0.0))
