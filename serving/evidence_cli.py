"""The command that writes an appeal pack for one card."""

from datetime import datetime
from pathlib import Path

import click

from blockrisk.features.options import Reading, reading_options

_EXAMPLE = "Example: blockrisk evidence data --card 89860112345 --out appeal.html"


@click.command("evidence", epilog=_EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--card", required=True, help="The card's id, as in the cards table.")
@click.option(
    "--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Nothing later is told; default: the day after the last call."
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 400), help="How far to look back.")
@click.option(
    "--out", default=Path("evidence.html"), show_default=True, type=click.Path(path_type=Path), help="File to write, .html."
)
@reading_options
def evidence(data: Path, card: str, as_of: datetime | None, days: int, out: Path, reading: Reading) -> None:
    """Write what the records say of one card, in Chinese and English, to print and hand to its operator.

    DATA is a folder of tables; no model is needed. Registration, calls and their hours, complaints and how they were settled,
    declared off-site use, payments and blocks are told as they are on record. Numbers that were called are never told.
    """
    from blockrisk.features.intake import account_lines
    from blockrisk.serving.evidence import gather
    from blockrisk.serving.page.appeal import write_appeal
    from blockrisk.serving.predict import forecast_dates
    from blockrisk.serving.sentences import mistake, say

    if out.suffix != ".html":
        raise mistake("pack_ending", file=out.name)
    tables = reading.read(data)
    [date] = forecast_dates(tables, as_of)
    found = gather(tables, card, date, days)
    write_appeal(found, out)
    click.echo("\n".join([*account_lines(tables), *reading.set_aside(tables, out)]))
    click.echo(say("evidence_written", card=card, days=days, as_of=found.as_of, out=out))
