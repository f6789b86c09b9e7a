"""Daily files of typed calls: Parquet with page checksums, written whole or not at all, and never changed once written."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.features.errors import UserError
from blockrisk.features.intake.sources import quoted
from blockrisk.features.output import write_whole
from blockrisk.features.tables import Table
from blockrisk.features.windows import DAY_US

_SETTLES_NS = 2_000_000_000


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     empty = Path(folder, "empty")
    ...     empty.touch()
    ...     digest_of(empty)[:8]
    'e3b0c442'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def held(lock: Path, seconds: float, refusal: UserError) -> Iterator[None]:
    """Hold a lock file meanwhile; raise `refusal` if another process holds it for so many seconds."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=seconds):
            yield
    except Timeout as error:
        raise refusal from error


def clock_of(file: Path) -> int:
    """Ask the file system for its time, in ns, by touching a file on it: what the stamps of files are held against."""
    file.touch()
    return file.stat().st_mtime_ns


def mark_of(path: Path, now: int) -> list[int]:
    """Give what tells a file from itself after a change without reading it: size, inode and the times of its last changes.

    A file that changed seconds before `now` has none yet: it may change again without another stamp.
    """
    told = path.stat()
    settled = max(told.st_mtime_ns, told.st_ctime_ns) < now - _SETTLES_NS
    return [told.st_size, told.st_ino, told.st_mtime_ns, told.st_ctime_ns] if settled else []


def write_day(con: duckdb.DuckDBPyConnection, table: Table, day: int, folder: Path) -> dict[str, object]:
    """Write the rows of one day in key order, flushed to the disk and named by their content; give name, SHA-256 and row count."""
    key = ", ".join(quoted(name) for name in table.key)
    low = f"make_timestamp({day} * {DAY_US})"
    rows = con.sql(
        f"select * from {table.name} where {table.event} >= {low} and {table.event} < {low} + interval 1 day order by {key}"
    ).to_arrow_table()
    return write_rows(rows, folder, str(day))


def write_rows(rows: pa.Table, folder: Path, name: str) -> dict[str, object]:
    """Write rows to a file named by its content, flushed to the disk; give name, SHA-256 and row count.

    Whoever tells others of the name syncs the folder first (features.output.sync).
    """
    packed = pa.BufferOutputStream()
    few = [column for column in rows.column_names if column != "callee"]  # a dictionary of what rarely repeats is slow to read
    pq.write_table(rows, packed, compression="zstd", write_page_checksum=True, use_dictionary=few)
    content = packed.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    named = f"{name}-{digest[:16]}.parquet"
    write_whole(folder / named, lambda temporary: Path(temporary).write_bytes(content))
    return {"name": named, "sha256": digest, "rows": rows.num_rows}


def iso_day(day: int) -> str:
    """Write a day since 1970 as a date.

    >>> iso_day(20000)
    '2024-10-04'
    """
    return date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat()


def read_day(path: Path) -> pa.Table:
    """Read the rows of one day, the checksum of every page verified."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read()
