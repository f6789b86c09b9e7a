"""Spark: the same text gives the same vectors and scores, and what is missing is told in one sentence."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import Tables, UserError, at_risk, catalogue, plan, prepared, read_tables, vectors
from blockrisk.features.cli import features
from blockrisk.features.spark import SparkEngine, start_spark, translate
from blockrisk.features.tables import TABLES
from blockrisk.serving import load_model, predict

DATES = ["2025-03-12", "2025-03-31"]
CARDS = 25


@pytest.fixture(scope="module")
def engine() -> Iterator[SparkEngine]:
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("no Java runtime is here: Spark cannot run; install openjdk-17-jre-headless")
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install blockrisk[spark]")
    started = start_spark("local[2]")
    yield started
    started.session.stop()


@pytest.fixture(scope="module")
def tables(demo: Path) -> Tables:
    """The first cards of the demo, some of their rows late, some callees dialled again and again."""
    whole = read_tables(demo / "demo/data")
    chosen = set(whole.frame("cards")["card_id"][:CARDS])
    names = ("cards", "calls", "complaints", "payments", "messages", "blocks", "roaming_notices")
    frames = {name: whole.frame(name).dropna(axis=1, how="all") for name in names}
    frames = {name: frame[frame["card_id"].isin(chosen)] for name, frame in frames.items()}
    calls = frames["calls"].reset_index(drop=True)
    late = np.random.default_rng(0).random(len(calls)) < 0.002
    calls["available_at"] = calls["started_at"] + pd.to_timedelta(np.where(late, 3, 0), unit="D")
    return read_tables({**frames, "calls": calls})


def differences(here: pd.DataFrame, there: pd.DataFrame) -> dict[str, float]:
    """Name the columns that differ by more than 1e-9, or at all where they hold whole numbers, with the largest difference."""
    assert list(here.columns) == list(there.columns)
    found = {}
    for name in here.columns:
        if here[name].dtype != np.float64:
            found[name] = float((here[name].astype("str").fillna("") != there[name].astype("str").fillna("")).sum())
            continue
        one, other = here[name].to_numpy(), there[name].to_numpy()
        gap = np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other) / np.maximum(np.abs(one), 1.0))
        whole = bool((one[~np.isnan(one)] % 1 == 0).all())
        found[name] = float("inf") if np.isnan(gap).any() else float(gap.max(initial=0.0))
        found[name] = 0.0 if found[name] <= (0.0 if whole else 1e-9) else found[name]
    return {name: gap for name, gap in found.items() if gap > 0}


@pytest.mark.long
def test_every_feature_is_the_same_on_spark(tables: Tables, engine: SparkEngine) -> None:
    asks = at_risk(tables, DATES)
    columns = [*catalogue.columns(), "calls_out_14d", "distinct_callees_14d"]
    here = vectors(tables, asks, columns)
    there = vectors(replace(tables, engine=engine), asks, columns)
    assert len(here) > CARDS
    assert differences(here, there) == {}
    assert sum(here[name].nunique() > 1 for name in catalogue.columns()) > 60
    assert here["calls_out_7d"].dtype == there["calls_out_7d"].dtype


@pytest.mark.long
def test_every_score_is_the_same_on_spark(demo: Path, tables: Tables, engine: SparkEngine) -> None:
    model = load_model(demo / "demo/model")
    here = predict(tables, model=model, as_of=DATES, advice=2)
    there = predict(replace(tables, engine=engine), model=model, as_of=DATES, advice=2)
    assert differences(here, there) == {}
    assert here.dtypes.equals(there.dtypes)
    assert here["advice_1"].notna().any() or here["reason_1"].notna().any()


@pytest.mark.long
def test_the_command_computes_the_same_file_on_spark(tmp_path: Path, engine: SparkEngine) -> None:
    assert engine.session is not None
    data = tmp_path / "data"
    data.mkdir()
    pd.DataFrame([["001", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"]).to_csv(
        data / "cards.csv", index=False
    )
    pd.DataFrame([["001", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"]).to_csv(
        data / "calls.csv", index=False
    )
    made = []
    for name, options in (("here.csv", []), ("there.csv", ["--engine", "spark", "--master", "local[2]"])):
        asked = [str(data), "--as-of", "2025-01-03", "--out", str(tmp_path / name), *options]
        assert CliRunner().invoke(features, asked, catch_exceptions=False).exit_code == 0
        made.append((tmp_path / name).read_text())
    assert made[0] == made[1]


def test_every_statement_is_one_that_sqlglot_can_translate() -> None:
    present = frozenset(
        {table.name for table in TABLES} | {f"{table.name}.{one.name}" for table in TABLES for one in table.columns}
    )
    wanted = plan.outputs(catalogue.columns())
    texts = [sql.replace("{low}", "0") for sql in prepared.PREPARED.values()]
    texts += [statement.sql for group in plan.statements(wanted, present) for statement in (group.units, group.result)]
    texts.append(plan.vector_sql(wanted, present, catalogue.columns()))
    for text in texts:
        told = translate(text)
        assert not {"EPOCH_US", "INT128", "MATERIALIZED", "//"} & set(told.replace("(", " ").split()), told


@pytest.mark.parametrize("master", ["nonsense", "local[", "spark://nowhere", "http://x:1", ""])
def test_a_name_that_is_no_master_is_refused_with_what_is(master: str) -> None:
    with pytest.raises(UserError, match=r"is no Spark master; give local\[\*\], spark://HOST:PORT"):
        start_spark(master)


def test_a_master_that_does_not_answer_is_told_at_once() -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install blockrisk[spark]")
    if not shutil.which("java"):
        pytest.skip("no Java runtime is here, which is told first")
    with pytest.raises(UserError, match=r"no Spark master answers at spark://127\.0\.0\.1:9 \(.*\); start it"):
        start_spark("spark://127.0.0.1:9")


def test_without_a_java_runtime_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install blockrisk[spark]")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs a Java runtime, and there is none on the PATH; install openjdk-17-jre-headless"):
        start_spark("local[1]")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match="under JAVA_HOME"):
        start_spark("local[1]")


def test_a_master_without_the_engine_is_a_mistake(tmp_path: Path) -> None:
    asked = [str(tmp_path), "--as-of", "2025-01-03", "--out", str(tmp_path / "x.csv"), "--master", "local[2]"]
    told = CliRunner().invoke(features, asked)
    assert told.exit_code == 2
    assert "say --engine spark" in told.output


def test_a_bad_master_leaves_with_exit_code_2_and_one_line(tmp_path: Path) -> None:
    asked = [str(tmp_path), "--as-of", "2025-01-03", "--out", str(tmp_path / "x.csv"), "--engine", "spark", "--master", "moon"]
    told = CliRunner().invoke(features, asked)
    assert isinstance(told.exception, UserError)
    assert told.exception.exit_code == 2
    assert len(str(told.exception).splitlines()) == 1
