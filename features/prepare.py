"""Prepared tables: typed rows of the data set turned into daily rows with integer keys and measures.

Each entry of PREPARED is the SQL of one table, over the contract's tables and earlier entries, in order. Every row carries `day`
and `seen` (features.windows). Rows that depend on their predecessor (gaps, rolling counts, changes) are built once for a card
whose rows became available in the order of their events; for the others once for each as_of (`upto`), so that late rows stay exact.
"""

import re

from blockrisk.features.intake import Tables
from blockrisk.features.limits import data_limits, limit_spans, packaged_limits
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.features.windows import DAY_US

_LABELS = ", ".join(f"'{kind}'" for kind in LABEL_KINDS)
HOUR, DAY = 3_600_000_000, DAY_US


def _day(column: str) -> str:
    return f"cast(epoch_us({column}) // {DAY} as INTEGER)"


def _previous(within_us: int, partition: str) -> str:
    """Count the rows in (t - within, t], the row itself and its equals included."""
    return f"count(*) over (partition by {partition} order by us range between {within_us - 1} preceding and current row)"


def _steps(value: str) -> str:
    """Pair each row with the one before it and say whether the value changed."""
    return f"""
        select card_no, upto, day, seen, prev_day, count(*) filter (where {value} <> prev) as changed from (
            select card_no, upto, day, seen, {value},
                lag(day) over w as prev_day, lag({value}) over w as prev
            from sequence where {value} is not null
            window w as (partition by card_no, upto order by us, {value}))
        where prev_day is not null group by all"""


