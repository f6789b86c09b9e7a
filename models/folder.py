"""Write a folder whole or not at all."""

import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blockrisk.models.errors import BundleError
from blockrisk.models.process import myself, running


def write_folder(path: Path, files: dict[str, bytes], *, replace: bool) -> None:
    """Write files (name -> content) as the folder `path`, which appears under its name only when complete.

    BundleError when `path` exists and is not to be replaced, or cannot be written; then nothing has changed.
    """
    try:
        with new_folder(path, replace=replace) as fresh:
            for name, content in files.items():
                (fresh / name).write_bytes(content)
    except FileExistsError as error:
        raise BundleError(f"{path} exists; give another name, or --replace to put the new bundle in its place") from error
    except OSError as error:
        reason = error.strerror or error
        raise BundleError(f"{path} could not be written ({reason}); nothing was changed, so mend it and repeat") from error


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill, which takes the name `path` when the block ends well, and is removed when it does not.

    Its files are flushed to the disk first. With `replace` an existing folder is exchanged for it in one step and then removed.
    Leftovers of killed processes are swept first. FileExistsError when `path` exists and is not to be replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    if path.exists() and not replace:
        raise FileExistsError(f"{path} exists")
    fresh = _sibling(path, "new")
    try:
        fresh.mkdir()
        yield fresh
        _flush(fresh)
        _swap(fresh, path, replace=replace)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder so that no half of it is ever seen under its name."""
    hidden = _sibling(path, "new")
    path.rename(hidden)
    shutil.rmtree(hidden)


def sweep(path: Path) -> None:
    """Remove what killed processes left beside `path`; a folder that one had moved aside is put back where none took its place."""
    for leftover in sorted(path.parent.glob(f".{_plain(path.name)}.*-*-*")):
        kind, _, owner = leftover.name.removeprefix(f".{path.name}.").partition("-")
        if kind not in ("new", "old") or running(owner.partition("-")[0]):
            continue
        if kind == "old" and not path.exists():
            leftover.rename(path)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def _plain(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _sibling(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}-{myself()}-{secrets.token_hex(4)}")


def _flush(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            _sync(Path(place, name))
        _sync(Path(place))


def _swap(fresh: Path, path: Path, *, replace: bool) -> None:
    """Give `fresh` the name `path`; what was there has the name of `fresh` afterwards, or is gone."""
    if not path.exists():
        fresh.rename(path)
    elif not replace:
        raise FileExistsError(f"{path} exists")
    elif not _exchange(fresh, path):
        _move_aside(fresh, path)
    _sync(path.parent)


def _exchange(fresh: Path, path: Path) -> bool:
    """Exchange two names in one step, so that no moment is without `path`; False where the system cannot."""
    here, exchange = -100, 2
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return rename is not None and rename(here, os.fsencode(fresh), here, os.fsencode(path), exchange) == 0


def _move_aside(fresh: Path, path: Path) -> None:
    """Exchange in two steps: a kill between them leaves the old folder in a hidden sibling, which `sweep` puts back."""
    aside = _sibling(path, "old")
    path.rename(aside)
    try:
        fresh.rename(path)
    except OSError:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
