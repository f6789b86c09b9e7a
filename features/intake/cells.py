"""The SQL that turns one cell into a typed value, or refuses it.

Each type tries the clean form first, then the repairs that are certain, each behind a pattern. What fits none becomes null, and
`refusal` says why: never a bent value. The steps are layers of one query, so that each cell is worked on once: r the cell as
found, k its quick reading, w the cleaned text where that failed, b whether that is a word for
nothing, d the digits of an identifier, u the value, c the value within its bounds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from blockrisk.features.chinese import folded
from blockrisk.features.errors import mistake
from blockrisk.features.intake.macros import INTEGERS, REALS, literal, words_sql
from blockrisk.features.synonyms import UNITS, WORDS
from blockrisk.features.tables import Column

SQL_TYPES = {"text": "VARCHAR", "choice": "VARCHAR", "clock": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE"}


@dataclass(frozen=True)
class Cell:
    """Say where the values of one declared column come from in one file.

    Attributes:
        table, column: what is declared.
        label: the file, for messages.
        header: the column's name in the file; "" if the file has none.
        name: its quoted name in SQL.
        kind: its type in SQL.
        factor: what a bare number is multiplied by (60 for minutes).
        order: "dmy" or "mdy" where the user has said how 01/02/2026 is meant.
        decimal_comma: whether 1,200 may be meant as 1.2.

    """

    table: str
    column: Column
    label: str
    header: str = ""
    name: str = ""
    kind: str = "VARCHAR"
    factor: float = 1.0
    order: str = ""
    decimal_comma: bool = False


def raw(cell: Cell) -> str:
    """Give the SQL of the cell as found.

    Raises:
        UserError: the file states a type that cannot be read as declared.

    """
    kind, wanted = cell.kind, cell.column.type
    if kind == "VARCHAR" or (wanted == "time" and kind.startswith(("TIMESTAMP", "DATE"))):
        return cell.name
    if kind in ('"NULL"', "NULL"):
        return f"{cell.name}::VARCHAR"
    if wanted == "number" and kind.startswith(INTEGERS + REALS):
        return cell.name
    if wanted in ("text", "choice", "clock") and kind.startswith(REALS):
        # a float may have lost the digits of a 19-digit card number: whole numbers of up to 15 digits have not
        return (
            f"case when isnan({cell.name}) then null when abs({cell.name}) < 1e15 and {cell.name} = trunc({cell.name}) "
            f"then printf('%.0f', {cell.name}::DOUBLE) else printf('%e', {cell.name}::DOUBLE) end"
        )
    if wanted in ("text", "choice", "clock") or (wanted == "time" and kind.startswith(INTEGERS)):
        return f"{cell.name}::VARCHAR"
    raise mistake("wrong_type", label=cell.label, column=cell.column.name, kind=kind, needed=wanted)


def is_typed(cell: Cell) -> bool:
    """Tell whether the file states the type of a time or a number, so that there is no text to read."""
    if cell.column.type == "time":
        return cell.kind.startswith(("TIMESTAMP", "DATE"))
    return cell.column.type == "number" and cell.kind.startswith(INTEGERS + REALS)


def absent(cell: Cell) -> str:
    """Give the SQL of a column that the file does not have."""
    column = cell.column
    filled = column.type == "choice" and column.blank not in (None, "unknown")
    return f"'{column.blank}'" if filled else f"null::{SQL_TYPES[column.type]}"


def quick(cell: Cell, r: str) -> str:
    """Give the SQL that reads a clean cell, or one whose type the file states; null for the others."""
    column = cell.column
    if is_typed(cell):
        if column.type == "number":
            return f"case when isnan({r}::DOUBLE) then null else {r}::DOUBLE end"
        zoned = cell.kind.startswith("TIMESTAMP WITH TIME ZONE")
        return f"timezone(getvariable('zone'), {r})" if zoned else f"{r}::TIMESTAMP"
    if column.type == "choice":
        known = dict.fromkeys((*column.choices, "unknown"))  # our own files say unknown where they do not know
        return f"case when {r} in ({', '.join(map(literal, known))}) then {r} {_spoken(cell, r)} end"
    if column.identifier:
        return f"quick_card({r})" if _is_card(column) else f"quick_identifier({r})"
    return {"time": f"quick_time({r})", "number": f"quick_number({r})"}.get(column.type, "null::VARCHAR")


def at_once(cell: Cell, r: str, k: str) -> str:
    """Give the SQL of the value from its quick reading alone; null where the careful one has to look."""
    column = cell.column
    if column.identifier:
        return r  # as it is: handing a long text through a condition would copy it
    if column.type == "choice":
        return f"coalesce({k}, {absent(cell) if column.blank is None else literal(column.blank)})"
    if column.type in ("text", "clock") and not column.identifier:
        return f"case when plain_text({r}) then {r} when not is_blank(tidy({r})) then tidy({r}) end"
    return bounded(cell, _scaled(cell, k) if column.type == "number" else k)


def unsettled(cell: Cell, r: str, k: str, c: str) -> str:
    """Give the SQL that tells whether the quick reading leaves anything open: a repair, a refusal or a word for nothing."""
    column = cell.column
    if column.type == "choice":
        return f"{k} is null and {r} is not null"
    if column.identifier:
        masked = f" and not contains({r}, '*')" if _is_card(column) else ""
        return f"not coalesce(clean_identifier({r}){masked}, {str(not column.required).lower()})"
    if column.required:
        open_ = f"{c} is null"
    elif column.type in ("time", "number"):
        open_ = f"{c} is null and {r} is not null"
    else:
        open_ = "false"
    return f"{open_} or {c} >= too_late()" if column.type == "time" and not column.future else open_


def cleaned(cell: Cell, r: str, k: str) -> str:
    """Give the SQL of the cell's text without what surrounds it, where the quick reading failed."""
    how = "unquoted" if cell.column.identifier else "clean" if cell.column.type in ("time", "number", "choice") else "tidy"
    return "null::VARCHAR" if is_typed(cell) else f"case when {k} is null then {how}({r}) end"


