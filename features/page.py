"""The generated pages about features and tables: docs/FEATURES.md and docs/DATA.md (`make docs`)."""

import sys
from pathlib import Path

from blockrisk.features import meanings
from blockrisk.features.catalogue import FEATURES, columns
from blockrisk.features.feature import FAMILIES, Feature
from blockrisk.features.synonyms import COLUMNS
from blockrisk.features.tables import TABLES, Column, Table

_HEAD = """# Features

Generated from the declarations in `features/` by `make docs`; do not edit. {count} columns.

A row counts at as_of (a midnight) only if it happened, and was available, before as_of; a window of W days is
[as_of - W, as_of). Any window of a quantity can be asked for by its column name, such as `talk_minutes_14d`. Empty says what a
card with nothing in the table gets: zero, or missing (NaN); without the tables or columns a feature needs, it is missing.
Direction is the expected sign of the risk; m marks the signs that models are held to. What each definition means to the letter:
[decision 0003](decisions/0003-feature-definitions.md).
"""


def feature_page() -> str:
    """Return the page as Markdown.

    >>> feature_page().splitlines()[0]
    '# Features'
    """
    parts = [_HEAD.format(count=len(columns()))]
    for family, (english, chinese) in FAMILIES.items():
        parts.append(f"\n## {english[0].upper()}{english[1:]} ({chinese})\n")
        parts.append("| columns | meaning | 意義 | unit | empty | direction | needs |\n| --- | --- | --- | --- | --- | --- | --- |")
        parts += [_row(feature) for feature in FEATURES if feature.family == family]
    return "\n".join(parts) + "\n"


def _row(feature: Feature) -> str:
    names = ", ".join(f"`{column}`" for column in feature.columns)
    sign = {1: "+", -1: "-", 0: "0"}[feature.direction] + (" m" if feature.monotone else "")
    needs = ", ".join(need.replace("|", " or ") for need in feature.needs)
    return f"| {names} | {feature.en} | {feature.zh} | {feature.unit} | {feature.empty} | {sign} | {needs} |"


_DATA_HEAD = """# Tables

Generated from the declarations in `features/tables.py` by `make docs`; do not edit. Data contract version 1.

A data set is one folder; each table is one file `NAME.csv`, `NAME.csv.gz`, `NAME.tsv`, `NAME.xlsx` or `NAME.parquet`,
or a folder `NAME/` of such files, overlapping or not; or it is one workbook with a sheet a table (`blockrisk template
OUT.xlsx` makes an empty one). Text is UTF-8, GB18030 or UTF-16, its cells separated by comma, semicolon or TAB. Times
are local to the zone of the data set (`--zone`, Asia/Shanghai unless said) or carry an offset. A column not listed is
named in the summary and left alone. A value outside a listed set is kept as `unknown` and counted. A table that is
not required may be absent: the features that need it are then missing, never zero.

A column may have another name: those under "also" are found, in either Chinese script, whatever their width, case, blanks and
underscores, and so is a unit in brackets, as 通话时长（分钟）. What is found is printed. `mapping.toml` in the data folder
(`blockrisk check DATA --write-mapping`) rules over it. Two columns that fit, or 01/02/2026, are asked about, never guessed.

A row is seen at as_of only if its event time < as_of and available_at < as_of (blank: known at the event). What changes later
(resolved_at, paid_at, unblocked_at, closed_at, registration_checked_at) is seen only if it lies before as_of.
"""


def data_page() -> str:
    """Return the page about the input tables as Markdown.

    >>> data_page().splitlines()[0]
    '# Tables'
    """
    return _DATA_HEAD + "".join(_table(table) for table in TABLES)


def _table(table: Table) -> str:
    rows = "\n".join(_column(table, column) for column in table.columns)
    head = f"\n## {table.name}{' (required)' if table.required else ''}\n\n{table.meaning[0].upper()}{table.meaning[1:]}. "
    key = f"One row for each ({', '.join(table.key)}): further ones are duplicates.\n\n"
    return f"{head}{key}| column | type | meaning | 意義 | also |\n| --- | --- | --- | --- | --- |\n{rows}\n"


def _column(table: Table, column: Column) -> str:
    kind = ", ".join(column.choices) or {"clock": "number or HH:MM"}.get(column.type, column.type)
    least = f" >= {column.minimum:g}" if column.minimum is not None else ""
    name = f"{table.name}.{column.name}"
    chinese, also = meanings.COLUMNS[name], ", ".join(COLUMNS[name])
    return f"| {column.name}{'*' if column.required else ''} | {kind}{least} | {column.meaning} | {chinese} | {also} |"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.joinpath("FEATURES.md").write_text(feature_page(), encoding="utf-8")
    folder.joinpath("DATA.md").write_text(data_page(), encoding="utf-8")
