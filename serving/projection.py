"""Tables projected a week ahead: each card goes on as in its last week, once for each action and once without any.

The projected rows stand in tables of the contract's names and columns, with more columns for the actions to use:
`action` (whose copy of the card it is), `ahead` (the row lies in the week from as_of on), `as_of`, and in calls `outgoing`,
`minute` (of the day), `home_region`, `permitted_from` and `permitted_to` (minutes, the limits on file), `usual_imei`,
`callee_place` (the number of the callee among those of the week), `callee_group` (the number of the callee and day) and `attempt`
(the number of the attempt to that callee in the week).
"""

from dataclasses import replace
from typing import Final

import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.tables import TABLES
from blockrisk.features.windows import seen_before_as_of
from blockrisk.serving.action import Action

AHEAD: Final = 7
"""Days that a card is projected ahead."""

HISTORY: Final = 30
"""Days kept before as_of: with the week ahead they fill the longest window but that of off-site calls."""

_LAG_FROM = 14  # days over which the delay of a card's rows is looked at
_RARE = 28  # days over which the rate of complaints is taken: a week holds a quarter of theirs


def project(tables: Tables, scenarios: pd.DataFrame, actions: tuple[Action, ...], *, history: bool = True) -> Tables:
    """Make the projected tables, in temporary tables of a connection of their own over the same data; close it after use.

    Args:
        tables: a data set that has been read; only rows known before as_of are used.
        scenarios: one row a copy: copy_id, card_id, action (a code; "" is going on as before), as_of (one date for all),
            permitted_from and permitted_to (minutes).
        actions: the actions that are named.
        history: whether the calls before as_of are kept; without them windows of AHEAD days are still exact.

    Returns:
        Tables whose cards are the copies: vectors at as_of + AHEAD days may be asked of them. Features of an operator's other cards
        are void there.

    """
    con = tables.con.cursor()
    con.register("scenario_frame", scenarios)
    con.execute("create temp table scenarios as select * from scenario_frame")
    for name, statement in _STATEMENTS.items():
        if name == "calls" and not history:
            statement = f"{statement} where r.ahead"
        kind = "temp view" if name in _VIEWS else "temp table"
        con.execute(f"create {kind} {name} as {statement}")
    for action in actions:
        for change in action.change:
            card = f"action = '{action.code}'"
            con.execute(change.format(card=card, mine=f"({card} and ahead)"))
    return replace(tables, con=con)


def _names(table: str, alias: str = "r", **instead: str) -> str:
    """List the columns of a table of the contract, some of them replaced."""
    columns = next(entry.columns for entry in TABLES if entry.name == table)
    return ", ".join(f"{instead.get(column.name, f'{alias}.{column.name}')} as {column.name}" for column in columns)


def _known(table: str, event: str, available: str | None = None) -> str:
    """Give the rows of the asked cards that are known before as_of, with their day and the day they were seen on."""
    seen = f"greatest({event}, coalesce({available}, {event}))" if available else event
    return f"""
        select t.*, a.as_of, a.day as as_of_day from (
            select *, {_day(event)} as day, {_day(seen)} as seen from memory.main.{table}
            where card_id in (select card_id from asked)) t
        join asked a on a.card_id = t.card_id and {seen_before_as_of()}"""


def _day(column: str) -> str:
    return f"cast(epoch_us({column}) // 86400000000 as INTEGER)"


def _later_blank(column: str) -> str:
    return f"case when r.{column} < r.as_of then r.{column} end"


def _pace(lag: str) -> str:
    """Give the days of each card that are repeated, [first_day, until): the last AHEAD that are known in full, and was in use.

    `lag` is the SQL of how many days before as_of a card's rows are known in part only.
    """
    return f"""
        select card_id, as_of_day, until, first_day, until - first_day as days from (
            select a.card_id, a.day as as_of_day, a.day - {lag} as until,
                greatest(a.day - {lag} - {AHEAD}, least(u.used_from + 1, a.day - {lag} - 1)) as first_day
            from asked a left join lags l using (card_id) join used u using (card_id))"""


def _targets(pace: str) -> str:
    return f"""
        select p.card_id, cast(unnest(range(p.until, p.as_of_day + {AHEAD})) as INTEGER) as day from {pace} p"""


def _shifted(source: str, event: str, other: str | None) -> str:
    """Repeat the rows of a card's last known days over the days up to as_of + AHEAD; a counterparty new then is new again."""
    late = ", s.available_at + to_days(k.day - s.day) as available_at" if source == "known_calls" else ""
    pace, targets = ("late_pace", "late_targets") if late else ("pace", "targets")
    new = (
        f"""
        , case when exists (select 1 from {source} b where b.card_id = s.card_id and b.{other} = s.{other}
            and b.day < p.first_day and b.day >= p.first_day - 30) then s.{other}
          else s.{other} || '~' || (k.day - s.day) end as {other}"""
        if other
        else ""
    )
    dropped = ", ".join([event, *([other] if other else []), *(["available_at"] if late else [])])
    return f"""
        select s.* exclude ({dropped}, day, seen), s.{event} + to_days(k.day - s.day) as {event}{late}{new},
            k.day as day, k.day >= s.as_of_day as ahead
        from {source} s join {pace} p on p.card_id = s.card_id
        join {targets} k on k.card_id = s.card_id and s.day = p.first_day + (k.day - p.until) % p.days"""


_COPY = "join scenarios c on c.card_id = r.card_id"
_EXTRA = "c.action, r.as_of"

