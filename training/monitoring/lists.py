"""What became of the lists of earlier mornings, on the labels that are ripe; the others are counted apart."""

from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.serving.alerts import alerts, read_rule
from blockrisk.training.alert_metrics import alert_figures
from blockrisk.training.labels import labels, unknown_counts
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Result
from blockrisk.training.sentences import say

Array = np.ndarray

LISTS_DAYS: Final = 90
"""Days of ripe lists that are summed up."""

DRAWS: Final = 400
"""Draws of whole cards behind an interval."""


def check_lists(context: Context) -> Result:
    """Say of the daily lists how many listed cards were blocked within the horizon, how many blocks were listed, and how early.

    The lists are those of the score files; of a file without the column alert, what the model's rule makes of its scores.
    Precision and recall are of rows, a card and morning; leads are of blocks. A row whose label is unknown is in neither: those of
    listed cards are counted by reason.
    """
    listed = listed_rows(context)
    ripe = listed[listed["label"].notna()]
    waiting = unknown_counts(listed[listed["listed"]])
    if not len(ripe):
        return Result(early=(_unripe(context),), rows=({"listed_unknown": waiting},))
    figures = _figures(ripe, context)
    numbers = {name: value for name, value in figures.items() if value is not None}
    unknown = {f"listed_{reason}": float(count) for reason, count in waiting.items()}
    period = {"first": f"{ripe['as_of'].min():%Y-%m-%d}", "last": f"{ripe['as_of'].max():%Y-%m-%d}"}
    return Result(rows=({**period, **figures, "listed_unknown": waiting},), metrics={**numbers, **unknown})


def listed_rows(context: Context) -> pd.DataFrame:
    """Give the rows of recent mornings: card_id, as_of, probability, daily, listed, label and unknown_reason."""
    horizon = int(context.model.bundle.manifest["horizon_days"])
    scored = context.scores.frame
    scored = scored[scored["as_of"] > context.end - pd.Timedelta(days=LISTS_DAYS + horizon)].astype({"card_id": "str"})
    chance = np.clip(scored["probability"].to_numpy(), 1e-12, 1 - 1e-12)
    margin = np.log(chance) - np.log1p(-chance)
    rule = read_rule(context.model.bundle.manifest["alert"])
    ruled = alerts(margin, scored["card_id"].to_numpy(dtype=object), scored["as_of"].to_numpy(), rule)
    on = np.where(scored["alert"].isna(), ruled, scored["alert"].fillna(value=False)).astype(bool)
    return labels(context.tables, scored.assign(listed=on), horizon, context.end, context.model.bundle.manifest["label_kinds"])


def _unripe(context: Context) -> str:
    return say("no_ripe_list", days=context.model.bundle.manifest["horizon_days"], end=f"{context.end:%Y-%m-%d}")


def _figures(ripe: pd.DataFrame, context: Context) -> dict[str, Any]:
    listed, y = ripe["listed"].to_numpy(), ripe["label"].to_numpy()
    counts = np.column_stack([listed & (y == 1), listed, y == 1, np.ones(len(y))]).astype(np.float64)
    by_card = pd.DataFrame(counts).groupby(ripe["card_id"].to_numpy()).sum().to_numpy()
    blocks = _blocks(context, ripe)
    told = alert_figures(listed, ripe["card_id"].to_numpy(dtype=object), ripe["as_of"].to_numpy(), blocks)
    shares = {"precision": (0, 1), "recall": (0, 2), "base_rate": (2, 3)}
    found: dict[str, Any] = {"rows": len(ripe), "listed_rows": int(listed.sum()), "blocked_rows": int((y == 1).sum())}
    for name, (over, under) in shares.items():
        value, low, high = _share(by_card, over, under)
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    found |= {"blocks": told["blocks"], "blocks_caught": told["caught"]}
    found |= {name: _finite(told[name]) for name in ("cards_a_day", "lead_median_h", "lead_over_24h", "churn")}
    return found


def _blocks(context: Context, ripe: pd.DataFrame) -> pd.DataFrame:
    """Give the blocks of the label kinds on the mornings that are judged."""
    last = ripe["as_of"].max() + pd.Timedelta(days=1)
    return context.tables.con.execute(
        "select distinct card_id, blocked_at from blocks where blocked_at >= $first and blocked_at < $last"
        " and list_contains($kinds, coalesce(kind, 'full_stop'))",
        {
            "first": ripe["as_of"].min().to_pydatetime(),
            "last": last.to_pydatetime(),
            "kinds": list(context.model.bundle.manifest["label_kinds"]),
        },
    ).df()


def _share(by_card: Array, over: int, under: int) -> tuple[float | None, float | None, float | None]:
    """Give a ratio of sums and its 95 % interval from draws of whole cards: the mornings of one card tell the same story."""
    whole = by_card.sum(axis=0)
    if whole[under] == 0:
        return None, None, None
    rng, cards = np.random.default_rng(0), len(by_card)
    drawn = np.array([rng.multinomial(cards, np.full(cards, 1 / cards)) @ by_card for _ in range(DRAWS)])
    ratios = drawn[:, over][drawn[:, under] > 0] / drawn[:, under][drawn[:, under] > 0]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(whole[over] / whole[under]), float(low), float(high)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
