"""Values that occur more than once, found by sorting them: a third of the cost of counting them in SQL, in bounded memory."""

import duckdb
import numpy as np
import pyarrow as pa

AT_ONCE = 16_000_000
"""Numbers that are sorted in memory at a time: 128 MB."""


def create_repeated(con: duckdb.DuckDBPyConnection, name: str, column: str, rows: str) -> int:
    """Create a temporary table of the values of a column that several rows have, each once.

    Args:
        con: the connection.
        name: the table to create or replace; its one column is named as `column`.
        column: a column of `rows`, of type UBIGINT (hashes), without null.
        rows: a query.

    Returns:
        How many there are.

    Example:
        >>> con = duckdb.connect()
        >>> rows = "select unnest([hash('a'), hash('b'), hash('a')]) as hashed"
        >>> create_repeated(con, "twice", "hashed", rows)
        1
        >>> con.execute("select hashed = hash('a') from twice").fetchall()
        [(True,)]

    """
    [(count,)] = con.execute(f"select count(*) from ({rows})").fetchall()
    parts = count // AT_ONCE + 1
    if parts > 1:  # rows that were spilled are read once, not once a part
        con.execute(f"create or replace temp table {name}_all as {rows}")
        rows = f"select {column} from {name}_all"
    found = np.concatenate(
        [_repeated(con, column, f"select {column} from ({rows}) where {column} % {parts} = {part}") for part in range(parts)]
    )
    con.execute(f"drop table if exists {name}_all")
    con.register(f"{name}_found", pa.table({column: found}))
    con.execute(f"create or replace temp table {name} as select * from {name}_found")
    con.unregister(f"{name}_found")
    return len(found)


def _repeated(con: duckdb.DuckDBPyConnection, column: str, rows: str) -> np.ndarray:
    values = np.sort(con.execute(rows).fetchnumpy()[column])
    return np.unique(values[1:][values[1:] == values[:-1]])
