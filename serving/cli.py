"""The command that writes the score file."""

from datetime import datetime
from pathlib import Path

import click

from blockrisk.features.cli import MEMORY_HELP, ZONE_HELP

_EXAMPLE = "Example: blockrisk score data --as-of 2025-06-01 --model models/first --out scores.csv"


@click.command("score", epilog=_EXAMPLE)
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--as-of", "as_of", multiple=True, type=click.DateTime(["%Y-%m-%d"]), help="Date of the forecast; may be repeated.")
@click.option("--vectors", type=click.Path(path_type=Path), help="Score ready-made vectors in place of a data folder.")
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write: .csv or .parquet.")
@click.option("--memory", help=MEMORY_HELP)
@click.option("--zone", default="Asia/Shanghai", show_default=True, help=ZONE_HELP)
def score(
    data: Path | None,
    as_of: tuple[datetime, ...],
    vectors: Path | None,
    model: Path,
    out: Path,
    memory: str | None,
    zone: str,
) -> None:
    """Score every card at risk at each date and write the ranked list.

    DATA is a folder of tables. The date left out is the day after the last call.
    """
    from rich.console import Console

    from blockrisk.features.output import check_format
    from blockrisk.serving.batch import score_data, score_vector_file

    check_format(out)
    if (data is None) == (vectors is None):
        raise click.UsageError("give either a DATA folder or --vectors FILE")
    console = Console(stderr=True)
    with console.status("scoring") if console.is_terminal else console:
        lines = (
            score_data(data, list(as_of), model, out, memory=memory, zone=zone)
            if data is not None
            else score_vector_file(vectors, model, out)
        )
    click.echo("\n".join(lines))
