"""Calls that outgrow memory: kept in parts, each with every call of some of the cards, as enciphered Parquet in the private folder.

Left to itself the engine writes whole blocks out and reads them again with each statement that looks at them. A part is written
once, and read for the search for duplicates and for each computation: all that follows from calls follows from those of one card,
so parts are computed one after the other, each in memory (features.build). The key lives in this process alone.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from blockrisk.features.intake import staging
from blockrisk.features.intake.dataset import memory_limit, spill_folder
from blockrisk.features.intake.duplicates import with_later_rows
from blockrisk.features.intake.sources import quoted
from blockrisk.features.tables import Table

LEAST, MOST = 8, 256
"""How many parts there may be: a writer of each is open while calls are moved."""
_BYTES = 300
"""Memory of a call from staging to vectors; a quarter more than was measured at 20 million."""
_KEPT_BYTES = 120
"""The same of the kept daily rows of a call (features.daily_store)."""
_STAGED_BYTES = 600
"""The same of a call that is staged to go to a file: the writers need as much again, and what the engine spills of it costs a
third of all reading (10 million calls in 2 GB: 28 CPU seconds with 300, 20 with 600)."""
_TOGETHER = 6_000_000
"""The most calls that are moved or computed at a time: more cost more, if anything (docs/BENCHMARKS.md)."""
_KEY = "parts"
_PLACE = "filename, file_row_number"
DROPPED = "dropped_calls"
"""The table of the rows of parts that are duplicates: part, file and place. The files stay as they were written."""
_FORMAT = f"format parquet, parquet_version v2, compression snappy, encryption_config {{footer_key: '{_KEY}'}}"


@dataclass(frozen=True)
class Parts:
    """Hold where the calls of each part of the cards are.

    Attributes:
        con: the connection whose `calls` they are.
        folder: the folder of the parts.
        columns: the columns of a row.
        rows: how many rows each part has, by its number, those of DROPPED not counted.
        mended: the parts of which DROPPED names rows.

    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    columns: tuple[str, ...]
    rows: tuple[int, ...]
    mended: frozenset[int]

    def query(self, numbers: Iterable[int]) -> str:
        """Give the SQL of the rows of parts; of parts without rows it gives none."""
        filled = [number for number, rows in enumerate(self.rows) if rows]
        chosen = [number for number in filled if number in set(numbers)]
        columns = ", ".join(map(quoted, self.columns))
        as_they_are, mended = ([n for n in chosen if (n in self.mended) == which] for which in (False, True))
        queries = [f"select {columns} from {_files(self.folder, as_they_are)}"] if as_they_are else []
        if mended:
            dropped = f"(select * from {DROPPED} where part in ({', '.join(map(str, mended))}))"
            queries.append(f"select {columns} from {_files(self.folder, mended)} anti join {dropped} using ({_PLACE})")
        return " union all ".join(queries) or f"select {columns} from {_files(self.folder, filled[:1])} limit 0"

    def of_cards(self, card_ids: Iterable[str]) -> np.ndarray:
        """Give the number of each card's part."""
        numbers = f"select {_part(len(self.rows))} as part from (select unnest(?) as card_id)"
        found = self.con.execute(numbers, [list(map(str, card_ids))]).fetchnumpy()
        return np.asarray(found["part"], dtype=int)

    def groups(self, numbers: Iterable[int]) -> Iterator[list[int]]:
        """Give these parts in groups that fit in memory, each part once; without any, one empty group."""
        most, group, held = min(room(self.con), _TOGETHER), list[int](), 0
        for number in sorted(set(numbers)):
            if group and held + self.rows[number] > most:
                yield group
                group, held = [], 0
            group.append(number)
            held += self.rows[number]
        yield group


