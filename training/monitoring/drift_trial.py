"""How often drift is told of where there is none: `python -m blockrisk.training.monitoring.drift_trial docs DATA`.

Mornings of a simulated world in which no rule changes, with cards drawn anew for each, go through the check's own functions.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables, at_risk, read_tables, vectors
from blockrisk.features.output import write_between
from blockrisk.training.dated import start_of_period
from blockrisk.training.labels import end_of_observation
from blockrisk.training.monitoring.drift import LEAST_WEEKS, WARM_DAYS, beyond, compared

START, END = "<!-- drift: written by python -m blockrisk.training.monitoring.drift_trial docs DATA -->", "<!-- end of drift -->"
SIZES: Final = (100, 400)
MORNINGS: Final = 100
SEED: Final = 5
_STEP: Final = 5  # days between the mornings that are drawn from: every weekday is among them


@dataclass(frozen=True)
class Quiet:
    """Hold how many of `mornings` with `cards` cards told of a drift, and what they named, the most frequent first.

    With `exchanged`, each card's two mornings change places by chance, so that nothing can have moved at all; without, the world
    ages as worlds do.
    """

    cards: int
    exchanged: bool
    mornings: int
    alarms: int
    named: tuple[str, ...]


def pairs(tables: Tables) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Give the vectors of mornings and of those four weeks before them, indexed by card."""
    first = start_of_period(tables).normalize() + pd.Timedelta(days=WARM_DAYS + 7 * LEAST_WEEKS + 1)
    days = list(pd.date_range(first, end_of_observation(tables).normalize(), freq=f"{_STEP}D"))
    earlier = [day - pd.Timedelta(weeks=LEAST_WEEKS) for day in days]
    found = vectors(tables, at_risk(tables, sorted({*days, *earlier}))).set_index("card_id")
    parts = {day: part.drop(columns="as_of") for day, part in found.groupby("as_of")}
    return [(parts[then], parts[day]) for then, day in zip(earlier, days, strict=True)]


def quiet(known: Sequence[tuple[pd.DataFrame, pd.DataFrame]], cards: int, mornings: int, seed: int, *, exchanged: bool) -> Quiet:
    """Look at `mornings` mornings, each of `cards` cards drawn with replacement from one of the known ones."""
    rng, alarms, names = np.random.default_rng(seed), 0, pd.Series(dtype="int64")
    for _ in range(mornings):
        before, now = known[int(rng.integers(len(known)))]
        before, now = _drawn(before, now, cards, rng, exchanged=exchanged)
        found = beyond(compared(before, now))
        alarms += bool(found)
        names = names.add(pd.Series(1, index=[one.value for one in found]), fill_value=0)
    return Quiet(cards, exchanged, mornings, alarms, tuple(names.sort_values(ascending=False).index[:3]))


def _drawn(
    before: pd.DataFrame, now: pd.DataFrame, cards: int, rng: np.random.Generator, *, exchanged: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    everyone = before.index.union(now.index).to_numpy()
    drawn = pd.DataFrame({"card": rng.choice(everyone, cards)})
    turned = rng.random(cards) < 0.5 if exchanged else np.zeros(cards, dtype=bool)
    return tuple(  # type: ignore[return-value]
        pd.concat([_of(one, drawn[~turned]), _of(other, drawn[turned])]) for one, other in ((before, now), (now, before))
    )


def _of(frame: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of drawn cards, each under the number of its draw."""
    there = drawn[drawn["card"].isin(frame.index)]
    return frame.loc[there["card"]].set_index(there.index)


def section(found: Sequence[Quiet]) -> str:
    """Tabulate them."""
    lines = ["| cards | the world | mornings | with an alarm of drift | most often of |", "| --- | --- | --- | --- | --- |"]
    for one in found:
        world = "stands still" if one.exchanged else "ages"
        lines.append(f"| {one.cards:,} | {world} | {one.mornings} | {one.alarms} | {', '.join(one.named) or '-'} |")
    return "\n".join(lines)


def main(docs: Path, data: Path) -> None:
    """Measure, and put the figures between their marks."""
    known = pairs(read_tables(data))
    found = [quiet(known, cards, MORNINGS, SEED, exchanged=exchanged) for exchanged in (True, False) for cards in SIZES]
    write_between(docs / "MONITORING.md", START, END, section(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
