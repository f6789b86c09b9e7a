"""Measure a new morning with a store beside the same from scratch, and write the figures into docs/SCALE.md.

    python benchmarks/morning.py --rounds 2 --page docs/SCALE.md

A history of 90 days is read into a store; then day after day one file more comes in, and the vectors of the new date are computed
with the store and without, each in a process of its own. CPU seconds are those of reading and vectors, without the start of the
process; the least of the rounds is told, since a busy machine only adds. The vectors must be the same to the bit.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from data import FIRST, make

from blockrisk.features.output import write_between

START, END = "<!-- morning -->", "<!-- /morning -->"


def one(data: str, as_of: str, out: str, store: str = "") -> None:
    """Read and compute in this process; print the CPU seconds of both as JSON."""
    import time

    from blockrisk.features import at_risk, read_tables, vectors

    start = time.process_time()
    tables = read_tables(data, store=Path(store) if store else None)
    read = time.process_time()
    found = vectors(tables, at_risk(tables, [as_of]))
    told = {"reading": read - start, "vectors": time.process_time() - read}
    found.to_parquet(out, index=False)
    print(json.dumps(told))  # noqa: T201 - its parent reads it


def run(*asked: str) -> dict[str, float]:
    """Do the same in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--one", *asked], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(place: Path, cards: int, days: int, calls_a_day: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Measure the first reading into a store, and `rounds` mornings with it and from scratch."""
    data, aside, kept = place / "data", place / "aside", str(place / "kept")
    aside.mkdir()
    make(data, calls_a_day * (days + rounds), cards=cards, days=days + rounds)
    new = sorted((data / "calls").iterdir())[days - 1 :]  # the first of them comes before the measured ones: it settles the store
    for path in new:
        path.rename(aside / path.name)
    runs: dict[str, list[dict[str, float]]] = {"first": [run(str(data), _as_of(days - 1), str(place / "first"), kept)]}
    for number, path in enumerate(new):
        (aside / path.name).rename(path)
        got, want = place / "got.parquet", place / "want.parquet"
        morning = run(str(data), _as_of(days + number), str(got), kept)
        if number == 0:
            continue
        scratch = run(str(data), _as_of(days + number), str(want))
        pd.testing.assert_frame_equal(pd.read_parquet(got), pd.read_parquet(want), check_exact=True)
        for name, found in (("morning", morning), ("scratch", scratch)):
            runs.setdefault(name, []).append(found)
            print(name, found, flush=True)  # noqa: T201
    return runs


def _as_of(days: int) -> str:
    return str((FIRST + np.timedelta64(days, "D")).astype("datetime64[D]"))


def table(runs: dict[str, list[dict[str, float]]], cards: int, days: int, calls_a_day: int, load: float) -> str:
    """Lay out the figures as Markdown."""
    least = {name: {key: min(found[key] for found in rounds) for key in rounds[0]} for name, rounds in runs.items()}
    total = {name: found["reading"] + found["vectors"] for name, found in least.items()}
    lines = [
        f"Written by `python benchmarks/morning.py`: {cards:,} cards, {days} days, {calls_a_day:,} calls a day as Parquet, all",
        f"columns at one new date; CPU seconds, the least of {len(runs['morning'])} rounds, at a load of {load:.0f}. The vectors",
        "were the same bits.",
        "",
        "| | reading | vectors | both | from scratch against it |",
        "| --- | --- | --- | --- | --- |",
    ]
    said = {"scratch": "from scratch", "morning": "a new morning with the store", "first": "the first reading into a store"}
    lines += [
        f"| {said[name]} | {least[name]['reading']:.1f} | {least[name]['vectors']:.1f} | {total[name]:.1f} "
        f"| {total['scratch'] / total[name]:.1f} |"
        for name in said
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the figures between the marks of a page if one is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=2_500)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--calls-a-day", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(*asked.one)
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="blockrisk-bench-") as place:
        runs = measure(Path(place), asked.cards, asked.days, asked.calls_a_day, asked.rounds)
    text = table(runs, asked.cards, asked.days, asked.calls_a_day, load)
    if asked.page:
        write_between(asked.page, START, END, text)
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
