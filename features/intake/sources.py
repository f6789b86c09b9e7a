"""Find the files of each table and open them as rows of text, or of the types that Parquet and data frames state.

Nothing is guessed: CSV is read as text with the columns that its own header names.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from blockrisk.features import tables as contract
from blockrisk.features.chinese import folded
from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake.macros import literal
from blockrisk.features.intake.mapping import FILE
from blockrisk.features.intake.text import open_bytes
from blockrisk.features.intake.workbook import sheets_of
from blockrisk.features.messages import rule, say, shown
from blockrisk.features.synonyms import TABLE_OF

ENDINGS = (".parquet", ".csv", ".csv.gz")
READABLE = (*ENDINGS, ".xlsx", ".txt", ".tsv", ".txt.gz", ".tsv.gz")
_CSV = "delim=',', quote='\"', escape='\"', header=true, auto_detect=false, strict_mode=true, null_padding=false"


@dataclass(frozen=True)
class Found:
    """Hold one file of a table, or one sheet of a workbook, and its name in messages."""

    path: Path
    label: str
    sheet: str = ""


@dataclass(frozen=True)
class Source:
    """Hold one opened file or frame.

    Attributes:
        label: its name in messages.
        clause, parameters: the FROM clause.
        types: column -> SQL type.
        names: column -> name in SQL, where that is not the column's own.
        headers: the columns as the file names them, repeated ones included; () if `types` names them all.
        line: SQL of the row's place in the file; "" if it follows from the order of rows.
        first: the place of the first row.
        decimal_comma: whether a comma in a number may be a decimal comma.

    """

    label: str
    clause: str
    parameters: tuple[Any, ...]
    types: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    line: str = ""
    first: int = 1
    decimal_comma: bool = False


def quoted(name: str) -> str:
    """Quote a name as an SQL identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def find_files(folder: Path) -> tuple[dict[str, list[Found]], list[str]]:
    """List the files of each known table in a data folder, and the names of what is no table of ours.

    Args:
        folder: the data folder, or one workbook with a sheet a table; links are followed.

    Returns:
        table name -> its files in name order (empty where there is none), and unknown names, sorted.

    Raises:
        UserError: the folder does not exist, a workbook is damaged, or it is not plain which of its sheets is the table.

    """
    found: dict[str, list[Found]] = {name: [] for name in contract.NAMES}
    unknown: list[str] = []
    if folder.is_file() and folder.name.endswith(".xlsx"):
        _add_sheets(found, unknown, folder)
    elif folder.is_dir():
        for entry in sorted(folder.iterdir()):
            _add(found, unknown, entry)
    else:
        raise mistake("no_folder", path=folder)
    return found, unknown


def _add(found: dict[str, list[Found]], unknown: list[str], entry: Path) -> None:
    name, _, ending = entry.name.partition(".")
    table = TABLE_OF.get(folded(name), "")
    if entry.name.startswith((".", "~$")) or entry.name == FILE:
        return
    if entry.is_dir() and table:
        found[table] += _files_of_folder(table, entry)
    elif table and f".{ending.lower()}" in READABLE:
        found[table] += _parts(table, entry, entry.name)
    elif table and ending.lower() == "xls":
        raise mistake("old_workbook", label=entry.name, stem=name)
    elif ending.lower() == "xlsx":
        _add_sheets(found, unknown, entry)
    else:
        unknown.append(entry.name)


def _add_sheets(found: dict[str, list[Found]], unknown: list[str], path: Path) -> None:
    """Add the sheets of a workbook that are named as tables and have a row: an empty sheet of a template says nothing."""
    tables = [(sheet, TABLE_OF.get(folded(sheet), "")) for sheet in sheets_of(path, path.name, rows=2)]
    for sheet, table in tables:
        if table:
            found[table].append(Found(path, f"{path.name}[{sheet}]", sheet))
    if not any(table for _, table in tables):
        unknown.append(path.name)


