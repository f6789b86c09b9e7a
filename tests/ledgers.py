"""Small random data sets: cards with independent histories that crowd the places where the rules turn.

Instants fall on midnights, at as_of - window, a microsecond beside them, in ties and bursts; rows come late, cells are
blank or hold unlisted words, tables and columns are absent. Rows are dictionaries, a blank is None.

Hypothesis draws the seed of a data set, not its rows: given the rows to draw it repeats itself (100 data sets drawn so held
some sixteen different tables of calls) and shrinks for minutes. `futures.smallest` drops rows instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pandas as pd
from hypothesis import strategies as st

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
START = datetime(2026, 3, 2)
AS_OF = [START + days * DAY for days in (0, 1, 2, 7, 8, 30)]
Row = dict[str, Any]

COLUMNS: dict[str, tuple[str, ...]] = {
    "cards": ("card_id", "operator", "home_region", "activated_at", "closed_at", "registration_checked_at"),
    "calls": ("card_id", "started_at", "callee", "talk_s", "direction", "result", "region", "imei", "available_at"),
    "complaints": ("card_id", "complained_at", "channel", "status", "resolved_at", "available_at"),
    "locations": ("card_id", "observed_at", "region"),
    "roaming_notices": ("card_id", "region", "valid_from", "valid_to"),
    "payments": ("card_id", "due_at", "amount_due", "paid_at", "amount_paid"),
    "messages": ("card_id", "sent_at", "recipient"),
    "blocks": ("card_id", "blocked_at", "unblocked_at", "kind"),
    "limits": ("operator", "region", "valid_from", "quantity", "value"),
}
OPTIONAL = (
    *(name for name in COLUMNS if name not in ("cards", "calls")),
    *("cards.closed_at", "cards.registration_checked_at"),
    *(f"calls.{name}" for name in ("direction", "result", "region", "imei", "available_at")),
    *(f"complaints.{name}" for name in ("channel", "status", "resolved_at", "available_at")),
    *("roaming_notices.valid_to", "payments.paid_at", "payments.amount_paid"),
    *("blocks.unblocked_at", "blocks.kind", "limits.region", "limits.valid_from"),
)
EVENT = {
    "calls": "started_at",
    "complaints": "complained_at",
    "locations": "observed_at",
    "roaming_notices": "valid_from",
    "payments": "due_at",
    "messages": "sent_at",
    "blocks": "blocked_at",
}
# What makes two generated rows one: the contract's keys without the choices, whose odd values are read alike.
KEYS = {
    "calls": ("card_id", "started_at", "callee", "talk_s"),
    "complaints": ("card_id", "complained_at"),
    "locations": ("card_id", "observed_at"),
    "roaming_notices": ("card_id", "region", "valid_from"),
    "payments": ("card_id", "due_at"),
    "messages": ("card_id", "sent_at", "recipient"),
    "blocks": ("card_id", "blocked_at"),
    "limits": ("operator", "region", "valid_from", "quantity"),
}
TIMES = ("_at", "valid_from", "valid_to")


@dataclass(frozen=True, repr=False)
class Dataset:
    """Tables as lists of rows, the columns that were supplied and the dates asked for; `seed` if nothing was changed."""

    tables: dict[str, list[Row]]
    columns: dict[str, tuple[str, ...]]
    as_of: tuple[datetime, ...]
    seed: int | None = None

    def __repr__(self) -> str:
        if self.seed is not None:
            return f"random data set of seed {self.seed}"
        absent = {f"{name}.{column}" for name in self.columns for column in COLUMNS[name] if column not in self.columns[name]}
        absent |= COLUMNS.keys() - self.columns.keys()
        rows = "".join(f"\n  {name} {row}" for name, table in self.tables.items() for row in table)
        return f"at {[f'{day:%Y-%m-%d}' for day in self.as_of]} without {sorted(absent)}{rows}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Keep Hypothesis from printing hundreds of rows."""
        printer.text(repr(self))

    def frames(self) -> dict[str, pd.DataFrame]:
        return {name: frame(rows, self.columns[name]) for name, rows in self.tables.items()}

    def requests(self) -> pd.DataFrame:
        pairs = [(row["card_id"], day) for day in self.as_of for row in self.tables["cards"]]
        return pd.DataFrame({"card_id": [c for c, _ in pairs], "as_of": pd.to_datetime([day for _, day in pairs])})

    def having(self, **tables: list[Row]) -> Dataset:
        """Return the data set with some tables replaced."""
        return replace(self, tables={**self.tables, **tables}, seed=None)


