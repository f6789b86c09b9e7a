"""The whole catalogue equals the slow oracle, on random small data sets.

A ledger here is one card at one date. The cards of a data set share its tables, limits and operators, so that one call
of the engine answers for dozens of ledgers; every column of every ledger is compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from futures import broken, hold, smallest
from hypothesis import Phase, given, settings
from ledgers import DAY, Dataset, datasets, random_dataset
from oracle import plain_tables, vector
from oracle_view import View

from blockrisk.features import FEATURES, read_tables, vectors
from blockrisk.features.catalogue import columns

WINDOWS = [1, 2, 5, 7, 14, 30, 45, 90]


def expected_rows(data: Dataset, names: list[str]) -> list[dict[str, Any]]:
    tables = plain_tables(data.frames())
    requests = zip(data.requests()["card_id"], data.requests()["as_of"], strict=True)
    return [vector(tables, card_id, as_of.to_pydatetime(), names) for card_id, as_of in requests]


def agree(wanted: Any, got: Any) -> bool:
    """Compare text and counts exactly, other numbers to 1e-9, missing with missing."""
    if isinstance(wanted, str) or isinstance(got, str):
        return wanted == got
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    return wanted == got if isinstance(wanted, int) else math.isclose(wanted, got, rel_tol=1e-9, abs_tol=1e-9)


def differences(data: Dataset, names: list[str]) -> list[str]:
    got = vectors(read_tables(data.frames()), data.requests(), columns=names)
    assert list(got.columns) == ["card_id", "as_of", *names]
    assert got[["card_id", "as_of"]].to_numpy().tolist() == data.requests().to_numpy().tolist()
    return [
        f"{name} of {row['card_id']} at {row['as_of']:%Y-%m-%d}: oracle {wanted[name]!r}, engine {row[name]!r}"
        for wanted, row in zip(expected_rows(data, names), got.to_dict("records"), strict=True)
        for name in names
        if not agree(wanted[name], row[name])
    ]


def agrees_with_the_oracle(data: Dataset, names: list[str]) -> None:
    wrong = differences(data, names)
    assert not wrong, f"{len(wrong)} values differ: " + "; ".join(wrong[:10])


def compare(examples: int, names: Callable[[int], list[str]]) -> None:
    @settings(deadline=None, derandomize=True, database=None, max_examples=examples, phases=[Phase.generate])
    @given(datasets(cards=40))
    def every_ledger_agrees(data: Dataset) -> None:
        hold(partial(agrees_with_the_oracle, names=names(data.seed or 0)), data)

    every_ledger_agrees()


def shipped(_: int) -> list[str]:
    return columns()


def over_other_windows(seed: int) -> list[str]:
    """Name every quantity that has windows, over one window drawn from the seed."""
    quantities = sorted({feature.quantity for feature in FEATURES if feature.windows})
    return [f"{quantity}_{Random(f'{seed}{quantity}').choice(WINDOWS)}d" for quantity in quantities]


def test_every_column_equals_the_oracle_on_600_ledgers():
    compare(5, shipped)


def test_every_quantity_over_other_windows_equals_the_oracle_on_360_ledgers():
    compare(3, over_other_windows)


@pytest.mark.long
def test_every_column_equals_the_oracle_on_14_000_ledgers():
    compare(120, shipped)


@pytest.mark.long
def test_every_quantity_over_other_windows_equals_the_oracle_on_7_000_ledgers():
    compare(60, over_other_windows)


def test_the_ledgers_move_every_column():
    """The comparison proves something only about a column that is sometimes missing, sometimes one number, sometimes another."""
    values: dict[str, set[Any]] = defaultdict(set)
    for seed in range(12):
        for row in expected_rows(random_dataset(seed, cards=20, dates=2), columns()):
            for name, one in row.items():
                values[name].add("missing" if one != one else one)
    assert [name for name in columns() if len(values[name]) < 3] == []


def test_a_wrong_answer_is_found(monkeypatch):
    """A wrong oracle stands for a wrong engine: it forgets the rows at the first instant of a window."""
    monkeypatch.setattr(View, "within", lambda view, at, days: view.as_of - days * DAY < at < view.as_of)
    names = ["active_days_7d", "sms_out_7d", "complaints_30d", "overdue_bills_90d"]
    assert broken(partial(agrees_with_the_oracle, names=names), random_dataset(1, cards=40, dates=3))


def test_the_smallest_example_is_one_row():
    def nobody_writes_to_q(data: Dataset) -> None:
        assert all(row["recipient"] != "q" for row in data.tables["messages"])

    small = smallest(nobody_writes_to_q, random_dataset(1, cards=40, dates=3, whole=True))
    assert {name: len(rows) for name, rows in small.tables.items() if rows} == {"cards": 1, "messages": 1}
