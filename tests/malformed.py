"""Malformed files that know their truth: a grammar over traps x tables x formats x encodings x names of columns.

`malformed(seed)` makes one file: its bytes, the typed rows that must be read from it, the lines that must be set aside, the number
of duplicates, or the sentence by which it must be refused as a whole.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.features import tables as contract
from blockrisk.features.synonyms import COLUMNS, WORDS
from blockrisk.features.tables import Column, Table

TODAY = date(2025, 6, 30)
START = datetime(2025, 3, 1, 9, 5)
TABLES = tuple(table for table in contract.TABLES if table.name not in ("actions", "limits"))
BAD = object()
"""The truth of a cell that must set its row aside."""
FORMATS = ("csv", "csv", "csv", "semicolon", "tab", "csv.gz", "xlsx", "xlsx", "parquet")
WHOLE = ("no column", "no header", "twice", "empty", "cut gz", "no workbook", "no parquet", "dates")
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
Cell = tuple[Any, Any]  # what is written, what it means


@dataclass(frozen=True)
class Malformed:
    """A file and its truth; `error` is what the sentence that refuses it must hold."""

    seed: int
    table: str
    name: str
    content: bytes
    columns: tuple[str, ...] = ()
    used: tuple[tuple[Any, ...], ...] = ()
    refused: frozenset[int] = frozenset()
    duplicates: int = 0
    error: str = ""
    traps: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        folder.joinpath(self.name).write_bytes(self.content)


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


IDS: dict[str, Callable[[str], Cell]] = {
    "plain": lambda v: (v, v),
    "blanks around": lambda v: (f" {v}\t", v),
    "full width": lambda v: (_wide(v), v),
    "apostrophe": lambda v: (f"'{v}", v),
    "zero width": lambda v: (f"\u200b{v}\ufeff", v),
    "plus 86": lambda v: (f"+86 {v[:3]} {v[3:7]} {v[7:]}", v),
    "00 86": lambda v: (f"0086{v}", v),
    "hyphens": lambda v: (f"{v[:3]}-{v[3:7]}-{v[7:]}", v),
    "point zero": lambda v: (f"{v}.0", v),
    "exponent": lambda v: ("1.38E+10", BAD),
    "decimals": lambda v: (f"{v}.5", BAD),
    "long float": lambda v: ("8986010000000518690.0", BAD),
    "total row": lambda v: ("合計", BAD),
    "total in English": lambda v: ("Total", BAD),
}
TIMES: dict[str, Callable[[datetime], Cell]] = {
    "plain": lambda t: (f"{t:%Y-%m-%d %H:%M:%S}", t),
    "minutes": lambda t: (f"{t:%Y-%m-%d %H:%M}", t),
    "slashes": lambda t: (f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}", t),
    "chinese": lambda t: (f"{t.year}年{t.month}月{t.day}日 {t.hour}:{t:%M}", t),
    "points": lambda t: (f"{t:%Y.%m.%d %H:%M}", t),
    "T Z": lambda t: (f"{t - timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}", t),
    "offset": lambda t: (f"{t + timedelta(hours=1):%Y-%m-%d %H:%M:%S}+09:00", t),
    "short offset": lambda t: (f"{t - timedelta(hours=3):%Y-%m-%d %H:%M}+05", t),
    "epoch": lambda t: (f"{int((t - datetime(1970, 1, 1, 8)).total_seconds())}", t),
    "epoch ms": lambda t: (f"{int((t - datetime(1970, 1, 1, 8)).total_seconds())}000", t),
    "serial": lambda t: (f"{(t - datetime(1899, 12, 30)) / timedelta(days=1):.10f}", t),
    "compact": lambda t: (f"{t:%Y%m%d%H%M%S}", t),
    "full width": lambda t: (_wide(f"{t:%Y-%m-%d}") + f" {t:%H:%M}", t),
    "no month": lambda t: ("2025-13-01 09:00", BAD),
    "no day": lambda t: ("2025-02-30", BAD),
    "infinity": lambda t: ("infinity", BAD),
    "afternoon": lambda t: (f"{t:%Y-%m-%d} 09:05 PM", BAD),
    "named zone": lambda t: (f"{t:%Y-%m-%d %H:%M:%S} Asia/Tokyo", BAD),
    "future": lambda t: ("2025-07-02 00:00:00", BAD),
    "long ago": lambda t: ("1970-01-01", BAD),
    "word": lambda t: ("昨天", BAD),
}
NUMBERS: dict[str, Callable[[int], Cell]] = {
    "plain": lambda n: (str(n), float(n)),
    "decimal": lambda n: (f"{n}.50", n + 0.5),
    "full width": lambda n: (_wide(str(n)), float(n)),
    "blanks": lambda n: (f" {n} ", float(n)),
    "thousands": lambda n: (f"{n + 1000:,}", float(n + 1000)),
    "negative": lambda n: (f"-{n + 1}", BAD),
    "infinite": lambda n: ("inf", BAD),
    "word": lambda n: ("多", BAD),
    "two numbers": lambda n: (f"{n} {n}", BAD),
}
DURATIONS: dict[str, Callable[[int], Cell]] = {
    "clock": lambda n: (f"00:{n // 60:02d}:{n % 60:02d}", float(n)),
    "spoken": lambda n: (f"{n // 60}分{n % 60}秒", float(n)),
    "seconds": lambda n: (f"{n}s", float(n)),
    "two parts": lambda n: (f"{n // 60:02d}:{n % 60:02d}", BAD),
}
NOTHING = ("", "null", "NULL", "None", "nan", "-", "--", "\\N", "无", "無", "未知", "N/A")


def _identifier(rng: Random, table: Table, column: Column, n: int) -> Cell:
    value = f"138{rng.randrange(10**5):05d}{n:03d}"
    trap = rng.choice(list(IDS)) if rng.random() < 0.5 else "plain"
    if rng.random() < 0.05:
        return ("138****8000", BAD) if column.name == "card_id" else ("138****8000", "138****8000")
    return IDS[trap](value)


def _time(rng: Random, table: Table, column: Column, n: int) -> Cell:
    value = START + timedelta(days=rng.randrange(60), minutes=n)
    trap = rng.choice(list(TIMES)) if rng.random() < 0.6 else "plain"
    if trap == "future" and column.future:
        return "2025-07-02 00:00:00", datetime(2025, 7, 2)
    return TIMES[trap](value)


def _number(rng: Random, table: Table, column: Column, n: int) -> Cell:
    traps = {**NUMBERS, **DURATIONS} if column.name in ("talk_s", "ring_s") else NUMBERS
    trap = rng.choice(list(traps)) if rng.random() < 0.6 else "plain"
    if trap == "negative" and column.minimum is None:
        return f"-{n + 1}", -float(n + 1)
    return traps[trap](rng.randrange(3000))


def _choice(rng: Random, table: Table, column: Column, n: int) -> Cell:
    value = rng.choice(column.choices)
    spellings = (value, value.upper(), *WORDS[f"{table.name}.{column.name}"][value])
    return rng.choice([(rng.choice(spellings), value), ("胡說", "unknown")])


def _text(rng: Random, table: Table, column: Column, n: int) -> Cell:
    return rng.choice(
        [("成都", "成都"), (" 成都\u3000", "成都"), ("NA", "NA"), ("\u200b綿陽", "綿陽"), ("A, B", "A, B"), ('5" x', '5" x')]
    )


def _cell(rng: Random, table: Table, column: Column, n: int) -> Cell:
    if rng.random() < 0.06:
        nothing = rng.choice([*NOTHING, "0000-00-00 00:00:00"] if column.type == "time" else NOTHING)
        return nothing, BAD if column.required else column.blank
    if column.identifier:
        return _identifier(rng, table, column, n)
    return {"time": _time, "number": _number, "choice": _choice, "text": _text}[column.type](rng, table, column, n)


def _good(table: Table, columns: list[Column], n: int) -> list[Cell]:
    """A plain row, so that no file is without any; its key differs from those of all others."""
    plain: dict[str, Cell] = {
        "time": (f"2025-02-{n + 1:02d} 00:00:00", datetime(2025, 2, n + 1)),
        "number": ("7", 7.0),
        "text": (f"p{n}", f"p{n}"),
    }
    return [(column.choices[0],) * 2 if column.type == "choice" else plain[column.type] for column in columns]  # type: ignore[misc]


def _headers(rng: Random, table: Table, columns: list[Column]) -> list[str]:
    names = []
    spoken = rng.random() < 0.6
    for column in columns:
        options = [column.name, *COLUMNS[f"{table.name}.{column.name}"]] if spoken else [column.name]
        name = rng.choice(options)
        name = rng.choice([name, name.upper(), f" {name} ", _wide(name)]) if spoken else name
        names.append(f"{name}(秒)" if spoken and column.name in ("talk_s", "ring_s") and rng.random() < 0.5 else name)
    return names


def malformed(seed: int) -> Malformed:
    """Make the file of a seed."""
    rng = Random(seed)
    table = rng.choice(TABLES)
    kind = rng.choice(FORMATS)
    columns = [column for column in table.columns if column.required or rng.random() < 0.35]
    rng.shuffle(columns)
    headers = _headers(rng, table, columns)
    if rng.random() < 0.12:
        return _refused_whole(rng, seed, table, columns, headers)
    rows = [_good(table, columns, n) for n in range(3)]
    rows += [[_cell(rng, table, column, n) for column in columns] for n in range(rng.randint(1, 8))]
    name, content, refused = _written(rng, table, kind, headers, rows)
    used, duplicates = _used(table, columns, [row for number, row in enumerate(rows) if number not in refused[1]])
    names = tuple(column.name for column in columns)
    return Malformed(seed, table.name, name, content, names, used, refused[0], duplicates)


def _used(table: Table, columns: list[Column], rows: list[list[Cell]]) -> tuple[tuple[tuple[Any, ...], ...], int]:
    """The rows that stay, and the number of those with the key of another; generated rows with one key are alike."""
    key = [number for number, column in enumerate(columns) if column.name in table.key]
    kept = {tuple(row[number][1] for number in key): tuple(cell[1] for cell in row) for row in reversed(rows)}
    return tuple(kept.values()), len(rows) - len(kept)


Refused = tuple[frozenset[int], set[int]]


def _written(rng: Random, table: Table, kind: str, headers: list[str], rows: list[list[Cell]]) -> tuple[str, bytes, Refused]:
    """Write the rows; give the file's name, its bytes, the lines that are refused and the rows that do not count."""
    if kind == "parquet":
        return _parquet(table, headers, rows)
    if rng.random() < 0.4:
        rows.append(list(rng.choice(rows)))  # pushed twice
    if kind == "xlsx":
        return _workbook(rng, table, headers, rows)
    return _text_file(rng, table, kind, headers, rows)


