"""Measure scoring with the demo's model: `python benchmarks/scoring.py demo --page docs/SCALE.md` (make demo first).

CPU time, the least of the rounds, since a busy machine only adds: of single rows that of their median.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from blockrisk.features import at_risk, read_tables, vectors
from blockrisk.features.output import write_between
from blockrisk.serving.predict import Model, forecast_dates, load_model, predict

START, END = "<!-- scoring -->", "<!-- /scoring -->"
ROWS, SINGLE, ROUNDS = 100_000, 300, 5
COLD = "import sys; from blockrisk.serving import predict; predict({'calls_out_1d': 350}, model=sys.argv[1])"


def spent(do: Callable[[], object], times: int) -> np.ndarray:
    """Give the CPU seconds of each of so many calls, float64[times]."""
    found = np.empty(times)
    for place in range(times):
        begun = time.process_time_ns()
        do()
        found[place] = (time.process_time_ns() - begun) / 1e9
    return found


def cold(model: Path) -> float:
    """Give the CPU seconds of a new process that forecasts one card, with bytecode kept as Python does unless told otherwise."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen([sys.executable, "-c", COLD, str(model)], env=kept)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit("the new process failed")
    return usage.ru_utime + usage.ru_stime


def measure(frame: pd.DataFrame, model: Model, path: Path) -> dict[str, float]:
    """Measure one row and many, in seconds."""
    row = frame.iloc[[0]]
    one = model.values(row)
    many = frame.iloc[np.arange(ROWS) % len(frame)].reset_index(drop=True)
    all_ = model.values(many)
    return {
        "one": min(float(np.median(spent(lambda: model.probability(one), SINGLE))) for _ in range(ROUNDS)),
        "frame": min(float(np.median(spent(lambda: predict(row, model=model), SINGLE))) for _ in range(ROUNDS)),
        "batch": float(spent(lambda: model.probability(all_), ROUNDS).min()) / ROWS,
        "predict": float(spent(lambda: predict(many, model=model), ROUNDS).min()) / ROWS,
        "cold": min(cold(path) for _ in range(ROUNDS)),
    }


def table(found: dict[str, float], model: Model, load: float) -> str:
    """Lay out the figures as Markdown."""
    what = f"{model.bundle.manifest['learner']} on {len(model.columns)} columns"
    return f"""Written by `python benchmarks/scoring.py demo`: {what}, CPU time, at a load of {load:.0f}.

| scoring | figure |
| --- | --- |
| one row, `model.probability(values)`, median | {found["one"] * 1e3:.2f} ms |
| one row, `predict` on a frame, median | {found["frame"] * 1e3:.1f} ms |
| a row of {ROWS:,}, `model.probability(values)` | {found["batch"] * 1e6:.1f} microseconds |
| the same with `predict`: checked, reasons, rank, band and further horizons | {found["predict"] * 1e6:.0f} microseconds |
| first forecast of a new process, imports included | {found["cold"]:.2f} s |
"""


def main() -> None:
    """Measure, print, and write the page if one is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="the folder that blockrisk demo filled")
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    path = asked.demo / "model"
    model, tables = load_model(path), read_tables(asked.demo / "data")
    frame = vectors(tables, at_risk(tables, forecast_dates(tables, None)), model.columns)
    told = table(measure(frame, model, path), model, load)
    sys.stdout.write(told)
    if asked.page:
        write_between(asked.page, START, END, told.strip())


if __name__ == "__main__":
    main()
