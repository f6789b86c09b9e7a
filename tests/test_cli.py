"""The command line: help with an example everywhere, one line and exit code 2 for a user's mistake, never a traceback."""

import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import UserError
from blockrisk.training.cli import COMMANDS, cli, main

FOR_VECTORS = {
    "score": ("vectors", "model", "outs", "lang"),
    "train": ("vectors", "id_column", "label_column", "out", "seed", "learner", "replace", "report_file", "mlflow", "lang"),
}
"""The options that ready-made vectors make use of."""

FOR_TABLES = (
    *(
        "--as-of 2026-01-01",
        "--until 2026-01-01",
        "--capacity 9",
        "--findings f.json",
        "--horizon 7",
        "--horizons 1,7",
        "--costs 9 1",
    ),
    *("--zone Asia/Shanghai", "--memory 1GB", "--today 2026-01-01", "--pseudonymise key", "--quarantine aside", "--store kept"),
    *("--engine duckdb", "--master local --engine spark"),
)
"""The others, each with a value."""


def blockrisk(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", "from blockrisk.training.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"blockrisk {name}" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["score"], "Missing option"),
        (["scores"], "No such command"),
        (["score", "nowhere", "--model", "models/none", "--out", "x.csv"], "there is no bundle models/none"),
        (["score", "nowhere", "--model", "models/none", "--out", "x.doc"], "x.doc: the ending says the format"),
        (["score", "--model", "m", "--out", "x.csv"], "either a DATA folder or --vectors"),
        (["features", "nowhere", "--as-of", "2025-01-01", "--out", "x.csv"], "nowhere is no folder"),
        (["features", "nowhere", "--as-of", "tomorrow", "--out", "x.csv"], "tomorrow"),
        (["train", "nowhere", "--out", "m"], "nowhere is no folder"),
        (["train", "--out", "m"], "give either a data folder or --vectors"),
    ],
)
def test_a_mistake_gives_one_line_and_exit_code_2(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(arguments)
    out, error = capfd.readouterr()
    assert left.value.code == 2
    assert told in error
    assert len(error.splitlines()) == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FOR_VECTORS)
def test_every_option_that_vectors_make_no_use_of_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").write_text("0123456789abcdef", encoding="utf-8")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    way = {"score": "--vectors v.csv --model m --out x.csv", "train": "--vectors v.csv --label y --out m"}[name]
    values = {given.split()[0]: given.split() for given in FOR_TABLES}
    others = [option.opts[0] for option in command.params if option.name not in ("data", *FOR_VECTORS[name])]
    assert "--pseudonymise" in others
    for option in others:
        done = CliRunner().invoke(cli, [name, *way.split(), *values[option]])
        assert isinstance(done.exception, UserError), option
        assert str(done.exception).startswith((f"{option} means nothing for --vectors", "--engine means nothing for --vectors"))


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="nowhere is no folder"):
        main(["features", "nowhere", "--as-of", "2025-01-01", "--out", "x.csv", "--debug"])


def test_features_are_written_for_cards_at_risk_or_for_all(few: Path, tmp_path: Path) -> None:
    for extra, name in ([], "risk.parquet"), (["--all-cards"], "all.csv"):
        done = blockrisk("features", few, "--as-of", "2025-03-01", "--out", tmp_path / name, *extra)
        assert done.returncode == 0, done.stderr
        assert "rows read = " in done.stdout
    risk, every = pd.read_parquet(tmp_path / "risk.parquet"), pd.read_csv(tmp_path / "all.csv", dtype={"card_id": str})
    assert list(risk.columns) == list(every.columns)
    assert len(risk) < len(every) == len(pd.read_parquet(few / "cards.parquet"))


def test_the_demo_prints_the_ten_riskiest_the_figures_and_the_paths(demo: Path) -> None:
    told = (demo / "output.txt").read_text(encoding="utf-8")
    assert "The ten riskiest" in told
    assert "static rules" in told
    assert "demo/scores.csv" in told
    scores = pd.read_csv(demo / "demo/scores.csv", dtype={"card_id": str})
    assert scores["card_id"].iloc[0] in told
    assert scores["as_of"].unique().tolist() == ["2025-04-01"]


def test_an_unwritable_target_is_one_line(few: Path) -> None:
    done = blockrisk("features", few, "--as-of", "2025-04-01", "--out", "/proc/none/x.csv")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "given",
    [
        ["train", "--out", "new", "--learner", "magic"],
        ["train", "--out", "new", "--horizon", "0"],
        ["train", "--out", "new", "--horizons", "1,x"],
        ["train", "--out", "taken"],
        ["backtest", "--out", "new", "--learner", "magic"],
        ["backtest", "--out", "new", "--horizon", "0"],
        ["backtest", "--out", "taken"],
    ],
)
def test_what_cannot_be_is_refused_before_the_data_are_read(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    result = CliRunner().invoke(cli, [given[0], "no such folder", *given[1:]])
    assert "no such folder" not in str(result.exception)
    assert any(word in str(result.exception) for word in ("magic", "horizon", "taken"))
