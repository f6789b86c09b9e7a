"""MLflow's registry beside a workspace: its versions are logged there, and its aliases follow the workspace's pointer."""

import json
from pathlib import Path
from typing import Any, Final

from blockrisk.models.bundle import MANIFEST
from blockrisk.training.morning import registry
from blockrisk.training.ship import log_training
from blockrisk.training.tracking import follow

NAME: Final = "champion"
"""The name of the model in MLflow's registry: blockrisk-champion."""


def log_version(bundle: Path, store: Path) -> dict[str, Any]:
    """Log a bundle as a new version of MLflow's model; give its run and version there, None where MLflow did not take it."""
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    logged = log_training(NAME, bundle, manifest, store=store)
    return {"run": logged.run_id, "version": logged.version, "message": logged.message}


def follow_pointer(models: Path, store: Path) -> list[str]:
    """Let MLflow's aliases follow the pointer of the workspace; give a line for people."""
    states = registry.states(models)
    wanted = {
        alias: _logged(models, [name for name, state in states.items() if state == alias]) for alias in ("champion", "challenger")
    }
    return [follow(NAME, wanted, store).message]


def _logged(models: Path, names: list[str]) -> str | None:
    """Give the number in MLflow of the newest of the versions, None where it is not there."""
    logged = registry.version(models, names[-1]).told.get("mlflow") if names else None
    return (logged or {}).get("version")
