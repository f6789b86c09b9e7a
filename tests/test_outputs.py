"""Score files of every kind: several at once, harmless in a spreadsheet, ids intact, whole or not at all."""

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import openpyxl
import pandas as pd
import pytest
from briefings import morning, scores
from click.testing import CliRunner

from blockrisk.features import UserError
from blockrisk.features.output import FORMULA_STARTS, read_frame, write_between, write_frame, write_text
from blockrisk.serving.briefing import missing_tables
from blockrisk.serving.cli import score
from blockrisk.serving.outputs import check_outputs, write_outputs
from blockrisk.serving.percent import percent_format
from blockrisk.serving.workbook import HEADERS, SHEETS

FORMULAS = [
    *(f"{start}1+1" for start in FORMULA_STARTS),
    *("=cmd|' /C calc'!A0", '=HYPERLINK("http://x.invalid","y")', "@SUM(1,1)", "+1+1", "-2+3+cmd|' /C calc'!A0", "=1+1\n=2"),
    *("=IMPORTXML(1,1)", "\t=1+1", "{=1+1}", "'=1+1", '"=1+1"', "=A1&CHAR(10)", "＝1+1"),
]


def payload(words: str) -> str:
    """Put a formula in front of a text, another one each time."""
    return f"{FORMULAS[crc32(words.encode()) % len(FORMULAS)]}{words}"


def test_text_that_looks_like_a_formula_gets_an_apostrophe_in_csv_and_numbers_do_not(tmp_path: Path) -> None:
    ids = [*FORMULAS, "+8613800138000", "-5", "00123", "89860100000002478647"]
    frame = scores([str(i) for i in range(len(ids))], pd.Series([0.02] * len(ids)).to_numpy()).assign(card_id=ids)
    write_frame(frame, tmp_path / "scores.csv")
    back = pd.read_csv(tmp_path / "scores.csv", dtype=str, keep_default_na=False)["card_id"].tolist()
    assert back[-4:] == ids[-4:]
    assert len(back) == len(ids)
    for given, written in zip(FORMULAS, back, strict=False):
        assert written == (f"'{given}" if given[0] in FORMULA_STARTS else given)


