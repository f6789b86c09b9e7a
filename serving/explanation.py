"""What is told of one card at one date, as data. Filled by `explain`, drawn by the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("zh-Hant", "zh-Hans", "en")
"""The languages that every text exists in; the first is the default of pages."""

Texts = Mapping[str, str]
"""One text in every language of LANGUAGES."""


@dataclass(frozen=True)
class Contribution:
    """Hold what one feature adds to the log-odds of this card against the training mean; the family is one of features.FAMILIES."""

    family: str
    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class Reason:
    """Hold a reason that raises the risk: its code, as in the score file, and a sentence with the card's own numbers."""

    code: str
    text: Texts
    contribution: float


@dataclass(frozen=True)
class Advice:
    """Hold one lawful action and what it would do to the probability at as_of + 7 days, kept for those 7 days.

    `probability_without` is going on as before; `low` and `high` bound `probability_with`. `calls_given_up` is calls a day, None
    for actions that give up none.
    """

    code: str
    text: Texts
    probability_without: float
    probability_with: float
    low: float
    high: float
    calls_given_up: float | None = None


@dataclass(frozen=True)
class Explanation:
    """Hold everything about one card at one as_of (a date, ISO text).

    `base` plus all contributions is `margin` (log-odds) within 1e-6, and `probability` is its logistic. `history` has
    (date, probability) of the days before, oldest first, the last being as_of itself; days not at risk are left out.
    """

    card_id: str
    as_of: str
    horizon_days: int | None
    base: float
    contributions: tuple[Contribution, ...]
    margin: float
    probability: float
    reasons: tuple[Reason, ...]
    advice: tuple[Advice, ...]
    history: tuple[tuple[str, float], ...]
