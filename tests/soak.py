"""A year of mornings in a small world (`make soak` writes the figures into docs/RELIABILITY.md).

Each morning is a whole `blockrisk run` through its Python function, in one process, so that 365 do not load Python 365 times. The
day before comes in as one more file of calls; the other tables are written anew with what is known.
"""

import argparse
import gc
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from soak_quality import Quality, judge, keep

from blockrisk.features.daily import KEPT
from blockrisk.features.output import write_between
from blockrisk.training.morning.workspace import Workspace

BEGIN, END = "<!-- soak: written by make soak -->", "<!-- end of soak -->"
WARM_DAYS = 150
"""Days of data before the first morning: it trains the first version on them."""

EVENTS = {"cards": "activated_at", "complaints": "complained_at", "payments": "due_at", "blocks": "blocked_at"}
KEPT_DAYS = 60
HORIZON = 7
NOTICE_DAYS = 90
"""Days after a tightening by which an alarm must have told of it."""
SETTINGS = f"""
data = "exports"
capacity = 1
formats = ["csv"]
memory = "1GB"
jobs = 1
mlflow = false
[model]
learner = "smooth_logistic"
horizons = [{HORIZON}]
alerts = 0.05
[renew]
every_days = 28
least_blocks = 4
[keep]
days = {KEPT_DAYS}
versions = 3
"""


@dataclass(frozen=True)
class World:
    """Hold the tables of a simulated world, its first day, and which operator tightens its rules on which day."""

    tables: dict[str, pd.DataFrame]
    start: date
    operator: str
    change: date


@dataclass
class Year:
    """Collect what each morning gave; `policy` has the mornings on which an alarm of an operator began, `open` whose are open."""

    world: World | None = None
    days: list[date] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    promoted: int = 0
    trained: int = 0
    alarms: int = 0
    policy: list[tuple[date, str]] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    quality: Quality | None = None
    wrong: list[str] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)

    def found_after(self) -> int | None:
        """Give the days from the tightening to the first morning that named its operator, None if none did."""
        assert self.world is not None
        mornings = [day for day, operator in self.policy if operator == self.world.operator and day > self.world.change]
        return (min(mornings) - self.world.change).days if mornings else None

    def false_alarms(self) -> list[str]:
        """List the policy alarms that named another operator, or that one before its change."""
        assert self.world is not None
        true = self.world.operator, self.world.change
        return [f"{operator} {day}" for day, operator in self.policy if operator != true[0] or day <= true[1]]