PREPARED: dict[str, str] = {
    "card_rows": f"""
        select cast(row_number() over (order by card_id) as INTEGER) as card_no, card_id, operator, home_region,
            cast(dense_rank() over (order by operator) as INTEGER) as operator_no,
            cast(dense_rank() over (order by operator, home_region) - 1 as INTEGER) as scope,
            epoch_us(activated_at) as activated_us, {_day("activated_at")} as activated_day,
            {_day("closed_at")} as closed_day,
            epoch_us(registration_checked_at) as registered_us
        from cards""",
    "callee_numbers": """
        select callee, cast(row_number() over () as INTEGER) as callee_no from (select distinct callee from calls)""",
    "dated_calls": f"""
        select c.card_no, r.* exclude (card_id, started_at, known), {_day("started_at")} as day, {_day("known")} as seen from (
            select card_id, started_at, greatest(started_at, coalesce(available_at, started_at)) as known, callee_no as callee,
                epoch_us(started_at) as us, cast(round(talk_s * 1000) as BIGINT) as talk_ms, direction, result, region, imei
            from calls join callee_numbers using (callee)) r
        join card_rows c using (card_id)""",
    "sightings": """
        select c.card_no, epoch_us(l.observed_at) as us, l.region from locations l join card_rows c using (card_id)""",
    "placed_calls": f"""
        select card_no, us, day, seen, callee, talk_ms, direction, result, imei, coalesce(region, located_at) as region from (
            select *, case when seen_us > us - {DAY} then seen_region end as located_at from (
                select *, last_value(case when sighted then region end ignore nulls) over w as seen_region,
                    last_value(case when sighted then us end ignore nulls) over w as seen_us
                from (
                    select card_no, us, day, seen, callee, talk_ms, direction, result, imei, region, false as sighted
                    from dated_calls
                    union all
                    select card_no, us, null, null, null, null, null, null, null, region, true from sightings)
                window w as (partition by card_no order by us, sighted desc rows between unbounded preceding and current row))
            where not sighted)""",
    "call_rows": """
        select r.* exclude (direction, region, result), r.region, c.home_region,
            coalesce(r.direction, 'out') = 'out' as out, coalesce(r.direction, 'out') = 'in' as incoming,
            coalesce(r.direction, 'out') = 'out' and
                case when coalesce(r.result, 'unknown') = 'unknown' then r.talk_ms > 0 else r.result = 'answered' end as answered,
            r.result, cast(r.us % 86400000000 // 60000000 as INTEGER) as minute,
            r.region <> c.home_region as offsite,
            s.daily_calls as daily_limit, s.hourly_calls as hourly_limit,
            s.per_callee_24h as limit_24h, s.per_callee_5min as limit_5min,
            s.permitted_from, s.permitted_to
        from placed_calls r join card_rows c using (card_no)
        join limit_spans s on s.scope = c.scope and r.day >= s.from_day and r.day < s.to_day""",
    "undeclared_calls": """
        select r.*, coalesce(r.offsite, false) and not coalesce(d.covered, false) as undeclared from call_rows r left join (
            select distinct r.card_no, r.us, r.region, true as covered from call_rows r join card_rows c using (card_no)
            join roaming_notices n on n.card_id = c.card_id and n.region = r.region
            where r.offsite and epoch_us(n.valid_from) <= r.us and (n.valid_to is null or r.us < epoch_us(n.valid_to))
        ) d on d.card_no = r.card_no and d.us = r.us and d.region = r.region""",
    "calls_by_day": """
        select card_no, day, seen, count(*) as every, count_if(out) as out, count_if(incoming) as incoming,
            count_if(answered) as answered,
            coalesce(sum(talk_ms) filter (where out), 0) as out_talk_ms,
            coalesce(sum(talk_ms) filter (where answered), 0) as answered_talk_ms,
            coalesce(sum(cast(talk_ms as HUGEINT) * talk_ms) filter (where answered), 0) as answered_talk_sq,
            count_if(answered and talk_ms <= 10000) as short_10s, count_if(answered and talk_ms <= 30000) as short_30s,
            count_if(answered and talk_ms >= 60000) as long_60s,
            count_if(out and result = 'no_answer') as no_answer, count_if(out and result in ('rejected', 'busy')) as rejected,
            count_if(out and result = 'invalid_number') as invalid,
            count_if(out and talk_ms = 0) as silent,
            count_if(out and (minute < permitted_from or minute >= permitted_to)) as off_hours,
            count_if(out and (minute < 420 or minute >= 1140)) as nocturnal,
            count(region) as located, count_if(offsite) as offsite, count_if(undeclared) as undeclared,
            max(daily_limit) as daily_limit
        from undeclared_calls group by card_no, day, seen""",
    "calls_by_hour": """
        select card_no, day, seen, minute // 60 as hour, count(*) as out, max(hourly_limit) as hourly_limit
        from call_rows where out group by card_no, day, seen, minute // 60""",
    "answered_calls": "select card_no, day, seen, talk_ms from call_rows where answered",
    "callees_by_day": """
        select card_no, callee, day, seen, count_if(out) as out, count_if(incoming) as incoming,
            min(us) filter (where out) as first_out_us, max(us) filter (where incoming) as last_in_us
        from call_rows where out or incoming group by card_no, callee, day, seen""",
    "regions_by_day": """
        select card_no, region, day, seen, count(*) as calls from call_rows where region is not null group by all""",
    "handsets_by_day": """
        select card_no, imei, day, seen, count(*) as calls from call_rows where imei is not null group by all""",
    "disordered": """
        select distinct card_no from (
            select card_no, seen, max(seen) over (partition by card_no order by us) as latest from call_rows
            where card_no in (select card_no from call_rows where seen > day))
        where latest > seen""",
    "sequence": """
        select r.*, cast(null as INTEGER) as upto from call_rows r where card_no not in (select card_no from disordered)
        union all
        select r.*, d.day as upto from call_rows r join ask_days d
            on r.day < d.day and r.seen < d.day and r.day >= d.day - d.longest
        where card_no in (select card_no from disordered)""",
    "call_gaps": """
        select card_no, upto, day, seen, lag(day) over w as prev_day, us - lag(us) over w as gap_us from sequence where out
        window w as (partition by card_no, upto order by us)""",
    "rolling_hours": f"""
        select card_no, upto, day, seen, max(roll60) as roll60, max(own_day) as roll60_own_day from (
            select card_no, upto, day, seen, roll60, case when us % {DAY} >= {HOUR} then roll60 end as own_day from (
                select card_no, upto, day, seen, us, {_previous(HOUR, "card_no, upto")} as roll60 from sequence where out)
            union all
            select card_no, upto, day, seen, 0, {_previous(HOUR, "card_no, upto, day")}
            from sequence where out and us % {DAY} < {HOUR})
        group by card_no, upto, day, seen""",
    "repeated": """
        select card_no, upto, callee from sequence where out group by all
        having count(*) > 1 or min(limit_24h) < 1 or min(limit_5min) < 1""",
    "redials_by_day": f"""
        select card_no, upto, callee, day, seen, max(most_24h) as most_24h, max(most_24h_own_day) as most_24h_own_day,
            max(most_5min) as most_5min, max(most_5min_own_day) as most_5min_own_day,
            max(limit_24h) as limit_24h, max(limit_5min) as limit_5min from (
            select card_no, upto, callee, day, seen, limit_24h, limit_5min,
                {_previous(DAY, "card_no, upto, callee")} as most_24h,
                {_previous(DAY, "card_no, upto, callee, day")} as most_24h_own_day,
                {_previous(HOUR // 12, "card_no, upto, callee")} as most_5min,
                {_previous(HOUR // 12, "card_no, upto, callee, day")} as most_5min_own_day
            from sequence s where out and exists (select 1 from repeated r where r.card_no = s.card_no and r.callee = s.callee
                and r.upto is not distinct from s.upto))
        group by card_no, upto, callee, day, seen
        union all
        select distinct card_no, upto, null, day, seen, 1, 1, 1, 1, 1, 1 from sequence where out""",
    "region_steps": _steps("region"),
    "handset_steps": _steps("imei"),
    "complaint_rows": f"""
        select card_no, {_day("available")} as day, {_day("known")} as seen, epoch_us(known) as seen_us,
            channel, status, {_day("resolved_at")} as resolved_day
        from (select c.card_no, coalesce(k.available_at, k.complained_at) as available, k.channel, k.status, k.resolved_at,
            greatest(k.complained_at, coalesce(k.available_at, k.complained_at)) as known
            from complaints k join card_rows c using (card_id))""",
    "bill_rows": f"""
        select card_no, day, day as seen, due_us, due_cents, paid_cents, paid_day,
            case when due_cents > case when paid_day <= day then coalesce(paid_cents, due_cents) else 0 end then 1 else 0 end
                as late
        from (
            select card_no, {_day("due_at")} as day, epoch_us(due_at) as due_us, {_day("paid_at")} as paid_day,
                cast(round(amount_due * 100) as BIGINT) as due_cents, cast(round(amount_paid * 100) as BIGINT) as paid_cents
            from payments join card_rows c using (card_id))""",
    "messages_by_day": f"""
        select card_no, recipient, {_day("sent_at")} as day, {_day("sent_at")} as seen, count(*) as sent
        from messages join card_rows c using (card_id) group by all""",
    "block_rows": f"""
        select card_no, operator_no, {_day("blocked_at")} as day, {_day("blocked_at")} as seen,
            {_day("unblocked_at")} as unblocked_day
        from blocks join card_rows c using (card_id) where kind in ({_LABELS})""",
    "operator_days": """
        select operator_no, day, day as seen, cast(sum(blocks) as BIGINT) as blocks, cast(sum(cards) as BIGINT) as cards from (
            select operator_no, day, count(*) as blocks, 0 as cards from block_rows group by all
            union all
            select operator_no, d.day, 0, count(*) from card_rows c join span_days d
                on d.day >= c.activated_day and (c.closed_day is null or d.day < c.closed_day) group by all)
        group by all""",
}

