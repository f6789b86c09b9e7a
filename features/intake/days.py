"""Daily files of typed calls: Parquet with page checksums, written whole or not at all, and never changed once written."""

import hashlib
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.features.intake.sources import quoted
from blockrisk.features.tables import Table

DAY_US = 86_400_000_000


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


def write_day(con: duckdb.DuckDBPyConnection, table: Table, day: int, folder: Path) -> dict[str, object]:
    """Write the rows of one day in key order, flushed to the disk and named by their content; give name, SHA-256 and row count."""
    key = ", ".join(quoted(name) for name in table.key)
    low = f"make_timestamp({day} * {DAY_US})"
    rows = con.sql(
        f"select * from {table.name} where {table.event} >= {low} and {table.event} < {low} + interval 1 day order by {key}"
    ).to_arrow_table()
    temporary = folder / f".{day}.{os.getpid()}.tmp"
    try:
        pq.write_table(rows, temporary, compression="zstd", write_page_checksum=True)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        digest = digest_of(temporary)
        name = f"{day}-{digest[:16]}.parquet"
        temporary.replace(folder / name)
    finally:
        temporary.unlink(missing_ok=True)
    return {"name": name, "sha256": digest, "rows": rows.num_rows}


def read_day(path: Path) -> pa.Table:
    """Read the rows of one day, the checksum of every page verified."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read()


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, so that a rename outlives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
