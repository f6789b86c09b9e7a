"""The door is shut: no name reads a foreign file or runs SQL, and no number of a person leaves the data."""

import hashlib
import hmac
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import UserError, read_tables, vectors
from blockrisk.features.intake import account_lines, spill
from blockrisk.features.intake.checks import warnings_of
from blockrisk.features.intake.dataset import connect
from blockrisk.features.messages import shown
from blockrisk.training.cli import cli

CARDS = "card_id,operator,home_region,activated_at\n0012,A,Chengdu,2025-01-01\n"
CALLS = "card_id,started_at,callee,talk_s\n0012,2025-01-02 09:00:00,c1,30\n0012,2025-01-02 09:05:00,c2,0\n"
PIECES = (
    *(
        "'",
        '"',
        "''",
        '""',
        "`",
        ";",
        "--",
        "/*",
        "*/",
        "*",
        "?",
        "[a-z]",
        "[!a]",
        "{a,b}",
        "\\",
        "\\\\",
        "%",
        "_",
        "$",
        "${x}",
        "$$",
    ),
    *(
        "\n",
        "\t",
        " ",
        "😀",
        "數據",
        "\u202e",
        "..",
        "é",
        "(",
        ")",
        ",",
        "=",
        "@",
        "#",
        "|",
        "&",
        "<",
        ">",
        "!",
        "~",
        "NULL",
        "select",
    ),
    *("' or 1=1 --", "\" from read_csv('/etc/passwd') --", "'); attach 'x'; --", "read_text('/etc/passwd')", "hf://x", "s3://"),
    *("drop table", "union select"),
)


def hostile(rng: Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))


def file_name(rng: Random, number: int) -> str:
    return f"{hostile(rng).replace('/', '∕').encode()[:80].decode(errors='ignore')}{number}".lstrip(".~")


@pytest.mark.parametrize("part", range(5))
def test_hostile_names_of_folders_files_and_columns_read_no_foreign_file(part: int, tmp_path: Path) -> None:
    """500 names: 50 folders beside foreign ones that their patterns fit, each with 4 files, and 5 columns more than ours."""
    for name in ("a", "ab", "x", "foreign"):
        (tmp_path / name / "calls").mkdir(parents=True)
        (tmp_path / name / "cards.csv").write_text(CARDS)
        (tmp_path / name / "calls" / f"{name}.csv").write_text(CALLS.replace("c1", "FOREIGN").replace("c2", "FOREIGN"))
    rng = Random(part)
    for number in range(10):
        data = tmp_path / file_name(rng, number)
        (data / "calls").mkdir(parents=True)
        (data / "cards.csv").write_text(CARDS)
        names = list(dict.fromkeys(hostile(rng) for _ in range(5)))
        head, first, second = CALLS.splitlines()
        head += "".join(',"{}"'.format(name.replace('"', '""')) for name in names)
        text = "\n".join([head, first + ",7" * len(names), second + ",8" * len(names), ""])
        for extra in range(4):
            (data / "calls" / f"{file_name(rng, extra)}.csv").write_text(text)
        tables = read_tables(data, threads=1)
        assert tables.frame("calls")["callee"].tolist() == ["c1", "c2"], (data.name, names)
        counts = {count.table: (count.read, count.used) for count in tables.accounting}
        assert counts == {"cards": (1, 1), "calls": (8, 2)}, (data.name, names)


