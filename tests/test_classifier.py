"""Our learners follow scikit-learn's contract."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from blockrisk.training import trees_fit
from blockrisk.training.classifier import BlockClassifier


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grow few trees: the contract is tested, not the forecast."""
    monkeypatch.setattr(trees_fit, "STAGES", (5, 10))
    monkeypatch.setattr(trees_fit, "TREES", 10)
    monkeypatch.setattr(trees_fit, "BAGS", 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([BlockClassifier("smooth_logistic"), BlockClassifier("boosting_default")])
def test_estimator_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([BlockClassifier("blend"), BlockClassifier("boosting_shallow")])
def test_estimator_checks_of_the_slower_learners(estimator: Any, check: Any) -> None:
    check(estimator)


def test_text_columns_are_learnt_as_levels() -> None:
    frame = pd.DataFrame({"operator": ["A", "B"] * 200, "calls_out_1d": np.arange(400.0)})
    y = np.array([1, 0] * 200)
    model = BlockClassifier("smooth_logistic").fit(frame, y)
    assert model.predict(frame).tolist() == y.tolist()
    assert model.feature_names_in_.tolist() == ["operator", "calls_out_1d"]
