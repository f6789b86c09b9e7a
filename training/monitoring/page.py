"""Write the measured figures of the policy alarm into docs/MONITORING.md: `python -m blockrisk.training.monitoring.page docs`."""

import sys
from pathlib import Path
from typing import Final

from blockrisk.features.output import write_between
from blockrisk.training.monitoring.trial import Trial, trial

SIZES: Final = (320, 417, 1500)
"""Cards of an operator: in a simulated world of 2,500 and six operators those at risk on a morning, and all; a large one."""

CALIBRATIONS: Final = (0.85, 1.0, 1.15)
YEARS: Final = 200
SEED: Final = 23
"""Not the one that the limits were chosen by (7), so that the false alarms are not told too low."""
START, END = "<!-- trial: written by python -m blockrisk.training.monitoring.page docs -->", "<!-- end of trial -->"


def figures(years: int = YEARS, seed: int = SEED) -> list[Trial]:
    """Make every trial."""
    return [trial(cards, calibration, years, seed) for cards in SIZES for calibration in CALIBRATIONS]


def section(trials: list[Trial], years: int) -> str:
    """Tabulate the trials, worst cases first in the sentence below."""
    lines = [
        "| cards of the operator | true blocks / forecast | false alarms a year | a doubling is found after, days (median)"
        " | the same, told the true rate | error of its date, days (median) | 95 % interval of the size holds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {t.cards:,} | {t.calibration:.2f} | {t.false_alarms:.2f} | {t.delay_days:g} | {t.known_days:g} | {t.date_error_days:g}"
        f" | {t.covered:.0%} |"
        for t in trials
    ]
    worst = max(t.false_alarms for t in trials)
    return "\n".join(
        [
            *lines,
            "",
            f"{years} operators' years without a change and {years} with one in each row; at most {worst:.2f} false alarms.",
        ]
    )


def write_figures(docs: Path, trials: list[Trial], years: int) -> None:
    """Put the figures between their marks."""
    write_between(docs / "MONITORING.md", START, END, section(trials, years))


if __name__ == "__main__":
    write_figures(Path(sys.argv[1]), figures(), YEARS)