def run_year(
    cards: int, mornings: int, thin: int, folder: Path, seed: int = 1, tell: Callable[[Year], None] = lambda _: None
) -> Year:
    """Simulate the world, and run a morning after the other; `tell` is called each month."""
    from blockrisk.training.morning import run
    from blockrisk.training.morning.settings import read_config

    with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # so that its memory is not that of the mornings
        made = apart.submit(world, cards, WARM_DAYS + mornings, thin, seed).result()
    (folder / "morning.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "exports/calls").mkdir(parents=True)
    config, year = read_config(folder / "morning.toml"), Year(made)
    for back in range(WARM_DAYS):
        _export_calls(made.tables["calls"], folder, made.start + timedelta(days=back))
    for number in range(mornings):
        day = made.start + timedelta(days=WARM_DAYS + number)
        _export(made.tables, folder, day, calls=number > 0)
        begun = time.monotonic()
        code = run.run(config, day, day)
        year.seconds.append(time.monotonic() - begun)
        year.days.append(day)
        _look(folder, day, code, year)
        keep(Workspace(folder / "workspace", folder / "lists"), day, folder / "kept")
        if number % 30 == 29:
            sys.stderr.write(f"{number + 1} mornings, {sum(year.seconds) / 60:.1f} minutes\n")
            tell(year)
        if year.wrong:
            break
    year.grown = _grown(year)
    year.quality = judge(folder / "kept", folder / "exports", year.days, HORIZON)
    year.wrong += [*year.quality.wrong(), *_unnoticed(year)]
    return year


def _unnoticed(year: Year) -> list[str]:
    """Complain of a tightening that no morning told of, where there was time."""
    assert year.world is not None
    late = (year.days[-1] - year.world.change).days
    if late < NOTICE_DAYS or year.world.change <= year.days[0] or year.found_after() is not None:
        return []
    return [f"{year.world.operator} tightened its rules on {year.world.change}, and {late} mornings raised no alarm"]


def _grown(year: Year) -> list[str]:
    """Say what grew without bound, once the year is long enough for what is kept to be full."""
    # The data grow too, and are read in part only; at alarms a version is trained every three days, and waits for three weeks.
    limits = {"memory": 0.02, "bytes": 0.2, "files": 0.2, "seconds": 2.0}
    enough = len(year.seconds) >= 4 * KEPT_DAYS
    return [
        f"{name} grew by {grown:.1%}" for name, most in limits.items() if enough and (grown := growth(getattr(year, name))) > most
    ]


def world(cards: int, days: int, thin: int, seed: int) -> World:
    """Simulate, with one call in `thin`; a call's `day` is that of the export which it came in."""
    from blockrisk.training import simulator
    from blockrisk.training.simulator.policy import OPERATORS

    start = date(2023, 7, 1)  # the mornings see a new year and a 29 February
    found = simulator.simulate(cards, days, seed, start=start, rollouts=1)
    calls = found.tables["calls"].iloc[::thin]
    calls = calls.assign(day=calls["available_at"].fillna(calls["started_at"]).dt.date)
    tables = {name: found.tables[name] for name in EVENTS}
    policy = found.policy
    return World({**tables, "calls": calls}, start, OPERATORS[policy.tightened], policy.date(policy.change_day))


def _export(tables: dict[str, pd.DataFrame], folder: Path, day: date, *, calls: bool) -> None:
    if calls:
        _export_calls(tables["calls"], folder, day - timedelta(days=1))
    for name, column in EVENTS.items():
        event, rows = tables[name][column], tables[name]
        known = rows[rows.get("available_at", event).fillna(event) < pd.Timestamp(day)]
        later = {other: known[other].where(known[other] < pd.Timestamp(day)) for other in known.select_dtypes("datetime")}
        known.assign(**later).to_parquet(folder / f"exports/{name}.parquet", index=False)


def _export_calls(calls: pd.DataFrame, folder: Path, day: date) -> None:
    rows = calls[calls["day"] == day].drop(columns="day")
    rows.to_parquet(folder / f"exports/calls/{day}.parquet", index=False)


def _look(folder: Path, day: date, code: int, year: Year) -> None:
    """Say what is not as it must be after a morning, and measure."""
    record = json.loads((folder / f"workspace/runs/{day}.json").read_text(encoding="utf-8"))
    steps = {step["name"]: step for step in record["steps"]}
    if (code, record["status"], len(record["attempts"])) != (0, "done", 1):
        year.wrong.append(f"{day}: left with {code}: {[step.get('why') or step.get('failed') for step in steps.values()]}")
    listed = pd.read_csv(folder / f"lists/{day}/list.csv", dtype={"card_id": str})
    scored = pd.read_parquet(folder / f"workspace/scores/{day}.parquet")
    if not (len(listed) == len(scored) == steps["features"]["rows"] > 0 and listed["alert"].sum() == steps["score"]["alerts"]):
        year.wrong.append(f"{day}: the list holds {len(listed)} cards, the scores {len(scored)}")
    for table in steps["check"]["accounting"]:
        if table["read"] != table["used"] + table["duplicates"] + table["quarantined"]:
            year.wrong.append(f"{day}: rows of {table['table']} are not accounted for")
    for name in ("lists", "workspace/scores", "workspace/runs"):
        dated = [path for path in (folder / name).iterdir() if path.name[0] == "2"]
        if len(dated) > KEPT_DAYS + 1:
            year.wrong.append(f"{day}: {name} holds {len(dated)} mornings")
    year.trained += bool(steps["renew"].get("version") or steps["model"].get("trained"))
    year.promoted += "serves from now on" in " ".join(steps["promote"]["lines"])
    alarms = steps["monitor"]["findings"]["alarms"]
    year.alarms += bool(alarms)
    named = {alarm["values"]["operator"] for alarm in alarms if alarm["kind"].startswith("policy")}
    year.policy += [(day, operator) for operator in sorted(named - year.open)]
    year.open = named
    _measure(folder, day, year)


def _measure(folder: Path, day: date, year: Year) -> None:
    """Count what the workspace and the lists hold, and the memory of this process."""
    there = [path for place in ("workspace", "lists") for path in (folder / place).rglob("*") if path.is_file()]
    kept = [path for path in there if "calls" not in path.parts]
    days = len(list((folder / "exports/calls").iterdir()))
    if len(there) - len(kept) > 2 * (2 + len(KEPT)) * days:  # calls, context and daily rows of this state and of the one before
        year.wrong.append(f"{day}: workspace/calls holds {len(there) - len(kept)} files")
    year.files.append(len(kept))
    year.bytes.append(sum(path.stat().st_size for path in kept))
    gc.collect()
    year.memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())


