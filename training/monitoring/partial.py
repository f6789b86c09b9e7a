"""Whether a day's calls are there in part only: half a file, one branch's file left out, an export made before the day was over.

The sum of such a day may be half the usual one or more, which a quiet day has too. What gives it away is that cards which call on
that weekday, week for week, made no call at all, or that the calls end in the middle of the day.
"""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from scipy.stats import binom

from blockrisk.features import at_risk
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Alarm

WEEKS: Final = 3
"""A card is steady on a weekday if it called on it in each of so many weeks before."""

STEADY_CARDS: Final = 20
"""Steady cards of an operator from which its day is judged."""

ABSENT: Final = 1 / 3
"""Share of the steady cards without a call from which a day is in doubt."""

CHANCE: Final = 1e-6
"""So seldom at most may as many be absent, if each were as often as on the median of the recent days."""

_LEAST_SHARE: Final = 0.02  # of steady cards that are absent on the median day, at least
CUT: Final = 0.2
"""Share of a usual day's calls that lie after the last one of a day, from which it is taken for cut off."""

QUARTER: Final = 900
"""Seconds of the steps in which the end of a day is looked for."""


def absent_cards(context: Context, recent: pd.DatetimeIndex, silent: Mapping[str, str]) -> list[Alarm]:
    """Tell of recent days on which many of an operator's steady cards, at risk still, made no call; not of the silent ones."""
    if recent.empty:
        return []
    found = _absences(context, recent)
    found = found[found["steady"] >= STEADY_CARDS]
    share = found["absent"] / found["steady"]
    usual = share.groupby(found["operator"]).transform("median").clip(lower=_LEAST_SHARE)
    told = found["day"] >= pd.to_datetime(found["operator"].map(silent))
    found = found[(share >= ABSENT) & (binom.sf(found["absent"] - 1, found["steady"], usual) < CHANCE) & ~told]
    return [
        Alarm(
            "feed_cards",
            {
                "date": f"{day:%Y-%m-%d}",
                "operators": ", ".join(part["operator"]),
                "absent": int(part["absent"].sum()),
                "steady": int(part["steady"].sum()),
            },
        )
        for day, part in found.groupby("day")
    ]


def _absences(context: Context, recent: pd.DatetimeIndex) -> pd.DataFrame:
    """Count the steady cards and the absent ones: operator, day, steady, absent, by what was known of each day as long after it."""
    con, ends = context.tables.con, [day + pd.Timedelta(days=1) for day in recent]
    con.register("still_at_risk", at_risk(context.tables, ends))
    known = context.known("calls")
    return con.execute(
        f"""
        with seen as materialized (
            select card_id, date_trunc('day', started_at) as day, min(date_diff('day', started_at, {known})) as late from calls
            where started_at >= $first and {known} < $as_of group by all),
        risk as (select card_id, as_of - interval 1 day as day, date_diff('day', as_of, $as_of) + 1 as age from still_at_risk),
        steady as (
            select r.card_id, r.day, r.age from risk r join seen s on s.card_id = r.card_id and s.late < r.age
                and s.day < r.day and s.day >= r.day - interval {7 * WEEKS} day and date_diff('day', s.day, r.day) % 7 = 0
            group by all having count(*) = {WEEKS})
        select c.operator, t.day, count(*) as steady, count(*) filter (s.card_id is null) as absent
        from steady t join cards c using (card_id)
        left join seen s on s.card_id = t.card_id and s.day = t.day and s.late < t.age
        where c.operator is not null group by all order by all""",
        {"as_of": context.as_of.to_pydatetime(), "first": (recent[0] - pd.Timedelta(weeks=WEEKS)).to_pydatetime()},
    ).df()


def cut_off(calls: pd.DataFrame, day: pd.Timestamp, as_of: pd.Timestamp, least: float) -> Alarm | None:
    """Tell of a day whose calls end long before those of its weekday do.

    Args:
        calls: day, late (days until known), quarter (of an hour, of the day) and rows, as features of the feeds count them.
        day: the day that is looked at.
        as_of: the morning.
        least: calls that must usually follow after the last one.

    """
    known = calls[calls["late"] < (as_of - day).days]
    today = known[known["day"] == day]
    if today.empty:
        return None
    last = int(today["quarter"].max())
    before = known[(known["day"] < day) & (known["day"].dt.day_of_week == day.day_of_week)]
    if before.empty:
        return None
    by_day = before["rows"].groupby(before["day"]).sum()
    after = before["rows"].where(before["quarter"] > last, 0.0).groupby(before["day"]).sum()
    usual = float(after.median())
    if usual < max(least, CUT * float(by_day.median())):
        return None
    ended = f"{(last + 1) * QUARTER // 3600:02d}:{(last + 1) * QUARTER // 60 % 60:02d}"
    return Alarm("feed_cut", {"date": f"{day:%Y-%m-%d}", "time": ended, "usual": int(usual)})
