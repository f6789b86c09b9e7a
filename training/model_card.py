"""The report of a training as a page: figures beside the baselines, calibration, learners side by side, data, cautions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.serving.explanation import LANGUAGES, Texts
from blockrisk.serving.page.document import document, write_document
from blockrisk.serving.page.texts import texts
from blockrisk.training.evaluation import METRICS, Metric
from blockrisk.training.report import Report
from blockrisk.training.sentences import mistake

TOP: Final = ("roc_auc", "log_loss_skill", "observed_expected", "lift_at_5pct")
"""The figures at the top of the page, beside those of the best baseline."""

WIDTH, HEIGHT, LEFT, BELOW = 420, 300, 48, 34
"""Size of the calibration plot, and the room for its scales."""


@dataclass(frozen=True)
class Point:
    """Hold one group of rows of the calibration plot, in its units: place, and the ends of what chance alone may do."""

    x: float
    y: float
    low: float
    high: float
    rows: int
    expected: float
    observed: float


@dataclass(frozen=True)
class Curve:
    """Hold the calibration plot: its points, the end of the diagonal, and the ticks of both scales as (place, share)."""

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, float, float], ...]


def check_report(path: Path | None) -> None:
    """Refuse a name that is no page, before the training and not after it.

    >>> check_report(Path("report.pdf"))
    Traceback (most recent call last):
    blockrisk.features.errors.UserError: report.pdf: the report is a page; write a name that ends in .html
    """
    if path is not None and path.suffix != ".html":
        raise mistake("report_ending", file=path.name)


def write_model_card(report: Report, path: Path) -> None:
    """Write the report of a training as one HTML file, whole or not at all."""
    write_document(model_card(report), path)


def model_card(report: Report) -> str:
    """Render the report of a training.

    Args:
        report: what `train` gave; the candidates of its manifest, if any were compared, stand side by side.

    Returns:
        one HTML file that needs nothing else, in every language of the pages.

    """
    candidates = report.manifest.get("candidates")
    values = {
        "report": report,
        "manifest": report.manifest,
        "dated": report.manifest["kind"] == "dated",
        "top": [_top(report.metrics, name) for name in TOP if name in report.metrics.index],
        "metrics": [metric for metric in METRICS if metric.name in report.metrics.index],
        "curve": None if report.calibration is None else calibration_plot(report.calibration),
        "plot": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "below": BELOW},
        "horizons": dict(sorted((report.manifest.get("horizons") or {}).items(), key=lambda item: int(item[0]))),
        "learners": pd.DataFrame.from_dict(candidates, orient="index") if candidates else None,
        "figure": figure,
        "meaning": meaning,
        "best": best,
    }
    return document("model.html", values)


def meaning(metric: Metric) -> Texts:
    """Say what a metric means, in every language.

    >>> meaning(METRICS[1])["en"]
    'order over the whole range'
    """
    english = dict.fromkeys(LANGUAGES, metric.meaning)
    return {**english, **texts().get(f"metric.{metric.name}", {}), "en": metric.meaning}


def figure(value: Any, digits: int = 4) -> str:
    """Write a figure; what cannot be computed is a dash.

    >>> figure(0.79081), figure(float("nan"))
    ('0.7908', '–')
    """
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def best(values: Mapping[str, float] | pd.Series, metric: Metric) -> str | None:
    """Name the forecast with the best value of a metric; None for a yardstick, or where nothing can be compared.

    >>> best({"model": 0.8, "base_rate": 0.5}, METRICS[1])
    'model'
    """
    known = {str(name): float(value) for name, value in values.items() if math.isfinite(value)}
    if metric.better == "context" or len(known) < 2:
        return None
    badness = {"higher": lambda v: -v, "lower": lambda v: v, "one": lambda v: abs(math.log(v)) if v > 0 else math.inf}[
        metric.better
    ]
    return min(known, key=lambda name: badness(known[name]))


def calibration_plot(table: pd.DataFrame) -> Curve:
    """Place the groups of `curves.calibration_table` on a plot, with twice the spread that chance gives them."""
    spread = 2 * np.sqrt(table["expected"] * (1 - table["expected"]) / table["rows"])
    top = float(max(table["expected"].max(), (table["expected"] + spread).max(), table["observed"].max(), 1e-6)) * 1.05

    def x(share: float) -> float:
        return round(LEFT + (WIDTH - LEFT - 12) * share / top, 1)

    def y(share: float) -> float:
        return round(HEIGHT - BELOW - (HEIGHT - BELOW - 12) * min(max(share, 0.0), top) / top, 1)

    points = tuple(
        Point(x(e), y(o), y(e - s), y(e + s), int(n), float(e), float(o))
        for e, o, s, n in zip(table["expected"], table["observed"], spread, table["rows"], strict=True)
    )
    step = 10 ** math.floor(math.log10(top))
    step = next(size for size in (step / 5, step / 2, step, step * 2) if top / size <= 6)
    return Curve(points, tuple((x(i * step), y(i * step), i * step) for i in range(int(top / step) + 1)))


def _top(metrics: pd.DataFrame, name: str) -> dict[str, Any]:
    metric = next(metric for metric in METRICS if metric.name == name)
    row = {str(column): float(metrics[column][name]) for column in metrics.columns}
    value = row.pop("model")
    rival = best(row, metric) or next(iter(row))
    return {"metric": metric, "value": value, "rival": rival, "rival_value": row[rival]}
