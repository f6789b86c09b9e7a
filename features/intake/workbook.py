"""Workbooks: the rows of a sheet as text, as a person reads them."""

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import ParseError

from blockrisk.features.errors import UserError
from blockrisk.features.intake.text import Row
from blockrisk.features.messages import say

_DAMAGE = (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, EOFError, ParseError)


def sheets_of(path: Path, label: str, rows: int = 1) -> list[str]:
    """Name the sheets of a workbook that hold so many rows or more, in order.

    Raises:
        UserError: it is no workbook.

    """
    return [name for name in _titles(path, label) if len(list(islice(rows_of_sheet(path, name, label), rows))) == rows]


def _titles(path: Path, label: str) -> list[str]:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            names = [sheet.title for sheet in book.worksheets]
            book.close()
    except _DAMAGE as error:
        raise UserError(say("no_workbook", label=label, why=type(error).__name__)) from error
    return names


def rows_of_sheet(path: Path, sheet: str, label: str) -> Iterator[Row]:
    """Give the rows of a sheet that hold anything, every cell as text.

    Dates come as 2025-03-01 09:05:00, whole numbers without .0; a number of more than 15 digits, which a workbook cannot hold,
    comes with its exponent, so that an id made of it is refused.

    Raises:
        UserError: the workbook is damaged.

    """
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                found = book[sheet]
                found.reset_dimensions()  # some programs write a range that leaves rows out
                yield from _filled(found.iter_rows(values_only=True))
            finally:
                book.close()
    except _DAMAGE as error:
        raise UserError(say("no_workbook", label=label, why=type(error).__name__)) from error


def _filled(rows: Iterator[tuple[object, ...]]) -> Iterator[Row]:
    """Leave out rows without a value; a row ends at its last value, as a sheet has no width of its own."""
    for number, values in enumerate(rows, 1):
        cells = [cell_text(value) for value in values]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(number, tuple(cells), "nul" if any("\0" in cell for cell in cells) else "")


def cell_text(value: object) -> str:
    """Write one value of a workbook as text.

    >>> cell_text(datetime(2025, 3, 1, 9, 5)), cell_text(13800138000.0), cell_text(0.5), cell_text(8.98601e18), cell_text(None)
    ('2025-03-01 09:05:00', '13800138000', '0.5', '8.98601e+18', '')
    """
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.15g}"
    if isinstance(value, (datetime, date, time)):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) >= 1e15:
            return repr(float(value)) if "e" in repr(float(value)) else f"{value:.16e}"
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)
