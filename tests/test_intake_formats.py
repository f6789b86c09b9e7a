"""Any export goes in: encodings, separators, workbooks, overlapping files, and columns under other names."""

import codecs
import gzip
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from blockrisk.features import Tables, UserError, read_tables
from blockrisk.features.intake import account_lines
from blockrisk.features.intake.mapping import mapping_of, mapping_text
from blockrisk.features.synonyms import FITTING

CARDS = "card_id,operator,home_region,activated_at\n0012,移動,成都,2025-01-01\n0013,移動,綿陽,2025-01-01\n"
CALLS = "card_id,started_at,callee,talk_s\n0012,2025-01-02 09:00:00,張三,30\n0013,2025-01-02 09:05:00,李四,0\n"


def folder(path: Path, **files: str | bytes) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in {"cards__csv": CARDS, **files}.items():
        path.joinpath(name.replace("__", ".")).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def count(tables: Tables, name: str) -> tuple[int, int, int, int]:
    found = next(entry for entry in tables.accounting if entry.table == name)
    return found.read, found.used, found.duplicates, found.quarantined


ENCODINGS = {
    "utf-8": CALLS.encode(),
    "utf-8 with mark": codecs.BOM_UTF8 + CALLS.encode(),
    "gb18030": CALLS.encode("gb18030"),
    "utf-16": CALLS.encode("utf-16"),
    "utf-16 big end first": codecs.BOM_UTF16_BE + CALLS.encode("utf-16-be"),
    "utf-16 without mark": CALLS.encode("utf-16-le"),
    "semicolons": CALLS.replace(",", ";").encode(),
    "tabs": CALLS.replace(",", "\t").encode("gb18030"),
    "windows line ends": CALLS.replace("\n", "\r\n").encode(),
    "old mac line ends": CALLS.replace("\n", "\r").encode(),
    "no last line end": CALLS.rstrip().encode(),
    "blank lines": CALLS.replace("\n", "\n\n").encode(),
    "a title above": ("2025年1月 話單\n\n" + CALLS).encode(),
    "quoted": CALLS.replace("張三", '"張三"').encode(),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_and_separator_reads_alike(tmp_path: Path, name: str) -> None:
    plain = read_tables(folder(tmp_path / "plain", calls__csv=CALLS)).digest()
    assert read_tables(folder(tmp_path / "other", calls__csv=ENCODINGS[name])).digest() == plain
    assert read_tables(folder(tmp_path / "gz", calls__csv__gz=gzip.compress(ENCODINGS[name]))).digest() == plain


def test_damaged_utf_8_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    tables = read_tables(folder(tmp_path, calls__csv=CALLS.encode() + "0012,2025-01-02 10:00:00,王五,5\n".encode()[:-5] + b",5\n"))
    assert count(tables, "calls") == (3, 2, 0, 1)
    assert "calls.csv line 4: row" in str(tables.accounting[1].refused[0])
    assert tables.frame("calls")["callee"].tolist() == ["張三", "李四"]


WITH_WORD = "card_id,started_at,callee,talk_s,region\n0012,2025-01-02 09:00:00,c,30,{}\n0013,2025-01-02 09:05:00,d,0,\n"


@pytest.mark.parametrize(("word", "read"), [("未知", None), ("未知\n0012,2025-01-03 09:00:00,c,30,成都", None), ("成都", "成都")])
def test_chinese_whose_bytes_are_good_utf_8_is_still_chinese(tmp_path: Path, word: str, read: str | None) -> None:
    assert "未知".encode("gb18030").decode("utf-8") == "δ֪"
    tables = read_tables(folder(tmp_path, calls__csv=WITH_WORD.format(word).encode("gb18030")))
    assert tables.con.execute("select region from calls where card_id = '0012' order by started_at").fetchall()[0] == (read,)


def test_text_that_two_encodings_fit_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='calls.csv line 2: the bytes of "αβ" in UTF-8 are "伪尾" in GB18030'):
        read_tables(folder(tmp_path / "asked", calls__csv=WITH_WORD.format("αβ")))
    with pytest.raises(UserError, match='calls.csv line 2: the bytes of "αβ"'):
        read_tables(folder(tmp_path / "old mac", calls__csv=WITH_WORD.format("αβ").replace("\n", "\r")))
    for name, content in {"marked": WITH_WORD.format("αβ").encode("utf-8-sig"), "settled": WITH_WORD.format("αβ成")}.items():
        tables = read_tables(folder(tmp_path / name, calls__csv=content))
        assert tables.frame("calls")["region"].iloc[0].startswith("αβ")
    one = read_tables(folder(tmp_path / "one", calls__csv=WITH_WORD.format("Orléans")))
    assert one.frame("calls")["region"].iloc[0] == "Orléans"


