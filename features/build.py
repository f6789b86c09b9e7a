"""Vectors: any set of cards and dates in one pass, one row each."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from blockrisk.features import catalogue, medians, plan, prepare
from blockrisk.features.errors import mistake
from blockrisk.features.intake import Tables
from blockrisk.features.intake.parts import ranges
from blockrisk.features.intake.spill import telling_of_room

ROWS_AT_ONCE, REACH_DAYS = 8_000_000, 37
_MOST_LISTED = 5_000


@telling_of_room()
def vectors(tables: Tables, requests: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Compute the feature vectors of cards at dates.

    A row counts at as_of only if its event time < as_of and it was available before as_of; a window of W days is
    [as_of - W days, as_of).

    Args:
        tables: a data set that has been read.
        requests: one row a vector: card_id (text), as_of (a midnight, local time). Repeats are allowed.
        columns: names to compute, any window of a declared quantity ("calls_out_14d"); all shipped columns when left out.

    Returns:
        card_id, as_of and the columns, one row a request in the same order; float64, NaN where missing; operator and
        home_region are text. No request gives no row.

    Raises:
        UserError: a card is not in the cards table, an as_of is no midnight, or a column is no feature.

    Example:
        >>> import pandas as pd
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["001", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["001", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> ask = pd.DataFrame({"card_id": ["001"] * 2, "as_of": pd.to_datetime(["2025-01-02", "2025-01-03"])})
        >>> tables = read_tables({"cards": cards, "calls": calls})
        >>> vectors(tables, ask, ["calls_out_1d", "talk_minutes_7d"]).iloc[:, 2:].values.tolist()
        [[0.0, 0.0], [1.0, 0.5]]

    """
    return vector_rows(tables, requests, columns).df()


@telling_of_room()
def vector_rows(tables: Tables, requests: pd.DataFrame, columns: Sequence[str] | None = None) -> Any:
    """Give the vectors as rows not yet fetched: what `vectors` makes a frame of; arguments and errors as there."""
    tables = tables.engine(tables) if tables.engine else tables
    names = list(dict.fromkeys(columns)) if columns is not None else catalogue.columns()
    wanted = plan.outputs(names)
    sql, requests = plan.vector_sql(wanted, tables.present, names), requests.reset_index(drop=True)
    parts = list(_divide(tables, requests, wanted))
    for number, (part, asked) in enumerate(parts):
        _compute(part, asked, wanted)
        if len(parts) > 1:
            made = "insert into part_vectors" if number else "create or replace temp table part_vectors as"
            tables.con.execute(f"{made} {sql}")
    return tables.con.execute(f"select * exclude (ask) from ({sql if len(parts) == 1 else 'part_vectors'}) order by ask")


def _compute(tables: Tables, requests: pd.DataFrame, wanted: list[plan.Output]) -> None:
    """Leave the results of the tiles in the connection, by the number of the ask: the index of the requests."""
    groups = plan.statements(wanted, tables.present)
    read = " ".join(statement.sql for group in groups for statement in (group.units, group.result))
    _prepare(tables, requests, plan.sources(wanted, tables.present), read)
    [(asks, cards, highest)] = tables.con.execute("select count(*), count(distinct card_no), max(card_no) from asks").fetchall()
    asked = _Asked(asks, cards, highest or 0)
    _show_asks(tables.con, 0, asked.highest)
    for group in groups:
        _run(tables.con, group, asked)


def _divide(tables: Tables, requests: pd.DataFrame, wanted: list[plan.Output]) -> Iterator[tuple[Tables, pd.DataFrame]]:
    """Give the data set with the requests; where calls do not fit in memory, those of some cards at a time with theirs."""
    if tables.card_parts:
        part = tables.card_parts.of_cards(requests["card_id"])
        for group in tables.card_parts.groups(part):
            yield _only(tables, group), requests[np.isin(part, group)]
    elif tables.kept_days and len(found := _ranges(tables, requests, plan.sources(wanted, tables.present))) > 1:
        card_no = _card_nos(tables, requests)
        for first, last in found:
            yield replace(tables, card_nos=(first, last)), requests[(card_no >= first) & (card_no <= last)]
    else:
        yield tables, requests


