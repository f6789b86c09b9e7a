"""What a daily list was worth: the blocks it caught, how long before, and how much of it changes from day to day.

Throughout, `listed` bool[n] says whether a card was on the list of a date, `cards` and `dates` (midnights, datetime64) are as long,
one row for each card at risk and date; `blocks` has the columns card_id and blocked_at, one row a block of a label kind.
"""

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray

DAY_HOURS = 24.0


def lead_times(listed: Array, cards: Array, dates: Array, blocks: pd.DataFrame) -> pd.DataFrame:
    """Tell of each block how many hours before it the alert stood: columns card_id, blocked_at, lead_h.

    The alert counts if the card is on the list of the morning of the block's day, and stands since the first of the unbroken
    run of mornings before it. lead_h is NaN for a missed block. Blocks of cards that were not at risk that morning (already
    stopped, or new) or that fall on no listed date could not be forecast and are left out. No block gives no row.

    >>> day = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[us]")
    >>> blocks = pd.DataFrame({"card_id": ["a"], "blocked_at": [pd.Timestamp("2026-01-02 12:00")]})
    >>> lead_times(np.array([True, True]), np.array(["a", "a"]), day, blocks)["lead_h"].tolist()
    [36.0]
    """
    rows = pd.DataFrame({"card_id": cards, "as_of": pd.to_datetime(dates), "listed": listed}).sort_values(["card_id", "as_of"])
    broken = (
        ~rows["listed"]
        | (rows["card_id"] != rows["card_id"].shift())
        | (rows["as_of"].diff() != pd.Timedelta(days=1))
        | ~rows["listed"].shift(fill_value=False)
    )
    rows["since"] = rows["as_of"].where(broken).groupby(rows["card_id"]).ffill()
    asked = blocks.assign(as_of=blocks["blocked_at"].dt.normalize())
    found = asked.merge(rows, on=["card_id", "as_of"], how="inner")
    lead = (found["blocked_at"] - found["since"]).dt.total_seconds() / 3600
    return found[["card_id", "blocked_at"]].assign(lead_h=lead.where(found["listed"].astype(bool)))


def churn(listed: Array, cards: Array, dates: Array) -> float:
    """Compute the mean share of a day's list that was not on the list of the day before.

    Lower is better; range [0, 1]; fewer than two consecutive dates with a list give NaN.

    >>> day = np.array(["2026-01-01"] * 2 + ["2026-01-02"] * 2, dtype="datetime64[us]")
    >>> churn(np.array([True, True, True, False]), np.array(["a", "b", "a", "b"]), day)
    0.0
    """
    lists = {date: set(cards[(dates == date) & listed]) for date in np.unique(dates)}
    day = np.timedelta64(1, "D")
    shares = [
        len(today - lists[date - day]) / len(today) for date, today in lists.items() if today and lists.get(date - day) is not None
    ]
    return float(np.mean(shares)) if shares else float("nan")


def alert_figures(listed: Array, cards: Array, dates: Array, blocks: pd.DataFrame) -> dict[str, Any]:
    """Sum up a run of daily lists: its size a day, blocks that could be caught, those caught, lead times, churn.

    `lead_median_h` and `lead_over_24h` are of the caught blocks, NaN where none was caught; a run that began before the first
    date is counted from it, so leads are rather too short.
    """
    found = lead_times(listed, cards, dates, blocks)
    caught = found["lead_h"].dropna()
    return {
        "cards_a_day": float(listed.sum() / max(1, len(np.unique(dates)))),
        "blocks": len(found),
        "caught": len(caught),
        "recall": len(caught) / len(found) if len(found) else float("nan"),
        "lead_median_h": float(caught.median()) if len(caught) else float("nan"),
        "lead_over_24h": float((caught >= DAY_HOURS).mean()) if len(caught) else float("nan"),
        "churn": churn(listed, cards, dates),
    }