def test_a_pattern_for_a_name_reads_the_file_of_that_name(tmp_path: Path) -> None:
    for name, callee in ("d[ab]", "own"), ("da", "foreign"), ("d*", "star"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cards.csv").write_text(CARDS)
        pd.read_csv(pd.io.common.StringIO(CALLS), dtype=str).assign(callee=callee).to_parquet(tmp_path / name / "calls.parquet")
    assert read_tables(tmp_path / "d[ab]").frame("calls")["callee"].tolist() == ["own", "own"]
    assert read_tables(tmp_path / "d*").frame("calls")["callee"].tolist() == ["star", "star"]


def test_parquet_columns_with_hostile_names_are_only_names(tmp_path: Path) -> None:
    rng = Random(3)
    names = list(dict.fromkeys(hostile(rng) for _ in range(60)))
    frame = pd.read_csv(pd.io.common.StringIO(CALLS), dtype=str).assign(**dict.fromkeys(names, "x"))
    (tmp_path / "cards.csv").write_text(CARDS)
    frame.to_parquet(tmp_path / "calls.parquet")
    assert len(read_tables(tmp_path).frame("calls")) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/etc/*')",
        "copy (select 1) to '/tmp/blockrisk-foreign.csv'",
        "attach '/tmp/blockrisk-foreign.db'",
        "install httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
    ],
)
def test_the_engine_reaches_nothing_but_the_data_once_it_is_read(sql: str, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text(CARDS)
    (tmp_path / "calls.csv").write_text(CALLS)
    with pytest.raises(duckdb.Error):
        read_tables(tmp_path).con.execute(sql).fetchall()


KEY = b"0123456789abcdef0123456789abcdef"
PHONE = "13900139001"


def people(path: Path) -> Path:
    path.mkdir()
    (path / "cards.csv").write_text(f"card_id,operator,home_region,activated_at,owner_id\n{PHONE},A,X,2025-01-01,{PHONE}\n")
    (path / "calls.csv").write_text(
        f"card_id,started_at,callee,talk_s,imei\n+86 {PHONE},2025-01-02 09:00:00,{PHONE},30,{PHONE}\n"
        f"{PHONE},2025-01-03 09:00:00,139****9001,30,\n{PHONE},2025-01-04 09:00:00,0012,3,\n"
    )
    (path / "messages.csv").write_text(f"card_id,sent_at,recipient\n{PHONE},2025-01-02,{PHONE}\n")
    return path


def test_pseudonyms_are_keyed_stable_and_alike_in_every_table(tmp_path: Path) -> None:
    data = people(tmp_path / "data")
    expected = hmac.new(KEY, PHONE.encode(), hashlib.sha256).hexdigest()[:32]
    first, again, other = (read_tables(data, key=key) for key in (KEY, KEY, KEY[::-1]))
    assert first.digest() == again.digest() != other.digest()
    assert first.frame("cards")[["card_id", "owner_id"]].to_numpy().tolist() == [[expected, expected]]
    assert set(first.frame("calls")["card_id"]) == {expected} == set(first.frame("messages")["recipient"])
    masked = [callee for callee in first.frame("calls")["callee"] if callee.endswith("*")]
    assert len(masked) == 1, "a masked callee stays known as one"
    content = " ".join(
        first.con.execute(f"select * from {name}").df().to_csv() for name in ("cards", "calls", "messages", "set_aside")
    )
    assert PHONE not in content
    assert "9001" not in content.replace(expected, "")


def test_pseudonyms_change_no_feature(tmp_path: Path) -> None:
    data = people(tmp_path / "data")
    frames = []
    for key in None, KEY:
        tables = read_tables(data, key=key)
        asked = pd.DataFrame({"card_id": tables.frame("cards")["card_id"], "as_of": pd.to_datetime(["2025-01-05"])})
        frames.append(vectors(tables, asked).drop(columns="card_id"))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short\n")
    done = CliRunner().invoke(cli, ["check", str(people(tmp_path / "data")), "--pseudonymise", str(tmp_path / "key")])
    assert "a key has at least 16 bytes" in str(done.exception)


COLUMNS = {
    "cards": ("card_id", "operator", "home_region", "activated_at", "closed_at", "owner_id"),
    "calls": ("card_id", "started_at", "callee", "talk_s", "direction", "result", "region"),
    "complaints": ("card_id", "complained_at", "channel", "status"),
    "payments": ("card_id", "due_at", "amount_due", "paid_at"),
    "limits": ("operator", "quantity", "value"),
}
GOOD = {"card_id": "0012", "operator": "A", "home_region": "X", "callee": "c", "talk_s": "3", "amount_due": "3"}
GOOD |= {"quantity": "daily_calls", "value": "300", "direction": "out", "result": "busy", "region": "X"}
SPELLINGS = ("13912345678", "+86 139 1234 5678", "139-1234-5678", "１３９１２３４５６７８", "1391234.5678")


def canaries(path: Path, header: bool) -> Path:
    """A number of a person in every field of every table, in turn, and, if asked, as a column's name."""
    path.mkdir()
    for table, columns in COLUMNS.items():
        plain = [GOOD.get(name, "2025-01-02" if name.endswith("_at") else "") for name in columns]
        rows = [plain]
        for number in range(len(columns)):
            rows += [[spelling if i == number else cell for i, cell in enumerate(plain)] for spelling in SPELLINGS]
        rows.append([*plain, SPELLINGS[0], "too", "long"])
        head = [*columns, SPELLINGS[1]] if header else list(columns)
        rows = [[*row, "note"] for row in rows] if header else rows
        (path / f"{table}.csv").write_text("\n".join(",".join(row) for row in [head, *rows]) + f'\n"{SPELLINGS[0]}')
    return path


def leaks(text: str) -> bool:
    digits = "".join(str(int(c)) for c in text if c.isdigit())
    return any(spelling in text for spelling in SPELLINGS) or "13912345678" in digits


@pytest.mark.parametrize("header", [False, True])
def test_canary_numbers_are_in_no_line_report_or_log(header: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data, report = canaries(tmp_path / "data", header), tmp_path / "report.json"
    done = CliRunner().invoke(cli, ["check", str(data), "--report", str(report), "--today", "2025-06-30"])
    told = [done.output, str(done.exception), report.read_text(encoding="utf-8"), caplog.text]
    tables = read_tables(data)
    assert sum(count.quarantined for count in tables.accounting) > 40
    assert any(count.ignored_columns for count in tables.accounting) == header
    told += [*account_lines(tables), *map(str, warnings_of(tables))]
    assert [text for text in told if leaks(text)] == []


@pytest.mark.parametrize("name", ["no header", "dates", "ambiguous", "mapping"])
def test_canary_numbers_are_in_no_error(name: str, tmp_path: Path) -> None:
    phone = SPELLINGS[1]
    texts = {
        "no header": {"calls.csv": f"0012,2025-01-02,{phone},3\n"},
        "dates": {"calls.csv": f"card_id,started_at,callee,talk_s\n{phone},01/02/2025,{phone},3\n"},
        "ambiguous": {"calls.csv": f"card_id,started_at,callee,通话时长({phone})\n0012,2025-01-02,c,3\n"},
        "mapping": {"calls.csv": CALLS, "mapping.toml": f"[calls]\ntalk_s = '{phone}'\n"},
    }
    for file, text in {"cards.csv": CARDS, **texts[name]}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        read_tables(tmp_path)
    assert not leaks(str(refused.value)), str(refused.value)


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("+86 138 0013 8000", "+8***"),
        ("2025-13-01 09:00", "2025-13-01 09:00"),
        ("x13800138000y", "x13***y"),
        ("2025-03-01 13800138000", "20***"),
    ],
)
def test_numbers_of_people_are_hidden_and_dates_are_not(value: str, seen: str) -> None:
    assert shown(value) == seen


SPILL = """
import os, sys
from pathlib import Path
from blockrisk.features import read_tables
tables = read_tables(sys.argv[1], memory="200MB", threads=2)
[(spill,)] = tables.con.execute("select current_setting('temp_directory')").fetchall()
answer = tables.con.execute("select * from calls order by hash(callee), hash(started_at)")
answer.fetchmany(1)
files = [path for path in Path(spill).iterdir() if path.is_file() and not path.is_symlink()]
print(sum(path.stat().st_size for path in files), sum(path.read_bytes().count(b"139123") for path in files))
"""


def test_canary_numbers_cannot_be_read_in_what_the_engine_spills(tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text(CARDS)
    con = duckdb.connect()
    con.execute(
        "copy (select '0012' card_id, timestamp '2025-01-01' + to_seconds(range) started_at, "
        "'139123' || range || 'canary' callee, 3 talk_s from range(1500000)) to ? (format parquet)",
        [str(tmp_path / "calls.parquet")],
    )
    done = subprocess.run([sys.executable, "-c", SPILL, str(tmp_path)], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    size, hits = map(int, done.stdout.split())
    assert size > 1_000_000, "nothing was spilled: the test says nothing"
    assert hits == 0


KILLED = """
import os, signal, sys, tempfile
tempfile.tempdir = sys.argv[1]
from blockrisk.features.intake.dataset import connect
con = connect(memory="100MB")
con.execute("create table spilled as select random() as x, random() as y from range(6000000)")
print(sum(path.stat().st_size for path in __import__("pathlib").Path(sys.argv[1]).rglob("*.tmp")), flush=True)
if len(sys.argv) > 2:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_spilled_goes_with_the_next_start_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for end in ([], ["kill"]):
        command = [sys.executable, "-c", KILLED, str(tmp_path), *end]
        assert int(subprocess.run(command, stdout=subprocess.PIPE, check=not end).stdout) > 1_000_000
    [left] = tmp_path.iterdir()
    (tmp_path / "blockrisk-of-another-kind").mkdir()
    living = connect()
    assert left.exists(), "it may be younger than its lock"
    monkeypatch.setattr(spill, "_YOUNG_S", 0)
    after = connect()
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 3, "those of the two that live, and the one that is not ours"
    del living, after
    assert [path.name for path in tmp_path.iterdir()] == ["blockrisk-of-another-kind"]
