"""The served forecast: exact sums, monotone parts, plain arrays."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explaining import random_forest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from blockrisk.models import decision_tables
from blockrisk.models.encode import TextEncoder
from blockrisk.models.estimators import Forecast, constant_forecast, probability
from blockrisk.models.exact import STEP, on_grid
from blockrisk.models.forest import Forest
from blockrisk.models.smooth import BOTH, EITHER, SmoothPart
from blockrisk.training.trees import TreeSettings, bin_edges, fit_forest, to_bins


def some_smooth(seed: int = 0, columns: int = 3, products: bool = True) -> SmoothPart:
    """Make a smooth part whose first column rises and whose last falls, joined with the others."""
    rng = np.random.default_rng(seed)
    knots = np.sort(rng.uniform(0, 6, (columns, 5)), axis=1)
    knots[:, 4] = np.inf
    curves = np.cumsum(rng.gamma(1, 0.3, (columns, 5)), axis=1)
    curves[-1] *= -1
    curves[:, 4] = curves[:, 3]
    gates = (curves - curves.min(axis=1, keepdims=True)) / np.ptp(curves, axis=1)[:, None]
    pairs = np.array([[0, 1], [0, 2]]) if products else np.zeros((0, 2), dtype=np.int64)
    kinds, weights = np.array([BOTH, EITHER])[: len(pairs)], np.array([0.7, 0.4])[: len(pairs)]
    return SmoothPart(knots, curves, rng.normal(size=columns), gates, rng.uniform(size=columns), pairs, kinds, weights)


def some_forest(seed: int = 0, signs: tuple[int, ...] = (1, 0, -1)) -> tuple[Forest, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.gamma(1, 20, (600, 3))
    values[::7, 1] = np.nan
    y = (rng.random(600) < probability(values[:, 0] / 20 - values[:, 2] / 20 - 1)).astype(np.int64)
    edges = bin_edges(values)
    settings = TreeSettings(trees=12, leaves=6)
    bags = [np.ones(600), np.arange(600) % 2 + 0.0]
    return fit_forest(to_bins(values, edges), edges, y, bags, settings, np.array(signs), 0, 1)[0], values


def some_forecast() -> Forecast:
    encoder = TextEncoder(["operator"], [["A", "B"]], [np.array([0.5, -0.5])])
    return Forecast(["calls", "operator", "tenure"], encoder, -4.0, some_smooth(), some_forest()[0], 0.3, 0.9)


def some_frame(rows: int = 500, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"calls": rng.gamma(1, 50, rows), "tenure": rng.gamma(1, 50, rows)})
    frame["operator"] = rng.choice(np.array(["A", "B", "C", None], dtype=object), rows)
    return frame.mask(rng.random(frame.shape) < 0.1)


def test_one_row_alone_scores_as_in_a_batch_to_the_last_bit() -> None:
    model, frame = some_forecast(), some_frame(300)
    alone = np.concatenate([model.margin(frame.iloc[[row]]) for row in range(len(frame))])
    assert (alone == model.margin(frame)).all()


def test_the_order_and_the_chunks_of_rows_change_nothing() -> None:
    model, frame = some_forecast(), some_frame(6000)
    order = np.random.default_rng(0).permutation(len(frame))
    assert (model.margin(frame.iloc[order]) == model.margin(frame)[order]).all()
    assert (model.margin(frame.iloc[:4100]) == model.margin(frame)[:4100]).all()


def test_the_addends_add_up_to_the_margin_exactly_in_any_order() -> None:
    model, frame = some_forecast(), some_frame()
    values = model.values(frame)
    assert model.smooth is not None
    assert model.forest is not None
    addends = np.hstack([model.smooth.terms(values), model.smooth.products(values)])
    trees = model.forest.value[model.forest.leaves(values)]
    backwards = sum(trees[:, ::-1].T, np.zeros(len(frame))) / model.forest.bags
    inner = model.intercept + sum(addends[:, ::-1].T, np.zeros(len(frame))) + backwards
    assert (model.calibration_a + model.calibration_b * inner == model.margin(frame)).all()


@pytest.mark.parametrize(("depth", "bits"), [(1, 1), (3, 8), (6, 8), (9, 2)])
def test_tables_give_what_following_the_trees_node_by_node_gives(depth: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with trees too large for one table, which are cut into subtrees behind a gate."""
    monkeypatch.setattr(decision_tables, "JOINED", bits)
    monkeypatch.setattr(decision_tables, "MOST", bits + 1)
    rng = np.random.default_rng(depth)
    forest = random_forest(rng, columns=4, trees=40, depth=depth)
    values = rng.normal(size=(5000, 4))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[rng.random(values.shape) < 0.01] = np.inf
    values[:3000, 0] = rng.choice(forest.threshold[np.isfinite(forest.threshold)], 3000)
    followed = forest.value[forest.leaves(values)].sum(axis=1) / forest.bags
    assert (forest.margin(values) == followed).all()
    assert (forest.margin(values[:7]) == followed[:7]).all()
    assert len(np.unique(followed)) > depth


