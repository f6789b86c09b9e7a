"""The command `monitor`."""

import json
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from blockrisk.features.options import Reading, reading_options

if TYPE_CHECKING:
    from rich.table import Table

    from blockrisk.training.monitoring import Findings

_EPILOG: Final = """\b
Examples:
  blockrisk monitor data --model models/first --scores scores --as-of 2025-06-01
  blockrisk monitor data --model models/first --scores scores --as-of 2025-06-01 --webhook https://chat.example/hook
"""

FAILED: Final = 4
"""Exit code if a check could not be made, or a message not delivered. Alarms alone leave with 0."""


@click.command(epilog=_EPILOG)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Folder of the bundle that made the latest scores.")
@click.option(
    "--scores", required=True, type=click.Path(path_type=Path), help="Folder of score files YYYY-MM-DD.parquet, one a morning."
)
@click.option("--as-of", "as_of", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The morning; nothing later is seen.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the findings to FILE.json as well.")
@click.option("--webhook", metavar="URL", help="Post alarms and failures to this address as JSON.")
@click.option("--command", metavar="CMD", help="Give alarms and failures to this program on its standard input; no shell is used.")
@click.option("--mlflow/--no-mlflow", default=True, show_default=True, help="Log the figures to MLflow.")
@reading_options
def monitor(  # noqa: PLR0913 - the options
    data: Path,
    model: Path,
    scores: Path,
    as_of: datetime,
    out: Path | None,
    webhook: str | None,
    command: str | None,
    mlflow: bool,
    reading: Reading,
) -> None:
    """Check the tables, the lists, the model and the operators' policies of one morning.

    Leaves with exit code 4 if a check could not be made or a message not be delivered. docs/MONITORING.md explains each alarm.
    """
    from blockrisk.features.intake import account_lines
    from blockrisk.training.monitoring import deliver
    from blockrisk.training.monitoring import monitor as make
    from blockrisk.training.monitoring.logged import as_run
    from blockrisk.training.sentences import mistake
    from blockrisk.training.tracking import track

    if out is not None and out.suffix != ".json":
        raise mistake("findings_ending", file=out.name)
    tables = reading.read(data)
    findings = make(tables, scores, as_of, model)
    if out is not None:
        write_findings(findings, out)
    click.echo("\n".join([*account_lines(tables), *reading.set_aside(tables, out)]), err=True)
    show(findings)
    if mlflow:
        click.echo(f"Logged:  {track(as_run(findings, model.name)).message}")
    deliver(findings, webhook, shlex.split(command) if command else None)
    if findings.failed:
        sys.exit(FAILED)


def write_findings(findings: "Findings", path: Path) -> None:
    """Write the findings as JSON, whole or not at all."""
    from blockrisk.features.output import write_text

    write_text(path, json.dumps(findings.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def show(findings: "Findings") -> None:
    """Write the findings to the terminal: what is wrong, then the tables behind it."""
    from rich.console import Console

    for line in findings.lines():
        click.echo(line)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for name, result in findings.results.items():
        if result.rows:
            console.print(_table(name, result.rows))


def _table(name: str, rows: tuple[Mapping[str, Any], ...]) -> "Table":
    """Lay out the rows of a check; a single row stands upright."""
    from rich.table import Table

    table = Table(title=name, title_justify="left")
    if len(rows) == 1:
        table.add_column("figure")
        table.add_column("value", justify="right")
        for key, value in rows[0].items():
            table.add_row(key, _cell(value))
        return table
    for key, value in rows[0].items():
        table.add_column(key, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{count:,} {name}" for name, count in value.items() if count) or "none"
    if isinstance(value, bool):
        return "ALARM" if value else ""
    return f"{value:,.3f}" if isinstance(value, float) else str(value)
