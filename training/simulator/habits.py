"""Habits of teams and of their cards: volume, hours, lists, redialling, payment, trips. Drawn once per world."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from blockrisk.training.simulator.policy import OPERATORS, REGIONS, Array

CARDS_PER_TEAM = 25
HEAVY_SHARE = 0.06  # teams that dial 200 to 400 times a day and card
NEW_SHARE = 0.35  # cards activated during the period


@dataclass(frozen=True)
class Habits:
    """Hold how each card is used, as arrays of shape (cards,), float32 unless said.

    Chances are per day unless said; `activated` is the day number of the activation (negative: before day 0).
    An action on a card is a change here: `replace(habits, log_calls=habits.log_calls + log(0.75))` is a quarter fewer
    calls.
    """

    operator: Array  # int, index into OPERATORS
    region: Array  # int, index into REGIONS
    team: Array  # int
    activated: Array  # int
    log_calls: Array  # log of the usual out calls on a working day
    lift: Array  # log lift of a campaign
    campaign_start: Array
    campaign_stop: Array
    saturday: Array  # share of an ordinary day
    sunday: Array
    answer: Array  # answered / dialled
    talk: Array  # log median seconds
    dead: Array  # dead numbers on the list / dialled
    redial: Array  # repeats of an unanswered number / dialled
    quick: Array  # chance that a repeat follows at once
    late: Array  # calls outside ordinary hours / dialled
    follow_up: Array  # calls to known customers / dialled
    annoyance: Array  # log of the complaints / answered before hours, repeats and dead numbers count
    answers_complaints: Array  # chance that a complaint is ever resolved
    trip: Array
    trip_days: Array  # mean length
    declare: Array  # chance that a trip is declared
    late_bill: Array  # chance per bill
    pay: Array  # chance that an overdue bill is paid today
    due_day: Array  # int, day of the month
    swap: Array  # chance of another handset
    texts: Array  # mean messages a day
    close: Array
    delayed_export: Array  # bool: the team's calls are known a day late


def draw_habits(cards: int, days: int, rng: np.random.Generator) -> Habits:
    """Draw the habits of `cards` cards in teams of about 25; cards of one team resemble each other."""
    teams = _draw_teams(max(3, round(cards / CARDS_PER_TEAM)), rng)
    team = rng.integers(len(teams), size=cards)
    own = {str(name): teams[name].to_numpy()[team] for name in teams}
    care = np.clip(own["care"] + rng.normal(0.0, 0.07, cards), 0.02, 0.98)
    rates = _behaviour(care, own, rng)
    volume = own["log_calls"] + rng.normal(0.0, 0.30, cards)
    floats = {
        "log_calls": volume,
        "lift": np.log(rng.uniform(1.5, 2.6, cards)),
        "campaign_start": own["campaign_start"],
        "campaign_stop": np.full(cards, 0.15),
        "saturday": own["saturday"],
        "sunday": own["sunday"],
        "answer": np.clip(own["answer"] * np.exp(rng.normal(0.0, 0.08, cards)), 0.2, 0.5),
        "talk": np.log(np.clip(own["talk"] * np.exp(rng.normal(0.0, 0.1, cards)), 12, 60)),
        "dead": np.clip(own["dead"] * np.exp(rng.normal(0.0, 0.1, cards)), 0.05, 0.4),
        "texts": own["texts"] * rng.gamma(2.0, 0.5, cards),
        "close": rng.uniform(0.0001, 0.0007, cards),
        **rates,
    }
    return Habits(
        operator=np.where(rng.random(cards) < 0.7, own["operator"], rng.integers(len(OPERATORS), size=cards)),
        region=np.where(rng.random(cards) < 0.8, own["region"], rng.integers(len(REGIONS), size=cards)),
        team=team,
        activated=_activation(cards, days, rng),
        due_day=rng.integers(1, 29, cards),
        delayed_export=team == int(teams["log_calls"].argsort().iloc[len(teams) // 2]),
        **{name: np.asarray(values, np.float32) for name, values in floats.items()},
    )


def _draw_teams(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row per team. Volume and care are spread evenly over their distributions, so that small worlds hold all kinds."""
    heavy = rng.permutation(count) < max(1, round(HEAVY_SHARE * count))
    care = _spread(rng.beta(1.7, 0.8, 4096), count, rng)
    log_calls = np.where(heavy, np.log(rng.uniform(180, 300, count)), np.log(37) + _spread(rng.normal(0.0, 0.47, 4096), count, rng))
    return pd.DataFrame(
        {
            "care": np.where(heavy, care * 0.7, care),
            "log_calls": log_calls,
            "operator": rng.permutation(count) % len(OPERATORS),
            "region": rng.permutation(count) % len(REGIONS),
            "campaign_start": rng.uniform(0.010, 0.032, count),
            "saturday": rng.uniform(0.35, 0.9, count),
            "sunday": rng.uniform(0.05, 0.45, count),
            "answer": rng.uniform(0.27, 0.43, count),
            "talk": rng.uniform(20, 40, count),
            "dead": rng.uniform(0.14, 0.29, count),
            "pays_late": rng.beta(0.7, 6.3, count),
            "texts": np.where(rng.random(count) < 0.3, rng.gamma(1.2, 7.0, count), 0.0),
            "travels": rng.gamma(0.7, 0.010, count),
        }
    )


def _spread(sample: Array, count: int, rng: np.random.Generator) -> Array:
    """Quantiles of a sample at even distances, shuffled."""
    return rng.permutation(np.quantile(sample, (np.arange(count) + 0.5) / count))


def _behaviour(care: Array, own: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Rates that follow from how careful a card's user is (0 careless, 1 careful)."""
    careless = 1.0 - care

    def noisy(mean: Array) -> Array:
        return mean * np.exp(rng.normal(0.0, 0.25, len(care)))

    redial = np.clip(noisy(0.02 + 0.34 * careless**2), 0.0, 0.5)
    late = np.clip(noisy(0.004 + 0.32 * careless**3), 0.0, 0.5)
    return {
        "redial": redial,
        "quick": np.clip(0.1 + 0.6 * careless, 0.0, 0.8),
        "late": late,
        "follow_up": np.clip(0.05 + 0.2 * care, 0.0, 0.3),
        "annoyance": -8.1 + 1.3 * careless + rng.normal(0.0, 0.35, len(care)),
        "answers_complaints": np.clip(0.45 + 0.5 * care, 0.0, 0.97),
        "trip": np.clip(noisy(own["travels"]), 0.0, 0.05),
        "trip_days": rng.uniform(3.0, 8.0, len(care)),
        "declare": np.clip(0.15 + 0.8 * care, 0.0, 0.95),
        "late_bill": np.clip(noisy(own["pays_late"]), 0.002, 0.6),
        "pay": np.clip(0.05 + 0.22 * care, 0.04, 0.4),
        "swap": np.clip(noisy(0.002 + 0.05 * careless**3), 0.0, 0.15),
    }


def _activation(cards: int, days: int, rng: np.random.Generator) -> Array:
    """Day numbers: a third during the period, the others up to some years before it."""
    before = -1 - rng.exponential(260.0, cards).astype(int)
    during = rng.integers(0, max(1, days), cards)
    return np.where(rng.random(cards) < NEW_SHARE, during, before)
