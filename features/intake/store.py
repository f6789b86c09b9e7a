"""The store: typed calls kept by day between runs, so that a new morning reads the new files only.

A run compares the digests of the raw files with those in the manifest. New files are read through the door and joined with the kept
rows of the days that they touch: keeping one row a key is choosing the first in a total order, so rows may come in parts. Where a
file has changed or gone, or a kept day is damaged, the days concerned are made anew from every file that touches them. The manifest
is replaced last, in one rename: a run that is cut off leaves the old state, or, where new files are more than fit in memory and are
taken in some at a time, that with the files before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockrisk.features.errors import mistake
from blockrisk.features.intake import days as daily
from blockrisk.features.intake import staging
from blockrisk.features.intake.duplicates import drop_duplicates
from blockrisk.features.intake.manifest import DAYS, LOCK, Kept, State, Store, commit, load
from blockrisk.features.intake.parts import room
from blockrisk.features.intake.sources import Found, quoted
from blockrisk.features.intake.together import stage_files
from blockrisk.features.messages import say
from blockrisk.features.tables import Table
from blockrisk.features.windows import DAY_US

if TYPE_CHECKING:
    from blockrisk.features.intake.read import Door

_WAIT_S = 600
_SHARE = 2
"""New files are taken in some at a time, as many as fit in this part of memory: days are written beside them."""


def read_kept(door: Door, table: Table, store: Store) -> tuple[list[staging.Staged], dict[int, dict[str, Any]]]:
    """Bring the store up to date with the raw files of a table, and leave its rows in the connection as a view of that name.

    Args:
        door: what the data set is read with; `door.notes` gets a sentence on everything that had to be made anew.
        table: the table, with an event time.
        store: where it is kept.

    Returns:
        the account of every file, as from `staging.stage`, and the kept days: name, digest, rows, values kept as unknown.

    Raises:
        UserError: another run holds the store, or a file cannot be understood.

    """
    with daily.held(store.folder / LOCK, _WAIT_S, mistake("store_held", folder=store.folder)):
        return _refresh(door, table, store)


def _refresh(door: Door, table: Table, store: Store) -> tuple[list[staging.Staged], dict[int, dict[str, Any]]]:
    state, now = load(store, door.notes), daily.clock_of(store.folder / LOCK)
    found = {part.label: part for part in door.files[table.name] if isinstance(part, Found)}
    marks = {label: daily.mark_of(part.path, now) for label, part in found.items()}
    digests = {label: _digest(part.path, marks[label], state.files.get(label)) for label, part in found.items()}
    stale = _stale(door, state, digests, store)
    damaged = _damaged(door, state, store, now)
    anew = damaged | {day for label in stale for day in state.files[label].days}
    fresh = [label for label in found if label in stale or label not in state.files]
    again = [label for label in found if label not in fresh and anew & set(state.files[label].days)]
    files = {label: replace(state.files[label], mark=marks[label]) for label in found if label not in fresh}
    state = State(store.rules, store.today, files, state.days, [one["name"] for one in state.days.values()])
    rest = {label: found[label] for label in [*fresh, *again]}
    most = None if anew else room(door.con) // _SHARE  # what is made anew needs all its files at once
    numbers = {label: number for number, label in enumerate(rest)}
    reading = stage_files(door, table, rest.values())
    while True:
        read = _read_files(door, table, reading, numbers, digests, most)
        kept = {label: replace(one, mark=marks[label]) for label, one in read.items()}
        state = _take_in(door, table, store, state, kept, {label: numbers[label] for label in again}, anew)
        rest = {label: part for label, part in rest.items() if label not in read}
        if not rest:
            break
    _show(door, table, state.days)
    _tell_set_aside(door, table, state.files)
    return [state.files[label].as_staged(label) for label in found], state.days


def _take_in(
    door: Door, table: Table, store: Store, state: State, read: dict[str, Kept], again: dict[str, int], anew: set[int]
) -> State:
    """Join the staged rows of files with the kept ones of their days, and commit the state that knows them."""
    if read:
        _leave_out(door, table, list(again.values()), anew)
    else:
        staging.create(door.con, table, table.name)
    fresh = {label: one for label, one in read.items() if label not in again}
    touched = {day for one in fresh.values() for day in one.days} | anew
    _join_kept(door, table, store, state, touched - anew)
    days = {day: one for day, one in state.days.items() if day not in touched}
    if touched:
        drop_duplicates(door.con, table)
        days |= _write_days(door, table, store, touched)
    door.con.execute(f"drop table {table.name}")
    state = replace(state, files=state.files | fresh, days=days)
    commit(store, state)
    return state


def _stale(door: Door, state: State, digests: dict[str, str], store: Store) -> set[str]:
    """Name the files that are not what was read: changed, gone, or with rows whose day may have come."""
    changed = sorted(label for label, kept in state.files.items() if label in digests and kept.digest != digests[label])
    gone = sorted(label for label in state.files if label not in digests)
    for code, labels in (("store_changed", changed), ("store_gone", gone)):
        if labels:
            days = len({day for label in labels for day in state.files[label].days})
            door.notes.append(say(code, files=", ".join(labels[:5]) + (", ..." if len(labels) > 5 else ""), days=days))
    due = {label for label, kept in state.files.items() if kept.has_future and state.today != store.today}
    return {*changed, *gone, *due}


def _digest(path: Path, mark: list[int], kept: Kept | None) -> str:
    """Give the digest of a raw file; one that was not touched since it was read is not read again."""
    return kept.digest if kept and mark and kept.mark == mark else daily.digest_of(path)


def _damaged(door: Door, state: State, store: Store, now: int) -> set[int]:
    """Name the kept days whose files are not as they were written; one that nothing touched since it was verified is believed."""
    wrong = set()
    for day, one in state.days.items():
        path = store.days / one["name"]
        mark = daily.mark_of(path, now) if path.is_file() else []
        if mark and mark == one["mark"]:
            continue
        one["mark"] = mark
        if not path.is_file() or daily.digest_of(path) != one["sha256"]:
            wrong.add(day)
            door.notes.append(say("store_damaged", day=daily.iso_day(day), file=one["name"]))
    return wrong


def _day_of(table: Table) -> str:
    return f"epoch_us({table.event}) // {DAY_US}"


def _read_files(
    door: Door,
    table: Table,
    reading: Iterator[list[staging.Staged]],
    numbers: dict[str, int],
    digests: dict[str, str],
    most: int | None,
) -> dict[str, Kept]:
    """Stage raw files until there are more than `most` rows; give what is to be kept of each. `staged_TABLE` holds their rows."""
    kept = dict[str, Kept]()
    staging.create_staged(door.con, table)
    for staged in reading:
        days = f"select _file, list(distinct {_day_of(table)}) from staged_{table.name}"
        new = f"where _file >= {numbers[staged[0].label]} and _refused is null group by _file"
        days_of = dict(door.con.execute(f"{days} {new}").fetchall())
        kept |= {one.label: _kept(door, table, one, digests[one.label], days_of.get(numbers[one.label], [])) for one in staged}
        [(rows,)] = door.con.execute(f"select count(*) from staged_{table.name}").fetchall()
        if most is not None and rows > most:
            break
    return kept


def _kept(door: Door, table: Table, one: staging.Staged, digest: str, days: list[float]) -> Kept:
    """Tell of a staged file what the manifest keeps."""
    aside = "select line, column_name, value, rule from set_aside where table_name = ? and file = ?"
    refused = [list(row) for row in door.con.execute(aside, [table.name, one.label]).fetchall()]
    uses = {name: asdict(use) for name, use in one.uses.items()}
    return Kept(digest, [], one.read, one.staged, list(one.headers), uses, one.cut, sorted(map(int, days)), refused)


def _leave_out(door: Door, table: Table, again: list[int], anew: set[int]) -> None:
    """Drop from files that were read again, by their numbers, the rows of days that stand; then name the staging table."""
    if again:
        listed, standing = ", ".join(map(str, again)), ", ".join(map(str, sorted(anew)))
        door.con.execute(f"delete from staged_{table.name} where _file in ({listed}) and {_day_of(table)} not in ({standing})")
    staging.settle(door.con, table)


def _join_kept(door: Door, table: Table, store: Store, state: State, days: Iterable[int]) -> None:
    """Add the kept rows of days that new rows fall on."""
    for day in sorted(set(days) & set(state.days)):
        door.con.register("kept_rows", daily.read_day(store.days / state.days[day]["name"]))
        door.con.execute(f"insert into {table.name} select * from kept_rows")
        door.con.unregister("kept_rows")


def _write_days(door: Door, table: Table, store: Store, touched: set[int]) -> dict[int, dict[str, Any]]:
    there = door.con.execute(f"select distinct {_day_of(table)} from {table.name}").fetchall()
    lost = {int(day) for (day,) in there} - touched
    if lost:
        raise AssertionError(f"{table.name}: rows of days {sorted(lost)[:3]} are not accounted for")
    unknown = ", ".join(
        f"count(*) filter (where {quoted(column.name)} = 'unknown')" for column in table.columns if column.type == "choice"
    )
    names = [column.name for column in table.columns if column.type == "choice"]
    counted = door.con.execute(f"select {_day_of(table)}, {unknown} from {table.name} group by 1").fetchall()
    return {
        int(day): daily.write_day(door.con, table, int(day), store.days)
        | {"mark": [], "unknown": dict(zip(names, map(int, counts), strict=True))}
        for day, *counts in sorted(counted)
    }


def _show(door: Door, table: Table, days: dict[int, dict[str, Any]]) -> None:
    """Leave the kept days in the connection as a view, of which the engine reads what a statement needs, and `no_calls`: none."""
    staging.create(door.con, table, f"no_{table.name}")
    if not days:
        staging.create(door.con, table, table.name)
        return
    files = ", ".join(f"'{door.kept_at}/{DAYS}/{days[day]['name']}'" for day in sorted(days))
    names = ", ".join(quoted(column.name) for column in table.columns)
    door.con.execute(f"create view {table.name} as select {names} from read_parquet([{files}])")


def _tell_set_aside(door: Door, table: Table, files: dict[str, Kept]) -> None:
    """List the rows set aside of all files, as if all had just been read."""
    door.con.execute("delete from set_aside where table_name = ?", [table.name])
    rows = [(table.name, label, *row) for label, kept in files.items() for row in kept.set_aside]
    if rows:
        door.con.executemany("insert into set_aside values (?, ?, ?, ?, ?, ?)", rows)


def link_store(store: Store, spill: Path) -> str:
    """Link the store into the engine's private folder; the link's name holds nothing that reads as a pattern."""
    target = spill / "kept"
    target.symlink_to(store.folder.resolve())
    return str(target)
