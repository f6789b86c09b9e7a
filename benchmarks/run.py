"""Measure the feature engine beside Polars, pandas and a bare scan: `python benchmarks/run.py --sizes 1,10 --rounds 3 --page FILE`.

Every contender runs in its own process, in interleaved rounds. CPU seconds and peak memory are those of the whole process, as the
kernel counts them; the least of the rounds is told, since a busy machine only adds.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from columns import COLUMNS
from contend import CONTENDERS
from data import make

Runs = dict[tuple[int, str], list[dict[str, float]]]
HERE = Path(__file__).resolve().parent
PLOT = "bench/growth.png"
MOST = {"pandas": 20_000_000}
"""The most calls of a contender: pandas would need more memory than the machine has."""


def measure(name: str, folder: Path, out: Path) -> dict[str, float]:
    """Run one contender and give CPU seconds, peak memory in GB and the CPU seconds of its phases."""
    command = [sys.executable, str(HERE / "contend.py"), name, str(folder), str(out)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{name} failed on {folder}")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024**2
    return {"cpu": cpu, "peak": peak, **json.loads(said)}


def agreement(ours: Path, theirs: Path) -> tuple[int, int]:
    """Count the values of the common rows, and those that differ by more than 1e-9 (missing and zero count as the same)."""
    left, right = (
        pd.read_parquet(path).astype({"as_of": "datetime64[us]"}).set_index(["card_id", "as_of"]) for path in (ours, theirs)
    )
    values = [np.nan_to_num(frame[list(COLUMNS)].to_numpy(dtype="float64")) for frame in (left.loc[right.index], right)]
    return values[0].size, int((~np.isclose(*values, rtol=1e-9, atol=1e-9)).sum())


def run(millions: list[float], rounds: int, skipped: set[str]) -> Iterator[tuple[Runs, dict[str, tuple[int, int]]]]:
    """Measure every contender on every size; compare the vectors of the last round. Give all that is known after each size."""
    runs: Runs = defaultdict(list)
    agreed: dict[str, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory(prefix="blockrisk-bench-") as place:
        for size in millions:
            calls = int(size * 1e6)
            folder = Path(place, f"data-{calls}")
            make(folder, calls)
            for number in range(rounds):
                for name in CONTENDERS:
                    if name in skipped or calls > MOST.get(name, calls):
                        continue
                    out = Path(place, f"{name}.parquet")
                    runs[calls, name].append(measure(name, folder, out))
                    print(f"{calls:,} calls, round {number + 1}: {name} {runs[calls, name][-1]}", flush=True)  # noqa: T201
            for name in ("Polars streaming", "pandas"):
                if (calls, name) in runs:
                    agreed[f"{calls:,} calls, {name}"] = agreement(Path(place, "ours.parquet"), Path(place, f"{name}.parquet"))
            shutil.rmtree(folder)
            yield runs, agreed


def plot(runs: Runs, path: Path) -> None:
    """Draw CPU seconds and peak memory over the number of calls, both axes in powers of ten."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name in dict.fromkeys(name for _, name in runs):
        sizes = sorted(calls for calls, other in runs if other == name)
        for axis, key in zip(axes, ("cpu", "peak"), strict=True):
            axis.loglog(sizes, [_least(runs[size, name])[key] for size in sizes], marker="o", label=name)
    for axis, title in zip(axes, ("CPU seconds of the process", "peak memory, GB"), strict=True):
        axis.set(title=title, xlabel="calls")
        axis.grid(which="both", alpha=0.3)
    axes[0].legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def page(runs: Runs, agreed: dict[str, tuple[int, int]], command: str, load: float) -> str:
    """Write what was measured as Markdown."""
    lines = [
        _HEAD.format(command=command, load=f"{load:.0f}", machine=f"{os.cpu_count()} cores, Python {platform.python_version()}")
    ]
    for calls in sorted({calls for calls, _ in runs}):
        mine = _least(runs[calls, "ours"])
        lines.append(f"\n## {calls:,} calls, 40,000 vectors\n")
        lines.append(
            "| contender | CPU s | of it features | µs a call | CPU against ours | peak GB |\n| --- | --- | --- | --- | --- | --- |"
        )
        lines += [_row(name, calls, _least(found), mine["cpu"]) for (size, name), found in runs.items() if size == calls]
    lines.append("\n## Agreement\n")
    lines += [
        f"- {where}: {wrong:,} of {values:,} values differ from ours by more than 1e-9."
        for where, (values, wrong) in agreed.items()
    ]
    said = "rows repeat another in card, moment and callee; ours drops them, others do not."
    lines += [f"- {calls:,} calls: {found[0]['repeated']:,} {said}" for (calls, name), found in runs.items() if name == "ours"]
    lines.append("\n## Growth\n\n| contender | calls | CPU | peak memory |\n| --- | --- | --- | --- |")
    sizes = sorted({calls for calls, _ in runs})
    for first, then in ((size, 10 * size) for size in sizes if 10 * size in sizes):
        for name in (name for calls, name in runs if calls == then):
            before, after = _least(runs[first, name]), _least(runs[then, name])
            growth = f"x {after['cpu'] / before['cpu']:.1f} | x {after['peak'] / before['peak']:.1f}"
            lines.append(f"| {name} | {first:,} to {then:,} | {growth} |")
    if len(sizes) > 1:
        lines.append(f"\n![CPU seconds and peak memory over the number of calls]({PLOT})")
    return "\n".join(lines) + "\n"


_HEAD = """# Benchmarks

Written by `{command}` ({machine}); do not edit. `make bench` measures anew, `make bench-quick` in under two minutes.

Data: 10,000 cards, 60 days, one Parquet file a day sorted by time, four weekly dates (`benchmarks/data.py`). Every contender
computes the 41 columns of `benchmarks/columns.py` in its own process; CPU seconds are those of the whole process, imports and
reading included, the least of the interleaved rounds. "Ours" reads through the door, which types and checks every cell of every
column and looks for duplicates; the others read the columns that they need and believe them. "Of it features" is what `vectors`
takes after that, and for ours the microseconds are of that alone. Without --memory DuckDB may take four
fifths of the machine's memory. The load of the machine when it began was {load}: other work that shares two cores raises CPU
seconds too, so compare within a table, not between pages."""


def _least(found: list[dict[str, float]]) -> dict[str, float]:
    return {key: min(one[key] for one in found) for key in found[0]}


def _row(name: str, calls: int, best: dict[str, Any], mine: float) -> str:
    features = best.get("features")
    shown, each = (
        ("", f"{best['cpu'] / calls * 1e6:.2f}") if features is None else (f"{features:.1f}", f"{features / calls * 1e6:.2f}")
    )
    return f"| {name} | {best['cpu']:.1f} | {shown} | {each} | {best['cpu'] / mine:.2f} | {best['peak']:.2f} |"


def main() -> None:
    """Measure, and write the page if one is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1", help="millions of calls, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", action="append", default=[], help="a contender to leave out")
    parser.add_argument("--page", type=Path, help="write the figures to this page")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    command = f"python benchmarks/run.py --sizes {options.sizes} --rounds {options.rounds}"
    for runs, agreed in run([float(size) for size in options.sizes.split(",")], options.rounds, set(options.skip)):
        text = page(runs, agreed, command, load)
        if options.page:
            options.page.parent.mkdir(parents=True, exist_ok=True)
            options.page.write_text(text, encoding="utf-8")
            plot(runs, options.page.parent / PLOT)
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