def frame(rows: list[Row], columns: tuple[str, ...]) -> pd.DataFrame:
    cells = {name: [row.get(name) for row in rows] for name in columns}
    table = pd.DataFrame(cells, columns=list(columns), dtype=object)
    for name in columns:
        if name.endswith(TIMES):
            table[name] = pd.to_datetime(table[name]).astype("datetime64[us]")
        elif name in ("talk_s", "amount_due", "amount_paid"):
            table[name] = table[name].astype("float64")
    return table


def _unique(name: str, rows: list[Row]) -> list[Row]:
    """Keep the first row of each key."""
    return list({tuple(row.get(c) for c in KEYS[name]): row for row in reversed(rows)}.values())[::-1]


DAYS = [-1, -1, -1, -2, -2, -3, -4, -5, -6, -7, -8, -10, -29, -30, -31, -37, -38, -60, -61, -90, -91, -364, -365, -366]
DAYS += [0, 0, 1, 2, 5, 6, 7, 8, 29, 30, 31]
CLOCKS = [timedelta(hours=h) for h in (0, 0, 0, 0, 0, 7, 8, 8.5, 9, 12, 19, 21)] + [TICK, DAY - TICK, timedelta(hours=8) - TICK]
DELAYS = [None, timedelta(0), TICK, timedelta(hours=5), DAY, 2 * DAY, 7 * DAY, 30 * DAY, -DAY]
AMOUNTS = [30.0, 19.99, 0.1, 10.0, 100.0]


def _instant(rng: Random) -> datetime:
    clock = rng.choice(
        [rng.choice(CLOCKS), rng.choice(CLOCKS), timedelta(seconds=rng.randrange(86_400)), timedelta(hours=10, minutes=59)]
    )
    return START + rng.choice(DAYS) * DAY + clock


def _later(rng: Random, at: datetime) -> datetime | None:
    delay = rng.choice(DELAYS)
    return None if delay is None else at + delay


def _burst(rng: Random) -> Iterator[Row]:
    """One to six calls with a common step: ties, redials, calls on either side of a midnight."""
    at, step = _instant(rng), timedelta(seconds=rng.choice([0, 1, 60, 60, 150, 300, 3600, 14_400, 86_400]))
    callees = rng.choice(["p", "q", "pq", "pqrs", "rrp"])
    talks = rng.choice([[0], [35], [10, 0], [60, 30.5, 0], [0, 0, 9.25, 600]])
    common = {
        "direction": rng.choice(["out", "out", "out", "out", "in", "in", "forward", None, "sideways"]),
        "result": rng.choice(["answered", "no_answer", None, "busy", "rejected", "invalid_number", "unknown", "nonsense"]),
        "region": rng.choice([None, "x", "y", "z"]),
        "imei": rng.choice([None, "i1", "i2", "i3"]),
    }
    odd = rng.choice([{}, {"region": "y"}, {"imei": "i2"}, {"result": "answered"}, {"direction": "in"}])
    late = rng.random() < 0.3
    for n in range(rng.randint(1, 6)):
        yield (
            common
            | (odd if n % 2 else {})
            | {
                "started_at": at + n * step,
                "callee": callees[n % len(callees)],
                "talk_s": float(talks[n % len(talks)]),
                "available_at": _later(rng, at + n * step) if late else None,
            }
        )


def _complaint(rng: Random) -> Iterator[Row]:
    at = _instant(rng)
    channel = rng.choice(["operator", "regulator", "mark", None, "letter"])
    status = rng.choice(["upheld", "upheld", "open", "rejected", None, "pending"])
    known, resolved = _later(rng, at), _later(rng, at)
    yield {"complained_at": at, "channel": channel, "status": status, "resolved_at": resolved, "available_at": known}


def _location(rng: Random) -> Iterator[Row]:
    yield {"observed_at": _instant(rng), "region": rng.choice("xyz")}


