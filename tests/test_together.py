"""Files read by one statement: the same rows, the same account and the same refusals as read one by one."""

from pathlib import Path
from random import Random

import pandas as pd
import pytest

from blockrisk.features import Tables, UserError, read_tables
from blockrisk.features.intake import account_lines, staging, together

HEADER = "card_id,started_at,callee,talk_s,direction,region\n"
CARDS = "card_id,operator,home_region,activated_at\n001,A,X,2025-01-01\n002,A,X,2025-01-01\n"
ODD = (
    "001,2025/02/03 9:05,c1,12,out,X",  # a repair
    "001,2025-02-03 09:05:00,c1,1:23:45,out,X",
    "002,2025-02-03 09:05:00,,12,out,X",  # refused
    "002,not a time,c1,12,out,X",
    "002,2025-02-03 09:06:00,c1,12,呼出,X",
    '002,2025-02-03 09:07:00,c2,12,out,"X\nY"',  # a row of two lines
    "002,2025-02-03 09:08:00,c2,12",  # a short row
)


def a_file(rng: Random, number: int, odd: bool) -> str:
    rows = [
        f"00{rng.randint(1, 2)},2025-02-{1 + number % 28:02d} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:00,"
        f"c{rng.randint(1, 9)},{rng.randint(0, 90)},{rng.choice(('out', 'in'))},{rng.choice(('X', 'Y', ''))}"
        for _ in range(rng.randint(0, 6))
    ]
    rows += [rng.choice(ODD)] if odd else []
    rng.shuffle(rows)
    return HEADER + "".join(f"{row}\n" for row in rows)


def write(folder: Path, seed: int) -> Path:
    """Write files of calls of one kind or several, some of which the quick reader cannot settle."""
    rng = Random(seed)
    (folder / "calls").mkdir(parents=True)
    (folder / "cards.csv").write_text(CARDS, encoding="utf-8")
    for number in range(12):
        path = folder / f"calls/{number:02d}"
        if seed % 2:
            path.with_suffix(".csv").write_text(a_file(rng, number, rng.random() < 0.3), encoding="utf-8")
            continue
        frame = pd.DataFrame({"card_id": ["001", "002"], "started_at": pd.Timestamp("2025-02-01") + pd.Timedelta(days=number)})
        frame = frame.assign(callee=["c1", " c2" if rng.random() < 0.3 else "c2"], talk_s=[1.0, -1.0 if rng.random() < 0.3 else 2])
        if rng.random() < 0.3:
            frame = frame.assign(filename="x", talk_s=frame["talk_s"].astype("int64"))
        frame.to_parquet(path.with_suffix(".parquet"), index=False)
    return folder


def told(tables: Tables) -> tuple[object, ...]:
    rows = tables.con.execute("select * from calls order by all").fetchall()
    aside = tables.con.execute("select * from set_aside order by all").fetchall()
    return rows, aside, tables.accounting, tables.mapped, tables.cut, account_lines(tables)


def one_by_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    with monkeypatch.context() as patch:
        patch.setattr(together, "_same_clause", lambda one, other: False)
        return read_tables(folder)


def inserted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the table of every statement that puts rows into a staging table from now on."""
    inserts, insert = list[str](), staging.insert
    monkeypatch.setattr(staging, "insert", lambda con, table, *rest: (inserts.append(table.name), insert(con, table, *rest))[1])
    return inserts


@pytest.mark.parametrize("seed", range(12))
def test_files_read_at_once_are_as_read_one_by_one(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write(tmp_path / "data", seed)
    assert told(read_tables(folder)) == told(one_by_one(folder, monkeypatch))


def test_clean_files_alike_are_read_by_one_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "calls").mkdir()
    (tmp_path / "cards.csv").write_text(CARDS, encoding="utf-8")
    for number in range(20):
        (tmp_path / f"calls/{number:02d}.csv").write_text(a_file(Random(number), number, odd=False), encoding="utf-8")
    inserts = inserted(monkeypatch)
    read_tables(tmp_path)
    assert inserts == ["cards", "calls"]


def test_one_damaged_file_among_others_is_named(tmp_path: Path):
    folder = write(tmp_path / "data", 0)
    path = sorted((folder / "calls").iterdir())[3]
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"calls/{path.name}"):
        read_tables(folder)


def test_a_column_named_as_ours_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write(tmp_path / "data", 1)
    for path in sorted((folder / "calls").iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([f"{lines[0]},the file of blockrisk", *(f"{line},z" for line in lines[1:])]), encoding="utf-8")
    assert told(read_tables(folder)) == told(one_by_one(folder, monkeypatch))


def test_words_in_chinese_are_read_at_once_as_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cards.csv").write_text(CARDS, encoding="utf-8")
    rows = "".join(
        f"001,2025-02-0{day} 09:00:00,c1,3,{way},{end}\n" for day, way, end in ((1, "呼出", "拒接"), (2, "被叫", "空号"))
    )
    (tmp_path / "calls.csv").write_text(f"card_id,started_at,callee,talk_s,direction,result\n{rows}", encoding="utf-8")
    inserts = inserted(monkeypatch)
    found = read_tables(tmp_path).frame("calls")
    assert found[["direction", "result"]].to_numpy().tolist() == [["out", "rejected"], ["in", "invalid_number"]]
    assert inserts == ["cards", "calls"], "a second, careful reading takes 20 times as long"
