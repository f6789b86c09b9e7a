"""The workbook for people who work in a spreadsheet: the list, the explanations, and what became of the data."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from blockrisk.features.messages import rule
from blockrisk.features.output import write_atomically
from blockrisk.serving.briefing import TRAITS, Briefing
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.percent import change_format, percent_format
from blockrisk.serving.sentences import mistake

SHEETS: Final = ("清單 List", "原因 Reasons", "建議 Advice", "資料 Data")

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its header."""

HEADERS: Final = {
    "card_id": ("卡號", 25),
    "as_of": ("預測日", 12),
    "horizon_days": ("天數", 13),
    "probability": ("封停機率", 12),
    "band": ("等級", 11),
    "rank": ("排名", 7),
    **{f"reason_{n}": (f"原因{n}", 26) for n in (1, 2, 3)},
    **{f"advice_{n}": (f"建議{n}", 26) for n in (1, 2, 3)},
    "probability_1d": ("1天內封停機率", 14),
    "probability_30d": ("30天內封停機率", 15),
    "alert": ("列入清單", 10),
    "operator": ("運營商", 16),
    "home_region": ("歸屬地", 14),
    "team": ("團隊", 12),
    "change": ("較前一日", 12),
    "code": ("代碼", 26),
    "zh-Hant": ("繁體中文", 60),
    "zh-Hans": ("简体中文", 60),
    "en": ("English", 60),
    "odds_times": ("勝算倍數", 12),
    "probability_without": ("照舊機率", 15),
    "probability_with": ("採納後機率", 15),
    "low": ("下限", 10),
    "high": ("上限", 10),
    "calls_given_up": ("每天少打", 14),
    "table": ("資料表", 18),
    "read": ("讀入", 12),
    "used": ("採用", 12),
    "duplicates": ("重複", 12),
    "set_aside": ("擱置", 12),
    "remark": ("說明", 90),
}
"""Chinese name and width of each column; the name of the contract stands beside it."""

_PERCENT: Final = frozenset(
    {"probability", "probability_1d", "probability_30d", "probability_without", "probability_with", "low", "high"}
)
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST: Final = 32_000
_HEAD_FONT, _HEAD_FILL = Font(bold=True), PatternFill("solid", fgColor="E8EDF3")


def write_workbook(scored: pd.DataFrame, briefing: Briefing | None, path: Path) -> None:
    """Write scores, and where there is a briefing its explanations and row accounting, as .xlsx, whole or not at all.

    Text is written as text whatever it looks like: no cell is a formula, and ids keep every digit. The header row is frozen and
    can be filtered. A character that the format cannot hold becomes U+FFFD. UserError when a sheet cannot hold that many scores.
    """
    if len(scored) > MOST_ROWS:
        raise mistake("too_many_rows", file=path.name, rows=len(scored), most=MOST_ROWS)
    book = Workbook(write_only=True)
    if briefing is not None:
        scored = _with_context(scored, briefing)
    _sheet(book, SHEETS[0], list(scored.columns), scored.itertuples(index=False))
    if briefing is not None:
        _sheet(book, SHEETS[1], ["card_id", "code", "odds_times", *LANGUAGES], _reasons(briefing))
        _sheet(book, SHEETS[2], [*_ADVICE, *LANGUAGES], _advice(briefing))
        _sheet(book, SHEETS[3], ["table", "read", "used", "duplicates", "set_aside", "remark"], _accounts(briefing))
    write_atomically(path, book.save)


_ADVICE: Final = ("card_id", "code", "probability_without", "probability_with", "low", "high", "calls_given_up")


def _with_context(scored: pd.DataFrame, briefing: Briefing) -> pd.DataFrame:
    """Add operator, region, team and the change since the day before to the rows of the briefing's date."""
    traits = briefing.traits.reindex(scored["card_id"])
    before = scored["card_id"].map(briefing.before.set_index("card_id")["probability"]).astype("float64")  # of no row: text
    last = scored["as_of"] == pd.Timestamp(briefing.as_of)
    return scored.assign(**{name: traits[name].to_numpy() for name in TRAITS}, change=(scored["probability"] - before).where(last))


def _reasons(briefing: Briefing) -> Iterator[list[Any]]:
    for told in briefing.explanations:
        for reason in told.reasons:
            words = [reason.text[language] for language in LANGUAGES]
            yield [told.card_id, reason.code, round(math.exp(reason.contribution), 3), *words]


def _advice(briefing: Briefing) -> Iterator[list[Any]]:
    for told in briefing.explanations:
        for advice in told.advice:
            words = [advice.text[language] for language in LANGUAGES]
            yield [told.card_id, *(getattr(advice, name) for name in _ADVICE[1:]), *words]


def _accounts(briefing: Briefing) -> Iterator[list[Any]]:
    for count in briefing.accounting:
        yield [count.table, count.read, count.used, count.duplicates, count.quarantined, None]
        for refused in count.refused:
            where = f"{refused.source} line {refused.line}" if refused.line else refused.source
            yield [count.table, None, None, None, refused.rows, f"{where}: {refused.column} {rule(refused.rule, 'en')}"]
    for name in briefing.ignored:
        yield [name, None, None, None, None, "不是資料表，未讀取 not a table, left alone"]
    for name in briefing.missing:
        yield [name, None, None, None, None, "未提供，按未知處理 not supplied: unknown, not zero"]


def _sheet(book: Workbook, title: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    sheet: WriteOnlyWorksheet = book.create_sheet(title)
    for place, name in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(place)].width = HEADERS[name][1] if name in HEADERS else 16
    sheet.freeze_panes = "B2"
    lines = 1
    try:
        sheet.append([_head(sheet, name) for name in columns])
        for row in rows:
            sheet.append([_cell(sheet, name, value) for name, value in zip(columns, row, strict=True)])
            lines += 1
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{lines}"
    finally:
        sheet.close()


def _head(sheet: Any, name: str) -> Any:
    cell = _text(sheet, f"{HEADERS[name][0]} {name}" if name in HEADERS and HEADERS[name][0] != "English" else name)
    cell.font, cell.fill, cell.alignment = _HEAD_FONT, _HEAD_FILL, Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(sheet: Any, name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _text(sheet, value)
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return _text(sheet, f"{value:%Y-%m-%d}")
    plain = value.item() if hasattr(value, "item") else value
    cell = WriteOnlyCell(sheet, value=int(plain) if isinstance(plain, bool) else plain)  # LibreOffice makes a formula of TRUE
    if name in _PERCENT:
        cell.number_format = percent_format(plain)
    elif name == "change":
        cell.number_format = change_format(plain)
    return cell


def _text(sheet: Any, value: str) -> Any:
    """Make a cell of text: its kind is set after its value, or a leading = would make it a formula."""
    cell = WriteOnlyCell(sheet, value="")
    cell.value = _UNWRITABLE.sub("�", value)[:_LONGEST]
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
