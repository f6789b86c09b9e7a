"""The versions of the model in a workspace, and which of them serves. Folders and a pointer file are the truth; MLflow follows."""

import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from blockrisk.features.messages import either
from blockrisk.features.output import write_json, write_text
from blockrisk.models.folder import new_folder, remove_folder
from blockrisk.serving.predict import Model, load_model
from blockrisk.training.morning.golden import check_golden, write_golden
from blockrisk.training.morning.sentences import mistake

POINTER, TOLD, BUNDLE, DECISIONS = "champion.json", "version.json", "bundle", "decisions"
ROLLED_BACK = "rolled back"
_NAME: Final = re.compile(r"v[1-9]\d*")
_LOCK_SECONDS: Final = 600


@dataclass(frozen=True)
class Version:
    """Hold one version: its folder, and what was told of it when it was made."""

    folder: Path
    told: dict[str, Any]

    @property
    def name(self) -> str:
        """Name it, such as v3."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Give its place in the order of making."""
        return int(self.name[1:])

    @property
    def until(self) -> str:
        """Give the first day that it has not seen."""
        return str(self.told["until"])


def versions(models: Path) -> list[Version]:
    """List the versions, the oldest first; none where there is no registry yet."""
    names = [path.name for path in models.iterdir() if _NAME.fullmatch(path.name)] if models.is_dir() else []
    return [_read(models / name) for name in sorted(names, key=lambda name: int(name[1:]))]


def version(models: Path, name: str) -> Version:
    """Find a version by name; UserError where there is none."""
    if not _NAME.fullmatch(name) or not (models / name).is_dir():
        known = ", ".join(found.name for found in versions(models)) or either(("none", "無"))
        raise mistake("no_version", models=models, name=name, known=known)
    return _read(models / name)


def champion(models: Path) -> Version | None:
    """Give the version that serves; None before the first."""
    name = _pointer(models)["champion"]
    return None if name is None else version(models, name)


def add_version(models: Path, bundle: Path, told: dict[str, Any]) -> Version:
    """Take a copy of a bundle in as the newest version, with its golden scores; it appears whole or not at all.

    `told` is kept beside it. Many processes may do so at once. UserError or BundleError when the bundle cannot be used.
    """
    models.mkdir(parents=True, exist_ok=True)
    with _lock(models):
        number = max((int(name[1:]) for name in _names(models)), default=0) + 1
        folder = models / f"v{number}"
        with new_folder(folder) as fresh:
            shutil.copytree(bundle, fresh / BUNDLE)
            model = load_model(fresh / BUNDLE)
            write_golden(model, fresh)
            content = {"name": folder.name, **_figures(model), **told}
            write_json(fresh / TOLD, content)
    return _read(folder)


def _names(models: Path) -> list[str]:
    """Name the versions that there are, and those gone of which a decision is left: a name is given once."""
    decided = [path.stem for path in (models / DECISIONS).glob("v*.json")]
    return [*(found.name for found in versions(models)), *filter(_NAME.fullmatch, decided)]


def _figures(model: Model) -> dict[str, Any]:
    manifest = model.bundle.manifest
    if not model.dated:
        raise mistake("no_dates_to_run", bundle=model.bundle.path)
    names = ("until", "horizon_days", "learner", "base_rate", "data_digest")
    judged = manifest.get("metrics", {}).get("model", {})
    return {**{name: manifest.get(name) for name in names}, "metrics": judged}


def verified(found: Version) -> Model:
    """Load a version and check it against its sums and its golden scores; BundleError when it is not what it was."""
    model = load_model(found.folder / BUNDLE)
    check_golden(model, found.folder)
    return model


def promote(models: Path, name: str) -> Version:
    """Let a version serve from now on, after it was verified."""
    with _lock(models):
        found = version(models, name)
        verified(found)
        pointer = _pointer(models)
        if pointer["champion"] != name:
            before = [*pointer["before"], *([pointer["champion"]] if pointer["champion"] else [])]
            _point(models, name, before)
    return found


def rollback(models: Path) -> tuple[Version, str]:
    """Let the version before the champion serve again, after it was verified; give it and the name of the one that steps down.

    UserError when there is none before it.
    """
    with _lock(models):
        pointer = _pointer(models)
        if not pointer["before"]:
            code = "none_before" if pointer["champion"] else "none_before_today"
            raise mistake(code, models=models, champion=pointer["champion"])
        *before, name = pointer["before"]
        found = version(models, name)
        verified(found)
        _point(models, name, before)
        gone = str(pointer["champion"])
        told = {"state": ROLLED_BACK, "as_of": f"{datetime.now():%Y-%m-%d}", "champion": name, "why": "by hand"}
        decide(models, gone, {**(decision(models, gone) or {}), **told})
    return found, gone


def decide(models: Path, name: str, decision: dict[str, Any]) -> None:
    """Keep what was decided about a version, and why."""
    write_json(models / DECISIONS / f"{name}.json", decision)


def decision(models: Path, name: str) -> dict[str, Any] | None:
    """Give what was decided about a version; None: nothing yet."""
    file = models / DECISIONS / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def states(models: Path) -> dict[str, str]:
    """Say what each version is: champion, challenger (waits for its comparison), retired, rejected, rolled back or passed over."""
    pointer = _pointer(models)
    return {found.name: _state(models, found, pointer) for found in versions(models)}


def _state(models: Path, found: Version, pointer: dict[str, Any]) -> str:
    if found.name == pointer["champion"]:
        return "champion"
    if found.name in pointer["before"]:
        return "retired"
    if (decided := decision(models, found.name)) is not None:
        return str(decided["state"])
    return "challenger" if pointer["champion"] and found.number > int(pointer["champion"][1:]) else "passed over"


def thin_out(models: Path, most: int) -> list[str]:
    """Remove the oldest versions beyond `most`, but none that serves, served last before, or waits; give their names."""
    with _lock(models):
        pointer = _pointer(models)
        kept = {pointer["champion"], *pointer["before"][-1:]}
        waiting = {name for name, state in states(models).items() if state == "challenger"}
        spare = [found for found in versions(models) if found.name not in kept | waiting]
        gone = spare[: max(0, len(spare) - most)]
        names = [found.name for found in gone]
        if set(names) & set(pointer["before"]):
            _point(models, pointer["champion"], [name for name in pointer["before"] if name not in names])
        for found in gone:
            remove_folder(found.folder)
    return names


def _pointer(models: Path) -> dict[str, Any]:
    try:
        found = json.loads((models / POINTER).read_text(encoding="utf-8"))
        return {"champion": found["champion"], "before": list(found["before"])}
    except FileNotFoundError:
        return {"champion": None, "before": []}
    except (ValueError, KeyError, TypeError) as error:
        raise mistake("pointer_damaged", path=models / POINTER) from error


def _point(models: Path, name: str | None, before: list[str]) -> None:
    write_text(models / POINTER, json.dumps({"champion": name, "before": before}) + "\n")


def _read(folder: Path) -> Version:
    try:
        return Version(folder, json.loads((folder / TOLD).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise mistake("version_unreadable", path=folder / TOLD, error=error) from error


def _lock(models: Path) -> Any:
    return FileLock(models / ".lock", timeout=_LOCK_SECONDS)
