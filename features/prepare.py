"""Prepared tables: typed rows of the data set turned into daily rows with integer keys and measures.

Each entry of PREPARED is the SQL of one table, over the contract's tables and earlier entries, in order. Every row carries `day`
and `seen` (features.windows). What one day's calls come to is in features.daily; here it is joined over days. Rows that depend on
their predecessor (gaps, rolling counts, changes) are made of daily rows for a card whose rows became available in the order of
their events; for the others from their calls, once for each as_of (`upto`), so that late rows stay exact.
"""

import re
from collections.abc import Mapping
from functools import cache

import duckdb

from blockrisk.features import daily_store
from blockrisk.features.daily import (
    DAILY,
    IN_SHARED,
    KEPT,
    NEVER,
    PAIRS,
    UNDECLARED,
    call_rows_sql,
    day_of,
    redials_sql,
    rolling_sql,
)
from blockrisk.features.intake import Tables
from blockrisk.features.limits import data_limits, limit_spans, packaged_limits
from blockrisk.features.repeats import create_repeated
from blockrisk.features.tables import LABEL_KINDS

_LABELS = ", ".join(f"'{kind}'" for kind in LABEL_KINDS)
_ORDERED = "card_no not in (select card_no from disordered)"
_FIRST = "cast(null as INTEGER) as upto"


def _steps(value: str, by_day: str, turns: str) -> str:
    """Count the changes of a value from row to row, with both ends' days: within days, from day to day, and by as_of."""
    return f"""
        with moved as (
            select card_no from {by_day} where day >= {{low}} and {_ORDERED} group by card_no having min({value}) <> max({value})),
        ends as (
            select card_no, day, min(seen) as seen, min({value}) as opening, min({value}) as closing from {by_day}
            where day >= {{low}} and card_no in (select card_no from moved)
            group by card_no, day having min({value}) = max({value})
            union all
            select card_no, day, min(seen), min(opening), min(closing) from {turns}
            where day >= {{low}} and card_no in (select card_no from moved) group by card_no, day)
        select card_no, {_FIRST}, day, seen, day as prev_day, changed from {turns}
        where changed > 0 and day >= {{low}} and card_no in (select card_no from moved)
        union all
        select card_no, null, day, seen, prev_day, 1 from (
            select card_no, day, seen, opening, lag(day) over w as prev_day, lag(closing) over w as prev
            from ends window w as (partition by card_no order by day))
        where prev <> opening
        union all
        select card_no, upto, day, seen, prev_day, count(*) from (
            select card_no, upto, day, seen, {value}, lag(day) over w as prev_day, lag({value}) over w as prev
            from sequence where {value} is not null and day >= {{low}}
            window w as (partition by card_no, upto order by us, {value}))
        where prev <> {value} group by card_no, upto, day, seen, prev_day"""


