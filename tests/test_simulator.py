import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from blockrisk.features.errors import UserError
from blockrisk.training.simulate_cli import simulate as simulate_command
from blockrisk.training.simulator import World, chances, course, simulate, write_world
from blockrisk.training.simulator.calls import DayOfCalls, draw_calls
from blockrisk.training.simulator.dynamics import intensity, take, take_habits
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.policy import CAUSES, UNEXPLAINED, draw_policy

LABEL = ["full_stop", "outgoing_limit"]
COLUMNS = {
    "cards": "card_id operator home_region activated_at closed_at registration_checked_at owner_id team card_type",
    "calls": "card_id started_at callee talk_s direction result ring_s released_by region imei available_at",
    "complaints": "card_id complained_at channel status resolved_at available_at",
    "roaming_notices": "card_id region valid_from valid_to",
    "payments": "card_id due_at amount_due paid_at amount_paid",
    "messages": "card_id sent_at recipient",
    "blocks": "card_id blocked_at unblocked_at reason kind",
}


@pytest.fixture(scope="module")
def small() -> World:
    return simulate(cards=150, days=60, seed=5, rollouts=4)


@pytest.fixture(scope="module")
def wide() -> World:
    return simulate(cards=600, days=21, seed=2, rollouts=1)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Three worlds large enough for their figures. Their calls are left out: they never change the course."""

    def no_calls(today: DayOfCalls, habits: Habits, rng: np.random.Generator) -> dict:
        return draw_calls(replace(today, count=np.zeros_like(today.count)), habits, rng)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "draw_calls", no_calls)
        return [simulate(cards=1000, days=120, seed=seed, rollouts=8) for seed in (1, 2, 3)]


def pooled(worlds: list[World]) -> pd.DataFrame:
    return pd.concat([world.truth.dropna() for world in worlds], ignore_index=True)


def end_of(world: World) -> pd.Timestamp:
    return pd.Timestamp(world.policy.start) + pd.Timedelta(days=len(world.states) - 1)


def stops(world: World) -> pd.DataFrame:
    blocks = world.tables["blocks"]
    return blocks[blocks["kind"] != "warning"]


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


# Writing


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_world(simulate(cards=25, days=15, seed=3, rollouts=2), tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_another_seed_gives_other_tables_and_another_truth(tmp_path):
    write_world(simulate(cards=25, days=15, seed=3, rollouts=2), tmp_path / "one")
    write_world(simulate(cards=25, days=15, seed=4, rollouts=2), tmp_path / "two")
    one, two = digest(tmp_path / "one"), digest(tmp_path / "two")
    assert [name for name in one if one[name] == two[name]] == []


def test_the_files_hold_the_tables_as_plain_text_numbers_and_microseconds(tmp_path, small):
    write_world(small, tmp_path / "data")
    assert sorted(path.stem for path in (tmp_path / "data").iterdir()) == sorted([*COLUMNS, "truth"])
    calls = pd.read_parquet(tmp_path / "data" / "calls.parquet")
    assert len(calls) == len(small.tables["calls"])
    assert {str(calls[c].dtype) for c in ("card_id", "callee", "result", "imei")} <= {"str", "object"}
    assert {str(calls[c].dtype) for c in ("started_at", "available_at")} == {"datetime64[us]"}


def test_a_folder_that_holds_something_is_kept_unless_replaced(tmp_path, small):
    (tmp_path / "blocks.parquet").write_text("old")
    with pytest.raises(UserError, match="--replace"):
        write_world(small, tmp_path)
    assert (tmp_path / "blocks.parquet").read_text() == "old"
    write_world(small, tmp_path, replace=True)
    assert len(list(tmp_path.iterdir())) == len(COLUMNS) + 1


def test_a_folder_with_foreign_files_is_never_replaced(tmp_path, small):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(UserError, match=r"thesis\.docx"):
        write_world(small, tmp_path, replace=True)
    assert (tmp_path / "thesis.docx").exists()


def test_a_failed_write_leaves_nothing_behind(tmp_path, small):
    broken = replace(small, truth=pd.DataFrame({"x": [object()]}))
    with pytest.raises(Exception, match="object"):
        write_world(broken, tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_folder_and_counts_its_rows(tmp_path):
    out = tmp_path / "data"
    line = [str(out), "--cards", "20", "--days", "9", "--seed", "1", "--start", "2025-03-01"]
    first = CliRunner().invoke(simulate_command, line)
    assert first.exit_code == 0
    assert "cards 20" in first.output
    assert pd.read_parquet(out / "calls.parquet")["started_at"].min().date() == date(2025, 3, 1)
    assert isinstance(CliRunner().invoke(simulate_command, line).exception, UserError)
    assert CliRunner().invoke(simulate_command, [*line, "--replace"]).exit_code == 0


@pytest.mark.parametrize("wrong", [{"cards": 0}, {"days": 0}, {"seed": -1}, {"horizon": 0}])
def test_a_number_that_makes_no_world_is_refused_by_name(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        simulate(**{"cards": 3, "days": 3, "seed": 1, **wrong})


def test_the_smallest_world_has_all_tables():
    assert set(simulate(cards=1, days=1, seed=1, rollouts=1).tables) == set(COLUMNS)


# Tables


def test_tables_have_the_columns_of_the_contract(small):
    assert {name: list(table.columns) for name, table in small.tables.items()} == {
        name: columns.split() for name, columns in COLUMNS.items()
    }
    assert list(small.truth.columns) == ["card_id", "as_of", "probability", "blocked"]


def test_primary_keys_are_unique(small):
    keys = {
        "cards": ["card_id"],
        "calls": ["card_id", "started_at", "callee", "direction", "talk_s"],
        "complaints": ["card_id", "complained_at", "channel"],
        "roaming_notices": ["card_id", "region", "valid_from"],
        "payments": ["card_id", "due_at"],
        "messages": ["card_id", "sent_at", "recipient"],
        "blocks": ["card_id", "blocked_at"],
    }
    assert {name for name, key in keys.items() if small.tables[name].duplicated(key).any()} == set()


def test_nothing_happens_after_the_end(small, worlds):
    # A notice may run on past the end: it is a plan, not an event.
    for world in (small, *worlds):
        for name, table in world.tables.items():
            for column in table.select_dtypes("datetime").columns.difference(["valid_to", "activated_at"]):
                assert not (table[column] >= end_of(world)).any(), f"{name}.{column}"


def test_calls_are_sorted_and_no_card_makes_two_at_once(small):
    calls = small.tables["calls"]
    assert calls["started_at"].is_monotonic_increasing
    out = calls[calls["direction"] == "out"].sort_values(["card_id", "started_at"], kind="stable")
    free = out["started_at"] + pd.to_timedelta(out["talk_s"], unit="s")
    same_card = out["card_id"].to_numpy()[1:] == out["card_id"].to_numpy()[:-1]
    assert (out["started_at"].to_numpy()[1:] >= free.to_numpy()[:-1])[same_card].all()


def test_only_answered_calls_have_talk(small):
    calls = small.tables["calls"]
    assert ((calls["talk_s"] > 0) == (calls["result"] == "answered")).all()


def test_no_card_calls_before_activation_after_closing_or_inside_a_block(small):
    calls = small.tables["calls"][["card_id", "started_at"]].astype({"card_id": "str"})
    cards = calls.merge(small.tables["cards"], on="card_id")
    assert cards["closed_at"].notna().any()
    assert not (cards["started_at"] < cards["activated_at"]).any()
    assert not (cards["started_at"] >= cards["closed_at"]).any()
    inside = calls.merge(stops(small), on="card_id")
    assert inside["unblocked_at"].notna().any()
    running = inside["unblocked_at"].isna() | (inside["started_at"] < inside["unblocked_at"])
    assert not ((inside["started_at"] >= inside["blocked_at"]) & running).any()


def test_blocks_of_a_card_do_not_overlap(worlds):
    for world in worlds:
        ordered = stops(world).sort_values(["card_id", "blocked_at"])
        again = ordered["card_id"].eq(ordered["card_id"].shift())
        assert (ordered["blocked_at"][again] > ordered["unblocked_at"].shift()[again]).all()


def test_complaints_are_known_one_to_twenty_five_days_later(worlds):
    for world in worlds:
        complaints = world.tables["complaints"]
        delay = (complaints["available_at"] - complaints["complained_at"]) / pd.Timedelta(days=1)
        assert delay.between(1, 25).all()
        assert delay.max() - delay.min() > 10
        assert (complaints["status"].eq("open") == complaints["resolved_at"].isna()).all()


def test_one_team_exports_its_calls_a_day_late(small):
    calls = small.tables["calls"]
    late = calls["available_at"].notna()
    assert 0.001 < late.mean() < 0.4
    assert ((calls["available_at"] - calls["started_at"])[late] == pd.Timedelta(days=1)).all()
    teams = small.tables["cards"].set_index("card_id")["team"]
    assert teams[calls["card_id"][late].unique()].nunique() == 1


def test_trips_are_declared_or_not_and_declared_ones_have_a_notice(small):
    cards, calls = small.tables["cards"], small.tables["calls"]
    home = cards.set_index("card_id")["home_region"]
    away = calls[calls["region"].astype("str").to_numpy() != home[calls["card_id"]].to_numpy()].astype({"card_id": "str"})
    notices = small.tables["roaming_notices"].rename(columns={"region": "noticed"})
    covered = away.reset_index().merge(notices, on="card_id")
    covered = covered[
        (covered["region"] == covered["noticed"])
        & (covered["valid_from"] <= covered["started_at"])
        & (covered["started_at"] < covered["valid_to"])
    ]
    assert 0.1 < covered["index"].nunique() / len(away) < 0.95


def test_the_bills_on_the_ledger_show_the_arrears_that_the_operator_sees(worlds):
    for world in worlds:
        bills = world.tables["payments"]
        for day in (0, 50, 100):
            midnight = pd.Timestamp(world.policy.date(day))
            owed = bills[(bills["due_at"] < midnight) & ~(bills["paid_at"] < midnight)]
            oldest = (midnight - owed.groupby("card_id")["due_at"].min()).dt.days
            arrears = pd.Series(world.states[day].arrears, world.tables["cards"]["card_id"])
            assert oldest.to_dict() == arrears[arrears > 0].astype(int).to_dict()


def test_cards_stopped_for_arrears_come_back_when_they_pay(worlds):
    for world in worlds:
        stopped = stops(world).query("kind == 'arrears_stop' and unblocked_at.notna()")
        paid = stopped.merge(world.tables["payments"], on="card_id")
        same_day = paid["paid_at"].dt.normalize() == paid["unblocked_at"].dt.normalize()
        assert set(paid["blocked_at"][same_day]) == set(stopped["blocked_at"])


def test_volume_answers_and_hours_are_those_of_telemarketing(wide):
    calls = wide.tables["calls"]
    out = calls[calls["direction"] == "out"]
    a_day = out.groupby([out["card_id"], out["started_at"].dt.date], observed=True).size()
    assert 30 <= a_day.median() <= 48
    assert 85 <= a_day.quantile(0.9) <= 140
    assert 200 <= a_day.quantile(0.995) <= 600
    assert 0.25 <= (out["result"] == "answered").mean() <= 0.45
    assert 0.12 <= (out["result"] == "invalid_number").mean() <= 0.30
    assert 1.1 <= np.log(out["talk_s"][out["talk_s"] > 0]).std() <= 1.35
    hours = out["started_at"].dt.hour.value_counts(normalize=True)
    assert hours.idxmax() == 10
    assert hours[12] < hours[11] / 2 < hours[15]
    assert out["started_at"].dt.day_name().value_counts().idxmin() == "Sunday"


def test_marked_cards_are_answered_less(small):
    calls = small.tables["calls"]
    out = calls[calls["direction"] == "out"]
    day = (out["started_at"] - pd.Timestamp(small.policy.start)).dt.days.to_numpy()
    marked = np.stack([state.marked for state in small.states])[day + 1, out["card_id"].cat.codes]
    answered = (out["result"] == "answered").to_numpy()
    assert 0.05 < answered[marked].mean() < 0.20
    assert 0.25 < answered[~marked].mean() < 0.45


# Dynamics and truth


def test_truth_has_a_row_for_each_card_at_risk_at_each_midnight(small):
    as_of = small.truth["as_of"].unique()[30]
    cards, blocks = small.tables["cards"], stops(small)
    alive = cards[(cards["activated_at"] < as_of) & ~(cards["closed_at"] < as_of)]["card_id"]
    inside = blocks[(blocks["blocked_at"] < as_of) & ~(blocks["unblocked_at"] <= as_of)]["card_id"]
    rows = small.truth[small.truth["as_of"] == as_of]
    assert set(rows["card_id"]) == set(alive) - set(inside)
    assert small.truth["as_of"].max() == end_of(small)


def test_blocked_is_the_label_of_the_contract(worlds):
    world = worlds[0]
    truth, week = world.truth, pd.Timedelta(days=7)
    rows = truth.reset_index().merge(stops(world), on="card_id")
    hit = rows[(rows["blocked_at"] >= rows["as_of"]) & (rows["blocked_at"] < rows["as_of"] + week)]
    label = truth.index.isin(hit.loc[hit["kind"].isin(LABEL), "index"])
    closed = truth["card_id"].map(world.tables["cards"].set_index("card_id")["closed_at"])
    gone = (closed >= truth["as_of"]) & (closed < truth["as_of"] + week)
    ended = gone | truth.index.isin(hit.loc[~hit["kind"].isin(LABEL), "index"])
    expected = np.where(label, 1.0, np.where(ended, np.nan, 0.0))
    expected = np.where(truth["as_of"] + week > end_of(world), np.nan, expected)
    np.testing.assert_array_equal(truth["blocked"], expected)
    assert ended.any()


def test_truth_is_calibrated(worlds):
    # Each block makes about seven rows true, so the sum of the rows scatters by about the root of 7 x their number.
    rows = pooled(worlds)
    expected = rows["probability"].sum()
    assert abs(rows["blocked"].sum() - expected) < 3 * np.sqrt(7 * expected)
    top = rows[rows["probability"] >= rows["probability"].quantile(0.9)]
    assert abs(top["blocked"].sum() - top["probability"].sum()) < 3 * np.sqrt(7 * top["probability"].sum())


def test_a_perfect_forecaster_ranks_well_but_not_perfectly(worlds):
    rows = pooled(worlds)
    assert 0.78 <= roc_auc_score(rows["blocked"], rows["probability"]) <= 0.90


def test_one_to_five_percent_are_blocked_a_month_and_over_fifteen_in_the_worst_tenth(worlds):
    blocks = sum(len(world.causes) for world in worlds)
    card_days = sum(int(state.on.sum()) for world in worlds for state in world.states[:-1])
    assert 0.01 <= 1 - np.exp(-30 * blocks / card_days) <= 0.05
    rows = pooled(worlds)
    worst = rows["blocked"][rows["probability"] >= rows["probability"].quantile(0.9)].mean()
    assert 1 - (1 - worst) ** (30 / 7) >= 0.15


def test_a_quarter_of_the_blocks_or_more_is_unexplained(worlds):
    causes = pd.concat([world.causes for world in worlds])
    assert set(causes["cause"]) <= {*CAUSES, *UNEXPLAINED}
    assert 0.25 <= causes["cause"].isin(UNEXPLAINED).mean() <= 0.45
    for world in worlds:
        labelled = world.tables["blocks"].query("kind in @LABEL")
        assert sorted(zip(labelled["card_id"], labelled["blocked_at"], strict=True)) == sorted(
            zip(world.causes["card_id"], world.causes["blocked_at"], strict=True)
        )


def test_one_operator_doubles_its_hazard_at_seventy_percent_and_no_other_changes(worlds):
    for world in worlds:
        day, habits, state = world.policy.change_day, world.habits, world.states[world.policy.change_day]
        assert day == int(0.7 * (len(world.states) - 1))
        before, after = (np.sum(intensity(state, habits, world.policy, d), axis=0) for d in (day - 1, day))
        theirs = (habits.operator == world.policy.tightened) & state.on
        assert after[theirs].sum() > 2 * before[theirs].sum()
        np.testing.assert_allclose(after[~theirs & state.on], before[~theirs & state.on], rtol=0.05)


def test_the_tightening_raises_the_operators_block_rate(worlds):
    blocked, days = np.zeros(2), np.zeros(2)
    for world in worlds:
        theirs = world.habits.operator == world.policy.tightened
        for day, state in enumerate(world.states[:-1]):
            days[world.policy.phase(day)] += (state.on & theirs).sum()
        names = world.tables["cards"].set_index("card_id")["operator"]
        change = pd.Timestamp(world.policy.date(world.policy.change_day))
        own = world.causes[names[world.causes["card_id"]].to_numpy() == names.iloc[np.flatnonzero(theirs)[0]]]
        for phase in (0, 1):
            blocked[phase] += ((own["blocked_at"] >= change) == bool(phase)).sum()
    assert blocked[1] / days[1] > 1.5 * blocked[0] / days[0]


def test_hidden_limits_differ_by_operator_and_from_the_packaged_defaults():
    for seed in range(5):
        policy = draw_policy(100, date(2025, 1, 1), np.random.default_rng(seed))
        calls = np.exp(policy.threshold[0, list(CAUSES).index("calls")])
        assert calls.max() > 1.5 * calls.min()
        assert (np.abs(calls - 300) > 5).all()
        assert not ((policy.hours[:, 0] == 8) & (policy.hours[:, 1] == 21)).any()
        assert (policy.threshold[0, list(CAUSES).index("arrears")] > 3.2).all()


def test_actions_lower_the_true_chance_of_the_cards_they_fit(worlds):
    world, day = worlds[0], 60
    heavy = np.flatnonzero(world.states[day].on & (world.habits.log_calls > np.log(150)))
    habits, state = take_habits(world.habits, heavy), take(world.states[day], heavy)

    def chance(of) -> float:
        return chances(state, of, world.policy, day, 14, rollouts=50, rng=np.random.default_rng(0)).mean()

    fewer = replace(habits, log_calls=habits.log_calls + np.float32(np.log(0.5)))
    in_hours = replace(habits, late=habits.late * 0)
    assert chance(fewer) < 0.8 * chance(habits)
    assert chance(in_hours) < chance(habits)


def test_a_block_drawn_from_the_chances_does_not_feed_back_on_them(small):
    state, habits = small.states[30], small.habits
    seeds = [np.random.default_rng(seed) for seed in (1, 2)]
    one, two = (chances(state, habits, small.policy, 30, 7, rollouts=400, rng=rng)[state.on] for rng in seeds)
    np.testing.assert_allclose(np.log(one), np.log(two), atol=0.35)
    assert np.log(one / two).std() < 0.08


@pytest.mark.long
def test_a_large_world_keeps_its_figures():
    world = simulate(cards=2500, days=180, seed=1)
    rows = world.truth.dropna()
    assert 300 <= len(world.causes) <= 550
    assert 0.007 <= rows["probability"].mean() <= 0.011
    assert 0.78 <= roc_auc_score(rows["blocked"], rows["probability"]) <= 0.88
    assert abs(rows["blocked"].sum() - rows["probability"].sum()) < 3 * np.sqrt(7 * rows["probability"].sum())
