"""The store: calls kept by day give what reading everything gives, whatever happens to the files in between."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from ledgers import random_dataset
from mornings import staged_calls
from pandas.testing import assert_frame_equal

from blockrisk.features import Tables, UserError, read_tables, vectors
from blockrisk.features.cli import features
from blockrisk.features.intake import account_lines, manifest, store, together
from blockrisk.features.intake.days import read_day

DATA = random_dataset(3, cards=5, dates=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a data set whose calls came in one file a fortnight, each with what became known in it."""
    data = tmp_path / "data"
    (data / "calls").mkdir(parents=True)
    for name, frame in DATA.frames().items():
        if name == "calls":
            known = frame["started_at"] if "available_at" not in frame else frame["available_at"].fillna(frame["started_at"])
            for start, rows in frame.groupby(known.dt.floor("14D")):
                rows.to_csv(data / "calls" / f"{start:%Y-%m-%d}.csv", index=False)
        else:
            frame.to_csv(data / f"{name}.csv", index=False)
    return data


def files_of(folder: Path) -> list[Path]:
    return sorted((folder / "calls").iterdir())


def take_away(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    path.unlink()
    return text


def same_as_from_scratch(folder: Path, kept: Path, **options: object) -> Tables:
    """Read with and without the store, compare the account and every row, and give what the store gave."""
    got, want = read_tables(folder, store=kept, **options), read_tables(folder, **options)  # type: ignore[arg-type]
    assert got.accounting == want.accounting
    assert got.present == want.present
    assert got.mapped == want.mapped
    assert got.digest() == want.digest()
    for sql in ("select * from set_aside order by all", "select * from calls order by all"):
        assert got.con.execute(sql).fetchall() == want.con.execute(sql).fetchall()
    return got


def test_only_new_files_are_staged(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    newest = files_of(folder)[-1]
    text = take_away(newest)
    read_tables(folder, store=tmp_path / "kept")
    newest.write_text(text, encoding="utf-8")
    staged = staged_calls(monkeypatch)
    got, want = read_tables(folder, store=tmp_path / "kept"), read_tables(folder)
    assert_frame_equal(vectors(got, DATA.requests()), vectors(want, DATA.requests()), check_exact=True)
    assert staged[0] == f"calls/{newest.name}"
    assert len(staged) == 1 + len(files_of(folder))  # the store read one, the reading from scratch all


def old_rows_again(folder: Path) -> None:
    first, last = files_of(folder)[0], files_of(folder)[-1]
    (folder / "calls" / "again.csv").write_text(first.read_text(encoding="utf-8"), encoding="utf-8")
    late = pd.read_csv(first, dtype=str).assign(talk_s="77", available_at="2030-01-01")
    late.to_csv(last.with_name("late.csv"), index=False)


def a_file_changed(folder: Path) -> None:
    path = files_of(folder)[1]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")


def a_file_moved_to_another_day(folder: Path) -> None:
    path = files_of(folder)[0]
    rows = pd.read_csv(path, dtype=str)
    rows["started_at"] = (pd.to_datetime(rows["started_at"]) + pd.Timedelta(days=1)).astype(str)
    rows.to_csv(path, index=False)


def a_file_gone(folder: Path) -> None:
    files_of(folder)[2].unlink()


def a_broken_row(folder: Path) -> None:
    rows = pd.read_csv(files_of(folder)[0], dtype=str).head(2).assign(talk_s="much")
    rows.to_csv(folder / "calls" / "broken.csv", index=False)


def nothing(folder: Path) -> None:
    pass


CHANGES: list[tuple[Callable[[Path], None], str]] = [
    (old_rows_again, ""),
    (a_file_changed, "changed since the last run"),
    (a_file_moved_to_another_day, "changed since the last run"),
    (a_file_gone, "gone since the last run"),
    (a_broken_row, ""),
    (nothing, ""),
]


@pytest.mark.parametrize(("change", "word"), CHANGES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_happens_to_the_files_is_followed(folder: Path, tmp_path: Path, change: Callable[[Path], None], word: str):
    read_tables(folder, store=tmp_path / "kept")
    change(folder)
    told = same_as_from_scratch(folder, tmp_path / "kept").notes
    assert (word in told[0]) if word else told == ()
    assert read_tables(folder, store=tmp_path / "kept").notes == ()


@pytest.mark.parametrize("harm", ["flipped", "cut", "removed"])
def test_a_damaged_day_is_made_anew_with_a_word(folder: Path, tmp_path: Path, harm: str):
    kept = tmp_path / "kept"
    read_tables(folder, store=kept)
    path = sorted((kept / "days").glob("*.parquet"))[3]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()
    if harm != "removed":
        path.write_bytes(content if harm == "flipped" else content[: len(content) // 2])
    tables = same_as_from_scratch(folder, kept)
    assert len(tables.notes) == 1
    assert "checksum; the day is made anew" in account_lines(tables)[-1]
    assert same_as_from_scratch(folder, kept).notes == ()


def test_every_page_carries_a_checksum_that_is_verified(folder: Path, tmp_path: Path):
    read_tables(folder, store=tmp_path)
    path = next((tmp_path / "days").glob("*.parquet"))
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start + column.total_compressed_size - 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC"):
        read_day(path)


@pytest.mark.long
def test_other_options_read_everything_again_and_say_so(folder: Path, tmp_path: Path):
    read_tables(folder, store=tmp_path / "kept")
    for options in ({"zone": "UTC"}, {"key": b"sixteen bytes or more"}):
        assert "every day is read again" in read_tables(folder, store=tmp_path / "kept", **options).notes[0]  # type: ignore[arg-type]
    (tmp_path / "kept" / "manifest.json").write_text("{", encoding="utf-8")
    assert "manifest is damaged" in same_as_from_scratch(folder, tmp_path / "kept").notes[0]


def test_a_row_of_tomorrow_is_used_when_its_day_has_come(folder: Path, tmp_path: Path):
    last = max(row["started_at"] for row in DATA.tables["calls"]).date()
    early = date.fromordinal(last.toordinal() - 3)
    before = same_as_from_scratch(folder, tmp_path / "kept", today=early)
    assert before.con.execute("select count(*) from set_aside where rule = 'future'").fetchone() > (0,)
    same_as_from_scratch(folder, tmp_path / "kept", today=date(2031, 1, 1))
    assert "after the day of this run" in same_as_from_scratch(folder, tmp_path / "kept", today=early).notes[0]


def test_a_run_that_is_cut_off_leaves_the_state_before(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "kept"
    read_tables(folder, store=kept)
    before = json.loads((kept / "manifest.json").read_text(encoding="utf-8"))
    a_file_changed(folder)
    with monkeypatch.context() as cut:
        cut.setattr(manifest, "write_json", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            read_tables(folder, store=kept)
    assert json.loads((kept / "manifest.json").read_text(encoding="utf-8")) == before
    assert all((kept / "days" / one["name"]).is_file() for one in before["days"].values())
    same_as_from_scratch(folder, kept)


def one_file_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (store, together):
        monkeypatch.setattr(module, "room", lambda con, each=0: 2)


def test_files_that_do_not_fit_in_memory_are_taken_in_some_at_a_time(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commits: list[int] = []
    monkeypatch.setattr(store, "commit", lambda _, state: (commits.append(len(state.files)), manifest.commit(_, state)))
    one_file_at_a_time(monkeypatch)
    same_as_from_scratch(folder, tmp_path / "kept")
    assert commits == list(range(1, len(files_of(folder)) + 1))
    a_file_changed(folder)
    same_as_from_scratch(folder, tmp_path / "kept")
    assert len(commits) == len(files_of(folder)) + 1, "what is made anew has all its files at once"
    named = {one["name"] for one in json.loads((tmp_path / "kept/manifest.json").read_text(encoding="utf-8"))["days"].values()}
    read_tables(folder, store=tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept/days").iterdir()} == named


def test_what_was_taken_in_before_a_run_is_cut_off_is_not_read_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one_file_at_a_time(monkeypatch)
    with monkeypatch.context() as disk:
        staged_calls(disk, stop=2)
        with pytest.raises(OSError, match="No space"):
            read_tables(folder, store=tmp_path / "kept")
    staged = staged_calls(monkeypatch)
    read_tables(folder, store=tmp_path / "kept")
    assert staged == [f"calls/{path.name}" for path in files_of(folder)[2:]]
    same_as_from_scratch(folder, tmp_path / "kept")


def test_a_file_that_cannot_be_understood_leaves_the_store_as_it_was(folder: Path, tmp_path: Path):
    read_tables(folder, store=tmp_path / "kept")
    (folder / "calls" / "zz.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="calls/zz.csv"):
        read_tables(folder, store=tmp_path / "kept")
    (folder / "calls" / "zz.csv").unlink()
    assert same_as_from_scratch(folder, tmp_path / "kept").notes == ()


def test_the_command_keeps_a_store(folder: Path, tmp_path: Path):
    day, kept = f"{DATA.as_of[0]:%Y-%m-%d}", tmp_path / "kept"
    frames = []
    for number, options in enumerate(([], ["--store", str(kept)], ["--store", str(kept)])):
        out = tmp_path / f"{number}.parquet"
        done = CliRunner().invoke(features, [str(folder), "--as-of", day, "--out", str(out), *options])
        assert done.exit_code == 0, done.output
        frames.append(pd.read_parquet(out))
    assert_frame_equal(frames[0], frames[1], check_exact=True)
    assert_frame_equal(frames[0], frames[2], check_exact=True)
    assert list((kept / "days").glob("*.parquet"))


@pytest.mark.long
def test_several_runs_at_once_on_a_store_that_is_not_there_yet(folder: Path, tmp_path: Path):
    """Each makes what is missing or waits for it; all have the vectors of one that reads everything."""
    ask = DATA.requests()
    children = []
    for number in range(6):
        child = os.fork()
        if not child:
            code = 1
            try:
                tables = read_tables(folder, store=tmp_path / "kept")
                vectors(tables, ask).to_parquet(tmp_path / f"{number}.parquet")
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    want = vectors(read_tables(folder), ask)
    for number in range(6):
        assert_frame_equal(pd.read_parquet(tmp_path / f"{number}.parquet"), want, check_exact=True)
    same_as_from_scratch(folder, tmp_path / "kept")


def test_a_run_whose_kept_calls_others_replaced_meanwhile_says_so(folder: Path, tmp_path: Path):
    slow = read_tables(folder, store=tmp_path / "kept")
    for _ in range(2):  # the files of the state before are left to those who still read them
        for path in files_of(folder):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(lines[: max(2, len(lines) - 1)]), encoding="utf-8")
        read_tables(folder, store=tmp_path / "kept")
    with pytest.raises(UserError, match="replaced or removed while in use"):
        vectors(slow, DATA.requests())
