"""Scoring: the score file of the contract, batch equal to predict to the bit, and clear words for what cannot be scored."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import UserError, at_risk, catalogue, read_tables, vectors
from blockrisk.models.errors import BundleError
from blockrisk.serving import load_model, predict
from blockrisk.serving.cli import score
from blockrisk.serving.predict import SCORE_COLUMNS

DATES = ["2025-03-20", "2025-03-31"]


def run(*arguments: object) -> str:
    """Run `score`; advice, which takes a while, is sought for a few cards only."""
    given = [*map(str, arguments), "--capacity", "3"]
    result = CliRunner().invoke(score, given, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture(scope="module")
def scored(demo: Path, few: Path) -> pd.DataFrame:
    return predict(few, model=demo / "demo/model", as_of=DATES)


def test_the_score_file_has_the_columns_of_the_contract_and_each_card_at_risk_once_a_date(few: Path, scored: pd.DataFrame) -> None:
    assert tuple(scored.columns[: len(SCORE_COLUMNS)]) == SCORE_COLUMNS
    due = at_risk(read_tables(few), DATES)
    assert sorted(zip(scored["card_id"], scored["as_of"], strict=True)) == sorted(zip(due["card_id"], due["as_of"], strict=True))
    assert scored["probability"].between(0, 1, inclusive="neither").all()
    assert (scored["horizon_days"] == 7).all()


def test_ranks_fall_with_the_probability_and_ties_go_by_card(scored: pd.DataFrame) -> None:
    for _, day in scored.groupby("as_of"):
        assert day["rank"].tolist() == list(range(1, len(day) + 1))
        assert day.sort_values(["probability", "card_id"], ascending=[False, True])["rank"].is_monotonic_increasing


def test_bands_follow_the_base_rate_of_the_manifest(demo: Path, scored: pd.DataFrame) -> None:
    base = json.loads((demo / "demo/model/manifest.json").read_text())["base_rate"]
    times = scored["probability"] / base
    assert (times[scored["band"] == "low"] < 1).all()
    assert (times[scored["band"] == "high"].between(3, 10, inclusive="left")).all()
    assert (times[scored["band"] == "very_high"] >= 10).all()


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_batch_gives_the_numbers_of_predict_to_the_bit(
    demo: Path, few: Path, scored: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"scores{ending}"
    told = run(few, "--as-of", DATES[0], "--as-of", DATES[1], "--model", demo / "demo/model", "--out", out)
    text = {"card_id": str, "probability": str}
    written = pd.read_csv(out, dtype=text) if ending == ".csv" else pd.read_parquet(out)
    assert written["card_id"].tolist() == scored["card_id"].tolist()
    assert written["probability"].astype(float).tolist() == scored["probability"].tolist()
    assert "calls:" in told
    assert f"{len(scored):,} scores at 2 dates" in told


def test_tables_vectors_single_rows_and_values_give_the_same_bits(demo: Path, few: Path, scored: pd.DataFrame) -> None:
    model = load_model(demo / "demo/model")
    tables = read_tables(few)
    frames = {name: tables.frame(name).dropna(axis=1, how="all") for name in ("cards", "calls", "complaints", "payments", "blocks")}
    frames |= {name: tables.frame(name) for name in ("roaming_notices", "messages")}
    by_frames = predict(frames, model=model, as_of=DATES)
    assert by_frames["probability"].tolist() == scored["probability"].tolist()
    frame = vectors(tables, scored[["card_id", "as_of"]].head(40))
    together = predict(frame, model=model)["probability"].tolist()
    assert together == scored["probability"].head(40).tolist()
    alone = [predict(frame.iloc[[i]], model=model)["probability"].item() for i in range(len(frame))]
    assert alone == together
    values = frame[model.columns].iloc[0].dropna().to_dict()
    assert predict(values, model=model)["probability"].item() == together[0]


def test_more_calls_and_complaints_score_higher_when_all_else_is_unknown(demo: Path) -> None:
    busy = predict({"calls_out_1d": 350, "complaints_30d": 2, "arrears_days": 6}, model=demo / "demo/model")
    quiet = predict({"calls_out_1d": 50, "complaints_30d": 0, "arrears_days": 6}, model=demo / "demo/model")
    assert busy["probability"].item() > quiet["probability"].item()


def test_a_name_that_is_no_feature_is_an_error_with_the_nearest_name(demo: Path) -> None:
    with pytest.raises(UserError, match=r"complaint_30d is no feature; did you mean complaints_30d\?"):
        predict({"complaint_30d": 2}, model=demo / "demo/model")


def test_a_value_that_is_no_number_is_named(demo: Path) -> None:
    with pytest.raises(UserError, match="calls_out_1d: .*many"):
        predict({"calls_out_1d": "many"}, model=demo / "demo/model")


def test_no_vector_gives_no_score(demo: Path) -> None:
    empty = predict(pd.DataFrame({"card_id": []}), model=demo / "demo/model")
    assert tuple(empty.columns) == (*SCORE_COLUMNS, "probability_1d", "probability_30d")
    assert empty.empty


def test_a_date_before_every_card_gives_an_empty_file_not_an_error(demo: Path, few: Path, tmp_path: Path) -> None:
    run(few, "--as-of", "2000-01-01", "--model", demo / "demo/model", "--out", tmp_path / "none.csv")
    columns = (*SCORE_COLUMNS, "probability_1d", "probability_30d", "alert")
    assert (tmp_path / "none.csv").read_text().splitlines() == [",".join(columns)]


def test_the_future_changes_no_score(demo: Path, few: Path, scored: pd.DataFrame) -> None:
    """Rows at or after the date are erased from every table; the scores stay the same to the bit."""
    tables = read_tables(few)
    cut = pd.Timestamp(DATES[0])
    events = {
        "calls": "started_at",
        "complaints": "complained_at",
        "payments": "due_at",
        "messages": "sent_at",
        "blocks": "blocked_at",
    }
    frames = {name: tables.frame(name).dropna(axis=1, how="all") for name in ("cards", *events)} | {
        "roaming_notices": tables.frame("roaming_notices")
    }
    for name, column in events.items():
        frames[name] = frames[name][frames[name][column] < cut]
    early = scored[scored["as_of"] == cut].reset_index(drop=True)
    assert predict(frames, model=demo / "demo/model", as_of=cut)["probability"].tolist() == early["probability"].tolist()


def test_a_bundle_of_another_catalogue_is_refused_with_the_way_out(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "fingerprint", lambda: "other")
    with pytest.raises(BundleError, match="blockrisk train"):
        load_model(demo / "demo/model")


def test_what_stands_at_the_target_survives_a_failed_run(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    out.write_text("yesterday's list")
    result = CliRunner().invoke(score, [str(tmp_path / "nowhere"), "--model", str(demo / "demo/model"), "--out", str(out)])
    assert isinstance(result.exception, UserError)
    assert out.read_text() == "yesterday's list"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_predict_in_a_new_process_imports_no_library_of_training(demo: Path) -> None:
    program = (
        "import sys; from blockrisk.serving import predict;"
        "predict({'calls_out_1d': 350}, model=sys.argv[1], reasons=True);"
        "print(sorted({name.split('.')[0] for name in sys.modules}"
        " & {'mlflow', 'shap', 'matplotlib', 'sklearn', 'skops', 'scipy', 'joblib', 'numba', 'pyspark', 'sqlglot'}))"
    )
    done = subprocess.run([sys.executable, "-c", program, demo / "demo/model"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_array_of_values_gives_the_bits_of_the_frame(demo: Path, few: Path) -> None:
    model = load_model(demo / "demo/model")
    frame = vectors(read_tables(few), at_risk(read_tables(few), DATES), model.columns)
    values = model.values(frame)
    assert values.shape == (len(frame), len(model.columns))
    assert model.probability(values).tolist() == model.probability(frame).tolist()
    assert model.probability(values).tolist() == predict(frame, model=model)["probability"].tolist()
    assert [model.probability(values[row : row + 1])[0] for row in range(20)] == model.probability(values)[:20].tolist()


def test_probabilities_are_the_sigmoid_of_the_margin(demo: Path) -> None:
    model = load_model(demo / "demo/model")
    frame = pd.DataFrame({name: [None if name in model.bundle.text_columns else np.nan] for name in model.columns})
    assert model.probability(frame)[0] == pytest.approx(1 / (1 + np.exp(-model.margin(frame)[0])), rel=1e-15)


def test_findings_of_another_morning_or_without_a_page_are_refused(demo: Path, few: Path, tmp_path: Path) -> None:
    found = {"as_of": DATES[1], "alarms": [], "failed": [], "tables": {"policy": []}}
    (tmp_path / "found.json").write_text(json.dumps(found), encoding="utf-8")
    given = [few, "--model", demo / "demo/model", "--findings", tmp_path / "found.json"]
    for date, name, told in (
        (DATES[0], "today.html", rf"found.json holds the findings of {DATES[1]}, but the page is of {DATES[0]}"),
        (DATES[1], "today.csv", r"--findings means nothing without a page"),
    ):
        with pytest.raises(UserError, match=told):
            run(*given, "--as-of", date, "--out", tmp_path / name)
        assert not (tmp_path / name).exists()
    run(*given, "--as-of", DATES[0], "--as-of", DATES[1], "--out", tmp_path / "today.html")
    assert 'id="monitoring"' in (tmp_path / "today.html").read_text(encoding="utf-8")


def test_a_table_that_the_model_learned_from_and_is_gone_is_told_of(demo: Path, few: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(few, tmp_path / "few")
    (folder / "complaints.parquet").unlink()
    options = ("--model", demo / "demo/model", "--out", tmp_path / "out.csv", "--lang", "en")
    told = [[line.split(":")[0] for line in run(data, *options).splitlines() if line.startswith("!")] for data in (few, folder)]
    assert [sum("complaints" in line for line in lines) for lines in told] == [0, 1]
