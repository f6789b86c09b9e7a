"""Laws of the features: what must hold on any data set, whatever a feature's arithmetic is. All comparisons are of bits."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from futures import Law, erased, hold, poisoned
from hypothesis import Phase, given, settings
from ledgers import DAY, EVENT, START, TIMES, Dataset, Row, datasets, random_dataset, without
from pandas.testing import assert_frame_equal

from blockrisk.features import build, prepare, read_tables, vectors
from blockrisk.features.catalogue import columns

CARDS, DATES = 16, 3


def ask(data: Dataset, requests: pd.DataFrame | None = None, **options: Any) -> pd.DataFrame:
    return vectors(read_tables(data.frames()), data.requests() if requests is None else requests, **options)


def answers(data: Dataset) -> pd.DataFrame:
    """Ask once for each unchanged data set, since most laws compare with that."""
    return ask(data) if data.seed is None else _answers_of_seed(data.seed)


@cache
def _answers_of_seed(seed: int) -> pd.DataFrame:
    return ask(random_dataset(seed, CARDS, DATES))


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True), check_exact=True)


def at_two_dates(data: Dataset, change: Any) -> None:
    for day in data.as_of[:2]:
        requests = data.requests().query("as_of == @day")
        before = answers(data).query("as_of == @day")
        same(before, ask(change(data, day), requests))


def the_future_erased_changes_nothing(data: Dataset) -> None:
    at_two_dates(data, erased)


def the_future_poisoned_changes_nothing(data: Dataset) -> None:
    at_two_dates(data, poisoned)


def the_order_of_rows_does_not_matter(data: Dataset) -> None:
    shuffled = {name: Random(1).sample(rows, len(rows)) for name, rows in data.tables.items()}
    same(answers(data), ask(data.having(**shuffled), data.requests()))


def a_table_in_two_csv_files_of_a_folder_is_the_same_table(data: Dataset) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, table in data.frames().items():
            (Path(folder) / name).mkdir()
            cut = Random(name).randint(0, len(table))
            table.iloc[:cut].to_csv(Path(folder) / name / "first.csv", index=False)
            table.iloc[cut:].to_csv(Path(folder) / name / "second.csv", index=False)
        same(answers(data), vectors(read_tables(folder), data.requests()))


def one_card_and_date_alone_gives_the_bits_of_all_at_once(data: Dataset) -> None:
    tables, requests = read_tables(data.frames()), data.requests()
    for n in Random(len(requests)).sample(range(len(requests)), min(3, len(requests))):
        same(answers(data).iloc[[n]], vectors(tables, requests.iloc[[n]]))


def rows_come_in_the_order_of_the_requests_even_if_asked_twice(data: Dataset) -> None:
    requests = data.requests()
    order = Random(2).choices(range(len(requests)), k=len(requests) + 3)
    same(answers(data).iloc[order], ask(data, requests.iloc[order]))


def some_columns_are_the_columns_of_all_whatever_was_asked_before(data: Dataset) -> None:
    tables, requests = read_tables(data.frames()), data.requests()
    for names in (columns()[60:80], columns()[::7], columns()[::-1]):
        same(answers(data)[["card_id", "as_of", *names]], vectors(tables, requests, columns=names))


ADDITIVE = ["calls_out", "active_days", "off_hours_calls", "days_over_daily_limit", "hours_over_hourly_limit"]
ADDITIVE += ["complaints", "regulator_complaints", "sms_out", "overdue_bills"]


def counts_over_adjacent_windows_add_up(data: Dataset) -> None:
    """On time, [T-1, T) and the six days before are [T-7, T), and [T-7, T) and the 30 days before are [T-37, T)."""
    on_time = without(data, {"calls.available_at", "complaints.available_at"})
    tables, requests = read_tables(on_time.frames()), on_time.requests()

    def counts(back: int, *windows: int) -> list[np.ndarray]:
        names = {days: [f"{quantity}_{days}d" for quantity in ADDITIVE] for days in windows}
        earlier = requests.assign(as_of=requests["as_of"] - back * DAY)
        got = vectors(tables, earlier, columns=[name for days in windows for name in names[days]])
        return [got[names[days]].to_numpy() for days in windows]

    day, week, all_37 = counts(0, 1, 7, 37)
    np.testing.assert_array_equal(day + counts(1, 6)[0], week)
    np.testing.assert_array_equal(week + counts(7, 30)[0], all_37)


def moving_everything_by_whole_days_changes_nothing(data: Dataset) -> None:
    def moved(row: Row) -> Row:
        return {name: at + 33 * DAY if name.endswith(TIMES) and at else at for name, at in row.items()}

    tables = {name: [moved(row) for row in rows] for name, rows in data.tables.items()}
    later = Dataset(tables, data.columns, tuple(day + 33 * DAY for day in data.as_of))
    same(answers(data).drop(columns="as_of"), ask(later).drop(columns="as_of"))


def rows_of_other_cards_change_nothing_but_the_operators_rate(data: Dataset) -> None:
    me = data.tables["cards"][0]["card_id"]
    mine = {name: [row for row in rows if row.get("card_id", me) == me] for name, rows in data.tables.items()}
    fleet = {name: data.tables[name] for name in ("cards", "blocks") if name in data.tables}
    requests = data.requests().query("card_id == @me")
    same(answers(data).query("card_id == @me"), ask(data.having(**{**mine, **fleet}), requests))


def rows_of_unknown_cards_change_nothing(data: Dataset) -> None:
    strangers = {n: [row | {"card_id": "stranger"} for row in data.tables[n]] for n in EVENT if n in data.tables}
    same(answers(data), ask(data.having(**{name: data.tables[name] + rows for name, rows in strangers.items()})))


def overlapping_exports_change_nothing(data: Dataset) -> None:
    again = {name: rows + Random(3).sample(rows, len(rows) // 2) for name, rows in data.tables.items()}
    same(answers(data), ask(data.having(**again), data.requests()))


def a_poorer_copy_known_later_changes_nothing(data: Dataset) -> None:
    """A row that a second export repeats, with blanks and (if that is known) a day later, is the first export's row."""
    undated = without(data, {"calls.available_at", "complaints.available_at"})
    for one in (data, undated):
        copies = {name: _poorer(one, name, key) for name, key in COPIED.items() if name in one.tables}
        same(answers(one), ask(one.having(**{name: rows + one.tables[name] for name, rows in copies.items()})))


