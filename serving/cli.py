"""The command that writes the score file."""

from datetime import datetime
from pathlib import Path

import click

from blockrisk.features.options import TABLE_OPTIONS, Reading, engine_options, reading_options, refuse_unused

_EPILOG = """\b
Examples:
  blockrisk score data --model models/first --out today.html --out today.xlsx
  blockrisk score data --as-of 2025-06-01 --model models/first --out scores.csv
"""


@click.command("score", epilog=_EPILOG)
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--as-of", "as_of", multiple=True, type=click.DateTime(["%Y-%m-%d"]), help="Date of the forecast; may be repeated.")
@click.option("--vectors", type=click.Path(path_type=Path), help="Score ready-made vectors in place of a data folder.")
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option(
    "--out",
    "outs",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="File to write: .csv, .parquet, .xlsx or .html; may be repeated.",
)
@click.option(
    "--capacity",
    default=200,
    show_default=True,
    type=click.IntRange(min=1),
    help="Cards that can be looked at in a day: so many are given advice, and explained in .xlsx and .html.",
)
@click.option("--findings", type=click.Path(path_type=Path), help="What `blockrisk monitor --out` wrote of the date, for the page.")
@reading_options
@engine_options
def score(  # noqa: PLR0913 - the options
    data: Path | None,
    as_of: tuple[datetime, ...],
    vectors: Path | None,
    model: Path,
    outs: tuple[Path, ...],
    capacity: int,
    findings: Path | None,
    reading: Reading,
) -> None:
    """Score every card at risk at each date and write the ranked list, to as many files as are named.

    DATA is a folder of tables. The date left out is the day after the last call. A page (.html) tells the last date: what needs
    attention, why, and what may be done.
    """
    from rich.console import Console

    from blockrisk.serving.batch import score_data, score_vector_file
    from blockrisk.serving.outputs import check_outputs

    if (data is None) == (vectors is None):
        raise click.UsageError("give either a DATA folder or --vectors FILE")
    if vectors is not None:
        refuse_unused(("as_of", "capacity", "findings", *TABLE_OPTIONS), "only_for_tables")
    if not any(out.suffix == ".html" for out in outs):
        refuse_unused(("findings",), "only_for_pages")
    check_outputs(outs, dated=data is not None)
    console = Console(stderr=True)
    with console.status("scoring") if console.is_terminal else console:
        lines = (
            score_data(data, list(as_of), model, outs, reading, capacity=capacity, findings=findings)
            if data is not None
            else score_vector_file(vectors, model, outs)
        )
    click.echo("\n".join(lines))
