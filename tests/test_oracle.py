"""The oracle itself, against numbers worked out by hand: small tables, one sentence each."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isnan, log
from typing import Any

import pytest
from ledgers import COLUMNS, frame
from oracle import plain_tables, value
from oracle_view import see

T = datetime(2026, 3, 10)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CARD = {"card_id": "a", "operator": "A", "home_region": "x", "activated_at": datetime(2026, 1, 1, 12)}


def ask(column: str, as_of: datetime = T, columns: dict[str, tuple[str, ...]] = COLUMNS, **tables: list[dict[str, Any]]) -> Any:
    """Value of one column for card `a`; the tables not given are absent."""
    rows = {"cards": [CARD], "calls": [], **tables}
    frames = {name: frame([{"card_id": "a", **row} for row in table], columns[name]) for name, table in rows.items()}
    return value(see(plain_tables(frames), "a", as_of), column)


def calls(*ats: datetime, **fields: Any) -> list[dict[str, Any]]:
    return [{"started_at": at, "callee": "p", "talk_s": 0.0, "direction": "out"} | fields for at in ats]


def dials(*callees: str) -> list[dict[str, Any]]:
    return [row for n, callee in enumerate(callees) for row in calls(T - DAY + n * HOUR, callee=callee)]


def test_a_call_at_the_cutoff_is_not_seen_and_one_at_the_start_of_the_window_is():
    assert ask("calls_out_7d", calls=calls(T, T - 7 * DAY, T - 7 * DAY - timedelta(seconds=1), T - HOUR)) == 2


def test_a_late_call_is_seen_on_the_day_after_it_was_known():
    late = calls(T - 2 * HOUR, available_at=T)
    assert ask("calls_out_7d", calls=late) == 0
    assert ask("calls_out_7d", as_of=T + DAY, calls=late) == 1


def test_absent_and_blank_directions_differ():
    without = {**COLUMNS, "calls": ("card_id", "started_at", "callee", "talk_s")}
    blank = calls(T - HOUR, direction=None)
    assert ask("calls_out_7d", calls=blank) == 0
    assert ask("active_days_7d", calls=blank) == 1
    assert ask("calls_out_7d", columns=without, calls=blank) == 1
    assert isnan(ask("out_share_30d", columns=without, calls=blank))


def test_burstiness_of_gaps_of_60_and_180_seconds_is_minus_a_third():
    # mean 120, standard deviation 60
    some = calls(T - HOUR, T - HOUR + timedelta(seconds=60), T - HOUR + timedelta(seconds=240))
    assert ask("interevent_burstiness_7d", calls=some) == pytest.approx(-60 / 180)
    assert ask("interevent_median_s_7d", calls=some) == 120
    assert isnan(ask("interevent_burstiness_7d", calls=some[:2]))


def test_four_dials_to_three_callees():
    some = dials("p", "p", "q", "r")
    assert ask("calls_per_callee_mean_30d", calls=some) == pytest.approx(4 / 3)
    assert ask("single_call_callee_ratio_30d", calls=some) == pytest.approx(2 / 3)
    assert ask("callee_entropy_30d", calls=some) == pytest.approx(0.5 * log(2) + 0.5 * log(4))
    # 2 and 3 dials are 50 and 75 %: three callees are needed
    assert ask("pareto80_callee_share_30d", calls=some) == 1
    assert ask("pareto80_callee_share_30d", calls=dials("p", "p", "p", "p", "q")) == 0.5
    assert isnan(ask("distinct_callee_ratio_7d", calls=some))


def test_a_callee_of_the_thirty_days_before_is_not_new():
    old = calls(T - 37 * DAY, callee="p") + calls(T - 37 * DAY - HOUR, callee="q")
    assert ask("new_callee_ratio_7d", calls=dials("p", "q") + old) == 0.5


def test_a_call_back_must_be_strictly_later_than_the_dial():
    back = calls(T - DAY, direction="in") + calls(T - DAY + HOUR, direction="in", callee="q")
    assert ask("callback_ratio_30d", calls=dials("p") + back) == 0
    assert ask("callback_ratio_30d", calls=dials("p", "r") + calls(T - HOUR, direction="in")) == 0.5


def test_four_dials_in_24_hours_are_over_a_limit_of_three_but_not_24_hours_apart():
    near = calls(*[T - DAY + n * HOUR for n in (0, 8, 16, 23)])
    assert ask("repeat_dial_24h_max_7d", calls=near) == 4
    assert ask("repeat_dial_over_limit_7d", calls=near) == 1
    far = calls(*[T - 2 * DAY + n * HOUR for n in (0, 8, 16, 24)])
    assert ask("repeat_dial_24h_max_7d", calls=far) == 3


def test_rolling_counts_do_not_look_before_the_window():
    around = calls(T - 7 * DAY - HOUR, T - 7 * DAY, T - 7 * DAY + HOUR)
    assert ask("repeat_dial_24h_max_7d", calls=around) == 2
    assert ask("repeat_dial_24h_max_8d", calls=around) == 3


def test_the_limit_of_operator_and_region_comes_first_from_its_first_day():
    rows = [
        {"operator": "A", "region": None, "valid_from": None, "quantity": "daily_calls", "value": "5"},
        {"operator": "A", "region": "x", "valid_from": T - 2 * DAY, "quantity": "daily_calls", "value": "1"},
    ]
    two_a_day = calls(*[T - n * DAY + h * HOUR for n in (1, 2, 3) for h in (9, 10)])
    assert ask("days_over_daily_limit_7d", calls=two_a_day, limits=rows) == 2


def test_permitted_hours_are_half_open():
    morning = datetime(2026, 3, 9)
    some = calls(*[morning + h * HOUR for h in (7.99, 8, 20.99, 21)])
    assert ask("off_hours_calls_7d", calls=some) == 2
    half_past = [{"operator": "*", "quantity": "permitted_from", "value": "08:30"}]
    assert ask("off_hours_calls_7d", calls=some, limits=half_past) == 3


def test_complaints_are_placed_by_the_day_they_were_known():
    late = [{"complained_at": T - 20 * DAY, "available_at": T - 2 * DAY, "status": "upheld", "resolved_at": T}]
    assert ask("complaints_7d", complaints=late) == 1
    assert ask("days_since_last_complaint", complaints=late) == 2
    assert ask("complaints_decayed_hl7d", complaints=late) == pytest.approx(2 ** (-1 / 7))
    assert ask("complaints_per_1k_calls_30d", complaints=late) == pytest.approx(2.1)
    assert (ask("open_complaints", complaints=late), ask("valid_complaints_90d", complaints=late)) == (1, 0)
    assert ask("valid_complaints_90d", as_of=T + DAY, complaints=late) == 1


def test_a_place_is_the_call_s_own_or_seen_less_than_24_hours_before():
    seen = [{"observed_at": T - 2 * DAY, "region": "y"}]
    some = calls(T - DAY, T - DAY - timedelta(seconds=1)) + calls(T - HOUR, region="x")
    assert ask("offsite_call_ratio_7d", calls=some, locations=seen) == 0.5
    assert ask("city_changes_7d", calls=some, locations=seen) == 1


def test_a_notice_covers_its_half_open_time():
    notice = [{"region": "y", "valid_from": T - 3 * HOUR, "valid_to": T - HOUR}]
    some = calls(T - 3 * HOUR, T - HOUR, region="y") + calls(T - HOUR, region="x", callee="q")
    assert ask("undeclared_offsite_ratio_7d", calls=some, roaming_notices=notice) == pytest.approx(1 / 3)
    assert isnan(ask("undeclared_offsite_ratio_7d", calls=some))


def test_a_bill_half_paid_and_a_bill_paid_on_the_afternoon_it_is_due():
    half = {"due_at": T - 3 * DAY, "amount_due": 30.1, "paid_at": T - 4 * DAY, "amount_paid": 10.0}
    same_day = {"due_at": T - 9 * DAY, "amount_due": 30.0, "paid_at": T - 9 * DAY + 15 * HOUR, "amount_paid": None}
    bills = [half, same_day]
    assert ask("arrears_amount", payments=bills) == 20.1
    assert ask("arrears_days", payments=bills) == 3
    assert ask("overdue_bills_90d", payments=bills) == 1


def test_a_block_counts_as_prior_once_it_has_ended():
    rows = [{"blocked_at": T - 9 * DAY, "unblocked_at": T - DAY, "kind": None}]
    rows += [{"blocked_at": T - 5 * DAY, "unblocked_at": T, "kind": "full_stop"}]
    rows += [{"blocked_at": T - 7 * DAY, "unblocked_at": T - 6 * DAY, "kind": "warning"}]
    assert ask("prior_blocks_365d", blocks=rows) == 1
    # two blocks in 14 days of one card
    assert ask("operator_block_rate_14d", blocks=rows) == pytest.approx(1000 * 2 / 14)


def test_ages_are_fractions_of_days_and_exposure_whole_days():
    assert ask("card_age_days") == 67.5
    assert ask("calls_out_per_day_30d", as_of=datetime(2026, 1, 3), calls=calls(datetime(2026, 1, 1, 13))) == 0.5
    assert isnan(ask("card_age_days", as_of=datetime(2026, 1, 1)))


def test_the_trend_compares_daily_rates():
    some = calls(*[T - n * DAY - HOUR for n in range(1, 31) for _ in range(1)])
    assert ask("calls_out_trend_7v30", calls=some) == pytest.approx((6 / 7) / (29 / 30))


def test_a_decayed_sum_halves_a_call_every_half_life():
    assert ask("calls_out_decayed_hl3d", calls=calls(T - HOUR, T - 4 * DAY, T - 91 * DAY)) == 1.5
