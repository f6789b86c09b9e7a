"""The morning run: its steps one after the other, each taken up where a killed run left it, all of it on record."""

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from blockrisk.features.errors import UserError
from blockrisk.features.intake.days import digest_of
from blockrisk.features.intake.pseudonyms import read_key
from blockrisk.features.output import write_text
from blockrisk.models.errors import BundleError
from blockrisk.models.folder import new_folder, remove_folder
from blockrisk.models.process import myself
from blockrisk.training.morning import record as records
from blockrisk.training.morning import sentences, steps
from blockrisk.training.morning.context import Morning, Told
from blockrisk.training.morning.lock import alone
from blockrisk.training.morning.record import DONE, FAILED, Record, begin, interrupt, read_record
from blockrisk.training.morning.settings import Config
from blockrisk.training.morning.watch import watch
from blockrisk.training.morning.workspace import (
    Workspace,
    inputs_of,
    own_temporary_folder,
    sweep_leftovers,
    thin_out_mornings,
)
from blockrisk.training.report import quiet

DELIVERED, INCOMPLETE = 0, 4
"""Exit codes: all was done; the list is delivered, but something after it failed. (2: a mistake, 3: busy.)"""


@dataclass(frozen=True)
class Step:
    """Name a step, what it does, and whether the run goes on when it fails: the list is out by then."""

    name: str
    do: Callable[[Morning, Path], Told]
    goes_on: bool = False


STEPS: Final = (
    Step("check", steps.check),
    Step("model", steps.model),
    Step("features", steps.features),
    Step("score", steps.score),
    Step("report", steps.report),
    Step("monitor", watch, goes_on=True),
    Step("renew", steps.renew, goes_on=True),
    Step("compare", steps.compare_versions, goes_on=True),
    Step("promote", steps.promote, goes_on=True),
)


def run(  # noqa: PLR0913 - what the command knows
    config: Config,
    as_of: date,
    today: date,
    *,
    again: bool = False,
    tell: Callable[[str], None] = quiet,
    say: Callable[[str], None] = quiet,
) -> int:
    """Run the morning of as_of, or go on with it, and give the exit code.

    Args:
        config: the settings.
        as_of: the midnight of the forecast.
        today: the day of the run; stamps later than the day after it are refused.
        again: do everything anew though it was done with the same data and settings.
        tell: is called with the name of each step as it starts.
        say: is called with each line for people.

    Returns:
        DELIVERED, or INCOMPLETE when the list is delivered and something after it failed: the record says what.

    Raises:
        UserError, BundleError, OSError: there is no list, and why; BusyError when another run holds the workspace.

    """
    place = Workspace(config.folder("workspace"), config.folder("lists"))
    place.make()
    with alone(place.root, _now()) as stale, own_temporary_folder(place):
        if stale:
            say(stale)
        swept = sweep_leftovers(place, as_of)
        for path in sorted(place.records.glob("????-??-??.json")):
            if path.stem != as_of.isoformat() and interrupt(path):
                say(sentences.say("interrupted", day=path.stem))
        inputs = inputs_of(config.folder("data"))
        morning = Morning(config, as_of, max(as_of, today), place, inputs, {}, tell)
        return _morning(morning, {"taken_over": stale, "swept": swept}, again=again, say=say)


