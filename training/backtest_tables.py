"""The tables of a backtest: figures with intervals, paired differences, groups, alerts and horizons. Computing only."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from blockrisk.models.estimators import margins
from blockrisk.serving.alerts import DEFAULT_ALERT, AlertRule, alerts
from blockrisk.training.alert_metrics import alert_figures
from blockrisk.training.backtest import ORACLE, Backtest
from blockrisk.training.bootstrap import DRAWS, Spread, ratio_interval, spread
from blockrisk.training.evaluation import METRICS, ORACLE_GAIN, Metric, Sample, horizon_figures

ALL: Final = "all"
"""The name of all origins together."""

WITHOUT_INTERVAL: Final = ("base_rate", "ece", "ece_noise_floor", "ceiling_at_1pct", "ceiling_at_5pct")
"""Metrics that are told without an interval: yardsticks, and the calibration error, which draws of whole cards only raise."""

TENURES: Final = ((0, "under 30 days"), (30, "30 to 89 days"), (90, "90 to 364 days"), (365, "a year and more"))
"""Lower ends of the groups of tenure, in days since activation."""

GROUPS: Final = ("operator", "home_region", "tenure")

_GROUP_METRICS: Final = ("base_rate", "roc_auc", "average_precision", "log_loss_skill", "ece", "ece_noise_floor")


def samples_of(found: Backtest, rows: np.ndarray | None = None) -> dict[str, Sample]:
    """Make one sample a forecast of the chosen rows (all when left out), with the true chances where they are known."""
    chosen = np.arange(len(found.rows)) if rows is None else rows
    q = found.chances[ORACLE].to_numpy()[chosen] if ORACLE in found.chances else None
    base = Sample(
        found.rows["y"].to_numpy()[chosen],
        np.zeros(len(chosen)),
        pd.factorize(found.rows["as_of"])[0][chosen].astype(np.int16),
        found.rows["rate"].to_numpy()[chosen],
        found.seed,
        q,
        float(found.horizon),
    )
    return {str(name): replace(base, p=found.chances[name].to_numpy()[chosen]) for name in found.chances}


def metrics_of(found: Backtest) -> tuple[Metric, ...]:
    """List the metrics that this backtest can compute."""
    return (*METRICS, ORACLE_GAIN) if ORACLE in found.chances else METRICS


def spreads(found: Backtest, draws: int = DRAWS, jobs: int = 2) -> dict[str, Spread]:
    """Compute all figures with their draws, for all rows together and for each origin (numbered from 1)."""
    with_draws = [metric for metric in metrics_of(found) if metric.name not in WITHOUT_INTERVAL]
    cards = found.rows["card_id"].to_numpy()
    parts = {ALL: np.arange(len(cards))}
    parts |= {str(number + 1): np.flatnonzero(found.rows["origin"] == number) for number in range(len(found.origins))}
    return {
        name: spread(samples_of(found, rows), cards[rows], with_draws, draws=draws, seed=found.seed, jobs=jobs)
        for name, rows in parts.items()
    }


def figures(found: Backtest, spreads: dict[str, Spread]) -> pd.DataFrame:
    """Tabulate learner, origin, metric, value, low, high (the 95 % interval; NaN where none is told)."""
    parts = [spread.table().assign(origin=origin) for origin, spread in spreads.items()]
    plain = [metric for metric in metrics_of(found) if metric.name in WITHOUT_INTERVAL]
    for origin in spreads:
        rows = None if origin == ALL else np.flatnonzero(found.rows["origin"] == int(origin) - 1)
        for name, sample in samples_of(found, rows).items():
            values = [(name, metric.name, metric.compute(sample), np.nan, np.nan) for metric in plain]
            parts.append(pd.DataFrame(values, columns=["learner", "metric", "value", "low", "high"]).assign(origin=origin))
    table = pd.concat(parts, ignore_index=True)
    return table[["learner", "origin", "metric", "value", "low", "high"]]


def paired(found: Backtest, spreads: dict[str, Spread]) -> pd.DataFrame:
    """Tabulate, over all origins, every other forecast minus the default learner: learner, metric, value, low, high.

    Both of a difference are computed on the same draws of cards; an interval without 0 is a difference beyond that noise.
    """
    return spreads[ALL].differences(found.default)


def groups(found: Backtest) -> pd.DataFrame:
    """Judge every forecast by operator, home region and tenure.

    Columns learner, by, group, rows, blocks (distinct), expected (blocks), observed_expected, low, high (exact for Poisson counts
    of distinct blocks), then metrics of the group.
    """
    rows = found.rows.assign(tenure=tenure(found.rows["card_age_days"].to_numpy()))
    parts = []
    for by in GROUPS:
        for group, places in rows.groupby(by, sort=True, dropna=False).indices.items():
            blocks = _distinct(found, rows.iloc[places])
            for name, sample in samples_of(found, np.asarray(places)).items():
                parts.append({"learner": name, "by": by, "group": str(group), **_group(sample, blocks)})
    return pd.DataFrame(parts)


def tenure(days: np.ndarray) -> np.ndarray:
    """Name the tenure group of each age in days.

    >>> tenure(np.array([3.0, 400.0])).tolist()
    ['under 30 days', 'a year and more']
    """
    starts = [start for start, _ in TENURES]
    return np.array([name for _, name in TENURES], dtype=object)[np.searchsorted(starts, days, side="right") - 1]


def _group(sample: Sample, blocks: int) -> dict[str, float]:
    observed, expected = float(sample.y.sum()), float(sample.p.sum())
    low, high = ratio_interval(observed, expected, blocks, sample.overlap)
    found = {metric.name: metric.compute(sample) for metric in METRICS if metric.name in _GROUP_METRICS}
    ratio = observed / expected if expected > 0 else float("nan")
    head = {"rows": len(sample.y), "blocks": blocks, "expected": expected / sample.overlap}
    return {**head, "observed_expected": ratio, "low": low, "high": high, **found}


def _distinct(found: Backtest, rows: pd.DataFrame) -> int:
    """Count the blocks that a row's label looks at: of its cards, within the horizon of one of its dates."""
    hits = rows.loc[rows["y"] == 1, ["card_id", "as_of"]].merge(found.blocks, on="card_id")
    ahead = hits["blocked_at"] - hits["as_of"]
    within = (ahead >= pd.Timedelta(0)) & (ahead < pd.Timedelta(days=found.horizon))
    return len(hits.loc[within, ["card_id", "blocked_at"]].drop_duplicates())


def alert_table(found: Backtest, rule: AlertRule = DEFAULT_ALERT) -> pd.DataFrame:
    """Tabulate what the daily list of each forecast was worth: learner, list ("as served" or "without hysteresis"), figures."""
    cards, dates = found.rows["card_id"].to_numpy(dtype=object), found.rows["as_of"].to_numpy()
    parts = []
    for name in found.chances:
        margin = margins(found.chances[name].to_numpy())
        for told, used in (("as served", rule), ("without hysteresis", replace(rule, hysteresis=0.0))):
            listed = alerts(margin, cards, dates, used)
            parts.append({"learner": str(name), "list": told, **alert_figures(listed, cards, dates, found.blocks)})
    return pd.DataFrame(parts)


def horizon_table(found: Backtest) -> pd.DataFrame:
    """Tabulate the default learner's figures at each horizon: days, rows with a known label, metrics."""
    parts = []
    for days, table in sorted(found.horizons.items()):
        known = table[table["y"].notna()]
        parts.append({"days": days, **horizon_figures(known["y"].to_numpy(), known["p"].to_numpy())})
    return pd.DataFrame(parts)