def _files_of_folder(table: str, folder: Path) -> list[Found]:
    files = sorted(
        path for path in folder.iterdir() if path.name.lower().endswith(READABLE) and not path.name.startswith((".", "~$"))
    )
    if not files:
        there = ", ".join(sorted(path.name for path in folder.iterdir())) or "-"
        raise mistake("empty_folder", folder=folder.name, endings=", ".join((*ENDINGS, ".xlsx")), there=there)
    return [part for path in files for part in _parts(table, path, f"{folder.name}/{path.name}")]


def _parts(table: str, path: Path, label: str) -> list[Found]:
    """Take a file whole, and of a workbook the sheet named as the table or the only one with rows."""
    if not path.name.lower().endswith(".xlsx"):
        return [Found(path, label)]
    sheets = sheets_of(path, label)
    named = [sheet for sheet in sheets if TABLE_OF.get(folded(sheet)) == table]
    chosen = named if len(named) == 1 else sheets
    if not chosen:
        raise mistake("empty", label=label)
    if len(chosen) > 1:
        raise mistake("sheets", label=label, there=", ".join(sheets), table=table)
    return [Found(path, f"{label}[{chosen[0]}]" if len(sheets) > 1 else label, chosen[0])]


def open_file(con: duckdb.DuckDBPyConnection, path: Path, label: str, reached: str = "") -> Source:
    """Open one file with the fast reader; its header or its Parquet schema gives the columns.

    Args:
        con: the engine.
        path: the file.
        label: its name in messages.
        reached: the link by which the engine reaches it, where that is locked (features.intake.dataset.link).

    """
    reached = reached or str(path)
    if path.name.endswith(".parquet"):
        clause, parameters = "read_parquet(?)", (reached,)
        try:
            described = con.execute(f"describe select * from {clause}", parameters).fetchall()
        except duckdb.Error as error:
            raise mistake("no_parquet", label=label, why=_first_line(error)) from error
        return Source(label, clause, parameters, {row[0]: row[1] for row in described})
    header = _header(path, label)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    clause = f"read_csv(?, {_CSV}, columns={{{columns}}})"
    return Source(label, clause, (reached,), dict.fromkeys(header, "VARCHAR"), first=2)


def open_frames(con: duckdb.DuckDBPyConnection, frames: Mapping[str, Any]) -> dict[str, list[Source]]:
    """Open data frames given by table name.

    Raises:
        UserError: a name is no table of the contract, or a column mixes types that cannot be one column.

    """
    found: dict[str, list[Source]] = {name: [] for name in contract.NAMES}
    for name, frame in frames.items():
        if name not in found:
            raise mistake("unknown_table", name=repr(name), there=", ".join(contract.NAMES))
        try:
            arrow = _plain(pa.Table.from_pandas(frame, preserve_index=False))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise mistake("mixed_types", label=name, why=_first_line(error)) from error
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
    wrong = next((part for part in text.splitlines() if "Expected Number" in part), "")
    if "not utf-8" in text:
        detail = say("text_not_utf8")
    elif "unterminated quote" in text:
        detail = rule("quote")
    elif numbers := re.findall(r"\d+", wrong):
        detail = say("row_length", header=numbers[0], row=numbers[-1])
    else:
        detail = _first_line(error)
    return UserError(f"{say('line', source=label, line=line) if line else label}: {detail}")


def _header(path: Path, label: str) -> list[str]:
    try:
        with open_bytes(path) as file:
            first = file.readline().decode("utf-8-sig")
            while first.count('"') % 2 and (more := file.readline()):
                first += more.decode("utf-8")
        header = next(csv.reader([first]), [])
    except UnicodeDecodeError as error:
        raise mistake("not_utf8", label=label) from error
    except (OSError, EOFError, csv.Error) as error:
        raise mistake("unreadable", label=label, why=_first_line(error)) from error
    names = [name.strip() for name in header]
    if not any(names):
        raise mistake("empty", label=label)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise mistake("twice", label=label, header=repr(shown(repeated[0])))
    return names


def _first_line(error: BaseException) -> str:
    return shown((str(error).splitlines() or [type(error).__name__])[0])
