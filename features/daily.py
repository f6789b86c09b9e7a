"""Daily rows: what calls come to on each civil day of a card, in SQL.

A row of DAILY follows from the calls of its own day and of the day before, and from what stood beside them on that day: the card's
home region, the limits in force, roaming notices, observed places. So daily rows can be kept (features.daily_store); what looks
further back, or depends on the dates that are asked for, is made of them in features.prepared. `{low}` is the first day wanted.

Calls of one day may become known on several (`seen`): a row of calls_by_day then counts those of its `seen` alone, but `day_out`,
`most_hour` and `hours_over` are of all that is known by then, and hold for every as_of up to `until`, the next such day.
"""

from blockrisk.features.windows import DAY_US

HOUR, DAY = 3_600_000_000, DAY_US
NEVER = 1_000_000_000  # a day that does not come
LIMITED = "join card_limits l on l.card_no = r.card_no and r.day >= l.from_day and r.day < l.to_day"

_NOTICE = """
    select 1 from roaming_notices n join card_rows c using (card_id) where c.card_no = r.card_no and n.region = r.region
        and epoch_us(n.valid_from) <= r.us and (n.valid_to is null or r.us < epoch_us(n.valid_to))"""
UNDECLARED = f"select r.*, coalesce(r.offsite, false) and not exists ({_NOTICE}) as undeclared from call_rows r"


def day_of(column: str) -> str:
    """Give the SQL of the civil day of an instant, in days since 1970."""
    return f"cast(epoch_us({column}) // {DAY} as INTEGER)"


def call_rows_sql(calls: str, *, located: bool) -> str:
    """Give the SQL of calls with integer keys and measures; `located`: places observed in the 24 h before fill unknown regions."""
    dated = f"""
        select l.card_no, r.* exclude (card_id), l.home_region, l.permitted_from, l.permitted_to from (
            select card_id, epoch_us(started_at) as us, {day_of("started_at")} as day,
                {day_of("greatest(started_at, coalesce(available_at, started_at))")} as seen, callee_key(callee) as callee,
                cast(round(talk_s * 1000) as BIGINT) as talk_ms, coalesce(direction, 'out') as direction, result, region, imei
            from {calls} where started_at >= make_timestamp({{low}} * {DAY})) r
        join card_limits l on l.card_id = r.card_id and r.day >= l.from_day and r.day < l.to_day"""
    return f"""
        select card_no, us, day, seen, callee, talk_ms, region, imei, region <> home_region as offsite,
            direction = 'out' as out, direction = 'in' as incoming,
            direction = 'out' and
                case when coalesce(result, 'unknown') = 'unknown' then talk_ms > 0 else result = 'answered' end as answered,
            case result when 'no_answer' then 1 when 'rejected' then 2 when 'busy' then 2 when 'invalid_number' then 3 else 0 end
                as failure,
            us % {DAY} < permitted_from * 60000000 or us % {DAY} >= permitted_to * 60000000 as off_hours
        from ({_placed(dated) if located else dated})"""


def _placed(dated: str) -> str:
    """Give a call without a region that of the card's last observation, if it is not a day old."""
    return f"""
        select * exclude (region, seen_us, seen_region, sighted),
            coalesce(region, case when seen_us > us - {DAY} then seen_region end) as region from (
            select *, last_value(case when sighted then region end ignore nulls) over w as seen_region,
                last_value(case when sighted then us end ignore nulls) over w as seen_us
            from (
                select card_no, us, day, seen, callee, talk_ms, direction, result, imei, home_region, permitted_from, permitted_to,
                    region, false as sighted from ({dated})
                union all
                select c.card_no, epoch_us(l.observed_at), null, null, null, null, null, null, null, null, null, null,
                    l.region, true
                from locations l join card_rows c using (card_id) where l.observed_at >= make_timestamp(({{low}} - 1) * {DAY}))
            window w as (partition by card_no order by us, sighted desc rows between unbounded preceding and current row))
        where not sighted"""