def _bad(rows: list[list[Cell]]) -> set[int]:
    return {number for number, row in enumerate(rows) if any(truth is BAD for _, truth in row)}


def _parquet(table: Table, headers: list[str], rows: list[list[Cell]]) -> tuple[str, bytes, Refused]:
    columns = [pa.array([str(row[number][0]) for row in rows]) for number in range(len(headers))]
    out = io.BytesIO()
    pq.write_table(pa.table(columns, names=headers), out)
    bad = _bad(rows)
    return f"{table.name}.parquet", out.getvalue(), (frozenset(number + 1 for number in bad), bad)


def _workbook(rng: Random, table: Table, headers: list[str], rows: list[list[Cell]]) -> tuple[str, bytes, Refused]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    above = [["三月"], [None]] if rng.random() < 0.2 else []
    for line in [*above, headers]:
        sheet.append(line)
    lines: dict[int, int] = {}
    for number, row in enumerate(rows):
        if rng.random() < 0.1:
            sheet.append([None])
        sheet.append([_typed(rng, written, truth) for written, truth in row])
        lines[number] = sheet.max_row
    out = io.BytesIO()
    book.save(out)
    bad = _bad(rows)
    return f"{table.name}.xlsx", out.getvalue(), (frozenset(lines[number] for number in bad), bad)


