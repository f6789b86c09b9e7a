"""Medians of a card's rows over windows, at many dates: rows are put in order of value once, and each date looks through its own.

The engine's median collects the values of each card, date and window anew. The SQL (features.plan) says what they are; it runs on
Spark, where the numbers would not fit, and for cards whose rows hold for one date alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from blockrisk.features.packed import Field, Rows, packed_rows

_DATES = 8
"""Dates that look through the same rows; more are divided, so that none looks through rows far from its window."""
_SPARSE = 4
"""Where fewer than one in so many pairs of card and date are asked for, most would be worked out in vain."""
_ANY_DAYS = 1_000_000


@dataclass(frozen=True)
class Medians:
    """Declare medians of one column.

    Attributes:
        source: the prepared table.
        value: the column, of whole numbers.
        day: the column that places a row in a window.
        windows: the days of each median by its name; None: all.
        one_date: the SQL of the medians of cards whose rows hold for one date alone, which have `upto`; "" where there is no such.

    """

    source: str
    value: str
    day: str
    windows: dict[str, int | None]
    one_date: str = ""


@dataclass(frozen=True)
class _Values:
    """Hold rows of some cards in the order of card and value, with the day that places each and the day on which it was known."""

    card: np.ndarray
    value: np.ndarray
    day: np.ndarray
    seen: np.ndarray

    def between(self, first: int, last: int) -> "_Values":
        """Give those that a window from the first date on to the last can hold."""
        chosen = (self.day >= first) & (self.seen < last)
        return _Values(self.card[chosen], self.value[chosen], self.day[chosen], self.seen[chosen])


def create(con: duckdb.DuckDBPyConnection, medians: Medians) -> bool:
    """Create the temporary table `medians_found`: card_no, day and a column a window, null where no row lies in it.

    Args:
        con: the connection, with `asks`.
        medians: what is wanted.

    Returns:
        Whether it was done: not if the numbers would not fit (features.packed), or hardly any date is asked for of many cards.

    """
    query = "select count(*), count(distinct card_no), min(card_no), max(card_no), list(distinct day) from asks"
    [(asks, cards, first, last, dates)] = con.execute(query).fetchall()
    if asks * _SPARSE < cards * len(dates or ()) or asks == 0:
        return False
    days = {window: _ANY_DAYS if span is None else span for window, span in medians.windows.items()}
    source = f"from {medians.source} where {medians.value} is not null and card_no between {first} and {last}"
    source += " and upto is null" if medians.one_date else ""
    source += " and card_no in (select card_no from asks)" if cards * _SPARSE < last - first else ""
    source += f" and seen - {medians.day} < {max(days.values())}"  # what was known later than that is seen at no date
    fields = {"value": Field(medians.value), "day": Field(medians.day), "late": Field(f"seen - {medians.day}")}
    found = packed_rows(con, source, fields)
    if found is None:
        return False
    columns = ", ".join(f"{window} DOUBLE" for window in medians.windows)
    con.execute(f"create or replace temp table medians_found (card_no INTEGER, day INTEGER, {columns})")
    for rows in found:
        for table in _by_date(_values(rows), sorted(dates), days):
            con.register("medians_rows", table)
            con.execute("insert into medians_found select * from medians_rows")
    con.unregister("medians_rows")
    return True


def of_asks(medians: Medians) -> str:
    """Give the SQL of the medians that were created, and of the others, of `asks_part`: ask, as_of_day and a column a window."""
    listed = ", ".join(medians.windows)
    sql = f"select ask, day as as_of_day, {listed} from asks_part join medians_found using (card_no, day)"
    return f"{sql} union all select ask, as_of_day, {listed} from ({medians.one_date})" if medians.one_date else sql


def _values(rows: Rows) -> _Values:
    day = rows["day"].astype(np.int32)
    return _Values(rows["card_no"].astype(np.int32), rows["value"], day, day + rows["late"].astype(np.int32))


def _by_date(values: _Values, dates: list[int], windows: dict[str, int]) -> Iterator[pa.Table]:
    """Give card_no, day and the medians, a table a date."""
    if len(dates) > _DATES:
        for some in (dates[: len(dates) // 2], dates[len(dates) // 2 :]):
            yield from _by_date(values.between(some[0] - max(windows.values()), some[-1]), some, windows)
        return
    begins = np.flatnonzero(np.diff(values.card, prepend=-1))
    cards = values.card[begins]
    for date in dates:
        seen = values.seen < date
        columns = {name: _medians(values, seen & (values.day >= date - days), begins) for name, days in windows.items()}
        yield pa.table({"card_no": cards, "day": np.full(len(cards), date, dtype=np.int32), **columns})


def _medians(values: _Values, chosen: np.ndarray, begins: np.ndarray) -> pa.Array:
    """Give the median of the chosen rows of each card; null where there is none."""
    places = np.flatnonzero(chosen)
    if not len(places):
        return pa.nulls(len(begins), pa.float64())
    first = np.searchsorted(places, begins)
    count = np.diff(first, append=len(places))
    last = len(places) - 1
    low, high = (values.value[places[np.minimum(first + half, last)]] for half in (np.maximum(count - 1, 0) // 2, count // 2))
    return pa.array((low + high) / 2, mask=count == 0)
