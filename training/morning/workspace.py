"""The folder of a morning run: what lies where, what is swept at the start, and what is kept for how long."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from blockrisk.features.intake.days import digest_of
from blockrisk.features.intake.manifest import DAYS, ROWS
from blockrisk.features.output import sweep as sweep_files
from blockrisk.models.folder import remove_folder, sweep
from blockrisk.training.morning.sentences import mistake

_DATED: Final = re.compile(r"(\d{4}-\d\d-\d\d)(\.\w+)?")


@dataclass(frozen=True)
class Workspace:
    """Name the places: `root` holds all of them but `lists`, which is where the user looks."""

    root: Path
    lists: Path

    @property
    def models(self) -> Path:
        """Give the folder of the versions of the model."""
        return self.root / "models"

    @property
    def scores(self) -> Path:
        """Give the folder of the score files, one a morning."""
        return self.root / "scores"

    @property
    def records(self) -> Path:
        """Give the folder of the run records, one a morning."""
        return self.root / "runs"

    @property
    def store(self) -> Path:
        """Give the folder of MLflow's store."""
        return self.root / "mlflow"

    @property
    def calls(self) -> Path:
        """Give the folder where calls are kept by day, so that a morning reads the new files only."""
        return self.root / "calls"

    def work(self, as_of: date) -> Path:
        """Give the folder of the finished steps of a morning that goes on."""
        return self.root / "work" / as_of.isoformat()

    def make(self) -> None:
        """Make the folders that are not there; UserError where that cannot be."""
        for folder in (self.root, self.lists, self.models, self.scores, self.records, self.root / "work", self.root / "tmp"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise mistake("folder_not_made", folder=folder, reason=error.strerror) from error


def sweep_leftovers(place: Workspace, as_of: date) -> int:
    """Remove what killed runs left half-written, and the steps of other mornings; give how many things there were.

    Only to be called by the one run that holds the workspace.
    """
    hidden = [path for folder in _folders(place, as_of) for path in folder.glob(".*") if _leftover(path)]
    for path in hidden:
        sweep(path.with_name(re.split(r"\.(?:new|old)-", path.name[1:])[0]))
        sweep_files(path.with_name(path.name[1:].rsplit(".", 2)[0]))
    others = [path for path in (place.root / "work").iterdir() if path.name != as_of.isoformat()]
    for path in others:
        shutil.rmtree(path, ignore_errors=True)
    spilled = list((place.root / "tmp").iterdir())
    for path in spilled:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return sum(not path.exists() for path in [*hidden, *others, *spilled])


def _folders(place: Workspace, as_of: date) -> list[Path]:
    named = [place.root, place.lists, place.models, place.scores, place.records, place.work(as_of)]
    named += [folder for folder in (place.calls, place.calls / DAYS, place.calls / ROWS) if folder.is_dir()]
    return [*named, *(path for path in place.lists.iterdir() if _DATED.fullmatch(path.name))]


def _leftover(path: Path) -> bool:
    return ".new-" in path.name or ".old-" in path.name or path.suffix == ".tmp"


@contextmanager
def own_temporary_folder(place: Workspace) -> Iterator[None]:
    """Let everything temporary go to WORKSPACE/tmp, where the next run sweeps what a kill left behind."""
    before = tempfile.tempdir
    tempfile.tempdir = str(place.root / "tmp")
    try:
        yield
    finally:
        tempfile.tempdir = before


def thin_out_mornings(place: Workspace, as_of: date, days: int) -> int:
    """Remove lists, scores and records of mornings more than `days` before as_of; give how many things were removed."""
    first = (as_of - timedelta(days=days)).isoformat()
    gone = 0
    for folder in (place.lists, place.scores, place.records):
        for path in folder.iterdir():
            found = _DATED.fullmatch(path.name)
            if found and found[1] < first:
                remove_folder(path) if path.is_dir() else path.unlink()
                gone += 1
    return gone


@dataclass(frozen=True)
class Inputs:
    """Hold what a data folder held: a digest of names and contents, how many files and bytes, and what tells of a change."""

    digest: str
    files: int
    bytes: int
    stamp: tuple[tuple[str, int, int], ...]


def inputs_of(data: Path) -> Inputs:
    """Read every file of a data folder (or the one workbook) and sum it up.

    >>> inputs_of(Path("nowhere")).files
    0
    """
    stamp = _stamp(data)
    home = data if data.is_dir() else data.parent
    whole = hashlib.sha256()
    for name, size, _ in stamp:
        whole.update(f"{name}\0{size}\0{digest_of(home / name)}\n".encode())
    return Inputs(whole.hexdigest(), len(stamp), sum(size for _, size, _ in stamp), stamp)


def check_unchanged(data: Path, inputs: Inputs) -> None:
    """Raise UserError when files were changed since `inputs_of`: an export that is still being written is no data set."""
    changed = set(_stamp(data)) ^ set(inputs.stamp)
    if changed:
        raise mistake("data_changed", data=data, file=min(changed)[0])


def _files(data: Path) -> list[Path]:
    """List the files of a folder and of those below it, each once; linked ones too, as tables are read through links."""
    found, met = [], set()
    for folder, below, names in os.walk(data, followlinks=True):
        found += [path for name in names if (path := Path(folder, name)).is_file()]
        met.add(os.path.realpath(folder))
        below[:] = [name for name in below if os.path.realpath(Path(folder, name)) not in met]
    return found


def _stamp(data: Path) -> tuple[tuple[str, int, int], ...]:
    paths = _files(data) if data.is_dir() else [data] if data.is_file() else []
    home = data if data.is_dir() else data.parent
    found = [(path.relative_to(home).as_posix(), path.stat()) for path in paths]
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))
