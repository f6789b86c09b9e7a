"""Build prepared tables (features.prepared) in a data set's connection: what is needed, from the first day that matters on."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import duckdb

from blockrisk.features import daily_store, in_order
from blockrisk.features.daily import COMPACT_PAIRS, KEPT, PAIRS, call_rows_sql
from blockrisk.features.intake import Tables
from blockrisk.features.limits import data_limits, limit_spans, packaged_limits
from blockrisk.features.links import LINKED
from blockrisk.features.links import suffices as links_suffice
from blockrisk.features.prepared import PREPARED
from blockrisk.features.repeats import create_repeated

VIEWS = frozenset(
    {
        *("undeclared_calls", "answered_calls", "calls_by_hour", "callees_by_day", "repeated_calls"),
        *("sequence", "call_gaps", "rolling_hours", "redials"),
    }
)
"""Prepared tables that are cheap to make again: not stored."""

SPARE = {
    "call_rows": ("imei",),
    "day_sums": (
        *("short_10s", "short_30s", "long_60s", "no_answer", "rejected", "invalid", "silent", "off_hours", "nocturnal"),
        *("out_talk_ms", "answered_talk_ms", "answered_talk_sq"),
    ),
}
"""Columns that are not made where nothing that is asked for names them: each takes as long as a tenth of its table."""

PAIR_KEY = "hash(card_no, callee)"
"""One number for a card and a callee; two pairs may share it (daily.IN_SHARED)."""

_Record = tuple[int, str, str]
"""The first day of a prepared table, the calls that it is made of, and the columns that it lacks."""

_KEPT = "card_limits"
"""The text of rows that a store keeps: the table of ours that they depend on."""

_NONE = call_rows_sql("no_calls", located=False)  # so that no file of a store is looked at
_ALWAYS = -700_000  # the year 53


def prepare(tables: Tables, lows: Mapping[str, int | None], read: str = "") -> None:
    """Build the prepared tables that are needed, in order, save those that an earlier call left in the connection.

    `ask_days` and `span_days` must exist. What depends on them is built anew. Where the data set came with a store, daily rows are
    those of the store, which is brought up to date with the calls and what stands beside them (features.daily_store).

    Args:
        tables: a data set that has been read.
        lows: the prepared tables that are read, each with the first day that is needed of it; None: all days.
        read: the SQL that will read them: columns of SPARE which it does not name may be left out.

    """
    con, texts = tables.con, _texts(tables, linked=_linked(tables, lows))
    needed, anew = _closure(lows, texts), _made_of({"span_days"}, texts)
    named, source = _words(read, *(texts[name] for name in needed if name not in SPARE)), f"{tables.calls} {tables.card_nos or ''}"
    records = _take_records(con, named)
    there = {name: record[0] for name, record in records.items() if record[1] == source or name not in made_of_calls()}
    if "card_rows" not in there:
        _create_limits(tables)
    missing = {name: low for name, low in needed.items() if there.get(name, low + 1) > low}
    kept = {name: low for name, low in missing.items() if texts[name] == _KEPT}
    ordered = {name: low for name, low in missing.items() if name in in_order.ROWS and name not in kept}
    made = {name for name in needed if texts[name] == _KEPT}
    for name, low in needed.items():
        if name == "sequence" and _disordered(tables):
            anew |= _made_of({"ask_days"}, texts)
        if name not in VIEWS and there.get(name, low + 1) <= low and name not in anew:
            continue
        if name in kept:
            daily_store.show(tables, kept, prepare_daily)
            kept = {}
        if name in ordered and isinstance(con, duckdb.DuckDBPyConnection):
            made |= ordered.keys() if in_order.create(con, ordered) else set()
            ordered = {}
        less = [column for column in SPARE.get(name, ()) if column not in named]
        _forget_other_pairs(name, texts, there, records)
        if name not in made:
            _create(tables, name, low, f"select * exclude ({', '.join(less)}) from ({texts[name]})" if less else texts[name])
        records[name] = (low, source, " ".join(less))
    _put_records(con, records)


def _take_records(con: Any, named: set[str]) -> dict[str, _Record]:
    """Take what is told of the tables that earlier calls left; of none made of calls if one of them lacks a column that is named.

    While others are made none is on record, so that a failure leaves no lie.
    """
    con.execute("create or replace temp macro callee_key(callee) as hash(callee)")
    con.execute(f"create or replace temp macro pair_key(card_no, callee) as {PAIR_KEY}")
    con.execute("create temp table if not exists prepared_from (name VARCHAR, low BIGINT, calls VARCHAR, less VARCHAR)")
    records = {name: record for name, *record in con.execute("select name, low, calls, less from prepared_from").fetchall()}
    con.execute("delete from prepared_from")
    of_calls = made_of_calls() if any(named.intersection(less.split()) for _, _, less in records.values()) else frozenset()
    return {name: (low, calls, less) for name, (low, calls, less) in records.items() if name not in of_calls}


def _put_records(con: Any, records: Mapping[str, _Record]) -> None:
    rows = [value for name, record in records.items() for value in (name, *record)]
    con.execute(f"insert into prepared_from values {', '.join(['(?, ?, ?, ?)'] * len(records))}", rows)


def _forget_other_pairs(name: str, texts: Mapping[str, str], *known: dict[str, Any]) -> None:
    """Forget what went by the shared pairs before, where they are made anew; and the pairs, where shared rows come from a store."""
    gone = set[str]()
    if name == "shared_pairs":
        gone = _made_of({name}, texts)
    elif name == LINKED and texts[name] == _KEPT:
        gone = {"shared_pairs"}
    for tables in known:
        for other in gone:
            tables.pop(other, None)


def _create(tables: Tables, name: str, low: int, sql: str) -> None:
    """Create one prepared table from a day on."""
    con = tables.con
    if name == daily_store.NUMBERS and tables.kept_days:
        daily_store.show_numbers(tables)
    elif name == "shared_pairs" and isinstance(con, duckdb.DuckDBPyConnection):
        create_repeated(con, name, "pair", (COMPACT_PAIRS if tables.kept_days else PAIRS).replace("{low}", str(low)))
    else:
        kind = "view" if name in VIEWS else "table"
        sql = _NONE if name == "late_rows" and tables.kept_days and not _disordered(tables) else sql
        con.execute(f"create or replace temp {kind} {name} as {sql.replace('{low}', str(low))}")


def prepare_daily(tables: Tables, low: int) -> None:
    """Build the daily rows from a day on: what a store keeps.

    Args:
        tables: a data set that has been read, its calls those of the days from low - 1 on.
        low: the first day, in days since 1970.

    """
    prepare(tables, {"card_rows": None, **dict.fromkeys(KEPT, low)}, " ".join(sum(SPARE.values(), ())))


def _texts(tables: Tables, *, linked: bool) -> dict[str, str]:
    """Give the SQL of the prepared tables for this data set; of rows that are kept: what their store looks at (_KEPT)."""
    located = "locations" in tables.present
    texts = PREPARED | {"call_rows": call_rows_sql(tables.calls, located=located)}
    if tables.kept_days:
        late = "(select * from calls where card_id in (select card_id from card_rows join disordered using (card_no)))"
        texts |= dict.fromkeys((*KEPT, LINKED) if linked else KEPT, _KEPT) | {"late_rows": call_rows_sql(late, located=located)}
    return texts


def _linked(tables: Tables, lows: Mapping[str, int | None]) -> bool:
    """Say whether the links of a store tell all callees that the dates asked for look at."""
    wanted = [low for name, low in lows.items() if name in _made_of_links()] if tables.kept_days else []
    known = [low for low in wanted if low is not None]
    if not known or len(known) < len(wanted):
        return False
    [(last,)] = tables.con.execute("select coalesce(max(day), 0) from ask_days").fetchall()
    return links_suffice(last, min(known))


@cache
def _made_of_links() -> frozenset[str]:
    return frozenset(_made_of({LINKED}, PREPARED))


def _disordered(tables: Tables) -> bool:
    return tables.con.execute("select count(*) from disordered").fetchall() != [(0,)]


def _words(*texts: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(texts)))


@cache
def made_of_calls() -> frozenset[str]:
    """Name the prepared tables that are made of calls, directly or not.

    >>> sorted({"call_gaps", "bill_rows"} & made_of_calls())
    ['call_gaps']
    """
    return frozenset(_made_of({"call_rows"}, PREPARED))


def _made_of(names: set[str], texts: Mapping[str, str]) -> set[str]:
    """Name the prepared tables that are made of these, directly or not."""
    found = set(names)
    for name, sql in texts.items():
        if any(re.search(rf"\b{other}\b", sql) for other in found):
            found.add(name)
    return found


def _closure(lows: Mapping[str, int | None], texts: dict[str, str]) -> dict[str, int]:
    """List the prepared tables that these need, themselves included, in the order of PREPARED, each with its first day.

    What a rolling count is made of is needed from a day earlier on.
    """
    needed: dict[str, int] = {name: _ALWAYS if low is None else low for name, low in lows.items()}
    for name in reversed(texts):
        if name in needed:
            low = needed[name] - ("{low} - 1" in texts[name])
            for other in texts:
                if re.search(rf"\b{other}\b", texts[name]):
                    needed[other] = min(needed.get(other, low), low)
    return {name: needed[name] for name in texts if name in needed}


def _create_limits(tables: Tables) -> None:
    """Create `limit_spans`, the limits of each operator and home region by day."""
    scopes = tables.con.execute("select distinct operator, home_region from cards order by operator, home_region").fetchall()
    limits = packaged_limits() + data_limits(tables.frame("limits"))
    tables.con.register("limit_spans_frame", limit_spans(limits, scopes))
    tables.con.execute("create or replace temp table limit_spans as select * from limit_spans_frame")
