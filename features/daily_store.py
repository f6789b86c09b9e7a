"""The store of daily rows: what calls come to by day (features.daily), kept between runs beside the calls themselves.

A day's rows stand as long as the kept calls of that day and of the day before are the same files, what stood beside the calls of
each card on that day is the same (its context: home region, limits in force, roaming notices, observed places), and so is the SQL.
All else is made anew from the kept calls of those days alone. Cards keep the numbers that they were given first, so that a new
card changes no row of another. What is kept stands in the manifest (features.daily_manifest).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrisk.features.daily import COMPACT, CONTEXT_SQL, KEPT, day_of
from blockrisk.features.daily_manifest import State, add_note, commit, load
from blockrisk.features.errors import mistake
from blockrisk.features.intake.days import digest_of, held, iso_day, read_day, write_rows
from blockrisk.features.intake.manifest import DAYS, ROWS, kept_rows
from blockrisk.features.intake.parts import room
from blockrisk.features.links import LINKED, SHARED, callees_there, create_links, links_of, unlinked
from blockrisk.features.messages import say

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from blockrisk.features.intake import Tables
    from blockrisk.features.intake.dataset import KeptDays

Build = Callable[["Tables", int], None]
CONTEXT, NUMBERS = "context", "card_numbers"
CALLS_AT_ONCE, ROWS_AT_ONCE = 1_500_000, 200_000
"""Calls whose daily rows are made at a time, and calls whose daily rows are taken out of the engine at a time."""
_WAIT_S = 3600


def show(tables: Tables, lows: Mapping[str, int], build: Build) -> None:
    """Leave kept rows in the connection under the names of their prepared tables, the store brought up to date where it must be.

    Args:
        tables: a data set that came with a store; `kept.notes` gets a sentence on what had to be made anew.
        lows: the wanted names of KEPT, each with its first day.
        build: makes the daily rows from a day on out of the connection's calls.

    Raises:
        UserError: another run holds the store, or kept calls are damaged.

    """
    kept = _kept(tables)
    state = load(kept)
    names = _by_day(kept, lows)
    there = all(name in state.days[day]["files"] for day in names.keys() & state.days.keys() for name in names[day])
    known = there and names.keys() <= state.days.keys() and all(kept.shown.get(name, low + 1) <= low for name, low in lows.items())
    state = state if known else _up_to_date(tables, kept, state, names, build)
    kept.shown.update(lows)
    for name, low in lows.items():
        files = [state.days[day]["files"][name] for day in _wanted(kept, low)]
        tables.con.execute(f"create or replace temp table {name} as {_rows_sql(tables, kept, name, files, low)}")


def _rows_sql(tables: Tables, kept: KeptDays, name: str, files: list[dict[str, Any]], low: int) -> str:
    """Give the SQL of the kept rows of one name, of the cards that are looked at."""
    some = "card_no between {} and {}".format(*tables.card_nos) if tables.card_nos else "true"
    if name == LINKED:
        return SHARED.format(files=kept_rows(kept, files), low=low, some=some)
    types = tables.con.execute(f"describe select * from {kept_rows(kept, files[:1])}").fetchall()
    columns = [f"cast({column} as HUGEINT) as {column}" if kind == "DECIMAL(38,0)" else column for column, kind, *_ in types]
    return f"select {', '.join(columns)} from {kept_rows(kept, files)} where {some}"


def _up_to_date(tables: Tables, kept: KeptDays, state: State, names: dict[int, list[str]], build: Build) -> State:
    """Give the manifest once these kinds of file of these days stand: what does not is made anew."""
    linked = [day for day in sorted(names) if LINKED in names[day]]
    stale = _stale(tables, kept, state, names, tell=False)
    if not stale and not unlinked(kept, state, linked):
        return state
    with _held(kept):
        found, state = state, load(kept)  # another run may have made some of them meanwhile
        open_ = {day: names[day] for day in names if day in stale or state.days.get(day) != found.days.get(day)}
        _refresh(tables, kept, state, _stale(tables, kept, state, open_, tell=True), build)
        _link(tables, kept, state, linked, build)
    return state


def _link(tables: Tables, kept: KeptDays, state: State, wanted: list[int], build: Build) -> None:
    """Make and keep the links of these days that do not stand, out of callees that do."""
    while days := unlinked(kept, state, wanted):
        broken = {day: one for day, one in callees_there(kept, state, days[0], days[-1]).items() if not _is_whole(kept, one)}
        for day, one in broken.items():
            _tell_damaged(kept, day, one["name"])
        if not broken:
            break
        _refresh(tables, kept, state, sorted(broken), build)
    for part in _parts(kept, days, min(CALLS_AT_ONCE, room(tables.con))):
        con = tables.con.cursor()
        create_links(con, kept, state, part)
        for day, rows in _rows_by_day(con, "links", part, by="told"):
            state.days[day]["files"][LINKED] = write_rows(rows, kept.folder / ROWS, f"{LINKED}-{day}")
            state.days[day]["links"] = links_of(kept, state, day)
        con.close()
        commit(kept, state)


def show_numbers(tables: Tables) -> None:
    """Leave the numbers of the cards in the connection, as `card_numbers`; a new card gets one for good."""
    kept = _kept(tables)
    state = load(kept)
    if state.numbers is None or not _is_whole(kept, state.numbers) or _new_cards(tables, kept, state, "cards"):
        with _held(kept):
            state = load(kept)
            _number(tables, kept, state, "cards")
            commit(kept, state)
    tables.con.execute(f"create or replace temp table {NUMBERS} as select * from {kept_rows(kept, [state.numbers])}")


def _kept(tables: Tables) -> KeptDays:
    if tables.kept_days is None:
        raise AssertionError("the data set came without a store")
    return tables.kept_days


def _held(kept: KeptDays) -> AbstractContextManager[None]:
    return held(kept.folder / ".daily-lock", _WAIT_S, mistake("daily_held", folder=kept.folder))


def _wanted(kept: KeptDays, low: int) -> list[int]:
    """List the days from the first one on; one that is not asked for stands for none, so that there is a file to look at."""
    return sorted(day for day in kept.days if day >= low) or [max(kept.days)]


def _by_day(kept: KeptDays, lows: Mapping[str, int]) -> dict[int, list[str]]:
    """List the kinds of file that are looked at of each day."""
    names: dict[int, list[str]] = {}
    for name, low in lows.items():
        for day in _wanted(kept, low):
            names.setdefault(day, [CONTEXT]).append(name)
    return names


def _stale(tables: Tables, kept: KeptDays, state: State, names: dict[int, list[str]], *, tell: bool) -> list[int]:
    """List the days whose rows must be made: never made, made of other calls, damaged, or of another context."""
    whole = set()
    for day in sorted(names):
        if day not in state.days or state.days[day]["calls"] != kept.calls_of(day):
            continue
        files = [one for name, one in state.days[day]["files"].items() if name in names[day]]
        wrong = next((one["name"] for one in files if not _is_whole(kept, one)), None)
        if wrong is None:
            whole.add(day)
        elif tell:
            _tell_damaged(kept, day, wrong)
    moved = _moved(tables, kept, state, whole)
    if moved and tell:
        add_note(kept, say("daily_context", days=len(moved), first=iso_day(min(moved)), last=iso_day(max(moved))))
    return sorted(names.keys() - (whole - moved))


def _tell_damaged(kept: KeptDays, day: int, file: str) -> None:
    add_note(kept, say("daily_damaged", day=iso_day(day), file=file))


def _is_whole(kept: KeptDays, one: dict[str, Any]) -> bool:
    path = kept.folder / ROWS / one["name"]
    return path.is_file() and digest_of(path) == one["sha256"]


def _moved(tables: Tables, kept: KeptDays, state: State, days: Iterable[int]) -> set[int]:
    """Name the days on which something stands beside a card's calls that did not, or no longer."""
    files = [state.days[day]["files"][CONTEXT] for day in sorted(days)]
    if not files:
        return set()
    tables.con.execute(f"create or replace temp view context_kept as select * from {kept_rows(kept, files)}")
    now = CONTEXT_SQL.format(days="context_kept")
    sql = f"select distinct day from ({now}) x join context_kept k using (card_no, day) where x.context <> k.context"
    return {day for (day,) in tables.con.execute(sql).fetchall()}


