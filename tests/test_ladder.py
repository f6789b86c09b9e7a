"""Several horizons from one margin."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrisk.models.bundle import load_bundle, save_bundle
from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import constant_forecast
from blockrisk.models.ladder import Ladder, Rung, read_ladder
from blockrisk.training.horizons import fit_ladder

rungs = st.tuples(st.floats(-8, 8), st.floats(0.05, 3))
MARGINS = np.linspace(-12, 12, 97)


@given(one=rungs, month=rungs)
def test_a_longer_horizon_is_never_less_likely_and_each_rises_with_the_margin(
    one: tuple[float, float], month: tuple[float, float]
) -> None:
    ladder = Ladder(7, (Rung(1, *one), Rung(7, 0.0, 1.0), Rung(30, *month)))
    found = ladder.margins(MARGINS)
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
    ladder = Ladder(7, (Rung(1, -2.0, 1.1), Rung(7, 0.0, 1.0)))
    model = constant_forecast(["calls_out_1d"], 0.1)
    manifest = {"kind": "dated", "fingerprint": "x", "horizon_days": 7}
    save_bundle(tmp_path / "m", model, manifest, reference={}, ladder=ladder)
    assert load_bundle(tmp_path / "m").ladder == ladder


def test_a_bundle_with_broken_horizons_is_refused(tmp_path: Path) -> None:
    broken = Ladder(7, (Rung(7, 0.0, 1.0), Rung(30, 0.0, -1.0)))
    model = constant_forecast(["calls_out_1d"], 0.1)
    save_bundle(tmp_path / "m", model, {"kind": "dated", "fingerprint": "x"}, reference={}, ladder=broken)
    with pytest.raises(BundleError, match="horizons"):
        load_bundle(tmp_path / "m")


def test_no_rows_give_no_margins() -> None:
    assert Ladder(7, (Rung(7, 0.0, 1.0), Rung(30, 1.0, 1.0))).margins(np.zeros(0)).shape == (0, 2)
    assert pd.DataFrame(Ladder(7, (Rung(7, 0.0, 1.0),)).margins(np.zeros(3))).shape == (3, 1)
