"""Well-known learners of others, compared where they are installed: `pip install blockrisk[bench]`."""

import importlib.util
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.models.encode import TextEncoder
from blockrisk.models.estimators import constant_forecast
from blockrisk.training.learners import Learner, Model
from blockrisk.training.task import Task, as_rows


@dataclass(frozen=True)
class PeerModel:
    """Hold a fitted classifier of another library behind our encoder, and an affine step behind its log-odds."""

    columns: list[str]
    encoder: TextEncoder
    classifier: Any
    a: float = 0.0
    b: float = 1.0

    def margin(self, frame: pd.DataFrame) -> np.ndarray:
        """Give the log-odds of a block, float64[n]."""
        values = replace(constant_forecast(self.columns, 0.5), encoder=self.encoder).values(frame)
        risk = np.clip(self.classifier.predict_proba(values)[:, 1], 1e-9, 1 - 1e-9)
        return self.a + self.b * (np.log(risk) - np.log1p(-risk))

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Give the probabilities of no block and of a block, float64[n, 2]."""
        risk = 1 / (1 + np.exp(-self.margin(frame)))
        return np.column_stack([1 - risk, risk])

    def recalibrated(self, a: float, b: float) -> "PeerModel":
        """Put an affine step behind: margin -> a + b * margin; ValueError unless b > 0."""
        if not b > 0:
            raise ValueError(f"the slope of a calibration must be above 0 to keep the order, not {b}")
        return PeerModel(self.columns, self.encoder, self.classifier, a + b * self.a, b * self.b)


def installed_peers() -> tuple[Learner, ...]:
    """List the peers whose library is installed; none without the `bench` extra."""
    return tuple(learner for package, learner in PEERS if importlib.util.find_spec(package) is not None)


def _lightgbm(task: Task) -> Model:
    import lightgbm

    encoder, rows = as_rows(task)
    classifier = lightgbm.LGBMClassifier(
        n_estimators=200,
        learning_rate=0.03,
        num_leaves=7,
        min_child_samples=100,
        reg_lambda=5.0,
        colsample_bytree=0.5,
        monotone_constraints=rows.signs.tolist(),
        random_state=task.seed,
        n_jobs=task.jobs,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    classifier.fit(rows.values, rows.y, sample_weight=rows.weight)
    return PeerModel(task.columns, encoder, _Booster(classifier.booster_))


def _ebm(task: Task) -> Model:
    from interpret.glassbox import ExplainableBoostingClassifier

    encoder, rows = as_rows(task)
    classifier = ExplainableBoostingClassifier(
        feature_names=task.columns,
        monotone_constraints=rows.signs.tolist(),
        interactions=5,
        outer_bags=4,
        random_state=task.seed,
        n_jobs=task.jobs,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Missing values detected")  # of its plots, which are not drawn
        classifier.fit(rows.values, rows.y, sample_weight=rows.weight)
    return PeerModel(task.columns, encoder, classifier)


@dataclass(frozen=True)
class _Booster:
    """LightGBM's own model, without scikit-learn's names of columns."""

    booster: Any

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        risk = np.asarray(self.booster.predict(values))
        return np.column_stack([1 - risk, risk])


PEERS = (
    ("lightgbm", Learner("lightgbm", "LightGBM, small trees, monotone, regularised", _lightgbm)),
    ("interpret", Learner("ebm", "explainable boosting machine of InterpretML, monotone, five pairs", _ebm)),
)
"""Package and learner."""
