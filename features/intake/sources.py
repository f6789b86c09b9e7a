"""Find the files of each table and open them as rows of text, or of the types that Parquet and data frames state.

Nothing is guessed: CSV is read as text with the columns that its own header names.
"""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from blockrisk.features import tables as contract
from blockrisk.features.errors import UserError

ENDINGS = (".parquet", ".csv", ".csv.gz")
_CSV = "delim=',', quote='\"', escape='\"', header=true, auto_detect=false, strict_mode=true, null_padding=false"


@dataclass(frozen=True)
class Source:
    """Hold one opened file or frame: a label for messages, a FROM clause with its parameters, and column -> SQL type."""

    label: str
    clause: str
    parameters: tuple[Any, ...]
    types: dict[str, str]


def quoted(name: str) -> str:
    """Quote a name as an SQL identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def find_files(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """List the files of each known table in a data folder, and the names of what is no table of ours.

    Args:
        folder: the data folder; links are followed.

    Returns:
        table name -> its files in name order (empty where there is none), and unknown names, sorted.

    Raises:
        UserError: the folder does not exist, or a table is a workbook (not read yet).

    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give the folder that holds cards.csv and calls.csv (or .parquet)")
    found: dict[str, list[Path]] = {name: [] for name in contract.NAMES}
    unknown = []
    for entry in sorted(folder.iterdir()):
        name, _, ending = entry.name.partition(".")
        if entry.is_dir() and entry.name in found:
            found[entry.name] += _files_of_folder(entry)
        elif name in found and f".{ending}" in ENDINGS:
            found[name].append(entry)
        elif name in found and ending == "xlsx":
            raise UserError(f"{entry.name}: workbooks are not read yet; save the sheet as {name}.csv (CSV UTF-8)")
        else:
            unknown.append(entry.name)
    return found, unknown


def _files_of_folder(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS))
    if not files:
        there = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise UserError(f"{folder.name}/ holds no {', '.join(ENDINGS)} file; there is: {there}")
    return files


def open_file(con: duckdb.DuckDBPyConnection, path: Path, label: str) -> Source:
    """Open one file; its header or its Parquet schema gives the columns."""
    if path.name.endswith(".parquet"):
        clause, parameters = "read_parquet(?)", (str(path),)
        try:
            described = con.execute(f"describe select * from {clause}", parameters).fetchall()
        except duckdb.Error as error:
            raise UserError(f"{label} is no readable Parquet file ({_first_line(error)}); export it again") from error
        return Source(label, clause, parameters, {row[0]: row[1] for row in described})
    header = _header(path, label)
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in header)
    return Source(label, f"read_csv(?, {_CSV}, columns={{{columns}}})", (str(path),), dict.fromkeys(header, "VARCHAR"))


def open_frames(con: duckdb.DuckDBPyConnection, frames: Mapping[str, Any]) -> dict[str, list[Source]]:
    """Open data frames given by table name.

    Raises:
        UserError: a name is no table of the contract, or a column mixes types that cannot be one column.

    """
    found: dict[str, list[Source]] = {name: [] for name in contract.NAMES}
    for name, frame in frames.items():
        if name not in found:
            raise UserError(f"no table is called {name!r}; the tables are: {', '.join(contract.NAMES)}")
        try:
            arrow = _plain(pa.Table.from_pandas(frame, preserve_index=False))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UserError(f"{name}: {_first_line(error)}; give each column one type, ids as text") from error
        con.register(f"frame_{name}", arrow)
        described = con.execute(f"describe select * from frame_{name}").fetchall()
        found[name].append(Source(name, f"frame_{name}", (), {row[0]: row[1] for row in described}))
    return found


def _plain(table: pa.Table) -> pa.Table:
    """Turn categories into the text they stand for."""
    return table.cast(
        pa.schema([pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in table.schema])
    )


def reading_error(label: str, error: duckdb.Error) -> UserError:
    """Turn a reader's error into one sentence with file, line and repair."""
    text = str(error)
    line = next((part.split(":", 2)[2].strip() for part in text.splitlines() if "CSV Error on Line:" in part), None)
    detail = next((part.strip() for part in text.splitlines() if "Expected Number" in part), None)
    if "not utf-8" in text:
        detail = "not UTF-8 text; save the file as CSV UTF-8"
    elif "unterminated quote" in text:
        detail = "a quote is opened and never closed; repair the row"
    elif detail:
        detail = detail.replace("Expected Number of Columns:", "a row must have as many columns as the header,").replace(
            "Found:", "but it has"
        )
        detail += "; repair the row"
    where = f"{label} line {line}" if line else label
    return UserError(f"{where}: {detail or _first_line(error)}")


def _header(path: Path, label: str) -> list[str]:
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise UserError(f"{label} is not UTF-8 text; save it as CSV UTF-8") from error
    except (OSError, EOFError) as error:
        raise UserError(f"{label} cannot be read ({error}); export it again") from error
    names = [name.strip() for name in header]
    if not any(names):
        raise UserError(f"{label} is empty; the first line must name the columns")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"{label}: the column name {repeated[0]!r} stands twice in the header; rename one")
    return names


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