def _typed(rng: Random, written: Any, truth: Any) -> Any:
    """A workbook holds dates and numbers as such now and then; text as text, as a person typed it."""
    if rng.random() < 0.3 and isinstance(truth, (datetime, float)):
        return truth
    if rng.random() < 0.3 and isinstance(truth, str) and truth.isdigit() and len(truth) <= 15 and not truth.startswith("0"):
        return int(truth)
    return "".join(c for c in str(written) if c >= " " or c == "\t")


def _text_file(rng: Random, table: Table, kind: str, headers: list[str], rows: list[list[Cell]]) -> tuple[str, bytes, Refused]:
    separator = {"semicolon": ";", "tab": "\t"}.get(kind, ",")
    if separator == ";":
        rows = [[(w, BAD if "," in str(w) and isinstance(t, float) else t) for w, t in row] for row in rows]
    if separator == "\t":
        rows = [[(str(w).replace("\t", ""), t) for w, t in row] for row in rows]
    bad = _bad(rows)
    lines = [_line(headers, separator)]
    if rng.random() < 0.2:
        lines = ["三月", ""] + lines
    refused = set()
    for number, row in enumerate(rows):
        trap = rng.choice(["blank line", "short", "long", "quote", "nul", "", "", "", "", "", "", ""])
        lines += _broken(trap, row, separator)
        if trap not in ("", "blank line"):
            refused.add(len(lines))
        lines.append(_line([str(written) for written, _ in row], separator))
        if number in bad:
            refused.add(len(lines))
    ends = rng.choice(["\n", "\n", "\r\n", "\r"])
    text = ends.join(lines) + (ends if rng.random() < 0.9 else "")
    content = text.encode(rng.choice(ENCODINGS))
    name = f"{table.name}.csv.gz" if kind == "csv.gz" else f"{table.name}.csv"
    return name, gzip.compress(content) if kind == "csv.gz" else content, (frozenset(refused), bad)