def _morning(morning: Morning, attempt: dict[str, Any], *, again: bool, say: Callable[[str], None]) -> int:
    config, as_of, place, inputs = morning.config, morning.as_of, morning.place, morning.inputs
    key = {"inputs": inputs.digest, "settings": config.to_json(), "blockrisk": records.versions_in_use()["blockrisk"]}
    if secret := config["pseudonymise"]:
        key["pseudonyms"] = hmac.new(read_key(secret), b"blockrisk morning", "sha256").hexdigest()
    path = place.records / f"{as_of}.json"
    earlier = read_record(path)
    if earlier and earlier["status"] == DONE and earlier["key"] == key and morning.delivered.is_dir() and not again:
        say(sentences.say("delivered_before", day=as_of))
        return int(earlier["exit_code"])
    _forget_other(place.work(as_of), key, again=again)
    told = {"as_of": as_of.isoformat(), "inputs": {"digest": inputs.digest, "files": inputs.files, "bytes": inputs.bytes}}
    record = begin(path, key, told, {"started": _now(), "process": myself(), **attempt})
    try:
        failed = _steps(morning, record, say)
    except BaseException as error:
        code = getattr(error, "exit_code", 2 if isinstance(error, OSError) else 1)
        _end_as_well_as_can_be(record, code, f"{type(error).__name__}: {error}")
        raise
    code = INCOMPLETE if failed else DELIVERED
    record.end(FAILED if failed else DONE, code, _now(), removed=thin_out_mornings(place, _last_day(morning), config["keep.days"]))
    if not failed:
        remove_folder(place.work(as_of))
    return code


def _last_day(morning: Morning) -> date:
    """Give the day from which the days that things are kept count back: a clock that is wrong alone makes nothing old."""
    end = morning.told["check"].get("data_end")  # a step that an earlier build left does not say
    return min(morning.as_of, date.fromisoformat(end)) if end else morning.as_of


def _steps(morning: Morning, record: Record, say: Callable[[str], None]) -> list[str]:
    """Do the steps in turn, and give the names of those that failed after the list was out."""
    failed: list[str] = []
    for step in STEPS:
        if step.name == "promote" and "compare" in failed:
            continue
        try:
            told = _one(morning, step)
        except (UserError, BundleError, OSError) as error:
            record.step(step.name, {"status": FAILED, "why": str(error)})
            if not step.goes_on:
                raise
            say(sentences.say("failed_after", step=step.name, why=error))
            failed.append(step.name)
            continue
        morning.told[step.name] = told
        record.step(step.name, told)
        for line in told["lines"]:
            say(line)
        if told.get("failed"):
            say(sentences.say("failed_after", step=step.name, why="; ".join(told["failed"])))
            failed.append(step.name)
    return failed


def _one(morning: Morning, step: Step) -> Told:
    """Do one step, or take what a run before this one left of it, where nothing of that was changed."""
    folder = morning.place.work(morning.as_of) / step.name
    kept = _kept(folder)
    if kept is not None:
        return {**kept, "resumed": True}
    morning.tell(step.name)
    begun = time.monotonic()
    with new_folder(folder, replace=True) as fresh:
        told = step.do(morning, fresh)
        told = {"status": FAILED if told.get("failed") else DONE, **told}
        made = [path for path in sorted(fresh.rglob("*")) if path.is_file()]
        told["sums"] = {str(folder / path.relative_to(fresh)): digest_of(path) for path in made}
        told["sums"] |= {name: digest_of(Path(name)) for name in told.pop("written", [])}
        told["seconds"] = round(time.monotonic() - begun, 3)
        write_text(fresh / steps.STEP, json.dumps(told, ensure_ascii=False) + "\n")
    return told


def _kept(folder: Path) -> Told | None:
    try:
        told: Told = json.loads((folder / steps.STEP).read_text(encoding="utf-8"))
        whole = not told.get("failed") and all(digest_of(Path(name)) == value for name, value in told["sums"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return told if whole else None


def _forget_other(work: Path, key: dict[str, Any], *, again: bool) -> None:
    """Remove the steps of a run of other data or settings, and note whose steps these are."""
    file = work / "key.json"
    try:
        same = json.loads(file.read_text(encoding="utf-8")) == key
    except (OSError, ValueError):
        same = False
    if work.exists() and (again or not same):
        remove_folder(work)
    write_text(file, json.dumps(key, ensure_ascii=False) + "\n")


def _end_as_well_as_can_be(record: Record, code: int, why: str) -> None:
    """Keep why a run ended; a disk that is full may refuse even that, and the first error is the one to tell."""
    try:
        record.end(FAILED, code, _now(), why=why)
    except OSError:
        return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
