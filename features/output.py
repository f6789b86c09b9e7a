"""Write a table to a file, whole or not at all."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from blockrisk.features.errors import UserError

FORMATS = (".csv", ".parquet")
FORMULA_STARTS = "=+-@\t＝＋－＠"
"""A cell of text that starts with one of these is run as a formula by a spreadsheet (the last four in its Asian editions)."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV or Parquet, by the ending of the name.

    It is written under a temporary name beside the target, flushed to the disk and renamed: a reader sees the old file or the
    whole new one. CSV is UTF-8, numbers in their shortest exact form, midnights as dates; text that a spreadsheet would run as a
    formula gets an apostrophe in front, which it hides.

    Args:
        frame: what to write; the index is left out.
        path: target; its folder is made where it is missing.

    Raises:
        UserError: the ending is neither .csv nor .parquet.

    """
    path = Path(path)
    check_format(path)
    writer = frame.to_parquet if path.suffix == ".parquet" else harmless_frame(frame).to_csv
    write_atomically(path, lambda temporary: writer(temporary, index=False))


def harmless_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Pass every cell of the text columns, and the names of columns, through `harmless`."""
    text = frame.select_dtypes(include=["str", "object", "category"]).columns
    changed = frame.assign(**{name: _harmless_column(frame[name]) for name in text})
    return changed.rename(columns=lambda name: harmless(str(name)))


def harmless(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula; a number such as +8613800138000 is none.

    >>> [harmless(text) for text in ("=1+1", "+8613800138000", "-5", "@A1", "Beijing")]
    ["'=1+1", '+8613800138000', '-5', "'@A1", 'Beijing']
    """
    return f"'{text}" if text.startswith(tuple(FORMULA_STARTS)) and not _NUMBER.fullmatch(text) else text


def _harmless_column(column: pd.Series) -> pd.Series:
    """Make a column harmless; one that holds nothing to change, as most do, is found without a look at each cell from Python."""
    text = column.astype("str")
    risky = text.str.startswith(tuple(FORMULA_STARTS), na=False) | text.str.contains("\r", regex=False, na=False)
    return column.astype(object).map(_harmless_cell) if risky.any() else column


def _harmless_cell(value: object) -> object:
    """Make text harmless; a carriage return, which the csv module leaves bare and readers take for the end of a row, is a blank."""
    return harmless(value.replace("\r", " ")) if isinstance(value, str) else value


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
