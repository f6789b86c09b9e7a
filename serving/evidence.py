"""What the data say of one card's conduct, for an appeal: registration, calls, complaints, off-site use, payments, blocks."""

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from blockrisk.features import Tables, prepare_rows
from blockrisk.features.at_risk import no_such_card
from blockrisk.features.windows import in_window, seen_before_as_of
from blockrisk.serving.daily import daily
from blockrisk.serving.limits_on_file import limits_on_file

DAYS: Final = 90
"""Days that the pack looks back."""

OPTIONAL: Final = (
    *("complaints", "complaints.resolved_at", "locations", "roaming_notices"),
    *("payments", "payments.paid_at", "blocks", "blocks.unblocked_at"),
)


@dataclass(frozen=True)
class Evidence:
    """Hold the pack of one card.

    Attributes:
        card: its row in the cards table.
        as_of: ISO date; nothing at or after it, and nothing known later, is told.
        days: how far it looks back.
        daily: as `blockrisk.serving.daily.daily`.
        weeks: from, to (dates, last of the week), calls, answered, talk_minutes, active_days, most, in_hours: one row a week
            since activation.
        hours: calls out by hour of the day, 24 counts.
        limits: limits on file: quantity -> (value, whether the operator confirmed it).
        complaints, notices, bills, blocks: rows of those tables, changes after as_of blanked.
        places: region, calls, days, undeclared: calls outside the home region.
        missing: tables that the data set lacks, and of the columns that say how things ended (a complaint, a bill, a block) those
            that it lacks: without them nothing is known to be open.

    """

    card: dict[str, Any]
    as_of: str
    days: int
    daily: pd.DataFrame
    weeks: pd.DataFrame
    hours: tuple[int, ...]
    limits: dict[str, tuple[float, bool]]
    complaints: pd.DataFrame
    notices: pd.DataFrame
    bills: pd.DataFrame
    blocks: pd.DataFrame
    places: pd.DataFrame
    missing: tuple[str, ...]


def gather(tables: Tables, card_id: str, as_of: Any, days: int = DAYS) -> Evidence:
    """Gather the evidence of one card over the `days` before as_of, as it is known at as_of.

    Args:
        tables: a data set that has been read.
        card_id: a card of it.
        as_of: a midnight, local time.
        days: how far to look back.

    Raises:
        UserError: the card is not in the cards table, or as_of is no midnight.

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> gather(read_tables({"cards": cards, "calls": calls}), "1", "2025-01-04").hours[9]
        1

    """
    found = tables.con.execute("select * from cards where card_id = ?", [card_id]).df()
    if found.empty:
        raise no_such_card(card_id)
    stamp = pd.Timestamp(as_of)
    by_day = daily(tables, [card_id], stamp, days)
    prepare_rows(tables, pd.DataFrame({"card_id": [card_id], "as_of": [stamp]}), {"undeclared_calls": days})
    calls = tables.con.execute(_calls_sql(days)).df()
    span = {"card": card_id, "as_of": stamp, "since": stamp - pd.Timedelta(days=days)}
    return Evidence(
        card={str(name): None if pd.isna(value) else value for name, value in found.iloc[0].items()},
        as_of=f"{stamp:%Y-%m-%d}",
        days=days,
        daily=by_day,
        weeks=_weeks(calls, stamp, min(days, max(1, (stamp - found["activated_at"].iloc[0].normalize()).days))),
        hours=tuple(int(n) for n in calls.groupby("hour")["calls"].sum().reindex(range(24), fill_value=0)),
        limits=dict(limits_on_file(tables, [card_id], stamp)[card_id]),
        complaints=tables.con.execute(_COMPLAINTS, span).df(),
        notices=tables.con.execute(_NOTICES, span).df(),
        bills=tables.con.execute(_BILLS, span).df(),
        blocks=tables.con.execute(_BLOCKS, {"card": card_id, "as_of": stamp}).df(),
        places=tables.con.execute(_places_sql(days)).df(),
        missing=tuple(name for name in OPTIONAL if name not in tables.present),
    )


def _calls_sql(days: int) -> str:
    """Count the card's calls out by day and hour; `asks` holds the one card."""
    return f"""
        select a.day - t.day as back, cast(t.us % 86400000000 // 3600000000 as INTEGER) as hour, count(*) as calls,
            count_if(t.answered) as answered,
            sum(t.talk_ms) / 60000.0 as talk_minutes,
            count_if(not t.off_hours) as in_hours
        from asks a join undeclared_calls t using (card_no)
        where t.out and {seen_before_as_of()} and {in_window(days)} group by all"""


def _places_sql(days: int) -> str:
    return f"""
        select t.region, count(*) as calls, count(distinct t.day) as days, count_if(t.undeclared) as undeclared
        from asks a join undeclared_calls t using (card_no)
        where t.offsite and {seen_before_as_of()} and {in_window(days)} group by all order by calls desc, region"""


# A change after as_of is not known: it is blanked, as in features/windows.py.
_COMPLAINTS: Final = """
    select complained_at, coalesce(available_at, complained_at) as known_at, channel,
        case when resolved_at < $as_of then status else 'open' end as status,
        case when resolved_at < $as_of then resolved_at end as resolved_at
    from complaints
    where card_id = $card and greatest(complained_at, coalesce(available_at, complained_at)) < $as_of
        and coalesce(available_at, complained_at) >= $since
    order by complained_at, channel"""
_NOTICES: Final = """
    select region, valid_from, case when valid_to < $as_of then valid_to end as valid_to
    from roaming_notices where card_id = $card and valid_from < $as_of and (valid_to is null or valid_to >= $since)
    order by valid_from, region"""
_BILLS: Final = """
    select due_at, amount_due, case when paid_at < $as_of then paid_at end as paid_at,
        case when paid_at < $as_of then coalesce(amount_paid, amount_due) end as amount_paid
    from payments where card_id = $card and due_at < $as_of and due_at >= $since order by due_at"""
_BLOCKS: Final = """
    select blocked_at, kind, reason, case when unblocked_at < $as_of then unblocked_at end as unblocked_at
    from blocks where card_id = $card and greatest(blocked_at, coalesce(available_at, blocked_at)) < $as_of order by blocked_at"""


def _weeks(calls: pd.DataFrame, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    """Sum up whole weeks back from as_of, oldest first; a week without calls has zeros."""
    by_day = (
        calls.groupby("back")[["calls", "answered", "talk_minutes", "in_hours"]].sum().reindex(range(1, days + 1), fill_value=0)
    )
    by_day["week"] = (by_day.index - 1) // 7
    sums = by_day.groupby("week")[["calls", "answered", "talk_minutes", "in_hours"]].sum()
    sums["active_days"] = by_day[by_day["calls"] > 0].groupby("week").size().reindex(sums.index, fill_value=0)
    sums["most"] = by_day.groupby("week")["calls"].max()
    starts = [as_of - pd.Timedelta(days=min(days, 7 * (week + 1))) for week in sums.index]
    ends = [as_of - pd.Timedelta(days=7 * week + 1) for week in sums.index]
    return sums.assign(**{"from": starts, "to": ends}).iloc[::-1].reset_index(drop=True)