def _new_cards(tables: Tables, kept: KeptDays, state: State, source: str) -> list[str]:
    there = f"(select card_id from {kept_rows(kept, [state.numbers])})" if state.numbers else "(select null limit 0)"
    sql = f"select distinct card_id from {source} where card_id not in {there} order by card_id"
    return [card for (card,) in tables.con.execute(sql).fetchall()]


def _number(tables: Tables, kept: KeptDays, state: State, source: str) -> None:
    """Give new cards of a source the next numbers; without the file of numbers no row can be read, and all days are forgotten."""
    import pyarrow as pa

    if state.numbers is None or not _is_whole(kept, state.numbers):
        if state.days:
            add_note(kept, say("daily_numbers", store=kept.folder))
        state.numbers, state.days = None, {}
    new = _new_cards(tables, kept, state, source)
    if new or state.numbers is None:
        known = read_day(kept.folder / ROWS / state.numbers["name"]) if state.numbers else None
        first = known.num_rows + 1 if known else 1
        rows = pa.table({"card_id": pa.array(new, pa.string()), "card_no": pa.array(range(first, first + len(new)), pa.int32())})
        state.numbers = write_rows(pa.concat_tables([known, rows]) if known else rows, kept.folder / ROWS, NUMBERS)


def _refresh(tables: Tables, kept: KeptDays, state: State, days: list[int], build: Build) -> None:
    """Make the rows of these days, some days at a time, and keep them."""
    for part in _parts(kept, days, min(CALLS_AT_ONCE, room(tables.con))):
        con = tables.con.cursor()
        _show_part(replace(tables, con=con), kept, state, part, build)
        for name, sql in COMPACT.items():
            con.execute(f"create or replace temp table compact_{name} as {sql}")
        for days_at_once in _parts(kept, part, ROWS_AT_ONCE):
            for day in days_at_once:
                state.days[day] = {"calls": kept.calls_of(day), "files": {}}
            for name in (*KEPT, CONTEXT):
                for day, rows in _rows_by_day(con, f"{'compact_' if name in COMPACT else ''}{name}", days_at_once):
                    state.days[day]["files"][name] = write_rows(rows, kept.folder / ROWS, f"{name}-{day}")
        con.close()
        commit(kept, state)


