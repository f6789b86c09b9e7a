import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockrisk.features import UserError
from blockrisk.training.split import prediction_dates, split_dates, split_period, split_rows

START = pd.Timestamp("2026-01-01")


def after(days: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=days)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(10, 200))
def test_slices_follow_each_other_with_a_gap_of_the_horizon(horizon, days):
    try:
        split = split_period(START, after(days), horizon)
    except UserError as error:
        needed = int(re.search(r"at least (\d+)", str(error))[1])
        assert days < needed
        assert split_period(START, after(needed), horizon)
        return
    gap = pd.Timedelta(days=horizon)
    assert split.calibrate[0] >= split.train[-1] + gap
    assert split.test[0] >= split.calibrate[-1] + gap
    assert split.test[-1] + gap <= after(days)
    assert split.train[0] >= after(7)
    assert list(split.dates) == sorted(set(split.dates))


def test_last_label_ends_exactly_at_the_end_of_observation():
    assert prediction_dates(START, after(100), 7)[-1] == after(93)


def test_dates_have_every_weekday_in_turn_and_leave_a_month_of_history():
    weekly = prediction_dates(START, after(100), 7)
    assert {(b - a).days for a, b in zip(weekly, weekly[1:], strict=False)} == {8}
    assert {date.day_of_week for date in weekly} == set(range(7))
    assert weekly[0] >= after(30)
    daily = prediction_dates(START, after(100), 1)
    assert {(b - a).days for a, b in zip(daily, daily[1:], strict=False)} == {1}
    monthly = prediction_dates(START, after(100), 30)
    assert {(b - a).days for a, b in zip(monthly, monthly[1:], strict=False)} == {8}


def test_start_within_a_day_counts_from_the_next_midnight():
    noon = START + pd.Timedelta(hours=12)
    assert prediction_dates(noon, after(40), 7)[0] >= after(31)


def test_shares_are_near_60_20_20_when_there_is_room():
    split = split_period(START, after(365), 7)
    counts = np.array([len(split.train), len(split.calibrate), len(split.test)])
    assert np.abs(counts / counts.sum() - [0.6, 0.2, 0.2]).max() < 0.03


def test_short_period_gives_up_history_before_dates():
    split = split_period(START, after(60), 7)
    assert len(split.dates) >= 6
    assert split.train[0] < after(30)


def test_too_short_a_period_is_told_with_the_days_needed():
    with pytest.raises(UserError, match=r"20 days before 2026-01-21.*at least 30"):
        split_period(START, after(20), 7)


def test_two_dates_are_no_three_slices():
    assert split_dates([after(0), after(7)], 7) is None
    assert split_dates([], 7) is None
    assert split_dates([after(0), after(1), after(2)], 7) is None


@given(st.integers(5, 60), st.integers(5, 300), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_random_split_uses_every_row_once_and_keeps_the_share(ones, zeros, seed):
    y = np.repeat([1.0, 0.0], [ones, zeros])
    split = split_rows(y, seed)
    assert sorted(np.concatenate(split)) == list(range(len(y)))
    for part in split:
        assert abs(y[part].sum() - ones * len(part) / len(y)) <= 1.5


def test_random_split_is_the_same_for_the_same_seed_only():
    y = np.repeat([1.0, 0.0], [50, 100])
    assert (split_rows(y, 1).test == split_rows(y, 1).test).all()
    assert (split_rows(y, 1).test != split_rows(y, 2).test).any()


def test_random_split_needs_five_of_each():
    with pytest.raises(UserError, match="4 ones"):
        split_rows(np.repeat([1.0, 0.0], [4, 100]), 0)
