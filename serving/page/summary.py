"""What the top of the morning page says: how much needs attention, what changed, what is to be expected."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from blockrisk.serving.bands import BANDS
from blockrisk.serving.briefing import Briefing
from blockrisk.serving.expected import expected_blocks

CONCERN: Final = ("high", "very_high")
"""Bands whose cards need a person's attention."""

LEAST_MOVE: Final = 0.005
"""A smaller change of probability is no change worth a line."""


@dataclass(frozen=True)
class Today:
    """Hold the figures at the top.

    `attention` counts the cards of concern, `entered` and `left` those that were not, or no longer are; `fresh` and `gone` the
    cards that came to be, or ceased to be, at risk since the day before. The four are None where the day before has no scores.
    `listed` counts the cards on the list by the rule of the model (serving.alerts), None where it has none.
    """

    at_risk: int
    attention: int
    capacity: int
    bands: tuple[tuple[str, int], ...]
    expected: float
    low: int
    high: int
    entered: int | None
    left: int | None
    fresh: int | None
    gone: int | None
    listed: int | None


@dataclass(frozen=True)
class Move:
    """Hold the change of one card's probability since the day before."""

    card_id: str
    rank: int
    before: float
    now: float


def today(briefing: Briefing) -> Today:
    """Count what the top of the page tells."""
    scored, before = briefing.scored, briefing.before
    mean, low, high = expected_blocks(scored["probability"].to_numpy())
    counts = scored["band"].value_counts()
    concern, earlier = _concern(scored), _concern(before)
    known, was = set(scored["card_id"]), set(before["card_id"])
    compared = len(before) > 0
    return Today(
        at_risk=len(scored),
        attention=len(concern),
        capacity=briefing.capacity,
        bands=tuple((name, int(counts.get(name, 0))) for name, _ in reversed(BANDS)),
        expected=mean,
        low=low,
        high=high,
        entered=len(concern - earlier) if compared else None,
        left=len((earlier - concern) & known) if compared else None,
        fresh=len(known - was) if compared else None,
        gone=len(was - known) if compared else None,
        listed=int(scored["alert"].sum()) if "alert" in scored else None,
    )


def moves(briefing: Briefing, most: int = 6) -> tuple[list[Move], list[Move]]:
    """List the largest rises and falls, of cards of concern on either day: at most `most` of each."""
    both = briefing.scored.merge(briefing.before, on="card_id", suffixes=("", "_before"))
    both = both[both["band"].isin(CONCERN) | both["band_before"].isin(CONCERN)]
    both = both.assign(move=both["probability"] - both["probability_before"]).sort_values(["move", "rank"])
    rose, fell = both[both["move"] >= LEAST_MOVE].iloc[::-1], both[both["move"] <= -LEAST_MOVE]
    return _moves(rose.head(most)), _moves(fell.head(most))


def _moves(frame: pd.DataFrame) -> list[Move]:
    wanted = frame[["card_id", "rank", "probability_before", "probability"]]
    return [Move(str(card), int(rank), float(before), float(now)) for card, rank, before, now in wanted.itertuples(index=False)]


def _concern(scored: pd.DataFrame) -> set[str]:
    return set(scored["card_id"][scored["band"].isin(CONCERN)])
