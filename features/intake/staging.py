"""One file into the staging table of its table: every cell typed, every refused row set aside with its place and its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake import cells
from blockrisk.features.intake.careful import Broken, open_carefully
from blockrisk.features.intake.cells import SQL_TYPES, Cell
from blockrisk.features.intake.dataset import Refused
from blockrisk.features.intake.mapping import Rule, Use, choose, is_header
from blockrisk.features.intake.mapping import quoted as toml
from blockrisk.features.intake.sources import Found, Source, open_file, quoted, reading_error
from blockrisk.features.intake.text import Shape, shape_of
from blockrisk.features.messages import shown
from blockrisk.features.tables import Table

if TYPE_CHECKING:
    from blockrisk.features.intake.read import Door

Layer = Callable[[int, Cell], str]
SET_ASIDE = """
    create table set_aside (table_name VARCHAR, file VARCHAR, line BIGINT, column_name VARCHAR, value VARCHAR, rule VARCHAR)"""
_REFUSED_BY_ENGINE = (
    *(duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.BinderException, duckdb.ParserException),
)


@dataclass(frozen=True)
class Staged:
    """Tell of a file that has been staged: rows read, rows with every cell typed, its headers, the mapping of its columns."""

    label: str
    read: int
    staged: int
    headers: tuple[str, ...]
    uses: dict[str, Use]
    cut: bool = False


def create(con: duckdb.DuckDBPyConnection, table: Table, name: str, extra: str = "") -> None:
    """Create an empty table with the declared columns."""
    columns = ", ".join(f"{quoted(column.name)} {SQL_TYPES[column.type]}" for column in table.columns)
    con.execute(f"create or replace table {name} ({columns}{extra})")


def create_staged(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create the empty staging table of a table."""
    create(con, table, f"staged_{table.name}", ", _file INTEGER, _line BIGINT, _refused VARCHAR, _value VARCHAR")


def stage(door: Door, table: Table, found: Found | Source, number: int) -> Staged:
    """Read one file into the staging table of its table: with the fast reader, and with the careful one where that refuses.

    Raises:
        UserError: the file cannot be understood, or something in it has two meanings.

    """
    if number == 0:
        create_staged(door.con, table)
    rules = door.rules.get(table.name, {})
    if isinstance(found, Source):
        return _stage_source(door, table, found, rules, number)
    if found.path.name.endswith(".parquet"):
        source = open_file(door.con, found.path, found.label, door.links[found.path])
        return _stage_source(door, table, source, rules, number)
    shape = None if found.sheet else shape_of(found.path, found.label, door.told)
    fast = (
        _stage_fast(door, table, found, rules, number, shape) if shape and found.path.name.endswith((".csv", ".csv.gz")) else None
    )
    if fast:
        return fast
    name = f"careful_{number}"
    source, broken = open_carefully(
        door.con, table, found, rules, name, lambda rows: _set_broken_aside(door.con, table, found.label, rows)
    )
    staged = _stage_source(door, table, source, rules, number, cut=bool(shape and not shape.ends))
    door.con.execute(f"drop table {name}")
    return replace(staged, read=staged.read + broken)


def _stage_fast(door: Door, table: Table, found: Found, rules: dict[str, Rule], number: int, shape: Shape) -> Staged | None:
    """Stage a file with the engine's own reader; None where that is not certain to read it as it is.

    It is certain if each line of the file gave one row.
    """
    if not shape.plain:
        return None
    try:
        source = open_file(door.con, found.path, found.label, door.links[found.path])
        if not is_header(table, list(source.types), rules):
            return None
        staged = _stage_source(door, table, source, rules, number, cut=not shape.ends)
    except (UserError, *_REFUSED_BY_ENGINE):
        _forget(door.con, table, number, found.label)
        return None  # the careful reader tells of it
    if staged.read != shape.lines - 1:
        _forget(door.con, table, number, found.label)
        return None
    return staged


def _forget(con: duckdb.DuckDBPyConnection, table: Table, number: int, label: str) -> None:
    con.execute(f"delete from staged_{table.name} where _file = ?", [number])
    con.execute("delete from set_aside where table_name = ? and file = ?", [table.name, label])


