"""One course for both ways to train: fit on train, calibrate on calibrate, judge on test, refit on all rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.models.estimators import Forecast, probability
from blockrisk.models.ladder import Ladder
from blockrisk.training.calibrate import fit_affine
from blockrisk.training.evaluation import Sample, comparison, horizon_figures
from blockrisk.training.horizons import fit_ladder
from blockrisk.training.learners import LEARNERS, find_learner
from blockrisk.training.operators import shift_operators
from blockrisk.training.plots import MODEL
from blockrisk.training.rules import RULES, fit_rules
from blockrisk.training.sentences import mistake
from blockrisk.training.split import RowSplit, overlap_of
from blockrisk.training.weekdays import weekday_rates

SIMPLE_LEARNER: Final = "smooth_logistic"
"""The learner for few blocks."""

FEW_BLOCKS: Final = 50
"""Fewer blocks than this to learn from, and the simple learner is taken."""

LEAST_BLOCKS: Final = 10
"""Fewer blocks than this, and nothing is learned."""

LEAST_POSITIVES: Final = 5
"""Fewer rows with a block than this to learn from, whatever the ledger holds, and nothing is learned."""

BASELINE: Final = "static_rules"
"""The learner that is a yardstick and not shipped."""


@dataclass(frozen=True)
class Examples:
    """Hold labelled rows: feature columns, y (0.0 or 1.0), the card and, where there are dates, the as_of of each.

    `horizon` is that of y in days (None without dates); `others` has the labels at further horizons by days, NaN where unknown;
    `blocked` datetime64[m] the moments of the ledger's blocks, whether a row tells of them or not.
    """

    frame: pd.DataFrame
    y: np.ndarray
    cards: np.ndarray
    dates: np.ndarray | None
    monotone: Mapping[str, int]
    horizon: int | None = None
    others: Mapping[int, np.ndarray] = field(default_factory=dict)
    blocked: np.ndarray = field(default_factory=lambda: np.empty(0, "datetime64[us]"))

    def take(self, rows: np.ndarray) -> "Examples":
        """Take rows by position."""
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            y=self.y[rows],
            cards=self.cards[rows],
            dates=None if self.dates is None else self.dates[rows],
            others={days: y[rows] for days, y in self.others.items()},
        )

    def known_at(self, moment: np.datetime64) -> "Examples":
        """Leave out the labels at further horizons that were not known at a moment: those that look past it."""
        if self.dates is None:
            return self
        ends = {days: self.dates + np.timedelta64(days, "D") for days in self.others}
        return replace(self, others={days: np.where(ends[days] > moment, np.nan, y) for days, y in self.others.items()})


@dataclass(frozen=True)
class Fitted:
    """Hold the model to ship, the forecasts of the test rows it was judged by, and the calibration it was given.

    `samples` has the keys model, base_rate and, where its columns are there, static_rules; `metrics` tabulates them. The
    judged model has seen the train slice only and was calibrated on the next; the model to ship has seen every row. `ladder`
    holds the horizons of the model to ship (None without dates) and `horizons` the figures of the judged one's by days.
    """

    model: Forecast
    samples: dict[str, Sample]
    metrics: pd.DataFrame
    ladder: Ladder | None = None
    horizons: dict[int, dict[str, float]] = field(default_factory=dict)


def fit_and_judge(  # noqa: PLR0913 - the parts of one course
    examples: Examples, split: RowSplit, learner: str, seed: int, jobs: int, first: Any = None
) -> Fitted:
    """Fit, calibrate, judge and refit; `first` is the learner as fitted on the train slice, where that was done.

    The calibration of the model to ship is found on the calibrate and test rows together, both of them unseen by the
    model that forecasts them; its parts are then fitted again on all rows. Same arguments, same result. Raises
    ValueError for an unknown learner.
    """
    train, calibrate, test = (examples.take(rows) for rows in split)
    first = first or fit_examples(train, learner, seed, jobs)
    known = _known_before(test, train, calibrate)
    judged, ladder = calibrated(first, first, known[1])
    samples = _samples(judged, train, calibrate, test, seed)
    later = examples.take(np.concatenate([split.calibrate, split.test]))
    shipped, rungs = calibrated(first, fit_examples(examples, learner, seed, jobs), later)
    return Fitted(shipped, samples, comparison(samples), rungs, _horizon_figures(judged, ladder, join(*known), test))


def _known_before(test: Examples, *earlier: Examples) -> list[Examples]:
    """Give the earlier rows as they were known when the first test row was forecast."""
    return [part if test.dates is None else part.known_at(test.dates.min()) for part in earlier]


def fit_forward(earlier: Examples, later: Examples, learner: str, seed: int, jobs: int) -> tuple[Any, Ladder | None]:
    """Fit on earlier rows, calibrate on later ones, and fit again on both: what is shipped when these rows are all there are.

    Returns the model and its horizons (None without dates).
    """
    first = fit_examples(earlier, learner, seed, jobs)
    return calibrated(first, fit_examples(join(earlier, later), learner, seed, jobs), later)


def calibrated(first: Any, model: Any, later: Examples) -> tuple[Any, Ladder | None]:
    """Put behind `model` what the rows after those of `first` say of level, confidence, operators and horizons.

    `first` has not seen the rows `later`; `model` may be it, or the same learner fitted on more rows.
    """
    margin = first.margin(later.frame)
    a, b = fit_affine(margin, later.y)
    model, margin = model.recalibrated(a, b), a + b * margin
    if later.dates is None or later.horizon is None:
        return model, None
    if isinstance(model, Forecast):
        model, shift = shift_operators(model, later.frame, later.y, margin, later.dates, later.horizon)
        margin = margin + shift
    week = weekday_rates(later.blocked, later.dates.max() + np.timedelta64(later.horizon, "D"))
    return model, fit_ladder(margin, later.horizon, later.others, later.dates, week)


def _horizon_figures(model: Forecast, ladder: Ladder | None, earlier: Examples, test: Examples) -> dict[int, dict[str, float]]:
    """Judge each horizon on the test rows, its skill against the base rate of the rows before."""
    if ladder is None:
        return {}
    found = probability(ladder.margins(model.margin(test.frame), test.dates))
    before, labels = ({**rows.others, ladder.primary: rows.y} for rows in (earlier, test))
    known = {days: ~np.isnan(labels[days]) for days in ladder.days}
    rates = {days: _rate(before, days, ladder.primary) for days in ladder.days}
    return {
        days: horizon_figures(labels[days][known[days]], found[known[days], place], rates[days])
        for place, days in enumerate(ladder.days)
    }


def _rate(labels: Mapping[int, np.ndarray], days: int, primary: int) -> float:
    """Give the share of rows with a block within days; where no label was known yet, that of a steady hazard."""
    y = labels[days]
    if np.isnan(y).all():
        return float(1 - (1 - np.nanmean(labels[primary])) ** (days / primary))
    return float(np.nanmean(y))


def check_learner(name: str | None) -> None:
    """Raise UserError unless the name is that of a learner that can be shipped; None, the default, can."""
    names = [learner.name for learner in LEARNERS if learner.name != BASELINE]
    if name is not None and name not in names:
        raise mistake("no_learner_to_ship", name=name, known=", ".join(names))


def fit_examples(examples: Examples, learner: str, seed: int, jobs: int) -> Any:
    """Fit a learner on all rows; choices inside it are made forward in time, a horizon apart."""
    from blockrisk.training.peers import installed_peers

    found = next((peer for peer in installed_peers() if peer.name == learner), None) or find_learner(learner)
    return found.fit(
        examples.frame,
        examples.y,
        times=examples.dates,
        groups=examples.cards,
        monotone=dict(examples.monotone),
        seed=seed,
        jobs=jobs,
        gap=None if examples.horizon is None else np.timedelta64(examples.horizon, "D"),
    )


def join(first: Examples, second: Examples) -> Examples:
    """Put the rows of two sets one behind the other; horizons and signs are those of the first."""
    dates = None if first.dates is None or second.dates is None else np.concatenate([first.dates, second.dates])
    return replace(
        first,
        frame=pd.concat([first.frame, second.frame], ignore_index=True),
        y=np.concatenate([first.y, second.y]),
        cards=np.concatenate([first.cards, second.cards]),
        dates=dates,
        others={days: np.concatenate([first.others[days], second.others[days]]) for days in first.others},
    )


def _samples(model: Forecast, train: Examples, calibrate: Examples, test: Examples, seed: int) -> dict[str, Sample]:
    """Forecast the test rows by the model and by what knows less, each from the same earlier rows."""
    known = np.concatenate([train.y, calibrate.y])
    rate = float(known.mean())

    overlap = 1.0 if test.horizon is None else overlap_of(test.horizon)

    def sample(p: np.ndarray) -> Sample:
        return Sample(test.y, p, test.dates, rate, seed, overlap=overlap)

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
