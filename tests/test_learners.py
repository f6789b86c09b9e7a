"""The learners: never worse than the base rate where blocks are rare, monotone, reproducible, and kind to odd columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from blockrisk.models.archive import pack
from blockrisk.models.estimators import Forecast, probability
from blockrisk.training import trees_fit
from blockrisk.training.blend import FEWEST, earn_shares, fit_parts
from blockrisk.training.calibrate import base_margin, fit_affine
from blockrisk.training.encoding import cross_fit, fit_encoder
from blockrisk.training.folds import make_folds
from blockrisk.training.learners import DEFAULT_LEARNER, LEARNERS, find_learner
from blockrisk.training.logistic import fit_logistic
from blockrisk.training.ramps import design, make_basis, relative_ridge, sign_limits, to_part
from blockrisk.training.rules import RULES, count_broken, fit_rules
from blockrisk.training.task import NEGATIVES, Rows, Task, as_rows, thin
from blockrisk.training.trees import bin_edges, to_bins

MONOTONE = {"calls_out_7d": 1, "complaints_30d": 1, "tenure_days": -1}


def world(rows: int = 6000, seed: int = 0, base: float = -5.6) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Make rows of 300 cards on weekly dates: frame, the true chance, dates, cards."""
    rng = np.random.default_rng(seed)
    card = np.arange(rows) % 300
    calls = rng.poisson(np.exp(rng.normal(4.5, 0.8, 300))[card] * np.exp(rng.normal(0, 0.3, rows)))
    complaints = rng.poisson(rng.gamma(0.5, 1.2, 300)[card])
    operator = rng.choice(np.array(["A", "B", "C"]), 300)[card]
    frame = pd.DataFrame({"calls_out_7d": calls, "complaints_30d": complaints, "operator": operator})
    frame["tenure_days"] = rng.exponential(300, 300)[card]
    frame["answer_rate_7d"] = np.where(rng.random(rows) < 0.1, np.nan, rng.beta(3, 6, rows))
    for number in range(8):
        frame[f"noise_{number}"] = rng.gamma(1, 5, rows)
    lift = 0.9 * (np.log1p(calls) - 4.5) + 0.9 * np.log1p(complaints) + 0.8 * (operator == "A")
    frame = frame.astype({"calls_out_7d": float, "complaints_30d": float})
    return frame, probability(base + lift), np.arange(rows) // 300, card


def draw(chance: np.ndarray, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed + 100).random(len(chance)) < chance).astype(int)


def expected_loss(chance: np.ndarray, margin: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, margin) - chance * margin))


def share_of_gain(model: Any, frame: pd.DataFrame, chance: np.ndarray, base: float) -> float:
    """Give the share of the oracle's expected log-loss gain over the base rate."""
    flat = expected_loss(chance, np.full(len(chance), base))
    best = expected_loss(chance, np.log(chance) - np.log1p(-chance))
    return (flat - expected_loss(chance, model.margin(frame))) / (flat - best)


def task_of(frame: pd.DataFrame, y: np.ndarray, **more: Any) -> Task:
    given: dict[str, Any] = {"times": None, "groups": None, "monotone": {}, "seed": 0, "jobs": 1, "weight": np.ones(len(y))}
    return Task(frame, y, **(given | more))


@pytest.fixture(scope="module")
def rare() -> dict[str, Any]:
    """Fit every learner once where about 1 % of rows are blocks."""
    frame, chance, times, cards = world()
    y = draw(chance)
    given = {"times": times, "groups": cards, "monotone": MONOTONE, "jobs": 1}
    models = {learner.name: learner.fit(frame, y, **given) for learner in LEARNERS}
    later, truth, _, _ = world(seed=1)
    return {"models": models, "frame": later, "chance": truth, "base": base_margin(y), "y": y, "train": frame, "given": given}


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grow few trees, for tests that do not judge a forecast's quality."""
    monkeypatch.setattr(trees_fit, "STAGES", (5, 20))
    monkeypatch.setattr(trees_fit, "TREES", 20)


def test_the_list_holds_the_named_learners_and_the_default_is_the_blend() -> None:
    assert [learner.name for learner in LEARNERS] == [
        "static_rules",
        "smooth_logistic",
        "boosting_default",
        "boosting_shallow",
        "blend",
    ]
    assert find_learner(DEFAULT_LEARNER).name == "blend"
    with pytest.raises(ValueError, match=r"no learner blnd.*static_rules.*blend"):
        find_learner("blnd")


