"""Private folders for what the engine spills and links: gone with their process, or with the next start if it was killed."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from blockrisk.features.errors import mistake

PREFIX, LOCK = "blockrisk-", "owner.lock"
_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
_YOUNG_S = 60
"""A folder younger than this may not have its lock yet."""


def private_folder() -> tuple[str, Callable[[], None]]:
    """Make a folder in the temporary folder that only this user can read, once those of killed processes are removed.

    Returns:
        Its real path, and what removes it.

    """
    from filelock import FileLock

    sweep()
    folder = os.path.realpath(tempfile.mkdtemp(prefix=PREFIX))
    lock = FileLock(Path(folder) / LOCK)
    lock.acquire()

    def remove() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    return folder, remove


@contextmanager
def telling_of_room() -> Iterator[None]:
    """Turn the engine's errors for want of memory or of disk into one sentence that says what to do; also a decorator."""
    try:
        yield
    except duckdb.Error as error:
        full = next((why for why in _FULL if why in str(error)), "")
        if not full and not isinstance(error, duckdb.OutOfMemoryException):
            raise
        free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
        why = full or str(error).splitlines()[0]
        raise mistake("no_room", why=why, folder=tempfile.gettempdir(), free=f"{free:.1f}") from error


def sweep() -> None:
    """Remove this user's folders whose process is gone: the kernel lets go of a lock when its holder dies, however it does."""
    from filelock import FileLock, Timeout

    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        lock = folder / LOCK
        try:
            told = folder.lstat()
            if folder.is_symlink() or told.st_uid != os.getuid() or time.time() - told.st_ctime < _YOUNG_S or not lock.is_file():
                continue
            with FileLock(lock, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue  # in use, or another process removes it
