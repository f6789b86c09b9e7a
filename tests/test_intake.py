"""The door: what is read, what is dropped as a duplicate, what is set aside, and what is said when it cannot be read."""

import gzip
import random
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from mornings import staged_calls

from blockrisk.features import Tables, UserError, at_risk, read_tables
from blockrisk.features.intake import account_lines
from blockrisk.features.intake.macros import BLANKS, MACROS

CARDS = "card_id,operator,home_region,activated_at\n0012,A,Chengdu,2025-01-01\n"
CALLS = "card_id,started_at,callee,talk_s\n0012,2025-01-02 09:00:00,c1,30\n0012,2025-01-02 09:05:00,c2,0\n"


def folder(path: Path, **files: str | bytes) -> Path:
    for name, content in {"cards.csv": CARDS, "calls.csv": CALLS, **{k.replace("__", "."): v for k, v in files.items()}}.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if content != "":
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def count(tables: Tables, name: str) -> tuple[int, int, int, int]:
    found = next(entry for entry in tables.accounting if entry.table == name)
    return found.read, found.used, found.duplicates, found.quarantined


def test_card_ids_keep_their_leading_zeros(tmp_path: Path) -> None:
    assert read_tables(folder(tmp_path)).frame("cards")["card_id"].tolist() == ["0012"]


def test_csv_gz_and_parquet_and_folders_of_files_read_alike(tmp_path: Path) -> None:
    plain = read_tables(folder(tmp_path / "plain"))
    zipped = folder(tmp_path / "zipped", calls__csv="", calls__csv__gz=gzip.compress(CALLS.encode()))
    typed = folder(tmp_path / "typed", calls__csv="")
    plain.frame("calls").dropna(axis=1).to_parquet(typed / "calls.parquet")
    split = folder(tmp_path / "split", calls__csv="")
    lines = CALLS.splitlines()
    (split / "calls").mkdir()
    (split / "calls" / "january.csv").write_text("\n".join([lines[0], lines[1]]) + "\n")
    (split / "calls" / "february.csv").write_text("\n".join(lines) + "\n")
    for other in (zipped, typed, split):
        assert read_tables(other).digest() == plain.digest()
    assert count(read_tables(split), "calls") == (3, 2, 1, 0)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read_tables(folder(tmp_path, calls__csv=b"\xef\xbb\xbf" + CALLS.encode())).frame("calls").shape[0] == 2


def test_exact_and_key_duplicates_are_dropped_and_the_fuller_row_stays(tmp_path: Path) -> None:
    payments = "card_id,due_at,amount_due,paid_at\n0012,2025-01-05,30,\n0012,2025-01-05,30,2025-01-07\n0012,2025-01-05,30,\n"
    tables = read_tables(folder(tmp_path, payments__csv=payments))
    assert count(tables, "payments") == (3, 1, 2, 0)
    assert tables.frame("payments")["paid_at"].tolist() == [pd.Timestamp("2025-01-07")]


def test_a_stop_stays_where_a_warning_has_its_moment(tmp_path: Path) -> None:
    rows = "0012,2025-01-03,full_stop\n0012,2025-01-03,warning\n0012,2025-01-03,unheard of\n"
    tables = read_tables(folder(tmp_path, blocks__csv=f"card_id,blocked_at,kind\n{rows}"))
    assert tables.frame("blocks")["kind"].tolist() == ["full_stop"]


def test_an_end_that_lies_ahead_is_no_mistake(tmp_path: Path) -> None:
    cards = "card_id,operator,home_region,activated_at,closed_at\n0012,A,X,2024-01-01,2026-12-31\n"
    blocks = "card_id,blocked_at,unblocked_at\n0012,2025-01-03,2025-02-03\n"
    tables = read_tables(folder(tmp_path, cards__csv=cards, blocks__csv=blocks), today=date(2025, 1, 10))
    assert [count.quarantined for count in tables.accounting] == [0, 0, 0]
    assert at_risk(tables, ["2025-01-02", "2025-01-04", "2025-02-04"])["as_of"].dt.day.tolist() == [2, 4]


