from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockrisk.features import UserError, at_risk, read_tables
from blockrisk.training.labels import (
    LABEL_KINDS,
    UNKNOWN_REASONS,
    distinct_blocks,
    end_of_observation,
    labels,
    unknown_counts,
)

DATABASE = duckdb.connect(config={"threads": 1})
DAY0 = pd.Timestamp("2026-03-01")
KINDS = ("full_stop", "outgoing_limit", "arrears_stop", "user_request", "warning", "unknown", None)


def day(days: float) -> pd.Timestamp:
    return DAY0 + pd.Timedelta(days=days)


def stamps(days):
    return pd.Series([pd.NaT if at is None else day(at) for at in days], dtype="datetime64[us]")


def ledger(cards=(("A", None), ("B", None)), blocks=(), last_call=60.0, known=()):
    """Build the tables that labels look at: (card, closed day), (card, day, kind), and the days on which blocks were known."""
    con = DATABASE.cursor()
    owners, closings = zip(*cards, strict=True)
    held, starts, kinds = zip(*blocks, strict=True) if blocks else ((), (), ())
    con.register("cards", pd.DataFrame({"card_id": owners, "closed_at": stamps(closings)}).astype({"card_id": "str"}))
    frame = pd.DataFrame({"card_id": held, "blocked_at": stamps(starts), "kind": kinds}, dtype=None)
    frame["available_at"] = stamps(known or [None] * len(frame))
    frame["unblocked_at"] = frame["blocked_at"]  # lifted at once, so that no card lies inside a block
    con.register("blocks", frame.astype({"card_id": "str", "kind": "str"}))
    con.register("calls", pd.DataFrame({"started_at": stamps([last_call] if last_call is not None else [])}))
    return SimpleNamespace(con=con, present=frozenset({"cards", "calls", "blocks"}))


def label_of(tables, as_of: float = 0, horizon: int = 7, until: float = 60, **more):
    asked = pd.DataFrame({"card_id": ["A"], "as_of": [day(as_of)]})
    row = labels(tables, asked, horizon, day(until), **more).iloc[0]
    return ("unknown", row["unknown_reason"]) if pd.isna(row["label"]) else row["label"]


def test_block_at_as_of_counts_and_block_at_the_end_of_the_horizon_does_not():
    assert label_of(ledger(blocks=[("A", 0, "full_stop")])) == 1.0
    assert label_of(ledger(blocks=[("A", 7, "full_stop")])) == 0.0
    just_before = 7 - 1e-6 / 86400
    assert label_of(ledger(blocks=[("A", just_before, "full_stop")])) == 1.0
    assert label_of(ledger(blocks=[("A", -1 / 86400, "full_stop")])) == 0.0


def test_only_blocks_of_the_label_kinds_make_a_label():
    assert label_of(ledger(blocks=[("A", 3, "outgoing_limit")])) == 1.0
    assert label_of(ledger(blocks=[("A", 3, None)])) == 1.0
    assert label_of(ledger(blocks=[("A", 3, "warning")])) == 0.0
    assert label_of(ledger(blocks=[("A", 3, "outgoing_limit")]), kinds=("full_stop",)) == 0.0
    assert label_of(ledger(blocks=[("A", 3, "arrears_stop")]), kinds=("arrears_stop",)) == 1.0


def test_another_end_within_the_horizon_makes_the_label_unknown():
    assert label_of(ledger(blocks=[("A", 3, "arrears_stop")])) == ("unknown", "arrears_stop")
    assert label_of(ledger(blocks=[("A", 3, "user_request")])) == ("unknown", "user_request")
    assert label_of(ledger(cards=[("A", 3)])) == ("unknown", "closed")
    assert label_of(ledger(cards=[("A", 7)])) == 0.0


def test_a_label_block_in_the_horizon_outweighs_another_end():
    assert label_of(ledger(cards=[("A", 3)], blocks=[("A", 2, "full_stop")])) == 1.0
    assert label_of(ledger(blocks=[("A", 2, "arrears_stop"), ("A", 5, "full_stop")])) == 1.0


