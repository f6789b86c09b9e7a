"""Write a table to a file, whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from blockrisk.features.errors import UserError

FORMATS = (".csv", ".parquet")


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV or Parquet, by the ending of the name.

    It is written under a temporary name beside the target, flushed to the disk and renamed: a reader sees the old file or the
    whole new one. CSV is UTF-8, numbers in their shortest exact form, midnights as dates.

    Args:
        frame: what to write; the index is left out.
        path: target; its folder is made where it is missing.

    Raises:
        UserError: the ending is neither .csv nor .parquet.

    """
    path = Path(path)
    check_format(path)
    writer = frame.to_parquet if path.suffix == ".parquet" else frame.to_csv
    write_atomically(path, lambda temporary: writer(temporary, index=False))


def check_format(path: str | Path) -> None:
    """Refuse a name whose ending is no format of ours, before any work is done.

    >>> check_format("scores.doc")
    Traceback (most recent call last):
    blockrisk.features.errors.UserError: scores.doc: the ending says the format; write .csv or .parquet
    """
    if not str(path).endswith(FORMATS):
        raise UserError(f"{Path(path).name}: the ending says the format; write {' or '.join(FORMATS)}")


def write_atomically(path: Path, write: Callable[[str], object]) -> None:
    """Call `write` with a temporary name in the target's folder, then rename it to the target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    try:
        write(temporary)
        with Path(temporary).open("rb") as file:
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
