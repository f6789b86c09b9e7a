"""Thirty kills, and a few full disks and folders without rights: the same as `make chaos`, but fewer, and in one process each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
import chaos
tally = chaos.run(chaos.Path(sys.argv[1]), int(sys.argv[2]), seed=3, sizes=(0, 3_000), folders=("lists", "workspace/models"))
print(json.dumps([tally.kills.total(), tally.finished.total(), tally.hazards.total(), tally.refused.total(), tally.wrong]))
"""


@pytest.mark.long
def test_thirty_kills_and_full_disks_leave_nothing_half_written_and_lose_no_run(demo: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "JOBLIB_MULTIPROCESSING": "0"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(demo), "30"], capture_output=True, text=True, env=environment)
    kills, finished, hazards, refused, wrong = (
        json.loads(done.stdout.splitlines()[-1]) if done.stdout else (0, 0, 0, 0, done.stderr)
    )
    assert wrong == []
    assert (kills, hazards) == (30, 10)
    assert finished >= 10
    assert refused >= 6
