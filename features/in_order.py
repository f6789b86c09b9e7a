"""Daily rows that follow from the order of a card's calls, made by sorting the calls once, as numbers.

What these rows are says their SQL (features.daily), which runs on Spark, is run where the numbers would not fit, and must give the
same rows. Here a card, an instant and how many days later the call became known are one number (features.packed); sorted, each row
follows from its neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from blockrisk.features.daily import HOUR
from blockrisk.features.packed import Field, Rows, packed_rows
from blockrisk.features.windows import DAY_US

_CALLS = "from call_rows where out and day >= {low} - 1"
_FIELDS = {"us": Field("us", unit=DAY_US, spare=DAY_US), "late": Field("seen - day")}
"""A day is spared, so that an hour before a card's first call is no other card's."""


@dataclass(frozen=True)
class Sorted:
    """Hold outgoing calls of some cards, by card and instant.

    Attributes:
        card_no: the card of each call.
        at: its instant in microseconds, the cards' own far apart: differences count within a card only.
        day: its civil day since 1970.
        hour: its hour since 1970.
        late: the days from its day to that on which it was known; None: all were known on their day.

    """

    card_no: np.ndarray
    at: np.ndarray
    day: np.ndarray
    hour: np.ndarray
    late: np.ndarray | None

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """Give the day on which these calls were known."""
        return self.day[rows] if self.late is None else (self.day + self.late)[rows]

    def begins(self, *values: np.ndarray) -> np.ndarray:
        """Tell at which calls one of these values differs from that of the call before."""
        found = np.ones(len(self.at), dtype=bool)
        np.logical_or.reduce([value[1:] != value[:-1] for value in values], out=found[1:])
        return found

    def groups(self, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Divide the runs that begin so by the day on which calls were known.

        Returns:
            the calls in an order in which each group stands together, and the place in it at which each begins.

        """
        places = np.arange(len(self.at))
        if self.late is None:
            return places, np.flatnonzero(begins)
        group = np.cumsum(begins) * (int(self.late.max()) + 1) + self.late
        order = np.argsort(group, kind="stable")
        return order, np.flatnonzero(np.diff(group[order], prepend=-1))


def create(con: duckdb.DuckDBPyConnection, lows: Mapping[str, int]) -> bool:
    """Create the temporary tables of these names, which are in ROWS, from `call_rows`.

    Args:
        con: the connection.
        lows: the names, each with its first day; `call_rows` begins the day before the first of them.

    Returns:
        Whether it was done: not if cards, instants and lateness make numbers that are too large, or would take many parts.

    Example:
        >>> con = duckdb.connect()
        >>> _ = con.execute("create table call_rows (card_no INTEGER, us BIGINT, day INTEGER, seen INTEGER, out BOOLEAN)")
        >>> _ = con.execute("insert into call_rows values (1, 0, 0, 0, true), (1, 5000000, 0, 0, true), (1, 7000000, 0, 0, false)")
        >>> create(con, {"gaps_by_day": 0})
        True
        >>> con.execute("from gaps_by_day").fetchall()
        [(1, 0, 0, 5000000)]

    """
    found = packed_rows(con, _CALLS.replace("{low}", str(min(lows.values()))), _FIELDS)
    if found is None:
        return False
    for name in lows:
        con.execute(f"create or replace temp table {name} ({_COLUMNS[name]})")
    for some in found:
        calls = _sorted(some)
        for name, low in lows.items():
            con.register("in_order_rows", pa.table(ROWS[name](calls)))
            con.execute(f"insert into {name} select * from in_order_rows where day >= {low}")
    con.unregister("in_order_rows")
    return True


def _sorted(rows: Rows) -> Sorted:
    hour: np.ndarray = rows["us"] // HOUR
    late = rows["late"].astype(np.int32)
    at = rows.numbers >> rows.places["us"].shift
    return Sorted(rows["card_no"].astype(np.int32), at, (hour // 24).astype(np.int32), hour, late if late.any() else None)


def _gaps(calls: Sorted) -> dict[str, np.ndarray]:
    later = np.flatnonzero(~calls.begins(calls.card_no, calls.day))
    gaps = calls.at[later] - calls.at[later - 1]
    return {"card_no": calls.card_no[later], "day": calls.day[later], "seen": calls.seen(later), "gap_us": gaps}


def _hours(calls: Sorted) -> dict[str, np.ndarray]:
    order, begins = calls.groups(calls.begins(calls.card_no, calls.hour))
    first = order[begins]
    of_calls = {"card_no": calls.card_no[first], "day": calls.day[first], "seen": calls.seen(first), "hour": calls.hour[first] % 24}
    return {**of_calls, "out": np.diff(begins, append=len(order))}


def _rolling(calls: Sorted) -> dict[str, np.ndarray]:
    places = np.arange(len(calls.at))
    moments = np.flatnonzero(calls.begins(calls.at))
    ends = np.repeat(np.append(moments[1:], len(places)), np.diff(moments, append=len(places)))  # an instant's calls see each other
    days = calls.begins(calls.card_no, calls.day)
    starts = {"roll60": np.searchsorted(calls.at, calls.at - (HOUR - 1))}
    starts["roll60_own_day"] = np.maximum(starts["roll60"], np.maximum.accumulate(np.where(days, places, 0)))
    order, begins = calls.groups(days)
    first = order[begins]
    most = {name: np.maximum.reduceat((ends - start)[order], begins) for name, start in starts.items()}
    return {"card_no": calls.card_no[first], "day": calls.day[first], "seen": calls.seen(first), **most}


ROWS = {"gaps_by_day": _gaps, "hourly_counts": _hours, "rolling_by_day": _rolling}
"""The daily rows that are made here."""

_DAY = "card_no INTEGER, day INTEGER, seen INTEGER"
_COLUMNS = {
    "gaps_by_day": f"{_DAY}, gap_us BIGINT",
    "hourly_counts": f"{_DAY}, hour INTEGER, out INTEGER",
    "rolling_by_day": f"{_DAY}, roll60 BIGINT, roll60_own_day BIGINT",
}
