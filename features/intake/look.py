"""What several checks ask of a data set, found in as few scans of the calls as can be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from blockrisk.features import tables as contract
from blockrisk.features.intake.dataset import Tables
from blockrisk.features.intake.sources import quoted
from blockrisk.features.tables import Column

_MIDNIGHT = "started_at = date_trunc('day', started_at)"
_OUT = f"coalesce(direction, 'out') = 'out' and not {_MIDNIGHT}"
_OF_CALLS = {
    "first": "min(started_at)",
    "last": "max(started_at)",
    "out": f"count_if({_OUT})",
    "nightly": f"count_if({_OUT} and hour(started_at) < 7)",
    "by_hour": f"histogram(hour(started_at)) filter (where {_OUT})",
    "midnight": f"count_if({_MIDNIGHT})",
    "talks": "count_if(talk_s > 0)",
    "whole_minutes": "count_if(talk_s > 0 and talk_s % 60 = 0)",
    "long": "count_if(talk_s > 14400)",
    "longest": "max(talk_s)",
    "masked": "count_if(contains(callee, '*'))",
}
_DAYS = """
    select started_at::DATE as day, count(*),
        sum(hash(card_id, started_at - date_trunc('day', started_at), callee, talk_s)::HUGEINT)
    from calls group by day order by day"""
_WEEKS = """
    with weekly as (
        select date_trunc('week', started_at)::DATE as week, count(*) as calls, median(talk_s) filter (where talk_s > 0) as talk,
            count(distinct started_at::DATE) as days
        from calls group by week having count(*) >= 50)
    select calls, talk, lag(calls) over w, lag(talk) over w, week::VARCHAR from weekly where days >= 5
    window w as (order by week) order by week"""


Figures = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """Look at a data set; what is asked more than once is found once."""

    tables: Tables

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer a query."""
        return self.tables.con.execute(sql).fetchall()

    def counts(self, table: str) -> dict[str, Any]:
        """Count a table's rows ("*") and, for each column that was supplied, those in which it says something; of calls more."""
        return self._calls if table == "calls" else self._counts(table, {})

    @cached_property
    def _calls(self) -> dict[str, Any]:
        return self._counts("calls", _OF_CALLS)

    def _counts(self, table: str, more: dict[str, str]) -> dict[str, Any]:
        declared = contract.table(table).columns
        said = {
            column.name: f"count(nullif({quoted(column.name)}::VARCHAR, {_nothing(column)}))"
            for column in declared
            if f"{table}.{column.name}" in self.tables.present
        }
        asked = {"*": "count(*)", **said, **more}
        [found] = self.rows(f"select {', '.join(asked.values())} from {table}")
        return dict(zip(asked, found, strict=True))

    @cached_property
    def of_unknown_cards(self) -> list[tuple[str, int, int]]:
        """List the tables that hold rows of cards that are not in the table cards: name, rows, cards."""
        found = []
        for table in contract.TABLES:
            if table.name != "cards" and table.name in self.tables.present and table.key[0] == "card_id":
                sql = f"select count(*), count(distinct card_id) from {table.name} where card_id not in (select card_id from cards)"
                found += [(table.name, rows, cards) for rows, cards in self.rows(sql) if rows]
        return found

    @cached_property
    def days(self) -> list[tuple[Any, int, int]]:
        """List the days with calls: date, number of calls, and what they hold beside the date, as a hash."""
        return [(day, calls, content) for day, calls, content in self.rows(_DAYS)]

    @cached_property
    def weeks(self) -> list[tuple[Any, ...]]:
        """List the full weeks: calls, median talk, the same of the week before, and the Monday."""
        return self.rows(_WEEKS)


def _nothing(column: Column) -> str:
    """Give what stands in a column that says nothing."""
    return "'unknown'" if column.type == "choice" else "null"


@dataclass(frozen=True)
class Check:
    """Declare a check: its name, what it says in both languages with the figures filled in, and the function that finds them."""

    name: str
    en: str
    zh: str
    find: Callable[[Look], list[Figures]]