PREPARED: dict[str, str] = {
    "card_numbers": "select card_id, cast(row_number() over (order by card_id) as INTEGER) as card_no from cards",
    "card_rows": f"""
        select n.card_no, c.card_id, operator, home_region,
            cast(dense_rank() over (order by operator) as INTEGER) as operator_no,
            cast(dense_rank() over (order by operator, home_region) - 1 as INTEGER) as scope,
            epoch_us(activated_at) as activated_us, {day_of("activated_at")} as activated_day,
            {day_of("closed_at")} as closed_day,
            epoch_us(registration_checked_at) as registered_us
        from cards c join card_numbers n on n.card_id = c.card_id""",
    "card_limits": """
        select c.card_no, c.card_id, c.home_region, s.* exclude (scope) from card_rows c join limit_spans s using (scope)""",
    "call_rows": call_rows_sql("calls", located=True),
    "undeclared_calls": UNDECLARED,
    **DAILY,
    "disordered": """
        select card_no from late_days where mixed = 1 and day >= {low}
        union
        select card_no from (
            select card_no, first_seen, max(last_seen) over (
                partition by card_no order by day rows between unbounded preceding and 1 preceding) as latest
            from (select card_no, day, min(seen) as first_seen, max(seen) as last_seen from calls_by_day
                where day >= {low} and card_no in (select card_no from late_days) group by card_no, day))
        where latest > first_seen""",
    "late_rows": "select * from call_rows where card_no in (select card_no from disordered)",
    "sequence": """
        select r.*, d.day as upto from late_rows r join ask_days d
            on r.day < d.day and r.seen < d.day and r.day >= d.day - d.longest""",
    "call_gaps": f"""
        select card_no, {_FIRST}, day, seen, day as prev_day, gap_us from gaps_by_day where day >= {{low}} and {_ORDERED}
        union all
        select card_no, null, day, seen, prev_day, first_us - prev_us from (
            select card_no, day, seen, first_us, lag(day) over w as prev_day, lag(last_us) over w as prev_us from (
                select card_no, day, min(seen) as seen, min(first_out_us) as first_us, max(last_out_us) as last_us
                from calls_by_day where out > 0 and day >= {{low}} and {_ORDERED} group by card_no, day)
            window w as (partition by card_no order by day))
        where prev_day is not null
        union all
        select card_no, upto, day, seen, lag(day) over w, us - lag(us) over w
        from sequence where out and day >= {{low}} window w as (partition by card_no, upto order by us)""",
    "rolling_hours": f"""
        select card_no, {_FIRST}, day, seen, roll60, roll60_own_day from rolling_by_day where day >= {{low}} and {_ORDERED}
        union all {rolling_sql("sequence", "card_no, upto")}""",
    "callee_days": f"""
        select card_no, {_FIRST}, callee, day, seen, cast(sum(out) as INTEGER) as out, cast(sum(incoming) as INTEGER) as incoming,
            coalesce(min(out_us) < max(in_us), false) as returned
        from callees_by_day where day >= {{low}} and {_ORDERED} and {IN_SHARED}
        group by card_no, callee, day, seen
        union all
        select card_no, upto, callee, day, day, cast(count_if(out) as INTEGER), cast(count_if(incoming) as INTEGER),
            coalesce(min(us) filter (where out) < max(us) filter (where incoming), false)
        from sequence where (out or incoming) and day >= {{low}} and {IN_SHARED}
        group by card_no, upto, callee, day""",
    "callee_spans": f"""
        select card_no, upto, callee, day, seen, coalesce(lead(seen) over w, {NEVER}) as until, out, prev_out,
            max(case when out > 0 then day end) over w as last_out, max(case when incoming > 0 then day end) over w as last_in,
            max(case when returned then day when incoming > 0 then prev_out end) over w as called_back, 1 as units
        from (
            select *, max(case when out > 0 then day end) over (partition by card_no, upto, callee order by day, seen
                rows between unbounded preceding and 1 preceding) as prev_out from callee_days)
        window w as (partition by card_no, upto, callee order by day, seen)
        union all
        select card_no, null, null, day, seen, {NEVER}, out, null, case when out > 0 then day end,
            case when incoming > 0 then day end, null, count(*)
        from callees_by_day where day >= {{low}} and not {IN_SHARED} group by card_no, day, seen, out, incoming""",
    "redials": f"""
        select card_no, {_FIRST}, * exclude (card_no) from redials_by_day where day >= {{low}} and {_ORDERED}
        union all {redials_sql("sequence", "card_no, upto")}
        union all
        select distinct card_no, upto, null, day, seen, 1, 1, 1, 1, 1, 1 from sequence where out and day >= {{low}}""",
    "region_steps": _steps("region", "regions_by_day", "region_turns"),
    "handset_steps": _steps("imei", "handsets_by_day", "handset_turns"),
    "complaint_rows": f"""
        select card_no, {day_of("available")} as day, {day_of("known")} as seen, epoch_us(known) as seen_us,
            channel, status, {day_of("resolved_at")} as resolved_day
        from (select c.card_no, coalesce(k.available_at, k.complained_at) as available, k.channel, k.status, k.resolved_at,
            greatest(k.complained_at, coalesce(k.available_at, k.complained_at)) as known
            from complaints k join card_rows c using (card_id))""",
    "bill_rows": f"""
        select card_no, day, day as seen, due_us, due_cents, paid_cents, paid_day,
            case when due_cents > case when paid_day <= day then coalesce(paid_cents, due_cents) else 0 end then 1 else 0 end
                as late
        from (
            select card_no, {day_of("due_at")} as day, epoch_us(due_at) as due_us, {day_of("paid_at")} as paid_day,
                cast(round(amount_due * 100) as BIGINT) as due_cents, cast(round(amount_paid * 100) as BIGINT) as paid_cents
            from payments join card_rows c using (card_id))""",
    "messages_by_day": f"""
        select card_no, recipient, {day_of("sent_at")} as day, {day_of("sent_at")} as seen, count(*) as sent
        from messages join card_rows c using (card_id) group by all""",
    "block_rows": f"""
        select card_no, operator_no, {day_of("blocked_at")} as day,
            {day_of("greatest(blocked_at, coalesce(available_at, blocked_at))")} as seen,
            {day_of("unblocked_at")} as unblocked_day
        from blocks join card_rows c using (card_id) where kind in ({_LABELS})""",
    "operator_days": """
        select operator_no, day, seen, cast(sum(blocks) as BIGINT) as blocks, cast(sum(cards) as BIGINT) as cards from (
            select operator_no, day, seen, count(*) as blocks, 0 as cards from block_rows group by all
            union all
            select operator_no, d.day, d.day, 0, count(*) from card_rows c join span_days d
                on d.day >= c.activated_day and (c.closed_day is null or d.day < c.closed_day) group by all)
        group by all""",
}

