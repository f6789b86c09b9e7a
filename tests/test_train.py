"""Training end to end, on a small ledger made here, with the quickest learner that can be shipped."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import UserError, read_tables
from blockrisk.models.bundle import load_bundle
from blockrisk.serving.predict import predict
from blockrisk.training import dated, fitting, learners, ship
from blockrisk.training.dated import choose_learner, train
from blockrisk.training.fitting import Examples, fit_and_judge
from blockrisk.training.split import RowSplit
from blockrisk.training.tracking import Run, Tracked
from blockrisk.training.train_cli import train as command
from blockrisk.training.vectors_mode import train_vectors

START = pd.Timestamp("2026-01-01")
CARDS, DAYS, SEED = 120, 75, 3
QUICK = "boosting_default"


def made_ledger(days: int = DAYS) -> dict[str, pd.DataFrame]:
    """Make cards of which every third is complained about and often blocked; more days only add later rows."""
    rng = np.random.default_rng(SEED)
    names = np.array([f"0{card:03d}" for card in range(CARDS)])
    calls, complaints, blocks = [], [], []
    for day in range(days):
        midnight = START + pd.Timedelta(days=day)
        risky = (np.arange(CARDS) + day // 20) % 3 == 0
        made = rng.poisson(np.where(risky, 4, 2))
        for card in np.repeat(np.arange(CARDS), made):
            at = midnight + pd.Timedelta(seconds=int(rng.integers(8 * 3600, 21 * 3600)))
            calls.append((names[card], at, f"c{rng.integers(500)}", float(rng.integers(0, 90))))
        for card in np.flatnonzero(rng.random(CARDS) < np.where(risky, 0.15, 0.01)):
            complaints.append((names[card], midnight + pd.Timedelta(hours=10)))
        for card in np.flatnonzero(rng.random(CARDS) < np.where(risky, 0.06, 0.001)):
            blocks.append((names[card], midnight + pd.Timedelta(hours=15), midnight + pd.Timedelta(hours=40)))
    cards = pd.DataFrame({"card_id": names, "operator": np.where(np.arange(CARDS) % 2, "East", "West"), "home_region": "r"})
    return {
        "cards": cards.assign(activated_at=START - pd.Timedelta(days=90)),
        "calls": pd.DataFrame(calls, columns=["card_id", "started_at", "callee", "talk_s"]),
        "complaints": pd.DataFrame(complaints, columns=["card_id", "complained_at"]),
        "blocks": pd.DataFrame(blocks, columns=["card_id", "blocked_at", "unblocked_at"]),
    }


def quick_train(data, out, **more):
    return train(data, out=out, learner=QUICK, mlflow=False, jobs=1, **more)


def content(bundle: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(bundle.iterdir())}


@pytest.fixture(scope="module")
def ledger():
    return made_ledger()


@pytest.fixture(scope="module")
def report(ledger, tmp_path_factory):
    return quick_train(ledger, tmp_path_factory.mktemp("models") / "made")


def test_bundle_loads_and_tells_how_it_was_made(report):
    bundle = load_bundle(report.bundle)
    told = bundle.manifest
    assert (told["kind"], told["horizon_days"], told["learner"], told["seed"]) == ("dated", 7, QUICK, 0)
    assert told["until"] == str((START + pd.Timedelta(days=DAYS)).date())
    assert told["base_rate"] == pytest.approx(told["slices"]["all"]["positives"] / told["slices"]["all"]["rows"])
    assert told["metrics"]["model"]["roc_auc"] == pytest.approx(report.metrics.at["roc_auc", "model"])
    assert set(told["text_columns"]) == {"operator", "home_region"}


def test_slices_are_forward_in_time_and_add_up(report):
    parts = [report.slices[name] for name in ("train", "calibrate", "test")]
    for earlier, later in zip(parts, parts[1:], strict=False):
        assert pd.Timestamp(later["first"]) - pd.Timestamp(earlier["last"]) >= pd.Timedelta(days=7)
    for count in ("rows", "positives", "dates"):
        assert sum(part[count] for part in parts) == report.slices["all"][count]
    assert pd.Timestamp(parts[2]["last"]) + pd.Timedelta(days=7) == START + pd.Timedelta(days=DAYS)


def test_the_model_is_set_beside_the_base_rate_and_the_rules(report):
    assert list(report.metrics.columns) == ["model", "base_rate", "static_rules"]
    assert report.metrics.at["roc_auc", "base_rate"] == 0.5
    assert report.metrics.at["roc_auc", "model"] > 0.6
    assert report.metrics.at["log_loss_skill", "base_rate"] == 0


def test_same_input_and_seed_give_the_same_bytes(ledger, report, tmp_path):
    shuffled = {name: table.sample(frac=1, random_state=1) for name, table in ledger.items()}
    again = quick_train(shuffled, tmp_path / "again")
    assert content(again.bundle) == content(report.bundle)


def test_nothing_at_or_after_until_is_seen(report, tmp_path):
    longer = quick_train(made_ledger(DAYS + 9), tmp_path / "longer", until=(START + pd.Timedelta(days=DAYS)).date())
    assert longer.cautions == report.cautions
    ours, theirs = content(report.bundle), content(longer.bundle)
    for name in ("model.npz", "calibration.json", "reference.json"):
        assert ours[name] == theirs[name], name
    differing = {
        key for key, value in load_bundle(longer.bundle).manifest.items() if value != load_bundle(report.bundle).manifest[key]
    }
    assert differing == {"data_digest"}


def test_until_past_the_data_is_the_end_of_the_data_and_a_caution(ledger, report, tmp_path):
    tables = dated.read_tables(ledger)
    end, cautions = dated.end_of_period(tables, "2030-01-01")
    assert end == START + pd.Timedelta(days=DAYS)
    assert "2030-01-01" in str(cautions[0])
    for wrong in ("soon", "2026-02-01 12:00"):
        with pytest.raises(UserError, match="--until"):
            dated.end_of_period(tables, wrong)


@pytest.mark.parametrize(("given", "told"), [({"horizon": 0}, "--horizon"), ({"learner": "magic"}, "--learner")])
def test_options_that_cannot_be_are_refused_before_the_data_are_read(given, told, tmp_path):
    with pytest.raises(UserError, match=told):
        train(tmp_path / "absent", out=tmp_path / "out", **given)


def test_a_baseline_is_not_shipped(tmp_path):
    with pytest.raises(UserError, match="static_rules"):
        train(tmp_path / "absent", out=tmp_path / "out", learner="static_rules")


def test_where_nobody_calls_at_weekends_mondays_are_forecast_as_fridays(ledger, tmp_path):
    """A model of one weekday's vectors takes yesterday for a working day always, and Monday's empty day for a quiet card."""
    calls = ledger["calls"][ledger["calls"]["started_at"].dt.day_of_week < 5]
    tables = read_tables(ledger | {"calls": calls})
    for until in (START + pd.Timedelta(days=64), START + pd.Timedelta(days=67)):  # a Friday, a Monday
        train(tables, out=tmp_path / "model", learner="smooth_logistic", mlflow=False, jobs=1, until=until.date(), replace=True)
        days = [until + pd.Timedelta(days=day) for day in range(7)]
        scored = predict(tables, model=tmp_path / "model", as_of=[f"{day:%Y-%m-%d}" for day in days])
        level = scored.groupby("as_of")["probability"].mean()
        assert level.max() < 1.5 * level.min(), level


def test_an_existing_target_is_refused_before_the_work(report, tmp_path):
    with pytest.raises(UserError, match="--replace"):
        train(tmp_path / "absent", out=report.bundle)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="no bundle"):
        train(tmp_path / "absent", out=tmp_path / "mine", replace=True)


def test_under_ten_blocks_nothing_is_learned(ledger, tmp_path):
    few = ledger | {"blocks": ledger["blocks"].head(9)}
    with pytest.raises(UserError, match="^9 blocks .* at least 10"):
        quick_train(few, tmp_path / "few")
    assert not (tmp_path / "few").exists()


def test_blocks_on_which_no_row_ends_teach_nothing(ledger, tmp_path):
    blocks = ledger["blocks"]
    long_ago = blocks.assign(**{name: blocks[name] - pd.Timedelta(days=400) for name in ("blocked_at", "unblocked_at")})
    with pytest.raises(UserError, match="but only 0 rows to learn from end in one"):
        quick_train(ledger | {"blocks": long_ago}, tmp_path / "old")
    acted = pd.concat([ledger["cards"][["card_id"]].assign(at=START + pd.Timedelta(days=day, hours=1)) for day in range(DAYS)])
    with pytest.raises(UserError, match="or was acted on first"):
        quick_train(ledger | {"actions": acted.assign(action="call_less")}, tmp_path / "acted")
    assert list(tmp_path.iterdir()) == []


def test_under_fifty_blocks_the_simple_learner_is_taken_with_a_caution():
    learner, cautions = choose_learner(49, None)
    assert learner == fitting.SIMPLE_LEARNER
    assert "49 blocks" in str(cautions[0])
    assert choose_learner(50, None) == (None, ())
    assert choose_learner(49, QUICK)[0] == QUICK


def test_the_judged_model_has_seen_the_first_slice_only(monkeypatch):
    seen = []
    real = learners.find_learner(QUICK)

    class Spy:
        def fit(self, frame, y, **more):
            seen.append(sorted(frame["a"]))
            return real.fit(frame, y, **more)

    monkeypatch.setattr(fitting, "find_learner", lambda _: Spy())
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.3).astype(float)
    frame = pd.DataFrame({"a": np.arange(300.0)})
    split = RowSplit(np.arange(0, 180), np.arange(190, 240), np.arange(250, 300))
    cards = np.array([f"{n}" for n in range(300)], dtype=object)
    fitted = fit_and_judge(Examples(frame, y, cards, None, {}), split, QUICK, 0, 1)
    assert seen[0] == list(range(180))
    assert len(seen[1]) == 300
    assert (fitted.samples["model"].y == y[250:]).all()
    assert fitted.samples["base_rate"].reference == pytest.approx(np.r_[y[:180], y[190:240]].mean())


def test_the_mlflow_run_holds_figures_plots_and_the_digest(tmp_path, monkeypatch):
    told: list[Run] = []

    def listen(run: Run, store: Path) -> Tracked:
        assert all(plot.read_bytes().startswith(b"\x89PNG") for plot in run.figures)
        assert (run.bundle / "manifest.json").is_file()
        told.append(run)
        return Tracked("listened")

    monkeypatch.setattr(ship, "track", listen)
    report = train_vectors(cards_file(tmp_path), id_column="sim", label_column="bad", out=tmp_path / "v", learner=QUICK, jobs=1)
    assert report.tracked == Tracked("listened")
    assert told[0].metrics["roc_auc"] == report.metrics.at["roc_auc", "model"]
    assert told[0].metrics["base_rate.roc_auc"] == 0.5
    assert told[0].params["train.rows"] == report.slices["train"]["rows"]
    assert told[0].tags["data_digest"] == report.manifest["data_digest"]
    assert len(told[0].figures) == 3


def cards_file(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    calls = rng.poisson(40, 300)
    bad = (rng.random(300) < np.where(calls > 42, 0.8, 0.1)).astype(int)
    frame = pd.DataFrame({"sim": [f"00{n}" for n in range(300)], "calls": calls, "city": rng.choice(["x", "y"], 300), "bad": bad})
    frame.to_csv(folder / "cards.csv", index=False)
    return folder / "cards.csv"


def test_vectors_without_dates_are_learned_with_a_plain_caution(tmp_path):
    path = cards_file(tmp_path)
    given = {"id_column": "sim", "label_column": "bad", "learner": QUICK, "mlflow": False, "jobs": 1}
    report = train_vectors(path, out=tmp_path / "v", **given)
    bundle = load_bundle(report.bundle)
    assert bundle.manifest["kind"] == "vectors"
    assert bundle.columns == ["calls", "city"]
    assert (bundle.manifest["id_column"], bundle.manifest["label_column"]) == ("sim", "bad")
    assert "cannot prove" in str(report.cautions[0])
    assert "random" in str(report.cautions[1])
    assert report.metrics.at["roc_auc", "model"] > 0.7
    assert content(train_vectors(path, out=tmp_path / "w", **given).bundle) == content(report.bundle)
    assert content(train_vectors(path, out=tmp_path / "x", seed=1, **given).bundle) != content(report.bundle)


def test_the_command_prints_the_figures_the_cautions_and_the_path(tmp_path):
    arguments = ["--vectors", str(cards_file(tmp_path)), "--id", "sim", "--label", "bad", "--learner", QUICK, "--no-mlflow"]
    result = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "v")], catch_exceptions=False)
    assert result.exit_code == 0
    for word in ("roc_auc", "base rate", "random split", "Caution: ", str(tmp_path / "v"), "300 rows"):
        assert word in result.output


ONE_WAY = {
    "": "either",
    "data --vectors v.csv": "either",
    "--vectors v.csv": "--vectors needs --label",
    "--vectors v.csv --label y --until 2026-01-01": "--until means nothing",
    "--vectors v.csv --label y --horizon 7": "--horizon means nothing",
    "data --id card": "--id means nothing",
}


@pytest.mark.parametrize(("given", "told"), ONE_WAY.items())
def test_the_command_takes_either_tables_or_vectors_with_a_label(given, told, tmp_path):
    arguments = given.split()
    with pytest.raises(UserError, match=told):
        CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "v")], catch_exceptions=False)


def test_help_shows_an_example_of_each_way():
    told = CliRunner().invoke(command, ["--help"]).output
    assert "blockrisk train data --until" in told
    assert "blockrisk train --vectors" in told
