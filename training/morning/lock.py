"""One run at a time in a workspace."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from blockrisk.features.errors import UserError
from blockrisk.models.process import myself, running

FILE: Final = "run.lock"


class BusyError(UserError):
    """Say that another run holds the workspace."""

    exit_code = 3


@contextmanager
def alone(workspace: Path, since: str) -> Iterator[str | None]:
    """Hold the workspace within the block, and say of whom a stale lock was taken over (None: there was none).

    The system frees the lock when its process ends, however it ends; the file says who holds it. On file systems where that lock
    does nothing, the file alone decides: its process must be gone, another of the same number, or of another boot.
    BusyError, with exit code 3, when another run holds it.
    """
    file = workspace / FILE
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(workspace, _read(file)) from None
        earlier = _read(file)
        if _holds(earlier):
            raise _busy(workspace, earlier)
        _write(handle, {"process": myself(), "boot": _boot(), "since": since})
        try:
            yield _stale(earlier)
        finally:
            _write(handle, {})


def _busy(workspace: Path, holder: dict[str, Any]) -> BusyError:
    who = (
        f"process {str(holder['process']).partition('.')[0]} since {holder.get('since')}" if "process" in holder else "another run"
    )
    return BusyError(f"{workspace} is busy: {who} is at work there; wait for it, or give another workspace")


def _holds(holder: dict[str, Any]) -> bool:
    if "process" not in holder or holder["process"] == myself():
        return False
    return holder.get("boot") == _boot() and running(str(holder["process"]))


def _stale(holder: dict[str, Any]) -> str | None:
    if "process" not in holder:
        return None
    why = "that process is gone" if holder.get("boot") == _boot() else "the machine was started anew since"
    return f"the run of {holder.get('since')} (process {str(holder['process']).partition('.')[0]}) did not end well: {why}"


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(handle: Any, content: dict[str, Any]) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(json.dumps(content) if content else "")
    handle.flush()
    os.fsync(handle.fileno())


def _boot() -> str:
    """Name the boot of the machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
