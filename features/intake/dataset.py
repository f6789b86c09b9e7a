"""The data set after the door: typed tables in one DuckDB connection, and the account of every row that came in."""

import hashlib
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import pandas as pd

from blockrisk.features import tables as contract
from blockrisk.features.errors import mistake
from blockrisk.features.intake.macros import literal
from blockrisk.features.intake.mapping import Use
from blockrisk.features.intake.spill import private_folder
from blockrisk.features.messages import rule, say, shown

if TYPE_CHECKING:
    from blockrisk.features.intake.parts import Parts

_OWN_MIB = 300


@dataclass(frozen=True)
class Refused:
    """Tell of one kind of refused row: where it was first seen, the value, the code of the rule and how many there are."""

    source: str
    line: int
    column: str
    value: str
    rule: str
    rows: int

    def __str__(self) -> str:
        where = say("line", source=self.source, line=self.line) if self.line else self.source
        return say("refused", where=where, column=self.column, value=shown(self.value), rule=rule(self.rule), rows=self.rows)


@dataclass(frozen=True)
class RowCount:
    """Account for the rows of one table: read = used + duplicates + quarantined."""

    table: str
    files: tuple[str, ...]
    read: int
    used: int
    duplicates: int
    quarantined: int
    refused: tuple[Refused, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    unknown_values: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.read != self.used + self.duplicates + self.quarantined:
            raise AssertionError(f"{self.table}: {self.read} rows read are not accounted for")


@dataclass(frozen=True)
class Mapped:
    """Say which file of which table was read by which columns."""

    table: str
    label: str
    uses: dict[str, Use]


@dataclass(frozen=True)
class KeptDays:
    """Tell of the calls that a store keeps by day.

    Attributes:
        con: the connection whose `calls` they are.
        folder: the store.
        at: the same folder as the engine reaches it.
        days: name, SHA-256 and number of rows of the daily file, by day since 1970.
        notes: sentences on what of the daily rows had to be made anew, told as it happens (features.daily_store).
        shown: the daily rows that were found to be up to date, each with its first day.

    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    at: str
    days: dict[int, dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)

    def calls_of(self, day: int) -> list[str]:
        """Name the files of calls that a day's rows are made of: those of the day before and its own, "" for none."""
        return [self.days[one]["name"] if one in self.days else "" for one in (day - 1, day)]


@dataclass(frozen=True)
class Tables:
    """Hold a data set that has been read.

    Attributes:
        con: DuckDB connection with one table per contract table, every declared column typed; absent tables are empty,
            absent columns null. Times are naive and local to `zone`.
        present: names of what was supplied: "calls", "calls.direction", ...
        accounting: one RowCount per supplied table.
        ignored: names in the folder that are no table.
        zone: IANA zone of the local times.
        mapped: which column of each file is which column of the contract.
        cut: text files whose last line does not end, so that its last cell may be cut.
        notes: sentences on what of a store had to be made anew.
        kept: the days of a store that the calls come from; None: they were read anew.
        parts: the parts of the cards that the calls are kept in, where they do not fit in memory; None: they do.
        calls: what features read calls from: the table, or the SQL of some parts of it.
        card_nos: the numbers of the cards whose kept daily rows features read, first and last; None: of all.
        engine: gives the same data set with its rows where vectors are to be computed (features.spark); None: here.

    The connection also holds `set_aside`: each refused row with its table, file, line, column, value and the code of the rule.
    """

    con: duckdb.DuckDBPyConnection
    present: frozenset[str]
    accounting: tuple[RowCount, ...]
    ignored: tuple[str, ...]
    zone: str
    mapped: tuple[Mapped, ...] = ()
    cut: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    engine: "Callable[[Tables], Tables] | None" = None
    kept: KeptDays | None = None
    parts: "Parts | None" = None
    calls: str = "calls"
    card_nos: tuple[int, int] | None = None

    @property
    def kept_days(self) -> KeptDays | None:
        """Give `kept` if this connection's calls are those of the store; another connection may hold others by that name."""
        return self.kept if self.kept is not None and self.kept.con is self.con else None

    @property
    def card_parts(self) -> "Parts | None":
        """Give `parts` if they are of this connection's calls."""
        return self.parts if self.parts is not None and self.parts.con is self.con else None

    def frame(self, name: str) -> pd.DataFrame:
        """Return one table as a data frame, in key order."""
        key = ", ".join(f'"{column}"' for column in contract.table(name).key)
        return self.con.execute(f"select * from {name} order by {key}").df()

    def digest(self) -> str:
        """Return a SHA-256 of the rows in use, whatever their order and the files they came in."""
        parts = []
        for count in self.accounting:
            columns = ", ".join(f'"{column.name}"' for column in contract.table(count.table).columns)
            [(total,)] = self.con.execute(f"select sum(hash({columns})::HUGEINT) from {count.table}").fetchall()
            parts.append(f"{count.table}:{count.used}:{total}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def last_call(tables: Tables) -> datetime | None:
    """Give the moment of the last call; None where there is none."""
    [(last,)] = tables.con.execute("select max(started_at) from calls").fetchall()
    found: datetime | None = last
    return found


def connect(*, memory: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB with a private folder for what does not fit, removed when the connection goes.

    What goes there is enciphered with a key that lives in this process alone: no number is to be read in it.

    Raises:
        UserError: memory is no size.

    """
    spill, remove = private_folder()
    config: dict[str, Any] = {"temp_directory": spill, "autoinstall_known_extensions": "false"}
    if memory:
        config["memory_limit"] = memory
    if threads:
        config["threads"] = str(threads)
    try:
        con = duckdb.connect(":memory:", config=config)
        if memory:
            con.execute(f"set memory_limit = '{_engine_share(con):.0f}MiB'")
    except duckdb.Error as error:
        remove()
        raise mistake("memory", memory=memory) from error
    weakref.finalize(con, remove)
    con.execute("set enable_progress_bar = false")
    con.execute("set force_mbedtls_unsafe = 'true'")
    con.execute("set temp_file_encryption = true")
    con.execute("set TimeZone = 'UTC'")
    return con


def _engine_share(con: duckdb.DuckDBPyConnection) -> float:
    """Give what of the memory limit the engine may take, in MiB: the interpreter, its libraries and the vectors need the rest."""
    whole = memory_limit(con)
    return max(whole - _OWN_MIB, whole * 0.6)


def memory_limit(con: duckdb.DuckDBPyConnection) -> float:
    """Give what memory the engine may take, in MiB."""
    [(limit,)] = con.execute("select current_setting('memory_limit')").fetchall()
    number, unit = limit.split()
    return float(number) * {"bytes": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10, "TiB": 2**20}[unit]


def spill_folder(con: duckdb.DuckDBPyConnection) -> Path:
    """Name the connection's private folder."""
    [(folder,)] = con.execute("select current_setting('temp_directory')").fetchall()
    return Path(folder)


def link(con: duckdb.DuckDBPyConnection, paths: Iterable[Path]) -> dict[Path, str]:
    """Link files into the connection's private folder and give the links, whose names hold nothing of the files' own.

    DuckDB reads `[ab]` and `*` in a path as a pattern, which may fit a foreign file.
    """
    spill, links = spill_folder(con), {}
    for path in paths:
        ending = next((ending for ending in (".parquet", ".csv.gz", ".gz") if path.name.endswith(ending)), ".csv")
        target = spill / f"file-{uuid4().hex}{ending}"
        target.symlink_to(path.resolve())
        links[path] = str(target)
    return links


def lock(con: duckdb.DuckDBPyConnection, links: Sequence[str], folders: Sequence[str] = ()) -> None:
    """Let the engine reach these files and folders and its private folder, and nothing else from here on."""
    named = ", ".join(map(literal, links))
    con.execute(f"set allowed_paths = [{named}]")
    if folders:
        con.execute(f"set allowed_directories = [{', '.join(map(literal, folders))}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
