"""Start `blockrisk serve` and let many clients ask at once (`make serve-load` writes the figures into docs/RELIABILITY.md)."""

import argparse
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from blockrisk.features.output import write_between

ROWS = [
    {"card_id": "001", "operator": "A", "calls_out_1d": 350, "complaints_30d": 2, "arrears_days": 6},
    {"card_id": "002", "calls_out_1d": None, "complaints_30d": 0},
]
CLIENTS = 100
BEGIN, END = "<!-- serve: written by make serve-load -->", "<!-- end of serve -->"


@dataclass
class Load:
    """Hold the seconds of each right answer, and what else came back."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[object] = field(default_factory=list)


@contextmanager
def served(bundle: Path, folder: Path) -> Iterator[str]:
    """Give the address at which `blockrisk serve` answers for a bundle."""
    from blockrisk.training.morning import registry

    registry.add_version(folder / "models", bundle, {"made_at": "2025-04-01"})
    registry.promote(folder / "models", "v1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from blockrisk.training.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--workspace", str(folder), "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/ping", process)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        process.terminate()  # it alone, as a service manager may: what it started must go with it
        assert process.wait(60) == 128 + signal.SIGTERM
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))  # the model server does not go on without blockrisk serve


def _wait(ping: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(ping, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not start within five minutes")


def ask(address: str, body: object) -> tuple[int, dict]:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def strict(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read(), parse_constant=strict)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def press(address: str, seconds: float) -> Load:
    """Let CLIENTS clients ask, each as soon as it is answered; a refused connection is as wrong as another answer."""
    _, wanted = ask(address, {"dataframe_records": ROWS})
    until, load = time.monotonic() + seconds, Load()

    def client() -> None:
        while (begun := time.monotonic()) < until:
            try:
                found = ask(address, {"dataframe_records": ROWS})
            except (OSError, ValueError, AssertionError) as error:
                found = error
            took = time.monotonic() - begun
            load.seconds.append(took) if found == (200, wanted) else load.wrong.append(found)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(seconds + 120)
    load.wrong += ["a client was never answered" for thread in clients if thread.is_alive()]
    return load


def section(load: Load, seconds: float) -> str:
    waits, cores = sorted(load.seconds), os.cpu_count()
    return f"""| {CLIENTS} clients at once over loopback, {seconds:g} seconds | figure |
| --- | --- |
| answers, each with the same numbers | {len(waits):,} |
| errors, refused connections, other answers | {len(load.wrong):,} |
| waiting time, median and longest | {waits[len(waits) // 2]:.2f} s, {waits[-1]:.2f} s |

Measured on {time.strftime("%Y-%m-%d")}, clients and server on the same {cores} cores; Python {platform.python_version()}."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--demo", type=Path, default=Path(), help="folder in which `blockrisk demo` was run")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(given.demo / "demo/model", Path(folder)) as address:
        load = press(address, given.seconds)
    write_between(given.page, BEGIN, END, section(load, given.seconds))
    sys.stdout.write(f"{len(load.seconds)} answers, {len(load.wrong)} wrong {load.wrong[:3]}\n")
    sys.exit(bool(load.wrong))


if __name__ == "__main__":
    main()
