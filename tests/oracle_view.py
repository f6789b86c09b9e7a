"""What one card's owner could know at one midnight: the time rule of the contract, row by row, in plain Python.

Written from docs/decisions/0003 and the catalogue, never from the engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import nan
from typing import Any

import pandas as pd

DAY = timedelta(days=1)
LABEL_KINDS = ("full_stop", "outgoing_limit")
DIRECTIONS = ("out", "in", "forward")
RESULTS = ("answered", "no_answer", "busy", "rejected", "power_off", "invalid_number", "blocked", "failed")
DEFAULT_LIMITS = {
    "daily_calls": 300,
    "hourly_calls": 60,
    "per_callee_24h": 3,
    "per_callee_5min": 3,
    "permitted_from": 8,
    "permitted_to": 21,
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    columns: frozenset[str]
    rows: list[Row]


@dataclass(frozen=True)
class Call:
    at: datetime
    callee: str
    talk_s: float
    direction: str
    result: str | None
    answered: bool
    region: str | None
    imei: str | None


@dataclass(frozen=True)
class View:
    """One card at one as_of: only rows that are visible there, blanks as None."""

    as_of: datetime
    card: Row
    tables: dict[str, Table]
    calls: list[Call]
    complaints: list[Row]
    notices: list[Row]
    bills: list[Row]
    messages: list[Row]
    blocks: list[Row]

    def has(self, need: str) -> bool:
        """Say whether `table` or `table.column` was supplied; alternatives are parted by a bar."""
        return any(self._supplied(*one.split(".")) for one in need.split("|"))

    def _supplied(self, table: str, column: str = "card_id") -> bool:
        return table in self.tables and column in self.tables[table].columns

    def calls_in(self, days: int) -> list[Call]:
        return [c for c in self.calls if self.within(c.at, days)]

    def out(self, days: int) -> list[Call]:
        return [c for c in self.calls_in(days) if c.direction == "out"]

    def within(self, at: datetime, days: int) -> bool:
        return self.as_of - days * DAY <= at < self.as_of

    def days_since(self, at: datetime) -> float:
        return (self.as_of - at) / DAY

    def is_past(self, at: datetime | None) -> bool:
        return at is not None and at < self.as_of

    def limit(self, quantity: str, day: date) -> float:
        """The limit in force for this card on a day: the operator's before anyone's (`*`), the region's before any region's."""
        rows = self.tables["limits"].rows if "limits" in self.tables else []
        rows = [r for r in rows if r["quantity"] == quantity and _in_force(r, day)]
        for operator in (self.card["operator"], "*"):
            for region in (self.card["home_region"], None):
                fitting = [r for r in rows if r["operator"] == operator and r.get("region") == region]
                if fitting:
                    return _latest(fitting)
        return DEFAULT_LIMITS[quantity]


def _in_force(row: Row, day: date) -> bool:
    return row.get("valid_from") is None or row["valid_from"].date() <= day


def _latest(rows: list[Row]) -> float:
    return _number(max(rows, key=lambda r: r.get("valid_from") or datetime(1, 1, 1))["value"])


def _number(value: str) -> float:
    """Read a limit, or hours of the clock from HH:MM."""
    hours, _, minutes = value.partition(":")
    return float(hours) + float(minutes or 0) / 60


def plain_tables(frames: dict[str, pd.DataFrame]) -> dict[str, Table]:
    """Turn data frames into lists of plain rows, a blank being None."""
    return {name: Table(frozenset(f.columns), [_plain(r) for r in f.to_dict("records")]) for name, f in frames.items()}


def _plain(row: Row) -> Row:
    return {name: None if pd.isna(cell) else _plain_time(cell) for name, cell in row.items()}


def _plain_time(cell: Any) -> Any:
    return cell.to_pydatetime(warn=False) if isinstance(cell, pd.Timestamp) else cell


def see(tables: dict[str, Table], card_id: str, as_of: datetime) -> View:
    """Collect what is visible of a card: event time and available_at both before as_of."""

    def seen(name: str, time: str) -> list[Row]:
        rows = tables[name].rows if name in tables else []
        mine = [r for r in rows if r["card_id"] == card_id]
        return [r for r in mine if max(r[time], r.get("available_at") or r[time]) < as_of]

    locations = seen("locations", "observed_at")
    return View(
        as_of=as_of,
        card=next(r for r in tables["cards"].rows if r["card_id"] == card_id),
        tables=tables,
        calls=[_call(r, tables["calls"].columns, locations) for r in seen("calls", "started_at")],
        complaints=seen("complaints", "complained_at"),
        notices=seen("roaming_notices", "valid_from"),
        bills=seen("payments", "due_at"),
        messages=seen("messages", "sent_at"),
        blocks=seen("blocks", "blocked_at"),
    )


def _call(row: Row, columns: frozenset[str], locations: list[Row]) -> Call:
    result = _listed(row.get("result"), RESULTS)
    return Call(
        at=row["started_at"],
        callee=row["callee"],
        talk_s=row["talk_s"],
        direction=_listed(row["direction"], DIRECTIONS) if "direction" in columns else "out",
        result=result,
        answered=row["talk_s"] > 0 if result == "unknown" else result == "answered",
        region=row.get("region") or _observed_region(row["started_at"], locations),
        imei=row.get("imei"),
    )


def _listed(value: str | None, allowed: tuple[str, ...]) -> str:
    return value if value in allowed else "unknown"


def _observed_region(at: datetime, locations: list[Row]) -> str | None:
    """The region of the latest observation of the last 24 hours."""
    recent = [r for r in locations if at - DAY < r["observed_at"] <= at]
    return max(recent, key=lambda r: r["observed_at"])["region"] if recent else None


def block_kind(row: Row) -> str:
    return row.get("kind") or "full_stop"


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else nan


def count(flags: Iterable[bool]) -> int:
    return sum(1 for flag in flags if flag)
