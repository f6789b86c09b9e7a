"""Prepared tables: typed rows of the data set turned into daily rows with integer keys and measures.

Each entry of PREPARED is the SQL of one table, over the contract's tables and earlier entries, in order. Every row carries `day`
and `seen` (features.windows). Rows that depend on their predecessor (gaps, rolling counts, changes) are built once for a card
whose rows became available in the order of their events; for the others once for each as_of (`upto`), so that late rows stay exact.
"""

import re
from collections.abc import Mapping

from blockrisk.features.intake import Tables
from blockrisk.features.limits import data_limits, limit_spans, packaged_limits
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.features.windows import DAY_US

_LABELS = ", ".join(f"'{kind}'" for kind in LABEL_KINDS)
HOUR, DAY = 3_600_000_000, DAY_US
_NEVER = 1_000_000_000  # a day that does not come
_LIMITED = "join card_limits l on l.card_no = r.card_no and r.day >= l.from_day and r.day < l.to_day"

_NOTICE = """
    select 1 from roaming_notices n join card_rows c using (card_id) where c.card_no = r.card_no and n.region = r.region
        and epoch_us(n.valid_from) <= r.us and (n.valid_to is null or r.us < epoch_us(n.valid_to))"""


def _day(column: str) -> str:
    return f"cast(epoch_us({column}) // {DAY} as INTEGER)"


def _previous(within_us: int, partition: str) -> str:
    """Count the rows in (t - within, t], the row itself and its equals included."""
    return f"count(*) over (partition by {partition} order by us range between {within_us - 1} preceding and current row)"


def _steps(value: str, by_day: str) -> str:
    """Pair each row with the one before it and say whether the value changed; a day with one value is as good as one row."""
    return f"""
        with moved as (
            select card_no from {by_day} group by card_no having min({value}) <> max({value})),
        mixed as (
            select card_no, day from {by_day} group by card_no, day having min({value}) <> max({value}))
        select card_no, upto, day, seen, prev_day, count(*) filter (where {value} <> prev) as changed from (
            select card_no, upto, day, seen, {value}, lag(day) over w as prev_day, lag({value}) over w as prev
            from (
                select card_no, upto, day, seen, us, {value} from sequence
                where {value} is not null and day >= {{low}} and card_no in (select card_no from moved)
                    and (upto is not null or (card_no, day) in (select (card_no, day) from mixed))
                union all
                select card_no, null, day, min(seen), cast(day as BIGINT) * {DAY}, min({value}) from {by_day}
                where day >= {{low}} and card_no in (select card_no from moved)
                    and card_no not in (select card_no from disordered)
                    and (card_no, day) not in (select (card_no, day) from mixed)
                group by card_no, day)
            window w as (partition by card_no, upto order by us, {value}))
        where prev_day is not null and {value} <> prev group by all"""