def _stage_source(
    door: Door,
    table: Table,
    source: Source,
    rules: dict[str, Rule],
    number: int,
    cut: bool = False,
) -> Staged:
    headers = source.headers or tuple(source.types)
    uses = choose(table, headers, source.label, rules)
    columns = [_cell(table, column.name, source, uses.get(column.name)) for column in table.columns]
    careful = _careful_sql(columns, number, source, door.pseudonymise)
    sql = careful if source.line else _quick_sql(columns, number, source, door.pseudonymise)
    try:
        read = _insert(door.con, table, source, sql)
        if sql is not careful and _refused_in(door.con, table, number):
            _forget(door.con, table, number, source.label)
            read = _insert(door.con, table, source, careful)
    except _REFUSED_BY_ENGINE as error:
        if not source.parameters or "read_csv" in source.clause:
            raise
        raise reading_error(source.label, error) from error
    bad = _set_aside(door, table, source, number, careful)
    if bad:
        _ask_for_order(door.con, table, source.label, uses, read)
    return Staged(source.label, read, read - bad, headers, uses, cut)


def _insert(con: duckdb.DuckDBPyConnection, table: Table, source: Source, sql: str) -> int:
    [(rows,)] = con.execute(f"insert into staged_{table.name} {sql}", source.parameters).fetchall()
    return int(rows)


def _refused_in(con: duckdb.DuckDBPyConnection, table: Table, number: int) -> int:
    [(rows,)] = con.execute(f"select count(_refused) from staged_{table.name} where _file = {number}").fetchall()
    return int(rows)


def _cell(table: Table, name: str, source: Source, use: Use | None) -> Cell:
    column = table.column(name)
    if use is None:
        return Cell(table.name, column, source.label)
    place = source.names.get(use.header) or quoted(use.header)
    kind = source.types[use.header]
    return Cell(table.name, column, source.label, use.header, place, kind, use.factor, use.order, source.decimal_comma)


def _quick_sql(columns: list[Cell], number: int, source: Source, pseudonymise: bool) -> str:
    """Give the SQL of the typed rows of a source by their quick readings; `_refused` is filled where that does not settle a row."""
    there = [(i, cell) for i, cell in enumerate(columns) if cell.header]
    query = _layered(source, there, [lambda i, cell: "" if cell.column.identifier else f"{cells.quick(cell, f'r{i}')} as k{i}"])
    values = ", ".join(f"{cells.at_once(cell, f'r{i}', f'k{i}')} as c{i}" for i, cell in there)
    unsettled = " or ".join(cells.unsettled(cell, f"r{i}", f"k{i}", f"c{i}") for i, cell in there)
    names = ", ".join(_named(cell, f"c{i}", pseudonymise) for i, cell in enumerate(columns))
    return f"select {names}, {number}, line, case when {unsettled} then '?' end, null from (select *, {values} from ({query}))"


def _careful_sql(columns: list[Cell], number: int, source: Source, pseudonymise: bool) -> str:
    """Give the SQL of the typed rows of a source, with its number, the place of the row, the broken rule and the value.

    Of several broken rules the first column's counts.
    """
    there = [(i, cell) for i, cell in enumerate(columns) if cell.header]
    layers: list[Layer] = [
        lambda i, cell: f"{cells.quick(cell, f'r{i}')} as k{i}",
        lambda i, cell: f"{cells.cleaned(cell, f'r{i}', f'k{i}')} as w{i}",
        lambda i, cell: f"{cells.digits(cell, f'w{i}')} as d{i}, is_blank(w{i}) as b{i}",
        lambda i, cell: f"{cells.value(cell, f'k{i}', f'w{i}', f'd{i}', f'b{i}')} as u{i}",
        lambda i, cell: f"{cells.bounded(cell, f'u{i}')} as c{i}",
    ]
    rules = [
        (condition, f"'{cell.column.name}|' || ({code})", f"r{i}::VARCHAR")
        for i, cell in there
        for condition, code in cells.refusal(cell, f"r{i}", f"w{i}", f"c{i}", f"b{i}")
    ]
    why = " ".join(f"when {condition} then {code}" for condition, code, _ in rules)
    value = " ".join(f"when {condition} then coalesce({cell}, '')" for condition, _, cell in rules)
    names = ", ".join(_named(cell, f"c{i}", pseudonymise) for i, cell in enumerate(columns))
    return f"select {names}, {number}, line, case {why} end, case {value} end from ({_layered(source, there, layers)})"


