"""Name the running process, and say of a process named earlier whether it still runs."""

import os
from pathlib import Path


def myself() -> str:
    """Name this process: its number and when it began, so that a later one of the same number is told apart.

    >>> running(myself())
    True
    """
    return f"{os.getpid()}.{_began(os.getpid())}"


def running(name: str) -> bool:
    """Say whether the process that called itself `name` still runs; what is no such name counts as running, so as to be left alone.

    >>> running("some file")
    True
    """
    number, _, began = name.partition(".")
    if not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return began in ("", "0") or began == str(_began(int(number)))


def _began(number: int) -> int:
    """Give the ticks from the start of the machine to that of a process; 0 where the system does not tell."""
    try:
        told = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(told.rpartition(")")[2].split()[19])