PREPARED: dict[str, str] = {
    "card_rows": f"""
        select cast(row_number() over (order by card_id) as INTEGER) as card_no, card_id, operator, home_region,
            cast(dense_rank() over (order by operator) as INTEGER) as operator_no,
            cast(dense_rank() over (order by operator, home_region) - 1 as INTEGER) as scope,
            epoch_us(activated_at) as activated_us, {_day("activated_at")} as activated_day,
            {_day("closed_at")} as closed_day,
            epoch_us(registration_checked_at) as registered_us
        from cards""",
    "card_limits": """
        select c.card_no, c.card_id, c.home_region, s.* exclude (scope) from card_rows c join limit_spans s using (scope)""",
    "dated_calls": f"""
        select l.card_no, r.* exclude (card_id), l.home_region, l.permitted_from, l.permitted_to from (
            select card_id, epoch_us(started_at) as us, {_day("started_at")} as day,
                {_day("greatest(started_at, coalesce(available_at, started_at))")} as seen, callee_key(callee) as callee,
                cast(round(talk_s * 1000) as BIGINT) as talk_ms, coalesce(direction, 'out') as direction, result, region, imei
            from calls where started_at >= make_timestamp({{low}} * {DAY})) r
        join card_limits l on l.card_id = r.card_id and r.day >= l.from_day and r.day < l.to_day
        """,
    "sightings": """
        select c.card_no, epoch_us(l.observed_at) as us, l.region from locations l join card_rows c using (card_id)""",
    "placed_calls": f"""
        select * exclude (region, seen_us, seen_region, sighted),
            coalesce(region, case when seen_us > us - {DAY} then seen_region end) as region from (
            select *, last_value(case when sighted then region end ignore nulls) over w as seen_region,
                last_value(case when sighted then us end ignore nulls) over w as seen_us
            from (
                select card_no, us, day, seen, callee, talk_ms, direction, result, imei, home_region, permitted_from, permitted_to,
                    region, false as sighted from dated_calls
                union all
                select card_no, us, null, null, null, null, null, null, null, null, null, null, region, true from sightings)
            window w as (partition by card_no order by us, sighted desc rows between unbounded preceding and current row))
        where not sighted""",
    "call_rows": """
        select card_no, us, day, seen, callee, talk_ms, region, imei, region <> home_region as offsite,
            direction = 'out' as out, direction = 'in' as incoming,
            direction = 'out' and
                case when coalesce(result, 'unknown') = 'unknown' then talk_ms > 0 else result = 'answered' end as answered,
            case result when 'no_answer' then 1 when 'rejected' then 2 when 'busy' then 2 when 'invalid_number' then 3 else 0 end
                as failure,
            us % 86400000000 < permitted_from * 60000000 or us % 86400000000 >= permitted_to * 60000000 as off_hours
        from placed_calls""",
    "undeclared_calls": f"""
        select r.*, coalesce(r.offsite, false) and not exists ({_NOTICE}) as undeclared from call_rows r""",
    "declared_calls": f"""
        select card_no, day, seen, count(*) as declared from call_rows r where offsite and exists ({_NOTICE})
        group by card_no, day, seen""",
    "calls_by_day": f"""
        select r.*, r.offsite - coalesce(d.declared, 0) as undeclared, l.daily_calls as daily_limit from (
            select card_no, day, seen, count(*) as every, count_if(out) as out, count_if(incoming) as incoming,
                count_if(answered) as answered,
                coalesce(sum(talk_ms) filter (where out), 0) as out_talk_ms,
                coalesce(sum(talk_ms) filter (where answered), 0) as answered_talk_ms,
                coalesce(sum(cast(talk_ms as HUGEINT) * talk_ms) filter (where answered), 0) as answered_talk_sq,
                count_if(answered and talk_ms <= 10000) as short_10s, count_if(answered and talk_ms <= 30000) as short_30s,
                count_if(answered and talk_ms >= 60000) as long_60s,
                count_if(out and failure = 1) as no_answer, count_if(out and failure = 2) as rejected,
                count_if(out and failure = 3) as invalid,
                count_if(out and talk_ms = 0) as silent, count_if(out and off_hours) as off_hours,
                count_if(out and (us % {DAY} < {7 * HOUR} or us % {DAY} >= {19 * HOUR})) as nocturnal,
                count(region) as located, count_if(offsite) as offsite
            from call_rows where day >= {{low}} group by card_no, day, seen) r
        left join declared_calls d using (card_no, day, seen) {_LIMITED}""",
    "calls_by_hour": f"""
        select r.*, l.hourly_calls as hourly_limit from (
            select card_no, day, seen, cast(us % {DAY} // {HOUR} as INTEGER) as hour, count(*) as out
            from call_rows where out and day >= {{low}} group by all) r {_LIMITED}""",
    "answered_calls": "select card_no, day, seen, talk_ms from call_rows where answered and day >= {low}",
    "regions_by_day": """
        select card_no, region, day, seen, count(*) as calls from call_rows
        where region is not null and day >= {low} group by all""",
    "handsets_by_day": """
        select card_no, imei, day, seen, count(*) as calls from call_rows
        where imei is not null and day >= {low} group by all""",
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
        select card_no, upto, day, seen, lag(day) over w as prev_day, us - lag(us) over w as gap_us
        from sequence where out and day >= {low} window w as (partition by card_no, upto order by us)""",
    "rolling_hours": f"""
        select card_no, upto, day, seen, max(roll60) as roll60, max(own_day) as roll60_own_day from (
            select card_no, upto, day, seen, roll60, case when us % {DAY} >= {HOUR} then roll60 end as own_day from (
                select card_no, upto, day, seen, us, {_previous(HOUR, "card_no, upto")} as roll60
                from sequence where out and day >= {{low}} - 1)
            union all
            select card_no, upto, day, seen, 0, {_previous(HOUR, "card_no, upto, day")}
            from sequence where out and us % {DAY} < {HOUR} and day >= {{low}} - 1)
        group by card_no, upto, day, seen""",
    "callee_pairs": """
        select card_no, callee, count_if(out) as out, count_if(incoming) as incoming, min(day) as day, min(seen) as seen,
            max(day) > min(day) or max(seen) > min(seen) or (count_if(out) > 0 and count_if(incoming) > 0) as several
        from call_rows where (out or incoming) and day >= {low} group by card_no, callee""",
    "callee_days": """
        select card_no, upto, callee, day, case when upto is null then seen else day end as seen,
            count_if(out) as out, count_if(incoming) as incoming,
            min(us) filter (where out) as first_out_us, max(us) filter (where incoming) as last_in_us
        from sequence s where (out or incoming) and day >= {low} and exists (
            select 1 from callee_pairs p where several and p.card_no = s.card_no and p.callee = s.callee)
        group by all""",
    "callee_spans": f"""
        select card_no, upto, callee, day, seen, coalesce(lead(seen) over w, {_NEVER}) as until, out, prev_out,
            max(case when out > 0 then day end) over w as last_out, max(case when incoming > 0 then day end) over w as last_in,
            max(case when first_out_us < last_in_us then day when incoming > 0 then prev_out end) over w as called_back
        from (
            select *, max(case when out > 0 then day end) over (partition by card_no, upto, callee order by day, seen
                rows between unbounded preceding and 1 preceding) as prev_out from callee_days)
        window w as (partition by card_no, upto, callee order by day, seen)
        union all
        select card_no, null, null, day, seen, {_NEVER}, out, null, case when out > 0 then day end,
            case when incoming > 0 then day end, null
        from callee_pairs where not several""",
    "repeated": """
        select card_no, callee from callee_pairs where out > 1 or card_no in (
            select card_no from card_limits where per_callee_24h < 1 or per_callee_5min < 1)""",
    "redials_by_day": f"""
        select r.*, l.per_callee_24h as limit_24h, l.per_callee_5min as limit_5min from (
            select card_no, upto, callee, day, seen, max(most_24h) as most_24h, max(most_24h_own_day) as most_24h_own_day,
                max(most_5min) as most_5min, max(most_5min_own_day) as most_5min_own_day from (
                select card_no, upto, callee, day, seen,
                    {_previous(DAY, "card_no, upto, callee")} as most_24h,
                    {_previous(DAY, "card_no, upto, callee, day")} as most_24h_own_day,
                    {_previous(HOUR // 12, "card_no, upto, callee")} as most_5min,
                    {_previous(HOUR // 12, "card_no, upto, callee, day")} as most_5min_own_day
                from sequence s where out and day >= {{low}} - 1 and exists (
                    select 1 from repeated r where r.card_no = s.card_no and r.callee = s.callee))
            group by card_no, upto, callee, day, seen) r {_LIMITED}
        union all
        select distinct card_no, upto, null, day, seen, 1, 1, 1, 1, 1, 1 from sequence where out and day >= {{low}}""",
    "region_steps": _steps("region", "regions_by_day"),
    "handset_steps": _steps("imei", "handsets_by_day"),
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

_ALWAYS = -700_000  # the year 53


def prepare(tables: Tables, lows: Mapping[str, int | None]) -> None:
    """Build the prepared tables that are needed, in order, save those that an earlier call left in the connection.

    `ask_days` and `span_days` must exist. What depends on them is built anew.

    Args:
        tables: a data set that has been read.
        lows: the prepared tables that are read, each with the first day that is needed of it; None: all days.

    """
    con = tables.con
    con.execute("create or replace temp macro callee_key(callee) as hash(callee)")
    con.execute("create temp table if not exists prepared_from (name VARCHAR, low BIGINT)")
    there = dict(con.execute("select name, low from prepared_from").fetchall())
    if "card_rows" not in there:
        _create_limits(tables)
    anew = _made_of({"span_days"})
    for name, low in _closure(lows).items():
        if name == "sequence" and con.execute("select count(*) from disordered").fetchall() != [(0,)]:
            anew |= _made_of({"ask_days"})
        if name not in VIEWS and there.get(name, low + 1) <= low and name not in anew:
            continue
        sql = UNLOCATED if name == "placed_calls" and "locations" not in tables.present else PREPARED[name]
        kind = "view" if name in VIEWS else "table"
        con.execute(f"create or replace temp {kind} {name} as {sql.replace('{low}', str(low))}")
        con.execute("delete from prepared_from where name = ?", [name])
        con.execute("insert into prepared_from values (?, ?)", [name, low])


def _made_of(names: set[str]) -> set[str]:
    """Name the prepared tables that are made of these, directly or not."""
    found = set(names)
    for name, sql in PREPARED.items():
        if any(re.search(rf"\b{other}\b", sql) for other in found):
            found.add(name)
    return found


def _closure(lows: Mapping[str, int | None]) -> dict[str, int]:
    """List the prepared tables that these need, themselves included, in the order of PREPARED, each with its first day.

    A table is needed a day further back than what is made of it: rolling counts look back a day.
    """
    needed = {name: _ALWAYS if low is None else low for name, low in lows.items()}
    for name in reversed(PREPARED):
        if name in needed:
            for other in PREPARED:
                if re.search(rf"\b{other}\b", PREPARED[name]):
                    needed[other] = min(needed.get(other, needed[name]), needed[name] - 1)
    return {name: needed[name] for name in PREPARED if name in needed}


def _create_limits(tables: Tables) -> None:
    """Create `limit_spans`, the limits of each operator and home region by day."""
    scopes = tables.con.execute("select distinct operator, home_region from cards order by operator, home_region").fetchall()
    limits = packaged_limits() + data_limits(tables.frame("limits"))
    tables.con.register("limit_spans_frame", limit_spans(limits, scopes))
    tables.con.execute("create or replace temp table limit_spans as select * from limit_spans_frame")
