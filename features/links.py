"""Links: the rows of callees that a card had again, kept by day, so that a morning looks through these alone.

`shared_callees` (features.prepared) are the rows of those pairs of card and callee that have several; nine pairs in ten have one.
To know them, the rows of all days must be looked through; with a store, only those of a new day are, among the days before.

The file of a day tells the rows of that day whose pair has other calls on it, or within LINK_DAYS before; and of each pair of that
day its last row before, within LINK_DAYS, so far as it is not seen to be told by its own day. So a file depends on the callees of
its own day and of LINK_DAYS before, whichever are kept; their names say whether it still stands.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from blockrisk.features.intake.manifest import kept_rows
from blockrisk.features.repeats import create_repeated

if TYPE_CHECKING:
    import duckdb

    from blockrisk.features.daily_manifest import State
    from blockrisk.features.intake.dataset import KeptDays

LINKED, CALLEES = "shared_callees", "callees_by_day"
LINK_DAYS = 37
"""How far apart two rows of a pair may be to be told: as far as shipped columns look back."""

_PAIR = "hash(card_no, callee)"
_BETWEEN = """
    select * from {new} union all
    select * from {old} where callee in (select callee from {new}) and (card_no, callee) in (select (card_no, callee) from {new})"""
"""The rows of new days and, of the days before, those of their pairs: most are left out by the callee alone, which costs less."""

_PAIRS = f"select {_PAIR} as pair from link_rows union all select {_PAIR} from link_rows where out + incoming > 1"
_TOLD = f"""
    select * from (
        select * exclude (prev, next), unnest([
            case when day >= {{first}} and (out + incoming > 1 or prev >= day - {LINK_DAYS} or next = day) then day end,
            case when out + incoming = 1 and next > day and next between {{first}} and day + {LINK_DAYS}
                and coalesce(prev < next - {LINK_DAYS}, true) then next end]) as told
        from (
            select *, lag(day) over pairs as prev, lead(day) over pairs as next
            from link_rows where {_PAIR} in (select pair from link_pairs)
            window pairs as (partition by card_no, callee order by day, seen)))
    where told is not null"""

SHARED = """
    with told_rows as materialized (select * from {files} where day >= {low} and {some}),
    earlier as (select * from told_rows where day < told)
    select * exclude (told) from told_rows where told = day
    union all
    select * exclude (told) from earlier
    anti join (select card_no, callee, day from told_rows where told = day) using (card_no, callee, day)"""
"""The rows from a day on out of the files of that day and the later ones: what two of them tell counts once."""

RULES = (LINK_DAYS, _BETWEEN, _PAIRS, _TOLD)
"""What the files depend on beside their callees."""


def suffices(last: int, low: int) -> bool:
    """Say whether the links tell all rows of the days from `low` on and before `last` whose pair has several rows in them.

    Of a pair that comes again later they may tell the later rows alone: whoever leaves rows out goes by pair and day.

    >>> suffices(100, 62), suffices(100, 61)
    (True, False)
    """
    return last - 1 - low <= LINK_DAYS


def unlinked(kept: KeptDays, state: State, days: list[int]) -> list[int]:
    """List those of these days whose links have not been made, or of other callees."""
    there = {day: one for day, one in state.days.items() if LINKED in one["files"]}
    return [day for day in days if day not in there or there[day]["links"] != links_of(kept, state, day)]


def callees_there(kept: KeptDays, state: State, first: int, last: int) -> dict[int, dict[str, Any]]:
    """Give the files of callees that days up to the last one are linked with, from LINK_DAYS before the first one on."""
    days = [day for day in range(first - LINK_DAYS, last + 1) if day in kept.days and day in state.days]
    return {day: state.days[day]["files"][CALLEES] for day in days if state.days[day]["calls"] == kept.calls_of(day)}


def links_of(kept: KeptDays, state: State, day: int) -> str:
    """Give a digest of the callees that a day's links are made of."""
    names = [f"{one}:{file['name']}" for one, file in callees_there(kept, state, day, day).items()]
    return hashlib.sha256(" ".join(names).encode()).hexdigest()


def create_links(con: duckdb.DuckDBPyConnection, kept: KeptDays, state: State, days: list[int]) -> None:
    """Create the temporary table `links`: the rows that these days' files tell. Their column `told` is the file's day.

    Args:
        con: a connection that reaches the store.
        kept: the kept calls.
        state: the manifest; the callees of these days are kept.
        days: days without a gap.

    """
    files = callees_there(kept, state, days[0], days[-1])
    new = kept_rows(kept, [one for day, one in files.items() if day >= days[0]])
    old = [one for day, one in files.items() if day < days[0]]
    rows = _BETWEEN.format(new=new, old=kept_rows(kept, old)) if old else f"select * from {new}"
    con.execute(f"create or replace temp table link_rows as {rows}")
    create_repeated(con, "link_pairs", "pair", _PAIRS)
    con.execute(f"create or replace temp table links as {_TOLD.format(first=days[0])}")
