"""The rows that were set aside, written where the command says, with their rule in both languages."""

from pathlib import Path

import pandas as pd

from blockrisk.features.intake.dataset import Tables
from blockrisk.features.messages import rule
from blockrisk.features.output import write_frame

COLUMNS = ("file", "line", "column", "value", "rule", "rule_zh")


def set_aside(tables: Tables, table: str) -> pd.DataFrame:
    """Return the rows of a table that were set aside: file, line, column, value, rule, rule_zh, in the order of the files."""
    sql = "select file, line, column_name, value, rule from set_aside where table_name = ? order by file, line, column_name"
    rows = [
        (file, line, column, value, rule(code, "en"), rule(code, "zh-Hant"))
        for file, line, column, value, code in tables.con.execute(sql, [table]).fetchall()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_quarantine(tables: Tables, folder: Path) -> list[Path]:
    """Write folder/TABLE.csv for each table of which rows were set aside; give the files. The folder is made if one is written."""
    written = []
    for count in tables.accounting:
        if count.quarantined:
            frame = set_aside(tables, count.table)
            if len(frame) != count.quarantined:
                raise AssertionError(f"{count.table}: {count.quarantined} rows set aside, {len(frame)} listed")
            written.append(folder / f"{count.table}.csv")
            write_frame(frame, written[-1])
    return written