def previous(within_us: int, partition: str) -> str:
    """Count the rows in (t - within, t], the row itself and its equals included."""
    return f"count(*) over (partition by {partition} order by us range between {within_us - 1} preceding and current row)"


def rolling_sql(source: str, key: str = "card_no") -> str:
    """Give the most calls in a rolling hour that ends on each day; `key` tells cards, or versions of a card's rows, apart."""
    return f"""
        select {key}, day, seen, max(roll60) as roll60, max(own_day) as roll60_own_day from (
            select {key}, day, seen, roll60, case when us % {DAY} >= {HOUR} then roll60 end as own_day from (
                select {key}, day, seen, us, {previous(HOUR, key)} as roll60
                from {source} where out and day >= {{low}} - 1)
            union all
            select {key}, day, seen, 0, {previous(HOUR, f"{key}, day")}
            from {source} where out and us % {DAY} < {HOUR} and day >= {{low}})
        where day >= {{low}} group by {key}, day, seen"""


def redials_sql(source: str, key: str = "card_no") -> str:
    """Give the most calls to one callee in rolling 24 hours and 5 minutes that end on each day, with the limits of that day."""
    pair = f"{key}, callee"
    return f"""
        select r.*, l.per_callee_24h as limit_24h, l.per_callee_5min as limit_5min from (
            select {pair}, day, seen, max(most_24h) as most_24h, max(most_24h_own_day) as most_24h_own_day,
                max(most_5min) as most_5min, max(most_5min_own_day) as most_5min_own_day from (
                select {pair}, day, seen, {previous(DAY, pair)} as most_24h, {previous(DAY, f"{pair}, day")} as most_24h_own_day,
                    {previous(HOUR // 12, pair)} as most_5min, {previous(HOUR // 12, f"{pair}, day")} as most_5min_own_day
                from {source} where out and day >= {{low}} - 1)
            where day >= {{low}} group by {pair}, day, seen) r {LIMITED}"""


def _turns(value: str, by_day: str) -> str:
    """Say how often a value changed within a day that has several, and which it began and ended with (on the rows that did).

    Values are put in order as numbers: to sort calls by text takes half as long again.
    """
    return f"""
        with mixed as (
            select card_no, day from {by_day} where day >= {{low}} group by card_no, day having min({value}) <> max({value})),
        places as (
            select {value}, cast(row_number() over (order by {value}) as INTEGER) as place
            from (select distinct {value} from {by_day} where day >= {{low}}))
        select card_no, day, seen, changed, o.{value} as opening, c.{value} as closing from (
            select card_no, day, seen, count(*) filter (where place <> prev) as changed,
                max(case when prev is null then place end) as opened, max(case when next is null then place end) as closed from (
                select card_no, day, seen, place, lag(place) over w as prev, lead(place) over w as next
                from call_rows join places using ({value})
                where day >= {{low}} and (card_no, day) in (select (card_no, day) from mixed)
                window w as (partition by card_no, day order by us, place))
            group by card_no, day, seen)
        left join places o on o.place = opened left join places c on c.place = closed"""


def _counts(conditions: dict[str, str]) -> str:
    return ", ".join(f"cast(count_if({condition}) as INTEGER) as {name}" for name, condition in conditions.items())


_COUNTED = {
    **{name: name for name in ("out", "incoming", "answered", "offsite")},
    "short_10s": "answered and talk_ms <= 10000",
    "short_30s": "answered and talk_ms <= 30000",
    "long_60s": "answered and talk_ms >= 60000",
    "no_answer": "out and failure = 1",
    "rejected": "out and failure = 2",
    "invalid": "out and failure = 3",
    "silent": "out and talk_ms = 0",
    "off_hours": "out and off_hours",
    "nocturnal": f"out and (us % {DAY} < {7 * HOUR} or us % {DAY} >= {19 * HOUR})",
    "located": "region is not null",
}
"""What is counted of the calls that a card made on a day and that became known on one day."""

PAIRS = "select pair_key(card_no, callee) as pair from callees_by_day where day >= {low}"
"""The pair of card and callee of each row, as one number."""