def test_a_last_call_long_after_all_others_is_told_of(tmp_path: Path) -> None:
    calls = "card_id,started_at,callee,talk_s\n0012,2025-01-03 09:00,c,1\n0012,{},c,1\n"
    told = [
        account_lines(read_tables(folder(tmp_path, calls__csv=calls.format(last)))) for last in ("2025-01-18", "2025-01-20 08:30")
    ]
    assert not [line for line in told[0] if "no call for" in line]
    [line] = [line for line in told[1] if "no call for" in line]
    assert line.startswith("calls: after 2025-01-03 there is no call for 16 days, then one at 2025-01-20 08:30")


def test_a_mistake_in_a_small_table_is_told_before_the_calls_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = staged_calls(monkeypatch)
    with pytest.raises(UserError, match="due_at"):
        read_tables(folder(tmp_path, payments__csv="card_id,amount_due\n0012,3\n"))
    assert staged == []


def test_a_duplicate_that_became_available_later_does_not_hide_the_earlier_row(tmp_path: Path) -> None:
    calls = (
        "card_id,started_at,callee,talk_s,region,available_at\n0012,2025-01-02 09:00,c1,30,,\n"
        "0012,2025-01-02 09:00,c1,30,Chengdu,2025-01-09\n"
    )
    assert read_tables(folder(tmp_path, calls__csv=calls)).frame("calls")["available_at"].isna().all()


def test_rows_that_stay_are_those_of_a_slow_search(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [(f"c{rng.randrange(3)}", rng.choice([0, 30]), rng.choice(["", "Chengdu", "Mianyang"])) for _ in range(400)]
    days = [rng.randrange(1, 29) for _ in rows]
    lines = [f"0012,2025-01-{day:02d} 09:00,{c},{talk},{region}" for day, (c, talk, region) in zip(days, rows, strict=True)]
    tables = read_tables(folder(tmp_path, calls__csv="\n".join(["card_id,started_at,callee,talk_s,region", *lines])))
    best: dict[tuple[object, ...], str] = {}
    for day, (callee, talk, region) in zip(days, rows, strict=True):
        best[day, callee, talk] = max(best.get((day, callee, talk), ""), region)
    found = tables.con.execute("select day(started_at), callee, talk_s, coalesce(region, '') from calls").fetchall()
    assert sorted(found) == sorted((*key, region) for key, region in best.items())
    assert count(tables, "calls") == (400, len(best), 400 - len(best), 0)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("0012,2025-13-01 09:00,c,3", "no date and time"),
        ("0012,infinity,c,3", "no date and time"),
        ("0012,2025-01-02,c,inf", "no number"),
        ("0012,2025-01-02,c,-3", "no number of at least 0"),
        ("0012,2025-01-02,c,nan", "blank"),
        (",2025-01-02,c,3", "blank"),
    ],
)
def test_a_cell_that_cannot_be_read_sets_its_row_aside_with_line_and_rule(tmp_path: Path, cell: str, rule: str) -> None:
    tables = read_tables(folder(tmp_path, calls__csv=CALLS + cell + "\n"))
    assert count(tables, "calls") == (3, 2, 0, 1)
    told = str(tables.accounting[1].refused[0])
    assert "calls.csv line 4" in told
    assert rule in told


def test_stamps_with_an_offset_are_converted_to_the_zone(tmp_path: Path) -> None:
    calls = CALLS + "0012,2025-01-02T01:30:00Z,c3,5\n0012,2025-01-02 10:45:00+09:00,c4,5\n"
    hours = read_tables(folder(tmp_path, calls__csv=calls)).frame("calls")["started_at"].dt.strftime("%H:%M").tolist()
    assert hours == ["09:00", "09:05", "09:30", "09:45"]


