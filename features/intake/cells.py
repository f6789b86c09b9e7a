"""The SQL that turns one cell into a typed value, or refuses it.

Every rule is strict: what cannot be read for certain becomes a refused row with a reason, never a bent value.
"""

from blockrisk.features.errors import UserError
from blockrisk.features.intake.sources import Source, quoted
from blockrisk.features.tables import Column

SQL_TYPES = {"text": "VARCHAR", "choice": "VARCHAR", "clock": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_REALS = ("DOUBLE", "FLOAT", "DECIMAL")
_BLANKS = "('', 'null', 'NULL', 'None', 'nan', 'NaN', '\\N')"
MACROS = (
    "create or replace macro checked_time(v) as case when v >= TIMESTAMP '1990-01-01' and v < TIMESTAMP '2100-01-01' then v end",
    "create or replace macro checked_number(v, low) as case when isfinite(v) and v >= low then v end",
)
_RULES = {
    "time": "is no date and time between 1990 and 2100; write 2025-12-01 09:30",
    "number": "is no number",
    "text": "is no text",
}


def raw(column: Column, source: Source) -> str:
    """Give the SQL of the cell as found: text trimmed, other types as they are.

    Raises:
        UserError: an id column holds decimals, or a column a type that cannot be read as declared.

    """
    name, kind = quoted(column.name), source.types.get(column.name)
    if kind is None:
        return "NULL::VARCHAR"
    if kind == "VARCHAR":
        return f"trim({name})"
    if column.type in ("text", "choice", "clock"):
        return _typed_text(column, source, kind)
    if column.type == "time" and kind.startswith(("TIMESTAMP", "DATE")):
        return name
    if column.type == "number" and kind.startswith(_INTEGERS + _REALS):
        return name
    if kind in ('"NULL"', "NULL", "INTEGER") and column.type == "time":
        return f"{name}::VARCHAR"
    raise UserError(f"{source.label}: column {column.name} has the type {kind}, {column.type} is needed; convert it")


def filled(column: Column, source: Source, cell: str) -> str:
    """Give the SQL that makes the words for nothing null."""
    return f"case when {cell} in {_BLANKS} then null else {cell} end" if source.types.get(column.name) == "VARCHAR" else cell


def _typed_text(column: Column, source: Source, kind: str) -> str:
    if kind.startswith(_REALS):
        # a float has lost the digits of a 19-digit card number; only an empty column is harmless
        return f"case when isnan({quoted(column.name)}) then null else 'number with decimals: ' || {quoted(column.name)} end"
    return f"{quoted(column.name)}::VARCHAR"


def parsed(column: Column, source: Source, cell: str) -> str:
    """Give the SQL that reads the raw cell into the declared type; null where it is blank or cannot be read."""
    kind = source.types.get(column.name, "VARCHAR")
    if column.type == "time":
        return _time(cell, kind)
    if column.type == "number":
        low = "-1e300" if column.minimum is None else f"{column.minimum:g}"
        return f"checked_number(try_cast({cell} as DOUBLE), {low})"
    if column.type == "choice":
        default = f"'{column.blank}'" if column.blank else "null"
        if column.name not in source.types:
            return default if column.blank != "unknown" else "null::VARCHAR"
        listed = ", ".join(f"'{choice}'" for choice in column.choices)
        return f"case when {cell} is null then {default} when lower({cell}) in ({listed}) then lower({cell}) else 'unknown' end"
    if source.types.get(column.name, "").startswith(_REALS):
        return "null::VARCHAR"
    return cell


def _time(cell: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        value = f"timezone(getvariable('zone'), {cell})"
    elif kind.startswith(("TIMESTAMP", "DATE")):
        value = f"{cell}::TIMESTAMP"
    else:
        offset = f"(contains(substr({cell}, 11), '+') or contains(substr({cell}, 11), '-') or {cell} like '%Z')"
        value = (
            f"case when length({cell}) > 10 and {offset} then timezone(getvariable('zone'), try_cast({cell} as TIMESTAMPTZ)) "
            f"else try_cast({cell} as TIMESTAMP) end"
        )
    return f"checked_time({value})"


def refusal(column: Column, cell: str, value: str) -> list[tuple[str, str]]:
    """List (SQL condition, rule) pairs that refuse the row for this column."""
    rules = []
    if column.required:
        rules.append((f"{cell} is null", "is blank; the column is required"))
    if column.type in ("time", "number", "text"):
        rule = _RULES[column.type]
        if column.minimum is not None:
            rule += f" of at least {column.minimum:g}"
        rules.append((f"{value} is null and {cell} is not null", rule))
    return rules
