"""The command `run`."""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from blockrisk.features.options import language_option

_EPILOG: Final = """\b
Exit code 0: the list is delivered and all else was done; 2: a mistake, no list; 3: another run is at work;
4: the list is delivered, but something after it failed; 1: an internal error. Start it again, and it goes on.
\b
Examples:
  blockrisk run --write-config morning.toml
  blockrisk run morning.toml
"""


@click.command("run", epilog=_EPILOG)
@click.argument("config", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Day of the forecast.  [default: today]")
@click.option("--again", is_flag=True, help="Do everything anew, though it was done with the same data and settings.")
@click.option("--write-config", type=click.Path(path_type=Path, dir_okay=False), help="Write a settings file to start from.")
@language_option
def run(config: Path | None, as_of: datetime | None, again: bool, write_config: Path | None) -> None:
    """Do the work of a morning as the file CONFIG says: check, score, deliver the list, monitor, and keep the model fresh."""
    from blockrisk.training.morning.sentences import mistake

    if (config is None) == (write_config is None):
        raise click.UsageError("give a CONFIG file, or --write-config FILE to get one")
    if write_config is not None:
        _write(write_config)
        return
    from blockrisk.training.morning.run import run as run_morning
    from blockrisk.training.morning.settings import read_config

    assert config is not None
    settings = read_config(config)
    today = _today(settings["zone"])
    day = as_of.date() if as_of else settings["as_of"] or today
    if day > today + timedelta(days=1):
        raise mistake("ahead", day=day, today=today)
    sys.exit(run_morning(settings, day, today, again=again, tell=_tell, say=_say))


def _write(path: Path) -> None:
    from blockrisk.features.output import write_text
    from blockrisk.training.morning.sentences import mistake, say
    from blockrisk.training.morning.settings import template

    if path.exists():
        raise mistake("config_exists", path=path)
    write_text(path, template())
    click.echo(say("config_written", path=path))


def _today(zone: str) -> date:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from blockrisk.features.errors import mistake

    try:
        return datetime.now(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise mistake("zone", zone=zone) from error


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{step} ...", err=True)


def _say(line: str) -> None:
    click.echo(line)
