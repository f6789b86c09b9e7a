"""Rows on which somebody acted: what would have happened otherwise is not seen, so the model must not learn from what did.

A card that was warned of, and saved, looks like a false warning. Its row is censored at the action, and rows as likely to be acted
on that were not stand in for it (inverse probability of censoring; Robins and Finkelstein 2000). docs/decisions/0006-monitoring.md.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from blockrisk.features import Tables

Array = np.ndarray

MOST: Final = 5.0
"""No row stands for more than so many: where nearly every card was acted on, little can be known of what else would have been."""

ENOUGH: Final = 20
"""Acted rows from which their likelihood is learned from the features; under it, it is the same for every row."""

_FIRST = """
SELECT r.row_id, (SELECT min(a.at) FROM actions a WHERE a.card_id = r.card_id AND a.at >= r.as_of
                  AND a.at < r.as_of + to_days(CAST($horizon AS INTEGER)) AND a.at < $until) AS acted_at,
       (SELECT min(b.blocked_at) FROM blocks b WHERE b.card_id = r.card_id AND b.blocked_at >= r.as_of
        AND b.blocked_at < r.as_of + to_days(CAST($horizon AS INTEGER)) AND list_contains($kinds, coalesce(b.kind, 'full_stop'))
       ) AS blocked_at
FROM acted_requests r ORDER BY r.row_id
"""


def acted_days(tables: "Tables", requests: pd.DataFrame, horizon: int, until: Any, kinds: Any) -> tuple[Array, Array]:
    """Give the days from as_of to the first action within the horizon, and to the first block: float64[n], NaN where none.

    `requests` holds card_id and as_of. An action after a block is not counted: it did not change that it came.
    """
    asked = pd.DataFrame({"row_id": range(len(requests)), "card_id": requests["card_id"].astype("str").to_numpy()})
    asked["as_of"] = pd.to_datetime(requests["as_of"]).to_numpy().astype("datetime64[us]")
    tables.con.register("acted_requests", asked)
    try:
        values = {"horizon": int(horizon), "until": pd.Timestamp(until).to_pydatetime(), "kinds": list(kinds)}
        found = tables.con.execute(_FIRST, values).df()
    finally:
        tables.con.unregister("acted_requests")
    acted, blocked = (
        ((found[name] - asked["as_of"]).dt.total_seconds() / 86400).to_numpy(dtype=np.float64)
        for name in ("acted_at", "blocked_at")
    )
    return np.where(blocked <= acted, np.nan, acted), blocked


def repeats(frame: pd.DataFrame, cards: Array, acted: Array, blocked: Array, horizon: int, seed: int = 0) -> Array:
    """Say how often each row is to be learned from: int[n], 0 where it was acted on, 1 or more where it was not.

    `frame` holds the features, `acted` and `blocked` the days of `acted_days`. A row that was not acted on by the time T of its
    block, or the end of the horizon, counts 1 / (1 - P(acted within the horizon | features) * P(acted by T | acted)) times, at most
    MOST; a fraction is drawn. Without actions every row counts once.

    >>> frame, none = pd.DataFrame({"x": [0.0, 1.0]}), np.full(2, np.nan)
    >>> repeats(frame, np.array(["a", "b"]), none, none, 7).tolist()
    [1, 1]
    """
    was = ~np.isnan(acted)
    if not was.any():
        return np.ones(len(acted), dtype=np.int64)
    offsets = np.sort(acted[was])
    by_then = np.searchsorted(offsets, np.where(np.isnan(blocked), float(horizon), blocked), side="right") / len(offsets)
    weight = 1 / np.maximum(1 - _likelihood(frame, cards, was) * by_then, 1 / MOST)
    drawn = np.floor(weight + np.random.default_rng(seed).random(len(weight))).astype(np.int64)
    return np.where(was, 0, drawn)


def _likelihood(frame: pd.DataFrame, cards: Array, was: Array) -> Array:
    """Give each row's chance of being acted on, from the rows of other cards."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    numbers = frame.select_dtypes("number").to_numpy(dtype=np.float64)
    chance = np.full(len(was), float(was.mean()))
    if was.sum() < ENOUGH:
        return chance
    half = pd.factorize(cards)[0] % 2
    for part in (0, 1):
        rest = half != part
        if 0 < was[rest].sum() < rest.sum() and (~rest).any():
            model = HistGradientBoostingClassifier(max_iter=60, max_depth=3, early_stopping=False, random_state=0)
            chance[~rest] = model.fit(numbers[rest], was[rest]).predict_proba(numbers[~rest])[:, 1]
    return chance