def test_with_rare_blocks_ours_beat_the_base_rate_and_default_boosting_does_not(rare: dict[str, Any]) -> None:
    assert 40 < rare["y"].sum() < 200
    gain = {name: share_of_gain(model, rare["frame"], rare["chance"], rare["base"]) for name, model in rare["models"].items()}
    assert gain["boosting_default"] < 0
    assert min(gain["boosting_shallow"], gain["static_rules"]) > 0
    assert min(gain["blend"], gain["smooth_logistic"]) > 0.5
    assert gain["blend"] > gain["boosting_default"] + 0.5


def test_every_learner_ranks_later_cards_better_than_chance(rare: dict[str, Any]) -> None:
    drawn = draw(rare["chance"], 5)
    for name, model in rare["models"].items():
        assert roc_auc_score(drawn, model.margin(rare["frame"])) > 0.55, name
        risk = model.predict_proba(rare["frame"])
        assert np.allclose(risk[:, 1], probability(model.margin(rare["frame"])))
        assert np.allclose(risk.sum(axis=1), 1)


def test_shuffled_labels_teach_nothing() -> None:
    frame, chance, times, cards = world(rows=4000)
    y = np.random.default_rng(3).permutation(draw(chance))
    model = fit_parts(task_of(frame, y, times=times, groups=cards))
    spread = probability(model.margin(frame)).std() / y.mean()
    assert spread < 0.5
    assert abs(share_of_gain(model, frame, np.full(len(frame), y.mean()) + 1e-9 * chance, base_margin(y))) < np.inf
    assert expected_loss(np.full(len(frame), y.mean()), model.margin(frame)) < -base_margin(y) * y.mean() + 0.02


def test_a_riskier_value_never_lowers_the_blend(rare: dict[str, Any]) -> None:
    model, rng = rare["models"]["blend"], np.random.default_rng(0)
    low = rare["frame"].sample(8000, replace=True, random_state=0)
    for column, sign in MONOTONE.items():
        high = low.assign(**{column: low[column] + sign * rng.gamma(0.5, 20, len(low))})
        assert (model.margin(high) >= model.margin(low)).all(), column
    moved = low.assign(calls_out_7d=low["calls_out_7d"] * 3)
    assert (model.margin(moved) > model.margin(low)).mean() > 0.5


@pytest.mark.parametrize("name", ["smooth_logistic", "boosting_shallow"])
def test_each_part_alone_is_monotone_too(rare: dict[str, Any], name: str) -> None:
    low = rare["frame"]
    for column, sign in MONOTONE.items():
        high = low.assign(**{column: low[column] + sign * np.random.default_rng(1).gamma(0.5, 20, len(low))})
        assert (rare["models"][name].margin(high) >= rare["models"][name].margin(low)).all(), column


@pytest.mark.long
def test_the_number_of_jobs_changes_no_byte() -> None:
    frame, chance, times, cards = world(rows=1200, base=-4.0)
    given = {"times": times, "groups": cards, "monotone": MONOTONE}
    one, two = (find_learner("blend").fit(frame, draw(chance), jobs=jobs, **given) for jobs in (1, 2))
    assert pack(one) == pack(two)


@pytest.mark.usefixtures("few_trees")
def test_the_same_rows_and_seed_give_the_same_bytes() -> None:
    frame, chance, times, cards = world(rows=600, base=-3.0)
    y = draw(chance)
    given = {"times": times, "groups": cards, "monotone": MONOTONE, "seed": 3}
    blend = find_learner("blend")
    one = pack(blend.fit(frame, y, jobs=1, **given))
    assert pack(blend.fit(frame, y, jobs=1, **given)) == one
    shallow = find_learner("boosting_shallow")
    assert pack(shallow.fit(frame, y, jobs=1, **given)) != pack(shallow.fit(frame, y, jobs=1, **(given | {"seed": 4})))


def test_trees_earn_the_weight_where_the_signal_is_theirs() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0, 10, (1500, 4)), columns=list("abcd"))
    chequer = (frame["a"] > 5) ^ (frame["b"] > 5)
    y = (rng.random(1500) < np.where(chequer, 0.8, 0.1)).astype(int)
    model = find_learner("blend").fit(frame, y, jobs=1)
    assert isinstance(model, Forecast)
    assert model.smooth is not None
    assert model.forest is not None
    values = model.values(frame)
    assert model.forest.margin(values).std() > 3 * model.smooth.margin(values).std()
    assert roc_auc_score(y, model.margin(frame)) > 0.8


