"""Whether every table went on as usual: days without calls, days that repeat another, tables and operators that fell silent.

Rows may become known days after their event. So a day is held against what was known of earlier days as long after them, and a
table is silent from the last day on which a row of it became known: else the days whose rows are still to come would be a silence.
"""

from typing import Any, Final

import pandas as pd

from blockrisk.features.tables import TABLES
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Alarm, Result
from blockrisk.training.monitoring.partial import QUARTER, absent_cards, cut_off

USUAL_DAYS: Final = 56
"""Days before the recent ones from which the usual is learned: seven or eight of each weekday."""

GAP_DAYS: Final = 100
"""Days from which the longest silence of a table is learned: bills of a month that ends on a 28th, and two month ends before it."""

RECENT_DAYS: Final = 7
"""Days whose gaps and repeats are told of."""

LEAST_ROWS: Final = 20.0
"""A silence is told of only if at least as many rows would have come in it: chance alone leaves none out at any such rate."""

FEW: Final = 0.2
"""A day with fewer calls than this share of the usual ones of its weekday is a broken export, no quiet day."""

REPEATED: Final = 0.5
"""Share of a day's busy cards whose calls are those of another day, to the second, from which the day is a repeat."""

_APART: Final = frozenset({"calls", "actions", "roaming_notices"})  # calls have checks of their own
_LOOK_AT: Final = 14  # days before a recent one that it might repeat
_BUSY: Final = 5  # calls a day, from which a card's day is told from another's


def check_feeds(context: Context) -> Result:
    """Look at the rows of every table by day, before as_of; the usual is that of the same weekdays."""
    calls = _calls(context)
    counts = {name: _by_day(context, name) for name in _supplied(context)}
    recent = pd.date_range(end=context.as_of - pd.Timedelta(days=1), periods=RECENT_DAYS)
    alarms = [alarm for day in recent if (alarm := _thin(calls, day, context.as_of)) is not None]
    if not alarms:  # a day that is thin for all explains every operator's silence
        alarms += _silences("feed_operator", "operator", _calls_by_operator(context), context.as_of)
    whole = recent.difference(pd.DatetimeIndex([alarm.values["date"] for alarm in alarms if alarm.kind == "feed_day"]))
    alarms += [alarm for day in whole if (alarm := cut_off(calls, day, context.as_of, LEAST_ROWS)) is not None]
    silent = {alarm.values["operator"]: alarm.values["since"] for alarm in alarms if alarm.kind == "feed_operator"}
    alarms += absent_cards(context, whole, silent)
    alarms += _silences("feed_silent", "table", counts, context.as_of)
    alarms += [
        _alarm("feed_repeated", date=f"{day}", other=f"{other}", share=share) for day, other, share in _repeats(context, recent[0])
    ]
    last = {name: rows.index[-1] for name, rows in counts.items() if len(rows)}
    last |= {"calls": (calls["day"] + pd.to_timedelta(calls["late"], unit="D")).max()} if len(calls) else {}
    metrics = {f"days_since.{name}": float((context.as_of - day).days) for name, day in last.items()}
    return Result(tuple(alarms), metrics=metrics)


def _silences(kind: str, subject: str, counts: dict[str, pd.Series], as_of: pd.Timestamp) -> list[Alarm]:
    found = {name: silent_since(rows, as_of) for name, rows in counts.items()}
    return [_alarm(kind, **{subject: name, "since": since}) for name, since in found.items() if since]


def _supplied(context: Context) -> list[str]:
    """Name the tables beside calls that were supplied and whose rows come of themselves."""
    there = context.tables.present - _APART
    return [one.name for one in TABLES if one.event is not None and one.name in there]


def _by_day(context: Context, name: str) -> pd.Series:
    """Count the rows of a table by the day on which they became known, over GAP_DAYS: float64, indexed by day."""
    moment = context.known(name)
    found = context.tables.con.execute(
        f"select date_trunc('day', {moment}) as day, count(*) as rows from {name}"
        f" where {moment} < $as_of and {moment} >= $first group by all order by all",
        {"as_of": context.as_of.to_pydatetime(), "first": (context.as_of - pd.Timedelta(days=GAP_DAYS)).to_pydatetime()},
    ).df()
    days = pd.to_datetime(found["day"])
    return pd.Series(found["rows"].to_numpy(dtype=float), index=days)


