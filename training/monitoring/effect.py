"""What acting on an alert was followed by: blocks over forecast ones, of cards acted on and of cards not acted on."""

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import beta

from blockrisk.training.acted import acted_days
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Result
from blockrisk.training.monitoring.lists import listed_rows
from blockrisk.training.sentences import say

Array = np.ndarray

WITHIN_DAYS: Final = 1.0
"""An action counts as an answer to an alert if it comes within this time; what follows is counted from then on for
every card, so that acted cards get no credit for having had to live until the action."""


def check_effect(context: Context) -> Result:
    """Compare alerted cards that were acted on with those that were not, both against what was forecast for them.

    One row an alert: the first morning of an unbroken run on the list, and none within the horizon of the one before, or one block
    would count for several. A card blocked within the first day is in neither group.
    """
    if "actions" not in context.tables.present:
        return Result()
    alerts = _alerts(context)
    manifest = context.model.bundle.manifest
    horizon = int(manifest["horizon_days"])
    acted, blocked = acted_days(context.tables, alerts, horizon, context.end, manifest["label_kinds"])
    alive = ~(blocked < WITHIN_DAYS)
    expected = np.maximum(alerts["probability"].to_numpy() - alerts["daily"].to_numpy(), 0.0)
    groups = {"acted": alive & (acted < WITHIN_DAYS), "not acted": alive & ~(acted < WITHIN_DAYS)}
    rows = [_row(name, rows_, blocked, expected) for name, rows_ in groups.items()]
    if not all(row["expected"] > 0 for row in rows):
        return Result(early=(say("no_effect"),), rows=tuple(rows))
    ratio, low, high = ratio_of_ratios(rows[0]["blocked"], rows[0]["expected"], rows[1]["blocked"], rows[1]["expected"])
    rows[0] |= {"against_not_acted": ratio, "low": low, "high": high}
    known = {"acted": float(rows[0]["alerts"]), "low": low, **({"against_not_acted": ratio} if ratio is not None else {})}
    return Result(rows=tuple(rows), metrics=known if high is None else {**known, "high": high})


def ratio_of_ratios(
    first: int, first_expected: float, second: int, second_expected: float
) -> tuple[float | None, float, float | None]:
    """Give (first / its expected) / (second / its expected) with the exact 95 % interval; None where it is not finite.

    Given their sum, the first count is binomial (Przyborowski and Wilenski 1940), so that no large numbers are needed.

    >>> ratio, low, high = ratio_of_ratios(5, 10.0, 20, 20.0)
    >>> round(ratio, 2), round(low, 2), round(high, 2)
    (0.5, 0.15, 1.37)
    """
    scale = second_expected / first_expected
    low = float(beta.ppf(0.025, first, second + 1)) if first else 0.0
    high = float(beta.ppf(0.975, first + 1, second)) if second else 1.0
    return (
        first / second * scale if second else None,
        low / (1 - low) * scale,
        None if high >= 1.0 else high / (1 - high) * scale,
    )


def _alerts(context: Context) -> pd.DataFrame:
    rows = listed_rows(context).sort_values(["card_id", "as_of"], ignore_index=True)
    before = rows["listed"].shift(fill_value=False) & (rows["card_id"] == rows["card_id"].shift())
    before &= rows["as_of"].diff() == pd.Timedelta(days=1)
    rows = rows[rows["listed"] & ~before & rows["label"].notna()]
    kept, horizon = [], pd.Timedelta(days=int(context.model.bundle.manifest["horizon_days"]))
    last: dict[str, pd.Timestamp] = {}
    for card, as_of in zip(rows["card_id"], rows["as_of"], strict=True):
        kept.append(card not in last or as_of >= last[card] + horizon)
        last[card] = as_of if kept[-1] else last[card]
    return rows[np.array(kept, dtype=bool)].reset_index(drop=True)


def _row(name: str, rows: Array, blocked: Array, expected: Array) -> dict[str, Any]:
    seen, forecast = int((rows & ~np.isnan(blocked)).sum()), float(expected[rows].sum())
    counts = {"group": name, "alerts": int(rows.sum()), "blocked": seen, "expected": forecast}
    return {**counts, "ratio": seen / forecast if forecast > 0 else None, "against_not_acted": None, "low": None, "high": None}
