"""Which column of a file is which column of the contract: by its name, by a synonym, or as mapping.toml says. Never by a guess."""

import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blockrisk.features.chinese import folded
from blockrisk.features.errors import mistake
from blockrisk.features.meanings import of_column
from blockrisk.features.messages import shown
from blockrisk.features.synonyms import FITTING, UNITS
from blockrisk.features.tables import NAMES, Column, Table

FILE = "mapping.toml"
ORDERS = ("dmy", "mdy")
_BRACKET = re.compile(r"(.+?)\s*[(\[【<]([^()\[\]【】<>]*)[)\]】>]")


@dataclass(frozen=True)
class Use:
    """Say that a column of the contract is read from a column of a file.

    Attributes:
        header: the column's name in the file.
        unit: as stated, "" if none is.
        factor: what one such unit is in the contract's unit.
        order: of day and month in 01/02/2026: "dmy", "mdy" or "" for not said.

    """

    header: str
    unit: str = ""
    factor: float = 1.0
    order: str = ""


@dataclass(frozen=True)
class Rule:
    """Hold an entry of mapping.toml: the headers that may hold the column (none: leave it unread), its unit and order of dates."""

    headers: tuple[str, ...] | None
    unit: str = ""
    order: str = ""


Mapping = dict[str, dict[str, Rule]]


def split_unit(header: str) -> tuple[str, str]:
    """Split a header into its folded name and the unit in brackets after it.

    >>> split_unit("通话时长（分钟）"), split_unit("Talk_Duration [s]"), split_unit("callee")
    (('通话时长', '分钟'), ('talkduration', 's'), ('callee', ''))
    """
    found = _BRACKET.fullmatch(unicodedata.normalize("NFKC", header).strip())
    return (folded(found[1]), folded(found[2])) if found else (folded(header), "")


def fitting(table: Table, column: Column, headers: Sequence[str]) -> list[str]:
    """List the headers that fit a column: its own name alone if it is there, else every synonym."""
    if column.name in headers:
        return [header for header in headers if header == column.name]
    names = FITTING[table.name][column.name]
    return [header for header in headers if split_unit(header)[0] in names]


def is_header(table: Table, cells: Sequence[str], rules: dict[str, Rule]) -> bool:
    """Tell whether a row names every column that the table must have."""
    names = [cell.strip() for cell in cells]
    return all(
        fitting(table, column, names) or set(rules.get(column.name, Rule(())).headers or ()) & set(names)
        for column in table.columns
        if column.required
    )


def choose(table: Table, headers: Sequence[str], label: str, rules: dict[str, Rule]) -> dict[str, Use]:
    """Choose the header of each column that the file has.

    Args:
        table: the contract's table.
        headers: column names of the file.
        label: the file, for messages.
        rules: the table's part of mapping.toml.

    Returns:
        column name -> Use, in the order of the contract.

    Raises:
        UserError: a required column is missing, several headers fit one column, a header stands twice, or a unit is unknown.

    """
    counts = Counter(headers)
    uses = {}
    for column in table.columns:
        header = _header(table, column, headers, label, rules.get(column.name))
        if header and counts[header] > 1:
            raise mistake("twice", label=label, header=repr(shown(header)))
        if header:
            uses[column.name] = _use(table, column, header, label, rules.get(column.name, Rule(None)))
        elif column.required:
            there, meaning = ", ".join(map(shown, headers)), of_column(table, column)
            raise mistake("no_column", label=label, column=column.name, meaning=meaning, there=there, table=table.name)
    return uses


def _header(table: Table, column: Column, headers: Sequence[str], label: str, rule: Rule | None) -> str:
    if rule is not None and rule.headers is not None:
        ruled = [header for header in rule.headers if header in headers]
        if ruled or not rule.headers:
            return ruled[0] if ruled else ""
    found = list(dict.fromkeys(fitting(table, column, headers)))
    if len(found) > 1:
        there, line = ", ".join(map(shown, found)), f"{column.name} = {quoted(shown(found[0]))}"
        raise mistake("ambiguous", label=label, count=len(found), column=column.name, there=there, table=table.name, line=line)
    return found[0] if found else ""


