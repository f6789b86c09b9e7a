"""Advice against the truth: each action applied for real in the simulator."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from explaining import DAYS, hand_made, small_tables, small_world

from blockrisk.features import read_tables
from blockrisk.serving import load_model
from blockrisk.serving.actions import ACTIONS
from blockrisk.training.advice_check import REAL, check_advice, figures, true_chances
from blockrisk.training.simulator import simulate


def test_every_action_whose_effect_is_told_can_be_applied_for_real() -> None:
    assert set(REAL) == {action.code for action in ACTIONS if action.change}


@pytest.mark.parametrize("code", sorted(REAL))
def test_a_lawful_action_never_raises_the_true_chance(code: str) -> None:
    world = small_world()
    cards = np.flatnonzero(world.states[40].on).tolist()
    before = true_chances(world, 40, cards, "", horizon=7, rollouts=16, seed=1)
    after = true_chances(world, 40, cards, code, horizon=7, rollouts=16, seed=1)
    assert (after <= before + 1e-9).all()
    assert (before > 0).all()
    idle = {"answer_complaints", "update_registration", "pay_due"}
    assert (after < before - 1e-9).any() or code in idle


def test_the_same_seed_draws_the_same_future() -> None:
    draws = [true_chances(small_world(), 30, [1, 2, 3], "call_less_half", horizon=7, rollouts=8, seed=5).tolist() for _ in range(2)]
    assert draws[0] == draws[1]


@pytest.mark.long
def test_cases_are_the_advice_that_is_shown_with_its_truth() -> None:
    cases = check_advice(small_world(), small_tables(), hand_made(), [40, DAYS], most=60, rollouts=4)
    assert len(cases) == 60
    assert (cases["with_it"] < cases["without"]).all()
    assert cases[["true_without", "true_with"]].notna().all(axis=None)
    table = figures(cases)
    assert table.loc["all", "cases"] == 60 == table["cases"].sum() / 2


def test_figures_count_what_lies_outside_and_what_goes_the_wrong_way() -> None:
    told = {"action": "pay_due", "without": 0.2, "with_it": 0.1, "low": 0.05, "high": 0.19}
    found = figures(
        pd.DataFrame(
            [
                {**told, "true_without": 0.2, "true_with": 0.1},
                {**told, "true_without": 0.2, "true_with": 0.21},
                {**told, "true_without": 0.5, "true_with": 0.1},
            ]
        )
    ).loc["pay_due"]
    assert found[["cases", "firm"]].tolist() == [3, 3]
    assert found["inside"] == pytest.approx(1 / 3)
    assert found["right"] == pytest.approx(2 / 3)


@pytest.mark.long
def test_the_true_change_lies_in_the_stated_interval_in_nine_cases_of_ten(demo: Path) -> None:
    world = simulate(300, 90, 1, horizon=7, rollouts=1)
    tables = read_tables(demo / "demo/data")
    assert sorted(world.tables["cards"]["card_id"]) == tables.frame("cards")["card_id"].tolist()
    cases = check_advice(world, tables, load_model(demo / "demo/model"), [62, 90], rollouts=32)
    found = figures(cases).loc["all"]
    assert found["cases"] == 2_000
    assert found["inside"] >= 0.9
    assert found["firm"] >= 20
    assert found["right"] == 1
