"""The learners that are compared, as a plain list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from blockrisk.models.estimators import Forecast
from blockrisk.models.exact import on_grid
from blockrisk.training.blend import fit_parts
from blockrisk.training.rules import fit_rules
from blockrisk.training.task import Task, as_rows
from blockrisk.training.trees import DEFAULT_TREES, bin_edges, fit_forest, to_bins

Array = np.ndarray


class Model(Protocol):
    """What a learner gives: log-odds and probabilities of a frame's rows, and an affine step behind them."""

    def margin(self, frame: pd.DataFrame) -> Array:
        """Give the log-odds of a block, float64[n]."""

    def predict_proba(self, frame: pd.DataFrame) -> Array:
        """Give the probabilities of no block and of a block, float64[n, 2]."""

    def recalibrated(self, a: float, b: float) -> Any:
        """Give the model with margin -> a + b * margin."""


@dataclass(frozen=True)
class Learner:
    """Name a way to learn: `call` fits a task; `fit` is the same for a frame and arrays."""

    name: str
    meaning: str
    call: Callable[[Task], Model]

    def fit(  # noqa: PLR0913 - all that may be known of the rows
        self,
        frame: pd.DataFrame,
        y: Any,
        *,
        weight: Any = None,
        times: Any = None,
        groups: Any = None,
        monotone: Mapping[str, int] | None = None,
        seed: int = 0,
        jobs: int = 2,
        gap: Any = None,
    ) -> Any:
        """Fit on the rows of a frame of feature columns and y (0 or 1).

        `weight` float[n] counts rows (default 1); `times` (sortable, n) lets choices be made forward in time; `groups` (card of
        each row) keeps a card's rows together; `monotone` maps columns to +1 or -1; `gap` (the horizon, as a difference of
        times) keeps labels from reaching into rows that choices are judged on. The same `seed` and rows give the same model,
        whatever the number of `jobs` (processes). ValueError when lengths differ or y holds anything but 0 and 1.
        """
        labels = check_rows(frame, y, weight, times, groups)
        weights = np.ones(len(labels)) if weight is None else np.asarray(weight, dtype=np.float64)
        when, whose = (None if part is None else np.asarray(part) for part in (times, groups))
        return self.call(Task(frame, labels, weights, when, whose, dict(monotone or {}), seed, jobs, gap))


def check_rows(frame: pd.DataFrame, y: Any, *others: Any) -> Array:
    """Give y as int64[n] of 0 and 1; ValueError says what does not fit.

    >>> check_rows(pd.DataFrame({"calls_out_1d": [1.0, 2.0]}), [True, False]).tolist()
    [1, 0]
    """
    labels = np.asarray(y).astype(np.float64)
    if not np.isin(labels, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1; leave unknown rows out before fitting")
    for given in (labels, *(other for other in others if other is not None)):
        if len(given) != len(frame):
            raise ValueError(f"{len(given)} values were given for {len(frame)} rows; give one for each row")
    return labels.astype(np.int64)


def _static_rules(task: Task) -> Model:
    return fit_rules(task.frame, task.y, task.weight)


def _smooth_logistic(task: Task) -> Model:
    return fit_parts(task, trees=False)


def _boosting_default(task: Task) -> Model:
    encoder, rows = as_rows(task)
    edges, free = bin_edges(rows.values), np.zeros_like(rows.signs)
    bins = to_bins(rows.values, edges)
    forest, start = fit_forest(bins, edges, rows.y, [rows.weight], DEFAULT_TREES, free, task.seed, 1)
    return Forecast(task.columns, encoder, float(on_grid(start)), None, forest)


def _boosting_shallow(task: Task) -> Model:
    return fit_parts(task, smooth=False)


LEARNERS = (
    Learner("static_rules", "the number of rules of the limits file that a card breaks", _static_rules),
    Learner("smooth_logistic", "ridge logistic regression on curves and a few products, monotone", _smooth_logistic),
    Learner("boosting_default", "histogram gradient boosting with scikit-learn's defaults", _boosting_default),
    Learner("boosting_shallow", "shallow, shrunk, monotone gradient boosting, averaged over bags", _boosting_shallow),
    Learner("blend", "gradient boosting and the smooth part, averaged in log-odds", fit_parts),
)
"""The learners compared by a backtest; the last is the default."""

DEFAULT_LEARNER = "blend"


def find_learner(name: str) -> Learner:
    """Find a learner by name; ValueError lists the names there are.

    >>> find_learner("blend").name
    'blend'
    """
    for learner in LEARNERS:
        if learner.name == name:
            return learner
    raise ValueError(f"there is no learner {name}; choose one of {', '.join(learner.name for learner in LEARNERS)}")
