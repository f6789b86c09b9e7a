"""The template workbook: one sheet a table, derived from the declared tables, with notes in English and Chinese."""

from pathlib import Path
from typing import Any

from blockrisk.features import meanings
from blockrisk.features.errors import mistake
from blockrisk.features.output import write_atomically
from blockrisk.features.tables import TABLES, Column, Table

NOTES = "notes 說明"
_HEAD = ("table 表", "column 欄位", "required 必填", "type 類型", "meaning", "意義")
_TYPES = {
    "text": ("text", "文字"),
    "time": ("date and time, 2025-12-01 09:30", "日期時間，2025-12-01 09:30"),
    "number": ("number", "數字"),
    "clock": ("number or HH:MM", "數字或 HH:MM"),
}


def write_template(path: Path) -> None:
    """Write a workbook to fill in: a sheet a table with its columns, each with a note, and a sheet that explains them all.

    Raises:
        UserError: the name does not end in .xlsx.

    """
    import openpyxl

    if not path.name.endswith(".xlsx"):
        raise mistake("template_name", name=path.name)
    book = openpyxl.Workbook()
    notes = book.active
    notes.title = NOTES
    for row in note_rows():
        notes.append(row)
    for table in TABLES:
        _fill(book.create_sheet(table.name), table)
    _dress(notes)
    write_atomically(path, book.save)


def note_rows() -> list[tuple[str, ...]]:
    """List what the notes sheet says: a head, then a row a column of each table.

    >>> note_rows()[1][:3]
    ('cards', 'card_id', 'yes 是')
    """
    rows: list[tuple[str, ...]] = [_HEAD]
    for table in TABLES:
        for column in table.columns:
            needed = "yes 是" if column.required else ""
            kind = " / ".join(_kind(column))
            rows.append((table.name, column.name, needed, kind, column.meaning, meanings.COLUMNS[f"{table.name}.{column.name}"]))
    return rows


def note(table: Table, column: Column) -> str:
    """Write the note of one column, in both languages.

    >>> print(note(TABLES[1], TABLES[1].column("talk_s")))
    seconds of talk, 0 = not answered
    number; required
    通話秒數，0 表示未接通
    數字；必填
    """
    english, chinese = _kind(column)
    return "\n".join(
        [
            column.meaning,
            english + ("; required" if column.required else ""),
            meanings.COLUMNS[f"{table.name}.{column.name}"],
            chinese + ("；必填" if column.required else ""),
        ]
    )


def _kind(column: Column) -> tuple[str, str]:
    if column.choices:
        return ", ".join(column.choices), "、".join(column.choices)
    return _TYPES[column.type]


def _fill(sheet: Any, table: Table) -> None:
    from openpyxl.comments import Comment
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    sheet.append([column.name for column in table.columns])
    for number, column in enumerate(table.columns, 1):
        letter = get_column_letter(number)
        sheet.cell(1, number).comment = Comment(note(table, column), "blockrisk", width=320, height=120)
        sheet.column_dimensions[letter].number_format = "@"  # text: a card number must not become a float
        if column.choices:
            choice = DataValidation("list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
            choice.add(f"{letter}2:{letter}100000")
            sheet.add_data_validation(choice)
    _dress(sheet, {number for number, column in enumerate(table.columns, 1) if column.required})


def _dress(sheet: Any, required: set[int] = frozenset()) -> None:  # type: ignore[assignment]
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    for number in range(1, sheet.max_column + 1):
        sheet.cell(1, number).font = Font(bold=True)
        if number in required:
            sheet.cell(1, number).fill = PatternFill("solid", fgColor="FFE699")
        longest = max(len(str(row[number - 1] or "")) for row in sheet.iter_rows(values_only=True))
        sheet.column_dimensions[get_column_letter(number)].width = min(60, max(14, longest + 2))
