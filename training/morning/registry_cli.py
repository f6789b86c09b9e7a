"""The commands `models`, `promote` and `rollback`."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blockrisk.features.options import language_option

if TYPE_CHECKING:
    from rich.table import Table

    from blockrisk.training.morning.registry import Version

workspace_option = click.option(
    "--workspace",
    default="workspace",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the morning run, as in its settings file.",
)


@click.command("models", epilog="Example: blockrisk models --workspace workspace")
@workspace_option
@language_option
def models(workspace: Path) -> None:
    """List the versions of the model with their figures: which serves, which waits, and what was decided about each."""
    from rich.console import Console

    from blockrisk.training.morning.registry import ROLLED_BACK, decision, states, versions

    place = _models(workspace)
    now = states(place)
    Console(width=140, highlight=False).print(_table(place, now))
    for found in versions(place):
        decided = decision(place, found.name)
        if decided is not None and (decided["state"] != ROLLED_BACK or now[found.name] == ROLLED_BACK):  # it may serve again since
            beside = "to" if decided["state"] == ROLLED_BACK else "against"
            click.echo(f"{found.name}, {decided['as_of']}: {decided['state']} {beside} {decided['champion']}, {decided['why']}")


@click.command("promote", epilog="Example: blockrisk promote v3")
@click.argument("name")
@workspace_option
@language_option
def promote(name: str, workspace: Path) -> None:
    """Let the version NAME serve from the next run on; NAME may be the folder of a bundle, which becomes the newest version.

    The version is checked against its sums and its golden scores before.
    """
    from blockrisk.training.morning import registry
    from blockrisk.training.morning.sentences import say

    place = workspace / "models"
    if Path(name).is_dir():
        name = _take_in(Path(name), workspace).name
    found = registry.promote(_models(workspace), name)
    click.echo(say("serves_from_now", name=found.name, until=found.until))
    _follow(workspace, place)


@click.command("rollback", epilog="Example: blockrisk rollback --workspace workspace")
@workspace_option
@language_option
def rollback(workspace: Path) -> None:
    """Let the version before the champion serve again; its scores are those of the day it was built, to the last bit."""
    from blockrisk.training.morning import registry
    from blockrisk.training.morning.sentences import say

    place = _models(workspace)
    found, gone = registry.rollback(place)
    click.echo(say("serves_again", name=found.name, gone=gone))
    _follow(workspace, place)


def _models(workspace: Path) -> Path:
    from blockrisk.training.morning.sentences import mistake

    place = workspace / "models"
    if not place.is_dir():
        raise mistake("no_models", workspace=workspace)
    return place


def _take_in(bundle: Path, workspace: Path) -> "Version":
    """Make a version of a bundle that was trained elsewhere."""
    from blockrisk.serving.predict import load_model
    from blockrisk.training.morning.aliases import log_version
    from blockrisk.training.morning.registry import add_version

    until = load_model(bundle).bundle.manifest.get("until", date.min.isoformat())
    logged = log_version(bundle, workspace / "mlflow") if _with_mlflow(workspace) else None
    told: dict[str, Any] = {"made_at": until, "inputs": None, "from": bundle.name, "mlflow": logged}
    return add_version(workspace / "models", bundle, told)


def _with_mlflow(workspace: Path) -> bool:
    return (workspace / "mlflow" / "mlflow.db").is_file()


def _follow(workspace: Path, place: Path) -> None:
    from blockrisk.training.morning.aliases import follow_pointer

    for line in follow_pointer(place, workspace / "mlflow") if _with_mlflow(workspace) else []:
        click.echo(line)


def _table(place: Path, state: dict[str, str]) -> "Table":
    """Lay out the versions, the newest last; figures are those on the last slice of their own training."""
    from rich.table import Table

    from blockrisk.training.morning.registry import versions

    table = Table(title="Versions, figures on the last slice of their training", title_justify="left")
    heads = (
        "version",
        "state",
        "made",
        "seen until",
        "learner",
        "ROC-AUC",
        "average precision",
        "log-loss skill",
        "observed / expected",
    )
    for head in heads:
        table.add_column(head, no_wrap=True)
    for found in versions(place):
        told = found.told
        figures = [told["metrics"].get(name) for name in ("roc_auc", "average_precision", "log_loss_skill", "observed_expected")]
        shown = ["-" if value is None else f"{value:.3f}" for value in figures]
        table.add_row(found.name, state[found.name], told["made_at"], found.until, str(told["learner"]), *shown)
    return table
