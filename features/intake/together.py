"""The files of a table into its staging table: files alike are read by one statement, others one by one.

A statement costs some 10 ms to plan, and rows that come in less than the engine's row groups at a time are written twice; of a
year of daily files that is half of what reading costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from blockrisk.features.intake import staging
from blockrisk.features.intake.macros import literal
from blockrisk.features.intake.mapping import Use
from blockrisk.features.intake.parts import room
from blockrisk.features.intake.sources import Found, Source, quoted
from blockrisk.features.intake.staging import Opened, Staged
from blockrisk.features.intake.statements import quick_sql
from blockrisk.features.tables import Table

if TYPE_CHECKING:
    from blockrisk.features.intake.read import Door

_ROWS_AT_ONCE = 1_000_000
_SHARE = 8
"""Rows read at once are at most this part of what fits in memory."""
_BYTES_OF_ROW = {".parquet": 16, ".gz": 16, ".csv": 64}
"""Bytes of a file that a row takes at the least, more or less; it settles only how many files are read at once."""
_FILENAME = "the file of blockrisk"


def stage_files(door: Door, table: Table, files: Iterable[Found | Source]) -> Iterator[list[Staged]]:
    """Read files into the staging table of their table, which must be there; yields the account of the files that were read.

    Args:
        door: what the data set is read with.
        table: the table.
        files: the files, the first of which gets the number 0 in the staging table.

    Raises:
        UserError: a file cannot be understood, or something in it has two meanings.

    """
    first = 0
    for group in _alike(door, table, files):
        yield _stage_group(door, table, group, first)
        first += len(group)


def _alike(door: Door, table: Table, files: Iterable[Found | Source]) -> Iterator[list[Opened]]:
    """Divide files into groups that one statement can read, each ended by the file that fills it."""
    most, group, rows = min(_ROWS_AT_ONCE, room(door.con) // _SHARE), list[Opened](), 0
    for found in files:
        file = staging.opened(door, table, found)
        more = _rows(file)
        if group and not _same_clause(group[0], file):
            yield group
            group, rows = [], 0
        group.append(file)
        rows += more
        if rows >= most:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _rows(file: Opened) -> int:
    """Estimate the rows of a file; one that the fast reader does not take is read by itself."""
    if not file.source or isinstance(file.found, Source):
        return 0
    return file.found.path.stat().st_size // _BYTES_OF_ROW[file.found.path.suffix]


def _same_clause(one: Opened, other: Opened) -> bool:
    """Tell whether two files differ in their names alone."""
    plain = [file.source and replace(file.source, label="", parameters=()) for file in (one, other)]
    return plain[0] is not None and plain[0] == plain[1]


def _stage_group(door: Door, table: Table, group: list[Opened], first: int) -> list[Staged]:
    """Read a group by one statement; files of which quick readings do not settle every cell are then read by themselves."""
    numbers = range(first, first + len(group))
    if len(group) == 1 or (told := _insert_quickly(door, table, group, first)) is None:
        return [staging.stage(door, table, file, number) for file, number in zip(group, numbers, strict=True)]
    headers, uses = told
    counted = f"select _file, count(*), count(_refused) from staged_{table.name} where _file >= {first} group by _file"
    counts = {number: (rows, refused) for number, rows, refused in door.con.execute(counted).fetchall()}
    staged = []
    for file, number in zip(group, numbers, strict=True):
        rows, refused = counts.get(number, (0, 0))
        if refused or not file.gave(rows):
            staging.forget(door.con, table, number, file.label)
            again = file if file.gave(rows) else replace(file, source=None)  # the careful reader then
            staged.append(staging.stage(door, table, again, number, quick=False))
        else:
            staged.append(Staged(file.label, rows, rows, headers, uses, file.cut))
    return staged


def _insert_quickly(door: Door, table: Table, group: list[Opened], first: int) -> tuple[tuple[str, ...], dict[str, Use]] | None:
    """Put the rows of a group into the staging table, and give its headers and their uses; None, and nothing put, if that fails."""
    sources = [file.source for file in group if file.source]
    paths = [path for source in sources for path in source.parameters]
    headers, uses, columns = staging.layout(door, table, sources[0])
    named = sources[0].clause.replace("(?", f"(?, filename = {literal(_FILENAME)}", 1)
    file = f"list_position([{', '.join(map(literal, paths))}], {quoted(_FILENAME)}) + {first - 1}"
    together = replace(sources[0], clause=named, parameters=(paths,))
    try:
        staging.insert(door.con, table, together, quick_sql(columns, together, file, door.pseudonymise))
    except duckdb.Error as error:
        if staging.is_of_the_file(error):
            return None
        raise
    return headers, uses
