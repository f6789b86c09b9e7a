"""The options of every command that reads a data set, and what they make of it."""

from __future__ import annotations

import functools
import locale
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from blockrisk.features.errors import mistake
from blockrisk.features.messages import LANGUAGES, hush, language_of, say, speak

if TYPE_CHECKING:
    from blockrisk.features.intake import DataSet, Tables

MEMORY_HELP = "Memory limit of the engine, such as 2GB; beyond it, work goes to a private temporary folder."
ENGINE_HELP = "What computes the vectors; spark needs blockrisk[spark] and a Java runtime."
ZONE_HELP = "Time zone of the data's local times."
TABLE_OPTIONS = ("zone", "memory", "today", "pseudonymise", "quarantine", "store", "engine", "master")
"""The options of `reading_options` and `engine_options` but the language: how tables are read and computed."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Reading:
    """Hold how a command reads its data set.

    Attributes:
        zone, memory: as in `read_tables`.
        today: the day after which stamps are refused one day later.
        key: secret of the pseudonyms, or None.
        quarantine: folder for the rows set aside; None: quarantine/ beside what the command writes.
        store: folder where calls are kept by day between runs, or None.
        master: the Spark master where vectors are to be computed; None: DuckDB, here.

    """

    zone: str
    memory: str | None
    today: date
    key: bytes | None
    quarantine: Path | None
    store: Path | None = None
    master: str | None = None

    def read(self, data: DataSet, told: Callable[[int], None] = lambda size: None) -> Tables:
        """Read a data set with these options."""
        from blockrisk.features.intake import read_tables

        engine = None
        if self.master is not None:
            from blockrisk.features.spark import start_spark

            engine = start_spark(self.master)  # before the data are read: a wrong master is told at once
        tables = read_tables(data, zone=self.zone, memory=self.memory, today=self.today, key=self.key, told=told, store=self.store)
        return replace(tables, engine=engine)

    def set_aside(self, tables: Tables, beside: Path | None) -> list[str]:
        """Write the rows set aside, beside a file unless a folder was named; give a line to print for each file.

        Nothing is written where there is neither.
        """
        from blockrisk.features.intake.quarantine import write_quarantine

        folder = self.quarantine or (beside and beside.parent / "quarantine")
        written = write_quarantine(tables, folder) if folder else []
        return [say("set_aside_in", path=path) for path in written]


def refuse_unused(names: Collection[str], code: str) -> None:
    """Refuse an option of the running command that was given and would be left unused without a word.

    Args:
        names: parameters that are of no use here.
        code: of the declared text that says why, with a place for the option.

    """
    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name in names and context.get_parameter_source(parameter.name) is not ParameterSource.DEFAULT:
            raise mistake(code, option=parameter.opts[0])


def language_option(command: _Command) -> _Command:
    """Add --lang to a command; what it says, errors included, is then in that language."""
    option = click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        is_eager=True,
        expose_value=False,
        callback=_speak,
        help="Language of what is printed; by default that of the locale.",
    )
    return option(command)


def reading_options(command: _Command) -> _Command:
    """Add --zone, --memory, --today, --pseudonymise, --quarantine, --store and --lang; the command gets them as `reading`."""

    @functools.wraps(command)
    def reads(  # noqa: PLR0913 - the options themselves
        *,
        zone: str,
        memory: str | None,
        today: datetime | None,
        pseudonymise: Path | None,
        quarantine: Path | None,
        store: Path | None,
        **rest: Any,
    ) -> Any:
        from blockrisk.features.intake.pseudonyms import read_key

        key = read_key(pseudonymise) if pseudonymise else None
        day = today.date() if today else date.today()
        return command(reading=Reading(zone, memory, day, key, quarantine, store), **rest)

    for option in reversed(_OPTIONS):
        reads = option(reads)
    return language_option(reads)  # type: ignore[return-value]


def engine_options(command: _Command) -> _Command:
    """Add --engine and --master to a command that takes `reading`, below `reading_options`."""

    @functools.wraps(command)
    def computes(*, engine: str, master: str | None, reading: Reading, **rest: Any) -> Any:
        if master is not None and engine != "spark":
            raise click.UsageError("--master names a Spark master; say --engine spark with it")
        return command(reading=replace(reading, master=(master or "local[*]") if engine == "spark" else None), **rest)

    found = click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help=ENGINE_HELP)
    where = click.option(
        "--master", metavar="URL", help="Spark's master: local[*] (the default), spark://HOST:PORT, yarn, k8s://URL."
    )
    return found(where(computes))  # type: ignore[return-value]


_OPTIONS = (
    click.option("--zone", default="Asia/Shanghai", show_default=True, help=ZONE_HELP),
    click.option("--memory", help=MEMORY_HELP),
    click.option(
        "--today", type=click.DateTime(["%Y-%m-%d"]), help="Stamps later than the day after it are refused; by default, today."
    ),
    click.option(
        "--pseudonymise",
        metavar="KEYFILE",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Replace cards, callees and handsets by a keyed HMAC at the door; the file holds the secret key.",
    ),
    click.option(
        "--quarantine",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for the rows set aside; by default quarantine/ beside what is written.",
    ),
    click.option(
        "--store",
        metavar="FOLDER",
        type=click.Path(path_type=Path, file_okay=False),
        help="Keep the calls by day in this folder, so that the next run reads only new and changed files.",
    ),
)


def _speak(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    token = speak(value or language_of(_locale()))
    context.call_on_close(lambda: hush(token))


def _locale() -> str:
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return named or (locale.getlocale()[0] or "")
