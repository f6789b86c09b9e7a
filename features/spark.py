"""The feature engine on Spark: the statements that are written for DuckDB, translated by sqlglot and run there.

The data set is read at the same door (features.intake) and handed over as Parquet. Prepared tables, results and vectors are then
made by the very text that DuckDB runs; nothing of a feature is said twice.
"""

import os
import re
import shutil
import socket
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import pandas as pd
from pyarrow import parquet

from blockrisk.features import tables as contract
from blockrisk.features.errors import mistake
from blockrisk.features.intake import Tables
from blockrisk.features.intake.spill import private_folder

BOOKS: Final = ("prepared_from",)
"""Tables about which prepared tables have been made: small, changed row by row, and kept in a DuckDB of its own beside Spark."""

_ROWS = 100_000  # handed over at once
_MASTER = re.compile(r"local(\[(\*|\d+)(,\d+)?\])?|yarn|k8s://\S+|spark://[\w.-]+:\d+(,[\w.-]+:\d+)*")
_MADE = re.compile(r"\s*create or replace temp (table|view) (\w+) as\s(.*)", re.DOTALL)
_ADDED = re.compile(r"\s*insert into (\w+)\s(\s*(?:select|with|from).*)", re.DOTALL)
_DROPPED = re.compile(r"\s*drop (?:table|view) (?:if exists )?(\w+)")
_MACRO = re.compile(r"\s*create or replace temp macro (\w+)\(([\w, ]*)\) as (.*)", re.DOTALL)
_SETTINGS: Final = {
    "spark.app.name": "blockrisk",
    "spark.log.level": "OFF",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_LOCAL_SETTINGS: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "4",
}


Macros = Mapping[str, tuple[list[str], str]]
"""Macros that DuckDB would know: name -> the names of the arguments, and the text."""


def translate(sql: str, macros: Macros | None = None) -> str:
    """Write a DuckDB query in Spark's SQL, its macros filled in.

    Beyond what sqlglot does: whole-number division stays one (it would go through a float), a literal with a point is a double as
    in DuckDB's arithmetic with doubles, instants are read in microseconds, a row is compared with a row, and what DuckDB hashes
    Spark hashes with its own 64 bits.

    >>> translate("select epoch_us(t) // 1000 as x from r")
    'SELECT DIV(UNIX_MICROS(CAST(t AS TIMESTAMP)), 1000) AS x FROM r'
    >>> translate("select half(x + 1) as x from r", {"half": (["n"], "n // 2")})
    'SELECT (DIV(x + 1, 2)) AS x FROM r'
    """
    import sqlglot

    tree = sqlglot.parse_one(sql, read="duckdb")
    for node in reversed(list(tree.walk())):  # what is inside first: a node that is replaced takes its inside along
        filled = _filled(node, macros or {})
        for part in reversed(list(filled.walk())) if filled is not node else [node]:
            changed = _rewritten(part)
            if part is filled:
                filled = changed
            elif changed is not part:
                part.replace(changed)
        if filled is not node:
            node.replace(filled)
    return tree.sql(dialect="spark")


def _filled(node: Any, macros: Macros) -> Any:
    """Put a macro's text in the place of its call, its arguments in brackets."""
    import sqlglot
    from sqlglot import exp

    if not isinstance(node, exp.Anonymous) or node.name.lower() not in macros:
        return node
    names, text = macros[node.name.lower()]
    given = dict(zip(names, node.expressions, strict=True))
    made = exp.Paren(this=sqlglot.parse_one(text, read="duckdb"))
    for column in list(made.find_all(exp.Column)):
        if column.name in given:
            column.replace(exp.Paren(this=given[column.name].copy()))
    return made


def _rewritten(node: Any) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.IntDiv):
        return exp.Anonymous(this="DIV", expressions=[node.this.unnest(), node.expression.unnest()])
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name:
        return exp.cast(exp.Literal.string(node.name), "double")
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.INT128:
        return exp.DataType.build("DECIMAL(38, 0)")
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    if isinstance(node, exp.In) and isinstance(node.this, exp.Tuple) and node.args.get("query"):
        for select in node.args["query"].find_all(exp.Select):
            if isinstance(select.expressions[0], exp.Tuple):
                select.set("expressions", select.expressions[0].expressions)
    return _called(node) if isinstance(node, exp.Anonymous) else node


def _called(node: Any) -> Any:
    """Call Spark's function in the place of one that sqlglot does not know."""
    from sqlglot import exp

    given = node.expressions
    match node.name.lower():
        case "epoch_us":
            moment = exp.Cast(this=given[0], to=exp.DataType.build("TIMESTAMP", dialect="spark"))
            return exp.Anonymous(this="UNIX_MICROS", expressions=[moment])
        case "make_timestamp":
            return exp.Anonymous(this="TIMESTAMP_MICROS", expressions=given)
        case "hash":
            return exp.Anonymous(this="XXHASH64", expressions=given)
        case "list_extract":
            place = exp.cast(given[1], "int")
            return exp.Anonymous(this="TRY_ELEMENT_AT", expressions=[given[0], place])
    return node


