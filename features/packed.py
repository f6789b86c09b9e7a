"""Rows of cards as numbers that sort: a card and some whole numbers of a row, packed into 62 bits.

numpy sorts 20 million of them in half a second; the engine's windows and medians sort whole rows, which costs five times as much.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

AT_ONCE, STEP = 16_000_000, 1_000_000
"""Rows that are sorted in memory at a time, more or less (128 MB twice), and given at a time: these stay in the cache."""
_BITS = 62
_MOST_PARTS = 16


def sorted_numbers(con: duckdb.DuckDBPyConnection, query: str) -> np.ndarray:
    """Give the one column of a query, of whole numbers without null, in order.

    >>> sorted_numbers(duckdb.connect(), "select unnest([3, 1, 2]) as n").tolist()
    [1, 2, 3]
    """
    column = con.sql(query).to_arrow_table().column(0)
    numbers = np.concatenate([chunk.to_numpy() for chunk in column.chunks] or [np.zeros(0, dtype=column.type.to_pandas_dtype())])
    numbers.sort()
    return numbers


@dataclass(frozen=True)
class Field:
    """Declare a whole number of a row: its SQL; counting begins `spare` below the multiple of `unit` under the least."""

    sql: str
    unit: int = 1
    spare: int = 0


@dataclass(frozen=True)
class Place:
    """Say where a field stands in the numbers: the bits below it, its own bits, and what 0 stands for."""

    shift: int
    bits: int
    low: int


@dataclass(frozen=True)
class Rows:
    """Hold rows of some cards in order, all of each: `numbers`, and where their fields stand, `card_no` among them."""

    numbers: np.ndarray
    places: Mapping[str, Place]

    def __getitem__(self, name: str) -> np.ndarray:
        """Give a field of each row."""
        place = self.places[name]
        return ((self.numbers >> place.shift) & (2**place.bits - 1)) + place.low


def packed_rows(con: duckdb.DuckDBPyConnection, source: str, fields: Mapping[str, Field]) -> Iterator[Rows] | None:
    """Give rows in the order of card and fields, those of some cards at a time.

    Args:
        con: the connection.
        source: SQL, "from ... where ...", whose rows have a card_no.
        fields: the fields in the order of sorting, by name; without null.

    Returns:
        The rows, read as they are asked for; None if they do not fit in the bits, or would have to be read in many parts.

    Example:
        >>> con = duckdb.connect()
        >>> found = packed_rows(con, "from (values (2, 7), (1, 9), (2, 5)) as t(card_no, n) where true", {"n": Field("n")})
        >>> [(rows["card_no"].tolist(), rows["n"].tolist()) for rows in found]
        [([1, 2, 2], [9, 5, 7])]

    """
    ends = ", ".join(f"min({field.sql}), max({field.sql})" for field in fields.values())
    [(count, first, last, *found)] = con.execute(f"select count(*), min(card_no), max(card_no), {ends} {source}").fetchall()
    if not count:
        return iter(())
    places, shift = dict[str, Place](), 0
    for (name, field), least, most in reversed(list(zip(fields.items(), found[::2], found[1::2], strict=True))):
        low = least // field.unit * field.unit - field.spare
        places[name] = Place(shift, int(most - low).bit_length(), low)
        shift += places[name].bits
    if shift > _BITS:
        return None
    cards = min(2 ** (_BITS - shift), -(-(last - first + 1) // -(-count // AT_ONCE)))
    if (last - first) // cards >= _MOST_PARTS:
        return None
    return _read(con, source, fields, places, shift, range(first, last + 1, cards))


def _read(
    con: duckdb.DuckDBPyConnection, source: str, fields: Mapping[str, Field], places: dict[str, Place], shift: int, cards: range
) -> Iterator[Rows]:
    terms = [f"cast({field.sql} - ({places[name].low}) as BIGINT) * {2 ** places[name].shift}" for name, field in fields.items()]
    for card in cards:
        terms[len(fields) :] = [f"cast(card_no - {card} as BIGINT) * {2**shift}"]
        some = f"select {' + '.join(terms)} as number {source} and card_no between {card} and {card + cards.step - 1}"
        numbers = sorted_numbers(con, some)
        of_part = {**places, "card_no": Place(shift, _BITS - shift, card)}
        begin = 0
        while begin < len(numbers):
            end = min(begin + STEP, len(numbers))
            end = int(np.searchsorted(numbers, ((int(numbers[end - 1]) >> shift) + 1) << shift))
            yield Rows(numbers[begin:end], of_part)
            begin = end
