"""Each metric: its direction, its range, one number worked by hand, one law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockrisk.training import metrics as m
from blockrisk.training.curves import calibration_table, gain_curve, recall_curve
from blockrisk.training.evaluation import METRICS, Sample, comparison, evaluate
from blockrisk.training.plots import draw_all

RNG = np.random.default_rng(7)
CHANCE = 1 / (1 + np.exp(-RNG.normal(-2.5, 1.2, 6000)))
Y = (RNG.random(6000) < CHANCE).astype(float)
NOISE = np.clip(CHANCE * np.exp(RNG.normal(0, 1.5, 6000)), 1e-4, 0.99)
CONSTANT = np.full(6000, Y.mean())
HIGHER = [metric for metric in METRICS if metric.better == "higher"]
LOWER = [metric for metric in METRICS if metric.better == "lower"]


def arrays(*columns):
    return [np.array(column, dtype=float) for column in columns]


@pytest.mark.parametrize("metric", HIGHER, ids=lambda metric: metric.name)
def test_the_true_chance_scores_higher_than_a_noisy_one(metric):
    assert metric.compute(Sample(Y, CHANCE)) > metric.compute(Sample(Y, NOISE))


@pytest.mark.parametrize("metric", LOWER, ids=lambda metric: metric.name)
def test_the_true_chance_scores_lower_than_a_noisy_one(metric):
    assert metric.compute(Sample(Y, CHANCE)) < metric.compute(Sample(Y, NOISE))


@pytest.mark.parametrize("name", ["observed_expected", "calibration_slope"])
def test_the_true_chance_is_nearer_to_one(name):
    metric = next(metric for metric in METRICS if metric.name == name)
    assert abs(metric.compute(Sample(Y, CHANCE)) - 1) < 0.1
    assert abs(metric.compute(Sample(Y, NOISE)) - 1) > 0.2


def test_every_metric_of_the_list_says_what_is_better_and_has_its_own_name():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert {metric.better for metric in METRICS} <= {"higher", "lower", "one", "context"}
    assert all(metric.meaning for metric in METRICS)


samples = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(1, 19)), min_size=1, max_size=30)
RANGES = {"log_loss_skill": (-np.inf, 1), "log_loss": (0, np.inf), "observed_expected": (0, np.inf)}
RANGES |= {"calibration_slope": (-np.inf, np.inf), "lift_at_1pct": (0, np.inf), "lift_at_5pct": (0, np.inf)}


@settings(max_examples=40, deadline=None)
@given(samples)
def test_every_metric_stays_in_its_range_and_ignores_the_order_of_rows(rows):
    y, p = arrays([label for label, _ in rows], [twentieths / 20 for _, twentieths in rows])
    mixed = np.random.default_rng(0).permutation(len(y))
    figures, again = evaluate(Sample(y, p)), evaluate(Sample(y[mixed], p[mixed]))
    for name, value in figures.items():
        low, high = RANGES.get(name, (0, 1))
        assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9, name
        if name != "ece_noise_floor":
            assert again[name] == pytest.approx(value, rel=1e-5, abs=1e-9, nan_ok=True), name


def test_roc_auc_and_precision_do_not_change_under_a_monotone_map():
    for metric in (m.roc_auc, m.average_precision, lambda y, p: m.precision_at(y, p, 0.05)):
        assert metric(Y, CHANCE) == pytest.approx(metric(Y, CHANCE**3))


def test_roc_auc_of_the_reversed_order_is_one_minus():
    assert m.roc_auc(Y, 1 - CHANCE) == pytest.approx(1 - m.roc_auc(Y, CHANCE))
    assert m.roc_auc(*arrays([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])) == 0.75


def test_a_constant_has_the_base_rate_as_average_precision():
    assert m.average_precision(Y, CONSTANT) == pytest.approx(m.base_rate(Y))
    assert m.average_precision(*arrays([1, 0, 1], [0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)


def test_log_loss_is_least_for_the_true_chance_and_finite_at_certain_errors():
    for shift in (0.8, 1.25):
        assert m.cross_entropy(CHANCE, CHANCE) < m.cross_entropy(CHANCE, CHANCE * shift)
    assert m.log_loss(*arrays([1], [0.25])) == pytest.approx(np.log(4))
    assert np.isfinite(m.log_loss(*arrays([1, 0], [0, 1])))


def test_skill_of_the_base_rate_is_zero_and_a_worse_forecast_is_negative():
    assert m.log_loss_skill(Y, CONSTANT) == pytest.approx(0)
    assert m.log_loss_skill(Y, 1 - CHANCE) < 0
    assert m.log_loss_skill(*arrays([0, 1], [0.25, 0.75])) == pytest.approx(1 - np.log(0.75) / np.log(0.5))


def test_skill_against_a_base_rate_known_before():
    assert m.log_loss_skill(Y, np.full(6000, 0.3), reference=0.3) == pytest.approx(0)
    assert m.log_loss_skill(Y, CONSTANT, reference=0.3) > 0


def test_brier_splits_into_spread_and_error_of_the_mean():
    assert m.brier(*arrays([0, 1], [0.25, 0.5])) == pytest.approx((0.0625 + 0.25) / 2)
    rate = Y.mean()
    assert m.brier(Y, np.full(6000, 0.3)) == pytest.approx(rate * (1 - rate) + (0.3 - rate) ** 2)


def test_observed_over_expected_halves_when_probabilities_double():
    assert m.observed_expected(Y, CHANCE / 2) == pytest.approx(2 * m.observed_expected(Y, CHANCE))
    assert m.observed_expected(*arrays([0, 1], [0.5, 0.75])) == pytest.approx(0.8)


def test_slope_doubles_when_log_odds_are_halved():
    timid = 1 / (1 + ((1 - CHANCE) / CHANCE) ** 0.5)
    assert m.calibration_slope(Y, timid) == pytest.approx(2 * m.calibration_slope(Y, CHANCE), rel=1e-6)


def test_slope_is_undefined_for_a_constant_one_class_or_perfect_separation():
    assert np.isnan(m.calibration_slope(Y, CONSTANT))
    assert np.isnan(m.calibration_slope(np.zeros(6000), CHANCE))
    assert np.isnan(m.calibration_slope(*arrays([0, 0, 1], [0.1, 0.2, 0.9])))
    assert np.isnan(m.calibration_slope(*arrays([0, 0, 1, 1], [0.1, 0.7, 0.7, 0.9])))


def test_calibration_error_of_one_group_is_the_error_of_the_mean():
    assert m.expected_calibration_error(Y, CHANCE, bins=1) == pytest.approx(abs(Y.mean() - CHANCE.mean()))
    assert m.expected_calibration_error(*arrays([0, 1], [0.2, 0.6]), bins=2) == pytest.approx(0.3)


def test_noise_floor_is_what_a_perfect_model_shows_and_falls_with_rows():
    floor = m.ece_noise_floor(CHANCE, seed=0)
    assert 0.5 < m.expected_calibration_error(Y, CHANCE) / floor < 2
    assert m.ece_noise_floor(CHANCE[:600], seed=0) > 2 * floor
    assert m.ece_noise_floor(CHANCE, seed=0) == floor


def test_noise_floors_of_the_design_are_met():
    weekly = 1 / (1 + np.exp(-np.random.default_rng(1).normal(-5, 1, 10000)))
    assert m.ece_noise_floor(weekly[:1000], 0) < 0.01
    assert m.ece_noise_floor(weekly, 0) < 0.0035


def test_precision_at_k_worked_with_a_tie_for_the_last_place():
    y, p = arrays([1, 0, 1, 0, 0], [0.9, 0.5, 0.5, 0.5, 0.1])
    assert m.hits_at_k(y, p, 2) == pytest.approx(1 + 1 / 3)
    assert m.precision_at(y, p, 0.4) == pytest.approx((1 + 1 / 3) / 2)
    assert m.recall_at(y, p, 0.4) == pytest.approx((1 + 1 / 3) / 2)
    assert m.lift_at(y, p, 0.4) == pytest.approx((1 + 1 / 3) / 2 / 0.4)
    assert m.ceiling_at(y, p, 0.4) == 1
    assert m.ceiling_at(y, p, 0.8) == 0.5


def test_at_k_each_date_has_its_own_places():
    y, p = arrays([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
    dates = np.array(["2026-01-01", "2026-01-01", "2026-01-08", "2026-01-08"], dtype="datetime64[D]")
    assert m.recall_at(y, p, 0.5) == 0.5
    assert m.recall_at(y, p, 0.5, dates) == 1.0


@settings(max_examples=60, deadline=None)
@given(samples, st.sampled_from([0.01, 0.05, 0.3, 1.0]))
def test_precision_never_exceeds_its_ceiling_and_recall_times_positives_is_hits(rows, share):
    y, p = arrays([label for label, _ in rows], [score for _, score in rows])
    assert m.precision_at(y, p, share) <= m.ceiling_at(y, p, share) + 1e-12
    if y.sum():
        places = m.places_of(share, len(y))
        assert m.recall_at(y, p, share) * y.sum() == pytest.approx(m.precision_at(y, p, share) * places)


def test_oracle_gain_is_one_for_the_truth_zero_for_the_mean_and_negative_for_worse():
    assert m.oracle_gain(CHANCE, CHANCE) == pytest.approx(1)
    assert m.oracle_gain(CHANCE, np.full(6000, CHANCE.mean())) == pytest.approx(0)
    assert m.oracle_gain(CHANCE, 1 - CHANCE) < 0
    assert np.isnan(m.oracle_gain(CONSTANT, CHANCE))


def test_no_rows_and_no_positives_give_nan_and_no_warning():
    nothing = np.zeros(0)
    for value in evaluate(Sample(nothing, nothing)).values():
        assert np.isnan(value)
    quiet = evaluate(Sample(np.zeros(9), np.full(9, 0.1)))
    assert np.isnan(quiet["roc_auc"])
    assert np.isnan(quiet["recall_at_5pct"])
    assert quiet["precision_at_5pct"] == 0


def test_calibration_table_keeps_equal_probabilities_together_and_loses_no_row():
    table = calibration_table(Y, np.round(CHANCE, 1))
    assert table["rows"].sum() == len(Y)
    assert table["expected"].is_monotonic_increasing
    assert len(calibration_table(Y, CONSTANT)) == 1


def test_curves_end_where_they_must():
    gain = gain_curve(Y, CHANCE)
    assert gain.iloc[-1].tolist() == [1.0, 1.0]
    assert gain["caught"].is_monotonic_increasing
    assert recall_curve(Y, CHANCE)["recall"].iloc[-1] == 0
    assert len(gain_curve(np.zeros(3), np.zeros(3))) == 0
    assert len(recall_curve(np.zeros(3), np.zeros(3))) == 0


def test_comparison_has_one_row_a_metric_and_one_column_a_forecast():
    table = comparison({"model": Sample(Y, CHANCE), "base_rate": Sample(Y, CONSTANT)})
    assert list(table.index) == [metric.name for metric in METRICS]
    assert list(table.columns) == ["model", "base_rate"]


def test_plots_are_png_files_also_where_nothing_was_blocked(tmp_path):
    for y in (Y, np.zeros(6000)):
        paths = draw_all({"model": Sample(y, CHANCE), "base_rate": Sample(y, CONSTANT)}, tmp_path)
        assert [path.name for path in paths] == ["reliability.png", "precision_recall.png", "gain.png"]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
