"""Rows made by sorting numbers are those of the SQL that says what they are."""

from random import Random

import duckdb
import pytest

from blockrisk.features import in_order, packed
from blockrisk.features.daily import DAILY, DAY, HOUR

Call = tuple[int, int, int, int, bool]


def calls(rng: Random, rows: int, cards: int, late: int) -> list[Call]:
    """Draw calls of few instants, near midnights and whole hours too; calls of one instant are known on one day."""
    found = []
    for _ in range(rows):
        card, day = rng.randrange(1, cards + 1), rng.randrange(20_000, 20_005)
        moment = rng.choice([0, 1, HOUR - 1, HOUR, HOUR + 1, DAY - HOUR, DAY - HOUR + 1, DAY - 1, rng.randrange(DAY)])
        behind = (card * 7 + day * 3 + moment) % (late + 1)
        found.append((card, day * DAY + moment, day, day + behind, rng.random() < 0.9))
    return found


def connection(rows: list[Call]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create table call_rows (card_no INTEGER, us BIGINT, day INTEGER, seen INTEGER, out BOOLEAN)")
    if rows:
        con.executemany("insert into call_rows values (?, ?, ?, ?, ?)", rows)
    return con


def agree(con: duckdb.DuckDBPyConnection, lows: dict[str, int]) -> bool:
    """Compare types and rows with those of the SQL."""
    assert in_order.create(con, lows)
    for name, low in lows.items():
        sql = DAILY[name].replace("{low}", str(low))
        assert con.sql(f"from {name}").types == con.sql(sql).types
        if con.execute(f"from {name} order by all").fetchall() != con.execute(f"from ({sql}) order by all").fetchall():
            return False
    return True


@pytest.mark.parametrize("seed", range(60))
def test_random_calls(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed)
    monkeypatch.setattr(packed, "STEP", rng.choice([1, 5, 1_000_000]))
    monkeypatch.setattr(packed, "AT_ONCE", rng.choice([20, 1_000_000]))
    monkeypatch.setattr(packed, "_BITS", rng.choice([44, 62]))
    con = connection(calls(rng, rng.choice([0, 1, 2, 30, 200]), rng.choice([1, 3, 40]), rng.choice([0, 0, 1, 3])))
    assert agree(con, {name: 20_000 + rng.randrange(4) for name in in_order.ROWS})


def test_a_difference_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    con = connection(calls(Random(1), 200, 3, 1))
    monkeypatch.setattr(in_order, "HOUR", HOUR + 1)
    assert not agree(con, dict.fromkeys(in_order.ROWS, 20_000))


def test_numbers_that_are_too_large_are_left_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    con = connection(calls(Random(1), 200, 100, 3))
    monkeypatch.setattr(packed, "_BITS", 41)
    assert not in_order.create(con, {"gaps_by_day": 20_000})
    with pytest.raises(duckdb.CatalogException):
        con.execute("from gaps_by_day")
