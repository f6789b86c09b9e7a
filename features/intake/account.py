"""Say what became of every row that came in."""

from blockrisk.features.intake.dataset import Tables


def account_lines(tables: Tables) -> list[str]:
    r"""Give the account of rows as lines of text: one a table, then what was set aside, unknown or ignored.

    >>> import pandas as pd
    >>> from blockrisk.features import read_tables
    >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]] * 2, columns=["card_id", "started_at", "callee", "talk_s"])
    >>> print(*account_lines(read_tables({"cards": cards, "calls": calls})), sep="\n")
    cards: 1 rows read = 1 used + 0 duplicates + 0 set aside
    calls: 2 rows read = 1 used + 1 duplicates + 0 set aside
    """
    lines = []
    for count in tables.accounting:
        lines.append(
            f"{count.table}: {count.read:,} rows read = {count.used:,} used + {count.duplicates:,} duplicates "
            f"+ {count.quarantined:,} set aside"
        )
        lines += [f"  {refused}" for refused in count.refused]
        lines += [
            f"  {count.table}.{name}: {n:,} values blank or outside the list, kept as unknown"
            for name, n in count.unknown_values.items()
        ]
        if count.ignored_columns:
            lines.append(f"  {count.table}: columns not used: {', '.join(count.ignored_columns)}")
    if tables.ignored:
        lines.append(f"not a table, left alone: {', '.join(tables.ignored)}")
    return lines