def _calls(context: Context) -> pd.DataFrame:
    """Count the calls by day, by how many days later they were known and by quarter of an hour: with rows, ordered by day."""
    known = context.known("calls")
    return context.tables.con.execute(
        f"""select date_trunc('day', started_at) as day, date_diff('day', started_at, {known}) as late,
            (epoch_us(started_at) // 1000000 % 86400 // {QUARTER})::integer as quarter, count(*) as rows
        from calls where started_at >= $first and {known} < $as_of group by all order by all""",
        {"as_of": context.as_of.to_pydatetime(), "first": _first(context).to_pydatetime()},
    ).df()


def _first(context: Context) -> pd.Timestamp:
    return context.as_of - pd.Timedelta(days=USUAL_DAYS + RECENT_DAYS)


def _calls_by_operator(context: Context) -> dict[str, pd.Series]:
    known = context.known("calls")
    found = context.tables.con.execute(
        f"select c.operator, date_trunc('day', {known}) as day, count(*) as rows from calls t join cards c using (card_id)"
        f" where {known} < $as_of and {known} >= $first and c.operator is not null group by all order by all",
        {"as_of": context.as_of.to_pydatetime(), "first": _first(context).to_pydatetime()},
    ).df()
    return {
        str(operator): pd.Series(part["rows"].to_numpy(dtype=float), index=pd.to_datetime(part["day"]))
        for operator, part in found.groupby("operator")
    }


def _thin(calls: pd.DataFrame, day: pd.Timestamp, as_of: pd.Timestamp) -> Alarm | None:
    """Tell of a day with no calls, or far fewer than usual on its weekday; None where it is as usual or nothing is known of it."""
    counts = calls[calls["late"] < (as_of - day).days].groupby("day")["rows"].sum()
    earlier = [day - pd.Timedelta(weeks=weeks) for weeks in range(1, USUAL_DAYS // 7)]
    known = [float(counts.get(date, 0.0)) for date in earlier if len(calls) and date >= calls["day"].iloc[0]]
    usual = float(pd.Series(known).median()) if known else 0.0
    rows = float(counts.get(day, 0.0))
    if usual < LEAST_ROWS or rows >= FEW * usual:
        return None
    return _alarm("feed_day", date=f"{day:%Y-%m-%d}", rows=int(rows), usual=int(usual))


def silent_since(rows: pd.Series, as_of: pd.Timestamp) -> str | None:
    """Give the first day without a row if the silence until as_of is longer than any before, and holds LEAST_ROWS usually.

    It must be half as long again as the longest before: months and holidays are not of one length.
    """
    if len(rows) < 2:
        return None
    days = rows.index
    since = days[-1] + pd.Timedelta(days=1)
    gap = (as_of - since).days
    longest = max((later - earlier).days - 1 for earlier, later in zip(days[:-1], days[1:], strict=True))
    usual = float(rows.sum()) / ((days[-1] - days[0]).days + 1)
    return f"{since:%Y-%m-%d}" if gap > longest + longest // 2 and gap * usual >= LEAST_ROWS else None


def _repeats(context: Context, first: pd.Timestamp) -> list[tuple[str, str, float]]:
    """Find recent days of which most busy cards made the very calls of one earlier day: the export of that day came twice."""
    found = context.tables.con.execute(
        f"""with days as (
            select card_id, date_trunc('day', started_at) as day, count(*) as calls,
                   sum(hash(started_at - date_trunc('day', started_at), callee, talk_s)::hugeint) as print
            from calls where started_at < $as_of and started_at >= $first group by all having count(*) >= {_BUSY}
        ), busy as (select day, count(*) as cards from days group by all)
        select strftime(a.day, '%Y-%m-%d'), strftime(b.day, '%Y-%m-%d'), count(*) / any_value(busy.cards) as share
        from days a join days b on a.card_id = b.card_id and a.print = b.print and a.calls = b.calls and b.day < a.day
        join busy on busy.day = a.day where a.day >= $recent group by a.day, b.day having share >= {REPEATED} order by 1, 2""",
        {
            "as_of": context.as_of.to_pydatetime(),
            "first": (first - pd.Timedelta(days=_LOOK_AT)).to_pydatetime(),
            "recent": first.to_pydatetime(),
        },
    ).fetchall()
    return [(str(day), str(other), float(share)) for day, other, share in found]


def _alarm(kind: str, **values: Any) -> Alarm:
    return Alarm(kind, values)
