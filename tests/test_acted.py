"""Cards that were acted on: the model does not unlearn its own success, and the effect is told with an interval."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from blockrisk.features import read_tables
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.training.acted import MOST, acted_days, repeats
from blockrisk.training.monitoring.effect import check_effect, ratio_of_ratios


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


def test_a_block_counts_once_however_often_its_card_was_alerted() -> None:
    """Cards go on and off the list; four blocks of four cards that were alerted three times each are four events."""
    day = pd.Timestamp
    names, days = [f"{n:02}" for n in range(20)], pd.date_range("2025-03-01", "2025-03-20")
    cards = pd.DataFrame({"card_id": names, "operator": "A", "home_region": "X", "activated_at": day("2025-01-01")})
    calls = pd.DataFrame({"card_id": "00", "started_at": days, "callee": "x", "talk_s": 1.0})
    blocks = pd.DataFrame({"card_id": names[:4], "blocked_at": day("2025-03-07 12:00")})
    answered = [(card, at + pd.Timedelta(hours=1)) for card in names[10:] for at in days]
    acts = pd.DataFrame(answered, columns=["card_id", "at"]).assign(action="call_less_half")
    tables = read_tables({"cards": cards, "calls": calls, "blocks": blocks, "actions": acts})
    rows = [(card, at, at.day in (1, 3, 5)) for at in days for card in names if card not in names[:4] or at <= day("2025-03-07")]
    frame = pd.DataFrame(rows, columns=["card_id", "as_of", "alert"]).astype({"alert": "boolean"})
    alert = {"kind": "capacity", "value": 0.01, "hysteresis": 0.7}
    manifest = {"horizon_days": 7, "alert": alert, "label_kinds": ["full_stop"]}
    context = SimpleNamespace(
        tables=tables,
        scores=SimpleNamespace(frame=frame.assign(probability=0.3, daily=0.05)),
        end=day("2025-03-21"),
        model=SimpleNamespace(bundle=SimpleNamespace(manifest=manifest)),
    )
    acted, other = check_effect(context).rows
    assert (acted["alerts"], acted["blocked"], other["alerts"], other["blocked"]) == (10, 0, 10, 4)
    assert acted["high"] > 1, "four events prove nothing"
