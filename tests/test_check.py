"""`blockrisk check` and `template`: what they say, write and return; every warning has figures and can be provoked."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from blockrisk.features import meanings, read_tables
from blockrisk.features.chinese import MAINLAND, simplified
from blockrisk.features.intake.checks import WARNINGS, warnings_of
from blockrisk.features.report import report_of
from blockrisk.features.sentences import RULES, TEXTS
from blockrisk.features.synonyms import COLUMNS, WORDS
from blockrisk.features.tables import TABLES
from blockrisk.training.cli import cli

CARDS = "card_id,operator,home_region,activated_at\n0012,A,Chengdu,2025-01-01\n"


def frames() -> dict[str, pd.DataFrame]:
    """Two months of a card that calls ten times on each working day: nothing odd."""
    days = pd.bdate_range("2025-01-02", "2025-03-03")
    rows = [
        ("0012", day + pd.Timedelta(hours=9 + n, minutes=(7 * i + n) % 60), f"c{(i * 10 + n) % 97}", 7 + (11 * i + 3 * n) % 50)
        for i, day in enumerate(days)
        for n in range(10)
    ]
    cards = pd.DataFrame([["0012", "A", "Chengdu", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    return {"cards": cards, "calls": pd.DataFrame(rows, columns=["card_id", "started_at", "callee", "talk_s"])}


def folder(path: Path, **odd: pd.DataFrame) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, frame in {**frames(), **odd}.items():
        frame.to_csv(path / f"{name}.csv", index=False)
    return path


def check(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, arguments)])


def calls(**columns: object) -> dict[str, pd.DataFrame]:
    return {"calls": frames()["calls"].assign(**columns)}


def _hours_later(frame: pd.DataFrame) -> pd.Series:
    return frame["started_at"] - pd.Timedelta(hours=8)


def _some_weeks(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[(frame["started_at"] < "2025-02-01") | (frame["started_at"] > "2025-02-12")]


def _one_day_twice(frame: pd.DataFrame) -> pd.DataFrame:
    day = frame[frame["started_at"].dt.date == pd.Timestamp("2025-02-03").date()]
    return pd.concat([frame, day.assign(started_at=day["started_at"] + pd.Timedelta(days=5))])


def _tenfold(frame: pd.DataFrame) -> pd.DataFrame:
    late = frame[frame["started_at"] >= "2025-02-03"]
    return pd.concat([frame, *(late.assign(started_at=late["started_at"] + pd.Timedelta(seconds=n)) for n in range(1, 10))])


def _minutes_first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(talk_s=frame["talk_s"].where(frame["started_at"] >= "2025-02-03", frame["talk_s"] / 60))


ODD: dict[str, Callable[[], dict[str, pd.DataFrame]]] = {
    "set_aside": lambda: calls(talk_s=lambda f: ["-1", *f["talk_s"].astype(str)[1:]]),
    "blank_column": lambda: calls(direction=None),
    "unknown_cards": lambda: calls(card_id=lambda f: ["77", *f["card_id"][1:]]),
    "night_peak": lambda: calls(started_at=_hours_later),
    "no_clock": lambda: calls(started_at=lambda f: f["started_at"].dt.normalize()),
    "whole_minutes": lambda: calls(talk_s=lambda f: f["talk_s"] // 10 * 60 + 60),
    "long_talk": lambda: calls(talk_s=lambda f: [20_000, *f["talk_s"][1:]]),
    "masked_callees": lambda: calls(callee=lambda f: ["138****8000"] * 9 + list(f["callee"][9:])),
    "missing_days": lambda: {"calls": _some_weeks(frames()["calls"])},
    "duplicated_day": lambda: {"calls": _one_day_twice(frames()["calls"])},
    "volume_jump": lambda: {"calls": _tenfold(frames()["calls"])},
    "unit_jump": lambda: {"calls": _minutes_first(frames()["calls"])},
    "short_period": lambda: {"calls": frames()["calls"].head(50)},
    "complaints_without_available_at": lambda: {
        "complaints": pd.DataFrame([["0012", "2025-01-09"], ["0012", "2025-02-27"]], columns=["card_id", "complained_at"])
    },
    "calls_after_block": lambda: {
        "blocks": pd.DataFrame([["0012", "2025-01-09"], ["0012", "2025-01-07"]], columns=["card_id", "blocked_at"])
    },
    "contradictory_cards": lambda: {"cards": pd.concat([frames()["cards"], frames()["cards"].assign(operator="another 9")])},
    "closed_first": lambda: {"cards": frames()["cards"].assign(closed_at="2020-01-01")},
    "spellings": lambda: {
        "cards": pd.concat(
            [frames()["cards"].assign(card_id=name, operator=name) for name in ("华信通信", "華信通信")] + [frames()["cards"]]
        )
    },
    "lost_zeros": lambda: calls(card_id=lambda f: ["12", *f["card_id"][1:]]),
    "calls_before_activation": lambda: {"cards": frames()["cards"].assign(activated_at="2025-01-04")},
}


class Counting:
    """Stand for a connection, and remember what it was asked."""

    def __init__(self, con: Any) -> None:
        self.con, self.asked = con, list[str]()

    def execute(self, sql: str) -> Any:
        self.asked.append(sql)
        return self.con.execute(sql)


def test_all_checks_together_scan_the_calls_a_few_times():
    tables = read_tables(frames())
    con = Counting(tables.con)
    assert warnings_of(replace(tables, con=con)) == warnings_of(tables)
    # After a year of mornings there is a file of calls a day, and each scan opens them all.
    assert 0 < sum("from calls" in sql for sql in con.asked) <= 5


@pytest.mark.parametrize("name", [check.name for check in WARNINGS if check.name != "cut_file"])
def test_each_oddity_gives_its_warning_and_no_other_of_the_same_kind(name: str, tmp_path: Path) -> None:
    clean = {warned.name for warned in warnings_of(read_tables(frames()))}
    odd = warnings_of(read_tables(folder(tmp_path, **ODD[name]())))
    assert clean == set()
    assert name in {warned.name for warned in odd}
    assert any(char.isdigit() for char in str(next(warned for warned in odd if warned.name == name))), "with figures"


def test_a_file_that_does_not_end_is_warned_of(tmp_path: Path) -> None:
    data = folder(tmp_path)
    whole = (data / "calls.csv").read_text()
    (data / "calls.csv").write_text(whole[:-2])
    assert [warned.name for warned in warnings_of(read_tables(data))] == ["cut_file"]


def test_exit_codes_say_clean_odd_or_unusable(tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.json"
    done = check(folder(tmp_path / "clean"), "--report", report)
    assert (done.exit_code, "No warnings." in done.output) == (0, True), done.output
    assert json.loads(report.read_text())["tables"][1]["used"] == len(frames()["calls"])
    done = check(folder(tmp_path / "odd", **ODD["set_aside"]()), "--report", report)
    assert done.exit_code == 1
    assert "calls: 1 rows" in done.output
    listed = pd.read_csv(tmp_path / "out" / "quarantine" / "calls.csv", dtype=str)
    assert listed.iloc[0].tolist() == ["calls.csv", "2", "talk_s", "-1", "is no number of at least 0", "不是大於等於 0 的數字"]
    done = check(tmp_path / "nowhere", "--report", report)
    assert done.exit_code == 2 or isinstance(done.exception, ValueError)
    assert json.loads(report.read_text()) == {"version": 1, "usable": False, "error": str(done.exception)}


def test_the_quarantine_goes_where_it_is_told(tmp_path: Path) -> None:
    data = folder(tmp_path / "odd", **ODD["set_aside"]())
    check(data, "--report", tmp_path / "report.json", "--quarantine", tmp_path / "aside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "odd", "report.json"]
    assert sorted(path.name for path in data.iterdir()) == ["calls.csv", "cards.csv"], "reading leaves the data folder alone"


def test_stamps_after_tomorrow_are_refused_as_of_the_day_given(tmp_path: Path) -> None:
    data = folder(tmp_path / "data")
    for today, refused in ("2025-03-02", 0), ("2025-03-01", 10):
        check(data, "--report", tmp_path / "report.json", "--today", today)
        assert json.loads((tmp_path / "report.json").read_text())["tables"][1]["quarantined"] == refused


def test_the_mapping_is_written_into_the_data_folder_and_then_rules(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", calls=frames()["calls"].rename(columns={"talk_s": "通话时长(秒)", "callee": "对方号码"}))
    done = check(data, "--report", tmp_path / "report.json", "--write-mapping")
    assert done.exit_code == 0, done.output
    assert 'talk_s = { column = "通话时长(秒)", unit = "秒" }' in (data / "mapping.toml").read_text()
    again = check(data, "--report", tmp_path / "report.json")
    assert again.exit_code == 0
    assert "通话时长(秒) -> talk_s" in again.output


@pytest.mark.parametrize(("language", "told"), [("zh-Hant", "沒有警告。"), ("zh-Hans", "没有警告。"), ("en", "No warnings.")])
def test_the_report_speaks_the_language_asked_for(language: str, told: str, tmp_path: Path) -> None:
    assert told in check(folder(tmp_path), "--lang", language, "--report", tmp_path / "r.json").output


def test_the_language_is_that_of_the_locale_and_errors_speak_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    done = check(tmp_path / "nowhere", "--report", tmp_path / "r.json")
    assert "不是文件夹；请给出放有" in str(done.exception)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert "is no folder" in str(check(tmp_path / "nowhere", "--report", tmp_path / "r.json").exception)


def test_every_text_has_both_languages_with_the_same_places() -> None:
    import re

    pairs = {**TEXTS, **RULES, **{check.name: (check.en, check.zh) for check in WARNINGS}}
    for name, (english, chinese) in pairs.items():
        places = [sorted(set(re.findall(r"(?<!{){(\w+)", text))) for text in (english, chinese)]
        assert places[0] == places[1], name
        assert re.search("[\u4e00-\u9fff]", chinese), name


def test_no_traditional_character_is_left_in_simplified_texts_and_none_of_a_name_is_unknown() -> None:
    """GB2312 holds simplified characters only; a character of a name that Big5 lacks needs its traditional form."""
    for text in [zh for _, zh in (*TEXTS.values(), *RULES.values())] + [check.zh for check in WARNINGS]:
        simplified(text).encode("gb2312")
    names = [name for names in COLUMNS.values() for name in names]
    names += [word for words in WORDS.values() for spellings in words.values() for word in spellings]
    for char in {char for name in names for char in name}:
        assert char in MAINLAND or char.encode("big5", "ignore"), char


def test_every_table_and_column_has_a_meaning_in_chinese() -> None:
    assert list(meanings.TABLES) == [table.name for table in TABLES]
    assert set(meanings.COLUMNS) == {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}


def test_the_template_has_every_column_with_notes_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    assert CliRunner().invoke(cli, ["template", str(path)]).exit_code == 0
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[1:] == [table.name for table in TABLES]
    for table in TABLES:
        assert [cell.value for cell in book[table.name][1]] == [column.name for column in table.columns]
        assert "卡號" in str(book["cards"]["A1"].comment.text)
    for name, frame in frames().items():
        heads = [cell.value for cell in book[name][1]]
        for row in frame.astype(object).itertuples(index=False):
            values = dict(zip(frame.columns, row, strict=True))
            book[name].append([values.get(head) for head in heads])
    book.save(path)
    filled = read_tables(path)
    assert filled.present >= {"cards", "calls"}
    assert not filled.present & {"complaints", "payments"}
    columns = list(frames()["calls"].columns)
    assert filled.frame("calls")[columns].equals(read_tables(frames()).frame("calls")[columns])


def test_files_that_are_read_alike_are_told_of_once(tmp_path: Path) -> None:
    """There may be one a day for years, and a report is kept of each morning."""
    tables = frames()
    calls = tables.pop("calls")
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "calls").mkdir()
    for day in range(3):
        calls.iloc[day::3].to_csv(tmp_path / f"calls/{day}.csv", index=False)
    calls.rename(columns={"callee": "被叫号码"}).iloc[:5].to_csv(tmp_path / "calls/other.csv", index=False)
    told = report_of(read_tables(tmp_path), [])["mapping"]
    assert "files" not in next(one for one in told if one["table"] == "cards")
    found = [one for one in told if one["table"] == "calls"]
    assert [one["files"] for one in found] == [["calls/0.csv", "calls/1.csv", "calls/2.csv"], ["calls/other.csv"]]
    assert [one["columns"]["callee"] for one in found] == ["callee", "被叫号码"]