UNLOCATED = "select * from dated_calls"
"""What placed_calls becomes when there is no locations table."""

VIEWS = frozenset({"dated_calls", "sightings", "placed_calls", "undeclared_calls", "answered_calls", "sequence"})
"""Prepared tables that are cheap to make again: not stored."""


def prepare(tables: Tables, sources: set[str]) -> None:
    """Build the prepared tables that `sources` need, in order, save those that an earlier call left in the connection.

    `ask_days` and `span_days` must exist. What depends on them is built anew.
    """
    con = tables.con
    there = {name for (name,) in con.execute(_TEMPORARY).fetchall()}
    if "limit_spans" not in there:
        _create_limits(tables)
    anew = _made_of({"span_days"})
    for name in _closure(sources):
        if name == "sequence" and con.execute("select count(*) from disordered").fetchall() != [(0,)]:
            anew |= _made_of({"ask_days"})
        if name in there and name not in anew:
            continue
        sql = UNLOCATED if name == "placed_calls" and "locations" not in tables.present else PREPARED[name]
        kind = "view" if name in VIEWS else "table"
        con.execute(f"create or replace temp {kind} {name} as {sql}")


_TEMPORARY = """
    select table_name from duckdb_tables() where temporary union all select view_name from duckdb_views() where temporary"""


def _made_of(names: set[str]) -> set[str]:
    """Name the prepared tables that are made of these, directly or not."""
    found = set(names)
    for name, sql in PREPARED.items():
        if any(re.search(rf"\b{other}\b", sql) for other in found):
            found.add(name)
    return found


def _closure(sources: set[str]) -> list[str]:
    """List the prepared tables that these need, themselves included, in the order of PREPARED."""
    needed = set(sources)
    for name in reversed(PREPARED):
        if name in needed:
            needed |= {other for other in PREPARED if re.search(rf"\b{other}\b", PREPARED[name])}
    return [name for name in PREPARED if name in needed]


def _create_limits(tables: Tables) -> None:
    """Create `limit_spans`, the limits of each operator and home region by day."""
    scopes = tables.con.execute("select distinct operator, home_region from cards order by operator, home_region").fetchall()
    limits = packaged_limits() + data_limits(tables.frame("limits"))
    tables.con.register("limit_spans_frame", limit_spans(limits, scopes))
    tables.con.execute("create or replace temp table limit_spans as select * from limit_spans_frame")