def _ranges(tables: Tables, requests: pd.DataFrame, sources: Mapping[str, int | None]) -> list[tuple[int, int]]:
    """Divide the cards so that what a store keeps of them fits in memory, from the first day that is looked at on."""
    kept, days = tables.kept_days, [days for name, days in sources.items() if name in prepare.made_of_calls()]
    if kept is None or requests.empty or not days:
        return []
    low = (
        0 if None in days else (pd.to_datetime(requests["as_of"]).min() - pd.Timestamp(0)).days - max(filter(None, days), default=0)
    )
    prepare.prepare(tables, {"card_rows": None})
    [(cards,)] = tables.con.execute("select max(card_no) from card_rows").fetchall()
    return ranges(tables.con, sum(one["rows"] for day, one in kept.days.items() if day >= low), cards)


def _card_nos(tables: Tables, requests: pd.DataFrame) -> np.ndarray:
    """Give the number of each request's card; an unknown one's is 1, so that it is told of with the first cards."""
    asked = pd.DataFrame({"card_id": requests["card_id"].astype("str"), "ask": requests.index})
    tables.con.register("ask_frame", asked)
    sql = "select coalesce(card_no, 1) as card_no from ask_frame left join card_rows using (card_id) order by ask"
    return np.asarray(tables.con.execute(sql).fetchnumpy()["card_no"])


def _only(tables: Tables, numbers: Sequence[int]) -> Tables:
    """Give the data set with the calls of some parts of the cards."""
    return replace(tables, calls=f"({tables.card_parts.query(numbers)})") if tables.card_parts else tables


@telling_of_room()
def prepare_rows(tables: Tables, requests: pd.DataFrame, sources: Mapping[str, int | None]) -> None:
    """Leave prepared tables in the connection, with `asks`: the requests by the keys that they use (features.prepared).

    Columns of `prepare.SPARE` may be missing from them.

    Args:
        tables: a data set that has been read.
        requests: as in `vectors`.
        sources: the prepared tables, each with the days before as_of that are wanted; None: all days.

    Raises:
        UserError: as `vectors`.

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["001", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["001", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> tables = read_tables({"cards": cards, "calls": calls})
        >>> prepare_rows(tables, pd.DataFrame({"card_id": ["001"], "as_of": pd.to_datetime(["2025-01-03"])}), {"calls_by_day": 7})
        >>> tables.con.execute("select a.day - t.day, t.out from asks a join calls_by_day t using (card_no)").fetchall()
        [(1, 1)]

    """
    numbers = tables.card_parts.of_cards(requests["card_id"]) if tables.card_parts else ()
    _prepare(_only(tables, sorted(set(numbers))), requests.reset_index(drop=True), sources)


def _prepare(tables: Tables, requests: pd.DataFrame, sources: Mapping[str, int | None], read: str = "") -> None:
    """Leave the prepared tables and `asks`, numbered by the index of the requests."""
    _create_asks(tables, requests, max((days or 0 for days in sources.values()), default=0))
    prepare.prepare(tables, {"card_rows": None, **_lows(tables, sources)}, read)
    _number_asks(tables)


def _lows(tables: Tables, reaches: Mapping[str, int | None]) -> dict[str, int | None]:
    """Turn the days before as_of that matter into the first day needed, of all asks."""
    [(first,)] = tables.con.execute("select coalesce(min(day), 0) from ask_days").fetchall()
    return {name: None if days is None else first - days for name, days in reaches.items()}


@dataclass(frozen=True)
class _Asked:
    """Count the asks and their cards, and name the highest card number."""

    asks: int
    cards: int
    highest: int


