"""Several horizons from one margin."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrisk.features import UserError, catalogue
from blockrisk.models.bundle import load_bundle, save_bundle
from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import constant_forecast
from blockrisk.models.ladder import ALIKE, Ladder, Rung, read_ladder
from blockrisk.serving import predict
from blockrisk.training.horizons import fit_ladder

rungs = st.tuples(st.floats(-8, 8), st.floats(0.05, 3))
MARGINS = np.linspace(-12, 12, 97)


WEEK = np.arange("2026-11-23", "2026-11-30", dtype="datetime64[D]").astype("datetime64[us]")
DESK_HOURS = (1.3, 1.3, 1.3, 1.3, 1.3, 0.25, 0.25)


@given(one=rungs, month=rungs, week=st.tuples(*[st.floats(0.01, 5)] * 7), as_of=st.sampled_from(WEEK))
def test_a_longer_horizon_is_never_less_likely_and_each_rises_with_the_margin(
    one: tuple[float, float], month: tuple[float, float], week: tuple[float, ...], as_of: np.datetime64
) -> None:
    ladder = Ladder(7, (Rung(1, *one), Rung(7, 0.0, 1.0), Rung(30, *month)), week)
    found = ladder.margins(MARGINS, np.full(len(MARGINS), as_of))
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.diff(found, axis=0) >= 0).all()
    assert (found[:, 1] == MARGINS).all()


@pytest.mark.parametrize("primary", [1, 30])
def test_the_primary_horizon_may_be_the_shortest_or_the_longest(primary: int) -> None:
    ladder = read_ladder(primary, [{"days": days, "a": 2.0 - days, "b": 1.0} for days in (1, 7, 30)])
    found = ladder.margins(np.array([0.0]))[0]
    assert found[ladder.days.index(primary)] == 0.0
    assert found[0] <= found[1] <= found[2]


def test_with_no_label_known_the_prior_is_a_steady_hazard() -> None:
    found = fit_ladder(np.array([-6.0, -5.0]), 7, {30: np.full(2, np.nan)}).margins(np.array([-6.0]))
    assert found[0, 1] - found[0, 0] == pytest.approx(np.log(30 / 7))


def test_with_many_blocks_a_horizon_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(-4, 1, 40_000)
    truth = 1 / (1 + np.exp(-(0.5 + 0.8 * margin)))
    y = (rng.random(len(truth)) < truth).astype(float)
    found = 1 / (1 + np.exp(-fit_ladder(margin, 7, {30: y}).margins(margin)[:, 1]))
    assert y.sum() / found.sum() == pytest.approx(1, abs=0.05)


def test_tomorrow_follows_the_weekday_and_a_week_does_not() -> None:
    ladder = fit_ladder(np.full(7, -5.0), 7, {1: np.full(7, np.nan)}, WEEK, DESK_HOURS)
    found = ladder.margins(np.full(7, -5.0), WEEK)
    assert np.exp(found[:, 0] + 5) * 7 == pytest.approx(DESK_HOURS)
    assert found[:, 1].tolist() == [-5.0] * 7


def test_labels_of_desk_hours_leave_no_weekday_to_the_level() -> None:
    """The labels are all of weekends: without their rates tomorrow would be called calm on every day."""
    rng = np.random.default_rng(0)
    margin, dates = np.full(40_000, -3.0), np.tile(WEEK[5:], 20_000)
    y = (rng.random(len(margin)) < np.exp(-3.0) / 7 * 0.25).astype(float)
    found = fit_ladder(margin, 7, {1: y}, dates, DESK_HOURS).margins(margin[:2], np.array([WEEK[0], WEEK[6]]))
    assert np.exp(found[:, 0] + 3) * 7 == pytest.approx([1.3, 0.25], rel=0.1)


@pytest.mark.parametrize("week", [(1.0,) * 6, (*(1.0,) * 6, 0.0), (*(1.0,) * 6, float("nan")), "12345678"])
def test_a_week_that_cannot_be_is_refused(week: object) -> None:
    with pytest.raises(ValueError, match="seven rates"):
        read_ladder(7, [{"days": 7, "a": 0.0, "b": 1.0}], week)


@pytest.mark.parametrize(
    "stated",
    [
        [{"days": 7, "a": 0.0, "b": 0.0}],
        [{"days": 1, "a": 0.0, "b": 1.0}],
        [{"days": 7, "a": 0.0, "b": 1.0}, {"days": 1, "a": 0.0, "b": 1.0}],
        [{"days": 7, "a": float("inf"), "b": 1.0}],
        {"days": 7},
    ],
)
def test_rungs_that_contradict_are_refused(stated: object) -> None:
    with pytest.raises(ValueError, match="horizon"):
        read_ladder(7, stated)


def test_a_bundle_keeps_its_horizons(tmp_path: Path) -> None:
    ladder = Ladder(7, (Rung(1, -2.0, 1.1), Rung(7, 0.0, 1.0)), DESK_HOURS)
    model = constant_forecast(["calls_out_1d"], 0.1)
    manifest = {"kind": "dated", "fingerprint": "x", "horizon_days": 7}
    save_bundle(tmp_path / "m", model, manifest, reference={}, ladder=ladder)
    assert load_bundle(tmp_path / "m").ladder == ladder


def test_a_bundle_of_before_has_no_weekdays(tmp_path: Path) -> None:
    assert read_ladder(7, [{"days": 1, "a": -2.0, "b": 1.0}, {"days": 7, "a": 0.0, "b": 1.0}]).week == ALIKE


def test_scores_of_a_bundle_follow_the_weekday(tmp_path: Path) -> None:
    ladder = Ladder(7, (Rung(1, -2.0, 1.0), Rung(7, 0.0, 1.0)), DESK_HOURS)
    manifest = {"kind": "dated", "fingerprint": catalogue.fingerprint(), "horizon_days": 7, "base_rate": 0.1}
    save_bundle(tmp_path / "m", constant_forecast(["calls_out_1d"], 0.1), manifest, reference={}, ladder=ladder)
    scored = predict(pd.DataFrame({"as_of": [WEEK[0], WEEK[6], pd.NaT], "calls_out_1d": 1.0}), model=tmp_path / "m")
    assert scored["probability"].nunique() == 1
    odds = scored["probability_1d"] / (1 - scored["probability_1d"])
    assert (odds / odds[2]).tolist() == pytest.approx([1.3, 0.25, 1.0])
    for monday in ("2026-11-23", date(2026, 11, 23), "2026-11-23T00:00+08:00", pd.Timestamp("2026-11-23", tz="Asia/Shanghai")):
        told = predict(pd.DataFrame({"as_of": [monday], "calls_out_1d": 1.0}), model=tmp_path / "m")
        assert told.loc[0, "probability_1d"] == scored.loc[0, "probability_1d"]
        assert told["as_of"].tolist() == [pd.Timestamp(WEEK[0])]
    with pytest.raises(UserError, match="as_of.*give dates such as"):
        predict(pd.DataFrame({"as_of": ["tomorrow"], "calls_out_1d": 1.0}), model=tmp_path / "m")


def test_a_bundle_with_broken_horizons_is_refused(tmp_path: Path) -> None:
    broken = Ladder(7, (Rung(7, 0.0, 1.0), Rung(30, 0.0, -1.0)))
    model = constant_forecast(["calls_out_1d"], 0.1)
    save_bundle(tmp_path / "m", model, {"kind": "dated", "fingerprint": "x"}, reference={}, ladder=broken)
    with pytest.raises(BundleError, match="horizons"):
        load_bundle(tmp_path / "m")


def test_no_rows_give_no_margins() -> None:
    assert Ladder(7, (Rung(7, 0.0, 1.0), Rung(30, 1.0, 1.0))).margins(np.zeros(0)).shape == (0, 2)
    assert pd.DataFrame(Ladder(7, (Rung(7, 0.0, 1.0),)).margins(np.zeros(3))).shape == (3, 1)