def test_a_workbook_reads_as_its_cells_are_shown(tmp_path: Path) -> None:
    rows = [
        ["card_id", "started_at", "callee", "talk_s"],
        ["0012", datetime(2025, 1, 2, 9, 0), "張三", 30],
        [None, None, None, None],
        ["0013", "2025-01-02 09:05:00", "李四", 0.0],
    ]
    workbook(folder(tmp_path / "x") / "calls.xlsx", Sheet1=rows)
    assert read_tables(tmp_path / "x").digest() == read_tables(folder(tmp_path / "plain", calls__csv=CALLS)).digest()


def test_a_number_too_long_for_a_workbook_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = [
        ["card_id", "started_at", "callee", "talk_s"],
        [8986010000000518694, date(2025, 1, 2), "c", 1],
        ["0012", date(2025, 1, 2), "c", 1],
    ]
    workbook(folder(tmp_path) / "calls.xlsx", Sheet1=rows)
    tables = read_tables(tmp_path)
    assert count(tables, "calls") == (2, 1, 0, 1)
    assert "calls.xlsx line 2: card_id" in str(tables.accounting[1].refused[0])


def test_one_workbook_with_a_sheet_a_table_is_a_data_set(tmp_path: Path) -> None:
    cards, calls = ([line.split(",") for line in text.splitlines()] for text in (CARDS, CALLS))
    book = workbook(tmp_path / "all.xlsx", cards=cards, 话单=calls, complaints=[["card_id", "complained_at"]], notes=[["x"]])
    tables = read_tables(book)
    assert tables.digest() == read_tables(folder(tmp_path / "plain", calls__csv=CALLS)).digest()
    assert "complaints" not in tables.present, "an empty sheet of a template says nothing about complaints"
    assert read_tables(tmp_path).digest() == tables.digest()


def test_which_sheet_is_meant_is_asked(tmp_path: Path) -> None:
    rows = [line.split(",") for line in CALLS.splitlines()]
    workbook(folder(tmp_path) / "calls.xlsx", January=rows, February=rows)
    with pytest.raises(UserError, match="calls.xlsx has several sheets with rows: January, February; name one calls"):
        read_tables(tmp_path)


CHINESE = (
    "卡號,開始時間,被叫號碼,通話時長（分鐘）,呼叫類型,備註\n0012,2025/1/2 9:00,張三,0.5,呼出,x\n"
    "0013,2025年1月2日 9:05,李四,0,被叫,\n"
)


def test_chinese_headers_units_and_words_are_understood_and_told(tmp_path: Path) -> None:
    tables = read_tables(folder(tmp_path, 話單__csv=CHINESE))
    frame = tables.frame("calls")
    assert frame["talk_s"].tolist() == [30.0, 0.0]
    assert frame["direction"].tolist() == ["out", "in"]
    told = "\n".join(account_lines(tables))
    assert "calls: read as 卡號 -> card_id, 開始時間 -> started_at, 被叫號碼 -> callee, 通話時長（分鐘） -> talk_s (x 60)" in told
    assert "calls: columns not used: 備註" in told


def test_a_hundredth_is_divided_so_that_it_is_the_nearest_number(tmp_path: Path) -> None:
    payments = "卡号,应缴日期,应缴金额(分)\n0012,2025-01-05,6985\n"
    tables = read_tables(folder(tmp_path, calls__csv=CALLS, payments__csv=payments))
    assert tables.frame("payments")["amount_due"].tolist() == [69.85]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            "card_id,started_at,callee,通话时长,计费时长",
            r'calls.csv: 2 columns may be talk_s: 通话时长, 计费时长; .*\[calls\]: talk_s = "通话时长"',
        ),
        (
            "card_id,started_at,callee,通话时长(跳),x",
            r'the unit of 通话时长\(跳\) is unknown; .*talk_s = \{ column = "通话时长\(跳\)", unit',
        ),
    ],
)
def test_what_has_two_meanings_is_asked_with_the_line_to_add(tmp_path: Path, header: str, told: str) -> None:
    calls = f"{header}\n0012,2025-01-02 09:00:00,c,30,40\n"
    with pytest.raises(UserError, match=told) as refused:
        read_tables(folder(tmp_path, calls__csv=calls))
    line = str(refused.value).split("[calls]: ")[1]
    tables = read_tables(folder(tmp_path, calls__csv=calls, mapping__toml=f"[calls]\n{line}\n"))
    assert tables.frame("calls")["talk_s"].tolist() == [30.0]