VIEWS = frozenset(
    {
        *("undeclared_calls", "callees_by_day", "repeated_calls"),
        *("sequence", "call_gaps", "rolling_hours", "redials"),
    }
)
"""Prepared tables that are cheap to make again: not stored."""

CLUSTERED = frozenset({"answered_calls"})
"""Prepared tables kept in the order of cards, so that grouping finds each card where it left it; no result depends on it."""

PAIR_KEY = "hash(card_no, callee)"
"""One number for a card and a callee; two pairs may share it (daily.IN_SHARED)."""

_NONE = call_rows_sql("no_calls", located=False)  # so that no file of a store is looked at
_ALWAYS = -700_000  # the year 53


def prepare(tables: Tables, lows: Mapping[str, int | None]) -> None:
    """Build the prepared tables that are needed, in order, save those that an earlier call left in the connection.

    `ask_days` and `span_days` must exist. What depends on them is built anew. Where the data set came with a store, daily rows are
    those of the store, which is brought up to date with the calls and what stands beside them (features.daily_store).

    Args:
        tables: a data set that has been read.
        lows: the prepared tables that are read, each with the first day that is needed of it; None: all days.

    """
    con = tables.con
    con.execute("create or replace temp macro callee_key(callee) as hash(callee)")
    con.execute(f"create or replace temp macro pair_key(card_no, callee) as {PAIR_KEY}")
    con.execute("create temp table if not exists prepared_from (name VARCHAR, low BIGINT, calls VARCHAR)")
    texts = _texts(tables)
    of_calls, source = made_of_calls(), f"{tables.calls} {tables.card_nos or ''}"
    found = con.execute("select name, low, calls from prepared_from").fetchall()
    there = {name: low for name, low, calls in found if calls == source or name not in of_calls}
    if "card_rows" not in there:
        _create_limits(tables)
    needed, anew = _closure(lows, texts), _made_of({"span_days"}, texts)
    kept = {name: low for name, low in needed.items() if tables.kept_days and name in KEPT and there.get(name, low + 1) > low}
    for name, low in needed.items():
        if name == "sequence" and _disordered(tables):
            anew |= _made_of({"ask_days"}, texts)
        if name not in VIEWS and there.get(name, low + 1) <= low and name not in anew:
            continue
        if name in kept:
            daily_store.show(tables, kept, prepare_daily)
            kept = {}
        elif name == daily_store.NUMBERS and tables.kept_days:
            daily_store.show_numbers(tables)
        elif name == "shared_pairs" and isinstance(con, duckdb.DuckDBPyConnection):
            create_repeated(con, name, "pair", PAIRS.replace("{low}", str(low)))
        elif not (tables.kept_days and name in KEPT):
            kind = "view" if name in VIEWS else "table"
            sql = _NONE if name == "late_rows" and tables.kept_days and not _disordered(tables) else texts[name]
            order = " order by card_no" if name in CLUSTERED else ""
            con.execute(f"create or replace temp {kind} {name} as {sql.replace('{low}', str(low))}{order}")
        con.execute("delete from prepared_from where name = ?", [name])
        con.execute("insert into prepared_from values (?, ?, ?)", [name, low, source])


