"""Read a file of ready-made vectors: one row a card, an id, feature columns, perhaps a label.

Nothing is guessed from a sample: every cell is read as text first; a column is numbers if most of its cells are, and
then one cell that is none refuses the file, with its place. Ids are never numbers.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake.dataset import connect, link, lock
from blockrisk.features.intake.sources import ENDINGS, open_file, reading_error
from blockrisk.features.messages import say

CARD: Final = "card_id"
LABEL: Final = "label"
AS_OF: Final = "as_of"
Kind = Literal["number", "text"]

_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_LOST_DIGITS: Final = r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
"""As a spreadsheet shows a long number; a hash such as 30049586750963e4 is an id like any other."""
_BLANKS: Final = ("", "null", "NULL", "None", "nan", "NaN", r"\N")
_TOTALS: Final = ("合计", "合計", "总计", "總計", "小计", "小計", "total", "Total", "TOTAL")


def read_vectors(
    path: Path,
    *,
    id_column: str | None = None,
    label_column: str | None = None,
    ignore: Sequence[str] = (),
    kinds: Mapping[str, Kind] | None = None,
) -> pd.DataFrame:
    r"""Read a CSV, CSV.GZ or Parquet file into card_id, then the feature columns, then label.

    `id_column` becomes `card_id`, text, each once; without it the rows are numbered "1", "2", ... `label_column` becomes `label`,
    float64 of 0.0 and 1.0; without it there is no such column. `ignore` names columns that are left out if they are there; so is
    `as_of`, which is never a feature. Every other column is one: float64 with NaN for blanks, or text with None; `kinds` says
    which where it is known, else a column is numbers if at least half of its filled cells are. The order of rows and columns is
    the file's. Raises UserError with file, line, column, value, rule and repair: no such file or column, a row of another length,
    a cell that is no finite number, a label that is not 0 or 1, an id that is blank, repeated or has lost digits.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cards.csv"
    >>> _ = path.write_text("sim,calls,city,blocked\n007,12,Bern,0\n008,,,1\n")
    >>> read_vectors(path, id_column="sim", label_column="blocked").values.tolist()
    [['007', 12.0, 'Bern', 0.0], ['008', nan, None, 1.0]]
    """
    path = Path(path)
    table = _read_table(path)
    names = table.column_names
    place = _Place(path.name, "row" if path.name.endswith(".parquet") else "line")
    for wanted in (id_column, label_column):
        if wanted is not None and wanted not in names:
            raise _no_column(path.name, wanted, names)
    taken = {CARD: id_column, LABEL: label_column}
    special = {name for name in (id_column, label_column) if name is not None}
    features = [name for name in names if name not in special | set(ignore) | {AS_OF}]
    _check_names(path.name, features, taken)
    found: dict[str, pd.Series] = {CARD: _ids(table, id_column, place)}
    for name in features:
        found[name] = _feature(table[name], name, place, (kinds or {}).get(name))
    if label_column is not None:
        found[LABEL] = _labels(table[label_column], label_column, place)
    return pd.DataFrame(found)


class _Place:
    """Say where a cell stands in the file."""

    def __init__(self, file: str, unit: str) -> None:
        self.file, self.unit = file, unit

    def __call__(self, row: int) -> str:
        if self.unit == "line":
            return say("line", source=self.file, line=row + 2)
        return say("row", file=self.file, row=row + 1)


def _read_table(path: Path) -> pa.Table:
    if not path.is_file():
        raise mistake("no_vectors", path=path, endings=", ".join(ENDINGS))
    if not path.name.endswith(ENDINGS):
        raise mistake("no_vectors_format", file=path.name, endings=", ".join(ENDINGS))
    with connect(threads=1) as con:
        reached = link(con, [path])[path]
        lock(con, [reached])
        source = open_file(con, path, path.name, reached)
        try:
            table = con.sql(f"SELECT * FROM {source.clause}", params=source.parameters).to_arrow_table()
        except duckdb.Error as error:
            raise reading_error(path.name, error) from error
    if not table.num_rows:
        raise mistake("no_vector", file=path.name)
    return table


def _check_names(file: str, features: list[str], taken: Mapping[str, str | None]) -> None:
    if not features:
        raise mistake("no_feature_column", file=file)
    for name, source in taken.items():
        if name in features and source is not None:
            raise mistake("name_taken", file=file, name=name, source=source)
    if CARD in features:
        raise mistake("id_as_feature", file=file, name=CARD)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the cells as trimmed text, blanks null."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        column = pc.cast(column, pa.string())
    trimmed = pc.utf8_trim(column, " \t\r\ufeff\u200b")
    return pc.if_else(pc.is_in(trimmed, pa.array(_BLANKS)), None, trimmed)


def _is_text(column: pa.ChunkedArray) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)


def _feature(column: pa.ChunkedArray, name: str, place: _Place, kind: Kind | None) -> pd.Series:
    if not _is_text(column):
        return _typed(column, name, place, kind)
    text = _text(column)
    is_number = pc.match_substring_regex(text, _NUMBER)
    filled, numbers = len(text) - text.null_count, pc.sum(is_number).as_py() or 0
    if kind is None:
        kind = "number" if 2 * numbers >= filled else "text"
    if kind == "text":
        return pd.Series(np.array(text.to_pylist(), dtype=object), dtype=object)
    if numbers < filled:
        row = pc.index(is_number, pa.scalar(False)).as_py()
        raise mistake("text_among_numbers", where=place(row), name=name, value=text[row].as_py())
    return _finite(pc.cast(text, pa.float64()), name, place)


def _typed(column: pa.ChunkedArray, name: str, place: _Place, kind: Kind | None) -> pd.Series:
    """Read a column to which Parquet gives a type."""
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    if not number and not pa.types.is_boolean(column.type):
        raise mistake("no_feature_type", where=place.file, name=name, type=column.type)
    if kind == "text":
        raise mistake("no_text_type", where=place.file, name=name, type=column.type)
    return _finite(pc.cast(column, pa.float64(), safe=False), name, place)


def _finite(column: pa.ChunkedArray, name: str, place: _Place) -> pd.Series:
    values = column.to_pandas().to_numpy(dtype="float64", na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise mistake("infinite", where=place(int(infinite[0])), name=name)
    return pd.Series(values)


def _labels(column: pa.ChunkedArray, name: str, place: _Place) -> pd.Series:
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    text = _text(column)
    known = pc.fill_null(pc.is_in(text, pa.array(["0", "1", "0.0", "1.0"])), False)
    if not pc.all(known).as_py():
        row = pc.index(known, pa.scalar(False)).as_py()
        seen = text[row].as_py()
        raise mistake("no_label", where=place(row), name=name, value=say("blank_cell") if seen is None else repr(seen))
    return pd.Series(pc.cast(text, pa.float64()).to_pandas().to_numpy(dtype="float64"))


def _ids(table: pa.Table, name: str | None, place: _Place) -> pd.Series:
    if name is None:
        return pd.Series(np.arange(1, table.num_rows + 1).astype(str).astype(object), dtype=object)
    column = table[name]
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        raise mistake("decimal_ids", where=place.file, name=name)
    text = _text(column)
    if text.null_count:
        row = pc.index(pc.is_null(text), pa.scalar(True)).as_py()
        raise mistake("blank_id", where=place(row), name=name)
    _refuse(pc.match_substring_regex(text, _LOST_DIGITS), text, place, name, "id_digits_lost")
    _refuse(pc.is_in(text, pa.array(_TOTALS)), text, place, name, "id_total")
    ids = pd.Series(np.array(text.to_pylist(), dtype=object), dtype=object)
    again = np.flatnonzero(ids.duplicated().to_numpy())
    if len(again):
        row = int(again[0])
        first = int(np.flatnonzero((ids == ids.iloc[row]).to_numpy())[0])
        raise mistake("same_id", where=place(row), name=name, first=place(first))
    return ids


def _refuse(bad: pa.ChunkedArray, text: pa.ChunkedArray, place: _Place, name: str, code: str) -> None:
    if pc.any(bad).as_py():
        row = pc.index(bad, pa.scalar(True)).as_py()
        raise mistake(code, where=place(row), name=name, value=text[row].as_py())


def _no_column(file: str, name: str, names: list[str]) -> UserError:
    near, there = difflib.get_close_matches(name, names, n=1), ", ".join(names[:12])
    if len(names) > 12:
        there = say("more_columns", names=there, more=len(names) - 12)
    if near:
        return mistake("no_vector_column_but", file=file, name=name, near=near[0], there=there)
    return mistake("no_vector_column", file=file, name=name, there=there)
