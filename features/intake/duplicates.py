"""Duplicates: rows with the key of another row, from overlapping exports and repeated pushes."""

import duckdb

from blockrisk.features.intake.sources import quoted
from blockrisk.features.tables import Column, Table


def drop_duplicates(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Keep one row a key: the one known first, then the one that says most, then the greatest values."""
    key = ", ".join(quoted(name) for name in table.key)
    [(distinct, rows)] = con.execute(f"select count(distinct hash({key})), count(*) from {table.name}").fetchall()
    if distinct == rows:
        return
    order = []
    if "available_at" in {column.name for column in table.columns}:
        order.append(f"greatest(available_at, {table.event})")
    free = [column for column in table.columns if column.name not in (*table.key, "available_at")]
    rest = [quoted(column.name) for column in free]
    order += [f"({' + '.join(_says_something(column) for column in free)}) desc"] if free else []
    order += [f"{name} desc nulls last" for name in rest]
    order += ["available_at nulls last"] if "available_at" in {column.name for column in table.columns} else []
    by = f" order by {', '.join(order)}" if order else ""
    con.execute(
        f"create or replace table {table.name} as select * exclude (_nth) from "
        f"(select *, row_number() over (partition by {key}{by}) as _nth from {table.name}) where _nth = 1"
    )


def _says_something(column: Column) -> str:
    """Give 1 where the cell was filled; a blank choice has become its word for blank on reading."""
    name = quoted(column.name)
    return f"(coalesce({name}, '{column.blank}') <> '{column.blank}')::INT" if column.blank else f"({name} is not null)::INT"
