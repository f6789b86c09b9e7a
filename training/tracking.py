"""Tracking: one MLflow run and one registered version for each training. The only file that imports MLflow.

A bundle never needs MLflow: whatever goes wrong here is told in one line, and training goes on.
"""

import contextlib
import logging
import math
import os
import re
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from filelock import FileLock

from blockrisk.training.mlflow_loader import ANSWERS, PARAMETERS

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT: Final = "blockrisk"
STORE: Final = Path("models")
"""Where the SQLite store and its artifacts live, below the working directory, unless MLFLOW_TRACKING_URI is set."""

_SETTINGS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_LOCK_SECONDS: Final = 600
_CONNECT_SECONDS: Final = 3
_NOT_LOGGED: Final = "the run was not logged; what it describes is written"
_LOADER: Final = "blockrisk.training.mlflow_loader"


@dataclass(frozen=True)
class Run:
    """Hold what one training tells MLflow: name, parameters, metrics, tags, files, the bundle folder (None: no model)."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    bundle: Path | None
    figures: Sequence[Path] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tracked:
    """Say what became of a run: one line for the user and, if it was logged, its ids; None where it was not."""

    message: str
    run_id: str | None = None
    version: str | None = None
    alias: str | None = None


def track(run: Run, store: Path = STORE) -> Tracked:
    """Log a run and register its bundle as a new version of the model `blockrisk-NAME` (signs that MLflow refuses become -).

    The first version becomes the alias `champion`, each later one `challenger`. The store is the SQLite file
    `store/mlflow.db` with artifacts in `store/mlruns`, created under a file lock that is held until the run is
    complete, so that many trainings may end at once; MLFLOW_TRACKING_URI, where set, names another place. MLflow's
    telemetry is off. MLflow missing, unreachable or broken raises nothing: the message says so, the ids are None.
    """
    return _reached(store, lambda client, uri: _log(client, uri, run, store), _NOT_LOGGED)


def follow(name: str, aliases: Mapping[str, str | None], store: Path = STORE) -> Tracked:
    """Set the aliases of the model `blockrisk-NAME` to versions as MLflow numbers them; None takes an alias away.

    Store, lock and failures as in `track`.
    """

    def move(client: "MlflowClient", uri: str) -> Tracked:
        for alias, number in aliases.items():
            if number is None:
                client.delete_registered_model_alias(_model_name(name), alias)
            else:
                client.set_registered_model_alias(_model_name(name), alias, number)
        told = ", ".join(f"{alias}: {number or 'none'}" for alias, number in aliases.items())
        return Tracked(f"MLflow's aliases of {_model_name(name)} follow ({told}), in {_shown(uri)}")

    return _reached(store, move, "its aliases did not follow; the workspace is what counts")


def _reached(store: Path, work: Callable[["MlflowClient", str], Tracked], otherwise: str) -> Tracked:
    os.environ.update({name: value for name, value in _SETTINGS.items() if name not in os.environ})
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or f"sqlite:///{store.resolve() / 'mlflow.db'}"
    try:
        _reach(uri)
        with _quiet():
            _load()
            with _alone(uri):
                return work(_client(uri), uri)
    except ImportError as error:
        return Tracked(f"MLflow is not complete ({_line(error)}); {otherwise}")
    except _failures() as error:
        return Tracked(f"MLflow at {_shown(uri)} failed ({_line(error)}); {otherwise}")


def _failures() -> tuple[type[BaseException], ...]:
    """Name what MLflow may raise once it is loaded: its own exception, and those of its database and its migrations."""
    if "mlflow" not in sys.modules:
        return (OSError,)
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (OSError, MlflowException, SQLAlchemyError, CommandError)


def _load() -> None:
    """Import what takes seconds before the lock is taken."""
    import mlflow.pyfunc
    import mlflow.tracking  # noqa: F401


def _client(uri: str) -> "MlflowClient":
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _reach(uri: str) -> None:
    """Raise OSError at once where nothing listens, before MLflow tries for minutes."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.scheme not in getproxies():
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()


