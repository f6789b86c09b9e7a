"""The command that writes feature vectors."""

from datetime import datetime
from pathlib import Path

import click

from blockrisk.features.options import Reading, engine_options, reading_options

_EXAMPLE = "Example: blockrisk features data --as-of 2025-06-01 --as-of 2025-06-08 --out vectors.parquet"


@click.command("features", epilog=_EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--as-of", "as_of", required=True, multiple=True, type=click.DateTime(["%Y-%m-%d"]), help="Date; may be repeated.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write: .csv or .parquet.")
@click.option("--all-cards", is_flag=True, help="Every known card, not only those at risk.")
@reading_options
@engine_options
def features(data: Path, as_of: tuple[datetime, ...], out: Path, all_cards: bool, reading: Reading) -> None:
    """Compute the feature vectors of the cards at risk at each date.

    A row of the data counts only if it happened, and was available, before the date.
    """
    from blockrisk.features.at_risk import at_risk
    from blockrisk.features.build import vectors
    from blockrisk.features.intake import account_lines
    from blockrisk.features.output import check_format, write_frame

    check_format(out)
    tables = reading.read(data)
    frame = vectors(tables, at_risk(tables, as_of, all_cards=all_cards))
    write_frame(frame, out)
    click.echo("\n".join([*account_lines(tables), *reading.set_aside(tables, out)]))
    click.echo(f"{len(frame):,} vectors of {frame.shape[1] - 2} features written to {out}")
