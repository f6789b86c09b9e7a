"""The statements that type the rows of a source: by their quick readings, and by the careful ones."""

from collections.abc import Callable

from blockrisk.features.intake import cells
from blockrisk.features.intake.cells import Cell
from blockrisk.features.intake.mapping import Use
from blockrisk.features.intake.sources import Source, quoted
from blockrisk.features.tables import Table

Layer = Callable[[int, Cell], str]


def cell_of(table: Table, name: str, source: Source, use: Use | None) -> Cell:
    """Say how a declared column is read from a source."""
    column = table.column(name)
    if use is None:
        return Cell(table.name, column, source.label)
    place = source.names.get(use.header) or quoted(use.header)
    kind = source.types[use.header]
    return Cell(table.name, column, source.label, use.header, place, kind, use.factor, use.order, source.decimal_comma)


def quick_sql(columns: list[Cell], source: Source, file: str, pseudonymise: bool) -> str:
    """Give the SQL of the typed rows of a source by their quick readings.

    `file` is SQL of the number of the row's file. `_refused` is filled where the quick reading does not settle a row.
    """
    there = [(i, cell) for i, cell in enumerate(columns) if cell.header]
    layers: list[Layer] = [lambda i, cell: "" if cell.column.identifier else f"{cells.quick(cell, f'r{i}')} as k{i}"]
    query = _layered(source, file, there, layers)
    values = ", ".join(f"{cells.at_once(cell, f'r{i}', f'k{i}')} as c{i}" for i, cell in there)
    unsettled = " or ".join(cells.unsettled(cell, f"r{i}", f"k{i}", f"c{i}") for i, cell in there)
    names = ", ".join(_named(cell, f"c{i}", pseudonymise) for i, cell in enumerate(columns))
    return f"select {names}, file, line, case when {unsettled} then '?' end, null from (select *, {values} from ({query}))"


def careful_sql(columns: list[Cell], source: Source, file: str, pseudonymise: bool) -> str:
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
    return f"select {names}, file, line, case {why} end, case {value} end from ({_layered(source, file, there, layers)})"


def _layered(source: Source, file: str, there: list[tuple[int, Cell]], layers: list[Layer]) -> str:
    """Give the query of a source's raw cells, and around it one query a layer, so that no expression is worked out twice."""
    raws = ", ".join(f"{cells.raw(cell)} as r{i}" for i, cell in there)
    query = f"select {source.line or 'NULL::BIGINT'} as line, {file} as file, {raws} from {source.clause}"
    for layer in layers:
        added = ", ".join(sql for sql in (layer(i, cell) for i, cell in there) if sql)
        query = f"select *{added and ', '}{added} from ({query})"
    return query


def _named(cell: Cell, c: str, pseudonymise: bool) -> str:
    if not cell.header:
        return cells.absent(cell)
    return f"pseudonym({c})" if pseudonymise and cell.column.identifier else c