def _layered(source: Source, there: list[tuple[int, Cell]], layers: list[Layer]) -> str:
    """Give the query of a source's raw cells, and around it one query a layer, so that no expression is worked out twice."""
    raws = ", ".join(f"{cells.raw(cell)} as r{i}" for i, cell in there)
    query = f"select {source.line or 'NULL::BIGINT'} as line, {raws} from {source.clause}"
    for layer in layers:
        added = ", ".join(sql for sql in (layer(i, cell) for i, cell in there) if sql)
        query = f"select *{added and ', '}{added} from ({query})"
    return query


def _named(cell: Cell, c: str, pseudonymise: bool) -> str:
    if not cell.header:
        return cells.absent(cell)
    return f"pseudonym({c})" if pseudonymise and cell.column.identifier else c


def _set_aside(door: Door, table: Table, source: Source, number: int, sql: str) -> int:
    """List the refused rows of a file; where their lines are not known yet it is read once more, in order."""
    staged = f"staged_{table.name}"
    bad = _refused_in(door.con, table, number)
    if not bad:
        return 0
    value = "'(hidden)'" if door.pseudonymise else "_value"
    chosen = f"select ?, ?, _line, split_part(_refused, '|', 1), {value}, split_part(_refused, '|', 2) from"
    if source.line:
        door.con.execute(
            f"insert into set_aside {chosen} {staged} where _file = {number} and _refused is not null", [table.name, source.label]
        )
        return bad
    names = ", ".join([*(f"t{i}" for i in range(len(table.columns))), "_file", "_none", "_refused", "_value"])
    numbered = f"(select *, row_number() over () + {source.first - 1} as _line from ({sql}) as typed({names}))"
    door.con.execute(
        f"insert into set_aside {chosen} {numbered} where _refused is not null", [table.name, source.label, *source.parameters]
    )
    return bad


def _set_broken_aside(con: duckdb.DuckDBPyConnection, table: Table, label: str, broken: Sequence[Broken]) -> None:
    if not broken:
        return
    rows = [(table.name, label, row.line, "row", row.value, row.rule) for row in broken]
    frame = pa.table(
        [pa.array(values) for values in zip(*rows, strict=True)],
        names=["table_name", "file", "line", "column_name", "value", "rule"],
    )
    con.register("broken_rows", frame)
    con.execute("insert into set_aside select * from broken_rows")
    con.unregister("broken_rows")


def _ask_for_order(con: duckdb.DuckDBPyConnection, table: Table, label: str, uses: dict[str, Use], read: int) -> None:
    """Ask how 01/02/2026 is meant where at least half of a file's rows are written so; less are slips, set aside as such."""
    sql = """
        select column_name, min(line), arg_min(value, line) from set_aside
        where table_name = ? and file = ? and rule = 'day_or_month' group by column_name having count(*) * 2 >= ? order by 1"""
    for column, line, value in con.execute(sql, [table.name, label, read]).fetchall()[:1]:
        repair = f'{column} = {{ column = {toml(shown(uses[column].header))}, order = "dmy" }}'
        raise mistake("ambiguous_dates", label=label, line=line, column=column, value=shown(value), table=table.name, repair=repair)


def settle(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Take the refused rows out of the staging table and give it the name of its table."""
    staged = f"staged_{table.name}"
    con.execute(f"delete from {staged} where _refused is not null")
    for extra in ("_file", "_line", "_refused", "_value"):
        con.execute(f"alter table {staged} drop column {extra}")
    con.execute(f"alter table {staged} rename to {table.name}")


def refused_of(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[Refused, ...]:
    """Sum up the rows of a table that were set aside: one entry for each file, column and rule, at its first line."""
    sql = """
        select file, min(line), column_name, arg_min(value, line), rule, count(*) from set_aside
        where table_name = ? group by file, column_name, rule order by file, min(line), column_name, rule"""
    return tuple(Refused(*row) for row in con.execute(sql, [table.name]).fetchall())
