"""The ledgers beside the calls: cards, complaints, notices, bills, messages, blocks. Drawn from the daily log."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from blockrisk.training.simulator.calls import DAY_S
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import OPERATORS, REGIONS, Array

REASONS = ("abnormal use", "risk control", "violation of the service agreement", "user feedback", "security check", "")
SPAN = 2**24  # more days than any world has


@dataclass
class Log:
    """Collect what happens to cards, day by day: lists of arrays by event name; each event has card, day and values."""

    events: dict[str, list[dict[str, Array]]] = field(default_factory=dict)

    def add(self, name: str, card: Array, day: int, **values: Array) -> None:
        """Add the events of one day."""
        row = {"card": card, "day": np.full(len(card), day, np.int64), **values}
        self.events.setdefault(name, []).append(row)

    def get(self, name: str) -> dict[str, Array]:
        """Give all events of a name, in order of the days."""
        parts = self.events[name]
        return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


@dataclass(frozen=True)
class Frame:
    """Hold what every ledger needs: the ids, the first midnight, the number of days."""

    card_ids: Array
    start: pd.Timestamp
    days: int

    def times(self, seconds: Array, *, known_by_end: bool = False) -> Array:
        """Turn seconds from day 0 (NaN: never) into timestamps; with `known_by_end`, blank what lies past the end."""
        seconds = np.asarray(seconds, float)
        blank = ~np.isfinite(seconds)
        if known_by_end:
            blank |= seconds >= self.days * DAY_S
        micros = np.where(blank, 0.0, np.rint(seconds)).astype(np.int64) * 1_000_000
        base = self.start.to_datetime64().astype("datetime64[us]")
        return np.where(blank, np.datetime64("NaT", "us"), base + micros.astype("timedelta64[us]"))


def cards_table(habits: Habits, activated: Array, closed: Array, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the cards table; `activated` and `closed` are seconds from day 0 (closed: NaN while the card is held)."""
    count = len(activated)
    horizon = frame.days * DAY_S
    latest = np.where(rng.random(count) < 0.15, horizon, np.maximum(activated, 0))
    checked = activated + (latest - activated) * rng.random(count)
    checked = np.where(activated >= 0, activated, checked)
    unknown = rng.random(count) < 0.05
    return pd.DataFrame(
        {
            "card_id": frame.card_ids,
            "operator": np.array(OPERATORS, object)[habits.operator],
            "home_region": np.array(REGIONS, object)[habits.region],
            "activated_at": frame.times(activated),
            "closed_at": frame.times(closed, known_by_end=True),
            "registration_checked_at": frame.times(np.where(unknown, np.nan, checked), known_by_end=True),
            "owner_id": _labels("owner", habits.team // 2),
            "team": _labels("team", habits.team),
            "card_type": np.where(rng.random(count) < 0.6, "postpaid", "prepaid").astype(object),
        }
    )


def _labels(word: str, numbers: Array) -> Array:
    return np.array([f"{word}-{number:03d}" for number in numbers], object)


def complaints_table(log: Log, habits: Habits, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the complaints ledger: known to the operator at once, to the card's owner 1 to 25 days later."""
    event = log.get("complaint")
    count = len(event["card"])
    made = event["day"] * DAY_S + np.floor(rng.triangular(7.5, 14.5, 23.5, count) * 3600)
    known = made + DAY_S * np.clip(1 + rng.gamma(1.6, 4.0, count), 1.0, 25.0)
    answered = rng.random(count) < habits.answers_complaints[event["card"]]
    resolved = np.where(answered, known + DAY_S * rng.uniform(0.3, 15.0, count), np.nan)
    settled = resolved < frame.days * DAY_S
    verdict = np.where(rng.random(count) < 0.62, "upheld", "rejected")
    table = pd.DataFrame(
        {
            "card_id": frame.card_ids[event["card"]],
            "complained_at": frame.times(made),
            "channel": rng.choice(
                np.array(["operator", "regulator", "mark", "internal"], object), count, p=[0.5, 0.14, 0.28, 0.08]
            ),
            "status": np.where(settled, verdict, "open").astype(object),
            "resolved_at": frame.times(resolved, known_by_end=True),
            "available_at": frame.times(known),
        }
    )
    return _sorted(table[known < frame.days * DAY_S], "complained_at")


def notices_table(log: Log, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the roaming notices: declared trips only, from up to two days before the trip to its planned end."""
    event = log.get("trip")
    declared = event["declared"]
    day, card = event["day"][declared], event["card"][declared]
    early = np.where(rng.random(len(day)) < 0.5, 0, rng.integers(0, 49, len(day)) * 3600)
    table = pd.DataFrame(
        {
            "card_id": frame.card_ids[card],
            "region": np.array(REGIONS, object)[event["region"][declared]],
            "valid_from": frame.times(day * DAY_S - early),
            "valid_to": frame.times((day + event["length"][declared]) * DAY_S),
        }
    )
    # A notice of a short trip can begin when the notice of the trip before it did: one row per key.
    return _sorted(table.drop_duplicates(["card_id", "region", "valid_from"]), "valid_from")


def payments_table(log: Log, habits: Habits, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the bills: due at a midnight, paid up to six days before, or late with the card's next payment, or never."""
    bill, payment = log.get("bill"), log.get("payment")
    count = len(bill["card"])
    due = bill["day"] * DAY_S
    held = bill["day"] - habits.activated[bill["card"]]
    on_time = due - rng.random(count) * np.clip(held - 0.75, 0.0, 6.0) * DAY_S
    late = next_second(bill, payment, 1)
    paid = np.where(bill["slipped"], late, on_time)
    amount = np.round(19.0 + 0.06 * bill["usage"] * 30.0 * rng.uniform(0.8, 1.2, count), 2)
    settled = np.isfinite(paid) & (paid < frame.days * DAY_S)
    table = pd.DataFrame(
        {
            "card_id": frame.card_ids[bill["card"]],
            "due_at": frame.times(due),
            "amount_due": amount,
            "paid_at": frame.times(paid, known_by_end=True),
            "amount_paid": np.where(settled, amount, np.nan),
        }
    )
    return _sorted(table, "due_at")


def next_second(event: dict[str, Array], later: dict[str, Array], gap: int) -> Array:
    """Give, for each event, the second of the same card's first later event at least `gap` days on; NaN if none."""
    keys = later["card"] * SPAN + later["day"]
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], event["card"] * SPAN + event["day"] + gap)
    same_card = np.append(later["card"][order], -1)[place] == event["card"]
    return np.where(same_card, np.append(later["second"][order], np.nan)[place], np.nan)


def messages_table(log: Log, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the messages of the cards that text: a recipient is a number of the card's own list."""
    event = log.get("texts")
    card = np.repeat(event["card"], event["count"])
    day = np.repeat(event["day"], event["count"])
    second = day * DAY_S + np.floor(rng.triangular(8.0, 14.0, 21.0, len(card)) * 3600)
    number = (rng.random(len(card)) ** 0.7 * 1500).astype(np.int64)
    inside = second < np.repeat(event["until"], event["count"])
    table = pd.DataFrame(
        {
            "card_id": frame.card_ids[card[inside]],
            "sent_at": frame.times(second[inside]),
            "recipient": [f"r{c:05d}{n:04d}" for c, n in zip(card[inside].tolist(), number[inside].tolist(), strict=True)],
        }
    )
    return _sorted(table.drop_duplicates(), "sent_at")


def blocks_table(event: dict[str, Array], frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the block ledger, with warnings and requests of the holder; the reasons say little, as in life."""
    vague = rng.choice(np.array(REASONS, object), len(event["card"]))
    plain = {
        "arrears_stop": "arrears",
        "user_request": "at the holder's request",
        "warning": "reminder of compliant use",
    }
    table = pd.DataFrame(
        {
            "card_id": frame.card_ids[event["card"]],
            "blocked_at": frame.times(event["second"]),
            "unblocked_at": frame.times(event["lifted"], known_by_end=True),
            "reason": [plain.get(kind, reason) for kind, reason in zip(event["kind"], vague, strict=True)],
            "kind": event["kind"],
        }
    )
    return _sorted(table, "blocked_at")


def _sorted(table: pd.DataFrame, by: str) -> pd.DataFrame:
    return table.sort_values([by, *[c for c in table.columns if c != by]], kind="stable", ignore_index=True)