def test_horizon_past_the_end_of_observation_is_unknown_even_with_a_block():
    assert label_of(ledger(blocks=[("A", 1, "full_stop")]), until=6.5) == ("unknown", "end_of_observation")
    assert label_of(ledger(blocks=[("A", 1, "full_stop")]), until=7) == 1.0


def test_every_request_comes_back_in_its_order_with_its_columns():
    tables = ledger(cards=[("A", None), ("B", None)], blocks=[("B", 3, "full_stop"), ("B", 4, "full_stop")])
    asked = pd.DataFrame({"card_id": ["B", "A", "B", "?"], "as_of": [day(0)] * 4, "note": list("wxyz")}, index=[9, 9, 1, 0])
    found = labels(tables, asked, 7, day(60))
    assert found["label"].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert found["note"].tolist() == list("wxyz")
    assert found.index.tolist() == [9, 9, 1, 0]
    assert list(labels(tables, asked.iloc[:0], 7, day(60)).columns) == ["card_id", "as_of", "note", "label", "unknown_reason"]


def test_without_a_blocks_table_nothing_can_be_learned():
    tables = ledger()
    tables.present = frozenset({"cards", "calls"})
    with pytest.raises(UserError, match="blocks"):
        label_of(tables)


def test_the_data_end_at_the_midnight_after_the_last_call():
    assert end_of_observation(ledger(last_call=10.5)) == day(11)
    assert end_of_observation(ledger(last_call=10)) == day(11)
    with pytest.raises(UserError, match="calls"):
        end_of_observation(ledger(last_call=None))


def test_where_the_ledger_comes_late_the_last_days_are_not_observed_yet():
    blocks = [("A", at, "full_stop") for at in range(40)]
    assert end_of_observation(ledger(blocks=blocks, known=[at + 3.5 for at in range(40)])) == day(58)
    assert end_of_observation(ledger(blocks=blocks, known=[at + 3.5 for at in range(40)]), day(30)) == day(27)
    assert end_of_observation(ledger(blocks=blocks, known=[at - 1 for at in range(40)])) == day(61)
    assert end_of_observation(ledger(blocks=blocks)) == day(61)
    assert end_of_observation(ledger(blocks=blocks), day(80)) == day(61)


def test_a_block_of_a_kind_without_a_name_is_neither_a_block_of_ours_nor_none():
    assert label_of(ledger(blocks=[("A", 3, "unknown")])) == ("unknown", "unknown_kind")
    assert label_of(ledger(blocks=[("A", 3, "unknown"), ("A", 4, "full_stop")])) == 1.0


def test_blocks_of_cards_that_are_not_there_teach_nothing():
    assert distinct_blocks(ledger(blocks=[("A", 1, "full_stop"), ("stranger", 1, "full_stop")]), day(5)) == 1


def test_distinct_blocks_counts_label_kinds_before_the_cut_off_once():
    rows = [("A", 1, "full_stop"), ("A", 1, "full_stop"), ("A", 2, "warning"), ("B", 3, None), ("B", 5, "outgoing_limit")]
    tables = ledger(blocks=rows)
    assert distinct_blocks(tables, day(5)) == 2
    assert distinct_blocks(tables, day(6)) == 3


def test_unknown_counts_name_every_reason():
    counts = unknown_counts(pd.DataFrame({"unknown_reason": ["closed", None]}))
    assert tuple(counts) == UNKNOWN_REASONS
    assert counts["closed"] == 1
    assert sum(counts.values()) == 1


times = st.integers(-4, 40).map(lambda half: half / 2)
ledgers = st.tuples(
    st.tuples(st.none() | times, st.none() | times),
    st.lists(st.tuples(st.sampled_from("AB"), times, st.sampled_from(KINDS)), max_size=8),
)
questions = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 14)), min_size=1, max_size=12)


