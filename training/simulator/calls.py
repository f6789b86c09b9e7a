"""The single calls of a day, drawn from the state of the day: whom, when, how long, with what result."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from blockrisk.training.simulator.dynamics import LATE_HOURS, MARKED_ANSWERS, ORDINARY_HOURS
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import REGIONS, Array

DAY_S = 86_400
DIRECTIONS = ("out", "in", "forward")
RESULTS = ("answered", "no_answer", "busy", "rejected", "power_off", "invalid_number", "blocked", "failed", "unknown")
UNANSWERED = (0.0, 0.55, 0.12, 0.19, 0.10, 0.0, 0.005, 0.025, 0.01)  # of RESULTS, live numbers
RELEASED = ("caller", "callee", "unknown")
TALK_SIGMA = 1.2
CALL_BACK = 0.025  # of the unanswered calls
HANDSETS = 64  # a card never uses more


@dataclass(frozen=True)
class DayOfCalls:
    """Hold what the calls of one day depend on, arrays of shape (cards,).

    `last` is the second of the day at which the card stops calling.
    """

    day: int
    count: Array
    marked: Array
    region: Array
    handset: Array
    last: Array


def draw_calls(today: DayOfCalls, habits: Habits, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the calls of a day, sorted by time: one array per column, codes for text, seconds from day 0."""
    card = np.repeat(np.arange(len(today.count)), today.count.astype(np.int64))
    card, second = _times(card, habits, rng)
    parent = _parents(card, habits, rng)
    known, dead = _kinds(card, habits, rng)
    answer_chance = habits.answer * np.where(today.marked, MARKED_ANSWERS, 1.0) / (1.0 - habits.dead)
    answered = (rng.random(len(card)) < answer_chance[card]) & ~dead
    # People redial whom they did not reach; one in eight repeats is another call to someone reached.
    again = (parent >= 0) & (~answered[parent] | (rng.random(len(card)) < 0.125))
    second = _close_up(second, again & (parent == np.arange(len(card)) - 1), rng)
    root = _roots(np.where(again, parent, np.arange(len(card))))
    callee, dead = _numbers(card, known, today.day, habits, rng)[root], dead[root]
    answered &= ~dead
    result = _results(answered, dead, rng)
    talk = _talk(answered, card, habits, rng)
    ring = _ring(result, rng)
    second = _one_at_a_time(card, second, talk + ring + 3)
    columns: dict[str, Array] = {
        "card": card,
        "second": second,
        "callee": callee,
        "talk": talk,
        "direction": np.zeros(len(card), np.int8),
        "result": result,
        "ring": ring,
        "released": _released(answered, rng),
    }
    columns = _join(columns, _call_backs(columns, habits, rng))
    kept = columns["second"] < today.last[columns["card"]]
    columns = {name: values[kept] for name, values in columns.items()}
    return _finish(columns, today)


def _times(card: Array, habits: Habits, rng: np.random.Generator) -> tuple[Array, Array]:
    draw = rng.random((2, len(card)))
    late = draw[0] < habits.late[card]
    second = np.where(late, _clock(draw[1], LATE_HOURS), _clock(draw[1], ORDINARY_HOURS)).astype(np.int64)
    order = np.argsort(card * DAY_S + second, kind="stable")
    return card, second[order]


def _clock(draw: Array, hours: dict[int, int]) -> Array:
    """Seconds of the day by the inverse of the hourly profile."""
    shares = np.array([hours.get(hour, 0) for hour in range(24)], float)
    cumulated = np.concatenate([[0.0], np.cumsum(shares)]) / shares.sum()
    edges = np.arange(25) * 3600.0
    used = np.flatnonzero(shares)
    # An empty hour inside the profile must not be interpolated through: search, then interpolate within the hour.
    hour = used[np.searchsorted(cumulated[used + 1], draw, side="right").clip(max=len(used) - 1)]
    width = cumulated[hour + 1] - cumulated[hour]
    return edges[hour] + np.minimum((draw - cumulated[hour]) / width * 3600.0, 3599.0)


