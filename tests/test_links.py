"""Links: the rows of pairs that several days tell are those that a search through all of them finds, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from blockrisk.features import catalogue, plan
from blockrisk.features.daily_manifest import State
from blockrisk.features.intake.dataset import KeptDays
from blockrisk.features.intake.days import write_rows
from blockrisk.features.intake.manifest import ROWS, kept_rows
from blockrisk.features.links import CALLEES, LINK_DAYS, LINKED, SHARED, create_links, links_of, suffices, unlinked

Row = tuple[int, int, int, int, int, int]
"""Card, callee, day, seen, out, incoming."""
_COLUMNS = {
    "card_no": pa.int32(),
    "callee": pa.uint64(),
    "day": pa.int32(),
    "seen": pa.int32(),
    "out": pa.int32(),
    "incoming": pa.int32(),
}


def some_rows(rng: Random, day: int) -> list[Row]:
    """Draw a day's rows: few cards and callees, so that pairs meet again after any number of days; some known on several days."""
    keys = {(rng.randint(1, 3), rng.randint(1, 40), day, day + rng.choice([0, 0, 0, 1])) for _ in range(rng.randint(0, 6))}
    return [(*key, *rng.choice([(1, 0), (1, 0), (0, 1), (2, 0), (1, 1)])) for key in sorted(keys)]


@dataclass
class World:
    """Hold days of rows, and a store of them."""

    folder: Path
    kept: KeptDays
    state: State = field(default_factory=State)
    rows: dict[int, list[Row]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> World:
        (folder / ROWS).mkdir()
        return cls(folder, KeptDays(duckdb.connect(), folder, str(folder), {}))

    def put(self, day: int, rows: list[Row]) -> None:
        """Keep the callees of a day, of other calls than before."""
        self.rows[day] = rows
        table = pa.table({name: pa.array([row[n] for row in rows], kind) for n, (name, kind) in enumerate(_COLUMNS.items())})
        table = table.append_column("out_us", table["day"].cast(pa.int64())).append_column("in_us", table["seen"].cast(pa.int64()))
        self.kept.days[day] = {"name": f"calls-{day}-{len(rows)}-{hash(tuple(rows))}", "rows": len(rows)}
        self.state.days[day] = {"calls": [], "files": {CALLEES: write_rows(table, self.folder / ROWS, f"c-{day}")}}
        for one in (day, day + 1):
            if one in self.state.days:
                self.state.days[one]["calls"] = self.kept.calls_of(one)

    def link(self, wanted: list[int], rng: Random) -> list[int]:
        """Make the links of wanted days that do not stand, some days at a time; name them."""
        days = made = unlinked(self.kept, self.state, wanted)
        while days:
            run = [day for n, day in enumerate(days) if day == days[0] + n][: rng.randint(1, 40)]
            create_links(self.kept.con, self.kept, self.state, run)
            for day in run:
                told = self.kept.con.sql(f"select * from links where told = {day} order by all").to_arrow_table()
                self.state.days[day]["files"][LINKED] = write_rows(told, self.folder / ROWS, f"l-{day}")
                self.state.days[day]["links"] = links_of(self.kept, self.state, day)
            days = days[len(run) :]
        return made

    def files(self) -> list[str]:
        """Name the links by their content."""
        return [self.state.days[day]["files"][LINKED]["name"] for day in sorted(self.rows)]

    def told(self, low: int) -> list[Row]:
        """Give the shared rows from a day on, as the files tell them."""
        files: list[dict[str, Any]] = [one["files"][LINKED] for day, one in self.state.days.items() if day >= low]
        shared = SHARED.format(files=kept_rows(self.kept, files), low=low, some="true")
        return self.kept.con.execute(f"select {', '.join(_COLUMNS)} from ({shared}) order by all").fetchall()

    def expected(self, low: int) -> tuple[list[Row], list[Row]]:
        """Give the rows from a day on whose pair has other calls in them, by a search; and those of them that must be told."""
        rows = sorted(row for day, some in self.rows.items() if day >= low for row in some)
        others = {row: [other for other in rows if other[:2] == row[:2] and other != row] for row in rows}
        several = [row for row in rows if row[4] + row[5] > 1 or others[row]]
        return several, [row for row in several if row[4] + row[5] > 1 or any(abs(o[2] - row[2]) <= LINK_DAYS for o in others[row])]


def check(world: World, rng: Random) -> None:
    last = max(world.rows) + 1
    for low in [last - LINK_DAYS - 1, last - rng.randint(1, LINK_DAYS), rng.randint(min(world.rows), last - 1)]:
        found, (several, near) = world.told(low), world.expected(low)
        assert len(found) == len(set(found))
        missed = set(near) - set(found)
        assert not missed
        if suffices(last, low):
            assert set(several) == set(near)
        lone = {(row[0], row[1]) for row in set(found) - set(several)}  # their other row lies before the first day
        assert all(any(row[:2] == pair for day in world.rows if day < low for row in world.rows[day]) for pair in lone)


@pytest.mark.parametrize("seed", range(4))
def test_shared_rows_are_told_once_whatever_days_came_together_or_changed(tmp_path: Path, seed: int):
    rng = Random(seed)
    world = World.make(tmp_path)
    for day in range(20_000, 20_000 + rng.randint(70, 160)):
        world.put(day, some_rows(rng, day))
    world.link(sorted(world.rows), rng)
    check(world, rng)
    files = world.files()
    for one in world.state.days.values():
        del one["files"][LINKED]
    world.link(sorted(world.rows), Random(seed + 1))
    assert world.files() == files
    for _ in range(4):
        newest = max(world.rows) + 1
        world.put(newest, some_rows(rng, newest))
        for day in rng.sample(sorted(world.rows), rng.randint(0, 2)):
            world.put(day, some_rows(rng, day))
        world.link(sorted(world.rows), rng)
        check(world, rng)


def test_a_new_day_makes_its_own_links_alone_and_a_changed_one_those_of_the_days_after(tmp_path: Path):
    rng = Random(1)
    world = World.make(tmp_path)
    for day in range(100):
        world.put(day, some_rows(rng, day))
    assert world.link(sorted(world.rows), rng) == list(range(100))
    world.put(100, some_rows(rng, 100))
    assert world.link(sorted(world.rows), rng) == [100]
    world.put(30, [*world.rows[30], (9, 9, 30, 30, 1, 0)])
    assert world.link(sorted(world.rows), rng) == list(range(30, 30 + LINK_DAYS + 1))


def test_days_that_were_not_kept_when_links_were_made_are_linked_once_they_are(tmp_path: Path):
    rng = Random(2)
    world = World.make(tmp_path)
    for day in range(40, 80):
        world.put(day, some_rows(rng, day))
    world.link(list(range(60, 80)), rng)
    for day in range(40):
        world.put(day, some_rows(rng, day))
    world.link(sorted(world.rows), rng)
    check(world, rng)


def test_links_suffice_for_the_shipped_columns_at_one_date_and_the_next():
    wanted = plan.outputs(catalogue.columns())
    present = frozenset(need for output in wanted for either in output.feature.needs for need in either.split("|"))
    reach = plan.sources(wanted, present)["callee_spans"]
    assert reach is not None
    assert suffices(100, 100 - reach)
    assert suffices(101, 100 - reach)
