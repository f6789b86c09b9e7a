"""Intervals by a block bootstrap: whole cards are drawn, since the days of one card tell almost the same story."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import gamma

from blockrisk.training.evaluation import Metric, Sample

Array = np.ndarray

DRAWS: Final = 200
"""Draws of the cards behind an interval."""

LEVEL: Final = 0.95
"""Share of the draws inside an interval."""


@dataclass(frozen=True)
class Spread:
    """Hold, for each forecast, the metrics of the rows, float64[metrics], and of each draw, float64[draws, metrics]."""

    metrics: tuple[str, ...]
    values: dict[str, Array]
    draws: dict[str, Array]

    def table(self) -> pd.DataFrame:
        """Tabulate learner, metric, value, low, high."""
        return _tabulate(self.metrics, self.values, self.draws)

    def differences(self, against: str) -> pd.DataFrame:
        """Tabulate every other forecast minus `against`, both of the same draws: learner, metric, value, low, high."""
        others = [name for name in self.values if name != against]
        values = {name: self.values[name] - self.values[against] for name in others}
        return _tabulate(self.metrics, values, {name: self.draws[name] - self.draws[against] for name in others})


def card_draws(cards: Array, draws: int, seed: int) -> Iterator[Array]:
    """Draw as many cards as there are, with replacement, and give the row positions of all drawn cards, each time.

    >>> [sorted(rows.tolist()) for rows in card_draws(np.array(["a", "a", "b"]), 2, seed=1)]
    [[0, 1, 2], [2, 2]]
    """
    distinct, code = np.unique(cards, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        times = np.bincount(rng.integers(0, len(distinct), size=len(distinct)), minlength=len(distinct))
        yield np.repeat(np.arange(len(cards)), times[code])


def spread(
    samples: Mapping[str, Sample], cards: Array, metrics: Sequence[Metric], *, draws: int = DRAWS, seed: int = 0, jobs: int = 1
) -> Spread:
    """Compute metrics of several forecasts of the same rows, and again for each draw of cards, the same for all forecasts."""
    drawn = list(card_draws(cards, draws, seed)) if draws else []
    parts = np.array_split(np.arange(len(drawn)), max(1, min(jobs, len(drawn))))
    work = (delayed(_figures)(samples, [drawn[place] for place in part], metrics) for part in parts)
    found = Parallel(n_jobs=jobs)(work)
    values = {name: _row(sample, metrics) for name, sample in samples.items()}
    return Spread(
        tuple(metric.name for metric in metrics),
        values,
        {name: np.concatenate([part[name] for part in found]) for name in samples},
    )


def ratio_interval(observed: float, expected: float, events: int, overlap: float) -> tuple[float, float]:
    """Give the interval of observed / expected when `events` distinct events stand behind the observed rows.

    `overlap` is how many rows one event fills in the mean (7 for daily rows of seven days); `expected` is in rows. The events are
    taken as Poisson and the interval is exact for them (Garwood 1936), so no event at all has an upper end as well. An
    expected sum of 0 gives NaN.

    >>> [round(end, 2) for end in ratio_interval(10.0, 10.0, 10, 1.0)], [round(end, 2) for end in ratio_interval(0.0, 7.0, 0, 7.0)]
    ([0.48, 1.84], [0.0, 3.69])
    """
    if not expected > 0:
        return float("nan"), float("nan")
    rows = observed / events if events else overlap
    low = float(gamma.ppf((1 - LEVEL) / 2, events)) if events else 0.0
    return low * rows / expected, float(gamma.ppf((1 + LEVEL) / 2, events + 1)) * rows / expected


def _figures(samples: Mapping[str, Sample], drawn: list[Array], metrics: Sequence[Metric]) -> dict[str, Array]:
    return {
        name: np.array([_row(sample.take(rows), metrics) for rows in drawn]).reshape(-1, len(metrics))
        for name, sample in samples.items()
    }


def _row(sample: Sample, metrics: Sequence[Metric]) -> Array:
    return np.array([metric.compute(sample) for metric in metrics])


def _tabulate(metrics: Sequence[str], values: Mapping[str, Array], draws: Mapping[str, Array]) -> pd.DataFrame:
    rows = []
    for name, found in values.items():
        ends = np.full((2, len(metrics)), np.nan)
        for place in range(len(metrics)):
            known = draws[name][:, place][~np.isnan(draws[name][:, place])]
            if len(known):
                ends[:, place] = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        rows += [(name, metric, *figures) for metric, *figures in zip(metrics, found, *ends, strict=True)]
    return pd.DataFrame(rows, columns=["learner", "metric", "value", "low", "high"])
