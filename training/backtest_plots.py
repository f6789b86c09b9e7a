"""Plots of a backtest: drawing only, from the tables of `backtest_tables`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from blockrisk.training.backtest import ORACLE, Backtest
from blockrisk.training.backtest_tables import ALL, samples_of
from blockrisk.training.plots import MODEL, gain, page, precision_recall, reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_backtest(found: Backtest, tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Draw all plots of a backtest as PNG files into an existing folder and return their paths."""
    samples = samples_of(found)
    judged = {MODEL: samples[found.default], **{name: sample for name, sample in samples.items() if name != found.default}}
    plots = {
        "reliability.png": reliability(samples[found.default]),
        "precision_recall.png": precision_recall(judged),
        "gain.png": gain(judged),
        "skill_by_origin.png": skill_by_origin(tables["figures"], [str(origin.start.date()) for origin in found.origins]),
        "paired.png": paired_differences(tables["paired"], found.default),
        "operators.png": observed_expected_by_operator(tables["groups"], found.default),
    }
    for name, figure in plots.items():
        figure.savefig(folder / name, dpi=120)
    return [folder / name for name in plots]


def skill_by_origin(table: pd.DataFrame, starts: list[str]) -> "Figure":
    """Draw the log-loss skill of every forecast at each origin, with its interval."""
    figure, axes = page("first day forecast", "log loss saved against the base rate")
    rows = table[(table["metric"] == "log_loss_skill") & (table["origin"] != ALL)]
    names = list(dict.fromkeys(rows["learner"]))
    for number, name in enumerate(names):
        part = rows[rows["learner"] == name]
        place = part["origin"].astype(int).to_numpy() - 1 + (number - len(names) / 2) * 0.08
        spread = np.vstack([part["value"] - part["low"], part["high"] - part["value"]]).clip(min=0)
        color = "0.5" if name == ORACLE else f"C{number}"
        axes.errorbar(
            place, part["value"], yerr=spread, fmt="o", markersize=3, linewidth=1, color=color, label=name.replace("_", " ")
        )
    axes.axhline(0, color="0.7", linewidth=1)
    axes.set_xticks(range(len(starts)), starts, rotation=30)
    axes.legend(frameon=False, fontsize="small")
    return figure


def paired_differences(table: pd.DataFrame, default: str) -> "Figure":
    """Draw the difference of every other forecast's log-loss skill to the default's, on the same cards."""
    figure, axes = page(f"log-loss skill less that of {default}", "")
    rows = table[(table["metric"] == "log_loss_skill") & (table["learner"] != ORACLE)]
    place = np.arange(len(rows))
    spread = np.vstack([rows["value"] - rows["low"], rows["high"] - rows["value"]]).clip(min=0)
    axes.errorbar(rows["value"], place, xerr=spread, fmt="o", capsize=2)
    axes.axvline(0, color="0.6", linewidth=1)
    axes.set_yticks(place, [name.replace("_", " ") for name in rows["learner"]])
    return figure


def observed_expected_by_operator(table: pd.DataFrame, default: str) -> "Figure":
    """Draw observed over expected blocks of the default learner by operator, with exact intervals."""
    figure, axes = page("blocks observed / expected", "")
    rows = table[(table["by"] == "operator") & (table["learner"] == default)]
    place = np.arange(len(rows))
    ratio = rows["observed_expected"].to_numpy()
    spread = np.vstack([ratio - rows["low"], rows["high"] - ratio]).clip(min=0)
    axes.errorbar(ratio, place, xerr=spread, fmt="o", capsize=2)
    axes.axvline(1, color="0.6", linewidth=1)
    axes.set_yticks(place, rows["group"])
    return figure