COMPACT_PAIRS = f"{PAIRS} union all {PAIRS} and out + incoming > 1"
"""The same of kept rows: twice where a row is of several calls (COMPACT)."""

IN_SHARED = "pair_key(card_no, callee) in (select pair from shared_pairs)"
"""Whether a row's pair has other calls; true of a pair without only where two of them have one number."""

DAILY: dict[str, str] = {
    "declared_calls": f"""
        select card_no, day, seen, cast(count(*) as INTEGER) as declared from call_rows r
        where offsite and card_no in (select card_no from roaming_notices join card_rows using (card_id)) and exists ({_NOTICE})
        group by card_no, day, seen""",
    "hourly_counts": f"""
        select card_no, day, seen, cast(us % {DAY} // {HOUR} as INTEGER) as hour, cast(count(*) as INTEGER) as out
        from call_rows where out and day >= {{low}} group by all""",
    "calls_by_hour": f"select r.*, l.hourly_calls as hourly_limit from hourly_counts r {LIMITED} where r.day >= {{low}}",
    "day_sums": f"""
        select card_no, day, seen, {_counts(_COUNTED)},
            coalesce(sum(talk_ms) filter (where out), 0) as out_talk_ms,
            coalesce(sum(talk_ms) filter (where answered), 0) as answered_talk_ms,
            coalesce(sum(cast(talk_ms as HUGEINT) * talk_ms) filter (where answered), 0) as answered_talk_sq,
            min(us) filter (where out) as first_out_us, max(us) filter (where out) as last_out_us
        from call_rows where day >= {{low}} group by card_no, day, seen""",
    "split_days": "select card_no, day from day_sums where day >= {low} group by card_no, day having count(*) > 1",
    "hour_peaks": """
        select card_no, day, seen, max(out) as most_hour, cast(count(*) filter (where out > hourly_limit) as INTEGER) as hours_over
        from calls_by_hour where day >= {low} and (card_no, day) not in (select (card_no, day) from split_days)
        group by card_no, day, seen
        union all
        select card_no, day, seen, max(out), cast(count(*) filter (where out > hourly_limit) as INTEGER) from (
            select s.card_no, s.day, s.seen, h.hour, h.hourly_limit, cast(sum(h.out) as INTEGER) as out
            from day_sums s join split_days using (card_no, day)
            join calls_by_hour h on h.card_no = s.card_no and h.day = s.day and h.seen <= s.seen
            group by s.card_no, s.day, s.seen, h.hour, h.hourly_limit)
        group by card_no, day, seen""",
    "calls_by_day": f"""
        select r.*, r.offsite - coalesce(d.declared, 0) as undeclared, l.daily_calls as daily_limit,
            coalesce(v.until, {NEVER}) as until, coalesce(v.day_out, r.out) as day_out,
            coalesce(p.most_hour, 0) as most_hour, coalesce(p.hours_over, 0) as hours_over
        from day_sums r
        left join declared_calls d on d.card_no = r.card_no and d.day = r.day and d.seen = r.seen
        left join hour_peaks p on p.card_no = r.card_no and p.day = r.day and p.seen = r.seen
        left join (
            select card_no, day, seen, lead(seen) over w as until, cast(sum(out) over w as INTEGER) as day_out
            from day_sums join split_days using (card_no, day)
            window w as (partition by card_no, day order by seen)) v
            on v.card_no = r.card_no and v.day = r.day and v.seen = r.seen {LIMITED}
        where r.day >= {{low}}""",
    "answered_calls": "select card_no, day, seen, talk_ms from call_rows where answered and day >= {low}",
    "regions_by_day": """
        select card_no, region, day, seen, count(*) as calls from call_rows where offsite and day >= {low} group by all
        union all
        select card_no, home_region, day, seen, located - offsite from day_sums join card_rows using (card_no)
        where located > offsite and day >= {low}""",
    "handsets_by_day": """
        select card_no, imei, day, seen, count(*) as calls from call_rows
        where imei is not null and day >= {low} group by all""",
    "late_days": """
        select card_no, day, max(seen) as last_seen, max(cast(latest > seen as INTEGER)) as mixed from (
            select card_no, day, seen, max(seen) over (partition by card_no, day order by us) as latest
            from call_rows where day >= {low} and (card_no, day) in (select (card_no, day) from call_rows where seen > day))
        group by card_no, day""",
    "gaps_by_day": f"""
        select card_no, day, seen, us - prev as gap_us from (
            select card_no, day, seen, us, lag(us) over (partition by card_no order by us) as prev
            from call_rows where out and day >= {{low}})
        where prev >= cast(day as BIGINT) * {DAY}""",
    "rolling_by_day": rolling_sql("call_rows"),
    "callees_by_day": """
        select card_no, callee, day, seen, cast(out as INTEGER) as out, cast(incoming as INTEGER) as incoming,
            case when out then us end as out_us, case when incoming then us end as in_us
        from call_rows where (out or incoming) and day >= {low}""",
    "shared_pairs": f"select pair from ({PAIRS}) group by pair having count(*) > 1",
    "repeated_calls": f"""
        select * from call_rows where out and ({IN_SHARED} or card_no in (
            select card_no from card_limits where per_callee_24h < 1 or per_callee_5min < 1))""",
    "redials_by_day": f"""
        select * from ({redials_sql("repeated_calls")}) where most_24h > 1 or limit_24h < 1 or limit_5min < 1
        union all
        select card_no, null, day, seen, 1, 1, 1, 1, 1, 1 from calls_by_day where out > 0 and day >= {{low}}""",
    "region_turns": _turns("region", "regions_by_day"),
    "handset_turns": _turns("imei", "handsets_by_day"),
}

