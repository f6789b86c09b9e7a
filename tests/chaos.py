"""Kill runs, trainings and scorings at random moments, and look at what is left (`make chaos`)."""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from mornings import AS_OF, by_month, settings, small_world

from blockrisk.features.daily_manifest import MANIFEST as DAILY
from blockrisk.features.intake.days import digest_of
from blockrisk.features.intake.manifest import DAYS, MANIFEST, ROWS
from blockrisk.features.output import write_between

BEGIN, END = "<!-- chaos: written by make chaos -->", "<!-- end of chaos -->"
CARDS = 120
LONGEST = 600
"""Seconds after which a command that was not killed is given up."""


@dataclass(frozen=True)
class Command:
    """Name a command to kill: what it is called with in the folder of its world, and how that world is prepared."""

    name: str
    arguments: tuple[str, ...]
    share: float
    more: str = ""


MODEL = ("--out", "workspace/model", "--learner", "smooth_logistic", "--horizons", "7", "--no-mlflow", "--replace")
COMMANDS = (
    Command("run", ("run", "morning.toml", "--as-of", str(AS_OF)), 0.4),
    Command("run, training a challenger", ("run", "morning.toml", "--as-of", str(AS_OF)), 0.2, "[renew]\nevery_days = 1"),
    Command("score", ("score", "exports", "--model", "model", "--out", "lists/list.csv", "--out", "lists/list.parquet"), 0.2),
    Command("train --replace", ("train", "exports", *MODEL), 0.2),
)


