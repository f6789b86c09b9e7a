"""Values that occur more than once, found by sorting them: a third of the cost of counting them in SQL."""

import duckdb
import numpy as np
import pyarrow as pa

from blockrisk.features.packed import sorted_numbers


def create_repeated(con: duckdb.DuckDBPyConnection, name: str, column: str, rows: str) -> int:
    """Create a temporary table of the values of a column that several rows have, each once.

    Args:
        con: the connection.
        name: the table to create or replace; its one column is named as `column`.
        column: the column of `rows`, of type UBIGINT (hashes), without null; it is held in memory twice, a twentieth of what the
            rows of calls take there (features.intake.parts).
        rows: a query of that column.

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
    values = sorted_numbers(con, rows)
    found = np.unique(values[1:][values[1:] == values[:-1]])
    con.register(f"{name}_found", pa.table({column: found}))
    con.execute(f"create or replace temp table {name} as select * from {name}_found")
    con.unregister(f"{name}_found")
    return len(found)
