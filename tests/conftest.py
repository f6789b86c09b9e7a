"""What several test files share: where ../shared is, and one small demo, made once for all workers, with a few of its cards."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and golden values beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is absent: real cards and golden values are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `blockrisk demo --cards 300 --days 90` was run: demo/data, demo/model, demo/scores.csv, and its output."""
    from click.testing import CliRunner

    from blockrisk.training.demo_cli import demo as command

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo-folder"
    with FileLock(str(folder) + ".lock"), pytest.MonkeyPatch.context() as patch:
        if not (folder / "output.txt").exists():
            folder.mkdir(exist_ok=True)
            patch.chdir(folder)
            result = CliRunner().invoke(command, ["--cards", "300", "--days", "90"], catch_exceptions=False)
            assert result.exit_code == 0
            (folder / "output.txt").write_text(result.output, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def few(demo: Path) -> Path:
    """A data folder with every fifth card of the demo: as good where scores are compared, and five times as quick."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder = demo / "few"
    with FileLock(str(folder) + ".lock"):
        if not (demo / "few.done").exists():
            folder.mkdir(exist_ok=True)
            cards = pq.read_table(demo / "demo/data/cards.parquet")["card_id"][::5]
            for path in (demo / "demo/data").glob("*.parquet"):
                table = pq.read_table(path)
                kept = table.filter(pc.is_in(table["card_id"], cards)) if "card_id" in table.column_names else table
                pq.write_table(kept, folder / path.name)
            (demo / "few.done").touch()
    return folder
