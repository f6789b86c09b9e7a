"""Malformed files (tests/malformed.py): no traceback, no row read wrongly, none lost; `make fuzz` runs many more."""

import os
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from malformed import TODAY, Malformed, malformed

from blockrisk.features import Tables, UserError, read_tables

FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
FILES = int(os.environ.get("FUZZ_FILES", "500"))
PLAIN = {
    "cards.csv": "card_id,operator,home_region,activated_at\np0,A,X,2025-01-01\n",
    "calls.csv": "card_id,started_at,callee,talk_s\np0,2025-02-01,c,1\n",
}


def together(files: list[Malformed]) -> list[list[Malformed]]:
    """Put files of different tables into one data set, as reading a data set costs more than reading a file."""
    alone = [[file] for file in files if file.error]
    sets: list[dict[str, Malformed]] = []
    for file in files:
        if not file.error:
            home = next((found for found in sets if file.table not in found), None)
            if home is None:
                sets.append(home := {})
            home[file.table] = file
    return alone + [list(found.values()) for found in sets]


def read(files: list[Malformed]) -> Tables:
    with tempfile.TemporaryDirectory() as folder:
        names = {file.table for file in files}
        for name, text in PLAIN.items():
            if name.split(".")[0] not in names:
                Path(folder, name).write_text(text)
        for file in files:
            file.write(Path(folder))
        return read_tables(folder, today=TODAY, threads=1)


def problem(tables: Tables, file: Malformed) -> str:
    """Say how what was read differs from the truth of the file; "" if it does not."""
    columns = ", ".join(f'"{name}"' for name in file.columns)
    rows = Counter(tables.con.execute(f"select {columns} from {file.table}").fetchall())
    told = tables.con.execute("select distinct line from set_aside where table_name = ?", [file.table]).fetchall()
    lines = {line for (line,) in told}
    count = next(entry for entry in tables.accounting if entry.table == file.table)
    if rows != Counter(file.used):
        return f"rows read {dict(rows - Counter(file.used))}, true {dict(Counter(file.used) - rows)}"
    if lines != file.refused or count.quarantined != len(file.refused):
        return f"lines set aside {sorted(lines)}, true {sorted(file.refused)}"
    return "" if count.duplicates == file.duplicates else f"{count.duplicates} duplicates, true {file.duplicates}"


def problems(files: list[Malformed]) -> list[str]:
    """Read files of different tables as one data set and compare each with its truth; any other error is a traceback."""
    if files[0].error:
        try:
            read(files)
        except UserError as error:
            return [] if files[0].error in str(error) else [f"seed {files[0].seed}: {error}"]
        return [f"seed {files[0].seed}: not refused, although it {files[0].error}"]
    try:
        tables = read(files)
    except UserError as error:
        return [f"seeds {[file.seed for file in files]}: {error}"]
    found = {file.seed: problem(tables, file) for file in files}
    return [f"seed {seed} ({file.name}): {found[seed]}" for seed, file in ((file.seed, file) for file in files) if found[seed]]


@pytest.mark.parametrize("part", range(10))
def test_malformed_files_are_read_as_they_are_or_refused_with_a_word(part: int) -> None:
    seeds = range(FIRST + part, FIRST + FILES, 10)
    assert [line for files in together([malformed(seed) for seed in seeds]) for line in problems(files)] == []


def test_the_generator_repeats_itself_and_lays_every_trap() -> None:
    files = [malformed(seed) for seed in range(300)]
    assert [file.used for file in files] == [malformed(seed).used for seed in range(300)]
    assert {file.table for file in files} >= {"cards", "calls", "complaints", "payments", "messages", "blocks", "locations"}
    assert len({file.name.split(".", 1)[1] for file in files}) == 4
    assert len({trap for file in files for trap in file.traps}) == 8
    assert sum(bool(file.refused) for file in files) > 100
    assert list(islice((file for file in files if file.duplicates), 1))
