"""Numbers of people, end to end: with --pseudonymise none of the data's is in anything that training and scoring leave."""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from blockrisk.training.cli import cli

NUMBER = re.compile(rb"\d{7,}")


def numbers_in(data: Path) -> set[bytes]:
    """Every card, callee and handset of a data folder, from seven digits on."""
    found: set[bytes] = set()
    for path in data.rglob("*.parquet"):
        columns = [name for name in pq.read_schema(path).names if name in ("card_id", "callee", "imei")]
        for column in pq.read_table(path, columns=columns).columns if columns else []:
            found |= {str(value).encode() for value in column.unique().to_pylist() if value is not None}
    return {number for number in found if NUMBER.fullmatch(number)}


def with_phones(source: Path, data: Path) -> Path:
    """A copy of a simulated data folder whose callees are mobile numbers."""
    shutil.copytree(source, data, ignore=shutil.ignore_patterns("calls*"))
    duckdb.execute(
        "copy (select * replace ('139' || lpad((hash(callee) % 100000000)::VARCHAR, 8, '0') as callee) from read_parquet(?)) to ? "
        "(format parquet)",
        [str(source / "calls.parquet"), str(data / "calls.parquet")],
    )
    return data


def texts_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and of what is packed inside it."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if path.suffix == ".parquet":
        yield pq.read_table(path).to_pandas().to_csv().encode()


def left_in(folder: Path, numbers: set[bytes]) -> list[str]:
    """The files below a folder that hold one of the numbers."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(numbers & set(NUMBER.findall(text)) for text in texts_of(path))
    ]


@pytest.mark.long
def test_no_number_of_the_data_is_in_anything_that_train_and_score_leave(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = with_phones(demo / "demo" / "data", tmp_path / "data"), tmp_path / "out"
    numbers = numbers_in(data)
    assert len(numbers) > 10_000
    key = tmp_path / "key"
    key.write_text("a secret of more than sixteen bytes")
    out.mkdir()
    monkeypatch.chdir(out)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    said = []
    for arguments in (
        ["train", data, "--out", "models/hidden", "--report", "report.html", "--learner", "smooth_logistic"],
        ["score", data, "--model", "models/hidden", *(f"--out=scores.{kind}" for kind in ("csv", "parquet", "xlsx", "html"))],
    ):
        done = CliRunner().invoke(cli, [*map(str, arguments), "--pseudonymise", str(key)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        said.append(done.output)
    (out / "said.txt").write_text("\n".join(said))
    assert list(out.rglob("mlflow.db")), "nothing was logged to MLflow: the test says nothing about it"
    assert left_in(out, numbers) == []
    open_ = CliRunner().invoke(cli, ["score", str(data), "--model", "models/hidden", "--out", "open.csv"], catch_exceptions=False)
    assert open_.exit_code == 0
    assert left_in(out, numbers) == ["open.csv"], "the search finds what is there"
