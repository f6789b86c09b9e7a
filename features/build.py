"""Vectors: any set of cards and dates in one pass, one row each."""

import math
from collections.abc import Sequence

import duckdb
import pandas as pd

from blockrisk.features import catalogue, plan, prepare
from blockrisk.features.errors import UserError
from blockrisk.features.intake import Tables

ROWS_AT_ONCE, REACH_DAYS = 8_000_000, 37


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
    names = list(dict.fromkeys(columns)) if columns is not None else catalogue.columns()
    wanted = plan.outputs(names)
    _create_asks(tables, requests, wanted)
    prepare.prepare(tables, {"card_rows", *plan.sources(wanted, tables.present)})
    _number_asks(tables)
    for group in plan.statements(wanted, tables.present):
        _run(tables.con, group)
    return tables.con.execute(plan.vector_sql(wanted, tables.present, names)).df()


def _run(con: duckdb.DuckDBPyConnection, group: list[plan.Statement]) -> None:
    """Fill the results of one group, part by part where its units are many: memory stays bounded."""
    parts = _parts(con) if any(statement.heavy for statement in group) else 1
    for part in range(parts):
        con.execute(f"create or replace temp view asks_part as select * from asks where card_no % {parts} = {part}")
        for statement in group:
            if part == 0 or statement.table.startswith("units_"):
                con.execute(f"create or replace temp table {statement.table} as {statement.sql}")
            else:
                con.execute(f"insert into {statement.table} {statement.sql}")
    con.execute(f"drop table {group[0].table}")


def _parts(con: duckdb.DuckDBPyConnection) -> int:
    """Divide the asks so that one part joins about ROWS_AT_ONCE daily rows of callees; without those nothing is that large."""
    [(there,)] = con.execute("select count(*) from duckdb_tables() where table_name = 'callees_by_day'").fetchall()
    if not there:
        return 1
    [(rows, days)] = con.execute("select count(*), max(day) - min(day) + 1 from callees_by_day").fetchall()
    [(asks, cards)] = con.execute("select count(*), count(distinct card_no) from asks").fetchall()
    if not rows or not asks:
        return 1
    return min(cards, math.ceil(rows * asks / cards * min(1.0, REACH_DAYS / days) / ROWS_AT_ONCE))


def _create_asks(tables: Tables, requests: pd.DataFrame, wanted: list[plan.Output]) -> None:
    """Register the requests, and the days that prepared tables must cover."""
    as_of = pd.to_datetime(requests["as_of"]).astype("datetime64[us]").reset_index(drop=True)
    if (as_of != as_of.dt.normalize()).any():
        raise UserError(f"as_of {as_of[as_of != as_of.dt.normalize()].iloc[0]} is no midnight; give a date")
    frame = pd.DataFrame({"card_id": requests["card_id"].astype("str").to_numpy(), "as_of": as_of})
    frame["ask"] = range(len(frame))
    frame["day"] = (as_of - pd.Timestamp(0)) // pd.Timedelta(days=1)
    tables.con.register("ask_frame", frame)
    longest = max((output.span or 0 for output in wanted), default=0)
    tables.con.execute(
        f"create or replace temp table ask_days as select distinct cast(day as INTEGER) as day, {longest} as longest from ask_frame"
    )
    tables.con.execute(
        "create or replace temp table span_days as select cast(unnest(range(low - longest, high)) as INTEGER) as day from "
        "(select min(day) as low, max(day) as high, max(longest) as longest from ask_days)"
    )


def _number_asks(tables: Tables) -> None:
    """Give each request the integer keys that the prepared tables use."""
    [(first, lost)] = tables.con.execute(
        "select min(card_id), count(distinct card_id) from ask_frame where card_id not in (select card_id from card_rows)"
    ).fetchall()
    if lost:
        raise UserError(f"card {first} is not in the cards table ({lost} such cards); add it to cards")
    tables.con.execute(
        "create or replace temp table asks as select f.ask, f.as_of, cast(f.day as INTEGER) as day, c.card_no, c.operator_no "
        "from ask_frame f join card_rows c using (card_id)"
    )
    tables.con.execute("create or replace temp table operator_asks as select distinct operator_no, day from asks")
