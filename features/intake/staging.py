"""One file into the staging table of its table: every cell typed, every refused row set aside with its place and its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake.careful import Broken, open_carefully
from blockrisk.features.intake.cells import SQL_TYPES, Cell
from blockrisk.features.intake.dataset import Refused
from blockrisk.features.intake.mapping import Use, choose, is_header
from blockrisk.features.intake.mapping import quoted as toml
from blockrisk.features.intake.sources import Found, Source, open_file, quoted, reading_error
from blockrisk.features.intake.statements import careful_sql, cell_of, quick_sql
from blockrisk.features.intake.text import Shape, shape_of
from blockrisk.features.messages import shown
from blockrisk.features.tables import Table

if TYPE_CHECKING:
    from blockrisk.features.intake.read import Door

SET_ASIDE = """
    create table set_aside (table_name VARCHAR, file VARCHAR, line BIGINT, column_name VARCHAR, value VARCHAR, rule VARCHAR)"""
_REFUSED_BY_ENGINE = (
    *(duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.BinderException, duckdb.ParserException),
)


def is_of_the_file(error: duckdb.Error) -> bool:
    """Tell whether an error of the engine speaks of what it reads; of a damaged page it says so without a kind of its own."""
    return isinstance(error, _REFUSED_BY_ENGINE) or type(error) is duckdb.Error


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


@dataclass(frozen=True)
class Opened:
    """Hold a file and, where the fast reader may take it, its source; of a text file its shape too."""

    found: Found | Source
    source: Source | None
    shape: Shape | None = None

    @property
    def label(self) -> str:
        """Name it in messages."""
        return self.found.label

    @property
    def cut(self) -> bool:
        """Say whether its last line may be cut."""
        return self.shape is not None and not self.shape.ends

    def gave(self, rows: int) -> bool:
        """Say whether so many rows are the file as it is: of a text file each line gives one."""
        return self.shape is None or rows == self.shape.lines - 1


def opened(door: Door, table: Table, found: Found | Source) -> Opened:
    """Look at a file: which reader may take it, and what columns it has.

    Raises:
        UserError: it cannot be read.

    """
    if isinstance(found, Source):
        return Opened(found, found)
    if found.path.name.endswith(".parquet"):
        return Opened(found, open_file(door.con, found.path, found.label, door.links[found.path]))
    shape = None if found.sheet else shape_of(found.path, found.label, door.told)
    if not (shape and shape.plain and found.path.name.endswith((".csv", ".csv.gz"))):
        return Opened(found, None, shape)
    try:
        source = open_file(door.con, found.path, found.label, door.links[found.path])
    except (UserError, *_REFUSED_BY_ENGINE):
        return Opened(found, None, shape)  # the careful reader tells of it
    return Opened(found, source if is_header(table, list(source.types), door.rules.get(table.name, {})) else None, shape)


def stage(door: Door, table: Table, file: Opened, number: int, *, quick: bool = True) -> Staged:
    """Read one file into the staging table of its table: with the fast reader, and with the careful one where that refuses.

    `quick` says whether quick readings may settle all its cells; where they are known not to, they are not tried.

    Raises:
        UserError: the file cannot be understood, or something in it has two meanings.

    """
    if isinstance(file.found, Source):
        return _stage_source(door, table, file.found, number)
    if file.source and not file.shape:
        return _stage_source(door, table, file.source, number, quick=quick)
    if file.source and (fast := _stage_fast(door, table, file, file.source, number, quick)):
        return fast
    name = f"careful_{number}"
    source, broken = open_carefully(
        *(door.con, table, file.found, door.rules.get(table.name, {}), name),
        lambda rows: _set_broken_aside(door.con, table, file.label, rows),
    )
    staged = _stage_source(door, table, source, number, cut=file.cut)
    door.con.execute(f"drop table {name}")
    return replace(staged, read=staged.read + broken)


def _stage_fast(door: Door, table: Table, file: Opened, source: Source, number: int, quick: bool) -> Staged | None:
    """Stage a text file with the engine's own reader; None where that is not certain to read it as it is."""
    try:
        staged = _stage_source(door, table, source, number, cut=file.cut, quick=quick)
    except (UserError, *_REFUSED_BY_ENGINE):
        staged = None  # the careful reader tells of it
    if staged is None or not file.gave(staged.read):
        forget(door.con, table, number, file.label)
        return None
    return staged


def forget(con: duckdb.DuckDBPyConnection, table: Table, number: int, label: str) -> None:
    """Take back what was staged of a file."""
    con.execute(f"delete from staged_{table.name} where _file = ?", [number])
    con.execute("delete from set_aside where table_name = ? and file = ?", [table.name, label])


def _stage_source(door: Door, table: Table, source: Source, number: int, *, cut: bool = False, quick: bool = True) -> Staged:
    headers, uses, columns = layout(door, table, source)
    careful = careful_sql(columns, source, str(number), door.pseudonymise)
    sql = careful if source.line or not quick else quick_sql(columns, source, str(number), door.pseudonymise)
    try:
        read = insert(door.con, table, source, sql)
        if sql is not careful and _refused_in(door.con, table, number):
            forget(door.con, table, number, source.label)
            read = insert(door.con, table, source, careful)
    except duckdb.Error as error:
        if not is_of_the_file(error) or not source.parameters or "read_csv" in source.clause:
            raise
        raise reading_error(source.label, error) from error
    bad = _set_aside(door, table, source, number, careful)
    if bad:
        _ask_for_order(door.con, table, source.label, uses, read)
    return Staged(source.label, read, read - bad, headers, uses, cut)


def layout(door: Door, table: Table, source: Source) -> tuple[tuple[str, ...], dict[str, Use], list[Cell]]:
    """Give a source's headers, the use of those that are used, and how each declared column is read from it.

    Raises:
        UserError: a required column is missing, or several could be meant.

    """
    headers = source.headers or tuple(source.types)
    uses = choose(table, headers, source.label, door.rules.get(table.name, {}))
    return headers, uses, [cell_of(table, column.name, source, uses.get(column.name)) for column in table.columns]


def insert(con: duckdb.DuckDBPyConnection, table: Table, source: Source, sql: str) -> int:
    """Put typed rows of a source into the staging table; give how many."""
    [(rows,)] = con.execute(f"insert into staged_{table.name} {sql}", source.parameters).fetchall()
    return int(rows)


def _refused_in(con: duckdb.DuckDBPyConnection, table: Table, number: int) -> int:
    [(rows,)] = con.execute(f"select count(_refused) from staged_{table.name} where _file = {number}").fetchall()
    return int(rows)


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