def _notice(rng: Random) -> Iterator[Row]:
    at = _instant(rng)
    yield {"region": rng.choice("xyz"), "valid_from": at, "valid_to": _later(rng, at)}


def _bill(rng: Random) -> Iterator[Row]:
    at, amount = _instant(rng), rng.choice([None, *AMOUNTS, 0.0, 29.9999999])
    due = rng.choice([at, at.replace(hour=0, minute=0, second=0, microsecond=0)])
    yield {"due_at": due, "amount_due": rng.choice([*AMOUNTS, 0.0]), "paid_at": _later(rng, at), "amount_paid": amount}


def _message(rng: Random) -> Iterator[Row]:
    yield {"sent_at": _instant(rng), "recipient": rng.choice("pqr")}


def _block(rng: Random) -> Iterator[Row]:
    at = _instant(rng)
    kinds = ["full_stop", "outgoing_limit", None, "arrears_stop", "user_request", "warning", "mystery"]
    yield {"blocked_at": at, "unblocked_at": _later(rng, at), "kind": rng.choice(kinds)}


def _limit(rng: Random) -> Row:
    values = {name: ["0", "1", "2", "3"] for name in ("daily_calls", "hourly_calls", "per_callee_24h", "per_callee_5min")}
    values |= {"permitted_from": ["9", "08:30", "0"], "permitted_to": ["12", "20:59", "24"]}
    quantity = rng.choice(list(values))
    return {
        "operator": rng.choice("AB*"),
        "region": rng.choice([None, "x", "y"]),
        "valid_from": rng.choice([None, START + rng.choice(DAYS) * DAY]),
        "quantity": quantity,
        "value": rng.choice(values[quantity]),
    }


def _card(rng: Random, card_id: str) -> Row:
    return {
        "card_id": card_id,
        "operator": rng.choice("ABC"),
        "home_region": rng.choice("xyz"),
        "activated_at": rng.choice([START - 400 * DAY, START - 400 * DAY, _instant(rng)]),
        "closed_at": rng.choice([None, None, _instant(rng)]),
        "registration_checked_at": rng.choice([None, _instant(rng)]),
    }


HISTORY: dict[str, tuple[Callable[[Random], Iterator[Row]], int]] = {
    "calls": (_burst, 8),
    "complaints": (_complaint, 4),
    "locations": (_location, 4),
    "roaming_notices": (_notice, 4),
    "payments": (_bill, 4),
    "messages": (_message, 5),
    "blocks": (_block, 3),
}


def random_dataset(seed: int, cards: int, dates: int, whole: bool = False) -> Dataset:
    """Make cards with independent histories and a few dates; unless `whole`, leave out some tables and columns."""
    rng = Random(seed)
    ids = [f"card-{n:02d}" for n in range(cards)]
    tables = {"cards": [_card(rng, card_id) for card_id in ids], "limits": [_limit(rng) for _ in range(rng.randint(0, 24))]}
    for name, (history, most) in HISTORY.items():
        owners = [card_id for card_id in ids for _ in range(rng.randint(0, most))]
        tables[name] = [{"card_id": card_id, **row} for card_id in owners for row in history(rng)]
    absent = set() if whole or rng.random() < 0.2 else {name for name in OPTIONAL if rng.random() < 0.15}
    data = without(Dataset(tables, dict(COLUMNS), tuple(sorted(rng.sample(AS_OF, dates)))), absent)
    return replace(data, seed=seed)


def datasets(cards: int = 20, dates: int = 3, whole: bool = False) -> st.SearchStrategy[Dataset]:
    return st.integers(0, 2**24 - 1).map(lambda seed: random_dataset(seed, cards, dates, whole))


def without(data: Dataset, absent: set[str]) -> Dataset:
    """Leave out tables (`blocks`) and columns (`calls.region`), and rows that then are no longer distinct."""
    tables = {name: rows for name, rows in data.tables.items() if name not in absent}
    columns = {name: tuple(c for c in data.columns[name] if f"{name}.{c}" not in absent) for name in tables}
    kept = {name: [{c: row.get(c) for c in columns[name]} for row in rows] for name, rows in tables.items()}
    kept = {name: _unique(name, rows) if name in KEYS else rows for name, rows in kept.items()}
    return replace(data, tables=kept, columns=columns, seed=None)