def _parents(card: Array, habits: Habits, rng: np.random.Generator) -> Array:
    """The earlier call of the same card and day that a call repeats, or -1."""
    draw = rng.random((3, len(card)))
    wanted = draw[0] < (habits.redial * 1.25)[card]
    at_once = draw[1] < habits.quick[card]
    lag = np.where(at_once, 1, 1 + (draw[2] * 40).astype(np.int64))
    parent = np.arange(len(card)) - lag
    valid = wanted & (parent >= 0)
    valid &= card[np.maximum(parent, 0)] == card
    return np.where(valid, parent, -1)


def _close_up(second: Array, at_once: Array, rng: np.random.Generator) -> Array:
    """Move a repeat that follows at once to within minutes of the call before it; the order stays."""
    gap = np.where(at_once, rng.integers(40, 240, len(second)), 0)
    ahead = np.cumsum(gap)
    lane = np.cumsum(~at_once) * np.int64(10**8)  # the running minimum never leaves its chain
    return np.minimum.accumulate(second - ahead - lane) + ahead + lane


def _roots(parent: Array) -> Array:
    """Follow each chain to its first call."""
    while True:
        grand = parent[parent]
        if np.array_equal(grand, parent):
            return parent
        parent = grand


def _kinds(card: Array, habits: Habits, rng: np.random.Generator) -> tuple[Array, Array]:
    """Whether a call goes to a known customer, and whether to a dead number (never both)."""
    draw = rng.random(len(card))
    follow_up = habits.follow_up[card]
    return draw < follow_up, (draw >= follow_up) & (draw < follow_up + habits.dead[card])


def _numbers(card: Array, known: Array, day: int, habits: Habits, rng: np.random.Generator) -> Array:
    """Hash of the called number: one of the card's customers, or a new one."""
    customers = 30 + 4 * np.exp(habits.log_calls)
    customer = (rng.random(len(card)) ** 1.5 * customers[card]).astype(np.uint64) + np.uint64(2**40)
    fresh = np.uint64(day) * np.uint64(2**20) + np.arange(len(card), dtype=np.uint64)
    return _mix(card.astype(np.uint64) * np.uint64(2**42) + np.where(known, customer, fresh))


def _mix(values: Array) -> Array:
    """Scramble 64-bit numbers (splitmix64): a stable hash without a key."""
    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _results(answered: Array, dead: Array, rng: np.random.Generator) -> Array:
    draw = rng.random(len(answered))
    failure = np.searchsorted(np.cumsum(UNANSWERED), draw * sum(UNANSWERED), side="right").clip(max=len(RESULTS) - 1)
    invalid = np.where(draw < 0.92, RESULTS.index("invalid_number"), RESULTS.index("failed"))
    return np.where(answered, 0, np.where(dead, invalid, failure)).astype(np.int8)


def _talk(answered: Array, card: Array, habits: Habits, rng: np.random.Generator) -> Array:
    seconds = np.exp(habits.talk[card] + TALK_SIGMA * rng.standard_normal(len(card)))
    return np.where(answered, np.clip(np.rint(seconds), 1, 5400), 0).astype(np.int32)


def _ring(result: Array, rng: np.random.Generator) -> Array:
    mean = np.array([9.0, 32.0, 2.0, 11.0, 1.5, 1.0, 1.0, 1.0, 10.0])[result]
    return np.clip(np.rint(mean * rng.gamma(4.0, 0.25, len(result))), 0, 90).astype(np.int32)


def _released(answered: Array, rng: np.random.Generator) -> Array:
    draw = rng.random(len(answered))
    return np.where(answered, draw < 0.6, np.where(draw < 0.1, 2, 0)).astype(np.int8)


def _one_at_a_time(card: Array, second: Array, busy: Array) -> Array:
    """Push a call back until the one before it has ended."""
    before = np.cumsum(busy) - busy
    lane = card * np.int64(10**7)  # far enough apart for the running maximum never to leave its card
    starts = np.append(True, card[1:] != card[:-1])[: len(card)]
    ahead = before - np.maximum.accumulate(np.where(starts, before, 0)) if len(card) else before
    return np.maximum.accumulate(second - ahead + lane) - lane + ahead


