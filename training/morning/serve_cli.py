"""The command `serve`."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from blockrisk.features.options import language_option
from blockrisk.training.morning.registry_cli import workspace_option


@click.command("serve", epilog="Example: blockrisk serve --workspace workspace --port 5001")
@workspace_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; others than this machine's are open to all."
)
@click.option("--port", default=5001, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@language_option
def serve(workspace: Path, host: str, port: int) -> None:
    """Answer forecasts over HTTP with the version that serves now, through MLflow's model server, until interrupted.

    POST rows of feature values to /invocations, as docs/MORNING.md shows. There is no password: keep it on this machine.
    """
    from blockrisk.training.morning.registry import BUNDLE, champion, verified
    from blockrisk.training.morning.sentences import mistake, say
    from blockrisk.training.tracking import save_pyfunc, serve_command

    found = champion(workspace / "models")
    if found is None:
        raise mistake("none_serves", workspace=workspace)
    verified(found)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # a plain kill ends the server and sweeps, too
    with tempfile.TemporaryDirectory(prefix="blockrisk-") as folder:
        try:
            model = save_pyfunc(found.folder / BUNDLE, Path(folder) / "model")
        except ImportError as error:
            raise mistake("no_mlflow", error=error) from error
        command, environment = serve_command(model, host, port)
        click.echo(say("answers", name=found.name, url=f"http://{host}:{port}/invocations"))
        sys.stdout.flush()
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            sys.exit(process.wait())
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the model server with the workers that it started: politely, then for certain."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
