"""The report of `blockrisk check`: as one screen, and as report.json."""

from pathlib import Path
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from blockrisk.features import tables as contract
from blockrisk.features.errors import UserError
from blockrisk.features.intake import Tables
from blockrisk.features.intake.account import mapping_line
from blockrisk.features.intake.checks import Warned
from blockrisk.features.messages import either, rule, say, shown
from blockrisk.features.output import write_json

VERSION = 1
_SHOWN = 8
_HEADS = (
    ("table", "表"),
    ("rows read", "讀入"),
    ("used", "使用"),
    ("duplicates", "重複"),
    ("set aside", "擱置"),
    ("from", "自"),
    ("to", "至"),
)


def report_of(tables: Tables, warnings: list[Warned]) -> dict[str, Any]:
    """Return the report as plain values. It shows no number of a person: values seen are shown as messages show them."""
    return {
        "version": VERSION,
        "usable": True,
        "zone": tables.zone,
        "tables": [
            {
                "table": count.table,
                "files": list(count.files),
                "read": count.read,
                "used": count.used,
                "duplicates": count.duplicates,
                "quarantined": count.quarantined,
                "period": _period(tables, count.table),
                "refused": [
                    {"file": kind.source, "line": kind.line, "column": kind.column, "value": shown(kind.value)}
                    | {"rule": rule(kind.rule, "en"), "rule_zh": rule(kind.rule, "zh-Hant"), "rows": kind.rows}
                    for kind in count.refused
                ],
                "unknown_values": count.unknown_values,
                "ignored_columns": [shown(name) for name in count.ignored_columns],
            }
            for count in tables.accounting
        ],
        "mapping": _mapping(tables),
        "warnings": [{"name": warned.name, "figures": warned.figures, "text": str(warned)} for warned in warnings],
        "ignored": list(tables.ignored),
    }


def _mapping(tables: Tables) -> list[dict[str, Any]]:
    """List each way of reading a table's columns, and its files where there are two ways: there may be one a day for years."""
    found: dict[str, dict[tuple[tuple[str, str], ...], list[str]]] = {}
    for mapped in tables.mapped:
        columns = tuple((name, shown(use.header)) for name, use in mapped.uses.items())
        found.setdefault(mapped.table, {}).setdefault(columns, []).append(mapped.label)
    return [
        {"table": table, "columns": dict(columns)} | ({"files": files} if len(ways) > 1 else {})
        for table, ways in found.items()
        for columns, files in ways.items()
    ]


def unusable(error: UserError) -> dict[str, Any]:
    """Return the report on a data set that cannot be used."""
    return {"version": VERSION, "usable": False, "error": str(error)}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write a report as JSON, whole or not at all."""
    write_json(path, report)


def print_report(tables: Tables, warnings: list[Warned], out: IO[str]) -> None:
    """Print the report on one screen: a line a table, then what was set aside, renamed, left alone, and the warnings."""
    console = Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, head in enumerate(_HEADS):
        grid.add_column(either(head), no_wrap=True, justify="right" if 0 < number < 5 else "left")
    for count in tables.accounting:
        period = _period(tables, count.table) or ("", "")
        numbers = [f"{number:,}" for number in (count.read, count.used, count.duplicates, count.quarantined)]
        grid.add_row(count.table, *numbers, *period)
    console.print(grid)
    for line in _details(tables):
        console.print(Text(line))
    for warned in warnings:
        console.print(Text("! ", style="bold yellow") + Text(str(warned)))
    if not warnings:
        console.print(Text(either(("No warnings.", "沒有警告。")), style="green"))


def _details(tables: Tables) -> list[str]:
    refused = [str(kind) for count in tables.accounting for kind in count.refused]
    lines = refused[:_SHOWN] + ([f"... {len(refused) - _SHOWN}"] if len(refused) > _SHOWN else [])
    read = dict.fromkeys((mapped.table, mapping_line(mapped)) for mapped in tables.mapped)
    lines += [say("read_as", table=table, there=line) for table, line in read if line]
    for count in tables.accounting:
        lines += [say("unknown_values", column=f"{count.table}.{name}", n=f"{n:,}") for name, n in count.unknown_values.items()]
        if count.ignored_columns:
            lines.append(say("unused", table=count.table, there=", ".join(map(shown, count.ignored_columns))))
    return lines + ([say("ignored", there=", ".join(tables.ignored))] if tables.ignored else [])


def _period(tables: Tables, name: str) -> tuple[str, str] | None:
    """Give the first and last day of a table's events."""
    event = contract.table(name).event
    if not event:
        return None
    [(first, last)] = tables.con.execute(
        f'select min("{event}")::DATE::VARCHAR, max("{event}")::DATE::VARCHAR from {name}'
    ).fetchall()
    return (first, last) if first else None