def _call_backs(columns: dict[str, Array], habits: Habits, rng: np.random.Generator) -> dict[str, Array]:
    """Incoming calls by people who found a missed call; a few of them are forwarded."""
    missed = np.flatnonzero(columns["result"] == RESULTS.index("no_answer"))
    missed = missed[rng.random(len(missed)) < CALL_BACK / UNANSWERED[1]]
    card = columns["card"][missed]
    answered = rng.random(len(missed)) < 0.8
    result = np.where(answered, 0, RESULTS.index("no_answer")).astype(np.int8)
    return {
        "card": card,
        "second": columns["second"][missed] + 60 + rng.exponential(3000.0, len(missed)).astype(np.int64),
        "callee": columns["callee"][missed],
        "talk": _talk(answered, card, habits, rng),
        "direction": np.where(rng.random(len(missed)) < 0.06, 2, 1).astype(np.int8),
        "result": result,
        "ring": _ring(result, rng),
        "released": _released(answered, rng),
    }


def _join(first: dict[str, Array], second: dict[str, Array]) -> dict[str, Array]:
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def _finish(columns: dict[str, Array], today: DayOfCalls) -> dict[str, Array]:
    order = np.argsort(columns["second"] * 2**32 + columns["card"], kind="stable")
    ordered = {name: values[order] for name, values in columns.items()}
    card = ordered.pop("card")
    second = ordered.pop("second")
    return {
        "card": card.astype(np.int32),
        "started": second + today.day * DAY_S,
        **ordered,
        "region": today.region[card].astype(np.int8),
        "imei": (card * HANDSETS + today.handset[card] % HANDSETS).astype(np.int32),
    }


def calls_table(days: list[dict[str, Array]], card_ids: Array, delayed: Array, start: pd.Timestamp) -> pd.DataFrame:
    """Make the calls table of the drawn days; the list is emptied on the way, to keep memory low.

    Text columns with few values are categorical. `available_at` is blank (known at once) but for the teams in
    `delayed`, whose calls are known a day late; of theirs, what is not known by the end is left out.
    """
    end = len(days) * DAY_S
    days[:] = [_known_by(end, day, delayed) for day in days]
    card = _drain(days, "card")
    started = _drain(days, "started")
    base = start.to_datetime64().astype("datetime64[us]")
    available = np.full(len(card), np.datetime64("NaT", "us"))
    late = delayed[card]
    available[late] = base + (started[late] + DAY_S) * np.timedelta64(1_000_000, "us")
    columns = {
        "card_id": _coded(card, card_ids),
        "started_at": base + started * np.timedelta64(1_000_000, "us"),
        "callee": _hash_text(_drain(days, "callee")).to_pandas(),
        "talk_s": _drain(days, "talk"),
        "direction": _coded(_drain(days, "direction"), DIRECTIONS),
        "result": _coded(_drain(days, "result"), RESULTS),
        "ring_s": _drain(days, "ring"),
        "released_by": _coded(_drain(days, "released"), RELEASED),
        "region": _coded(_drain(days, "region"), REGIONS),
        "imei": _imeis(_drain(days, "imei")),
        "available_at": available,
    }
    return pd.DataFrame(columns, copy=False)


def _coded(codes: Any, names: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))


def _known_by(end: int, day: dict[str, Array], delayed: Array) -> dict[str, Array]:
    known = ~delayed[day["card"]] | (day["started"] + DAY_S < end)
    return day if known.all() else {name: values[known] for name, values in day.items()}


def _drain(days: list[dict[str, Array]], name: str) -> Array:
    return np.concatenate([day.pop(name) for day in days])


def _hash_text(hashes: Array) -> pa.Array:
    """Text of 13 characters, "h" and 48 bits in hexadecimal digits, built without a Python string per row."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((len(hashes), 13), np.uint8)
    text[:, 0] = ord("h")
    for place in range(12):
        text[:, 1 + place] = digits[(hashes >> np.uint64(4 * place)) & np.uint64(15)]
    offsets = np.arange(len(hashes) + 1, dtype=np.int64) * 13
    return pa.LargeStringArray.from_buffers(len(hashes), pa.py_buffer(offsets), pa.py_buffer(text))


def _imeis(codes: Array) -> pd.Categorical:
    seen, place = np.unique(codes, return_inverse=True)
    # An odd multiplier that 5 does not divide: no two handsets share a number.
    names = [f"86{code * 7_368_787_391 % 10**13:013d}" for code in seen.tolist()]
    return _coded(place, names)