def _broken(trap: str, row: list[Cell], separator: str) -> list[str]:
    """A line that is no row, from the cells of a row."""
    cells = [f"x{number}" for number in range(len(row))]
    return {
        "blank line": [""],
        "short": [separator.join(cells[:-1])],
        "long": [separator.join([*cells, "x"])],
        "quote": [separator.join([*cells[:-1], '"x'])],
        "nul": [separator.join([*cells[:-1], "x\0"])],
    }.get(trap, [])


def _line(cells: list[str], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="").writerow(cells)
    return out.getvalue()


def _refused_whole(rng: Random, seed: int, table: Table, columns: list[Column], headers: list[str]) -> Malformed:
    """A file that cannot be understood, or that has two meanings: the sentence that says so."""
    row = [str(written) for written, _ in _good(table, columns, 0)]
    needed = [number for number, column in enumerate(columns) if column.required]
    number = rng.choice(needed)
    dated = next((n for n, column in enumerate(columns) if column.type == "time"), None)
    name, trap = (
        f"{table.name}.csv",
        rng.choice(["no column", "no header", "twice", "empty", "cut gz", "no workbook", "no parquet", "dates"]),
    )
    head = list(headers)
    error = f"has no column {columns[number].name}"
    if trap == "no column":
        head[number] = "別的"
    elif trap == "no header":
        return Malformed(seed, table.name, name, f"{_line(row, ',')}\n".encode(), error="has no column", traps=(trap,))
    elif trap == "twice":
        head[number] = columns[number].name
        head, row, error = [*head, columns[number].name], [*row, "x"], "stands twice"
    elif trap == "empty":
        return Malformed(seed, table.name, name, b"\n", error="is empty", traps=(trap,))
    elif trap == "cut gz":
        content = gzip.compress(f"{_line(head, ',')}\n{_line(row, ',')}\n".encode())[:-9]
        return Malformed(seed, table.name, f"{name}.gz", content, error="cannot be read", traps=(trap,))
    elif trap == "no workbook":
        return Malformed(seed, table.name, f"{table.name}.xlsx", b"PK\3\4 and no more", error="no readable workbook", traps=(trap,))
    elif trap == "no parquet" or dated is None:
        return Malformed(seed, table.name, f"{table.name}.parquet", b"PAR1", error="no readable Parquet", traps=(trap,))
    else:
        row[dated], error = "01/02/2025", "may be day/month or month/day"
    return Malformed(seed, table.name, name, f"{_line(head, ',')}\n{_line(row, ',')}\n".encode(), error=error, traps=(trap,))