_STEPS = ("declared_calls", "hourly_counts", "day_sums", "split_days", "hour_peaks", "shared_pairs", "repeated_calls")
KEPT = tuple(name for name in DAILY if name not in _STEPS)
"""The daily rows that a store keeps; the others are steps on the way to them."""

COMPACT: dict[str, str] = {
    "callees_by_day": """
        select card_no, callee, day, seen, cast(sum(out) as INTEGER) as out, cast(sum(incoming) as INTEGER) as incoming,
            case when sum(out) > 0 and sum(incoming) > 0 then min(out_us) end as out_us,
            case when sum(out) > 0 and sum(incoming) > 0 then max(in_us) end as in_us
        from callees_by_day group by card_no, callee, day, seen""",
}
"""Kept rows that several rows may be made one of: those who read them sum them up anyhow."""

_PLACES = """
    select card_no, {day} as day, sum(hash(observed_at, region)) as told
    from locations join card_rows using (card_id) group by all"""
CONTEXT_SQL = f"""
    select k.card_no, k.day, hash(l.home_region, l.daily_calls, l.hourly_calls, l.per_callee_24h, l.per_callee_5min,
        l.permitted_from, l.permitted_to, n.told, p.told, b.told) as context
    from (select card_no, day from {{days}}) k
    left join card_limits l on l.card_no = k.card_no and k.day >= l.from_day and k.day < l.to_day
    left join (
        select d.card_no, d.day, sum(hash(n.region, greatest(epoch_us(n.valid_from), d.day * {DAY}),
            least(coalesce(epoch_us(n.valid_to), (d.day + 1) * {DAY}), (d.day + 1) * {DAY}))) as told
        from {{days}} d join card_rows c on c.card_no = d.card_no join roaming_notices n on n.card_id = c.card_id
            and epoch_us(n.valid_from) < (d.day + 1) * {DAY} and (n.valid_to is null or epoch_us(n.valid_to) > d.day * {DAY})
        group by all) n on n.card_no = k.card_no and n.day = k.day
    left join ({_PLACES.format(day=day_of("observed_at"))}) p on p.card_no = k.card_no and p.day = k.day
    left join ({_PLACES.format(day=day_of("observed_at") + " + 1")}) b on b.card_no = k.card_no and b.day = k.day"""
"""What stood beside the calls of a card on a day, as a hash of 64 bits; `{days}` are the cards and days."""
