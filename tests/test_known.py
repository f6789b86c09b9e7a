"""What is judged was fitted on what was known then: no label at a further horizon that looks past the first day judged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from blockrisk.training import backtest
from blockrisk.training.fitting import Examples, fit_and_judge
from blockrisk.training.origins import Origin
from blockrisk.training.split import RowSplit

CARDS, STEP = 300, np.timedelta64(8, "D")
START = np.datetime64("2026-01-05", "us")
DATES = START + STEP * np.arange(12)
SPLIT = RowSplit(np.arange(7 * CARDS), np.arange(7 * CARDS, 9 * CARDS), np.arange(10 * CARDS, 12 * CARDS))
"""Seven dates to train, two to calibrate, one left out, two to test, past whose first the 30-day labels of those before look."""


def examples(seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=12 * CARDS)
    week = (rng.random(len(x)) < 1 / (1 + np.exp(3 - x))).astype(float)
    month = np.maximum(week, (rng.random(len(x)) < 0.1).astype(float))
    cards = np.tile(np.array([f"{n}" for n in range(CARDS)], dtype=object), 12)
    return Examples(pd.DataFrame({"operator": "A", "x": x}), week, cards, np.repeat(DATES, CARDS), {}, 7, {30: month})


def with_another_future(seen: Examples, moment: np.datetime64, rows: np.ndarray) -> Examples:
    """Turn round the 30-day labels, of some rows, that look past a moment."""
    turned = np.zeros(len(seen.y), dtype=bool)
    turned[rows] = (seen.dates[rows] + np.timedelta64(30, "D")) > moment
    assert turned.any()
    return replace(seen, others={30: np.where(turned, 1 - seen.others[30], seen.others[30])})


def test_the_judged_horizons_of_a_training_do_not_see_past_the_first_test_date() -> None:
    seen = examples()
    earlier = np.concatenate([SPLIT.train, SPLIT.calibrate])
    other = with_another_future(seen, DATES[10], earlier)
    figures = [fit_and_judge(one, SPLIT, "smooth_logistic", 0, 1).horizons[30] for one in (seen, other)]
    assert figures[0] == figures[1]
    none = np.where(np.arange(len(seen.y)) < 2 * CARDS, 0.0, seen.others[30])
    again = fit_and_judge(replace(seen, others={30: none}), SPLIT, "smooth_logistic", 0, 1).horizons[30]
    assert again["log_loss_skill"] != figures[0]["log_loss_skill"], "what was known does count, in the base rate"


def test_the_horizons_of_a_backtest_do_not_see_past_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, days = examples(), [pd.Timestamp(date) for date in DATES]
    origin = Origin(tuple(days[:7]), tuple(days[7:9]), tuple(days[10:]))
    other = with_another_future(seen, DATES[10], np.arange(10 * CARDS))
    monkeypatch.setattr(backtest, "_described", lambda judged, number, rate: pd.DataFrame({"y": judged.y}))
    found = [backtest._forecast(one, [origin], ["smooth_logistic"], 0, 1, print)[2][30]["p"] for one in (seen, other)]
    assert (found[0] == found[1]).all()
