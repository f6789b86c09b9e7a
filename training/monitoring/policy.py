"""The policy alarm: blocks that happened against those that were forecast, by operator and region, day by day."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.training.bootstrap import ratio_interval
from blockrisk.training.labels import labels
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Alarm, Result
from blockrisk.training.monitoring.sequential import REGION_BLOCKS, Change, watch
from blockrisk.training.sentences import say

Array = np.ndarray

RECENT_DAYS: Final = 28
"""Days that the table of observed against expected blocks looks back."""


@dataclass(frozen=True)
class Counts:
    """Hold blocks by operator, region and morning: `observed` and `expected` float64[operators, regions, mornings]."""

    operators: tuple[str, ...]
    regions: tuple[str, ...]
    dates: tuple[pd.Timestamp, ...]
    observed: Array
    expected: Array


def check_policy(context: Context) -> Result:
    """Test each operator's blocks against the forecasts of every morning, and tabulate both over the last RECENT_DAYS."""
    found = count_blocks(context)
    if not found.dates:
        return Result(early=(say("no_day_over"),))
    changes = {operator: watch(found.observed[i], found.expected[i]) for i, operator in enumerate(found.operators)}
    open_ = [(operator, change) for operator, all_ in changes.items() for change in all_ if change.ended is None]
    alarms = tuple(_alarm(found, operator, change) for operator, change in open_)
    rows = tuple(_rows(found, {operator for operator, _ in open_}))
    ratios = {
        f"observed_expected.{row['operator']}": row["ratio"] for row in rows if not row["region"] and row["ratio"] is not None
    }
    return Result(alarms, rows=rows, metrics={"changes_open": float(len(open_)), **ratios})


def count_blocks(context: Context) -> Counts:
    """Count, for each morning with a score file whose day is over, the blocks of that day and the sum of its daily forecasts.

    Only cards that were scored count, on both sides; a day of a card whose label is unknown (closed, stopped for arrears or at its
    user's request) counts on neither.
    """
    scored = context.scores.frame
    scored = scored[scored["as_of"] < context.end]
    kinds = context.model.bundle.manifest["label_kinds"]
    asked = scored[["card_id", "as_of"]].astype({"card_id": "str"})
    scored = scored.assign(label=labels(context.tables, asked, 1, context.end, kinds)["label"].to_numpy())
    traits = context.tables.con.execute("select card_id, operator, home_region from cards").df().set_index("card_id")
    known = scored[scored["label"].notna() & scored["card_id"].isin(traits.index)]
    place = [_codes(known["card_id"].astype("str").map(traits[name].fillna(""))) for name in ("operator", "home_region")]
    dates, day = np.unique(known["as_of"].to_numpy(), return_inverse=True)
    shape = (len(place[0][1]), len(place[1][1]), len(dates))
    cell = np.ravel_multi_index((place[0][0], place[1][0], day), shape) if len(known) else np.zeros(0, dtype=int)
    observed, expected = (
        np.bincount(cell, weights=known[name].to_numpy(), minlength=int(np.prod(shape))).reshape(shape)
        for name in ("label", "daily")
    )
    return Counts(place[0][1], place[1][1], tuple(pd.to_datetime(dates)), observed, expected)


def _codes(values: pd.Series) -> tuple[Array, tuple[str, ...]]:
    codes, names = pd.factorize(values, sort=True)
    return codes, tuple(str(name) for name in names)


def _alarm(found: Counts, operator: str, change: Change) -> Alarm:
    values = {
        "operator": operator,
        "region": "" if change.region is None else found.regions[change.region],
        "since": f"{found.dates[change.start]:%Y-%m-%d}",
        "raised": f"{found.dates[change.raised] + pd.Timedelta(days=1):%Y-%m-%d}",
        "ratio": round(change.ratio, 2),
        "low": round(change.low, 2),
        "high": round(change.high, 2),
    }
    return Alarm("policy" if change.region is None else "policy_region", values)


def _rows(found: Counts, alarmed: set[str]) -> list[dict[str, Any]]:
    """Tabulate the recent mornings: each operator, and below it its regions with enough expected blocks."""
    recent = np.array([date > found.dates[-1] - pd.Timedelta(days=RECENT_DAYS) for date in found.dates])
    observed, expected = (part[..., recent].sum(axis=-1) for part in (found.observed, found.expected))
    rows: list[dict[str, Any]] = []
    for i, operator in enumerate(found.operators):
        rows.append(_row(operator, "", observed[i].sum(), expected[i].sum(), alarm=operator in alarmed))
        large = np.flatnonzero(expected[i] >= REGION_BLOCKS)
        rows += [_row(operator, found.regions[j], observed[i, j], expected[i, j], alarm=False) for j in large]
    return rows


def _row(operator: str, region: str, observed: float, expected: float, *, alarm: bool) -> dict[str, Any]:
    low, high = ratio_interval(observed, expected, int(observed), 1.0) if expected > 0 else (None, None)
    ratio = float(observed / expected) if expected > 0 else None
    counts = {"operator": operator, "region": region, "observed": int(observed), "expected": float(expected)}
    return {**counts, "ratio": ratio, "low": low, "high": high, "alarm": alarm}
