"""Is the advice true: each action applied for real in the simulator, against the effect that was told."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables
from blockrisk.serving.advice import advise
from blockrisk.serving.predict import Model, risk_vectors
from blockrisk.serving.projection import AHEAD
from blockrisk.training.simulator.dynamics import State, step, take, take_habits
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import Array
from blockrisk.training.simulator.truth import chances
from blockrisk.training.simulator.world import World

Life = tuple[State, Habits]

_LATE_KEPT = 0.15  # of the simulator's late calls lie between 20:00 and 21:00, inside the hours on file


def _fewer(share: float) -> Callable[[State, Habits], Life]:
    return lambda state, habits: (state, replace(habits, log_calls=habits.log_calls + np.float32(np.log(share))))


def _in_hours(state: State, habits: Habits) -> Life:
    return state, replace(habits, late=habits.late * np.float32(_LATE_KEPT))


def _clean(state: State, habits: Habits) -> Life:
    live = 1 - habits.dead
    dead = np.zeros_like(habits.dead)
    return state, replace(habits, dead=dead, answer=habits.answer / live, log_calls=habits.log_calls + np.log(live))


def _repeat_less(state: State, habits: Habits) -> Life:
    left = 1 - habits.redial / 2
    return state, replace(habits, redial=habits.redial / 2 / left, log_calls=habits.log_calls + np.log(left))


def _stay(state: State, habits: Habits) -> Life:
    return replace(state, trip_left=np.zeros_like(state.trip_left)), replace(habits, trip=np.full_like(habits.trip, 1e-9))


def _declare(state: State, habits: Habits) -> Life:
    return replace(state, undeclared=np.zeros_like(state.undeclared)), replace(habits, declare=np.ones_like(habits.declare))


REAL: Final[dict[str, Callable[[State, Habits], Life]]] = {
    "call_less_half": _fewer(0.5),
    "call_less_quarter": _fewer(0.75),
    "other_channels": _fewer(0.75),
    "permitted_hours": _in_hours,
    "clean_dead_numbers": _clean,
    "repeat_less": _repeat_less,
    "answer_complaints": lambda state, habits: (state, replace(habits, answers_complaints=np.ones_like(habits.trip))),
    "declare_offsite": _declare,
    "use_at_home": _stay,
    "pay_due": lambda state, habits: (replace(state, arrears=np.zeros_like(state.arrears)), habits),
    "update_registration": lambda state, habits: (state, habits),
    "one_handset": lambda state, habits: (state, replace(habits, swap=np.zeros_like(habits.swap))),
    "no_unwanted_texts": lambda state, habits: (state, replace(habits, texts=np.zeros_like(habits.texts))),
    "stop_on_warning": _fewer(1e-9),
}
"""What each action is in the simulator."""


def true_chances(world: World, day: int, cards: Sequence[int], action: str, *, horizon: int, rollouts: int, seed: int) -> Array:
    """Give the true chance of a block in [day + AHEAD, day + AHEAD + horizon) with an action kept from `day` on: float64[cards].

    `cards` are positions in the world, `action` a key of REAL or "" for going on as before. The same seed draws the same future for
    each action. A card is taken to stay in use.
    """
    places = np.asarray(cards)
    state, habits = take(world.states[day], places), take_habits(world.habits, places)
    if action:
        state, habits = REAL[action](state, habits)
    rng = np.random.Generator(np.random.SFC64(seed))
    future = take(state, np.arange(len(places)), copies=rollouts)
    for ahead in range(day, day + AHEAD):
        future = step(future, habits, world.policy, ahead, rng)
    flat = State(**{field.name: np.ascontiguousarray(getattr(future, field.name)).reshape(-1) for field in fields(State)})
    many = take_habits(habits, np.tile(np.arange(len(places)), rollouts))
    found = chances(flat, many, world.policy, day + AHEAD, horizon, rollouts=1, rng=rng)
    return found.reshape(rollouts, -1).mean(axis=0)


def check_advice(  # noqa: PLR0913 - a world, a model, and how much of them is tried
    world: World, tables: Tables, model: Model, days: Sequence[int], *, most: int = 2_000, rollouts: int = 48, seed: int = 0
) -> pd.DataFrame:
    """Apply the advice of cards at the midnights of `days` for real: one row a case.

    Args:
        world: a simulated world.
        tables: its tables, read.
        model: a model trained on them (or on others).
        days: day numbers of the world, at most its number of days.
        most: cases that are kept, drawn evenly from all advice shown to all cards at risk.
        rollouts: drawn futures behind each true chance.
        seed: of what is drawn.

    Returns:
        card_id, day, action, risk_rank (of the card among its day's), without, with_it, low, high (as told), true_without,
        true_with: probabilities at the midnight of day + AHEAD.

    """
    told = pd.concat([_told(world, tables, model, day) for day in days], ignore_index=True)
    cases = told.sample(min(most, len(told)), random_state=seed).sort_index().reset_index(drop=True)
    place = {card: number for number, card in enumerate(world.tables["cards"]["card_id"])}
    horizon = int(model.horizon_days or AHEAD)
    for (day, action), part in cases.groupby(["day", "action"]):
        cards = [place[card] for card in part["card_id"]]
        for column, code in (("true_without", ""), ("true_with", str(action))):
            found = true_chances(world, int(str(day)), cards, code, horizon=horizon, rollouts=rollouts, seed=seed)
            cases.loc[part.index, column] = found
    return cases


def _told(world: World, tables: Tables, model: Model, day: int) -> pd.DataFrame:
    as_of = pd.Timestamp(world.policy.start) + pd.Timedelta(days=day)
    frame = risk_vectors(tables, model, [as_of])
    rank = dict(zip(frame["card_id"], (-model.margin(frame)).argsort().argsort() + 1, strict=True))
    rows = [
        (card, day, one.code, rank[card], one.probability_without, one.probability_with, one.low, one.high)
        for card, advice in advise(tables, model, frame, as_of).items()
        for one in advice
    ]
    return pd.DataFrame(rows, columns=["card_id", "day", "action", "risk_rank", "without", "with_it", "low", "high"])


def figures(cases: pd.DataFrame) -> pd.DataFrame:
    """Sum up the cases of `check_advice`: one row an action, the last for all.

    Columns: cases; told and true, the mean change of the probability; inside, the share whose true change lies in the stated
    interval; firm, the cases whose interval excludes no effect; right, the share of those whose true change is below 0
    (NaN where there are none).

    >>> told = {"action": "pay_due", "without": 0.2, "with_it": 0.1, "low": 0.05, "high": 0.19}
    >>> figures(pd.DataFrame([{**told, "true_without": 0.3, "true_with": 0.22}])).iloc[-1].round(2).tolist()
    [1.0, -0.1, -0.08, 1.0, 1.0, 1.0]

    """
    parts = {str(action): part for action, part in cases.groupby("action")} | {"all": cases}
    return pd.DataFrame({name: _figures(part) for name, part in parts.items()}).T


def _figures(cases: pd.DataFrame) -> dict[str, float]:
    change = cases["true_with"] - cases["true_without"]
    inside = (change >= cases["low"] - cases["without"] - 1e-12) & (change <= cases["high"] - cases["without"] + 1e-12)
    firm = cases["high"] < cases["without"]
    return {
        "cases": float(len(cases)),
        "told": float((cases["with_it"] - cases["without"]).mean()),
        "true": float(change.mean()),
        "inside": float(inside.mean()),
        "firm": float(firm.sum()),
        "right": float((change[firm] < 0).mean()),
    }