@dataclass
class Tally:
    """Count the kills by command, the starts that finished, and what was wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    hazards: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def forked(work: Callable[[], object], seconds: float | None = None) -> int | None:
    """Do work in a child that has all modules loaded; kill it after so many seconds (None then), or give its exit code."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            work()
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        except BaseException:  # noqa: BLE001  (a child must not come back as a second test run)
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    if (ended := _waited(child, LONGEST if seconds is None else seconds)) is not None:
        return ended
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has not come so far as to have a group of its own
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _waited(child: int, seconds: float) -> int | None:
    """Wait for a child, and give its exit code; None when it is still at work."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def call(folder: Path, command: Command, outlet: int | None = None) -> None:
    """Run a command in its folder; what it says goes to said.txt, or to an open descriptor."""
    from blockrisk.training.cli import main

    os.chdir(folder)
    with contextlib.ExitStack() as open_files:
        said = open_files.enter_context(os.fdopen(outlet, "w") if outlet is not None else (folder / "said.txt").open("w"))
        open_files.enter_context(contextlib.redirect_stdout(said))
        open_files.enter_context(contextlib.redirect_stderr(said))
        main(command.arguments)


def prepare(demo: Path, folder: Path) -> None:
    """Make the worlds: exports, a bundle, and for runs a workspace in which it serves and has all days but a month."""
    from blockrisk.features import at_risk, read_tables, vectors
    from blockrisk.training.morning import registry

    folder.mkdir(parents=True, exist_ok=True)
    exports = small_world(demo, folder, CARDS)
    newest = next(path for path in by_month(exports) if path.stem == str(AS_OF - timedelta(days=1))[:7])
    newest.rename(folder / newest.name)
    tables = read_tables(exports, store=folder / "workspace/calls")
    vectors(tables, at_risk(tables, [newest.stem + "-01"]))
    (folder / newest.name).rename(newest)
    shutil.copytree(demo / "demo/model", folder / "model")
    shutil.copytree(demo / "demo/model", folder / "workspace/model")
    registry.add_version(folder / "workspace/models", folder / "model", {"made_at": "2025-03-28", "inputs": None})
    registry.promote(folder / "workspace/models", "v1")
    (folder / "lists").mkdir()


def results(folder: Path) -> dict[str, bytes]:
    """Read everything that a user or a later run may see, by name; hidden files are nobody's, records tell of times.

    The store of calls is looked at apart (`torn`): it is filled in parts, each whole, so it has more states than before and after.
    """
    found = {}
    for path in sorted([*folder.glob("lists/**/*"), *folder.glob("workspace/**/*")]):
        parts = path.relative_to(folder).parts
        if (
            path.is_file()
            and not any(part.startswith(".") for part in parts)
            and parts[1] not in ("runs", "work", "tmp", "run.lock")
            and parts[:2] != ("workspace", "calls")
        ):
            found["/".join(parts)] = path.read_bytes()
    return found


def look(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[str]:
    """Say what is half-written: each file must be as it was before the command or as it is after it, folders as wholes."""
    there = results(folder)
    for name, content in there.items():
        if content not in (before.get(name), after.get(name)):
            yield f"{name} is neither as before nor as after"
    wholes = {_whole(name) for name in there}
    for whole in wholes:
        names = {name for name in there if _whole(name) == whole}
        if names not in ({n for n in before if _whole(n) == whole}, {n for n in after if _whole(n) == whole}):
            yield f"{whole} holds only {', '.join(sorted(names))}"
        states = [all(there[n] == known.get(n) for n in names) for known in (before, after)]
        if not any(states):
            yield f"{whole} mixes what was before and after"
    for path in folder.glob("workspace/runs/*.json"):
        json.loads(path.read_text())
    yield from torn(folder / "workspace/calls")
    for name in ("workspace/model", "workspace/models/v1"):
        if not (folder / name).is_dir():
            yield f"{name} is gone"


def torn(store: Path) -> Iterator[str]:
    """Name the files of the store of calls that its manifests name and that are not there as they were written."""
    calls, daily = (json.loads(path.read_text()) if path.exists() else {} for path in (store / MANIFEST, store / DAILY))
    named = {f"{DAYS}/{day['name']}": day["sha256"] for day in calls.get("days", {}).values()}
    rows = [one for day in daily.get("days", {}).values() for one in day["files"].values()]
    named |= {f"{ROWS}/{one['name']}": one["sha256"] for one in [*rows, *filter(None, [daily.get("numbers")])]}
    for name, sha256 in named.items():
        if not (store / name).is_file() or digest_of(store / name) != sha256:
            yield f"workspace/calls/{name} is not as its manifest says"


def _whole(name: str) -> str:
    """Name the folder that appears as a whole, or the file itself."""
    parts = name.split("/")
    if parts[-1] == "monitor.json":  # is written after the list is out
        return name
    if parts[0] == "lists":
        return "/".join(parts[:2])
    return "/".join(parts[: 3 if parts[1] == "models" else 2 if parts[1] == "model" else None])


def leftovers(folder: Path) -> list[str]:
    """List what a run should have swept."""
    found = (*folder.glob("lists/**/.*"), *folder.glob("workspace/**/.*"))
    hidden = [path for path in found if path.name not in (".lock", ".daily-lock")]
    spilled = list(folder.glob("workspace/tmp/*"))
    return [str(path.relative_to(folder)) for path in [*hidden, *spilled]]


def episode(
    world: Path, command: Command, tally: Tally, kills: int, rng: random.Random, tell: Callable[[Tally], None] = lambda _: None
) -> None:
    """Run a command once undisturbed, then kill it again and again in a fresh world, and let it finish after every third kill."""
    golden, seconds = undisturbed(world, command, tally)
    before = results(world)
    done = 0
    while done < kills:
        folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        shutil.copytree(world, folder, dirs_exist_ok=True)
        settings(folder, more=command.more)
        starts = 0
        for _ in range(min(3, kills - done)):
            starts += 1
            if forked(partial(call, folder, command), rng.uniform(0, seconds)) is None:
                tally.kills[command.name] += 1
                tally.steps[_reached(folder)] += 1
                done += 1
            tally.wrong += [f"{command.name}: {wrong}" for wrong in look(folder, before, golden)]
        finish(folder, command, tally, golden, starts)
        shutil.rmtree(folder)
        tell(tally)


def undisturbed(world: Path, command: Command, tally: Tally) -> tuple[dict[str, bytes], float]:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    shutil.copytree(world, folder, dirs_exist_ok=True)
    settings(folder, more=command.more)
    begun = time.monotonic()
    code = forked(lambda: call(folder, command))
    seconds = time.monotonic() - begun
    if code != 0:
        tally.wrong.append(f"{command.name} undisturbed left with {code}: {(folder / 'said.txt').read_text()[-300:]}")
    golden = results(folder)
    shutil.rmtree(folder)
    return golden, seconds


def finish(folder: Path, command: Command, tally: Tally, golden: dict[str, bytes], starts: int) -> None:
    """Start once more, and compare with the undisturbed end."""
    code = forked(lambda: call(folder, command))
    tally.finished[command.name] += 1
    if code != 0:
        tally.wrong.append(f"{command.name} left with {code} after a kill: {(folder / 'said.txt').read_text()[-300:]}")
    found = results(folder)
    tally.wrong += [
        f"{command.name}: {name} differs in the end" for name in {*found, *golden} if found.get(name) != golden.get(name)
    ]
    tally.wrong += [f"{command.name}: {name} was left" for name in leftovers(folder)]
    if command.arguments[0] == "run":
        record = json.loads((folder / f"workspace/runs/{AS_OF}.json").read_text())
        ended = [attempt["status"] for attempt in record["attempts"]]
        if record["status"] != "done" or ended[-1] != "done" or not 1 <= len(ended) <= starts + 1:
            tally.wrong.append(f"{command.name}: the record tells of {ended} after {starts} starts and one more")


def _reached(folder: Path) -> str:
    """Name the step that a killed run was in."""
    file = folder / f"workspace/runs/{AS_OF}.json"
    if not file.exists():
        return "before the record"
    steps = json.loads(file.read_text())["steps"]
    return f"after {steps[-1]['name']}" if steps else "before the first step"


def run(
    demo: Path,
    kills: int,
    seed: int,
    sizes: tuple[int, ...],
    folders: tuple[str, ...],
    tell: Callable[[Tally], None] = lambda _: None,
    skipped: Sequence[str] = (),
) -> Tally:
    """Divide the kills among the commands by their shares; then let them meet full disks and folders that refuse."""
    import hazards

    import blockrisk.training.morning.run
    import blockrisk.training.train_cli  # noqa: F401  (children are to find everything loaded)
    from blockrisk.serving import batch  # noqa: F401

    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        if forked(lambda: prepare(demo, world)) != 0:
            raise RuntimeError("the world could not be made")
        for command in COMMANDS:
            if command.name not in skipped:
                episode(world, command, tally, round(command.share * kills), rng, tell)
        hazards.meet(world, tally, sizes, folders)
    return tally


def section(tally: Tally, seed: int, seconds: float) -> str:
    rows = "\n".join(
        f"| kill -9 of `{name}` at a random moment | {kills:,} kills, {tally.finished[name]:,} finished by a later start |"
        for name, kills in tally.kills.items()
    )
    return f"""| killed | figure |
| --- | --- |
{rows}
| commands that met a full disk, or a folder that cannot be written | {tally.hazards.total():,} |
| of these, refused in one line (the others needed no more room) | {tally.refused.total():,} |
| files half-written, lost or mixed, versions or lists gone, runs lost, leftovers not swept | {len(tally.wrong):,} |

Measured on {time.strftime("%Y-%m-%d")} in {seconds / 60:.1f} minutes, seed {seed}; Python {platform.python_version()}."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--demo", type=Path, default=Path(), help="folder in which `blockrisk demo` was run")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", action="append", default=[], choices=[command.name for command in COMMANDS])
    given = parser.parse_args()
    import hazards

    begun = time.monotonic()
    page = given.page.resolve()

    def tell(tally: Tally) -> None:  # as it goes: two hours are easily interrupted
        write_between(page, BEGIN, END, section(tally, given.seed, time.monotonic() - begun))

    tell(tally := run(given.demo.resolve(), given.kills, given.seed, hazards.SIZES, hazards.FOLDERS, tell, given.skip))
    for line in tally.wrong:
        sys.stdout.write(f"{line[:500]}\n")
    sys.stdout.write(f"{dict(tally.kills)} {dict(tally.steps)}, {len(tally.wrong)} wrong\n")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
