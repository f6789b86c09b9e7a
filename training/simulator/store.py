"""Writing a world: Parquet files in a folder that appears whole or not at all."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.models.folder import new_folder
from blockrisk.training.sentences import mistake
from blockrisk.training.simulator.world import World

ROWS = 1_000_000  # rows a time, to bound the memory


def write_world(world: World, out: str | Path, *, replace: bool = False) -> None:
    """Write one Parquet file per table, and truth.parquet, into the folder `out`.

    The files are written into a hidden folder beside it that takes its name at the end. An `out` that holds anything is
    refused with a UserError unless `replace`, and even then if it holds files that are no Parquet files.

    >>> from blockrisk.training.simulator import simulate
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_world(simulate(cards=20, days=9, seed=1, rollouts=2), Path(folder, "data"))
    ...     sorted(path.stem for path in Path(folder, "data").iterdir())
    ['blocks', 'calls', 'cards', 'complaints', 'messages', 'payments', 'roaming_notices', 'truth']
    """
    target = Path(out).absolute()
    check_target(target, replace=replace)
    with new_folder(target, replace=True) as fresh:
        for name, table in {**world.tables, "truth": world.truth}.items():
            _write_table(table, fresh / f"{name}.parquet")


def check_target(out: str | Path, *, replace: bool = False) -> None:
    """Raise UserError if `write_world` would refuse the folder; cheap, to be asked before a long simulation."""
    target = Path(out)
    if target.exists() and not target.is_dir():
        raise mistake("out_is_file", out=out)
    found = sorted(path.name for path in target.iterdir()) if target.exists() else []
    if found and not replace:
        raise mistake("out_not_empty", out=out)
    foreign = [name for name in found if not name.endswith(".parquet")]
    if foreign:
        raise mistake("out_foreign", out=out, name=foreign[0])


def _write_table(table: pd.DataFrame, path: Path) -> None:
    schema = _plain(pa.Schema.from_pandas(table.head(1), preserve_index=False))
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, schema, compression="zstd", compression_level=1, write_page_checksum=True) as writer,
    ):
        for first in range(0, max(1, len(table)), ROWS):
            part = pa.Table.from_pandas(table.iloc[first : first + ROWS], preserve_index=False)
            writer.write_table(part.cast(schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    """Text as plain strings, and nothing about pandas, so that the bytes depend on the data alone."""
    text = (pa.types.is_dictionary, pa.types.is_large_string, pa.types.is_string, pa.types.is_null)
    return pa.schema([pa.field(f.name, pa.string() if any(is_(f.type) for is_ in text) else f.type) for f in schema])
