"""Write a folder whole or not at all."""

import os
import secrets
import shutil
from pathlib import Path

from blockrisk.models.errors import BundleError


def write_folder(path: Path, files: dict[str, bytes], *, replace: bool) -> None:
    """Write files (name -> content) as the folder `path`, which appears under its name only when complete.

    The files go to a hidden sibling, are flushed to the disk, and the sibling is renamed. An existing folder is refused, or with
    `replace` moved aside, and removed after the new one is in place. Leftovers of killed runs are swept first. BundleError when
    `path` exists, or cannot be written; then nothing has changed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        if path.exists() and not replace:
            raise BundleError(f"{path} exists; give another name, or --replace to put the new bundle in its place")
        fresh = _sibling(path, "new")
        try:
            _fill(fresh, files)
            _swap(fresh, path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or error
        raise BundleError(f"{path} could not be written ({reason}); nothing was changed, so mend it and repeat") from error


def sweep(path: Path) -> None:
    """Remove what killed runs left beside `path`; a folder that one had moved aside is put back where none took its place."""
    for leftover in sorted(path.parent.glob(f".{_plain(path.name)}.*-*-*")):
        kind, _, owner = leftover.name.removeprefix(f".{path.name}.").partition("-")
        if kind not in ("new", "old") or _alive(owner.partition("-")[0]):
            continue
        if kind == "old" and not path.exists():
            leftover.rename(path)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def _plain(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _sibling(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}-{os.getpid()}-{secrets.token_hex(4)}")


def _alive(process: str) -> bool:
    if not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _fill(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        with (folder / name).open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
    _sync(folder)


def _swap(fresh: Path, path: Path) -> None:
    if not path.exists():
        fresh.rename(path)
    else:
        aside = _sibling(path, "old")
        path.rename(aside)
        try:
            fresh.rename(path)
        except OSError:
            aside.rename(path)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
