"""The appeal pack of one card: what is on record, as it is known at the date, without the numbers that were called."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Page, browser, find_browser
from click.testing import CliRunner

from blockrisk.features import Tables, UserError, read_tables
from blockrisk.serving.daily import daily
from blockrisk.serving.evidence import Evidence, gather
from blockrisk.serving.evidence_cli import evidence as command
from blockrisk.serving.page.appeal import appeal, figures, write_appeal
from blockrisk.serving.page.texts import texts

CARD, AS_OF, CALLEE = "0089860100000001", "2025-03-11", "13800138000"


def frames() -> dict[str, pd.DataFrame]:
    calls = [
        (CARD, "2025-03-03 09:00", CALLEE, 30, "out", "Home", None),
        (CARD, "2025-03-03 21:30", CALLEE, 0, "out", "Home", None),
        (CARD, "2025-03-09 10:00", "b", 60, "out", "Away", None),
        (CARD, "2025-03-10 23:59:59", "c", 0, "out", "Far", None),
        (CARD, "2025-03-10 12:00", "d", 0, "out", "Home", "2025-03-12 00:00"),
        (CARD, "2025-03-11 00:00", "e", 10, "out", "Home", None),
        (CARD, "2025-03-10 13:00", "f", 10, "in", "Home", None),
        ("2", "2025-03-10 10:00", "g", 10, "out", "Home", None),
    ]
    complaints = [
        (CARD, "2025-03-01 10:00", "operator", "upheld", "2025-03-05 10:00", "2025-03-02 10:00"),
        (CARD, "2025-03-08 10:00", "regulator", "rejected", "2025-03-20 10:00", None),
        (CARD, "2025-03-09 10:00", "mark", "open", None, "2025-03-11 00:00"),
    ]
    return {
        "cards": pd.DataFrame(
            [(CARD, "A", "Home", "2025-03-01", "owner <1>"), ("2", "A", "Home", "2025-01-01", None)],
            columns=["card_id", "operator", "home_region", "activated_at", "owner_id"],
        ),
        "calls": pd.DataFrame(calls, columns=["card_id", "started_at", "callee", "talk_s", "direction", "region", "available_at"]),
        "complaints": pd.DataFrame(
            complaints, columns=["card_id", "complained_at", "channel", "status", "resolved_at", "available_at"]
        ),
        "roaming_notices": pd.DataFrame(
            [(CARD, "Away", "2025-03-08", "2025-03-30")], columns=["card_id", "region", "valid_from", "valid_to"]
        ),
        "payments": pd.DataFrame(
            [(CARD, "2025-03-02", 50, "2025-03-04"), (CARD, "2025-03-05", 20, "2025-03-15")],
            columns=["card_id", "due_at", "amount_due", "paid_at"],
        ),
        "blocks": pd.DataFrame(
            [
                (CARD, "2025-03-06 10:00", "2025-03-07 10:00", "full_stop", "x"),
                (CARD, "2025-03-11 10:00", None, "full_stop", "later"),
            ],
            columns=["card_id", "blocked_at", "unblocked_at", "kind", "reason"],
        ),
    }


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read_tables(frames())


@pytest.fixture(scope="module")
def found(tables: Tables) -> Evidence:
    return gather(tables, CARD, AS_OF, days=14)


def test_days_count_calls_out_known_before_the_date(tables: Tables) -> None:
    days = daily(tables, [CARD], AS_OF, days=9).set_index("day")
    assert days["calls"].tolist() == [0, 2, 0, 0, 0, 0, 0, 1, 1]
    assert days.loc["2025-03-09", ["offsite", "undeclared"]].tolist() == [1, 0]
    assert days.loc["2025-03-10", ["offsite", "undeclared"]].tolist() == [1, 1]
    assert days.loc["2025-03-08", "complaints"] == 1
    assert days["owed"].tolist() == [50, 50, 0, 20, 20, 20, 20, 20, 20]


def test_a_day_of_a_table_that_is_not_there_is_unknown() -> None:
    bare = {name: frame for name, frame in frames().items() if name in ("cards", "calls")}
    bare["calls"] = bare["calls"].drop(columns=["region"])
    days = daily(read_tables(bare), [CARD, "2"], AS_OF, days=5)
    assert days["calls"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert days[["complaints", "offsite", "undeclared", "owed"]].isna().all(axis=None)


def test_calls_are_summed_by_week_and_hour(found: Evidence) -> None:
    assert sum(found.hours) == 4
    assert [hour for hour, n in enumerate(found.hours) if n] == [9, 10, 21, 23]
    sums = found.weeks[["calls", "answered", "active_days", "most", "in_hours"]]
    assert sums.to_numpy().tolist() == [[2, 1, 1, 2, 1], [2, 1, 2, 1, 1]]
    assert found.weeks["from"].tolist() == [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-03-04")]


def test_nothing_after_the_date_is_told(found: Evidence) -> None:
    assert found.complaints["status"].tolist() == ["upheld", "open"]
    assert found.complaints["resolved_at"].isna().tolist() == [False, True]
    assert found.bills["paid_at"].isna().tolist() == [False, True]
    assert found.notices["valid_to"].isna().all()
    assert found.blocks["reason"].tolist() == ["x"]


def test_off_site_use_is_told_by_region_with_what_was_not_declared(found: Evidence) -> None:
    assert found.places.to_numpy().tolist() == [["Away", 1, 1, 0], ["Far", 1, 1, 1]]


def test_the_figures_sum_up_what_the_tables_show(found: Evidence) -> None:
    told = figures(found)
    assert (told["calls"], told["active_days"], told["usual"], told["most"]) == (4, 3, 1, 2)
    assert (told["answered"], told["in_hours"]) == (0.5, 0.5)
    assert (told["complaints"], told["settled"], told["settled_days"]) == (2, 1, 3)
    assert (told["bills"], told["late"], told["owed"]) == (2, 2, 20)


def test_the_pack_is_in_both_languages_escaped_and_tells_no_callee(found: Evidence) -> None:
    text = appeal(found)
    for key in ("appeal.title", "appeal.complaints", "choice.upheld", "appeal.statement_text"):
        assert all(texts()[key][language] in text for language in ("zh-Hant", "zh-Hans", "en"))
    assert "owner &lt;1&gt;" in text
    assert CALLEE not in text


def test_what_was_not_supplied_is_said_and_not_taken_as_none() -> None:
    bare = {name: frame for name, frame in frames().items() if name in ("cards", "calls")}
    text = appeal(gather(read_tables(bare), CARD, AS_OF))
    assert text.count(texts()["appeal.absent"]["en"]) == 3
    assert texts()["appeal.complaints_none"]["en"] not in text


def test_a_card_is_not_accused_of_arrears_where_payments_are_not_recorded() -> None:
    given = frames()
    given["payments"] = given["payments"].drop(columns=["paid_at"])
    found = gather(read_tables(given), CARD, AS_OF, days=14)
    assert found.daily["owed"].isna().all()
    told = figures(found)
    assert (told["bills"], told["late"], told["owed"]) == (2, None, None)
    text = appeal(found)
    assert "2 bills fell due. The data do not record payments" in text
    assert all(shown in text for shown in ("2025-03-02", "50.00", "2025-03-05", "20.00"))
    for key in ("unpaid", "paid_at", "amount_paid"):
        assert f">{texts()[f'appeal.{key}']['en']}<" not in text
    assert "still owed" not in text


def test_what_has_no_recorded_end_is_not_called_open() -> None:
    given = frames()
    given["complaints"] = given["complaints"].drop(columns=["resolved_at"])
    given["blocks"] = given["blocks"].drop(columns=["unblocked_at"])
    text = appeal(gather(read_tables(given), CARD, AS_OF, days=14))
    assert "The data do not record which of them are settled." in text
    assert not [key for key in ("choice.open", "appeal.still") if f">{texts()[key]['en']}<" in text]


def test_a_card_without_any_event_has_a_pack() -> None:
    given = {name: frame[frame["card_id"] != CARD] if name not in ("cards",) else frame for name, frame in frames().items()}
    found = gather(read_tables(given), CARD, AS_OF)
    assert figures(found)["calls"] == 0
    assert texts()["appeal.blocks_none"]["en"] in appeal(found)


def test_an_unknown_card_is_an_error(tables: Tables) -> None:
    with pytest.raises(UserError, match="card 7 is not in the cards table"):
        gather(tables, "7", AS_OF)


def test_the_command_writes_the_pack_and_refuses_another_ending(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, frame in frames().items():
        frame.to_csv(data / f"{name}.csv", index=False)
    out = tmp_path / "appeal.html"
    result = CliRunner().invoke(command, [str(data), "--card", CARD, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"Evidence of card {CARD} over the 90 days before 2025-03-12" in result.output
    assert CARD in out.read_text(encoding="utf-8")
    refused = CliRunner().invoke(command, [str(data), "--card", CARD, "--out", "x.pdf"])
    assert isinstance(refused.exception, UserError)


@pytest.mark.long
def test_the_pack_shows_chinese_and_english_at_once_and_prints(found: Evidence, tmp_path: Path) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    write_appeal(replace(found, daily=found.daily.assign(calls=np.arange(14.0))), tmp_path / "pack.html")
    with browser(program) as running:
        page = Page(running)
        page.open(tmp_path / "pack.html")
        for language, other in ("zh-Hans", "zh-Hant"), ("zh-Hant", "zh-Hans"):
            page.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
            seen = page.run("document.body.innerText")
            assert texts()["appeal.calls"][language] in seen
            assert texts()["appeal.calls"]["en"] in seen
            assert texts()["appeal.calls"][other] not in seen
        page.pdf(tmp_path / "pack.pdf")
        assert (tmp_path / "pack.pdf").read_bytes().startswith(b"%PDF")
        assert page.errors == []