def test_trees_equal_scikit_learns_own() -> None:
    forest, values = some_forest(signs=(0, 0, 0))
    rng = np.random.default_rng(0)
    edges = bin_edges(values)
    y = (rng.random(600) < 0.3).astype(np.int64)
    settings = TreeSettings(trees=25, leaves=8)
    own, start = fit_forest(to_bins(values, edges), edges, y, [np.ones(600)], settings, np.zeros(3, dtype=int), 0, 1)
    peer = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=8, early_stopping=False, random_state=0)
    peer.fit(to_bins(values, edges), y)
    fresh = rng.gamma(1, 25, (400, 3))
    fresh[::5] = np.nan
    assert np.allclose(start + own.margin(fresh), peer.decision_function(to_bins(fresh, edges)), atol=1e-9)


def test_a_riskier_value_never_scores_lower() -> None:
    model = replace(some_forecast(), columns=["calls", "other", "tenure"], encoder=TextEncoder([], [], []))
    rng = np.random.default_rng(5)
    low = rng.gamma(1, 40, (20000, 3))
    low[rng.random(low.shape) < 0.1] = np.nan
    for column, sign in ((0, 1), (2, -1)):
        high = low.copy()
        high[:, column] += sign * rng.gamma(0.3, 10, len(low))
        known = ~np.isnan(low[:, column])
        assert (model.margin_of(high) >= model.margin_of(low))[known].all()
        assert (model.margin_of(high) > model.margin_of(low))[known].mean() > 0.3


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_rising_curve_keeps_the_order_of_any_two_values(one: float, other: float) -> None:
    part = some_smooth()
    lower, upper = sorted([one, other])
    read = part.terms(np.array([[lower, 0, 0], [upper, 0, 0]]))
    assert read[0, 0] <= read[1, 0]


def test_a_curve_is_flat_outside_its_knots_and_takes_infinity() -> None:
    part = some_smooth(products=False)
    read = part.terms(np.array([[1e6] * 3, [1e300] * 3, [np.inf] * 3, [-1e9] * 3, [-np.inf] * 3]))
    assert (read[0] == read[1]).all()
    assert (read[0] == read[2]).all()
    assert (read[3] == read[4]).all()
    assert (read[0] == on_grid(part.curves[:, -1])).all()


def test_a_missing_value_has_its_own_addend() -> None:
    part = some_smooth(products=False)
    assert (part.terms(np.full((1, 3), np.nan))[0] == on_grid(part.missing)).all()


def test_an_unseen_operator_counts_as_average_and_as_missing() -> None:
    model = some_forecast()
    rows = pd.DataFrame({"calls": 10.0, "tenure": 10.0, "operator": ["A", "new", None]})
    margin = model.margin(rows)
    assert margin[1] == margin[2]
    assert model.values(rows)[:, 1].tolist() == [0.5, 0.0, 0.0]


def test_text_columns_may_be_of_any_pandas_kind() -> None:
    model = some_forecast()
    plain = pd.DataFrame({"calls": [1.0, 2.0], "tenure": [3.0, 4.0], "operator": ["A", None]}).astype({"operator": object})
    for kind in ("str", "category"):
        assert (model.margin(plain.astype({"operator": kind})) == model.margin(plain)).all()


def test_number_columns_may_be_integers_booleans_and_objects() -> None:
    model = replace(some_forecast(), columns=["a", "b", "c"], encoder=TextEncoder([], [], []))
    plain = pd.DataFrame({"a": [1.0, 0.0], "b": [1.0, 0.0], "c": [1.0, np.nan]})
    other = pd.DataFrame({"a": [1, 0], "b": [True, False], "c": pd.Series([1, None], dtype=object)})
    nullable = plain.astype({"a": "Int64", "c": "Int64"})
    assert (model.margin(other) == model.margin(plain)).all()
    assert (model.margin(nullable) == model.margin(plain)).all()


