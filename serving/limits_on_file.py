"""Which limits on file hold for a card, and whether its operator confirmed them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.limits import data_limits, limit_spans, packaged_limits
from blockrisk.features.tables import LIMIT_QUANTITIES
from blockrisk.serving.reasons import Limits


def limits_on_file(tables: Tables, card_ids: Sequence[str], as_of: Any) -> dict[str, Limits]:
    """Find the limits that hold for each card on the day before as_of: card -> quantity -> (value, confirmed).

    Example:
        >>> from blockrisk.features import read_tables
        >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
        >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
        >>> limits_on_file(read_tables({"cards": cards, "calls": calls}), ["1"], "2025-01-03")["1"]["daily_calls"]
        (300.0, False)

    """
    asked = pd.DataFrame({"card_id": pd.array(list(card_ids), dtype="str")})
    tables.con.register("limit_cards", asked)
    rows = tables.con.execute("select card_id, operator, home_region from cards semi join limit_cards using (card_id)").fetchall()
    scopes = sorted({(operator, region) for _, operator, region in rows})
    limits = packaged_limits() + data_limits(tables.frame("limits"))
    day = (pd.Timestamp(as_of) - pd.Timestamp(0)).days - 1
    values = _at(limit_spans(limits, scopes), day)
    # The same rule of precedence, asked for the confirmation in the place of the value.
    confirmed = _at(limit_spans([replace(limit, value=float(limit.verified)) for limit in limits], scopes), day)
    place = {scope: number for number, scope in enumerate(scopes)}
    return {
        card: {
            name: (values[place[operator, region]][name], bool(confirmed[place[operator, region]][name]))
            for name in LIMIT_QUANTITIES
        }
        for card, operator, region in rows
    }


def _at(spans: pd.DataFrame, day: int) -> dict[int, dict[str, float]]:
    there = spans[(spans["from_day"] <= day) & (day < spans["to_day"])]
    return {int(row["scope"]): {name: float(row[name]) for name in LIMIT_QUANTITIES} for row in there.to_dict("records")}
