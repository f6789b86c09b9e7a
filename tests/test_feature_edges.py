"""The edges of a window, row by row, and what a card gives for which there is nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ledgers import COLUMNS, DAY, EVENT, START, TICK, Dataset, Row, without

from blockrisk.features import FEATURES, read_tables, vectors


def quiet(names: list[str], as_of: tuple[datetime, ...] = (START,), **tables: list[Row]) -> Dataset:
    """Cards two years old with every table supplied and empty, save the rows given."""
    old = {"operator": "A", "home_region": "x", "activated_at": START - 730 * DAY}
    cards = [{"card_id": name, **old} for name in names]
    return Dataset({**{name: [] for name in COLUMNS}, "cards": cards, **tables}, dict(COLUMNS), as_of)


def ask(data: Dataset, *columns: str) -> pd.DataFrame:
    return vectors(read_tables(data.frames()), data.requests(), columns=list(columns) or None)


IN = {"callee": "p", "talk_s": 0.0, "direction": "in"}
EDGES: list[tuple[str, str, int, Row]] = [
    ("calls", "calls_out_1d", 1, IN | {"direction": "out"}),
    ("calls", "active_days_7d", 7, IN),
    ("calls", "distinct_serving_cities_30d", 30, IN | {"region": "y"}),
    ("calls", "distinct_imei_30d", 30, IN | {"imei": "i"}),
    ("complaints", "complaints_3d", 3, {"channel": "operator"}),
    ("messages", "sms_out_7d", 7, {"recipient": "p"}),
    ("payments", "overdue_bills_90d", 90, {"amount_due": 9.0}),
]
LATE = [edge for edge in EDGES if edge[0] in ("calls", "complaints")]


@pytest.mark.parametrize(("table", "column", "days", "fields"), EDGES, ids=[edge[1] for edge in EDGES])
def test_a_row_at_the_start_of_the_window_is_seen_and_one_at_the_cutoff_is_not(table, column, days, fields):
    instants = {
        "at the cut-off": START,
        "just before it": START - TICK,
        "at the start": START - days * DAY,
        "just before the start": START - days * DAY - TICK,
    }
    rows = [{"card_id": name, EVENT[table]: at, **fields} for name, at in instants.items()]
    assert ask(quiet(list(instants), **{table: rows}), column)[column].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(("table", "column", "days", "fields"), LATE, ids=[edge[1] for edge in LATE])
def test_a_late_row_is_seen_on_the_day_after_it_was_known(table, column, days, fields):
    known = {"late": START, "in time": START - TICK}
    event = START - timedelta(hours=1)
    rows = [{"card_id": name, EVENT[table]: event, "available_at": at, **fields} for name, at in known.items()]
    window = column.replace("_1d", "_2d")
    data = quiet(list(known), as_of=(START, START + DAY), **{table: rows})
    assert ask(data, window)[window].tolist() == [0, 1, 1, 1]


NINE = START - 9 * DAY
CHANGES: list[tuple[str, str, str, Row, list[float]]] = [
    ("complaints", "open_complaints", "resolved_at", {"complained_at": NINE}, [1, 0]),
    ("complaints", "valid_complaints_90d", "resolved_at", {"complained_at": NINE, "status": "upheld"}, [0, 1]),
    ("payments", "arrears_amount", "paid_at", {"due_at": NINE, "amount_due": 5.0, "amount_paid": 5.0}, [5, 0]),
    ("payments", "arrears_days", "paid_at", {"due_at": NINE, "amount_due": 5.0, "amount_paid": 5.0}, [9, 0]),
    ("blocks", "prior_blocks_365d", "unblocked_at", {"blocked_at": NINE}, [0, 1]),
]


@pytest.mark.parametrize(("table", "column", "field", "fields", "wanted"), CHANGES, ids=[case[1] for case in CHANGES])
def test_a_change_at_the_cutoff_is_not_seen_and_one_before_is(table, column, field, fields, wanted):
    changed = {"at the cut-off": START, "just before it": START - TICK}
    rows = [{"card_id": name, field: at, **fields} for name, at in changed.items()]
    assert ask(quiet(list(changed), **{table: rows}), column)[column].tolist() == wanted


# By definition these are numbers for a card without rows: (0 + a) / (0 + b), and no calls in the days it existed.
DEFINED = {"complaints_per_1k_calls": 0.1, "calls_out_per_day": 0.0, "card_age_days": 730.0}
EMPTY = {"zero": 0.0, "missing": np.nan}


def test_a_card_without_rows_has_the_declared_empty_values():
    got = ask(quiet(["a"])).iloc[0]
    wanted: dict[str, Any] = {"card_id": "a", "as_of": pd.Timestamp(START), "operator": "A", "home_region": "x"}
    for feature in FEATURES:
        for name in () if feature.text else feature.columns:
            wanted[name] = DEFINED.get(feature.quantity, EMPTY[feature.empty])
    np.testing.assert_equal(got.to_dict(), wanted)


def test_a_card_beside_busy_ones_is_as_empty_as_alone():
    call = {"card_id": "busy", "started_at": START - DAY, "callee": "p", "talk_s": 9.0, "direction": "out", "region": "y"}
    busy = quiet(["a", "busy"], calls=[call], messages=[{"card_id": "busy", "sent_at": START - DAY, "recipient": "p"}])
    pd.testing.assert_frame_equal(ask(busy).iloc[:1], ask(quiet(["a"])), check_exact=True)


def test_no_request_gives_no_row_and_all_columns():
    data = quiet(["a"], calls=[ONE_CALL])
    none = vectors(read_tables(data.frames()), data.requests().iloc[:0])
    assert (len(none), list(none.columns)) == (0, list(ask(data).columns))


# What is missing, never zero, when a table or column was not supplied: as the catalogue's rule Z says.
ABSENT = {
    "complaints": ["complaints_7d", "complaints_decayed_hl7d", "open_complaints", "complaints_per_1k_calls_30d"],
    "complaints.resolved_at": ["open_complaints", "valid_complaints_90d"],
    "complaints.status": ["valid_complaints_90d"],
    "complaints.channel": ["regulator_complaints_90d"],
    "roaming_notices": ["undeclared_offsite_ratio_7d", "undeclared_offsite_calls_decayed_hl7d"],
    "payments": ["arrears_amount", "arrears_days", "overdue_bills_90d"],
    "payments.paid_at": ["arrears_amount", "arrears_days", "overdue_bills_90d"],
    "messages": ["sms_out_7d", "sms_out_recipients_30d"],
    "blocks": ["prior_blocks_365d", "operator_block_rate_14d"],
    "blocks.unblocked_at": ["prior_blocks_365d"],
    "calls.direction": ["out_share_30d", "callback_ratio_30d", "two_way_contact_ratio_30d"],
    "calls.result": ["no_answer_ratio_7d", "rejected_ratio_7d", "invalid_number_ratio_7d"],
    "calls.imei": ["distinct_imei_30d", "imei_changes_7d"],
    "calls.region locations": ["offsite_call_ratio_7d", "offsite_calls_decayed_hl7d", "distinct_serving_cities_30d"],
}
ONE_CALL = {"card_id": "a", "started_at": START - DAY, "callee": "p", "talk_s": 9.0, "direction": "out", "result": "answered"}


@pytest.mark.parametrize("absent", ABSENT)
def test_without_a_table_or_column_its_features_are_missing_never_zero(absent):
    full = quiet(["a"], calls=[ONE_CALL | {"imei": "i", "region": "y"}])
    names = ABSENT[absent]
    assert ask(without(full, set(absent.split())), *names)[names].isna().all(axis=None)


def test_calls_without_direction_are_all_outgoing_and_without_result_answered_if_they_talked():
    bare = without(quiet(["a"], calls=[ONE_CALL]), {"calls.direction", "calls.result"})
    assert ask(bare, "calls_out_7d", "answer_rate_7d").iloc[0, 2:].tolist() == [1, 1]


@pytest.mark.parametrize("late", [False, True], ids=["all on time", "one call late"])
def test_a_second_question_to_the_same_tables_gives_the_bits_of_a_first(late: bool) -> None:
    """What the engine keeps from one question to the next must not depend on the dates that were asked."""
    at = [f"2026-03-0{day} 09:{minute:02}" for day in range(1, 8) for minute in (0, 1, 2, 40)]
    calls = pd.DataFrame({"card_id": "1", "started_at": at, "callee": list("ppqq") * 7, "talk_s": 20, "region": list("xyxx") * 7})
    calls["available_at"] = pd.Series([None] * len(calls), dtype="str")
    if late:
        calls.loc[9, "available_at"] = "2026-03-05 10:00"
    cards = pd.DataFrame({"card_id": ["1"], "operator": ["A"], "home_region": ["x"], "activated_at": ["2026-01-01"]})
    blocks = pd.DataFrame({"card_id": ["1"], "blocked_at": ["2026-02-20"]})
    frames = {"cards": cards, "calls": calls, "blocks": blocks}
    dates = ["2026-03-04"], ["2026-03-05", "2026-03-08"]
    asks = [pd.DataFrame({"card_id": "1", "as_of": pd.to_datetime(days)}) for days in dates]
    tables = read_tables(frames)
    for ask in (*asks, asks[0]):
        pd.testing.assert_frame_equal(vectors(tables, ask), vectors(read_tables(frames), ask), check_exact=True)


@pytest.mark.parametrize("column", ["redial_5min_over_7d", "calls_out_max_roll60_7d", "interevent_median_s_7d", "imei_changes_7d"])
def test_a_column_that_needs_no_callees_can_be_asked_for_alone(column: str) -> None:
    cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
    asked = pd.DataFrame({"card_id": ["1"], "as_of": [pd.Timestamp("2025-01-03")]})
    found = vectors(read_tables({"cards": cards, "calls": calls}), asked, [column])
    assert list(found.columns) == ["card_id", "as_of", column]


def test_pairs_that_a_second_question_finds_shared_are_counted_once():
    """A card whose calls came out of order; the second question looks back to an earlier call to one of its callees."""
    calls: list[Row] = [
        {"card_id": "0", "started_at": START - days * DAY, "callee": callee, "talk_s": 30.0, "direction": "out"}
        for days, callee in ((21, "p"), (5, "x"), (4, "y"), (3, "p"))
    ]
    calls[1]["available_at"] = START - 3 * DAY
    data = quiet(["0"], calls=calls)
    tables = read_tables(data.frames())
    asked = ["distinct_callees_7d", "repeat_dial_24h_max_30d"]
    assert vectors(tables, data.requests(), asked[:1]).iloc[0, 2] == 3
    assert vectors(tables, data.requests(), asked).iloc[0, 2:].tolist() == ask(data, *asked).iloc[0, 2:].tolist() == [3, 1]


@pytest.mark.parametrize("span", [200, 360, 1000])
def test_a_card_that_was_quiet_for_very_long_has_medians(span: int):
    calls: list[Row] = [
        {"card_id": "0", "started_at": START - days * DAY - TICK, "callee": "p", "talk_s": talk, "direction": "out"}
        for days, talk in ((span + 2, 2.0), (span + 1, 4.0), (1, 1e12), (0, 3.0))
    ]
    data = quiet(["0", "1"], (START - span * DAY, START), calls=calls)
    found = ask(data, "interevent_median_s_7d", "interevent_median_s_1500d", "median_talk_s_7d")
    assert found.iloc[[0, 2], 2].tolist() == [86_400, 86_400]
    assert found.iloc[2, 3] == 86_400
    assert found.iloc[[0, 2], 4].tolist() == [3, (1e12 + 3) / 2]