def test_day_and_month_are_asked_and_then_read_as_said(tmp_path: Path) -> None:
    calls = "card_id,started_at,callee,talk_s\n0012,01/02/2025 9:00,c,30\n0012,03/02/2025 9:00,c,30\n"
    with pytest.raises(UserError, match='line 2: started_at "01/02/2025 9:00" may be day/month or month/day') as refused:
        read_tables(folder(tmp_path, calls__csv=calls))
    line = str(refused.value).split("[calls]: ")[1].split(" (order")[0]
    for order, month in ("dmy", 2), ("mdy", 1):
        folder(tmp_path, mapping__toml=f"[calls]\n{line.replace('dmy', order)}\n")
        assert read_tables(tmp_path).frame("calls")["started_at"].iloc[0] == pd.Timestamp(2025, month, 3 - month, 9)


def test_one_slip_among_clean_dates_is_set_aside_and_not_asked(tmp_path: Path) -> None:
    tables = read_tables(folder(tmp_path, calls__csv=CALLS + "0012,01/02/2025,c,1\n"))
    assert count(tables, "calls") == (3, 2, 0, 1)
    assert "day/month" in str(tables.accounting[1].refused[0])


def test_the_written_mapping_reads_the_same_and_can_leave_a_column_unread(tmp_path: Path) -> None:
    first = read_tables(folder(tmp_path, 話單__csv=CHINESE))
    text = mapping_text(mapping_of((mapped.table, mapped.uses) for mapped in first.mapped))
    assert read_tables(folder(tmp_path, mapping__toml=text)).digest() == first.digest()
    unread = read_tables(folder(tmp_path, mapping__toml=text.replace('direction = "呼叫類型"', 'direction = ""')))
    assert "calls.direction" not in unread.present


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("[calls", "mapping.toml cannot be read"),
        ("[phones]\na = 1\n", "mapping.toml: phones is no entry"),
        ("[calls]\ntalk = 'x'\n", "mapping.toml: calls.talk is no entry"),
        ("[calls]\ntalk_s = {column = 'talk_s', order = 'ymd'}\n", "mapping.toml: calls.talk_s is no entry"),
        ("[calls]\ntalk_s = 'seconds'\n", "calls.talk_s names the column seconds, which no file has; there are: callee"),
    ],
)
def test_a_mapping_that_says_nothing_true_is_refused(tmp_path: Path, mapping: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        read_tables(folder(tmp_path, calls__csv=CALLS, mapping__toml=mapping))


def test_no_name_fits_two_columns_of_a_table() -> None:
    for table, columns in FITTING.items():
        names = [name for fitting in columns.values() for name in fitting]
        assert len(names) == len(set(names)), table


ROWS = {
    "a short row": ("0012,2025-01-02", "2"),
    "a long row": ("0012,2025-01-02,c,1,x", "5"),
    "an unclosed quote": ('0012,2025-01-02,"c,1', "a quote is opened"),
    "a quote inside": ('0012,2025-01-02,"c"d,1', "a quote is opened"),
    "a NUL": ("0012,2025-01-02,c\0,1", "NUL"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_none_is_set_aside_alone(tmp_path: Path, name: str) -> None:
    bad, told = ROWS[name]
    lines = CALLS.splitlines()
    tables = read_tables(folder(tmp_path, calls__csv="\n".join([*lines[:2], bad, lines[2], ""])))
    assert count(tables, "calls") == (3, 2, 0, 1)
    refused = str(tables.accounting[1].refused[0])
    assert "calls.csv line 3" in refused
    assert told in refused


def test_a_quoted_cell_may_span_lines_but_never_swallows_a_row(tmp_path: Path) -> None:
    spanning = CALLS.replace("talk_s\n", "talk_s,note\n").replace(",30\n", ',30,"one\ntwo"\n').replace(",0\n", ",0,\n")
    assert count(read_tables(folder(tmp_path, calls__csv=spanning)), "calls") == (2, 2, 0, 0)
    swallowing = CALLS.replace("talk_s\n", "talk_s,note\n").replace(",30\n", ',30,"one\n').replace(",0\n", ',0,two"\n')
    with pytest.raises(UserError, match="no row of calls can be used; calls.csv line 2: row"):
        read_tables(folder(tmp_path, calls__csv=swallowing))
