"""One day of every card's life, and the operators' hazard: used by the world and by the roll-outs alike.

A day d runs so: the hazard of d is read from the state at the midnight that begins d (`intensity`), then the state
moves through d (`step`). All arrays have the shape (..., cards), so that a roll-out is one more leading axis.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import CAUSES, IDENTITY, SWEEP_CHANCE, SWEEP_SIZE, Array, Policy

# Hour of the day -> share of the calls: two humps, a dip at noon, the peak from 10 to 11.
ORDINARY_HOURS = {
    8: 35,
    9: 115,
    10: 137,
    11: 120,
    12: 45,
    13: 55,
    14: 105,
    15: 116,
    16: 110,
    17: 92,
    18: 40,
    19: 20,
    20: 10,
}
LATE_HOURS = {6: 4, 7: 11, 20: 15, 21: 33, 22: 25, 23: 12}

LEVEL_KEPT, LEVEL_NOISE, DAY_NOISE = 0.85, 0.17, 0.28
KEEP_CALLS, KEEP_SHORT, KEEP_COMPLAINTS, KEEP_OFFSITE, KEEP_SWAPS, KEEP_STRIKES = 0.60, 0.75, 0.94, 0.80, 0.90, 0.995
DECLARED_COUNTS = 0.06  # a declared day away, against an undeclared one
MARK_FROM, MARK_CHANCE, UNMARK_CHANCE, MARKED_ANSWERS = 1.5, 0.15, 0.012, 0.38
MOST_CALLS = 600.0  # a day has no more room
DAILY_CAP = 0.16  # the explained intensity of a day approaches this and no more


@dataclass(frozen=True)
class State:
    """Hold the state of the cards at a midnight, arrays of shape (..., cards).

    The operator's memories decay daily; `calls`, `complaints`, `swapped`, `billed`, `slipped` and `paid` are what the
    day before brought.
    """

    on: Array  # bool: at risk: activated, not closed, not inside a block
    campaign: Array  # bool
    level: Array  # log deviation of the volume
    trip_left: Array  # days away still to come, the day before included
    undeclared: Array  # bool: the trip is not declared
    marked: Array  # bool: phones show the number as a nuisance
    arrears: Array  # days since the oldest unpaid bill, 0 = none
    strikes: Array  # earlier blocks, slowly forgotten
    calls_seen: Array
    late_seen: Array
    redials_seen: Array
    texts_seen: Array
    complaints_seen: Array
    offsite_seen: Array
    swaps_seen: Array
    calls: Array
    complaints: Array
    swapped: Array
    billed: Array
    slipped: Array
    paid: Array


def initial_state(cards: int) -> State:
    """Give the state of cards that have done nothing yet."""
    names = {field.name for field in fields(State)}
    flags = {"on", "campaign", "undeclared", "marked", "swapped", "billed", "slipped", "paid"}
    values = {name: np.zeros(cards, bool if name in flags else np.float32) for name in names}
    return State(**values)


def take(state: State, cards: Array, copies: int | None = None) -> State:
    """Pick cards out of a state; with `copies`, repeat them along a new first axis (read only)."""
    picked = {field.name: getattr(state, field.name)[..., cards] for field in fields(State)}
    if copies is not None:
        picked = {name: np.broadcast_to(values, (copies, *values.shape)) for name, values in picked.items()}
    return State(**picked)


def take_habits(habits: Habits, cards: Array) -> Habits:
    """Pick cards out of the habits."""
    return Habits(**{field.name: getattr(habits, field.name)[cards] for field in fields(Habits)})


def step(state: State, habits: Habits, policy: Policy, day: int, rng: np.random.Generator) -> State:
    """Move the state through one day; the new state is that of the next midnight.

    Nothing here depends on whether a card is blocked, other than through `on`: a card that is not on makes no calls.
    """
    shape = state.level.shape
    draws = rng.random((8, *shape), dtype=np.float32)
    campaign = np.where(state.campaign, draws[0] >= habits.campaign_stop, draws[0] < habits.campaign_start)
    level = LEVEL_KEPT * state.level + LEVEL_NOISE * rng.standard_normal(shape, dtype=np.float32)
    calls = _day_calls(state.on, campaign, level, habits, policy.date(day).weekday(), rng)
    complaints = _complaints(calls, state.marked, habits, draws[1])
    away = _trips(state, habits, draws[2:4])
    bills = _bills(state, habits, policy.date(day).day, draws[4:6])
    swapped = state.on & (draws[6] < habits.swap)
    marked = np.where(state.marked, draws[7] >= UNMARK_CHANCE, (draws[7] < MARK_CHANCE) & (state.complaints_seen > MARK_FROM))
    moved = replace(state, campaign=campaign, level=level, marked=marked, calls=calls, complaints=complaints, swapped=swapped)
    return _remember(replace(moved, **away, **bills), habits)


def _day_calls(on: Array, campaign: Array, level: Array, habits: Habits, weekday: int, rng: np.random.Generator) -> Array:
    noise = rng.standard_normal(level.shape, dtype=np.float32)
    log_calls = habits.log_calls + level + campaign * habits.lift + np.float32(DAY_NOISE) * noise
    share = {5: habits.saturday, 6: habits.sunday}.get(weekday, np.ones_like(habits.saturday))
    return np.rint(np.minimum(np.exp(log_calls) * share, np.float32(MOST_CALLS))) * on


def _complaints(calls: Array, marked: Array, habits: Habits, draw: Array) -> Array:
    """Poisson by inversion, at most three a day."""
    mean = calls * np.where(marked, np.float32(MARKED_ANSWERS), np.float32(1.0)) * (habits.answer * complaint_rate(habits))
    none = np.exp(-mean)
    one = none * (1 + mean)
    two = one + none * mean * mean / 2
    return (draw > none).astype(np.float32) + (draw > one) + (draw > two)


def complaint_rate(habits: Habits) -> Array:
    """Give complaints per answered call: worse for repeats, late calls and dead lists, within the published range."""
    log_rate = habits.annoyance + 3.2 * habits.redial + 5.0 * habits.late + 3.0 * habits.dead
    return np.clip(np.exp(log_rate), 0.0003, 0.004)


def _trips(state: State, habits: Habits, draws: Array) -> dict[str, Array]:
    left = np.maximum(state.trip_left - 1, 0)
    starts = (left == 0) & state.on & (draws[0] < habits.trip)
    # Given a start, draws[0] / trip is uniform again: it decides the length.
    length = 1 + np.floor(-habits.trip_days * np.log(np.maximum(draws[0] / habits.trip, 1e-4)))
    return {
        "trip_left": np.where(starts, length, left),
        "undeclared": np.where(starts, draws[1] >= habits.declare, state.undeclared & (left > 0)),
    }


def _bills(state: State, habits: Habits, day_of_month: int, draws: Array) -> dict[str, Array]:
    billed = state.on & (habits.due_day == day_of_month)
    slipped = billed & (draws[0] < habits.late_bill)
    paid = (state.arrears > 0) & (draws[1] < habits.pay)
    older = np.where((state.arrears > 0) & ~paid, state.arrears + 1, np.float32(0.0))
    return {
        "billed": billed,
        "slipped": slipped,
        "paid": paid,
        "arrears": np.where((older == 0) & slipped, np.float32(1.0), older),
    }


def _remember(state: State, habits: Habits) -> State:
    away = state.trip_left > 0
    working = state.calls > 0
    offsite = (away & working) * np.where(state.undeclared, np.float32(1.0), np.float32(DECLARED_COUNTS))
    texts = habits.texts * (1 + state.campaign) * state.on
    return replace(
        state,
        strikes=state.strikes * np.float32(KEEP_STRIKES),
        calls_seen=_blend(state.calls_seen, state.calls, KEEP_CALLS),
        late_seen=_blend(state.late_seen, state.calls * habits.late, KEEP_SHORT),
        redials_seen=_blend(state.redials_seen, state.calls * habits.redial, KEEP_SHORT),
        texts_seen=_blend(state.texts_seen, texts, KEEP_SHORT),
        complaints_seen=state.complaints_seen * np.float32(KEEP_COMPLAINTS) + state.complaints,
        offsite_seen=state.offsite_seen * np.float32(KEEP_OFFSITE) + offsite,
        swaps_seen=state.swaps_seen * np.float32(KEEP_SWAPS) + state.swapped,
    )


def _blend(memory: Array, new: Array, keep: float) -> Array:
    return memory + np.float32(1.0 - keep) * (new - memory)


def intensity(state: State, habits: Habits, policy: Policy, day: int) -> list[Array]:
    """Give the explained intensity of a block during `day`, one array of shape (..., cards) per cause of CAUSES.

    The chance of a block is 1 - exp(-(their sum + the unexplained part)). Cards that are not on are not masked.
    """
    threshold = policy.threshold[policy.phase(day)][:, habits.operator]
    weight = policy.weight[policy.phase(day)][:, habits.operator] * _multiplier(habits, policy, day)
    repeat = 1 + np.float32(0.6) * state.strikes
    ramps = [
        weight[k] * np.log1p(np.exp((drive - threshold[k]) / policy.width[k])) * repeat
        for k, drive in enumerate(drives(state, habits, policy))
    ]
    total = sum(ramps[1:], ramps[0])
    damped = DAILY_CAP * -np.expm1(-total / DAILY_CAP) / total
    return [ramp * damped for ramp in ramps]


def drives(state: State, habits: Habits, policy: Policy) -> list[Array]:
    """Give what each cause of CAUSES is driven by, in its order."""
    outside = _outside(policy)[habits.operator]
    values = {
        "calls": np.log1p(state.calls_seen),
        "complaints": state.complaints_seen,
        "late": np.log1p(state.late_seen * outside),
        "redials": np.log1p(state.redials_seen),
        "offsite": state.offsite_seen,
        "arrears": np.minimum(state.arrears, np.float32(20.0)),
        "handset": state.swaps_seen,
        "texts": np.log1p(state.texts_seen),
    }
    return [values[cause] for cause in CAUSES]


def _multiplier(habits: Habits, policy: Policy, day: int) -> Array:
    """Strict regions and young cards."""
    age = np.maximum(day - habits.activated, 0).astype(np.float32)
    return policy.strictness[habits.region] * (1 + np.float32(0.9) * np.exp(-age / np.float32(35.0)))


def _outside(policy: Policy) -> Array:
    """Share of the late calls that lie outside each operator's hours."""
    return np.array([_share_outside(*hours) for hours in policy.hours.tolist()], np.float32)


@lru_cache(maxsize=64)
def _share_outside(opens: float, shuts: float) -> float:
    total = sum(LATE_HOURS.values())
    inside = sum(share * max(0.0, min(hour + 1, shuts) - max(hour, opens)) for hour, share in LATE_HOURS.items())
    return 1.0 - inside / total


def unexplained(habits: Habits, policy: Policy, day: int) -> tuple[Array, Array]:
    """Give the intensities of a sweep and of an identity check that really hold on `day`, each of shape (cards,)."""
    swept = policy.sweeps[day, habits.operator, habits.region]
    return np.where(swept, -np.log1p(-SWEEP_SIZE), 0.0), np.full(len(swept), IDENTITY)


def unexplained_ahead() -> float:
    """Give the daily intensity of the unexplained part when the days of the sweeps are not known yet."""
    return float(-np.log1p(-SWEEP_CHANCE * SWEEP_SIZE)) + IDENTITY
