"""Plots: drawing only; what is drawn is computed in `curves`. No global state, no window, no display needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blockrisk.training.curves import calibration_table, gain_curve, recall_curve
from blockrisk.training.evaluation import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODEL = "model"
"""The key of the forecast that is judged; every other one is a baseline, drawn thin."""


def draw_all(samples: Mapping[str, Sample], folder: Path) -> list[Path]:
    """Draw the reliability, precision-recall and gain plots as PNG files into `folder` and return their paths.

    `samples` holds the forecast under "model" and the baselines under their names, all of the same rows. The folder
    must exist; files of these names are replaced.
    """
    plots = {
        "reliability.png": reliability(samples[MODEL]),
        "precision_recall.png": precision_recall(samples),
        "gain.png": gain(samples),
    }
    for name, figure in plots.items():
        figure.savefig(folder / name, dpi=120)
    return [folder / name for name in plots]


def reliability(sample: Sample) -> "Figure":
    """Draw observed against expected rates in groups of about equal size, with the spread that chance gives."""
    table = calibration_table(sample.y, sample.p)
    figure, axes = page("forecast probability, mean of the group", "blocked within the horizon, share of the group")
    spread = np.sqrt(table["expected"] * (1 - table["expected"]) / table["rows"])
    top = float(max(table["expected"].max(), table["observed"].max(), 1e-6)) * 1.1 if len(table) else 1.0
    axes.plot([0, top], [0, top], color="0.6", linewidth=1, label="perfect")
    axes.errorbar(
        table["expected"],
        table["observed"],
        yerr=2 * spread,
        fmt="o",
        color="C0",
        capsize=2,
        label="tenths of the rows",
    )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.legend(frameon=False)
    return figure


def precision_recall(samples: Mapping[str, Sample]) -> "Figure":
    """Draw precision against recall for the model and its baselines; the base rate is the floor."""
    figure, axes = page("recall: share of the blocks that are caught", "precision: share of the alerts that are right")
    for name, sample in samples.items():
        table = recall_curve(sample.y, sample.p)
        axes.step(table["recall"], table["precision"], where="post", label=_label(name), linewidth=_width(name))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)
    return figure


def gain(samples: Mapping[str, Sample]) -> "Figure":
    """Draw which share of the blocks lies in the top share of the cards."""
    figure, axes = page("share of the cards looked at, riskiest first", "share of the blocks among them")
    for name, sample in samples.items():
        table = gain_curve(sample.y, sample.p)
        axes.plot(table["looked_at"], table["caught"], label=_label(name), linewidth=_width(name))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)
    return figure


def page(x: str, y: str) -> tuple["Figure", "Axes"]:
    """Start a plot with the names of its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _label(name: str) -> str:
    return name.replace("_", " ")


def _width(name: str) -> float:
    return 2.0 if name == MODEL else 1.0
