"""Which cards a forecast is about."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake import Tables
from blockrisk.features.intake.dataset import last_call


def no_such_card(card_id: str) -> UserError:
    """Tell of a card that is asked for by its id and is not there."""
    return mistake("unknown_card", card=card_id)


def at_risk(tables: Tables, as_ofs: Sequence[Any], *, all_cards: bool = False) -> pd.DataFrame:
    """List the cards at risk at each date.

    A card is at risk if it was activated before as_of, is not closed before as_of, and is not inside a block: none of any kind
    but a warning began before as_of, was known by then (available_at) and has not ended by as_of.

    Args:
        tables: a data set that has been read.
        as_ofs: midnights, local time.
        all_cards: every known card instead, at each date.

    Returns:
        card_id, as_of: one row a card and date, by date, then card. No date gives no row.

    Raises:
        UserError: an as_of is no midnight.

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> len(at_risk(read_tables({"cards": cards, "calls": calls}), ["2025-01-01", "2025-01-02"]))
        1

    """
    dates = pd.DataFrame({"as_of": pd.to_datetime(pd.Series(list(as_ofs), dtype="object")).astype("datetime64[us]")})
    dates = dates.drop_duplicates()
    late = dates["as_of"][dates["as_of"] != dates["as_of"].dt.normalize()]
    if len(late):
        raise mistake("no_midnight", as_of=late.iloc[0])
    tables.con.register("risk_dates", dates)
    risk = (
        ""
        if all_cards
        else """
        where c.activated_at < d.as_of and (c.closed_at is null or c.closed_at >= d.as_of)
        and not exists (select 1 from blocks b where b.card_id = c.card_id and b.kind <> 'warning'
            and b.blocked_at < d.as_of and coalesce(b.available_at, b.blocked_at) < d.as_of
            and (b.unblocked_at is null or b.unblocked_at > d.as_of))"""
    )
    return tables.con.execute(
        f"select c.card_id, d.as_of from cards c cross join risk_dates d {risk} order by d.as_of, c.card_id"
    ).df()


def end_of_calls(tables: Tables) -> pd.Timestamp | None:
    """Give the midnight after the last call; None where there is none.

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> end_of_calls(read_tables({"cards": cards, "calls": calls}))
        Timestamp('2025-01-03 00:00:00')

    """
    last = last_call(tables)
    return None if last is None else pd.Timestamp(last).normalize() + pd.Timedelta(days=1)