def _no_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="operator")


def _odd(frame: pd.DataFrame) -> pd.DataFrame:
    odd = frame.assign(constant=1.0, empty=np.nan, nearly=np.nan, huge=1e300, flag=frame["calls_out_7d"] > 100)
    odd.loc[odd.index[:3], "nearly"] = 1.0
    return odd.assign(whole=frame["calls_out_7d"].astype(int), other=pd.Series([None] * len(frame), dtype=object))


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("change", [_no_text, _odd], ids=["no text", "odd columns"])
@pytest.mark.parametrize("learner", ["static_rules", "boosting_default", "blend"])
def test_every_learner_takes_frames_of_any_kind(learner: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    frame, chance, _, _ = world(rows=600, base=-3.0)
    odd = change(frame)
    model = find_learner(learner).fit(odd, draw(chance), jobs=1)
    assert np.isfinite(model.margin(odd)).all()
    assert np.isfinite(model.margin(odd.iloc[[0]])).all()


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("positives", [0, 1, FEWEST - 1, FEWEST])
def test_with_hardly_any_block_the_forecast_stays_near_the_base_rate(positives: int) -> None:
    frame, _, times, cards = world(rows=1200)
    y = np.zeros(1200, dtype=int)
    y[np.linspace(0, 1199, positives, dtype=int)] = 1
    for learner in ("blend", "smooth_logistic", "static_rules"):
        model = find_learner(learner).fit(frame, y, times=times, groups=cards, jobs=1)
        risk = model.predict_proba(frame)[:, 1]
        assert risk.min() > 0
        assert risk.max() < 0.2
        assert abs(risk.mean() - y.mean()) < 0.01


def test_a_weight_counts_like_repeated_rows() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = (x[:, 0] > 0.3).astype(int)
    weight = np.where(np.arange(60) % 3 == 0, 2.0, 1.0)
    free = np.full(2, np.inf)
    again = np.repeat(np.arange(60), weight.astype(int))
    one = fit_logistic(x, y, weight, np.ones(2), (-free, free))
    other = fit_logistic(x[again], y[again], np.ones(len(again)), np.ones(2), (-free, free))
    assert np.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"y": [0, 1, 2]}, "0 or 1"), ({"y": [0, 1, np.nan]}, "0 or 1"), ({"y": [0, 1]}, "2 values were given for 3 rows"),
     ({"weight": [1.0]}, "1 values"), ({"times": [1, 2]}, "2 values"), ({"groups": [1]}, "1 values")],
)  # fmt: skip
def test_rows_that_do_not_fit_are_named(change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"y": [0, 1, 0]} | change
    with pytest.raises(ValueError, match=told):
        find_learner("blend").fit(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), given.pop("y"), **given)


# ---- folds and thinning


def test_forward_folds_never_check_on_rows_before_those_fitted() -> None:
    times = np.repeat(np.arange(20), 50)
    y = np.random.default_rng(0).integers(0, 2, 1000)
    folds = make_folds(y, np.random.default_rng(1).permutation(times), None, 0)
    shuffled = np.random.default_rng(1).permutation(times)
    assert len(folds) == 3
    assert all(shuffled[fit].max() < shuffled[check].min() for fit, check in folds)
    assert len(set(np.concatenate([check for _, check in folds]))) == sum(len(check) for _, check in folds)


def test_a_gap_keeps_labels_out_of_the_rows_that_are_checked() -> None:
    times = np.repeat(np.datetime64("2026-01-01", "us") + np.arange(20) * np.timedelta64(7, "D"), 50)
    y = np.random.default_rng(0).integers(0, 2, 1000)
    for fit, check in make_folds(y, times, None, 0, gap=np.timedelta64(30, "D")):
        assert times[fit].max() + np.timedelta64(30, "D") <= times[check].min()
        assert times[fit].max() + np.timedelta64(37, "D") > times[check].min()


def test_folds_keep_a_cards_rows_together_and_the_share_of_blocks() -> None:
    cards = np.arange(1200) // 6
    y = (cards % 10 == 0).astype(int)
    folds = make_folds(y, None, cards, 0)
    assert all(not set(cards[fit]) & set(cards[check]) for fit, check in folds)
    assert all(0.05 < y[check].mean() < 0.2 for _, check in folds)
    assert all(abs(y[check].mean() - 0.1) < 0.01 for _, check in make_folds(y, None, None, 0))


