"""The record of a morning: one JSON file that says what was run on what, step by step, and how it ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blockrisk.features.output import write_json
from blockrisk.models.bundle import versions_of
from blockrisk.training.morning.sentences import mistake

VERSION: Final = 1
RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"
_PACKAGES: Final = ("blockrisk", "duckdb", "numpy", "pandas", "pyarrow", "scikit-learn", "mlflow")


@dataclass
class Record:
    """Hold the record of one morning; every change is written at once, whole or not at all."""

    path: Path
    content: dict[str, Any]

    def put(self, **values: Any) -> None:
        """Change values and write the file."""
        self.content |= values
        write_json(self.path, self.content)

    def step(self, name: str, told: Mapping[str, Any]) -> None:
        """Keep what a step told, in the order of the steps."""
        steps = [step for step in self.content["steps"] if step["name"] != name]
        self.put(steps=[*steps, {"name": name, **told}])

    def end(self, status: str, code: int, when: str, **values: Any) -> None:
        """Say how the run ended."""
        attempt = {**self.content["attempts"][-1], "ended": when, "status": status, "exit_code": code}
        self.put(status=status, exit_code=code, attempts=[*self.content["attempts"][:-1], attempt], **values)


def read_record(path: Path) -> dict[str, Any] | None:
    """Read a record; None where there is none.

    Raises:
        UserError: it is damaged.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise mistake("record_damaged", path=path, error=error) from error
    if not isinstance(found, dict) or "attempts" not in found:
        raise mistake("no_record", path=path)
    return found


def sums_of(found: Mapping[str, Any] | None, step: str) -> dict[str, str]:
    """Give the SHA-256 of each file that a step of a record wrote, by its path; none where that is not on record."""
    steps = found["steps"] if found else []
    return next((dict(told.get("sums", {})) for told in steps if told["name"] == step), {})


def begin(path: Path, key: Mapping[str, Any], told: Mapping[str, Any], attempt: Mapping[str, Any]) -> Record:
    """Open the record of a morning with a new attempt; an attempt before it that did not end was interrupted."""
    earlier = [_ended(past) for past in (read_record(path) or {"attempts": []})["attempts"]]
    content = {"version": VERSION, **told, "key": dict(key), "versions": versions_in_use()}
    record = Record(path, {**content, "status": RUNNING, "exit_code": None, "attempts": earlier, "steps": []})
    record.put(attempts=[*earlier, dict(attempt)])
    return record


def interrupt(path: Path) -> bool:
    """Mark a record whose run did not end as interrupted; say whether it was such."""
    found = read_record(path)
    if found is None or found["status"] != RUNNING:
        return False
    Record(path, found).put(status=INTERRUPTED, attempts=[_ended(past) for past in found["attempts"]])
    return True


def _ended(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": INTERRUPTED, **attempt}


def versions_in_use() -> dict[str, str]:
    """Name Python and the packages that figures depend on, with their versions."""
    return versions_of(_PACKAGES)
