"""Say what became of every row that came in."""

from blockrisk.features.intake.dataset import Mapped, Tables, last_call
from blockrisk.features.messages import say, shown

_SILENT_DAYS = 15
"""Days without any call before the last one, from which that call's stamp is doubted: holidays are shorter."""


def account_lines(tables: Tables) -> list[str]:
    r"""Give the account of rows as lines of text: one a table, then what was renamed, unknown, unused or made anew.

    >>> import pandas as pd
    >>> from blockrisk.features import read_tables
    >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]] * 2, columns=["card_id", "started_at", "dst", "通话时长(秒)"])
    >>> print(*account_lines(read_tables({"cards": cards, "calls": calls})), sep="\n")
    cards: 1 rows read = 1 used + 0 duplicates + 0 set aside
    calls: 2 rows read = 1 used + 1 duplicates + 0 set aside
      calls: read as dst -> callee, 通话时长(秒) -> talk_s
    """
    lines = []
    for count in tables.accounting:
        figures = {name: f"{getattr(count, name):,}" for name in ("read", "used", "duplicates", "quarantined")}
        lines.append(say("rows_read", table=count.table, **figures))
        lines += [f"  {refused}" for refused in count.refused]
        lines += [
            f"  {say('unknown_values', column=f'{count.table}.{name}', n=f'{n:,}')}" for name, n in count.unknown_values.items()
        ]
        told = dict.fromkeys(mapping_line(mapped) for mapped in tables.mapped if mapped.table == count.table)
        lines += [f"  {say('read_as', table=count.table, there=line)}" for line in told if line]
        if count.ignored_columns:
            lines.append(f"  {say('unused', table=count.table, there=', '.join(map(shown, count.ignored_columns)))}")
    if tables.ignored:
        lines.append(say("ignored", there=", ".join(tables.ignored)))
    return [*lines, *_stray_end(tables), *tables.notes, *(tables.kept.notes if tables.kept else ())]


def _stray_end(tables: Tables) -> list[str]:
    """Tell of a last day of calls that comes long after the one before: a wrong stamp moves all dates that are counted from it."""
    last = last_call(tables)
    sql = "select max(started_at) from calls where started_at < date_trunc('day', ?::timestamp)"
    [(before,)] = tables.con.execute(sql, [last]).fetchall()
    if last is None or before is None or (days := (last.date() - before.date()).days - 1) < _SILENT_DAYS:
        return []
    return [say("stray_end", days=days, before=before.date(), last=f"{last:%Y-%m-%d %H:%M}")]


def mapping_line(mapped: Mapped) -> str:
    """Name the columns of a file that were found under another name or in another unit."""
    told = []
    for column, use in mapped.uses.items():
        factor = f" (x {use.factor:g})" if use.factor != 1 else ""
        order = f" ({use.order})" if use.order else ""
        if use.header != column or factor or order:
            told.append(f"{shown(use.header)} -> {column}{factor}{order}")
    return ", ".join(told)