def test_too_few_rows_give_no_folds() -> None:
    assert make_folds(np.array([0, 0, 1]), None, None, 0) == []


def test_thinning_keeps_all_blocks_and_the_weight_of_the_others() -> None:
    frame = pd.DataFrame({"a": np.arange(100_000.0)})
    y = (np.arange(100_000) % 500 == 0).astype(int)
    weight = np.ones(100_000)
    task = thin(task_of(frame, y, weight=weight, times=np.arange(100_000)))
    assert task.y.sum() == y.sum()
    assert len(task.y) == y.sum() * (NEGATIVES + 1)
    assert np.isclose(task.weight.sum(), 100_000)
    assert task.times is not None
    assert (task.times == task.frame["a"]).all()
    small = task_of(frame.iloc[:500], y[:500])
    assert thin(small) is small


# ---- text


def test_the_number_of_a_level_is_shrunk_by_how_little_is_known_of_it() -> None:
    frame = pd.DataFrame({"operator": ["A"] * 1000 + ["B"] * 1000 + ["C"] * 4})
    y = np.array(([1] + [0] * 9) * 100 + ([1] * 4 + [0] * 6) * 100 + [1] * 4)
    numbers = dict(zip(*(part[0] for part in (lambda e: (e.levels, e.numbers))(fit_encoder(frame, y, np.ones(2004)))), strict=True))
    assert numbers["A"] < 0 < numbers["C"] < numbers["B"]


def test_a_row_does_not_see_its_own_label_in_its_operators_number() -> None:
    frame = pd.DataFrame({"operator": [f"level {row}" for row in range(300)]})
    y = np.random.default_rng(0).integers(0, 2, 300)
    assert (cross_fit(frame, "operator", y, np.ones(300), None, 0) == 0).all()
    cards = np.arange(300) // 2
    pairs = pd.DataFrame({"operator": [f"level {card}" for card in cards]})
    assert (cross_fit(pairs, "operator", y, np.ones(300), cards, 0) == 0).all()


def test_text_columns_rise_with_risk_and_numbers_keep_their_signs() -> None:
    frame, chance, _, _ = world(rows=900, base=-2.0)
    encoder, rows = as_rows(task_of(frame, draw(chance), monotone=MONOTONE))
    assert encoder.columns == ["operator"]
    assert dict(zip(frame.columns, rows.signs.tolist(), strict=True)) == {
        **dict.fromkeys(frame.columns, 0),
        **MONOTONE,
        "operator": 1,
    }


# ---- ramps and trees


def test_a_part_reads_as_its_coefficients_say() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(1, 20, (400, 3))
    values[::5, 1] = np.nan
    values[:, 2] = np.where(rng.random(400) < 0.9, 0, values[:, 2])
    basis = make_basis(values)
    matrix = design(values, basis)
    point = rng.normal(size=matrix.shape[1])
    assert matrix.shape[1] == len(basis.owner) == len(relative_ridge(basis)) == len(sign_limits(basis, np.zeros(3))[0])
    assert np.allclose(matrix @ point, to_part(basis, point, values).margin(values), atol=1e-9)


def test_a_column_of_mostly_zeros_still_gets_ramps() -> None:
    values = np.where(np.arange(2000) % 50 == 0, np.arange(2000) / 10, 0.0)[:, None]
    assert make_basis(values).ramps[0] >= 3
    assert make_basis(np.ones((10, 1))).ramps[0] == 0
    assert make_basis(np.full((10, 1), np.nan)).ramps[0] == 0


def test_bins_ask_the_same_as_values() -> None:
    values = np.random.default_rng(0).integers(0, 2000, (5000, 1)) / 10
    (few,), (edges,) = bin_edges(values, 63), bin_edges(values)
    bins = to_bins(values, [edges])[:, 0]
    assert 50 < len(few) + 1 <= 63
    assert 200 < len(np.unique(bins)) <= 255
    for step in (0, 100, len(edges) - 1):
        assert ((bins <= step) == (values[:, 0] <= edges[step])).all()


