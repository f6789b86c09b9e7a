"""The commands that look at a data set and that help to make one: check and template."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blockrisk.features.options import Reading, language_option, reading_options

if TYPE_CHECKING:
    from blockrisk.features.intake import Tables

_LONG = 50_000_000
_CHECK = "Example: blockrisk check data --today 2025-06-30 --write-mapping"
_TEMPLATE = "Example: blockrisk template cards.xlsx"


@click.command("check", epilog=_CHECK)
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--report", default="report.json", show_default=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
@click.option("--write-mapping", is_flag=True, help="Write mapping.toml into the data folder; what you change in it then rules.")
@reading_options
@click.pass_context
def check(context: click.Context, data: Path, report: Path, write_mapping: bool, reading: Reading) -> None:
    """Read a data set and say what became of each row and what is odd about it.

    Exit code 0: clean; 1: usable, with warnings; 2: not usable.
    """
    from blockrisk.features.errors import UserError
    from blockrisk.features.intake.checks import warnings_of
    from blockrisk.features.report import print_report, report_of, unusable, write_report

    try:
        with _progress(data) as told:
            tables = reading.read(data, told)
    except UserError as error:
        write_report(unusable(error), report)
        raise
    warnings = warnings_of(tables)
    write_report(report_of(tables, warnings), report)
    print_report(tables, warnings, sys.stdout)
    lines = reading.set_aside(tables, report)
    lines += [_write_mapping(tables, data)] if write_mapping else []
    click.echo("\n".join([*lines, str(report)]))
    context.exit(1 if warnings else 0)


def _write_mapping(tables: Tables, data: Path) -> str:
    from blockrisk.features.errors import mistake
    from blockrisk.features.intake.mapping import FILE, mapping_of, mapping_text
    from blockrisk.features.messages import say
    from blockrisk.features.output import write_text

    path = (data if data.is_dir() else data.parent) / FILE
    text = mapping_text(mapping_of((mapped.table, mapped.uses) for mapped in tables.mapped))
    try:
        write_text(path, text)
    except OSError as error:
        raise mistake("no_writing", path=path, why=error.strerror or error) from error
    return say("mapping_written", path=path)


@contextmanager
def _progress(data: Path) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while long text files are read."""
    from rich.console import Console
    from rich.progress import Progress

    files = (
        [path for path in data.rglob("*") if path.is_file() and path.suffix in (".csv", ".txt", ".tsv")] if data.is_dir() else []
    )
    size = sum(path.stat().st_size for path in files)
    if size < _LONG or not sys.stderr.isatty():
        yield lambda part: None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(data.name, total=size)
        yield lambda part: progress.advance(task, part)


@click.command("template", epilog=_TEMPLATE)
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@language_option
def template(out: Path) -> None:
    """Write a workbook to fill in: one sheet a table, with notes in English and Chinese."""
    from blockrisk.features.messages import say
    from blockrisk.features.template import write_template

    write_template(out)
    click.echo(say("template_written", path=out))
