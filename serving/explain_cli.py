"""The command that tells everything about one card."""

from datetime import datetime
from pathlib import Path

import click

from blockrisk.features.options import Reading, reading_options

_EXAMPLE = "Example: blockrisk explain data --card 89860112345 --as-of 2025-06-01 --model models/first --lang en"


@click.command("explain", epilog=_EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--card", required=True, help="The card's id, as in the cards table; with --pseudonymise, its pseudonym.")
@click.option(
    "--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Date of the forecast; default: the day after the last call."
)
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="For people or programs."
)
@reading_options
def explain(  # noqa: PLR0913 - the options of a command
    data: Path, card: str, as_of: datetime | None, model: Path, form: str, reading: Reading
) -> None:
    """Tell how likely a card's block is, why, what may lawfully be done, and how the probability came about.

    DATA is a folder of tables. The contributions are in log-odds and add up to the margin; the advice is the effect of lawful
    actions kept for a week.
    """
    from blockrisk.features.intake import account_lines
    from blockrisk.features.messages import language
    from blockrisk.serving.explain import explain_cards
    from blockrisk.serving.explain_text import as_json, as_text
    from blockrisk.serving.predict import forecast_dates, load_model

    loaded = load_model(model)
    tables = reading.read(data)
    [date] = forecast_dates(tables, as_of)
    [told] = explain_cards(tables, loaded, [card], date)
    click.echo("\n".join([*account_lines(tables), *reading.set_aside(tables, None)]), err=True)
    click.echo(as_json(told, language()) if form == "json" else as_text(told, language()))