def test_bags_see_the_same_rows_and_differ_by_the_columns_their_splits_look_at() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 6))
    y = (rng.random(2000) < probability(values.sum(axis=1) - 3)).astype(int)
    rows = Rows(values, y, np.ones(2000), None, np.zeros(6, dtype=int))
    forest = trees_fit.fit_trees(rows, [], 0, 1, bags=2).part
    first, second = (forest.roots[part] for part in np.split(np.arange(len(forest.roots)), 2))
    assert (forest.cover[first] == 2000).all()
    assert (forest.cover[second] == 2000).all()
    assert (forest.feature[first] != forest.feature[second]).any()


def test_a_part_that_says_nothing_out_of_fold_earns_nothing() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    y = (rng.random(4000) < probability(truth)).astype(int)
    rows = Rows(np.zeros((4000, 0)), y, np.ones(4000), None, np.zeros(0))
    shares = earn_shares([truth, rng.normal(size=4000) * 2], rows, 0.0)
    assert shares[0] > 0.85
    assert 0 <= shares[1] < 0.05
    assert earn_shares([None, truth], rows, 0.0)[0] == 0
    assert earn_shares([np.full(4000, np.nan), truth], rows, 0.0).tolist() == [0.25, 0.25]


@pytest.mark.usefixtures("few_trees")
def test_forward_in_time_the_blend_is_the_even_average_of_its_parts() -> None:
    frame, chance, times, cards = world()
    task = task_of(frame, draw(chance), times=times, groups=cards)
    both, curves, trees = (fit_parts(task, **which).margin(frame) for which in ({}, {"trees": False}, {"smooth": False}))
    assert np.allclose(both, (curves + trees) / 2, atol=1e-6)


def test_trees_are_as_many_as_there_are_blocks_for() -> None:
    rng = np.random.default_rng(0)
    for blocks, trees in ((8, 20), (90, 90), (400, 150)):
        y = (np.arange(4000) < blocks).astype(int)
        rows = Rows(rng.normal(size=(4000, 2)), y, np.ones(4000), None, np.zeros(2, dtype=int))
        assert len(trees_fit.fit_trees(rows, [], 0, 1, bags=1).part.roots) == trees


# ---- calibration


def test_calibration_finds_level_and_slope_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(-2, 1, 20_000)
    y = (rng.random(20_000) < probability(-0.5 + 0.6 * margin)).astype(int)
    a, b = fit_affine(margin, y)
    assert abs(b - 0.6) < 0.06
    assert abs((a + b * -2) - (-0.5 + 0.6 * -2)) < 0.05


def test_few_blocks_hardly_move_the_calibration() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(-5, 1, 200)
    a, b = fit_affine(margin, np.zeros(200))
    assert 0.85 < b < 1.05
    assert -0.6 < a + (b - 1) * -5 <= 0
    assert fit_affine(np.zeros(0), np.zeros(0)) == (0.0, 1.0)


def test_a_ranking_that_misleads_is_flattened_and_never_turned() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(size=5000)
    _, b = fit_affine(margin, (rng.random(5000) < probability(-margin)).astype(int))
    assert 0 < b < 0.1


def test_recalibrated_models_rank_as_before(rare: dict[str, Any]) -> None:
    frame = rare["frame"]
    for model in rare["models"].values():
        again = model.recalibrated(*fit_affine(model.margin(frame), draw(rare["chance"], 9)))
        assert (np.argsort(again.margin(frame), kind="stable") == np.argsort(model.margin(frame), kind="stable")).all()


# ---- rules


def test_a_card_breaks_the_rules_whose_columns_are_there() -> None:
    frame = pd.DataFrame({"complaints_30d": [0.0, 1.0, np.nan], "arrears_days": [15.0, 16.0, 400.0]})
    model = fit_rules(frame, np.array([0, 1, 1]))
    assert [rule.column for rule in model.rules] == ["arrears_days", "complaints_30d"]
    assert model.broken(frame).tolist() == [0, 2, 1]
    assert count_broken(frame, ()).tolist() == [0, 0, 0]


def test_more_rules_broken_is_never_less_risk_and_ranks_higher() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({rule.column: rng.integers(0, 2, 3000) * 99.0 for rule in RULES})
    model = fit_rules(frame, rng.integers(0, 2, 3000))
    assert (np.diff(model.margins) > 0).all()


def test_a_frame_without_any_rule_has_the_base_rate() -> None:
    model = fit_rules(pd.DataFrame({"other": np.zeros(100)}), np.arange(100) < 20)
    assert np.allclose(model.predict_proba(pd.DataFrame({"other": [1.0]}))[:, 1], 0.2, atol=0.02)