def _log(client: "MlflowClient", uri: str, run: Run, store: Path) -> Tracked:
    experiment = _experiment(client, store)
    run_id = client.create_run(experiment, run_name=run.name, tags=dict(run.tags)).info.run_id
    status = "FAILED"
    try:
        _numbers(client, run_id, run)
        for figure in run.figures:
            client.log_artifact(run_id, str(figure), "figures")
        if run.bundle is not None:
            client.log_artifacts(run_id, str(run.bundle), "bundle")
            number_of_version, alias = _register(client, run, run_id, experiment)
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status=status)
    if run.bundle is None:
        return Tracked(f"MLflow run {run_id}, in {_shown(uri)}", run_id)
    text = f"MLflow run {run_id}, {_model_name(run.name)} version {number_of_version} ({alias}), in {_shown(uri)}"
    return Tracked(text, run_id, number_of_version, alias)


def _numbers(client: "MlflowClient", run_id: str, run: Run) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(name, str(value)[:500]) for name, value in run.params.items()]
    known = {name: value for name, value in run.metrics.items() if math.isfinite(value)}
    client.log_batch(run_id, [Metric(name, value, 0, 0) for name, value in known.items()], params)


def _experiment(client: "MlflowClient", store: Path) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    ours = not os.environ.get("MLFLOW_TRACKING_URI")
    return str(client.create_experiment(EXPERIMENT, artifact_location=str(store.resolve() / "mlruns") if ours else None))


def _register(client: "MlflowClient", run: Run, run_id: str, experiment: str) -> tuple[str, str]:
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    assert run.bundle is not None
    name = _model_name(run.name)
    logged = client.create_logged_model(experiment, name=name, source_run_id=run_id, model_type="blockrisk")
    with tempfile.TemporaryDirectory() as folder:
        client.log_model_artifacts(logged.model_id, str(_save(run.bundle, Path(folder) / "model")))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException:
        client.create_registered_model(name)
        aliases = {}
    entry = client.create_model_version(name, logged.artifact_location, run_id=run_id, model_id=logged.model_id)
    alias = "challenger" if "champion" in aliases else "champion"
    client.set_registered_model_alias(name, alias, entry.version)
    return str(entry.version), alias


def save_pyfunc(bundle: Path, folder: Path) -> Path:
    """Write a bundle as the MLflow model `folder`, with the signature of its answers and its parameters.

    The signature names no inputs: MLflow would drop a column that it does not know without a word, where `predict` refuses it.
    Raises ImportError where MLflow is missing.
    """
    os.environ.update({name: value for name, value in _SETTINGS.items() if name not in os.environ})
    with _quiet():
        return _save(bundle, folder)


def _save(bundle: Path, folder: Path) -> Path:
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    answers = Schema([ColSpec(kind, name, required=False) for name, kind in ANSWERS.items()])
    params = ParamSchema([ParamSpec(name, "boolean", default) for name, default in PARAMETERS.items()])
    save_model(
        str(folder),
        loader_module=_LOADER,
        data_path=str(bundle),
        pip_requirements=[f"blockrisk=={version('blockrisk')}"],
        signature=ModelSignature(outputs=answers, params=params),
    )
    return folder


def refusal(sentence: str) -> Exception:
    """Make the exception that MLflow's server answers with status 400 and the sentence."""
    from mlflow.exceptions import MlflowException

    return MlflowException.invalid_parameter_value(sentence)


def serve_command(model: Path, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """Give the command and the environment that serve a saved model over HTTP; `save_pyfunc` made it."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    return [*command, "--host", host, "--port", str(port)], {**os.environ, **_SETTINGS, "PATH": programs, "OMP_NUM_THREADS": "1"}


def _model_name(name: str) -> str:
    return "blockrisk-" + re.sub(r"[^\w-]", "-", name)


@contextlib.contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Hold the lock of a SQLite store: four first runs at once were seen to crash on its creation."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///").split("?")[0])
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock"), timeout=_LOCK_SECONDS):
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's warnings about its own code and its progress out of our output, and only those."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\b")
        yield


def _shown(uri: str) -> str:
    """Show where the store is, without a password and from the working folder on."""
    parts, here = urlsplit(uri), f"{Path.cwd().as_posix()}/"
    return (uri.replace(f"{parts.username or ''}:{parts.password}@", "") if parts.password else uri).replace(here, "")


def _line(error: Any) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
