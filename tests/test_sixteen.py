"""Sixteen whole morning runs at once: each in its own workspace, all on one MLflow store that is not there yet."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mornings import AS_OF, settings, small_world

from blockrisk.training.morning import registry

RUN = """
import os, sys
from pathlib import Path
from blockrisk.training.cli import main
import blockrisk.training.morning.run
import blockrisk.training.tracking as tracking
tracking._load()
children = []
for folder in sys.argv[1:]:
    child = os.fork()
    if not child:
        os.chdir(folder)
        said = os.open("said.txt", os.O_CREAT | os.O_WRONLY)
        os.dup2(said, 1)
        os.dup2(said, 2)
        try:
            main(["run", "morning.toml", "--as-of", "DAY"])
        except SystemExit as error:
            os._exit(error.code or 0)
        os._exit(1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
""".replace("DAY", str(AS_OF))


@pytest.mark.long
def test_sixteen_runs_at_once_on_one_store_lose_no_run_and_no_version(demo: Path, tmp_path: Path) -> None:
    """Every run makes the store if it is the first to come, and logs its monitoring there."""
    first, store = tmp_path / "0", tmp_path / "mlflow.db"
    small_world(demo, first)
    registry.add_version(first / "workspace/models", demo / "demo/model", {"made_at": AS_OF.isoformat(), "inputs": None})
    registry.promote(first / "workspace/models", "v1")
    settings(first, mlflow=True)
    folders = [first, *(Path(shutil.copytree(first, tmp_path / str(number))) for number in range(1, 16))]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{store}"}
    command = [sys.executable, "-c", RUN, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    said = [(folder / "said.txt").read_text() for folder in folders]
    assert done.stdout.strip() == str([0] * 16), said[0][-500:]
    assert not [text for text in said if "was not logged" in text or "Traceback" in text]
    for folder in folders:
        assert json.loads((folder / f"workspace/runs/{AS_OF}.json").read_text())["status"] == "done"
        assert (folder / f"lists/{AS_OF}/list.csv").read_bytes() == (first / f"lists/{AS_OF}/list.csv").read_bytes()
    with closing(sqlite3.connect(store)) as database:
        assert database.execute("select status, count(*) from runs group by status").fetchall() == [("FINISHED", 16)]
        told = database.execute("select key, value, count(*) from params group by key, value order by key").fetchall()
    assert told == [("as_of", str(AS_OF), 16), ("model", "v1", 16)]
