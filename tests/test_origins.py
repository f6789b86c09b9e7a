"""Rolling origins: gaps, order, number."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockrisk.features.errors import UserError
from blockrisk.training.origins import dates_of, rolling_origins

START = pd.Timestamp("2026-01-01 08:15")


@settings(deadline=None, max_examples=30)
@given(days=st.integers(60, 400), horizon=st.sampled_from([1, 7, 14, 30]))
def test_nothing_that_is_learned_from_reaches_into_what_is_judged(days: int, horizon: int) -> None:
    until = START.ceil("D") + pd.Timedelta(days=days)
    try:
        origins = rolling_origins(START, until, horizon)
    except UserError:
        return
    gap = pd.Timedelta(days=horizon)
    for origin in origins:
        assert origin.train[-1] + gap <= origin.calibrate[0]
        assert origin.calibrate[-1] + gap <= origin.test[0]
        assert origin.test[-1] + gap <= until
        assert origin.train[0] >= START.ceil("D") + pd.Timedelta(days=7)
    tested = [date for origin in origins for date in origin.test]
    assert tested == sorted(set(tested))
    assert set(tested) <= set(dates_of(origins))


def test_half_a_year_gives_at_least_six_origins_over_the_last_three_tenths() -> None:
    origins = rolling_origins(pd.Timestamp("2025-01-01"), pd.Timestamp("2025-06-30"), 7)
    assert len(origins) >= 6
    assert origins[0].start == pd.Timestamp("2025-05-07")
    assert origins[-1].test[-1] == pd.Timestamp("2025-06-23")


def test_a_long_period_is_cut_into_longer_runs_and_not_into_more() -> None:
    assert 6 <= len(rolling_origins(pd.Timestamp("2025-01-01"), pd.Timestamp("2026-01-01"), 7)) <= 8


@pytest.mark.parametrize(("horizon", "needed"), [(7, 43), (30, 110)])
def test_a_period_that_is_too_short_says_how_many_days_it_needs(horizon: int, needed: int) -> None:
    first = pd.Timestamp("2026-01-01")
    with pytest.raises(UserError, match=rf"needs about {needed};"):
        rolling_origins(first, first + pd.Timedelta(days=needed - 2), horizon)
    assert rolling_origins(first, first + pd.Timedelta(days=needed), horizon)