@dataclass(frozen=True)
class Rows:
    """Hold the rows that a statement gives, not yet computed: `spark` is the Spark data frame."""

    spark: Any
    local: duckdb.DuckDBPyConnection

    def df(self) -> pd.DataFrame:
        """Compute them, as DuckDB's own `df` would give them."""
        found = self.spark.toArrow()
        return self.local.from_arrow(found).df()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Compute them, as tuples."""
        return [tuple(row) for row in self.spark.collect()]


class SparkConnection:
    """Stand in for the DuckDB connection of a data set: the same statements, run on Spark.

    Tables that are made are kept in the memory and on the disks of the executors, views are not. What is registered goes over as
    Parquet in `folder`, which the executors must be able to read.
    """

    def __init__(self, session: Any, local: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.session = session
        self._local = local
        self._books = duckdb.connect(":memory:")
        self._folder = folder
        self._handed = 0
        self._kept: dict[str, Any] = {}
        self._macros: dict[str, tuple[list[str], str]] = {}

    def execute(self, sql: str, parameters: Any = None) -> Any:
        """Run one statement; one about the BOOKS goes to DuckDB."""
        if any(book in sql for book in BOOKS):
            return self._books.execute(sql, parameters)
        if macro := _MACRO.match(sql):
            self._macros[macro[1]] = [name.strip() for name in macro[2].split(",")], macro[3]
            return None
        if made := _MADE.match(sql):
            return self._keep(made[2], self._query(made[3]), stored=made[1] == "table")
        if added := _ADDED.match(sql):
            more = self.session.table(added[1]).unionAll(self._query(added[2]))
            return self._keep(added[1], more, stored=True)
        if dropped := _DROPPED.match(sql):
            self._forget(dropped[1])
            return self.session.catalog.dropTempView(dropped[1])
        return Rows(self._query(sql), self._local)

    def _query(self, sql: str) -> Any:
        return self.session.sql(translate(sql, self._macros))

    def register(self, name: str, frame: Any) -> None:
        """Make a pandas frame a table."""
        self._local.register(name, frame)
        self.hand_over(name)

    def hand_over(self, name: str) -> None:
        """Make a table of the DuckDB connection one of Spark's."""
        self._handed += 1
        file = self._folder / f"{self._handed}-{name}.parquet"
        rows = self._local.sql(f"select * from {name}").to_arrow_reader(_ROWS)
        with parquet.ParquetWriter(file, rows.schema) as writer:
            for batch in rows:
                writer.write_batch(batch)
        self.session.read.parquet(str(file)).createOrReplaceTempView(name)

    def _keep(self, name: str, frame: Any, *, stored: bool) -> None:
        made = frame.localCheckpoint(eager=True) if stored else frame
        self._forget(name)
        self._kept[name] = made
        made.createOrReplaceTempView(name)

    def _forget(self, name: str) -> None:
        self._kept.pop(name, None)


class SparkEngine:
    """Compute vectors on Spark; made once, it is what `Tables.engine` holds."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self._handed: tuple[Tables, Tables] | None = None

    def __call__(self, tables: Tables) -> Tables:
        """Give the same data set with its rows on Spark; handed over once."""
        if self._handed is None or self._handed[0].con is not tables.con:
            folder, remove = private_folder()
            con = SparkConnection(self.session, tables.con, Path(folder))
            weakref.finalize(con, remove)
            for table in contract.TABLES:
                con.hand_over(table.name)
            self._handed = tables, replace(tables, con=cast(Any, con), engine=None)
        return self._handed[1]


def start_spark(master: str) -> SparkEngine:
    """Start, or join, Spark at a master.

    Args:
        master: as Spark names it: local[*], spark://HOST:7077, yarn, k8s://...

    Raises:
        UserError: PySpark or a Java runtime is missing, or there is no such master.

    """
    if not _MASTER.fullmatch(master):
        raise mistake("no_master", master=master)
    try:
        import sqlglot  # noqa: F401 - asked for before Java is started
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise mistake("no_spark", name=error.name) from error
    check_java()
    for host, port in re.findall(r"([\w.-]+):(\d+)", master) if master.startswith("spark://") else ():
        _check_there(host, int(port), master)
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark would take the first python3 on the PATH
    settings = _SETTINGS | (_LOCAL_SETTINGS if master.startswith("local") else {})
    builder = SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return SparkEngine(builder.getOrCreate())
    except (PySparkException, Py4JError, OSError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise mistake("spark_did_not_start", master=master, reason=reason) from error


def check_java() -> None:
    """Raise UserError where there is no Java runtime for Spark to run on."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if not found:
        raise mistake("no_java_at_home", home=home) if home else mistake("no_java")


def _check_there(host: str, port: int, master: str) -> None:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        raise mistake("no_master_there", master=master, reason=error.strerror or error) from error
