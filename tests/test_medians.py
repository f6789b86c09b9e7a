"""Medians of values sorted once are those of a slow search."""

from random import Random
from statistics import median

import duckdb
import pytest

from blockrisk.features import medians, packed
from blockrisk.features.medians import Medians

Row = tuple[int, int, int, int]


def world(rng: Random, few: bool) -> tuple[duckdb.DuckDBPyConnection, list[Row], list[tuple[int, int, int]]]:
    """Draw rows (card, day, day known, value) and asks (number, card, day); `few`: one card of many is asked for."""
    cards = rng.choice([3, 30])
    rows = []
    for _ in range(rng.choice([0, 1, 40, 400])):
        day = rng.randrange(100, 120)
        rows.append((rng.randrange(1, cards + 1), day, day + rng.choice([0, 0, 1, 9]), rng.randrange(rng.choice([3, 10**9]))))
    asked = [1] if few else range(1, cards + 1)
    asks = [(number, card, day) for number, (card, day) in enumerate((card, day) for card in asked for day in range(99, 131, 3))]
    con = duckdb.connect()
    con.execute("create table r (card_no INTEGER, day INTEGER, seen INTEGER, value BIGINT, upto INTEGER)")
    con.execute("create table asks (ask BIGINT, card_no INTEGER, day INTEGER)")
    con.execute("create view asks_part as select * from asks")
    if rows:
        con.executemany("insert into r values (?, ?, ?, ?, null)", rows)
    con.executemany("insert into asks values (?, ?, ?)", asks)
    return con, rows, asks


def slow(rows: list[Row], card: int, date: int, days: int | None) -> float | None:
    found = [value for c, day, seen, value in rows if c == card and seen < date and (days is None or day >= date - days)]
    return median(found) if found else None


@pytest.mark.parametrize("seed", range(40))
def test_random_rows(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed)
    monkeypatch.setattr(packed, "STEP", rng.choice([1, 9, 1_000_000]))
    monkeypatch.setattr(packed, "AT_ONCE", rng.choice([50, 1_000_000]))
    monkeypatch.setattr(medians, "_DATES", rng.choice([1, 8]))
    con, rows, asks = world(rng, few=seed % 2 == 0)
    windows = {"short": 2, "long": rng.choice([7, None])}
    asked_for = Medians("r", "value", "day", windows)
    assert medians.create(con, asked_for)
    found = {ask: (day, short, long) for ask, day, short, long in con.execute(medians.of_asks(asked_for)).fetchall()}
    for ask, card, date in asks:
        wanted = tuple(slow(rows, card, date, days) for days in windows.values())
        assert found.get(ask, (date, None, None)) == (date, *wanted)


def test_rows_of_one_date_alone_are_left_to_the_engine() -> None:
    con, rows, asks = world(Random(0), few=False)
    assert len(rows) > 100
    con.execute("insert into r select card_no + 1000, day, seen, value + 7, 120 from r")
    con.execute("insert into asks select ask + 1000, card_no + 1000, day from asks")
    one_date = (
        "select a.ask, a.day as as_of_day, median(t.value) as m from asks_part a join r t using (card_no) "
        "where t.seen < a.day and t.upto is not null and t.upto = a.day group by a.ask, a.day"
    )
    asked_for = Medians("r", "value", "day", {"m": None}, one_date)
    assert medians.create(con, asked_for)
    found = dict(con.execute(f"select ask, m from ({medians.of_asks(asked_for)})").fetchall())
    for ask, card, date in asks:
        wanted = slow(rows, card, date, None)
        assert found.get(ask) == wanted
        assert found.get(ask + 1000) == (wanted + 7 if wanted is not None and date == 120 else None)


def test_few_dates_of_many_cards_are_left_to_the_engine() -> None:
    con = duckdb.connect()
    con.execute("create table asks as select i as ask, i as card_no, i % 10 as day from range(40) as t(i)")
    assert not medians.create(con, Medians("r", "value", "day", {"m": 7}))


@pytest.mark.parametrize(("bits", "value"), [(20, 2**21), (62, 9 * 10**18)])
def test_values_that_would_not_fit_are_left_to_the_engine(bits: int, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    con, _, _ = world(Random(3), few=True)
    con.execute(f"insert into r values (1, 100, 100, 0, null), (1, 100, 100, {value}, null)")
    monkeypatch.setattr(packed, "_BITS", bits)
    assert not medians.create(con, Medians("r", "value", "day", {"m": 7}))
