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
    places of one morning (None: all of them); `reference` is the base rate known before, one number or one for each row; `q`
    are the true chances, known for simulated data only. `overlap` is the number of rows that look at one and the same day ahead
    (7 for daily rows of seven days): they are as telling as a seventh of them.
    """

    y: np.ndarray
    p: np.ndarray
    dates: np.ndarray | None = None
    reference: float | np.ndarray | None = None
    seed: int = 0
    q: np.ndarray | None = None
    overlap: float = 1.0

    def take(self, rows: np.ndarray) -> "Sample":
        """Take rows by position, or by a mask.

        >>> Sample(np.array([0.0, 1.0]), np.array([0.1, 0.2]), reference=0.5).take(np.array([1])).p.tolist()
        [0.2]
        """

        def part(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[rows]

        reference = self.reference[rows] if isinstance(self.reference, np.ndarray) else self.reference
        return Sample(self.y[rows], self.p[rows], part(self.dates), reference, self.seed, part(self.q), self.overlap)


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
    Metric(
        "ece_noise_floor", "context", lambda s: m.ece_noise_floor(s.p, s.seed, overlap=s.overlap), "the same for a perfect model"
    ),
    *_at(0.01),
    *_at(0.05),
)
"""Every metric that a report prints, in its order; adding one is a line here and its test."""

ORACLE_GAIN: Final = Metric(
    "oracle_gain",
    "higher",
    lambda s: float("nan") if s.q is None else m.oracle_gain(s.q, s.p, s.reference),
    "share of the best possible gain in expected log loss",
)
"""The metric that only simulated data have."""


HORIZON_METRICS: Final = ("base_rate", "roc_auc", "average_precision", "log_loss_skill", "observed_expected", "calibration_slope")
"""What is told of each horizon."""


def horizon_figures(y: np.ndarray, p: np.ndarray, reference: float | None = None) -> dict[str, float]:
    """Compute the number of rows and HORIZON_METRICS of one horizon; no rows give NaN. `reference` is the base rate known before.

    >>> horizon_figures(np.array([0.0, 1.0]), np.array([0.2, 0.6]))["roc_auc"]
    1.0
    """
    chosen = [metric for metric in METRICS if metric.name in HORIZON_METRICS]
    return {"rows": float(len(y)), **{metric.name: metric.compute(Sample(y, p, reference=reference)) for metric in chosen}}


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
