"""The choice of a learner, and columns that are too good to be true."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from blockrisk.training import choice
from blockrisk.training.choice import CANDIDATES, choose, standard_error
from blockrisk.training.fitting import Examples
from blockrisk.training.leaks import leak_cautions, suspicious_columns
from blockrisk.training.learners import DEFAULT_LEARNER


class Told:
    """A model that gives a column as its margin."""

    def __init__(self, column: str) -> None:
        self.column = column

    def margin(self, frame: pd.DataFrame) -> np.ndarray:
        return frame[self.column].to_numpy()


def examples(seed: int = 0, rows: int = 4000) -> Examples:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-3, 1.2, rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    frame = pd.DataFrame({"good": truth, "noisy": truth + rng.normal(0, 0.02, rows), "bad": rng.normal(-3, 1, rows)})
    return Examples(frame, y, np.arange(rows).astype(object) // 4, None, {})


def told_by(monkeypatch: pytest.MonkeyPatch, columns: dict[str, str]) -> None:
    def fit(earlier: Examples, name: str, seed: int, jobs: int) -> Any:
        return Told(columns[name])

    monkeypatch.setattr(choice, "fit_examples", fit)


def test_the_default_stays_where_another_is_better_by_less_than_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    told_by(monkeypatch, {DEFAULT_LEARNER: "noisy", "smooth_logistic": "good", "boosting_shallow": "bad"})
    found, model = choose(examples(), examples(), 0, 1)
    assert found.learner == DEFAULT_LEARNER
    assert model.column == "noisy"
    assert all(name in found.reason for name in CANDIDATES)
    figures = found.candidates
    assert list(figures) == list(CANDIDATES)
    assert figures["smooth_logistic"]["roc_auc"] > 0.75 > 0.6 > figures["boosting_shallow"]["roc_auc"]
    assert all(f"{name} {figures[name]['log_loss']:.5f}" in found.reason for name in CANDIDATES)


def test_a_clearly_better_learner_is_taken_and_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    told_by(monkeypatch, {DEFAULT_LEARNER: "bad", "smooth_logistic": "good", "boosting_shallow": "bad"})
    found, model = choose(examples(), examples(), 0, 1)
    assert found.learner == "smooth_logistic"
    assert model.column == "good"
    assert found.reason.startswith("smooth_logistic: it forecasts the 4,000 later rows best")


def test_rows_of_one_card_count_as_one() -> None:
    differences = np.random.default_rng(0).normal(size=500)
    one = standard_error(differences, np.arange(500))
    seven = standard_error(np.repeat(differences, 7), np.repeat(np.arange(500), 7))
    assert one == pytest.approx(seven)
    assert standard_error(differences, np.zeros(500)) == float("inf")


@pytest.mark.parametrize("leak", [lambda y: y * 3.0, lambda y: -y, lambda y: np.where(y == 1, np.nan, 5.0)])
def test_a_column_that_tells_the_label_is_named(leak: Any) -> None:
    data = examples()
    frame = data.frame.assign(unblocked_h=leak(data.y), operator="A")
    assert suspicious_columns(frame, data.y) == ["unblocked_h"]
    assert "unblocked_h" in str(leak_cautions(frame, data.y)[0])


def test_strong_but_honest_columns_raise_no_alarm() -> None:
    data = examples()
    assert suspicious_columns(data.frame, data.y) == []
    assert suspicious_columns(data.frame.assign(empty=np.nan), data.y) == []