_STATEMENTS: dict[str, str] = {
    "asked": f"select distinct card_id, as_of, {_day('as_of')} as day from scenarios",
    "known_calls": _known("calls", "started_at", "available_at"),
    # How late a card's calls become known, and from which day on it was in use.
    "lags": f"""
        select card_id, cast(quantile_disc(seen - day, 0.9) as INTEGER) as lag from known_calls
        where day >= as_of_day - {_LAG_FROM} group by card_id""",
    "used": f"""
        select c.card_id, greatest({_day("c.activated_at")}, coalesce(max(case when b.unblocked_at < a.as_of
                then {_day("b.unblocked_at")} end), -1000000)) as used_from
        from memory.main.cards c join asked a using (card_id)
        left join memory.main.blocks b on b.card_id = c.card_id and b.kind <> 'warning'
        group by c.card_id, c.activated_at""",
    "pace": _pace("0"),
    "targets": _targets("pace"),
    "late_pace": _pace("coalesce(l.lag, 0)"),
    "late_targets": _targets("late_pace"),
    "shifted_calls": _shifted("known_calls", "started_at", "callee"),
    "ahead_calls": """
        select * exclude (out_no), dense_rank() over (partition by card_id order by callee) as callee_place,
            dense_rank() over (partition by card_id order by day, first_us, callee) as callee_group,
            case when outgoing then sum(out_no) over (partition by card_id, callee
                order by started_at, talk_s, result, ring_s rows unbounded preceding) end as attempt
        from (select *, coalesce(direction, 'out') = 'out' as outgoing, (coalesce(direction, 'out') = 'out')::INTEGER as out_no,
            hour(started_at) * 60 + minute(started_at) as minute,
            min(started_at) over (partition by card_id, day, callee) as first_us from shifted_calls)""",
    "usual": """
        select card_id, arg_min(imei, (-calls, imei)) as usual_imei from (
            select card_id, imei, count(*) as calls from known_calls where day >= as_of_day - 30 and imei is not null group by all)
        group by card_id""",
    "cards": f"""
        select {_names("cards", card_id="c.copy_id", closed_at="cast(null as TIMESTAMP)",
                       registration_checked_at=_later_blank("registration_checked_at"))}, {_EXTRA}
        from (select m.*, a.as_of from memory.main.cards m join asked a using (card_id)) r {_COPY}""",
    "calls": f"""
        select {_names("calls", card_id="c.copy_id")}, {_EXTRA}, r.ahead, r.outgoing, r.minute, r.callee_place, r.callee_group,
            r.attempt, h.home_region, c.permitted_from, c.permitted_to, u.usual_imei
        from (
            select * exclude (day, seen), false as ahead
            from known_calls t join (select card_id, home_region from memory.main.cards) o using (card_id)
            join (select card_id, until from late_pace) p using (card_id)
            where t.day < p.until and (t.day >= t.as_of_day - {HISTORY} or t.region <> o.home_region)
            union all by name select * exclude (day, first_us) from ahead_calls) r
        {_COPY} join memory.main.cards h on h.card_id = r.card_id left join usual u on u.card_id = r.card_id""",
    "known_locations": _known("locations", "observed_at"),
    "shifted_locations": _shifted("known_locations", "observed_at", None),
    "locations": f"""
        select {_names("locations", card_id="c.copy_id")}, {_EXTRA}, r.ahead, h.home_region
        from (select *, false as ahead from known_locations union all by name select * from shifted_locations) r
        {_COPY} join memory.main.cards h on h.card_id = r.card_id""",
    "known_messages": _known("messages", "sent_at"),
    "shifted_messages": _shifted("known_messages", "sent_at", "recipient"),
    "messages": f"""
        select {_names("messages", card_id="c.copy_id")}, {_EXTRA}, r.ahead
        from (select *, false as ahead from known_messages where day >= as_of_day - {HISTORY}
            union all by name select * from shifted_messages) r {_COPY}""",
    "known_complaints": _known("complaints", "complained_at", "available_at"),
    # A quarter of the complaints of four weeks, evenly chosen, comes again in the middle of the week, and is not settled in it.
    "complaints": f"""
        select {_names("complaints", card_id="c.copy_id", resolved_at="r.resolved_at")}, {_EXTRA}, r.ahead
        from (
            select * replace (case when resolved_at < as_of then resolved_at end as resolved_at), false as ahead
            from known_complaints
            union all by name
            select * exclude (nth) replace (as_of + interval 60 hour + to_seconds(nth) as complained_at, 'open' as status,
                as_of + interval 60 hour + to_seconds(nth) as available_at, null as resolved_at), true as ahead
            from (select *, row_number() over (partition by card_id order by complained_at, channel) as nth from known_complaints
                where seen >= as_of_day - {_RARE}) where nth % 4 = 2) r {_COPY}""",
    "known_notices": _known("roaming_notices", "valid_from"),
    "roaming_notices": f"""
        select {_names("roaming_notices", card_id="c.copy_id", valid_to=_later_blank("valid_to"))}, {_EXTRA}
        from known_notices r {_COPY}""",
    "known_payments": _known("payments", "due_at"),
    "payments": f"""
        select {_names("payments", card_id="c.copy_id", paid_at=_later_blank("paid_at"),
                       amount_paid="case when r.paid_at < r.as_of then r.amount_paid end")}, {_EXTRA}
        from known_payments r {_COPY}""",
    "known_blocks": _known("blocks", "blocked_at", "available_at"),
    "blocks": f"""
        select {_names("blocks", card_id="c.copy_id", unblocked_at=_later_blank("unblocked_at"))}, {_EXTRA}
        from known_blocks r {_COPY}""",
}  # fmt: skip

_VIEWS = frozenset({"known_locations", "known_messages", "known_complaints", "known_notices", "known_payments", "known_blocks"})
