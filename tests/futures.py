"""Changes of a data set that must change no feature, and the search for the smallest data set that breaks a law."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from ledgers import DAY, EVENT, TICK, Dataset, Row

CHANGING = {"complaints": "resolved_at", "payments": "paid_at", "blocks": "unblocked_at", "roaming_notices": "valid_to"}
POISON: dict[str, Row] = {
    "calls": {"callee": "far", "talk_s": 1e6, "direction": "out", "result": "answered", "region": "far", "imei": "far"},
    "complaints": {"channel": "regulator", "status": "upheld"},
    "locations": {"region": "far"},
    "roaming_notices": {"region": "y"},
    "payments": {"amount_due": 1e9},
    "messages": {"recipient": "far"},
    "blocks": {"kind": "full_stop"},
}


def erased(data: Dataset, as_of: datetime) -> Dataset:
    """Return the data set as it was written down before as_of."""
    tables = {n: [_as_then(n, r, as_of) for r in rows if _is_past(n, r, as_of)] for n, rows in data.tables.items()}
    return data.having(**tables)


def _is_past(name: str, row: Row, as_of: datetime) -> bool:
    event = row.get("valid_from") if name == "limits" else row[EVENT[name]] if name in EVENT else None
    return all(at is None or at < as_of for at in (event, row.get("available_at")))


def _as_then(name: str, row: Row, as_of: datetime) -> Row:
    later = {field for field in (CHANGING.get(name), "closed_at", "registration_checked_at") if field in row}
    forgotten: Row = {field: None for field in later if row[field] is not None and row[field] >= as_of}
    if "resolved_at" in forgotten:
        forgotten["status"] = "open"
    if "paid_at" in forgotten:
        forgotten["amount_paid"] = None
    return row | forgotten


def poisoned(data: Dataset, as_of: datetime) -> Dataset:
    """Return the data set with extreme rows at, after or known at as_of, and every open matter closed at as_of."""
    tables = {name: [_closed_then(name, row, as_of) for row in rows] for name, rows in data.tables.items()}
    return data.having(**{name: rows + _extreme(name, data, as_of) for name, rows in tables.items()})


def _closed_then(name: str, row: Row, as_of: datetime) -> Row:
    changes = {CHANGING.get(name): as_of, "closed_at": as_of + DAY, "registration_checked_at": as_of}
    closed: Row = {field: at for field, at in changes.items() if field in row and row[field] is None}
    if "resolved_at" in closed:
        closed["status"] = "upheld"
    return row | closed


def _extreme(name: str, data: Dataset, as_of: datetime) -> list[Row]:
    if name == "cards":
        new = {"home_region": "x", "activated_at": as_of}
        return [{"card_id": f"new-{operator}", "operator": operator, **new} for operator in "ABC"]
    if name == "limits":
        quantities = ("daily_calls", "hourly_calls", "per_callee_24h", "per_callee_5min", "permitted_to")
        new = {"valid_from": as_of, "value": "0"}
        return [{"operator": one, "quantity": quantity, **new} for one in "ABC*" for quantity in quantities]
    rows = []
    for card in data.tables["cards"]:
        row = {"card_id": card["card_id"], **POISON[name]}
        rows += [row | {EVENT[name]: as_of + after} for after in (0 * DAY, TICK, DAY, 11 * DAY)]
        if "available_at" in data.columns[name]:
            rows += [row | {EVENT[name]: as_of - n * DAY, "available_at": as_of} for n in (1, 2, 7, 30)]
            rows += [row | {EVENT[name]: as_of + 2 * DAY, "available_at": as_of - DAY}]
    return rows


Law = Callable[[Dataset], None]


def hold(law: Law, data: Dataset) -> None:
    """Require a law of a data set; if it fails, fail with the smallest data set found that breaks it."""
    if broken(law, data):
        small = smallest(law, data)
        try:
            law(small)
        except AssertionError as error:
            raise AssertionError(f"seed {data.seed} breaks the law; smallest: {small}\n{error}") from None


def broken(law: Law, data: Dataset) -> bool:
    try:
        law(data)
    except AssertionError:
        return True
    return False


def smallest(law: Law, data: Dataset, tries: int = 50) -> Dataset:
    """Drop dates, cards, tables' rows and rows, large parts before single ones, as long as the law stays broken."""
    by_cards = [partial(_cards_dropped, size=size) for size in (16, 8, 4, 2, 1)]
    for smaller in (_dates_dropped, *by_cards, _all_rows_dropped, _row_dropped):
        kept = 0
        while tries and len(options := list(smaller(data))) > kept:
            tries -= 1
            if broken(law, options[kept]):
                data = options[kept]
            else:
                kept += 1
    return data


def _dates_dropped(data: Dataset) -> Iterator[Dataset]:
    if len(data.as_of) > 1:
        yield from (replace(data, as_of=tuple(d for d in data.as_of if d != day), seed=None) for day in data.as_of)


def _cards_dropped(data: Dataset, size: int) -> Iterator[Dataset]:
    ids = [row["card_id"] for row in data.tables["cards"]]
    for start in range(0, len(ids), size) if len(ids) > size else []:
        gone = ids[start : start + size]
        yield data.having(**{n: [r for r in rows if r.get("card_id") not in gone] for n, rows in data.tables.items()})


def _all_rows_dropped(data: Dataset) -> Iterator[Dataset]:
    yield from (data.having(**{name: []}) for name, rows in data.tables.items() if rows and name != "cards")


def _row_dropped(data: Dataset) -> Iterator[Dataset]:
    for name, rows in data.tables.items():
        for gone in range(len(rows)) if name != "cards" else []:
            yield data.having(**{name: rows[:gone] + rows[gone + 1 :]})