def slow_label(cards, blocks, card, as_of, horizon, until):
    if as_of + horizon > until:
        return "end_of_observation"
    kinds = [kind or "full_stop" for owner, at, kind in blocks if owner == card and as_of <= at < as_of + horizon]
    if any(kind in LABEL_KINDS for kind in kinds):
        return 1.0
    closed = dict(cards)[card]
    if closed is not None and as_of <= closed < as_of + horizon:
        return "closed"
    ends = {"arrears_stop": "arrears_stop", "user_request": "user_request", "unknown": "unknown_kind"}
    return next((reason for kind, reason in ends.items() if kind in kinds), 0.0)


@settings(max_examples=60, deadline=None)
@given(ledgers, questions, st.integers(1, 9), st.integers(5, 20))
def test_labels_equal_a_slow_plain_version(made, asked, horizon, until):
    (closed_a, closed_b), blocks = made
    cards = [("A", closed_a), ("B", closed_b)]
    tables = ledger(cards, blocks)
    requests = pd.DataFrame({"card_id": [card for card, _ in asked], "as_of": [day(at) for _, at in asked]})
    found = labels(tables, requests, horizon, day(until))
    told = [row.unknown_reason if pd.isna(row.label) else row.label for row in found.itertuples()]
    assert told == [slow_label(cards, blocks, card, at, horizon, until) for card, at in asked]


def test_rows_after_the_end_of_observation_change_no_known_label():
    early = [("A", 3, "full_stop"), ("A", 9, "arrears_stop")]
    late = [*early, ("A", 14, "full_stop"), ("A", 20, "user_request")]
    asked = pd.DataFrame({"card_id": "A", "as_of": [day(at) for at in range(14)]})
    pd.testing.assert_frame_equal(labels(ledger(blocks=early), asked, 5, day(14)), labels(ledger(blocks=late), asked, 5, day(14)))


def test_labels_read_the_tables_as_they_leave_the_door():
    cards = pd.DataFrame({"card_id": ["007", "8"], "operator": "o", "home_region": "r", "activated_at": day(-90)})
    calls = pd.DataFrame({"card_id": ["007"], "started_at": [day(29.5)], "callee": "x", "talk_s": 1.0})
    blocks = pd.DataFrame({"card_id": ["007"], "blocked_at": [day(3)], "unblocked_at": [day(5)]})
    tables = read_tables({"cards": cards, "calls": calls, "blocks": blocks})
    found = labels(tables, at_risk(tables, [day(0), day(4), day(5)]), 7, end_of_observation(tables))
    assert [(row.card_id, row.as_of, row.label) for row in found.itertuples()] == [
        ("007", day(0), 1.0),
        ("8", day(0), 0.0),
        ("8", day(4), 0.0),
        ("007", day(5), 0.0),
        ("8", day(5), 0.0),
    ]


def test_a_card_that_lay_inside_a_block_already_has_no_label_and_is_at_risk_until_that_is_known():
    """A late ledger tells so afterwards: the morning could not know, but its forecast was neither right nor wrong."""
    cards = pd.DataFrame({"card_id": ["A"], "operator": "o", "home_region": "r", "activated_at": day(-90)})
    calls = pd.DataFrame({"card_id": ["A"], "started_at": [day(60)], "callee": "x", "talk_s": 1.0})
    blocks = pd.DataFrame(
        {
            "card_id": "A",
            "blocked_at": [day(1), day(20), day(22)],
            "unblocked_at": [day(10), pd.NaT, pd.NaT],
            "kind": ["full_stop", "warning", "full_stop"],
            "available_at": [day(4), day(20), day(22)],
        }
    )
    tables = read_tables({"cards": cards, "calls": calls, "blocks": blocks})
    asked = pd.DataFrame({"card_id": "A", "as_of": [day(n) for n in (0, 1, 2, 5, 10, 21, 23)]})
    told = labels(tables, asked, 7, day(60))
    assert told["unknown_reason"].tolist()[2:4] == ["already_stopped"] * 2
    assert told["unknown_reason"].tolist()[-1] == "already_stopped"
    assert told["label"].tolist()[:2] + told["label"].tolist()[4:6] == [1.0, 1.0, 0.0, 1.0]
    at = [f"{date:%m-%d}" for date in at_risk(tables, asked["as_of"])["as_of"]]
    assert at == [f"{day(n):%m-%d}" for n in (0, 1, 2, 10, 21)]