def digits(cell: Cell, w: str) -> str:
    """Give the SQL of an identifier without blanks, brackets and hyphens, or of a word in its folded form."""
    if cell.column.type == "choice":
        return f"folded({w})"
    return f"regexp_replace({w}, '[ ()-]', '', 'g')" if cell.column.identifier else "null::VARCHAR"


def value(cell: Cell, k: str, w: str, d: str, b: str) -> str:
    """Give the SQL of the value, by the quick or the careful reading."""
    column = cell.column
    if column.type == "choice":
        return _choice(cell, k, d, b)
    if column.type == "time":
        careful = f"careful_time({w}, '{cell.order}')"
    elif column.type == "number":
        durations = f", duration_of({w})" if f"{cell.table}.{column.name}" in UNITS and cell.table == "calls" else ""
        number = _scaled(cell, f"careful_number({w}, {str(not cell.decimal_comma).lower()})")
        return f"case when {w} is null then {_scaled(cell, k)} when not {b} then coalesce({number}{durations}) end"
    elif column.identifier:
        careful = f"careful_identifier({w}, {d})"
        careful = f"case when not contains({w}, '*') then {careful} end" if _is_card(column) else careful
    else:
        careful = w
    return f"case when {w} is null then {k} when not {b} then {careful} end"


def _scaled(cell: Cell, number: str) -> str:
    """Apply the unit; a part is divided, as 6985 / 100 is 69.85 and 6985 * 0.01 is not."""
    if cell.factor == 1:
        return number
    return f"{number} * {cell.factor!r}" if cell.factor > 1 else f"{number} / {round(1 / cell.factor)}.0"


def _is_card(column: Column) -> bool:
    return column.name == "card_id"


def _choice(cell: Cell, k: str, d: str, b: str) -> str:
    column = cell.column
    default = f"'{column.blank}'" if column.blank else "null"
    return (
        f"case when {k} is not null then {k} when coalesce({b}, true) then {default} {_spoken(cell, d, folded)} else 'unknown' end"
    )


def _spoken(cell: Cell, text: str, spelled: Callable[[str], str] = str) -> str:
    """Give the branches that tell which choice a text names: itself, or one of its words, each spelled as the text is."""
    words = WORDS.get(f"{cell.table}.{cell.column.name}", {})
    return " ".join(
        f"when listed({text}, {words_sql(map(spelled, (choice, *words.get(choice, ()))))}) then '{choice}'"
        for choice in cell.column.choices
    )


def bounded(cell: Cell, u: str) -> str:
    """Give the SQL of the value if it lies within the bounds of its column, else null."""
    if cell.column.type == "time":
        return f"checked_time({u})"
    if cell.column.type == "number":
        return f"checked_number({u}, {'-1e300' if cell.column.minimum is None else f'{cell.column.minimum:g}'})"
    return u


def refusal(cell: Cell, r: str, w: str, c: str, b: str) -> list[tuple[str, str]]:
    """List (SQL condition, SQL of the rule's code) pairs that refuse the row for this column."""
    column = cell.column
    if column.type in ("choice", "clock") and not column.required:
        return []
    blank = f"({r} is null or coalesce({b}, false){_not_a_number(cell, r)})"
    why = _why(column, r, w)
    if column.required:
        rules = [(f"{c} is null", f"case when {blank} then 'blank' else {why} end")]
    else:
        rules = [(f"{c} is null and not {blank}", why)]
    if column.type == "time" and not column.future:
        rules.append((f"{c} >= too_late()", "'future'"))
    return rules


def _not_a_number(cell: Cell, r: str) -> str:
    return f" or isnan({r}::DOUBLE)" if is_typed(cell) and cell.column.type == "number" else ""


def _why(column: Column, r: str, w: str) -> str:
    if column.type == "time":
        return f"case when day_or_month({w}) then 'day_or_month' else 'no_time' end"
    if column.type == "number":
        least = "'no_number'" if column.minimum is None else f"'too_small:{column.minimum:g}'"
        number = f"isfinite(try_cast({r} as DOUBLE))"
        return f"case when unsure_duration({w}) then 'unsure_duration' when {number} then {least} else 'no_number' end"
    masked = f"when contains({w}, '*') then 'masked_card' " if _is_card(column) else ""
    return f"case when is_total({w}) then 'total' {masked}else 'digits_lost' end"
