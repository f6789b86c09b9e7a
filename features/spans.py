"""The SQL of what is counted over spans of dates: distinct callees, and callees by how often they were dialled.

A row of a pair (card, callee) makes the pair count at every as_of from one date to another, as long as it is the last row of the
pair inside the window. So a count at as_of is the number of spans that began by then less those that ended before: a running sum
over the days of a card, which costs the same for one date and for all. Rows of one as_of (`upto`) count at that date alone.
A row stands for as many units as its `units` says: pairs of one row alike are one row.
`next_ask(day)` is the first date asked for from a day on, null after the last: what happens between two dates is one change, and a
span between them is none.
"""

from blockrisk.features.tiles import Span, Tile

_CARDS = "t.card_no in (select card_no from asks_part)"
_SEEN = "low is not null and low is distinct from high"


def turns_sql(tile: Tile, counted: list[tuple[str, str, int]]) -> str:
    """Give by how much each count changes on which date; `counted` holds alias, measure and window."""
    turns = " union all ".join(_span_turns(tile, tile.spans[name], days, k) for k, (_, name, days) in enumerate(counted))
    sums = ", ".join(f"coalesce(sum(n) filter (where k = {k}), 0) as {alias}" for k, (alias, _, _) in enumerate(counted))
    return f"""
        select card_no, day, {sums} from (
            {turns} union all select distinct card_no, day, -1, 0 from asks_part) as turns(card_no, day, k, n)
        where day is not null group by card_no, day"""


def _span_turns(tile: Tile, span: Span, days: int, k: int) -> str:
    first, last = (sql.replace("{days}", str(days)) for sql in (span.first, span.last))
    rows = f"""
        select card_no, next_ask(coalesce(t.upto, {first})) as low, next_ask(coalesce(t.upto, {last}) + 1) as high, t.units
        from {tile.source} t where {first} <= {last} and (t.upto is null or t.upto between {first} and {last}) and {_CARDS}"""
    return f"select card_no, day, {k}, n from ({_both_ends(rows, 'card_no')})"


def _both_ends(rows: str, key: str) -> str:
    """Sum up the rows' units by key and span in one pass, then add them where the span begins and take them off where it ends.

    One list is unnested, not two side by side: Spark would pair each of the one with each of the other.
    """
    spans = f"select {key}, low, high, sum(units) as n from ({rows}) where {_SEEN} group by {key}, low, high"
    return f"""
        select {key}, case when sign = 1 then low else high end as day, n * sign as n
        from (select *, unnest([1, -1]) as sign from ({spans}))"""


def running_sql(turns: str, aliases: list[str]) -> str:
    """Give the counts of each ask."""
    sums = ", ".join(f"sum({alias}) over (partition by card_no order by day) as {alias}" for alias in aliases)
    return f"""
        select a.ask, a.day as as_of_day, {", ".join(aliases)} from (select card_no, day, {sums} from {turns})
        join asks_part a using (card_no, day)"""


def sizes_sql(tile: Tile, days: int) -> str:
    """Give, for each ask, how many units have which sum over the window."""
    turns = f"{_alone(tile, days)} union all {_shared(tile, days)}"
    asked = "select distinct s.card_no, a.day, s.size, 0 from turns s join asks_part a using (card_no)"
    return f"""
        with turns as materialized (
            select card_no, day, size, sum(units) as units from ({turns}) as turns(card_no, day, size, units)
            where size > 0 and day is not null group by all having sum(units) <> 0)
        select a.ask, a.day as as_of_day, cast(size as BIGINT) as size, cast(r.units as BIGINT) as units from (
            select card_no, day, size, sum(units) over (partition by card_no, size order by day) as units from (
                select card_no, day, size, sum(units) as units from (select * from turns union all {asked}) group by all)) r
        join asks_part a using (card_no, day) where r.units > 0"""


def _rows(tile: Tile, days: int) -> str:
    """Give the rows, each with the date on which it enters the window and the date on which it leaves."""
    return f"""
        select * from (
            select card_no, upto, callee, {tile.sizes} as n, units, next_ask(coalesce(upto, seen + 1)) as low,
                next_ask(coalesce(upto, day + {days}) + 1) as high
            from {tile.source} t where {tile.sizes} > 0 and seen < day + {days} and (upto is null or upto <= day + {days})
                and {_CARDS})
        where {_SEEN}"""


def _alone(tile: Tile, days: int) -> str:
    """Count the units of one row: they enter and leave with it."""
    rows = f"select card_no, n as size, low, high, units from ({_rows(tile, days)}) where callee is null"
    return f"select card_no, day, size, n from ({_both_ends(rows, 'card_no, size')})"


def _shared(tile: Tile, days: int) -> str:
    """Count the units of several rows: with each row that enters or leaves they go from one size to another."""
    rows = f"({_rows(tile, days)}) where callee is not null"
    moves = f"""
        select card_no, day, d, sum(d) over (
            partition by card_no, upto, callee order by day, d rows between unbounded preceding and current row) as after
        from (select card_no, upto, callee, low as day, n as d from {rows} union all
            select card_no, upto, callee, high, -n from {rows})"""
    return f"""
        select card_no, day, after, count(*) from ({moves}) group by card_no, day, after union all
        select card_no, day, after - d, -count(*) from ({moves}) group by card_no, day, after - d"""


def ranked_sql(sizes: str) -> str:
    """Add to each size the calls to units of larger size, and to all."""
    larger = "partition by ask order by size desc rows between unbounded preceding and 1 preceding"
    return f"""
        select *, coalesce(sum(size * units) over ({larger}), 0) as earlier,
            sum(size * units) over (partition by ask) as total from {sizes}"""