COPIED = {
    "calls": ("card_id", "started_at", "callee", "talk_s", "direction"),
    "complaints": ("card_id", "complained_at", "channel"),
}


def _poorer(data: Dataset, name: str, key: tuple[str, ...]) -> list[Row]:
    def copy(row: Row) -> Row:
        known = max(row[EVENT[name]], row.get("available_at") or row[EVENT[name]])
        return {column: row.get(column) for column in key} | {"available_at": known + DAY}

    return [copy(row) for row in data.tables[name]]


LAWS: list[Law] = [
    the_future_erased_changes_nothing,
    the_future_poisoned_changes_nothing,
    the_order_of_rows_does_not_matter,
    a_table_in_two_csv_files_of_a_folder_is_the_same_table,
    one_card_and_date_alone_gives_the_bits_of_all_at_once,
    rows_come_in_the_order_of_the_requests_even_if_asked_twice,
    some_columns_are_the_columns_of_all_whatever_was_asked_before,
    counts_over_adjacent_windows_add_up,
    moving_everything_by_whole_days_changes_nothing,
    rows_of_other_cards_change_nothing_but_the_operators_rate,
    rows_of_unknown_cards_change_nothing,
    overlapping_exports_change_nothing,
    a_poorer_copy_known_later_changes_nothing,
]


