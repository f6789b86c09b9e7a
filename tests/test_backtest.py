"""The backtest: its figures, its intervals, and that nothing from the future helps it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import read_tables
from blockrisk.training import trees_fit
from blockrisk.training.backtest import ORACLE, Backtest, backtest
from blockrisk.training.backtest_files import tables_of
from blockrisk.training.bootstrap import card_draws, ratio_interval, spread
from blockrisk.training.cli import cli
from blockrisk.training.evaluation import METRICS, Sample
from blockrisk.training.operators import dispersion, level_shifts
from blockrisk.training.oracle import TRUTH, true_chances
from blockrisk.training.simulator import simulate, write_world

LEARNERS = ["static_rules", "blend"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated data set with its truth."""
    folder = tmp_path_factory.mktemp("backtest") / "data"
    write_world(simulate(cards=240, days=72, seed=5, rollouts=8), folder)
    return folder


@pytest.fixture(scope="module")
def found(data: Path) -> Backtest:
    """Its backtest, with few trees."""
    with few_trees():
        return backtest(data, learners=LEARNERS, origins=1, jobs=1)


@contextmanager
def few_trees() -> Iterator[None]:
    """Grow few trees: the course is tested, not the forecast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees_fit, "STAGES", (5, 10))
        patch.setattr(trees_fit, "TREES", 10)
        patch.setattr(trees_fit, "BAGS", 2)
        yield


@pytest.fixture(scope="module")
def tables(found: Backtest) -> dict[str, pd.DataFrame]:
    """Its tables, with few draws."""
    return tables_of(found, draws=20, jobs=1)


@pytest.mark.long
def test_every_forecast_is_told_of_every_card_at_risk_and_day(found: Backtest) -> None:
    assert list(found.chances) == ["static_rules", "blend", ORACLE]
    assert found.chances.notna().all(axis=None)
    assert not found.rows[["card_id", "as_of"]].duplicated().any()
    assert set(found.rows["as_of"]) == {date for origin in found.origins for date in origin.test}


@pytest.mark.long
def test_the_tables_hold_what_they_say(found: Backtest, tables: dict[str, pd.DataFrame]) -> None:
    figures = tables["figures"].set_index(["learner", "origin", "metric"])["value"]
    assert figures[ORACLE, "all", "oracle_gain"] == 1.0
    observed, expected = found.rows["y"].sum(), found.chances["blend"].sum()
    assert figures["blend", "all", "observed_expected"] == pytest.approx(observed / expected)
    origins = set(tables["figures"]["origin"])
    assert origins == {"all", *(str(number + 1) for number in range(len(found.origins)))}
    groups = tables["groups"]
    for by in ("operator", "home_region", "tenure"):
        assert groups[(groups["by"] == by) & (groups["learner"] == "blend")]["rows"].sum() == len(found.rows)
    assert (groups["low"] <= groups["observed_expected"]).all()
    assert (groups["observed_expected"] <= groups["high"]).all()
    assert sorted(tables["horizons"]["days"]) == [1, 7, 30]
    assert set(tables["paired"]["learner"]) == {"static_rules", ORACLE}


@pytest.mark.long
def test_a_plant_from_the_future_changes_no_forecast(data: Path, found: Backtest) -> None:
    """The canary: complaints that betray each block, known only after the last day judged, must not be seen."""
    tables = read_tables(data)
    frames = {
        name: tables.frame(name) for name in ("cards", "calls", "complaints", "payments", "messages", "blocks", "roaming_notices")
    }
    last = found.origins[-1].test[-1]
    planted = frames["blocks"].loc[:, ["card_id"]].assign(complained_at=last + pd.Timedelta(minutes=1), channel="regulator")
    planted["available_at"] = planted["complained_at"]
    frames["complaints"] = pd.concat([frames["complaints"], planted], ignore_index=True)
    with few_trees():
        again = backtest(read_tables(frames), learners=LEARNERS, origins=1, jobs=1)
    pd.testing.assert_frame_equal(again.chances, found.chances[LEARNERS])


@pytest.mark.long
def test_shuffled_outcomes_cannot_be_forecast(found: Backtest) -> None:
    """Labels shuffled among the cards: the ROC-AUC is a half within three standard errors."""
    rng = np.random.default_rng(0)
    rows = found.rows.assign(p=found.chances["blend"])
    first = rows.drop_duplicates("card_id")
    y = rng.permutation(np.repeat([1.0, 0.0], [40, len(first) - 40]))
    auc = METRICS[1].compute(Sample(y, first["p"].to_numpy()))
    error = np.sqrt((len(first) + 1) / (12 * 40 * (len(first) - 40)))
    assert METRICS[1].name == "roc_auc"
    assert abs(auc - 0.5) < 3 * error


def test_identical_forecasts_differ_by_nothing_on_every_draw() -> None:
    rng = np.random.default_rng(0)
    sample = Sample((rng.random(400) < 0.1).astype(float), rng.random(400))
    cards = np.repeat(np.arange(100), 4)
    found = spread({"one": sample, "two": sample}, cards, METRICS[:5], draws=10).differences("one")
    assert (found[["value", "low", "high"]] == 0).all(axis=None)


def test_intervals_are_wider_where_one_card_tells_one_story() -> None:
    """Rows of one card repeated seven times say no more than one of them: drawing cards shows it."""
    rng = np.random.default_rng(0)
    y, p = np.repeat((rng.random(300) < 0.2).astype(float), 7), np.full(2100, 0.2)
    ratio = [metric for metric in METRICS if metric.name == "observed_expected"]
    by_card = spread({"m": Sample(y, p)}, np.repeat(np.arange(300), 7), ratio, draws=200).table()
    by_row = spread({"m": Sample(y, p)}, np.arange(2100), ratio, draws=200).table()
    width = [(table["high"] - table["low"]).iloc[0] for table in (by_card, by_row)]
    assert width[0] == pytest.approx(np.sqrt(7) * width[1], rel=0.3)


def test_draws_are_the_same_for_the_same_seed_and_keep_cards_whole() -> None:
    cards = np.array(["a", "a", "b", "c", "c", "c"])
    one, two = list(card_draws(cards, 5, 3)), list(card_draws(cards, 5, 3))
    for rows, again in zip(one, two, strict=True):
        assert (rows == again).all()
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[1]
        assert counts[3] == counts[4] == counts[5]


def test_the_interval_of_observed_over_expected_covers() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for events in rng.poisson(6.0, 500):
        low, high = ratio_interval(7.0 * events, 42.0, int(events), 7.0)
        hits += low <= 1 <= high
    assert hits / 500 >= 0.94


def test_an_operator_that_blocks_twice_as_often_is_followed_and_others_are_left() -> None:
    rng = np.random.default_rng(0)
    expected = np.full((600, 4), 4.0)
    doubled = level_shifts(rng.poisson(2 * expected).astype(float), expected)
    steady = level_shifts(rng.poisson(expected).astype(float), expected)
    assert 0.45 < np.median(doubled) < np.log(2)
    assert np.mean(np.abs(steady) > 0.2) < 0.1


def test_cards_that_are_stopped_many_at_a_time_move_no_level() -> None:
    """Sweeps: one date in eight has four dates' blocks more; the operator's rule has not changed."""
    rng = np.random.default_rng(0)
    expected = np.full((5, 9), 4.0)
    swept, calm, doubled = [], [], []
    for _ in range(200):
        blocks = rng.poisson(2.0, expected.shape) + (rng.random(expected.shape) < 0.125) * rng.poisson(16.0, expected.shape)
        scatter = dispersion(blocks.astype(float), expected)
        swept.append(level_shifts(blocks[:, -4:] / scatter, expected[:, -4:] / scatter))
        plain = rng.poisson(expected * np.where(np.arange(9) > 4, 2, 1) ** (np.arange(5) == 0)[:, None]).astype(float)
        scatter = dispersion(plain, expected)
        calm.append(scatter)
        doubled.append(level_shifts(plain[:, -4:] / scatter, expected[:, -4:] / scatter)[0])
    assert np.mean(np.abs(swept) > np.log(1.4)) < 0.1
    assert np.mean(calm) < 1.3
    assert np.median(doubled) > 0.45


def test_a_block_that_fills_several_dates_moves_a_level_as_one_block() -> None:
    """Thirty days ahead, eight days apart: a block is in four dates, neighbours differ little, and nothing has changed."""
    rng = np.random.default_rng(0)
    overlap, starts = 30 / 8, 8 * np.arange(9)
    plain, aware, spread = [], [], []
    for _ in range(200):
        daily = rng.poisson(0.15, (6, 110))
        blocks = np.stack([daily[:, start : start + 30].sum(axis=1) for start in starts], axis=1).astype(float)
        expected = np.full(blocks.shape, 30 * 0.15)
        plain.append(level_shifts(blocks[:, -4:], expected[:, -4:]))
        spread.append(dispersion(blocks, expected, overlap))
        scatter = overlap * spread[-1]
        aware.append(level_shifts(blocks[:, -4:] / scatter, expected[:, -4:] / scatter))
    assert np.std(aware) < 0.6 * np.std(plain)
    assert 1.0 <= np.mean(spread) < 1.2


def test_only_the_backtest_asks_the_oracle() -> None:
    """The truth serves figures; that no other file reads it is in test_architecture."""
    root = Path(__file__).resolve().parents[1]
    sources = [path for folder in ("features", "models", "serving", "training") for path in (root / folder).rglob("*.py")]
    using = {path.relative_to(root).as_posix() for path in sources if "training.oracle import" in path.read_text(encoding="utf-8")}
    assert using == {"training/backtest.py"}


def test_truth_of_another_horizon_is_not_taken(tmp_path: Path) -> None:
    pd.DataFrame({"card_id": ["1"], "as_of": [pd.Timestamp("2026-01-01")], "probability": [0.5]}).to_parquet(tmp_path / TRUTH)
    day = np.array(["2026-01-01"], dtype="datetime64[us]")
    assert true_chances(tmp_path, np.array(["1"]), day, 7) == [0.5]
    assert true_chances(tmp_path, np.array(["1"]), day, 1) is None


@pytest.mark.long
def test_the_command_writes_its_folder_and_refuses_a_stranger(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["backtest", str(data), "--origins", "1", "--learner", "static_rules", "--draws", "5"]
    result = CliRunner().invoke(cli, [*given, "--out", "bt"], catch_exceptions=False)
    assert "All origins together" in result.output
    assert "MLflow run" in result.output
    written = {path.name for path in Path("bt").iterdir()}
    assert {
        "figures.csv",
        "paired.csv",
        "groups.csv",
        "alerts.csv",
        "horizons.csv",
        "backtest.json",
        "forecasts.parquet",
    } <= written
    assert {"reliability.png", "skill_by_origin.png", "operators.png"} <= written
    Path("mine").mkdir()
    refused = CliRunner().invoke(cli, [*given, "--out", "mine"])
    assert "no backtest" in str(refused.exception)