def prepare_daily(tables: Tables, low: int) -> None:
    """Build the daily rows from a day on: what a store keeps.

    Args:
        tables: a data set that has been read, its calls those of the days from low - 1 on.
        low: the first day, in days since 1970.

    """
    prepare(tables, {"card_rows": None, **dict.fromkeys(KEPT, low)})


def _texts(tables: Tables) -> dict[str, str]:
    """Give the SQL of the prepared tables for this data set; of daily rows that are kept: what their store looks at."""
    located = "locations" in tables.present
    texts = PREPARED | {"call_rows": call_rows_sql(tables.calls, located=located)}
    if tables.kept_days:
        late = "(select * from calls where card_id in (select card_id from card_rows join disordered using (card_no)))"
        texts |= dict.fromkeys(KEPT, "card_limits") | {"late_rows": call_rows_sql(late, located=located)}
    return texts


def _disordered(tables: Tables) -> bool:
    return tables.con.execute("select count(*) from disordered").fetchall() != [(0,)]


@cache
def made_of_calls() -> frozenset[str]:
    """Name the prepared tables that are made of calls, directly or not.

    >>> sorted({"call_gaps", "bill_rows"} & made_of_calls())
    ['call_gaps']
    """
    return frozenset(_made_of({"call_rows"}, PREPARED))


def _made_of(names: set[str], texts: Mapping[str, str]) -> set[str]:
    """Name the prepared tables that are made of these, directly or not."""
    found = set(names)
    for name, sql in texts.items():
        if any(re.search(rf"\b{other}\b", sql) for other in found):
            found.add(name)
    return found


def _closure(lows: Mapping[str, int | None], texts: dict[str, str]) -> dict[str, int]:
    """List the prepared tables that these need, themselves included, in the order of PREPARED, each with its first day.

    What a rolling count is made of is needed from a day earlier on.
    """
    needed: dict[str, int] = {name: _ALWAYS if low is None else low for name, low in lows.items()}
    for name in reversed(texts):
        if name in needed:
            low = needed[name] - ("{low} - 1" in texts[name])
            for other in texts:
                if re.search(rf"\b{other}\b", texts[name]):
                    needed[other] = min(needed.get(other, low), low)
    return {name: needed[name] for name in texts if name in needed}


def _create_limits(tables: Tables) -> None:
    """Create `limit_spans`, the limits of each operator and home region by day."""
    scopes = tables.con.execute("select distinct operator, home_region from cards order by operator, home_region").fetchall()
    limits = packaged_limits() + data_limits(tables.frame("limits"))
    tables.con.register("limit_spans_frame", limit_spans(limits, scopes))
    tables.con.execute("create or replace temp table limit_spans as select * from limit_spans_frame")
