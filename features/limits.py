"""Operators' limits as data: the packaged defaults, overridden by the data set's own limits table.

A limit applies by operator and home region from its valid_from. Order: operator and region, operator alone, packaged default.
"""

import csv
import math
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import pandas as pd

from blockrisk.features.errors import mistake
from blockrisk.features.tables import LIMIT_QUANTITIES

ANYONE = "*"
_EPOCH = date(1970, 1, 1)
_ALWAYS = -(10**6)


@dataclass(frozen=True)
class Limit:
    """Hold one limit; `value` is a count, or minutes after midnight for permitted hours; region "" is every region."""

    operator: str
    region: str
    from_day: int
    quantity: str
    value: float
    source: str = ""
    verified: bool = False


def packaged_limits() -> list[Limit]:
    """Return the packaged defaults, all unverified.

    >>> {limit.quantity: limit.value for limit in packaged_limits()}["daily_calls"]
    300.0
    """
    text = files("blockrisk.features").joinpath("limits.csv").read_text(encoding="utf-8")
    return [_limit(row, f"limits.csv line {line}") for line, row in enumerate(csv.DictReader(text.splitlines()), 2)]


def data_limits(frame: pd.DataFrame) -> list[Limit]:
    """Return the limits of a data set's own table, which override the packaged ones.

    Raises:
        UserError: a value is neither a number nor HH:MM.

    """
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    rows.sort(key=lambda row: str(sorted(row.items(), key=str)))
    return [_limit(row, "limits") for row in rows if row["quantity"] in LIMIT_QUANTITIES]


def _limit(row: dict[Any, Any], where: str) -> Limit:
    start = row["valid_from"]
    day = _ALWAYS if not start else (_as_date(start) - _EPOCH).days
    verified = str(row["verified"] or "").strip().lower() in ("yes", "true", "1", "y", "是")
    value = _value(str(row["value"]), row["quantity"], where)
    return Limit(row["operator"], row["region"] or "", day, row["quantity"], value, row["source"] or "", verified)


def _as_date(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value)[:10])


def _value(text: str, quantity: str, where: str) -> float:
    clock = quantity in ("permitted_from", "permitted_to")
    try:
        if clock:
            hours, _, minutes = text.partition(":")
            value = float(int(hours) * 60 + int(minutes or 0))
        else:
            value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < (1441 if clock else 1e9):
        raise mistake("no_clock" if clock else "no_limit", where=where, quantity=quantity, text=text)
    return value


def limit_spans(limits: list[Limit], scopes: list[tuple[str, str]]) -> pd.DataFrame:
    """Resolve the limits of each (operator, home region) into spans of days.

    Args:
        limits: packaged and own limits together; later entries win among equals.
        scopes: distinct (operator, home_region) of the cards.

    Returns:
        one row a scope and span: scope (position in scopes), from_day, to_day (half-open, days since 1970), and one column a
        quantity. The spans of a scope cover all days.

    >>> limit_spans(packaged_limits(), [("A", "X")])[["scope", "daily_calls", "permitted_from"]].values.tolist()
    [[0.0, 300.0, 480.0]]

    """
    rows = []
    for number, (operator, region) in enumerate(scopes):
        mine = [x for x in limits if x.operator in (operator, ANYONE) and x.region in ("", region)]
        starts = sorted({_ALWAYS} | {limit.from_day for limit in mine})
        for start, end in zip(starts, [*starts[1:], -_ALWAYS], strict=True):
            values = {quantity: _resolve(mine, quantity, start) for quantity in LIMIT_QUANTITIES}
            rows.append({"scope": number, "from_day": start, "to_day": end, **values})
    return pd.DataFrame(rows, columns=["scope", "from_day", "to_day", *LIMIT_QUANTITIES])


def _resolve(limits: list[Limit], quantity: str, day: int) -> float:
    """Take the most specific limit, and of those the latest that is valid on the day."""
    valid = [
        (x.operator != ANYONE, x.region != "", x.from_day, n)
        for n, x in enumerate(limits)
        if x.quantity == quantity and x.from_day <= day
    ]
    return limits[max(valid)[3]].value
