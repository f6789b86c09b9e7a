"""Full disks and folders that cannot be written: what a command does that meets one, and whether it goes on once that is mended."""

import ctypes
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos import COMMANDS, Command, Tally, call, finish, forked, look, results, undisturbed
from mornings import settings

SIZES = (0, 300, 3_000, 20_000, 60_000)
"""Bytes after which a file is full, from the first write on to the largest file."""

FOLDERS = ("lists", "workspace", "workspace/scores", "workspace/models", "workspace/work", "workspace/runs")


def meet(world: Path, tally: Tally, sizes: tuple[int, ...], folders: tuple[str, ...]) -> None:
    """Let each command meet a full disk at several sizes, and the run each folder that cannot be written."""
    before = results(world)
    for command in COMMANDS:
        golden, _ = undisturbed(world, command, tally)
        for size in sizes:
            _meet(world, command, tally, (before, golden), lambda folder, size=size: _full(size))
        for name in folders if command.name == "run" else ():
            _meet(world, command, tally, (before, golden), lambda folder, name=name: _read_only(folder / name))


def _meet(
    world: Path,
    command: Command,
    tally: Tally,
    known: tuple[dict[str, bytes], dict[str, bytes]],
    hazard: Callable[[Path], object],
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    shutil.copytree(world, folder, dirs_exist_ok=True)
    settings(folder, more=command.more)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    with _pipe() as (inlet, outlet):
        code = forked(lambda: (hazard(folder), call(folder, command, outlet)))
        os.close(outlet)
        said = inlet.read().decode()
    for name in FOLDERS:
        (folder / name).chmod(0o755)
    errors = [line for line in said.splitlines() if line.startswith(("blockrisk: ", "FAILED, after the list"))]
    tally.hazards[command.name] += 1
    if code == 0 and results(folder) != known[1]:
        tally.wrong.append(f"{command.name} met a hazard, left with 0, and its results are not whole")
    if code != 0 and (len(errors) != 1 or "Traceback" in said):
        tally.wrong.append(f"{command.name} met a hazard, left with {code} and said {said[-300:]!r}")
    tally.refused[command.name] += code != 0
    tally.wrong += [f"{command.name}, after a hazard: {wrong}" for wrong in look(folder, *known)]
    finish(folder, command, tally, known[1], starts=1)
    shutil.rmtree(folder)


@contextmanager
def _pipe() -> Iterator[tuple[object, int]]:
    inlet, outlet = os.pipe()
    with os.fdopen(inlet, "rb") as reader:
        yield reader, outlet


def _full(size: int) -> None:
    """Let no file of this process grow beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _read_only(folder: Path) -> None:
    """Take the right to write into a folder, and from root the right to do so nevertheless."""
    folder.chmod(0o555)
    if os.geteuid() == 0:
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        if ctypes.CDLL(None).capset(header, none):
            raise RuntimeError("root kept its rights")
