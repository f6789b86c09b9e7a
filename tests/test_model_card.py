"""The report of a training as a page."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Page, browser, find_browser

from blockrisk.features import UserError
from blockrisk.serving.cautions import caution
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.page.texts import texts
from blockrisk.training.curves import calibration_table
from blockrisk.training.evaluation import METRICS, Sample, comparison
from blockrisk.training.model_card import best, calibration_plot, check_report, meaning, model_card, write_model_card
from blockrisk.training.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    """A report of made-up forecasts, with markup in the texts of the data."""
    random = np.random.default_rng(3)
    p = random.beta(0.4, 12, size=2000)
    y = (random.random(2000) < p).astype(float)
    dates = np.repeat(np.array(["2025-04-10", "2025-04-17"], dtype="datetime64[D]"), 1000)
    samples = {name: Sample(y, chance, dates, 0.03) for name, chance in {"model": p, "base_rate": np.full(2000, 0.03)}.items()}
    counts = {"rows": 2000, "cards": 1000, "positives": int(y.sum()), "dates": 2, "first": "2025-04-10", "last": "2025-04-17"}
    manifest = {"kind": "dated", "learner": "blend", "horizon_days": 7, "until": "2025-05-01", "seed": 0, "data_digest": "ab" * 32}
    manifest["horizons"] = {7: {"rows": 2000.0, **comparison(samples)["model"].to_dict()}}
    return Report(
        bundle=Path("models/<i>first</i>"),
        manifest=manifest,
        metrics=comparison(samples),
        slices=dict.fromkeys(("train", "calibrate", "test", "all"), counts),
        unknown={"closed": 18, "arrears_stop": 0},
        cautions=(caution("thin_test", blocks=8),),
        account=("cards: 1 rows read = 1 used + 0 duplicates + 0 set aside", "not a table, left alone: <b>.txt"),
        calibration=calibration_table(y, p),
    )


def test_every_figure_stands_beside_its_baselines(report: Report) -> None:
    text = model_card(report)
    for metric in METRICS:
        assert f"<code>{metric.name}</code>" in text
        for name in ("model", "base_rate"):
            value = report.metrics.at[metric.name, name]
            assert (f"{value:.4f}" if np.isfinite(value) else "–") in text
    assert "only 8 blocks in the test slice" in text
    assert "18 closed" in text
    assert "arrears_stop" not in text


def test_texts_of_the_data_are_escaped(report: Report) -> None:
    text = model_card(report)
    assert "<i>first" not in text
    assert "&lt;b&gt;.txt" in text


def test_every_metric_has_its_meaning_in_every_language() -> None:
    for metric in METRICS:
        assert texts()[f"metric.{metric.name}"]["en"] == metric.meaning
        assert len({meaning(metric)[language] for language in LANGUAGES}) >= 2


def test_the_best_is_that_of_the_metric() -> None:
    by_name = {metric.name: metric for metric in METRICS}
    assert best({"a": 0.8, "b": 0.9}, by_name["roc_auc"]) == "b"
    assert best({"a": 0.8, "b": 0.9}, by_name["brier"]) == "a"
    assert best({"a": 0.5, "b": 1.9}, by_name["observed_expected"]) == "b"
    assert best({"a": 0.8, "b": 0.9}, by_name["base_rate"]) is None
    assert best({"a": 0.8, "b": float("nan")}, by_name["roc_auc"]) is None


def test_a_group_on_the_diagonal_lies_on_the_diagonal() -> None:
    table = pd.DataFrame({"rows": [100, 100], "expected": [0.1, 0.3], "observed": [0.1, 0.2]})
    plot = calibration_plot(table)
    ticks = {round(share, 6): (x, y) for x, y, share in plot.ticks}
    assert (plot.points[0].x, plot.points[0].y) == pytest.approx(ticks[0.1], abs=0.11)
    assert plot.points[1].y > ticks[0.3][1]
    assert plot.points[0].low > plot.points[0].y > plot.points[0].high
    assert 3 <= len(plot.ticks) <= 7


def test_other_learners_stand_side_by_side_when_there_are_some(report: Report) -> None:
    figures = {"blend": {"roc_auc": 0.8, "ece": 0.01}, "peer": {"roc_auc": 0.7, "ece": 0.002}}
    text = model_card(replace(report, manifest={**report.manifest, "candidates": figures}))
    assert "<b>blend</b>" in text
    assert '<td class="number best">0.8000</td>' in text
    assert '<td class="number best">0.0020</td>' in text
    assert texts()["model.learners"]["en"] not in model_card(report)


def test_vectors_without_dates_have_a_report_too(report: Report) -> None:
    plain = {"kind": "vectors", "learner": "blend", "seed": 0, "data_digest": "ab" * 32}
    slices = {name: {"rows": 10, "cards": 10, "positives": 0} for name in ("train", "calibrate", "test", "all")}
    text = model_card(Report(report.bundle, plain, report.metrics, slices, {}, ()))
    assert "random split" in text


def test_the_report_is_a_page() -> None:
    check_report(None)
    with pytest.raises(UserError, match=r"card.doc: the report is a page"):
        check_report(Path("card.doc"))


@pytest.mark.long
def test_the_report_opens_without_an_error_in_every_language_and_on_a_phone(report: Report, tmp_path: Path) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    write_model_card(report, tmp_path / "report.html")
    with browser(program) as running:
        page = Page(running)
        page.size(390, 800, phone=True)
        page.open(tmp_path / "report.html")
        for language in LANGUAGES:
            page.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
            assert texts()["model.calibration"][language] in page.run("document.body.innerText")
            assert page.run("document.documentElement.scrollWidth") <= 390
        assert page.errors == []