def growth(values: list[float] | list[int]) -> float:
    """Give the median of the last quarter over that of the second, less one: the first fills what is kept."""
    quarter = max(1, len(values) // 4)
    return float(np.median(values[-quarter:]) / np.median(values[quarter : 2 * quarter])) - 1


def section(year: Year, cards: int, minutes: float) -> str:
    seconds = _two(year.seconds, 1.0, ".2f")
    judged = _told(year) + (year.quality.lines() if year.quality else "")
    return f"""| {len(year.seconds)} mornings of {cards} cards, one after the other | figure |
| --- | --- |
| left with 0, list delivered, each row accounted for | {len(year.seconds) - len(year.wrong)} |
| versions trained, of these promoted after the comparison | {year.trained}, {year.promoted} |
| mornings with an alarm of any kind | {year.alarms} |
{judged}| seconds of a morning, median of the second and of the last quarter | {seconds} |
| files of models, scores, lists and records (kept {KEPT_DAYS} days), the same | {_two(year.files, 1.0, ",.0f")} |
| MB of them, the same | {_two(year.bytes, 1e6, ".2f")} |
| MB of memory of the process, the same | {_two(year.memory, 1e6, ",.0f")} |

Measured on {time.strftime("%Y-%m-%d")} in {minutes:.1f} minutes; Python {platform.python_version()}."""


def _told(year: Year) -> str:
    """Tell what became of the tightening, if it comes in the year."""
    assert year.world is not None
    false = f"| policy alarms of other operators, or before a change | {', '.join(year.false_alarms()) or 0} |\n"
    if not year.days or not year.days[0] < year.world.change <= year.days[-1]:
        return false
    after = year.found_after()
    told = "no alarm" if after is None else f"alarm after {after} days"
    return f"| {year.world.operator} tightens its rules on {year.world.change} | {told} |\n{false}"


def _two(values: list[float] | list[int], unit: float, how: str) -> str:
    quarter = max(1, len(values) // 4)
    parts = (values[quarter : 2 * quarter], values[-quarter:])
    return ", ".join(format(float(np.median(part)) / unit, how) for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--cards", type=int, default=2000)
    parser.add_argument("--mornings", type=int, default=365)
    parser.add_argument("--thin", type=int, default=40, help="keep one call in so many")
    given = parser.parse_args()
    begun = time.monotonic()

    def tell(year: Year) -> None:  # as it goes: an hour is easily interrupted
        write_between(given.page, BEGIN, END, section(year, given.cards, (time.monotonic() - begun) / 60))

    with tempfile.TemporaryDirectory(prefix="year-") as folder:
        year = run_year(given.cards, given.mornings, given.thin, Path(folder), tell=tell)
    tell(year)
    wrong = [*year.wrong, *year.grown]
    sys.stdout.write("\n".join([*wrong, f"{len(year.seconds)} mornings, {len(wrong)} wrong"]) + "\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
