"""The list of metrics that reports print, and the table that puts a model beside its baselines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from blockrisk.training import metrics as m


@dataclass(frozen=True)
class Sample:
    """Hold what a metric may look at: outcomes, probabilities, dates, the base rate known before, a seed.

    `y` and `p` are float arrays of one length without NaN; `dates`, of the same length, say which rows compete for the
    places of one morning (None: all of them); `reference` is the base rate of the training period.
    """

    y: np.ndarray
    p: np.ndarray
    dates: np.ndarray | None = None
    reference: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Metric:
    """Name a metric: what is better, how it is computed from a sample, and what it means.

    `better` is "one" where 1 is best, and "context" for a yardstick that another figure is read against.
    """

    name: str
    better: Literal["higher", "lower", "one", "context"]
    compute: Callable[[Sample], float]
    meaning: str


def _at(share: float) -> tuple[Metric, ...]:
    top = f"{share:.0%}".replace("%", "pct")
    return (
        Metric(
            f"precision_at_{top}",
            "higher",
            lambda s: m.precision_at(s.y, s.p, share, s.dates),
            f"blocked, of the top {share:.0%} of each date",
        ),
        Metric(
            f"ceiling_at_{top}",
            "context",
            lambda s: m.ceiling_at(s.y, s.p, share, s.dates),
            "that precision of a perfect order",
        ),
        Metric(
            f"recall_at_{top}",
            "higher",
            lambda s: m.recall_at(s.y, s.p, share, s.dates),
            "of all blocked, those among them",
        ),
        Metric(
            f"lift_at_{top}",
            "higher",
            lambda s: m.lift_at(s.y, s.p, share, s.dates),
            "that precision over the base rate",
        ),
    )


METRICS: Final = (
    Metric("base_rate", "context", lambda s: m.base_rate(s.y), "share of rows with a block"),
    Metric("roc_auc", "higher", lambda s: m.roc_auc(s.y, s.p), "order over the whole range"),
    Metric("average_precision", "higher", lambda s: m.average_precision(s.y, s.p), "order at the top"),
    Metric("log_loss", "lower", lambda s: m.log_loss(s.y, s.p), "honest probabilities, in nats"),
    Metric(
        "log_loss_skill",
        "higher",
        lambda s: m.log_loss_skill(s.y, s.p, s.reference),
        "log loss saved against the base rate",
    ),
    Metric("brier", "lower", lambda s: m.brier(s.y, s.p), "squared error of the probabilities"),
    Metric("observed_expected", "one", lambda s: m.observed_expected(s.y, s.p), "blocks over blocks forecast"),
    Metric("calibration_slope", "one", lambda s: m.calibration_slope(s.y, s.p), "below 1: too extreme"),
    Metric("ece", "lower", lambda s: m.expected_calibration_error(s.y, s.p), "expected calibration error"),
    Metric("ece_noise_floor", "context", lambda s: m.ece_noise_floor(s.p, s.seed), "the same for a perfect model"),
    *_at(0.01),
    *_at(0.05),
)
"""Every metric that a report prints, in its order; adding one is a line here and its test."""


def evaluate(sample: Sample) -> dict[str, float]:
    """Compute every metric of the list, in its order.

    >>> figures = evaluate(Sample(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.4])))
    >>> figures["base_rate"], figures["roc_auc"]
    (0.5, 0.75)
    """
    return {metric.name: metric.compute(sample) for metric in METRICS}


def comparison(samples: Mapping[str, Sample]) -> pd.DataFrame:
    """Tabulate every metric for several forecasts of the same rows: one row a metric, one column a forecast.

    >>> y = np.array([0.0, 1.0, 0.0, 1.0])
    >>> model, constant = Sample(y, np.array([0.1, 0.2, 0.3, 0.4])), Sample(y, np.full(4, 0.5))
    >>> table = comparison({"model": model, "base_rate": constant})
    >>> table.loc["roc_auc"].to_dict()
    {'model': 0.75, 'base_rate': 0.5}
    """
    return pd.DataFrame({name: evaluate(sample) for name, sample in samples.items()}).rename_axis("metric")
