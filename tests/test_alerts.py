"""The daily list, what it catches, and how much of it changes."""

import numpy as np
import pandas as pd
import pytest

from blockrisk.features.errors import UserError
from blockrisk.serving.alerts import AlertRule, alerts, read_rule, rule_of_costs
from blockrisk.training.alert_metrics import alert_figures, churn, lead_times

DAYS = pd.date_range("2026-01-01", periods=10).to_numpy().astype("datetime64[us]")


def days_of(cards: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins that wander from day to day, with card and date."""
    rng = np.random.default_rng(seed)
    steady = rng.normal(0, 1, cards)
    margin = np.concatenate([steady + rng.normal(0, 0.4, cards) for _ in DAYS])
    return margin, np.tile(np.array([f"c{card}" for card in range(cards)], dtype=object), len(DAYS)), np.repeat(DAYS, cards)


@pytest.mark.parametrize("hysteresis", [0.0, 0.7, 3.0])
def test_the_list_never_exceeds_the_capacity_nor_leaves_places_free(hysteresis: float) -> None:
    margin, cards, dates = days_of(200)
    listed = alerts(margin, cards, dates, AlertRule("capacity", 12, hysteresis))
    assert [int(listed[dates == day].sum()) for day in DAYS] == [12] * len(DAYS)


def test_hysteresis_lowers_the_churn() -> None:
    margin, cards, dates = days_of(200)
    found = [churn(alerts(margin, cards, dates, AlertRule("capacity", 12, bonus)), cards, dates) for bonus in (0.0, 0.5, 1.0)]
    assert found[0] > found[1] > found[2]


def test_a_card_far_riskier_than_all_gets_a_place_at_once() -> None:
    margin, cards, dates = days_of(50)
    margin[np.flatnonzero(dates == DAYS[5])[7]] = 9.0
    listed = alerts(margin, cards, dates, AlertRule("capacity", 3, 0.7))
    assert listed[(dates == DAYS[5]) & (cards == "c7")].all()


def test_by_threshold_a_card_enters_at_it_and_leaves_below_it_by_the_hysteresis() -> None:
    chance = np.array([0.09, 0.11, 0.09, 0.05, 0.09])
    margin = np.log(chance / (1 - chance))
    listed = alerts(margin, np.full(5, "a", dtype=object), DAYS[:5], AlertRule("threshold", 0.1, 0.5))
    assert listed.tolist() == [False, True, True, False, False]


def test_equal_margins_go_by_card_and_the_order_of_rows_does_not_matter() -> None:
    cards = np.array(["b", "a", "c"], dtype=object)
    for order in ([0, 1, 2], [2, 0, 1]):
        listed = alerts(np.zeros(3), cards[order], np.repeat(DAYS[:1], 3), AlertRule("capacity", 1))
        assert cards[order][listed].tolist() == ["a"]


def test_a_share_asks_for_at_least_one_place_and_no_card_gives_none() -> None:
    assert AlertRule("capacity", 0.01).places(20) == 1
    assert AlertRule("capacity", 0.01).places(0) == 0


def test_costs_give_the_threshold_and_senseless_costs_are_refused() -> None:
    assert rule_of_costs(1000, 10).value == 0.01
    for missed, looked_at in ((10, 10), (10, 0), (-1, 2)):
        with pytest.raises(UserError, match="costs"):
            rule_of_costs(missed, looked_at)


def test_a_rule_survives_the_manifest() -> None:
    rule = AlertRule("threshold", 0.02, 0.4)
    assert read_rule(rule.to_json()) == rule


def blocks(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"card_id": [card for card, _ in rows], "blocked_at": pd.to_datetime([when for _, when in rows])})


def test_the_lead_is_counted_from_the_first_morning_of_the_unbroken_alert() -> None:
    listed = np.array([True, False, True, True, False])
    found = lead_times(listed, np.full(5, "a"), DAYS[:5], blocks(("a", "2026-01-04 06:00"), ("a", "2026-01-05 01:00")))
    assert found["lead_h"].fillna(-1).tolist() == [30.0, -1.0]  # on the list from the 3rd; off it on the 5th


def test_a_gap_in_the_days_at_risk_breaks_the_alert() -> None:
    found = lead_times(np.array([True, True]), np.full(2, "a"), DAYS[[0, 2]], blocks(("a", "2026-01-03 12:00")))
    assert found["lead_h"].tolist() == [12.0]


def test_another_cards_alert_is_not_taken_for_this_cards() -> None:
    found = lead_times(np.array([True, True]), np.array(["a", "b"]), DAYS[:2], blocks(("b", "2026-01-02 12:00")))
    assert found["lead_h"].tolist() == [12.0]


def test_a_block_that_no_morning_could_foresee_is_left_out() -> None:
    assert lead_times(np.array([True]), np.array(["a"]), DAYS[:1], blocks(("z", "2026-01-01 12:00"))).empty


def test_figures_of_a_list_that_caught_nothing_are_not_made_up() -> None:
    found = alert_figures(np.array([False]), np.array(["a"]), DAYS[:1], blocks(("a", "2026-01-01 12:00")))
    assert (found["blocks"], found["caught"], found["recall"]) == (1, 0, 0.0)
    assert np.isnan(found["lead_median_h"])
    assert np.isnan(found["churn"])
