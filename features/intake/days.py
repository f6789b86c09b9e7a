"""Daily files of typed calls: Parquet with page checksums, written whole or not at all, and never changed once written."""

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.features.intake.sources import quoted
from blockrisk.features.output import write_atomically
from blockrisk.features.tables import Table
from blockrisk.features.windows import DAY_US


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
    packed = pa.BufferOutputStream()
    pq.write_table(rows, packed, compression="zstd", write_page_checksum=True)
    content = packed.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    name = f"{day}-{digest[:16]}.parquet"
    write_atomically(folder / name, lambda temporary: Path(temporary).write_bytes(content))
    return {"name": name, "sha256": digest, "rows": rows.num_rows}


def read_day(path: Path) -> pa.Table:
    """Read the rows of one day, the checksum of every page verified."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read()