def _rows_by_day(con: duckdb.DuckDBPyConnection, table: str, days: list[int], by: str = "day") -> Iterator[tuple[int, pa.Table]]:
    """Give the rows of each of these days, which leave out none between them, in an order that their values alone decide."""
    columns = con.table(table).columns
    order = ", ".join([by, *(name for name in columns if name != by)])
    rows = con.sql(f"select * from {table} where {by} between {days[0]} and {days[-1]} order by {order}").to_arrow_table()
    ends = np.searchsorted(rows[by].to_numpy(), [*days, days[-1] + 1])
    for day, begin, end in zip(days, ends[:-1], ends[1:], strict=True):
        yield day, rows.slice(begin, end - begin)


def _show_part(tables: Tables, kept: KeptDays, state: State, days: list[int], build: Build) -> None:
    """Make the daily rows and contexts of days without a gap, in a connection that sees their calls and the day before's."""
    con = tables.con
    files = [kept.days[day] for day in range(days[0] - 1, days[-1] + 1) if day in kept.days]
    for one in files:
        _check_calls(kept, one["name"], one["sha256"])
    con.execute(f"create temp view calls as select * from {kept_rows(kept, files, DAYS)}")
    _number(tables, kept, state, "calls")
    con.execute(f"create temp table {NUMBERS} as select * from {kept_rows(kept, [state.numbers])}")
    known = f"'{NUMBERS}' as name, cast(-1000000 as BIGINT) as low, 'calls' as calls, '' as less"
    con.execute(f"create temp table prepared_from as select {known}")
    build(tables, days[0])
    called = f"select distinct card_no, {day_of('started_at')} as day from calls join {NUMBERS} using (card_id)"
    con.execute(f"create temp table calls_on as {called}")
    con.execute(f"create temp table {CONTEXT} as {CONTEXT_SQL.format(days='calls_on')}")


def _parts(kept: KeptDays, days: list[int], most: int) -> list[list[int]]:
    """Divide days into runs without a gap, of at most so many calls where a day has no more."""
    parts: list[list[int]] = []
    rows = 0
    for day in days:
        rows += kept.days[day]["rows"]
        if not parts or parts[-1][-1] != day - 1 or rows > most:
            parts.append([])
            rows = kept.days[day]["rows"]
        parts[-1].append(day)
    return parts


def _check_calls(kept: KeptDays, name: str, sha256: str) -> None:
    """Verify kept calls that are about to be read; what is damaged is removed, so that the next run makes it anew."""
    path = kept.folder / DAYS / name
    if not path.is_file():
        raise mistake("kept_gone", path=path)
    if digest_of(path) != sha256:
        path.unlink()
        raise mistake("kept_damaged", path=path)
