"""The door: read a data set, type every cell by declared rules, drop duplicates, account for every row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from blockrisk.features import tables as contract
from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake import staging
from blockrisk.features.intake.dataset import KeptDays, Mapped, RowCount, Tables, connect, link, lock, spill_folder
from blockrisk.features.intake.duplicates import drop_duplicates, keep_contradictions
from blockrisk.features.intake.macros import MACROS
from blockrisk.features.intake.manifest import Store, open_store
from blockrisk.features.intake.mapping import FILE, Rule, check_names, read_mapping
from blockrisk.features.intake.parts import Overflow, Parts
from blockrisk.features.intake.pseudonyms import set_key
from blockrisk.features.intake.sources import Found, Source, find_files, open_frames, quoted
from blockrisk.features.intake.spill import telling_of_room
from blockrisk.features.intake.store import link_store, read_kept
from blockrisk.features.intake.together import stage_files
from blockrisk.features.meanings import of_table
from blockrisk.features.tables import Table

DataSet = str | Path | Mapping[str, Any]
ZONE = "Asia/Shanghai"
KEPT = "calls"
"""The table that a store keeps by day: it outgrows all others."""


@dataclass(frozen=True)
class Door:
    """Hold what a data set is read with: the engine, the files and their links, the user's mapping, and who is told of progress.

    `kept_at` is where the engine reaches the days of a store; `notes` collects sentences on what a store had to make anew.
    """

    con: duckdb.DuckDBPyConnection
    files: Mapping[str, Sequence[Found | Source]]
    ignored: list[str] = field(default_factory=list)
    links: dict[Path, str] = field(default_factory=dict)
    rules: dict[str, dict[str, Rule]] = field(default_factory=dict)
    pseudonymise: bool = False
    told: Callable[[int], None] = lambda size: None
    kept_at: str = ""
    notes: list[str] = field(default_factory=list)


@telling_of_room()
def read_tables(  # noqa: PLR0913 - the options of a data set
    data: DataSet,
    *,
    zone: str = ZONE,
    memory: str | None = None,
    threads: int | None = None,
    today: date | None = None,
    key: bytes | None = None,
    told: Callable[[int], None] = lambda size: None,
    store: Path | None = None,
) -> Tables:
    """Read a data set of the contract's tables.

    Args:
        data: a folder of files, or of folders of files, each named as its table (CSV, workbook or Parquet); one workbook with a
            sheet a table; or a mapping from table name to data frame. Columns are found by name, by synonym or by mapping.toml.
        zone: IANA zone of the local times; stamps with an offset, and epoch seconds, are converted to it.
        memory: limit for the engine, as "2GB"; beyond it, work goes to a private temporary folder.
        threads: threads of the engine; results do not depend on it.
        today: stamps later than the day after it are refused; None: no stamp is too late.
        key: secret of at least 16 bytes; with it every card, callee and handset becomes a keyed HMAC.
        told: is called with the number of bytes read.
        store: a folder where calls are kept by day, so that the next run reads only files that are new or have changed.

    Returns:
        Tables: every declared table and column, with the account of rows. An absent optional table is empty.

    Raises:
        UserError: a required table or column is missing, a file cannot be understood, or something has two meanings.

    Example:
        >>> import pandas as pd
        >>> cards = pd.DataFrame([["001", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["001", "2025/1/2 9:05", "c", "1分23秒"]], columns=["卡号", "呼叫时间", "被叫号码", "通话时长"])
        >>> tables = read_tables({"cards": cards, "calls": calls})
        >>> [(count.table, count.read, count.used) for count in tables.accounting]
        [('cards', 1, 1), ('calls', 1, 1)]
        >>> float(tables.frame("calls")["talk_s"].iloc[0])
        83.0

    """
    con = connect(memory=memory, threads=threads)
    _set_variables(con, zone, today)
    set_key(con, key)
    for macro in MACROS:
        con.execute(macro)
    con.execute(staging.SET_ASIDE)
    kept = _store(data, store, zone, today, key)
    door = _open(con, data, key is not None, told, kept)
    missing = [table for table in contract.TABLES if table.required and not door.files[table.name]]
    if missing:
        raise _missing_table(missing[0], data, door)
    read: dict[str, list[staging.Staged]] = {}
    days: KeptDays | None = None
    parts: Parts | None = None
    # Calls come last: a mistake in a small table is told at once.
    for table in sorted(contract.TABLES, key=lambda table: table.name == KEPT):
        if not door.files[table.name]:
            staging.create(con, table, table.name)
            continue
        if kept and table.name == KEPT:
            read[table.name], there = read_kept(door, table, kept)
            days = KeptDays(con, kept.folder, door.kept_at, there) if there else None
        else:
            read[table.name], moved = _stage(door, table)
            parts = moved or parts
        check_names(table, door.rules.get(table.name, {}), {name for part in read[table.name] for name in part.headers})
    there_are = [table for table in contract.TABLES if table.name in read]
    staged = [(table, part) for table in there_are for part in read[table.name]]
    accounting = [_account(con, table, read[table.name], days if table.name == KEPT else None) for table in there_are]
    mapped = [Mapped(table.name, part.label, part.uses) for table, part in staged]
    cut = [part.label for _, part in staged if part.cut]
    present = set(read) | {f"{table.name}.{column}" for table, part in staged for column in part.uses}
    return Tables(
        *(con, frozenset(present), tuple(accounting), tuple(door.ignored), zone, tuple(mapped), tuple(cut), tuple(door.notes)),
        kept=days,
        parts=parts,
    )


def _store(data: DataSet, folder: Path | None, zone: str, today: date | None, key: bytes | None) -> Store | None:
    """Open the store that was asked for; data frames are not kept."""
    if folder is None or isinstance(data, Mapping):
        return None
    return open_store(folder, zone, today, key, (Path(data) if Path(data).is_dir() else Path(data).parent) / FILE)


def _stage(door: Door, table: Table) -> tuple[list[staging.Staged], Parts | None]:
    """Read every file of a table, and leave it under its own name without refused rows and duplicates; calls maybe in parts."""
    overflow = Overflow(door.con, table) if table.name == KEPT else None
    staged = list[staging.Staged]()
    staging.create_staged(door.con, table)
    for read in stage_files(door, table, files := door.files[table.name]):
        staged += read
        if overflow:
            overflow.relieve(len(staged) / len(files))
    parts = overflow.settle() if overflow else None
    if not parts:
        staging.settle(door.con, table)
        if table.name == "cards":
            keep_contradictions(door.con, table)
        drop_duplicates(door.con, table)
    return staged, parts


def _set_variables(con: duckdb.DuckDBPyConnection, zone: str, today: date | None) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise mistake("zone", zone=zone) from error
    con.execute("set variable zone = ?", [zone])
    late = datetime(9999, 1, 1) if today is None else datetime.combine(today + timedelta(days=2), time())
    con.execute(f"create or replace macro too_late() as TIMESTAMP '{late}'")


def _open(
    con: duckdb.DuckDBPyConnection, data: DataSet, pseudonymise: bool, told: Callable[[int], None], kept: Store | None
) -> Door:
    """Find the files and link them, then lock the engine."""
    if isinstance(data, Mapping):
        frames = open_frames(con, data)
        lock(con, [])
        return Door(con, frames, pseudonymise=pseudonymise)
    folder = Path(data)
    files, ignored = find_files(folder)
    links = link(con, [part.path for parts in files.values() for part in parts if not part.sheet])
    kept_at = link_store(kept, spill_folder(con)) if kept else ""
    lock(con, list(links.values()), [kept_at] if kept else [])
    rules = read_mapping(folder if folder.is_dir() else folder.parent)
    return Door(con, files, ignored, links, rules, pseudonymise, told, kept_at)


def _missing_table(table: Table, data: DataSet, door: Door) -> UserError:
    there = sorted([name for name, found in door.files.items() if found] + door.ignored)
    where = "the mapping" if isinstance(data, Mapping) else str(data)
    columns = ", ".join(table.required_columns)
    return mistake(
        "no_table", where=where, table=table.name, meaning=of_table(table), there=", ".join(there) or "-", columns=columns
    )


def _account(con: duckdb.DuckDBPyConnection, table: Table, staged: list[staging.Staged], kept: KeptDays | None) -> RowCount:
    """Account for the rows of a table; those of a store are counted by day already."""
    refused = staging.refused_of(con, table)
    read, bad = sum(part.read for part in staged), sum(kind.rows for kind in refused)
    [(used,)] = (
        [(sum(day["rows"] for day in kept.days.values()),)]
        if kept
        else con.execute(f"select count(*) from {table.name}").fetchall()
    )
    if table.required and refused and not used:
        raise mistake("no_rows", table=table.name, first=refused[0])
    ignored = {name for part in staged for name in part.headers} - {use.header for part in staged for use in part.uses.values()}
    return RowCount(
        table.name,
        tuple(part.label for part in staged),
        read,
        used,
        sum(part.staged for part in staged) - used,
        bad,
        refused,
        tuple(sorted(name for name in ignored if name)),
        _unknown_values(con, table, kept),
    )


def _unknown_values(con: duckdb.DuckDBPyConnection, table: Table, kept: KeptDays | None) -> dict[str, int]:
    """Count the cells kept as `unknown`, by column."""
    choices = [column.name for column in table.columns if column.type == "choice"]
    if not choices:
        return {}
    if kept:
        sums = {name: sum(day["unknown"][name] for day in kept.days.values()) for name in choices}
        return {name: count for name, count in sums.items() if count}
    sql = f"select {', '.join(f'''count_if({quoted(n)} = 'unknown')''' for n in choices)} from {table.name}"
    [counts] = con.execute(sql).fetchall()
    return {name: count for name, count in zip(choices, counts, strict=True) if count}