def _run(con: duckdb.DuckDBPyConnection, group: plan.Group, asked: _Asked) -> None:
    """Fill the results of one group, part by part where it joins many rows: memory stays bounded."""
    units, result = group.units.sql, group.result
    if group.medians and isinstance(con, duckdb.DuckDBPyConnection) and medians.create(con, group.medians):
        units = medians.of_asks(group.medians)
    parts = _parts(con, group, asked)
    for part, cards in enumerate(parts):
        if len(parts) > 1:
            _show_asks(con, *cards)
        made = f"insert into {result.table}" if part else f"create or replace temp table {result.table} as"
        con.execute(f"{made} with {group.units.table} as ({units}) {result.sql}")
    if len(parts) > 1:
        _show_asks(con, 0, asked.highest)
    if units != group.units.sql:
        con.execute("drop table medians_found")


def _show_asks(con: duckdb.DuckDBPyConnection, low: int, high: int) -> None:
    con.execute(f"create or replace temp view asks_part as select * from asks where card_no between {low} and {high}")


def _parts(con: duckdb.DuckDBPyConnection, group: plan.Group, asked: _Asked) -> list[tuple[int, int]]:
    """Divide the cards into ranges so that one part joins about ROWS_AT_ONCE rows."""
    [(rows, days)] = con.execute(f"select count(*), max(day) - min(day) + 1 from {group.source}").fetchall()
    if group.whole or not rows or not asked.asks:
        return [(0, asked.highest)]
    joins = max(1.0, asked.asks / asked.cards * min(1.0, REACH_DAYS / days)) if group.per_ask else 1.0
    parts = min(asked.cards, math.ceil(rows * joins / ROWS_AT_ONCE))
    return [(asked.highest * part // parts + 1, asked.highest * (part + 1) // parts) for part in range(parts)]


def _create_asks(tables: Tables, requests: pd.DataFrame, longest: int) -> None:
    """Register the requests, and the days that prepared tables must cover."""
    as_of = pd.to_datetime(requests["as_of"]).astype("datetime64[us]")
    if (as_of != as_of.dt.normalize()).any():
        raise mistake("no_midnight", as_of=as_of[as_of != as_of.dt.normalize()].iloc[0])
    frame = pd.DataFrame({"card_id": requests["card_id"].astype("str"), "as_of": as_of, "ask": requests.index})
    frame["day"] = (as_of - pd.Timestamp(0)) // pd.Timedelta(days=1)
    tables.con.register("ask_frame", frame)
    tables.con.execute(
        f"create or replace temp table ask_days as select distinct cast(day as INTEGER) as day, {longest} as longest from ask_frame"
    )
    tables.con.execute(
        "create or replace temp table span_days as select cast(day as INTEGER) as day from "
        "(select unnest(range(low - longest, high)) as day from "
        "(select min(day) as low, max(day) as high, max(longest) as longest from ask_days))"
    )
    _create_next_ask(tables.con)


def _create_next_ask(con: duckdb.DuckDBPyConnection) -> None:
    """Create `next_ask(day)`: the first date asked for from that day on (features.spans).

    Over very many days a day stands for itself: as right, only with more changes to count.
    """
    days = [day for (day,) in con.execute("select day from ask_days order by day").fetchall()] or [0]
    listed = "d"
    if days[-1] - days[0] < _MOST_LISTED:
        following = [days[bisect_left(days, day)] for day in range(days[0], days[-1] + 1)]
        listed = f"list_extract([{', '.join(map(str, following))}], cast(d - {days[0] - 1} as BIGINT))"
    con.execute(
        f"create or replace temp macro next_ask(d) as "
        f"case when d <= {days[0]} then {days[0]} when d <= {days[-1]} then {listed} end"
    )


def _number_asks(tables: Tables) -> None:
    """Give each request the integer keys that the prepared tables use."""
    [(first, lost)] = tables.con.execute(
        "select min(card_id), count(distinct card_id) from ask_frame where card_id not in (select card_id from card_rows)"
    ).fetchall()
    if lost:
        raise mistake("unknown_cards", card=first, lost=lost)
    tables.con.execute(
        "create or replace temp table asks as select f.ask, f.as_of, cast(f.day as INTEGER) as day, c.card_no, c.operator_no "
        "from ask_frame f join card_rows c using (card_id)"
    )
    tables.con.execute("create or replace temp table operator_asks as select distinct operator_no, day from asks")