def test_values_outside_a_list_are_kept_as_unknown_and_counted(tmp_path: Path) -> None:
    calls = "card_id,started_at,callee,talk_s,result\n0012,2025-01-02,c1,30,ANSWERED\n0012,2025-01-03,c1,3,teleported\n"
    tables = read_tables(folder(tmp_path, calls__csv=calls))
    assert tables.frame("calls")["result"].tolist() == ["answered", "unknown"]
    assert tables.accounting[1].unknown_values == {"result": 1}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"calls__csv": ""}, "no table calls .* there is: cards; add calls.csv"),
        (
            {"calls__csv": CALLS.replace("talk_s", "seconds")},
            "calls.csv has no column talk_s .* there are: card_id, .*seconds; rename",
        ),
        (
            {"calls__csv": CALLS.replace("talk_s", "talk_s,talk_s").replace(",30\n", ",30,30\n").replace(",0\n", ",0,0\n")},
            "'talk_s' stands twice",
        ),
        ({"calls__csv": b"\n"}, "calls.csv is empty"),
        ({"calls__csv": "", "calls__parquet": b"PAR1 and no more"}, "calls.parquet is no readable Parquet file"),
        ({"calls__csv": "", "calls__xlsx": b"PK"}, "calls.xlsx is no readable workbook"),
        ({"calls__xls": b"x"}, "calls.xls: old workbooks are not read; save it as calls.xlsx"),
        ({"calls__csv": "", "calls__csv__gz": gzip.compress(CALLS.encode() * 999)[:-9]}, "calls.csv.gz cannot be read"),
        ({"cards__csv": CARDS.replace("2025-01-01", "soon")}, 'no row of cards can be used; cards.csv line 2: activated_at "soon"'),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_repair(tmp_path: Path, files: dict[str, str | bytes], told: str) -> None:
    with pytest.raises(UserError, match=told):
        read_tables(folder(tmp_path, **files))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is no folder"):
        read_tables(tmp_path / "nowhere")


def test_card_ids_as_floats_are_refused_since_their_digits_are_lost() -> None:
    frames = {
        "cards": pd.DataFrame({"card_id": [8.98e18], "operator": ["A"], "home_region": ["X"], "activated_at": ["2025-01-01"]}),
        "calls": pd.DataFrame({"card_id": ["1"], "started_at": ["2025-01-02"], "callee": ["c"], "talk_s": [1]}),
    }
    with pytest.raises(UserError, match="number with decimals"):
        read_tables(frames)


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    """A folder and a column whose names hold quotes, globs and SQL read like any other."""
    calls = (
        CALLS.replace("talk_s", 'talk_s,"x"" from cards; drop table cards; --"')
        .replace(",30\n", ",30,a\n")
        .replace(",0\n", ",0,b\n")
    )
    tables = read_tables(folder(tmp_path / "it's [a] *; 'test' 數據 😀", calls__csv=calls))
    assert count(tables, "calls") == (2, 2, 0, 0)
    assert tables.accounting[1].ignored_columns == ('x" from cards; drop table cards; --',)


def test_unknown_files_are_named_and_left_alone(tmp_path: Path) -> None:
    assert read_tables(folder(tmp_path, notes__txt="hello")).ignored == ("notes.txt",)


def test_results_do_not_depend_on_the_memory_limit(tmp_path: Path) -> None:
    assert read_tables(folder(tmp_path), memory="200MB").digest() == read_tables(tmp_path).digest()
    with pytest.raises(UserError, match='memory "much" is no size'):
        read_tables(tmp_path, memory="much")


def test_categories_in_a_frame_are_the_text_they_stand_for() -> None:
    frames = {
        "cards": pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"]),
        "calls": pd.DataFrame([["1", "2025-01-02", "c", 1]], columns=["card_id", "started_at", "callee", "talk_s"]),
    }
    plain = read_tables(frames).digest()
    frames["calls"]["card_id"] = frames["calls"]["card_id"].astype("category")
    assert read_tables(frames).digest() == plain


def test_a_text_called_plain_is_its_own_careful_reading() -> None:
    """Every single character, and words for nothing, alone, doubled, and before and behind a letter."""
    con = duckdb.connect()
    for macro in MACROS:
        con.execute(macro)
    characters = [chr(code) for code in range(1, 0x3100)] + list("北京未知無无ｎ－\ufeff")
    pieces = [*characters, *BLANKS, *(word.upper() for word in BLANKS)]
    texts = [text for piece in pieces for text in (piece, piece + piece, "x" + piece, piece + "x", "北" + piece + "京")]
    frame = pd.DataFrame({"v": texts})
    [(plain, wrong)] = con.execute(
        "select count_if(plain_text(v)), count_if(plain_text(v) and (tidy(v) <> v or is_blank(tidy(v)))) from frame"
    ).fetchall()
    assert plain > len(frame) / 2
    assert wrong == 0
    assert len(frame) > 60_000
