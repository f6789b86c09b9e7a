"""Duplicates: rows with the key of another row, from overlapping exports and repeated pushes."""

import duckdb

from blockrisk.features.intake.sources import quoted
from blockrisk.features.repeats import create_repeated
from blockrisk.features.tables import Column, Table

CONTRADICTIONS = "contradictions"
"""The table of cards whose rows differ in what every card has one of."""


def drop_duplicates(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Keep one row a key: of blocks a stop before a warning; the one known first, the one that says most, the greatest values."""
    with_later_rows(con, table, table.name, "rowid", f"delete from {table.name} where rowid in ({{later}})")


def keep_contradictions(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Leave in CONTRADICTIONS, for each column, how many keys of a staged table have rows that differ in it, and the first of them.

    Its columns: column_name, cards, card, one, other (the least and the greatest value, as text).
    """
    [key] = table.key
    columns = [column.name for column in table.columns if column.name != key and column.required]
    parts = [
        f"""select '{name}' as column_name, count(*) as cards, min(key) as card, arg_min(low, key)::VARCHAR as one,
            arg_min(high, key)::VARCHAR as other
        from (select {key} as key, min({name}) as low, max({name}) as high from again group by {key} having low <> high)
        having count(*) > 0"""
        for name in columns
    ]
    again = f"select * from {table.name} where {key} in (select {key} from {table.name} group by {key} having count(*) > 1)"
    con.execute(f"create temp table {CONTRADICTIONS} as with again as materialized ({again}) {' union all '.join(parts)}")


def with_later_rows(con: duckdb.DuckDBPyConnection, table: Table, rows: str, place: str, statement: str) -> None:
    """Execute a statement on the places of those rows whose key another row has before them, if there are any.

    Only rows whose key's hash is another row's too are compared.

    Args:
        con: the connection.
        table: what the rows are of.
        rows: a table's name, or a query in brackets.
        place: the columns that tell a row's place.
        statement: SQL in which `{later}` stands for the query of the places.

    """
    key = ", ".join(map(quoted, table.key))
    if create_repeated(con, "repeated_keys", "hashed", f"select hash({key}) as hashed from {rows}"):
        later = (
            f"select {place} from (select {place}, row_number() over (partition by {key}{_order(table)}) as _nth from {rows} "
            f"where hash({key}) in (select hashed from repeated_keys)) where _nth > 1"
        )
        con.execute(statement.replace("{later}", later))
    con.execute("drop table repeated_keys")


def _order(table: Table) -> str:
    """Say which of the rows of a key comes first: a total order, so that what stays does not depend on the order of files."""
    free = [column for column in table.columns if column.name not in (*table.key, "available_at")]
    order = [f"({table.first}) desc"] if table.first else []
    order += [f"greatest(available_at, {table.event})"] if table.dated else []
    order += [f"({' + '.join(map(_says_something, free))}) desc"] if free else []
    order += [f"{quoted(column.name)} desc nulls last" for column in free]
    order += ["available_at nulls last"] if table.dated else []
    return f" order by {', '.join(order)}" if order else ""


def _says_something(column: Column) -> str:
    """Give 1 where the cell was filled; a blank choice has become its word for blank on reading."""
    name = quoted(column.name)
    return f"(coalesce({name}, '{column.blank}') <> '{column.blank}')::INT" if column.blank else f"({name} is not null)::INT"