def _use(table: Table, column: Column, header: str, label: str, rule: Rule) -> Use:
    units = UNITS.get(f"{table.name}.{column.name}")
    unit = folded(rule.unit) or split_unit(header)[1]
    if units is None or not unit:
        return Use(header, order=rule.order)
    if unit not in units:
        line = f'{column.name} = {{ column = {quoted(shown(header))}, unit = "{next(iter(units))}" }}'
        raise mistake("ambiguous_unit", label=label, header=shown(header), table=table.name, line=line)
    return Use(header, unit, units[unit], rule.order)


def read_mapping(folder: Path) -> Mapping:
    """Read mapping.toml of a data folder; {} if there is none.

    Raises:
        UserError: it cannot be read, or an entry names no table or column of the contract.

    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise mistake("mapping_syntax", why=shown(error)) from error
    mapping: Mapping = {}
    for table, entries in content.items():
        if table not in NAMES or not isinstance(entries, dict):
            raise mistake("mapping_entry", entry=shown(table))
        mapping[table] = {column: _rule(table, column, entry) for column, entry in entries.items()}
    return mapping


def _rule(table: str, column: str, entry: object) -> Rule:
    whole: dict[str, Any] = entry if isinstance(entry, dict) else {"column": entry}
    headers = whole.get("column")
    listed = [headers] if isinstance(headers, str) else headers
    sound = (
        column in FITTING[table]
        and set(whole) <= {"column", "unit", "order"}
        and (listed is None or (isinstance(listed, list) and all(isinstance(header, str) for header in listed)))
        and whole.get("order", "dmy") in ORDERS
        and isinstance(whole.get("unit", ""), str)
    )
    if not sound:
        raise mistake("mapping_entry", entry=shown(f"{table}.{column}"))
    unit, order = str(whole.get("unit", "")), str(whole.get("order", ""))
    named = None if listed is None else tuple(header.strip() for header in listed if header.strip())
    return Rule(named, unit, order)


def check_names(table: Table, rules: dict[str, Rule], headers: set[str]) -> None:
    """Refuse a mapping.toml that names a column which none of the table's files has."""
    for column, rule in rules.items():
        if rule.headers and not set(rule.headers) & headers:
            there = ", ".join(map(shown, sorted(headers)))
            raise mistake("mapping_column", entry=f"{table.name}.{column}", header=shown(rule.headers[0]), there=there)


def mapping_of(files: Iterable[tuple[str, dict[str, Use]]]) -> dict[str, list[dict[str, Use]]]:
    """Gather the mappings of files by table."""
    gathered: dict[str, list[dict[str, Use]]] = {}
    for table, uses in files:
        gathered.setdefault(table, []).append(uses)
    return gathered


def mapping_text(uses: dict[str, list[dict[str, Use]]]) -> str:
    """Write mapping.toml: table -> one mapping of columns for each file.

    >>> print(mapping_text({"calls": [{"talk_s": Use("通话时长(分钟)", "分钟", 60.0)}]}))
    # Which column of your files is which; a line here rules. "" leaves a column unread.
    # 您的檔案中哪一欄是哪一欄；以此檔為準。"" 表示不讀此欄。
    <BLANKLINE>
    [calls]
    talk_s = { column = "通话时长(分钟)", unit = "分钟" }
    <BLANKLINE>
    """
    lines = ['# Which column of your files is which; a line here rules. "" leaves a column unread.']
    lines += ['# 您的檔案中哪一欄是哪一欄；以此檔為準。"" 表示不讀此欄。', ""]
    for table, files in uses.items():
        lines.append(f"[{table}]")
        for column in dict.fromkeys(column for file in files for column in file):
            lines.append(f"{column} = {_entry([file[column] for file in files if column in file])}")
        lines.append("")
    return "\n".join(lines)


def _entry(uses: list[Use]) -> str:
    headers = list(dict.fromkeys(use.header for use in uses))
    column = quoted(headers[0]) if len(headers) == 1 else f"[{', '.join(map(quoted, headers))}]"
    units = {use.unit for use in uses}
    extra = [f"unit = {quoted(uses[0].unit)}"] if len(units) == 1 and uses[0].unit else []
    extra += [f"order = {quoted(uses[0].order)}"] if uses[0].order else []
    return f"{{ column = {', '.join([column, *extra])} }}" if extra else column


def quoted(text: str) -> str:
    """Write a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
