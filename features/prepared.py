"""Prepared tables: typed rows of the data set turned into daily rows with integer keys and measures.

Each entry of PREPARED is the SQL of one table, over the contract's tables and earlier entries, in order. Every row carries `day`
and `seen` (features.windows). What one day's calls come to is in features.daily; here it is joined over days. Rows that depend on
their predecessor (gaps, rolling counts, changes) are made of daily rows for a card whose rows became available in the order of
their events; for the others from their calls, once for each as_of (`upto`), so that late rows stay exact.
"""

from blockrisk.features.daily import DAILY, IN_SHARED, NEVER, UNDECLARED, call_rows_sql, day_of, redials_sql, rolling_sql
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
    "night_gaps": """
        select card_no, day, seen, prev_day, first_us - prev_us as gap_us from (
            select card_no, day, seen, first_us, lag(day) over w as prev_day, lag(last_us) over w as prev_us from (
                select card_no, day, min(seen) as seen, min(first_out_us) as first_us, max(last_out_us) as last_us
                from calls_by_day where out > 0 and day >= {low} group by card_no, day)
            window w as (partition by card_no order by day))
        where prev_day is not null""",
    "call_gaps": f"""
        select card_no, {_FIRST}, day, seen, day as prev_day, gap_us from gaps_by_day where day >= {{low}} and {_ORDERED}
        union all
        select card_no, null, day, seen, prev_day, gap_us from night_gaps where day >= {{low}} and {_ORDERED}
        union all
        select card_no, upto, day, seen, lag(day) over w, us - lag(us) over w
        from sequence where out and day >= {{low}} window w as (partition by card_no, upto order by us)""",
    "rolling_hours": f"""
        select card_no, {_FIRST}, day, seen, roll60, roll60_own_day from rolling_by_day where day >= {{low}} and {_ORDERED}
        union all {rolling_sql("sequence", "card_no, upto")}""",
    "shared_callees": f"""
        select card_no, callee, day, seen, cast(sum(out) as INTEGER) as out, cast(sum(incoming) as INTEGER) as incoming,
            min(out_us) as out_us, max(in_us) as in_us
        from callees_by_day where day >= {{low}} and {IN_SHARED} group by card_no, callee, day, seen""",
    "callee_days": f"""
        select card_no, {_FIRST}, callee, day, seen, out, incoming, coalesce(out_us < in_us, false) as returned
        from shared_callees where day >= {{low}} and {_ORDERED}
        union all
        select card_no, upto, callee, day, day, cast(count_if(out) as INTEGER), cast(count_if(incoming) as INTEGER),
            coalesce(min(us) filter (where out) < max(us) filter (where incoming), false)
        from sequence where (out or incoming) and day >= {{low}} and (card_no, callee, day) in (
            select (card_no, callee, day) from shared_callees where day >= {{low}} and card_no in (select card_no from disordered))
        group by card_no, upto, callee, day""",
    "lone_callees": """
        select card_no, day, seen, cast(sum(out) as INTEGER) as out, cast(sum(incoming) as INTEGER) as incoming from (
            select card_no, day, seen, out, incoming from calls_by_day where day >= {low}
            union all
            select card_no, day, seen, -out, -incoming from shared_callees where day >= {low})
        group by card_no, day, seen""",
    "callee_spans": f"""
        select card_no, upto, callee, day, seen, coalesce(lead(seen) over w, {NEVER}) as until, out, prev_out,
            max(case when out > 0 then day end) over w as last_out, max(case when incoming > 0 then day end) over w as last_in,
            max(case when returned then day when incoming > 0 then prev_out end) over w as called_back, 1 as units
        from (
            select *, max(case when out > 0 then day end) over (partition by card_no, upto, callee order by day, seen
                rows between unbounded preceding and 1 preceding) as prev_out from callee_days)
        window w as (partition by card_no, upto, callee order by day, seen)
        union all
        select card_no, null, null, day, seen, {NEVER}, 1, null, day, null, null, out from lone_callees where out > 0
        union all
        select card_no, null, null, day, seen, {NEVER}, 0, null, null, day, null, incoming from lone_callees where incoming > 0""",
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
