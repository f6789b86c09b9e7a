"""What happened to a card day by day, as it is known at as_of: what the timelines of the page and the evidence draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features import Tables, prepare_rows
from blockrisk.features.windows import in_window, known_before_as_of, seen_before_as_of

QUANTITIES = ("calls", "complaints", "offsite", "undeclared", "owed")
"""Calls out; complaints that became known; calls outside the home region; those without a notice; sum owed past due at the end of
the day."""

_NEEDS = {
    "calls": ("calls", "calls_by_day"),
    "complaints": ("complaints", "complaint_rows"),
    "owed": ("payments.paid_at", "bill_rows"),
}


def daily(tables: Tables, card_ids: Sequence[str], as_of: Any, days: int = 30) -> pd.DataFrame:
    """Count what happened to each card on each of the `days` before as_of, as it is known at as_of.

    Args:
        tables: a data set that has been read.
        card_ids: cards of it.
        as_of: a midnight, local time.
        days: how many days.

    Returns:
        card_id, day (midnights, oldest first) and QUANTITIES, float64: one row a card and day, cards in the given order. 0 where
        nothing happened, NaN where the data set lacks the table (for off-site calls: the place of every call of that day).

    Raises:
        UserError: as `vectors`.

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> daily(read_tables({"cards": cards, "calls": calls}), ["1"], "2025-01-04", days=3)["calls"].tolist()
        [0.0, 1.0, 0.0]

    """
    sources = [name for need, name in _NEEDS.values() if need in tables.present]
    stamp = pd.Timestamp(as_of)
    asks = pd.DataFrame({"card_id": list(card_ids), "as_of": stamp})
    prepare_rows(tables, asks, dict.fromkeys(sources, days))
    found = _calls(tables, days)
    for name, sql in (("complaints", _complaints_sql(days)), ("owed", _owed_sql(days))):
        if _NEEDS[name][0] in tables.present:
            found = found.merge(tables.con.execute(sql).df(), on=["ask", "day"], how="outer")
        else:
            found[name] = np.nan
    return _complete(found, asks["card_id"].tolist(), stamp, days, tables)


def _calls(tables: Tables, days: int) -> pd.DataFrame:
    found = tables.con.execute(_calls_sql(days)).df()
    unplaced = found.pop("located") == 0
    found.loc[unplaced & (found["calls"] > 0), ["offsite", "undeclared"]] = np.nan
    return found


def _calls_sql(days: int) -> str:
    return f"""
        select a.ask, t.day, sum(t.out) as calls, sum(t.located) as located, sum(t.offsite) as offsite,
            sum(t.undeclared) as undeclared
        from asks a join calls_by_day t using (card_no) where {seen_before_as_of()} and {in_window(days)} group by all"""


def _complaints_sql(days: int) -> str:
    return f"""
        select a.ask, t.day, count(*) as complaints
        from asks a join complaint_rows t using (card_no) where {seen_before_as_of()} and {in_window(days)} group by all"""


def _owed_sql(days: int) -> str:
    paid = f"case when {known_before_as_of('paid_day')} and t.paid_day <= d.day then coalesce(t.paid_cents, t.due_cents) else 0 end"
    return f"""
        select a.ask, d.day, sum(greatest(0, t.due_cents - {paid})) / 100.0 as owed
        from asks a cross join (select unnest(range({days})) as back) b, lateral (select a.day - 1 - b.back as day) d
        join bill_rows t on t.card_no = a.card_no and t.day <= d.day where {seen_before_as_of()} group by all"""


def _complete(found: pd.DataFrame, cards: list[str], as_of: pd.Timestamp, days: int, tables: Tables) -> pd.DataFrame:
    """Give every card every day: zero where the table is there and holds nothing, NaN where it is not."""
    last = (as_of - pd.Timestamp(0)).days
    grid = pd.MultiIndex.from_product([range(len(cards)), range(last - days, last)], names=["ask", "day"])
    full = found.astype({"day": "int64"}).set_index(["ask", "day"]).reindex(grid)
    placed = "calls.region" in tables.present or "locations" in tables.present
    known = {"calls": True, "complaints": "complaints" in tables.present, "owed": "payments.paid_at" in tables.present}
    known |= {"offsite": placed, "undeclared": placed and "roaming_notices" in tables.present}
    result = pd.DataFrame({"card_id": np.repeat(np.array(cards, dtype=object), days)})
    result["day"] = pd.to_datetime(full.index.get_level_values("day"), unit="D").astype("datetime64[us]")
    quiet = ~(full["calls"].to_numpy(dtype=np.float64, na_value=np.nan) > 0)
    for name in QUANTITIES:
        values = full[name].to_numpy(dtype=np.float64, na_value=np.nan) if known[name] else np.full(len(full), np.nan)
        empty = np.isnan(values) & known[name] & (quiet | (name not in ("offsite", "undeclared")))
        result[name] = np.where(empty, 0.0, np.maximum(values, 0.0))
    return result
