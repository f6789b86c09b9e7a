"""Contributions add up to the margin exactly, and are those of a slow and obvious second computation."""

from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from explaining import random_forecast, random_forest

from blockrisk.models.contributions import contributions, explainable
from blockrisk.models.encode import TextEncoder
from blockrisk.models.estimators import Forecast
from blockrisk.models.forest import Forest


@pytest.mark.parametrize("seed", range(30))
def test_base_and_contributions_add_up_to_the_margin(seed: int) -> None:
    model, values = random_forecast(seed, columns=1 + seed % 7, depth=1 + seed % 6, products=seed % 4)
    base, added = contributions(model, values)
    assert np.abs(base + added.sum(axis=1) - model.margin_of(values)).max() < 1e-9


def worth(forest: Forest, node: int, row: np.ndarray, known: frozenset[int]) -> float:
    """Give a tree's expected value when only the columns `known` are known, the others averaged by cover."""
    left, right = int(forest.left[node]), int(forest.right[node])
    if left == node:
        return float(forest.value[node])
    column = int(forest.feature[node])
    if column in known:
        seen = row[column]
        goes_left = bool(forest.missing_left[node]) if np.isnan(seen) else seen <= forest.threshold[node]
        return worth(forest, left if goes_left else right, row, known)
    shares = forest.cover[[left, right]] / forest.cover[node]
    return float(shares[0] * worth(forest, left, row, known) + shares[1] * worth(forest, right, row, known))


def shapley(forest: Forest, row: np.ndarray) -> np.ndarray:
    """Average over all orders, by the definition."""
    count = len(row)
    found = np.zeros(count)
    for column in range(count):
        others = [other for other in range(count) if other != column]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for chosen in combinations(others, size):
                known = frozenset(chosen)
                for root in forest.roots:
                    found[column] += weight * (
                        worth(forest, int(root), row, known | {column}) - worth(forest, int(root), row, known)
                    )
    return found / forest.bags


@pytest.mark.parametrize("seed", range(12))
def test_trees_give_the_shapley_values_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    forest = random_forest(rng, columns=4, trees=5, depth=1 + seed % 5)
    values = rng.normal(size=(6, 4))
    values[rng.random(values.shape) < 0.25] = np.nan
    model = Forecast(list("abcd"), TextEncoder([], [], []), 0.0, None, forest)
    base, added = contributions(model, values)
    assert base == pytest.approx(sum(worth(forest, int(root), values[0], frozenset()) for root in forest.roots) / forest.bags)
    assert added == pytest.approx(np.array([shapley(forest, row) for row in values]), abs=1e-9)


def test_a_product_is_split_half_and_half_between_its_two_columns() -> None:
    model, values = random_forecast(3, columns=4, products=1)
    smooth = model.smooth
    assert smooth is not None
    smooth = replace(smooth, curves=np.zeros_like(smooth.curves), missing=np.zeros(4), pairs=np.array([[1, 3]]))
    smooth = smooth.centred(values, np.ones(len(values)))
    _, added = contributions(replace(model, smooth=smooth, forest=None, levels=None), values)
    assert (added[:, [0, 2]] == 0).all()
    product = smooth.products(values)[:, 0]
    half = model.calibration_b * (product - product.mean()) / 2
    assert added[:, 1] == pytest.approx(half, abs=1e-9)
    assert added[:, 3] == pytest.approx(half, abs=1e-9)
    assert np.abs(half).max() > 0


def test_over_the_training_rows_the_contributions_of_the_curves_average_to_nothing() -> None:
    model, values = random_forecast(11)
    _, added = contributions(replace(model, forest=None, levels=None), values)
    assert np.abs(added.mean(axis=0)).max() < 1e-9
    assert np.abs(added).max() > 0.1


def test_weights_of_training_rows_count_in_the_mean() -> None:
    model, values = random_forecast(11)
    assert model.smooth is not None
    weight = np.arange(1.0, len(values) + 1)
    twice = model.smooth.centred(np.repeat(values, weight.astype(int), axis=0), np.ones(int(weight.sum())))
    assert model.smooth.centred(values, weight).mean == pytest.approx(twice.mean, abs=1e-10)


def test_a_row_alone_and_in_a_batch_gives_the_same_bits() -> None:
    model, values = random_forecast(4, columns=6, trees=60)
    many = np.tile(values, (40, 1))
    _, together = contributions(model, many)
    for place in (0, 7, 511, 512, 1599):
        assert (contributions(model, many[place : place + 1])[1] == together[place]).all()


def test_no_rows_give_no_contributions() -> None:
    model, values = random_forecast(1)
    base, added = contributions(model, values[:0])
    assert added.shape == (0, 5)
    assert base == contributions(model, values)[0]


def test_a_model_without_training_means_says_so() -> None:
    model, values = random_forecast(1)
    assert explainable(model)
    assert model.smooth is not None
    old = replace(model, smooth=replace(model.smooth, mean=None))
    assert not explainable(old)
    with pytest.raises(ValueError, match="train the model again"):
        contributions(old, values)


@pytest.mark.parametrize("damage", [np.zeros(3), np.full(8, np.nan)])
def test_training_means_that_do_not_fit_are_refused(damage: np.ndarray) -> None:
    model, _ = random_forecast(1, columns=5, products=3)
    assert model.smooth is not None
    model.check()
    with pytest.raises(ValueError, match=r"fit|finite"):
        replace(model, smooth=replace(model.smooth, mean=damage)).check()


@pytest.mark.long
def test_a_hundred_thousand_rows_take_less_than_five_minutes() -> None:
    import time

    rng = np.random.default_rng(0)
    forest = random_forest(rng, columns=90, trees=900, depth=3, bags=6)
    model, _ = random_forecast(0, columns=90, trees=1, products=6)
    model, values = replace(model, forest=forest), rng.normal(size=(100_000, 90))
    begun = time.perf_counter()
    base, added = contributions(model, values)
    assert time.perf_counter() - begun < 300
    assert np.abs(base + added.sum(axis=1) - model.margin_of(values)).max() < 1e-6
