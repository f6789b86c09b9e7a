"""Write a table to a file, whole or not at all."""

import fcntl
import glob
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.features.errors import mistake

FORMATS = (".csv", ".parquet")
FORMULA_STARTS = "=+-@\t＝＋－＠"
"""A cell of text that starts with one of these is run as a formula by a spreadsheet (the last four in its Asian editions)."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_ENDING = ".tmp"


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
    if path.suffix == ".parquet":
        write_atomically(path, lambda temporary: frame.to_parquet(temporary, index=False, write_page_checksum=True))
    else:
        write_atomically(path, lambda temporary: harmless_frame(frame).to_csv(temporary, index=False))


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
        raise mistake("ending", file=Path(path).name, endings=", ".join(FORMATS[:-1]), last=FORMATS[-1])


def read_frame(path: Path) -> pd.DataFrame:
    """Read a Parquet file that `write_frame` wrote; every page is checked against its sum.

    Raises:
        UserError: the file is damaged.

    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, page_checksum_verification=True).to_pandas()
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        reason = str(error).splitlines()[0]
        raise mistake("damaged", path=path, reason=reason) from error


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_atomically(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))


def write_json(path: Path, content: Any, indent: int | None = 1) -> None:
    """Write plain values as JSON for people and programs, whole or not at all; on one line without an indent: ten times as fast."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=indent) + "\n")


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put text between two marks of a page, which keep lines of their own; all else stays.

    Raises:
        ValueError: the page does not hold the marks, one after the other.

    """
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path}: there is no place between {begin} and {end}; put both marks back")
    write_text(path, f"{before}{begin}\n{text}\n{end}{after}")


def write_atomically(path: Path, write: Callable[[str], object]) -> None:
    """Call `write` with a temporary name in the target's folder, then rename it to the target.

    What killed processes left beside the same target is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    write_whole(path, write)
    sync(path.parent)


def write_whole(path: Path, write: Callable[[str], object]) -> None:
    """Do so for one file of many in a folder: it is there whole or not at all, for good once the folder is synced.

    What killed processes left is not removed: see `sweep_folder`.
    """
    handle, temporary = _temporary(path)
    try:
        write(temporary)
        with Path(temporary).open("rb") as file:
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    finally:
        os.close(handle)
        Path(temporary).unlink(missing_ok=True)


def _temporary(path: Path) -> tuple[int, str]:
    """Make a temporary file beside a target and lock it; one that another process swept before it was locked is made again."""
    while True:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_ENDING, dir=path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if Path(temporary).exists():
            return handle, temporary
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove the temporary files beside a target whose writers are gone: a living one holds a lock on its own."""
    _remove(path.parent.glob(f".{glob.escape(path.name)}.????????{_ENDING}"))


def sweep_folder(folder: Path) -> None:
    """Remove those beside any file of a folder."""
    _remove(folder.glob(f".*.????????{_ENDING}"))


def _remove(leftovers: Iterable[Path]) -> None:
    for leftover in leftovers:
        try:
            with leftover.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink(missing_ok=True)
        except OSError:
            continue


def sync(folder: Path) -> None:
    """Have the disk know the names of a folder's files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
