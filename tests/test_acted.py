"""Cards that were acted on: the model does not unlearn its own success, and the effect is told with an interval."""

import numpy as np
import pandas as pd

from blockrisk.features import read_tables
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.training.acted import MOST, acted_days, repeats
from blockrisk.training.monitoring.effect import ratio_of_ratios


def test_a_rate_is_the_one_without_actions_although_most_risky_cards_were_acted_on() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    risky = rng.random(n) < 0.3
    would = np.where(rng.random(n) < np.where(risky, 0.3, 0.05), rng.uniform(0, 7, n), np.nan)  # day of the block if nobody acts
    acts = np.where(risky & (rng.random(n) < 0.6), rng.uniform(0, 2, n), np.nan)
    acted = np.where(would <= acts, np.nan, acts)
    blocked = np.where(np.isnan(acted), would, np.nan)  # acting helps every time
    frame = pd.DataFrame({"x": risky + rng.normal(0, 0.05, n)})
    times = repeats(frame, np.arange(n), acted, blocked, 7)
    assert (times[~np.isnan(acted)] == 0).all()
    assert times.max() <= MOST
    hit = ~np.isnan(blocked)
    naive = hit[risky].mean()
    rate = (times * hit)[risky].sum() / times[risky].sum()
    assert naive < 0.2
    assert abs(rate - 0.3) < 0.02
    assert abs((times * hit)[~risky].sum() / times[~risky].sum() - 0.05) < 0.01


def test_an_action_counts_within_the_horizon_and_before_the_block() -> None:
    day = pd.Timestamp
    cards = pd.DataFrame(
        [[card, "A", "X", "2025-01-01"] for card in "1234"], columns=["card_id", "operator", "home_region", "activated_at"]
    )
    calls = pd.DataFrame([["1", "2025-02-01 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
    actions = pd.DataFrame(
        [["1", "2025-01-10 12:00"], ["2", "2025-01-17 00:00"], ["3", "2025-01-12 12:00"], ["4", "2025-01-09 23:59"]],
        columns=["card_id", "at"],
    ).assign(action="call_less")
    blocks = pd.DataFrame([["1", "2025-01-13 00:00"], ["3", "2025-01-12 00:00"]], columns=["card_id", "blocked_at"])
    tables = read_tables({"cards": cards, "calls": calls, "actions": actions, "blocks": blocks})
    asked = pd.DataFrame({"card_id": list("1234"), "as_of": day("2025-01-10")})
    acted, blocked = acted_days(tables, asked, 7, day("2025-02-02"), LABEL_KINDS)
    assert acted[0] == 0.5
    assert np.isnan(acted[1:]).all()  # at the end of the horizon; after the block; before as_of
    assert blocked[:3].tolist()[::2] == [3.0, 2.0]
    assert np.isnan(acted_days(tables, asked, 7, day("2025-01-10"), LABEL_KINDS)[0]).all()  # not known yet


def test_the_interval_of_an_effect_covers_the_truth_and_knows_small_numbers() -> None:
    rng = np.random.default_rng(1)
    held = [ratio_of_ratios(a, 10.0, b, 20.0) for a, b in zip(rng.poisson(5.0, 400), rng.poisson(20.0, 400), strict=True)]
    assert np.mean([low <= 0.5 <= (np.inf if high is None else high) for _, low, high in held]) >= 0.93
    assert ratio_of_ratios(0, 3.0, 0, 3.0) == (None, 0.0, None)