def on_any_dataset(law: Law, examples: int) -> None:
    """Try a law on random data sets of 16 cards and 3 dates: 48 ledgers each."""

    @settings(deadline=None, derandomize=True, database=None, max_examples=examples, phases=[Phase.generate])
    @given(datasets(CARDS, DATES))
    def holds(data: Dataset) -> None:
        hold(law, data)

    holds()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_on_a_random_dataset(law: Law):
    on_any_dataset(law, examples=1)


@pytest.mark.long
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_on_many_random_datasets(law: Law):
    on_any_dataset(law, examples=12)


def test_work_in_many_small_parts_gives_the_same_bits(monkeypatch):
    data = random_dataset(5, CARDS, DATES)
    whole = ask(data)
    monkeypatch.setattr(build, "ROWS_AT_ONCE", 9)
    same(whole, ask(data))


def test_pairs_of_one_hash_are_still_told_apart(monkeypatch):
    data = random_dataset(7, CARDS, DATES)
    expected = ask(data)
    monkeypatch.setattr(prepare, "PAIR_KEY", "hash(card_no, callee) % 7")
    same(expected, ask(data))


def test_dates_far_apart_give_the_same_bits(monkeypatch):
    data = random_dataset(5, CARDS, DATES)
    whole = ask(data)
    monkeypatch.setattr(build, "_MOST_LISTED", 0)
    same(whole, ask(data))


def test_earlier_dates_asked_later_give_the_same_bits():
    """Prepared rows reach no further back than the first call needed; the second call must not take them for all there is."""
    data = random_dataset(6, CARDS, DATES)
    tables, requests = read_tables(data.frames()), data.requests()
    for day in sorted(data.as_of, reverse=True):
        mine = requests[requests["as_of"] == day]
        for names in (["calls_out_1d", "interevent_median_s_1d"], columns()):
            same(ask(data, mine, columns=names), vectors(tables, mine, columns=names))


@pytest.mark.parametrize("seed", [2, 3])
def test_columns_asked_one_after_another_are_those_asked_together(seed: int):
    """What one call leaves out of its prepared rows, since it needs it not, the next must not take for there."""
    data, rng = random_dataset(seed, CARDS, DATES), Random(seed)
    tables, requests, whole = read_tables(data.frames()), data.requests(), answers(data)
    some = ["imei_changes_7d", "distinct_imei_30d", *rng.sample(columns(), 6)]
    for name in ["interevent_median_s_7d", *rng.sample(some, len(some)), "imei_changes_7d"]:
        same(whole[["card_id", "as_of", name]], vectors(tables, requests, [name]))


def many_calls(calls: int, cards: int) -> dict[str, pd.DataFrame]:
    """Enough rows that the engine shares them out among its threads."""
    rng = np.random.default_rng(7)
    ids = [f"card-{n}" for n in range(cards)]
    seconds = pd.to_timedelta(rng.integers(0, 60 * 86_400, calls), unit="s")
    table = {
        "card_id": rng.choice(ids, calls),
        "started_at": pd.Timestamp(START - 60 * DAY) + seconds,
        "callee": rng.integers(0, 3_000, calls).astype(str),
        "talk_s": np.round(rng.lognormal(3, 1.2, calls), 3) * rng.integers(0, 2, calls),
        "direction": rng.choice(["out", "out", "in"], calls),
        "region": rng.choice(["x", "y", "z"], calls, p=[0.8, 0.1, 0.1]),
    }
    card = {"card_id": ids, "operator": "A", "home_region": "x", "activated_at": pd.Timestamp(START - 90 * DAY)}
    return {"cards": pd.DataFrame(card), "calls": pd.DataFrame(table)}


def test_one_thread_and_two_and_any_order_give_the_same_bits():
    frames = many_calls(calls=150_000, cards=200)
    requests = pd.DataFrame({"card_id": frames["cards"]["card_id"], "as_of": pd.Timestamp(START)})
    one = vectors(read_tables(frames, threads=1), requests)
    same(one, vectors(read_tables(frames, threads=2), requests))
    shuffled = {name: table.sample(frac=1, random_state=5) for name, table in frames.items()}
    same(one, vectors(read_tables(shuffled, threads=2), requests))