class Overflow:
    """Move the staged rows of a table into parts whenever they are more than fit in memory."""

    def __init__(self, con: duckdb.DuckDBPyConnection, table: Table) -> None:
        self._con, self._table, self._staged = con, table, f"staged_{table.name}"
        self._folder = spill_folder(con) / f"parts-{table.name}"
        self._columns = tuple(column.name for column in table.columns)
        self._most, self._batch, self._parts = room(con), min(room(con, _STAGED_BYTES), _TOGETHER), 0

    def relieve(self, done: float) -> None:
        """Move what is staged if all will be too much; call it after each file, with the share of the files that are done."""
        [(rows,)] = self._con.execute(f"select count(*) from {self._staged}").fetchall()
        if rows <= self._batch:
            return
        if not self._parts and rows / done > self._most:
            self._con.execute(f"pragma add_parquet_key('{_KEY}', '{secrets.token_hex(16)}')")
            self._parts = max(LEAST, min(MOST, 2 * math.ceil(rows / done / min(self._most, _TOGETHER))))
        if self._parts:
            self._move()

    def settle(self) -> Parts | None:
        """Give the table its name: a view of the parts without duplicates, or, if all fitted in memory, None and nothing done."""
        if not self._parts:
            return None
        self._move()
        written = [number for number in range(self._parts) if (self._folder / f"part={number}").exists()]
        if not written:  # every row was refused
            return None
        self._con.execute(f"drop table {self._staged}")
        self._con.execute(f"create table {DROPPED} (part INTEGER, filename VARCHAR, file_row_number BIGINT)")
        for number in written:
            self._drop_duplicates(number)
        dropped = dict(self._con.execute(f"select part, count(*) from {DROPPED} group by part").fetchall())
        rows = [self._rows(number) - dropped.get(number, 0) if number in written else 0 for number in range(self._parts)]
        parts = Parts(self._con, self._folder, self._columns, tuple(rows), frozenset(dropped))
        self._con.execute(f"create view {self._table.name} as {parts.query(range(self._parts))}")
        return parts

    def _move(self) -> None:
        chosen = ", ".join(map(quoted, self._columns))
        self._con.execute(
            f"copy (select {chosen}, {_part(self._parts)} as part from {self._staged} where _refused is null) to '{self._folder}' "
            f"({_FORMAT}, partition_by (part), append, filename_pattern 'rows_{{uuid}}')"
        )
        staging.create_staged(self._con, self._table)

    def _drop_duplicates(self, number: int) -> None:
        """Name the duplicates of a part in DROPPED. All rows of a key are of one part: the card is of every key."""
        rows, named = (
            f"(select * from {_files(self._folder, [number])})",
            f"insert into {DROPPED} select {number}, * from ({{later}})",
        )
        with_later_rows(self._con, self._table, rows, _PLACE, named)

    def _rows(self, number: int) -> int:
        [(rows,)] = self._con.execute(f"select count(*) from {_files(self._folder, [number])}").fetchall()
        return int(rows)


def room(con: duckdb.DuckDBPyConnection, each: int = _BYTES) -> int:
    """Give how many calls the engine's memory has room for, at so many bytes each.

    >>> room(duckdb.connect(config={"memory_limit": "286MiB"}))
    999642
    """
    return int(memory_limit(con) * 2**20) // each


def ranges(con: duckdb.DuckDBPyConnection, rows: int, cards: int) -> list[tuple[int, int]]:
    """Divide numbered cards into ranges of which the kept daily rows fit in memory, first and last number of each.

    >>> ranges(duckdb.connect(config={"memory_limit": "286MiB"}), 6_000_000, 1000)
    [(1, 333), (334, 666), (667, 1000)]
    """
    parts = max(1, min(cards, math.ceil(rows / room(con, _KEPT_BYTES))))
    return [(cards * part // parts + 1, cards * (part + 1) // parts) for part in range(parts)]


def _part(parts: int) -> str:
    return f"cast(hash(card_id) % {parts} as INTEGER)"


def _files(folder: Path, numbers: Iterable[int]) -> str:
    """Give the SQL of the files of parts, with the place of each row."""
    files = ", ".join(f"'{folder}/part={number}/*.parquet'" for number in numbers)
    options = f"hive_partitioning = false, filename = true, file_row_number = true, encryption_config = {{footer_key: '{_KEY}'}}"
    return f"read_parquet([{files}], {options})"
