"""Calls that outgrow memory are kept and computed in parts of the cards: whatever fits, the answers are the same to the bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ledgers import random_dataset
from pandas.testing import assert_frame_equal

from blockrisk.features import Tables, UserError, build, plan, prepare_rows, read_tables, vectors
from blockrisk.features.intake import parts, together
from blockrisk.features.intake.checks import warnings_of
from blockrisk.features.intake.dataset import connect
from blockrisk.serving.evidence import gather

ROOM = 12
"""Calls that fit in memory: the data sets have many times as many."""


def write(folder: Path, seed: int) -> pd.DataFrame:
    """Write a data set with a file of calls a week, some of them pushed twice, a row that is refused, and give its requests."""
    made = random_dataset(seed, cards=9, dates=3)
    (folder / "calls").mkdir(parents=True)
    for name, frame in made.frames().items():
        if name != "calls":
            frame.to_csv(folder / f"{name}.csv", index=False)
            continue
        for start, rows in frame.groupby(frame["started_at"].dt.floor("7D")):
            rows.to_csv(folder / "calls" / f"{start:%Y-%m-%d}.csv", index=False)
        frame.sample(frac=0.2, random_state=seed).to_csv(folder / "calls" / "again.csv", index=False)
        refused = frame.head(1).assign(started_at="yesterday")
        pd.concat([refused, frame.head(3)]).to_csv(folder / "calls" / "odd.csv", index=False)
    return made.requests()


@pytest.fixture(params=[1, 2])
def both(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Tables, Tables, pd.DataFrame]:
    """Give a data set read in parts, the same read in memory, and its requests in no order, some of them twice."""
    asked = write(tmp_path / "data", request.param)
    whole = read_tables(tmp_path / "data")
    monkeypatch.setattr(parts, "room", lambda con, each=0: ROOM)
    divided = read_tables(tmp_path / "data")
    assert divided.parts is not None
    assert whole.parts is None
    return divided, whole, pd.concat([asked, asked.head(4)]).sample(frac=1, random_state=1)


def test_the_account_and_every_row_are_the_same(both: tuple[Tables, Tables, pd.DataFrame]):
    got, want, _ = both
    assert got.accounting == want.accounting
    [count] = [count for count in got.accounting if count.table == "calls"]
    assert min(count.duplicates, count.quarantined) > 0
    assert (got.present, got.mapped, got.digest()) == (want.present, want.mapped, want.digest())
    for sql in ("select * from set_aside order by all", "select * from calls order by all"):
        assert got.con.execute(sql).fetchall() == want.con.execute(sql).fetchall()
    assert warnings_of(got) == warnings_of(want)
    assert sum(got.parts.rows) == count.used  # type: ignore[union-attr]


def test_each_card_is_in_one_part_and_each_part_in_one_group(both: tuple[Tables, Tables, pd.DataFrame]):
    divided = both[0].parts
    assert divided is not None
    groups = list(divided.groups(range(len(divided.rows))))
    assert sorted(number for group in groups for number in group) == list(range(len(divided.rows)))
    assert len(groups) > 2
    assert list(divided.groups([])) == [[]]
    for number, rows in enumerate(divided.rows):
        cards = [card for (card,) in both[0].con.execute(f"select card_id from ({divided.query([number])})").fetchall()]
        assert len(cards) == rows
        assert set(divided.of_cards(cards)) <= {number}


def test_vectors_are_the_same_bits_in_the_order_of_the_requests(both: tuple[Tables, Tables, pd.DataFrame]):
    got, want, asked = both
    assert_frame_equal(vectors(got, asked), vectors(want, asked), check_exact=True)
    few = asked[asked["card_id"] == asked["card_id"].iloc[0]]
    assert_frame_equal(vectors(got, few, ["calls_out_7d"]), vectors(want, few, ["calls_out_7d"]), check_exact=True)
    assert vectors(got, asked.head(0)).shape == (0, len(vectors(want, few).columns))


def test_what_is_prepared_is_of_the_cards_that_are_asked_for(both: tuple[Tables, Tables, pd.DataFrame]):
    got, want, asked = both
    within = "t.day between a.day - 30 and a.day - 1"  # tables may hold earlier days that an earlier call asked for
    sql = f"select a.card_no, t.day, t.out from asks a join calls_by_day t on t.card_no = a.card_no and {within} order by all"
    for card in dict.fromkeys(asked["card_id"]):
        for tables in (got, want):
            prepare_rows(tables, asked[asked["card_id"] == card], {"calls_by_day": 30})
        assert got.con.execute(sql).fetchall() == want.con.execute(sql).fetchall()
        told, right = (gather(tables, card, str(asked["as_of"].max())[:10]) for tables in (got, want))
        assert_frame_equal(told.daily, right.daily)
        assert told.hours == right.hours
    assert_frame_equal(vectors(got, asked), vectors(want, asked), check_exact=True)


def test_kept_days_are_computed_some_cards_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = write(tmp_path / "data", 4).sample(frac=1, random_state=2)
    want = vectors(read_tables(tmp_path / "data"), asked)
    computed = list[tuple[int, int] | None]()
    compute = build._compute

    def told(tables: Tables, requests: pd.DataFrame, wanted: list[plan.Output]) -> None:
        computed.append(tables.card_nos)
        compute(tables, requests, wanted)

    monkeypatch.setattr(build, "_compute", told)
    for rows in (10**6, ROOM):
        monkeypatch.setattr(parts, "room", lambda con, each=0, rows=rows: rows)
        got = read_tables(tmp_path / "data", store=tmp_path / "kept")
        assert_frame_equal(vectors(got, asked), want, check_exact=True)
        assert_frame_equal(vectors(got, asked.head(1)), want.head(1), check_exact=True)
    assert computed[:2] == [None, None]
    assert len(computed) > 4
    assert computed[2][0] == 1  # type: ignore[index]
    lost = pd.concat([asked.head(2), asked.head(1).assign(card_id="lost")])
    with pytest.raises(UserError, match="card lost is not in the cards table"):
        vectors(got, lost)


def test_what_fits_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "data", 3)
    read = read_tables(tmp_path / "data")
    rows = _calls(read).used + _calls(read).duplicates + _calls(read).quarantined
    monkeypatch.setattr(parts, "room", lambda con, each=0: rows)
    assert read_tables(tmp_path / "data").parts is None
    monkeypatch.setattr(parts, "room", lambda con, each=0: rows - 1)
    assert read_tables(tmp_path / "data").parts is not None


@pytest.mark.parametrize(("files", "divided"), [(4, False), (12, True)])
def test_files_are_moved_as_soon_as_it_is_foreseen_that_all_will_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, divided: bool
):
    most = {"staged": 0}
    write(tmp_path / "data", 1)
    one, *others = (tmp_path / "data/calls").iterdir()
    for path in others:
        path.unlink()
    for number in range(1, files):
        shutil.copy(one, one.with_name(f"calls-{number}.csv"))
    rows = len(pd.read_csv(one, dtype=str))
    move = parts.Overflow._move

    def moved(overflow: parts.Overflow) -> None:
        [(staged,)] = overflow._con.execute("select count(*) from staged_calls").fetchall()
        most["staged"] = max(most["staged"], staged)
        move(overflow)

    monkeypatch.setattr(parts.Overflow, "_move", moved)
    monkeypatch.setattr(together, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(parts, "room", lambda con, each=parts._BYTES: 6 * rows if each == parts._BYTES else rows)
    assert (read_tables(tmp_path / "data").parts is not None) == divided
    assert most["staged"] <= 2 * rows


def _calls(tables: Tables):  # type: ignore[no-untyped-def]
    return next(count for count in tables.accounting if count.table == "calls")


def test_a_table_of_which_every_row_is_refused_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "data", 1)
    for path in (tmp_path / "data/calls").iterdir():
        frame = pd.read_csv(path, dtype=str)
        frame.assign(started_at="yesterday").to_csv(path, index=False)
    monkeypatch.setattr(parts, "room", lambda con, each=0: 3)
    with pytest.raises(UserError, match="yesterday"):
        read_tables(tmp_path / "data")


def test_room_follows_the_memory_limit():
    assert parts.room(connect(memory="4GB")) > 2 * parts.room(connect(memory="2GB")) > 0


def test_numbers_cannot_be_read_in_the_parts(both: tuple[Tables, Tables, pd.DataFrame]):
    divided = both[0].parts
    assert divided is not None
    files = [path for path in divided.folder.rglob("*") if path.is_file()]
    assert files
    cards = [card for (card,) in both[1].con.execute("select distinct card_id from calls").fetchall()]
    written = b"".join(path.read_bytes() for path in files)
    assert len(cards) > 3
    assert not [card for card in cards if card.encode() in written]


FULL = """
import resource, signal, sys
from pathlib import Path
from blockrisk.features import UserError, read_tables
from blockrisk.features.intake import parts
parts.room = lambda con, each=0: 12
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    read_tables(Path(sys.argv[1]))
except UserError as error:
    print(error)
"""


def test_a_full_disk_is_told_in_one_sentence_and_nothing_is_left(tmp_path: Path):
    write(tmp_path / "data", 1)
    (tmp_path / "tmp").mkdir()
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "data")],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "LANG": "C"},
        capture_output=True,
        text=True,
    )
    assert "File too large" in said.stdout, said.stderr
    assert "TMPDIR" in said.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
