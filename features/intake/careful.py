"""The careful reader: text and workbooks that the fast one refuses, put row by row into a table of text with line numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import duckdb
import pyarrow as pa

from blockrisk.features.errors import mistake
from blockrisk.features.intake.mapping import Rule, is_header, split_unit
from blockrisk.features.intake.sources import Found, Source
from blockrisk.features.intake.text import SEPARATORS, Row, encoding_of, rows_of
from blockrisk.features.intake.workbook import rows_of_sheet
from blockrisk.features.messages import shown
from blockrisk.features.synonyms import FITTING
from blockrisk.features.tables import Table

BATCH = 50_000
TITLE_ROWS = 20
TITLE_CELLS = 2
"""Rows above the header that may hold a title, and the filled cells that a title has at most: others are rows set aside."""


@dataclass(frozen=True)
class Broken:
    """Tell of a row that is no row of the table: its line, what was seen and the code of the rule."""

    line: int
    value: str
    rule: str


def open_carefully(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    found: Found,
    rules: dict[str, Rule],
    name: str,
    aside: Callable[[list[Broken]], None],
) -> tuple[Source, int]:
    """Read a text file or a sheet into the table `name` of the engine.

    Args:
        con: the engine.
        table: the table of the contract that the file holds.
        found: the file.
        rules: the table's part of mapping.toml.
        name: of the table to make.
        aside: is given the rows that break a rule, a batch at a time.

    Returns:
        the source, and the number of rows that break a rule.

    Raises:
        UserError: the file is empty or damaged.

    """
    encoding = "" if found.sheet else encoding_of(found.path, found.label)
    separator = "" if found.sheet else _separator(table, found, rules, encoding)
    rows = rows_of_sheet(found.path, found.sheet, found.label) if found.sheet else rows_of(found.path, encoding, separator)
    header, above, first = _header(table, rows, found.label, rules)
    broken = [Broken(row.line, str(len(row.cells)), "above") for row in above if sum(map(bool, row.cells)) > TITLE_CELLS]
    columns = [f"c{i}" for i in range(len(header))]
    con.execute(f"create or replace temp table {name} (_line BIGINT{''.join(f', {column} VARCHAR' for column in columns)})")
    batch: list[Row] = []
    total = 0
    for row in chain(first, rows):
        if row.broken or not _fits(row, len(header), bool(found.sheet)):
            broken.append(_broken(row, len(header)))
            if len(broken) == BATCH:
                total, broken = total + _flush(broken, aside), []
            continue
        batch.append(row)
        if len(batch) == BATCH:
            _insert(con, name, batch, len(header))
            batch = []
    _insert(con, name, batch, len(header))
    names = {title: column for title, column in zip(reversed(header), reversed(columns), strict=True) if title}
    types = {title: "VARCHAR" for title in header if title}
    source = Source(found.label, name, (), types, names, tuple(header), "_line", decimal_comma=separator == ";")
    return source, total + _flush(broken, aside)


def _flush(broken: list[Broken], aside: Callable[[list[Broken]], None]) -> int:
    aside(broken)
    return len(broken)


def _separator(table: Table, found: Found, rules: dict[str, Rule], encoding: str) -> str:
    """Choose the separator by which the first rows name most columns of the table."""
    known = frozenset().union(*FITTING[table.name].values()) | {name for rule in rules.values() for name in rule.headers or ()}

    def named(separator: str) -> tuple[int, int]:
        top = [row.cells for _, row in zip(range(TITLE_ROWS), rows_of(found.path, encoding, separator), strict=False)]
        return (
            max((sum(split_unit(cell)[0] in known or cell in known for cell in cells) for cells in top), default=0),
            max(map(len, top), default=0),
        )

    return max(SEPARATORS, key=named)


def _header(table: Table, rows: Iterator[Row], label: str, rules: dict[str, Rule]) -> tuple[list[str], list[Row], list[Row]]:
    """Find the header: the first row that names all that the table must have, else the first row.

    Give it, the rows above it, and the rows after it that have been taken.
    """
    top: list[Row] = []
    for row in rows:
        top.append(row)
        if is_header(table, row.cells, rules):
            return _names(row), top[:-1], []
        if len(top) == TITLE_ROWS:
            break
    if not top:
        raise mistake("empty", label=label)
    return _names(top[0]), [], top[1:]


def _names(row: Row) -> list[str]:
    return [cell.strip(" \t\ufeff") for cell in row.cells]


def _fits(row: Row, width: int, sheet: bool) -> bool:
    return len(row.cells) <= width if sheet else len(row.cells) == width


def _broken(row: Row, width: int) -> Broken:
    if row.broken:
        return Broken(row.line, shown(row.cells[0] if row.cells else ""), row.broken)
    return Broken(row.line, str(len(row.cells)), f"cells:{width}")


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row], width: int) -> None:
    if not rows:
        return
    arrays = [pa.array([row.line for row in rows], pa.int64())]
    for i in range(width):
        arrays.append(pa.array([row.cells[i] if i < len(row.cells) else "" for row in rows], pa.string()))
    con.register("careful_batch", pa.table(arrays, names=["_line", *(f"c{i}" for i in range(width))]))
    con.execute(f"insert into {name} select * from careful_batch")
    con.unregister("careful_batch")
