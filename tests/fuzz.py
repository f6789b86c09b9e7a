"""Read many malformed files and write the figures into docs/RELIABILITY.md (`make fuzz`)."""

import argparse
import platform
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
from malformed import Malformed, malformed
from test_malformed import problems, together

from blockrisk.features.output import write_between

BEGIN, END = "<!-- fuzz: written by make fuzz -->", "<!-- end of fuzz -->"
BATCH = 200


@dataclass
class Tally:
    """Count what was read and what went wrong."""

    files: int = 0
    rows: int = 0
    set_aside: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    def add(self, files: list[Malformed]) -> None:
        self.files += len(files)
        self.rows += sum(len(file.used) + file.duplicates for file in files)
        self.set_aside += sum(len(file.refused) for file in files)
        self.refused += sum(bool(file.error) for file in files)
        for group in together(files):
            try:
                self.wrong += problems(group)
            except Exception as error:  # noqa: BLE001  (what is counted here is any exception at all)
                self.tracebacks.append(f"seeds {[file.seed for file in group]}: {type(error).__name__}: {error}")


def run(first: int, files: int, minutes: float, page: Path) -> Tally:
    """Read batch after batch, and write the figures so far after each: an end before the last loses nothing."""
    tally, begun = Tally(), time.monotonic()
    while tally.files < files and time.monotonic() - begun < minutes * 60:
        seeds = range(first + tally.files, first + min(files, tally.files + BATCH))
        tally.add([malformed(seed) for seed in seeds])
        write_between(page, BEGIN, END, section(tally, first, time.monotonic() - begun))
    return tally


def section(tally: Tally, first: int, seconds: float) -> str:
    return f"""| malformed files | figure |
| --- | --- |
| files read (seeds {first} to {first + tally.files - 1}) | {tally.files:,} |
| good rows in them, each read as it is | {tally.rows:,} |
| bad rows in them, each set aside with its line | {tally.set_aside:,} |
| files refused as a whole, each with its sentence | {tally.refused:,} |
| rows read wrongly, lost or set aside without cause | {len(tally.wrong):,} |
| tracebacks | {len(tally.tracebacks):,} |

Measured on {date.today()} in {seconds / 60:.1f} minutes; Python {platform.python_version()}, DuckDB {duckdb.__version__}."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--first", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=600)
    given = parser.parse_args()
    tally = run(given.first, given.files, given.minutes, given.page)
    for line in [*tally.wrong, *tally.tracebacks]:
        sys.stdout.write(f"{line[:500]}\n")
    sys.stdout.write(f"{tally.files} files, {len(tally.wrong)} wrong, {len(tally.tracebacks)} tracebacks\n")
    sys.exit(bool(tally.wrong or tally.tracebacks))


if __name__ == "__main__":
    main()