def test_further_columns_are_left_aside_and_absent_ones_named() -> None:
    model, frame = some_forecast(), some_frame(5)
    assert (model.margin(frame.assign(more=1)) == model.margin(frame)).all()
    with pytest.raises(ValueError, match="calls, tenure"):
        model.margin(frame[["operator"]])


def test_text_where_a_number_belongs_is_named() -> None:
    with pytest.raises(ValueError, match="calls must hold numbers, not 'many'"):
        some_forecast().margin(pd.DataFrame({"calls": ["many"], "operator": ["A"], "tenure": [1.0]}))


def test_no_rows_give_no_margins() -> None:
    assert some_forecast().margin(some_frame(0)).shape == (0,)
    assert some_forecast().predict_proba(some_frame(0)).shape == (0, 2)


def test_recalibration_keeps_the_order_and_composes() -> None:
    model, frame = some_forecast(), some_frame()
    twice = model.recalibrated(0.5, 0.8).recalibrated(-1.0, 2.0)
    assert np.allclose(twice.margin(frame), -1 + 2 * (0.5 + 0.8 * model.margin(frame)))
    assert (np.argsort(twice.margin(frame), kind="stable") == np.argsort(model.margin(frame), kind="stable")).all()
    for slope in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            model.recalibrated(0.0, slope)


def test_probabilities_lie_between_0_and_1_and_add_up() -> None:
    risk = probability(np.array([-800.0, -5.0, 0.0, 5.0, 800.0]))
    assert (np.diff(risk) > 0).all()
    assert np.allclose(risk + risk[::-1], 1)
    shares = some_forecast().predict_proba(some_frame())
    assert np.allclose(shares.sum(axis=1), 1)


def test_rounding_moves_a_number_by_less_than_half_a_step() -> None:
    numbers = np.random.default_rng(0).normal(size=1000) * 10
    assert np.abs(on_grid(numbers) - numbers).max() <= STEP / 2
    assert np.isnan(on_grid(np.nan))


def _spoil(**changes: object) -> Forecast:
    model = some_forecast()
    parts: dict[str, dict[str, Any]] = {name: {} for name in ("model", "encoder", "smooth", "forest")}
    for name, value in changes.items():
        part, field = name.split("_", 1)
        parts[part][field] = value
    nested = {name: replace(getattr(model, name), **parts[name]) for name in ("encoder", "smooth", "forest")}
    return replace(model, **nested, **parts["model"])


@pytest.mark.parametrize(
    "spoilt",
    [
        {"model_intercept": float("nan")},
        {"model_calibration_b": 0.0},
        {"model_calibration_b": -1.0},
        {"model_columns": ["calls", "calls", "tenure"]},
        {"model_columns": ["calls", "operator"]},
        {"encoder_columns": ["nowhere"]},
        {"encoder_numbers": [np.array([1.0])]},
        {"encoder_numbers": [np.array([1.0, np.inf])]},
        {"smooth_curves": np.zeros((3, 4))},
        {"smooth_curves": np.full((3, 5), np.nan)},
        {"smooth_knots": np.full((3, 5), 2.0) - np.arange(5)},
        {"smooth_pairs": np.array([[0, 1], [0, 3]])},
        {"smooth_pairs": np.array([[0.0, 1.0], [0.0, 2.0]])},
        {"smooth_weights": np.array([1.0, np.nan])},
        {"forest_feature": np.zeros(3, dtype=np.int64)},
        {"forest_roots": np.array([10**9])},
        {"forest_roots": np.array([-1])},
        {"forest_depth": 10**9},
        {"forest_bags": 0},
    ],
    ids=lambda spoilt: str(next(iter(spoilt))),
)
def test_a_forecast_whose_parts_do_not_fit_is_refused(spoilt: dict[str, object]) -> None:
    some_forecast().check()
    with pytest.raises(ValueError, match=r"must|fit|there|bounds|types"):
        _spoil(**spoilt).check()


def test_a_forecast_without_parts_is_the_base_rate() -> None:
    model = constant_forecast(["calls"], 0.02)
    model.check()
    assert np.allclose(model.predict_proba(pd.DataFrame({"calls": [0.0, np.nan]}))[:, 1], 0.02)