def test_a_carriage_return_starts_no_row(tmp_path: Path) -> None:
    write_frame(pd.DataFrame({"card_id": ["a\r=1+1", "b\n=1+1", "\r=1"]}), tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes() == b'card_id\na =1+1\n"b\n=1+1"\n =1\n'


def test_parquet_keeps_text_as_it_is(tmp_path: Path) -> None:
    write_frame(pd.DataFrame({"card_id": FORMULAS}), tmp_path / "scores.parquet")
    assert pd.read_parquet(tmp_path / "scores.parquet")["card_id"].tolist() == FORMULAS


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A workbook with a formula in front of every text of the data."""
    briefing = morning(cards=60, capacity=20, words=payload)
    path = tmp_path_factory.mktemp("books") / "list.xlsx"
    write_outputs(briefing.scored, briefing, [path])
    return path, briefing.scored


def test_no_cell_of_a_workbook_is_a_formula_and_every_text_comes_back(workbook: tuple[Path, pd.DataFrame]) -> None:
    path, scored = workbook
    book = openpyxl.load_workbook(path)
    assert tuple(book.sheetnames) == SHEETS
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "inlineStr"}
    ids = [row[0] for row in book[SHEETS[0]].iter_rows(min_row=2, values_only=True)]
    assert ids == scored["card_id"].tolist()


def test_a_workbook_has_a_frozen_header_in_two_languages_filters_widths_and_percentages(tmp_path: Path) -> None:
    briefing = morning(cards=12, capacity=5)
    write_outputs(briefing.scored, briefing, [tmp_path / "list.xlsx"])
    for sheet in openpyxl.load_workbook(tmp_path / "list.xlsx"):
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == sheet.dimensions
        heads = [cell.value for cell in sheet[1]]
        assert all(any(ord(character) > 0x2E80 for character in head) or head in ("en", "zh-Hant") for head in heads), heads
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")[SHEETS[0]]
    assert sheet["A1"].value == "卡號 card_id"
    assert sheet.column_dimensions["A"].width == HEADERS["card_id"][1]
    assert sheet["D2"].number_format == percent_format(briefing.scored["probability"].iloc[0])
    assert sheet["D2"].value == briefing.scored["probability"].iloc[0]
    assert sheet["B2"].value == "2025-05-01"


def test_a_workbook_tells_reasons_advice_and_the_account_of_rows(tmp_path: Path) -> None:
    briefing = morning(cards=12, capacity=5)
    write_outputs(briefing.scored, briefing, [tmp_path / "list.xlsx"])
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    reasons, advice, data = (list(book[name].iter_rows(min_row=2, values_only=True)) for name in SHEETS[1:])
    assert len(reasons) == sum(len(told.reasons) for told in briefing.explanations)
    assert len(advice) == sum(len(told.advice) for told in briefing.explanations)
    assert ("calls", 1000, 990, 7, 3, None) in data
    assert ("locations", *[None] * 4, "未提供，按未知處理 not supplied: unknown, not zero") in data


def test_more_scores_than_a_sheet_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockrisk.serving.workbook.MOST_ROWS", 1)
    with pytest.raises(UserError, match=r"many.xlsx: 2 scores, and a sheet holds 1; write .csv or .parquet"):
        write_outputs(scores(["a", "b"], pd.Series([0.2, 0.1]).to_numpy()), None, [tmp_path / "many.xlsx"])
    assert list(tmp_path.iterdir()) == []


def test_text_that_a_workbook_cannot_hold_does_not_stop_it(tmp_path: Path) -> None:
    frame = scores(["a\x00b\x0bc\uffffd", "x" * 40_000], pd.Series([0.2, 0.1]).to_numpy())
    write_outputs(frame, None, [tmp_path / "odd.xlsx"])
    sheet = openpyxl.load_workbook(tmp_path / "odd.xlsx")[SHEETS[0]]
    assert sheet["A2"].value == "a\ufffdb\ufffdc\ufffdd"
    assert len(sheet["A3"].value) == 32_000


@pytest.mark.long
def test_libreoffice_opens_the_workbook_without_a_formula_and_with_ids_intact(
    workbook: tuple[Path, pd.DataFrame], tmp_path: Path
) -> None:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc")
    path, scored = workbook
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [
        program,
        "--headless",
        profile,
        "--convert-to",
        "fods",
        "--outdir",
        str(tmp_path),
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    text = (tmp_path / "list.fods").read_text(encoding="utf-8")
    assert "table:formula" not in text
    shown = [re.sub(r"\D", "", cell) for cell in re.findall(r"<text:p>(.*?)</text:p>", text)]
    assert all(any(card[-20:] in digits for digits in shown) for card in scored["card_id"])


def test_scoring_to_csv_loads_neither_the_page_nor_the_workbook_libraries() -> None:
    code = (
        "import sys; import blockrisk.serving.batch; import blockrisk.serving.cli;"
        "print([name for name in sys.modules if name.split('.')[0] in ('jinja2', 'openpyxl', 'markupsafe')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("names", "dated", "told"),
    [
        (["list.doc"], True, "list.doc: the ending says the format"),
        (["a.csv", "list.html"], False, "list.html: a page tells of days"),
        (["a.csv", "b.csv", "./a.csv"], True, "names one file twice"),
    ],
)
def test_names_that_cannot_be_written_are_refused_before_any_work(names: list[str], dated: bool, told: str) -> None:
    with pytest.raises(UserError, match=told):
        check_outputs([Path(name) for name in names], dated=dated)


def test_a_failed_workbook_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_text("yesterday's")
    with pytest.raises(ValueError, match="Cannot convert"):
        write_outputs(pd.DataFrame({"card_id": [["no", "cell"]]}), None, [path])
    assert path.read_text() == "yesterday's"
    assert [entry.name for entry in tmp_path.iterdir()] == ["list.xlsx"]


def test_missing_tables_are_those_that_sharpen_a_forecast() -> None:
    assert missing_tables(["cards", "calls"]) == (
        *("complaints", "locations", "roaming_notices", "payments", "messages"),
        "blocks",
    )


@pytest.mark.long
def test_a_date_before_every_card_gives_a_page_and_a_workbook_that_say_so(demo: Path, tmp_path: Path) -> None:
    page, book = tmp_path / "none.html", tmp_path / "none.xlsx"
    given = [str(demo / "demo/data"), "--model", str(demo / "demo/model"), "--as-of", "2000-01-01"]
    result = CliRunner().invoke(score, [*given, "--out", str(page), "--out", str(book)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "Nobody is at risk at this date" in page.read_text(encoding="utf-8")
    assert "2000-01-01" in page.read_text(encoding="utf-8")
    assert openpyxl.load_workbook(book)[SHEETS[0]].max_row == 1


@pytest.mark.long
def test_one_run_writes_all_kinds_and_they_agree(demo: Path, tmp_path: Path) -> None:
    names = [tmp_path / f"list{ending}" for ending in (".csv", ".parquet", ".xlsx", ".html")]
    wanted = [part for name in names for part in ("--out", str(name))]
    given = [str(demo / "demo/data"), "--model", str(demo / "demo/model"), "--capacity", "15", *wanted]
    result = CliRunner().invoke(score, given, catch_exceptions=False)
    assert result.exit_code == 0
    assert all(str(name) in result.output for name in names)
    csv, parquet = pd.read_csv(names[0], dtype={"card_id": str}), pd.read_parquet(names[1])
    sheet = openpyxl.load_workbook(names[2])[SHEETS[0]]
    ids = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert csv["card_id"].tolist() == parquet["card_id"].tolist() == ids
    assert csv["advice_1"].notna().sum() <= 15
    page = names[3].read_text(encoding="utf-8")
    assert all(card in page for card in ids)
    assert page.count('<details class="card ') == 15


def _same_or_refused(file: Path, frame: pd.DataFrame) -> bool:
    try:
        found = read_frame(file)
    except UserError:
        return False
    assert found.equals(frame)
    return True


def test_a_parquet_file_with_any_bit_flipped_or_cut_gives_its_values_or_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"card_id": [f"c{n % 7}" for n in range(500)], "probability": np.random.default_rng(1).random(500)})
    file = tmp_path / "scores.parquet"
    write_frame(frame, file)
    whole = file.read_bytes()
    pages = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for place in range(4, pages, 29):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        file.write_bytes(damaged)
        refused += not _same_or_refused(file, frame)
    assert refused > 100
    for size in (0, 4, pages, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(UserError, match="is damaged"):
            read_frame(file)


def test_what_a_killed_writer_left_is_swept_by_the_next_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".list.csv.abcdefgh.tmp").write_text("half")
    (tmp_path / ".list.csv.mine").write_text("another's")
    with (tmp_path / ".list.csv.ijklmnop.tmp").open("w") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        write_text(tmp_path / "list.csv", "whole")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".list.csv.ijklmnop.tmp", ".list.csv.mine", "list.csv"]
    write_text(tmp_path / "list.csv", "whole again")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".list.csv.mine", "list.csv"]


def test_text_goes_between_the_marks_of_a_page_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\nlines\n<!-- b -->\nafter\n", encoding="utf-8")
    write_between(page, "<!-- a -->", "<!-- b -->", "new")
    assert page.read_text(encoding="utf-8") == "before\n<!-- a -->\nnew\n<!-- b -->\nafter\n"
    with pytest.raises(ValueError, match="put both marks back"):
        write_between(page, "<!-- b -->", "<!-- a -->", "new")
    assert page.read_text(encoding="utf-8") == "before\n<!-- a -->\nnew\n<!-- b -->\nafter\n"
