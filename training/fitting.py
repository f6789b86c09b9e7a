"""One course for both ways to train: fit on train, calibrate on calibrate, judge on test, refit on all rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.features.errors import UserError
from blockrisk.models.estimators import Forecast
from blockrisk.training.calibrate import fit_affine
from blockrisk.training.evaluation import Sample, comparison
from blockrisk.training.learners import LEARNERS, find_learner
from blockrisk.training.plots import MODEL
from blockrisk.training.rules import RULES, fit_rules
from blockrisk.training.split import RowSplit

SIMPLE_LEARNER: Final = "smooth_logistic"
"""The learner for few blocks."""

FEW_BLOCKS: Final = 50
"""Fewer blocks than this to learn from, and the simple learner is taken."""

LEAST_BLOCKS: Final = 10
"""Fewer blocks than this, and nothing is learned."""

BASELINE: Final = "static_rules"
"""The learner that is a yardstick and not shipped."""


@dataclass(frozen=True)
class Examples:
    """Hold labelled rows: feature columns, y (0.0 or 1.0), the card and, where there are dates, the as_of of each."""

    frame: pd.DataFrame
    y: np.ndarray
    cards: np.ndarray
    dates: np.ndarray | None
    monotone: Mapping[str, int]

    def take(self, rows: np.ndarray) -> "Examples":
        """Take rows by position."""
        dates = None if self.dates is None else self.dates[rows]
        return Examples(self.frame.iloc[rows].reset_index(drop=True), self.y[rows], self.cards[rows], dates, self.monotone)


@dataclass(frozen=True)
class Fitted:
    """Hold the model to ship, the forecasts of the test rows it was judged by, and the calibration it was given.

    `samples` has the keys model, base_rate and, where its columns are there, static_rules; `metrics` tabulates them. The
    judged model has seen the train slice only and was calibrated on the next; the model to ship has seen every row.
    """

    model: Forecast
    samples: dict[str, Sample]
    metrics: pd.DataFrame
    calibration: tuple[float, float]


def fit_and_judge(examples: Examples, split: RowSplit, learner: str, seed: int, jobs: int) -> Fitted:
    """Fit, calibrate, judge and refit.

    The calibration of the model to ship is found on the calibrate and test rows together, both of them unseen by the
    model that forecasts them; its parts are then fitted again on all rows. Same arguments, same result. Raises
    ValueError for an unknown learner.
    """
    train, calibrate, test = (examples.take(rows) for rows in split)
    model = _fit(train, learner, seed, jobs)
    judged = model.recalibrated(*fit_affine(model.margin(calibrate.frame), calibrate.y))
    samples = _samples(judged, train, calibrate, test, seed)
    later = examples.take(np.concatenate([split.calibrate, split.test]))
    a, b = fit_affine(model.margin(later.frame), later.y)
    shipped = _fit(examples, learner, seed, jobs).recalibrated(a, b)
    return Fitted(shipped, samples, comparison(samples), (a, b))


def check_learner(name: str | None) -> None:
    """Raise UserError unless the name is that of a learner that can be shipped; None, the default, can."""
    names = [learner.name for learner in LEARNERS if learner.name != BASELINE]
    if name is not None and name not in names:
        raise UserError(f'--learner "{name}" is none that can be shipped; choose one of {", ".join(names)}')


def _fit(examples: Examples, learner: str, seed: int, jobs: int) -> Forecast:
    return find_learner(learner).fit(
        examples.frame,
        examples.y,
        times=examples.dates,
        groups=examples.cards,
        monotone=dict(examples.monotone),
        seed=seed,
        jobs=jobs,
    )


def _samples(model: Forecast, train: Examples, calibrate: Examples, test: Examples, seed: int) -> dict[str, Sample]:
    """Forecast the test rows by the model and by what knows less, each from the same earlier rows."""
    known = np.concatenate([train.y, calibrate.y])
    rate = float(known.mean())

    def sample(p: np.ndarray) -> Sample:
        return Sample(test.y, p, test.dates, rate, seed)

    found = {MODEL: sample(_chance(model, test.frame)), "base_rate": sample(np.full(len(test.y), rate))}
    if any(rule.column in test.frame.columns for rule in RULES):
        rules = fit_rules(pd.concat([train.frame, calibrate.frame]), known)
        found[BASELINE] = sample(_chance(rules, test.frame))
    return found


def _chance(model: Any, frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.predict_proba(frame)[:, 1], dtype="float64")


def slice_counts(examples: Examples, split: RowSplit) -> dict[str, dict[str, Any]]:
    """Count the rows, cards and blocks of each slice and of all, with the first and last as_of where there are dates."""
    parts = {"train": split.train, "calibrate": split.calibrate, "test": split.test}
    parts["all"] = np.concatenate(list(split))
    return {name: _counts(examples.take(rows)) for name, rows in parts.items()}


def _counts(part: Examples) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "rows": len(part.y),
        "cards": len(np.unique(part.cards.astype(str))),
        "positives": int(part.y.sum()),
    }
    if part.dates is not None:
        dates = pd.to_datetime(part.dates)
        counts |= {"dates": int(dates.nunique()), "first": str(dates.min().date()), "last": str(dates.max().date())}
    return counts
