"""The door: read a data set, type every cell by declared rules, drop duplicates, account for every row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from blockrisk.features import tables as contract
from blockrisk.features.errors import UserError
from blockrisk.features.intake import cells
from blockrisk.features.intake.dataset import Refused, RowCount, Tables, connect
from blockrisk.features.intake.sources import Source, find_files, open_file, open_frames, quoted, reading_error
from blockrisk.features.tables import Column, Table

DataSet = str | Path | Mapping[str, Any]
ZONE = "Asia/Shanghai"


def read_tables(data: DataSet, *, zone: str = ZONE, memory: str | None = None, threads: int | None = None) -> Tables:
    """Read a data set of the contract's tables.

    Args:
        data: a folder with NAME.parquet, NAME.csv, NAME.csv.gz or folders NAME/ of such files, or a mapping from table
            name to data frame.
        zone: IANA zone of the local times; stamps with an offset are converted to it.
        memory: limit for the engine, as "2GB"; beyond it, work goes to a private temporary folder.
        threads: threads of the engine; results do not depend on it.

    Returns:
        Tables: every declared table and column, with the account of rows. An absent optional table is empty.

    Raises:
        UserError: a required table or column is missing, or a file cannot be understood.

    Example:
        >>> import pandas as pd
        >>> cards = pd.DataFrame([["001", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["001", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> tables = read_tables({"cards": cards, "calls": calls})
        >>> [(count.table, count.read, count.used) for count in tables.accounting]
        [('cards', 1, 1), ('calls', 1, 1)]

    """
    con = connect(memory=memory, threads=threads)
    _set_zone(con, zone)
    for macro in cells.MACROS:
        con.execute(macro)
    sources, ignored = _open(con, data)
    present: set[str] = set()
    accounting = []
    for table in contract.TABLES:
        found = sources[table.name]
        if not found and table.required:
            raise _missing_table(table, data, sources, ignored)
        accounting += [_read_table(con, table, found)] if found else []
        if not found:
            _create(con, table, table.name)
        present |= _present(table, found)
    return Tables(con, frozenset(present), tuple(accounting), tuple(ignored), zone)


def _set_zone(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UserError(f'zone "{zone}" is unknown; write an IANA name such as Asia/Shanghai') from error
    con.execute("set variable zone = ?", [zone])


def _open(con: duckdb.DuckDBPyConnection, data: DataSet) -> tuple[dict[str, list[Source]], list[str]]:
    if isinstance(data, Mapping):
        return open_frames(con, data), []
    files, ignored = find_files(Path(data))
    opened = {
        name: [open_file(con, path, path.name if path.parent == Path(data) else f"{name}/{path.name}") for path in paths]
        for name, paths in files.items()
    }
    return opened, ignored


def _missing_table(table: Table, data: DataSet, sources: dict[str, list[Source]], ignored: list[str]) -> UserError:
    there = sorted([name for name, found in sources.items() if found] + ignored)
    where = "the mapping" if isinstance(data, Mapping) else str(data)
    return UserError(
        f"{where} has no table {table.name} ({table.meaning}); there is: {', '.join(there) or 'nothing'}; "
        f"add {table.name}.csv or {table.name}.parquet with the columns {', '.join(table.required_columns)}"
    )


def _present(table: Table, found: list[Source]) -> set[str]:
    if not found:
        return set()
    named = {name for source in found for name in source.types}
    return {table.name} | {f"{table.name}.{column.name}" for column in table.columns if column.name in named}


def _create(con: duckdb.DuckDBPyConnection, table: Table, name: str, extra: str = "") -> None:
    columns = ", ".join(f"{quoted(column.name)} {cells.SQL_TYPES[column.type]}" for column in table.columns)
    con.execute(f"create or replace table {name} ({columns}{extra})")


def _read_table(con: duckdb.DuckDBPyConnection, table: Table, found: list[Source]) -> RowCount:
    """Stage every file, set refused rows aside, drop duplicates; leave the table under its own name."""
    staged = f"staged_{table.name}"
    _create(con, table, staged, ", _file INTEGER, _refused VARCHAR, _value VARCHAR")
    for number, source in enumerate(found):
        _require_columns(table, source)
        _execute(con, source, f"insert into {staged} {_staging_sql(table, source, number)}")
    read, bad = _one(con, f"select count(*), count(_refused) from {staged}")
    refused = _refusals(con, table, found) if bad else ()
    if bad:
        con.execute(f"delete from {staged} where _refused is not null")
    for extra in ("_file", "_refused", "_value"):
        con.execute(f"alter table {staged} drop column {extra}")
    con.execute(f"alter table {staged} rename to {table.name}")
    _drop_duplicates(con, table)
    used = _one(con, f"select count(*) from {table.name}")[0]
    if table.required and refused and not used:
        raise UserError(f"no row of {table.name} can be used; {refused[0]}")
    return RowCount(
        table.name,
        tuple(source.label for source in found),
        read,
        used,
        read - bad - used,
        bad,
        refused,
        _ignored_columns(table, found),
        _unknown_values(con, table),
    )


def _require_columns(table: Table, source: Source) -> None:
    for name in table.required_columns:
        if name not in source.types:
            raise UserError(
                f"{source.label} has no column {name} ({table.column(name).meaning}); there are: "
                f"{', '.join(source.types)}; rename or add {name}"
            )


def _staging_sql(table: Table, source: Source, number: int) -> str:
    raws = [f"{cells.raw(column, source)} as w{i}" for i, column in enumerate(table.columns)]
    whole = [f"{cells.filled(column, source, f'w{i}')} as r{i}" for i, column in enumerate(table.columns)]
    typed = [f"{cells.parsed(column, source, f'r{i}')} as c{i}" for i, column in enumerate(table.columns)]
    rules = [
        (condition, f"'{column.name}|{rule}'", f"r{i}::VARCHAR")
        for i, column in enumerate(table.columns)
        for condition, rule in cells.refusal(column, f"r{i}", f"c{i}")
    ]
    why = " ".join(f"when {condition} then {rule}" for condition, rule, _ in rules)
    value = " ".join(f"when {condition} then coalesce({cell}, '')" for condition, _, cell in rules)
    names = ", ".join(f"c{i}" for i in range(len(table.columns)))
    return (
        f"select {names}, {number}, case {why} end, case {value} end from "
        f"(select *, {', '.join(typed)} from (select {', '.join(whole)} from (select {', '.join(raws)} from {source.clause})))"
    )


def _execute(con: duckdb.DuckDBPyConnection, source: Source, sql: str) -> list[Any]:
    try:
        return con.execute(sql, source.parameters).fetchall()
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        raise reading_error(source.label, error) from error


def _refusals(con: duckdb.DuckDBPyConnection, table: Table, found: list[Source]) -> tuple[Refused, ...]:
    """Read the files with refused rows once more, in order, to name the first line of each kind."""
    kinds = []
    columns = (*(quoted(column.name) for column in table.columns), "_file", "_refused", "_value")
    for number in [
        row[0]
        for row in con.execute(f"select distinct _file from staged_{table.name} where _refused is not null order by 1").fetchall()
    ]:
        source = found[number]
        sql = f"""
            with numbered({", ".join(columns)}, line) as
                (select *, row_number() over () + 1 from ({_staging_sql(table, source, number)}))
            select min(line), _refused, arg_min(_value, line), count(*) from numbered
            where _refused is not null group by _refused order by 1, 2"""
        for line, why, value, rows in _execute(con, source, sql):
            column, rule = why.split("|", 1)
            kinds.append(Refused(source.label, line, column, value, rule, rows))
    return tuple(kinds)


def _drop_duplicates(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Keep one row a key: the one known first, then the one that says most, then the greatest values."""
    key = ", ".join(quoted(name) for name in table.key)
    distinct, rows = _one(con, f"select count(distinct hash({key})), count(*) from {table.name}")
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


def _ignored_columns(table: Table, found: list[Source]) -> tuple[str, ...]:
    known = {column.name for column in table.columns}
    return tuple(sorted({name for source in found for name in source.types} - known))


def _unknown_values(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Count the cells kept as `unknown`, by column."""
    choices = [column.name for column in table.columns if column.type == "choice"]
    if not choices:
        return {}
    counts = _one(con, f"select {', '.join(f'''count_if({n} = 'unknown')''' for n in choices)} from {table.name}")
    return {name: count for name, count in zip(choices, counts, strict=True) if count}


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    [row] = con.execute(sql).fetchall()
    return tuple(row)
