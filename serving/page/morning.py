"""The page of the morning: what needs attention today, why, and what may be done about it."""

import math
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from blockrisk.features.messages import rule
from blockrisk.serving.bands import BANDS
from blockrisk.serving.briefing import TRAITS, Briefing
from blockrisk.serving.cautions import read_cautions
from blockrisk.serving.explanation import LANGUAGES, Explanation, Texts
from blockrisk.serving.page.document import document, write_document
from blockrisk.serving.page.drawing import Bar, Effect, Timeline, effects, factor_bars, timeline
from blockrisk.serving.page.summary import moves, today
from blockrisk.serving.page.texts import texts
from blockrisk.serving.percent import percent

SECTIONS: Final = ("today", "changes", "list", "cards", "monitoring", "quality")
"""The sections in their order: each a template in templates/sections/. Without findings there is no section on monitoring."""

MOST_ROWS: Final = 10_000
"""Rows of the list; beyond, the riskiest are in the page and a word says so."""

MOST_BYTES: Final = 5_000_000
"""A larger page is too slow on a phone and too large for a mail: fewer cards are told in full then, and a word says so."""

_BAND_NAMES: Final = tuple(name for name, _ in BANDS)


@dataclass(frozen=True)
class CardSection:
    """Hold what the section of one card draws."""

    rank: int
    band: str
    traits: dict[str, str]
    told: Explanation
    timeline: Timeline
    factors: list[Bar]
    effects: list[Effect]


def write_page(briefing: Briefing, path: Path) -> None:
    """Write the page of a morning, whole or not at all."""
    write_document(page(briefing), path)


def page(briefing: Briefing) -> str:
    """Render the page of a morning: one HTML file that needs nothing else, of less than MOST_BYTES."""
    sections = card_sections(briefing)
    text = _render(briefing, sections)
    while (size := len(text.encode())) >= MOST_BYTES and sections:
        sections = sections[: min(len(sections) - 1, int(len(sections) * 0.95 * MOST_BYTES / size))]
        text = _render(briefing, sections)
    return text


def _render(briefing: Briefing, sections: list[CardSection]) -> str:
    rose, fell = moves(briefing)
    values = {
        "sections": [name for name in SECTIONS if name != "monitoring" or briefing.monitoring is not None],
        "briefing": briefing,
        "today": today(briefing),
        "rose": rose,
        "fell": fell,
        "rows": list_rows(briefing, len(sections)),
        "shown": min(len(briefing.scored), MOST_ROWS),
        "traits": TRAITS,
        "bands": _BAND_NAMES,
        "cards": sections,
        "broken": broken_rule,
        "family": family_words,
        "clause": first_clause,
        "cautions": read_cautions(briefing.model.get("cautions")),
        "version": _version(),
    }
    return document("morning.html", values, scripts=("list", "cards"))


def broken_rule(code: str) -> Texts:
    """Give the sentence of a rule that rows broke, in every language.

    >>> broken_rule("no_number")["en"]
    'is no number'
    """
    return {language: rule(code, language) for language in LANGUAGES}


def card_sections(briefing: Briefing) -> list[CardSection]:
    """Put together the section of each explained card."""
    by_card = dict(iter(briefing.days.groupby("card_id"))) if len(briefing.days) else {}
    ranks = dict(zip(briefing.scored["card_id"], briefing.scored["rank"].tolist(), strict=True))
    bands = dict(zip(briefing.scored["card_id"], briefing.scored["band"], strict=True))
    return [
        CardSection(
            rank=ranks[told.card_id],
            band=bands[told.card_id],
            traits={name: str(briefing.traits.at[told.card_id, name]) for name in TRAITS},
            told=told,
            timeline=timeline(told, by_card[told.card_id], briefing.base_rate),
            factors=factor_bars(told),
            effects=effects(told),
        )
        for told in briefing.explanations
    ]


def family_words(code: Any) -> Texts | None:
    """Name a factor family in every language; a blank gives None, a code that is no family itself.

    >>> family_words("arrears")["en"], family_words("height")["en"], family_words(None)
    ('arrears', 'height', None)
    """
    if not isinstance(code, str):
        return None
    return texts().get(f"family.{code}", dict.fromkeys(LANGUAGES, code))


def first_clause(words: Texts) -> Texts:
    """Cut a reason after its first clause, for the list: the card's own section has it whole.

    >>> first_clause({"en": "306 calls yesterday; 2,465 calls in 7 days"})
    {'en': '306 calls yesterday'}
    """
    return {language: re.split("；|; ", told)[0] for language, told in words.items()}


def list_rows(briefing: Briefing, details: int) -> dict[str, Any]:
    """Give the list as columns for the page's script; what repeats is given once and counted from 0.

    `p` is as it is shown, `change` in percentage points; `why` and `todo` point into `texts` (-1: none), the traits into their
    `names`; the first `details` rows have a section.
    """
    scored = briefing.scored.head(MOST_ROWS)
    before = scored["card_id"].map(briefing.before.set_index("card_id")["probability"])
    told_once: dict[tuple[str, ...], int] = {}
    told = {explanation.card_id: explanation for explanation in briefing.explanations}
    why = [
        _number(told_once, first_clause(told[card].reasons[0].text) if card in told and told[card].reasons else family_words(code))
        for card, code in zip(scored["card_id"], scored["reason_1"], strict=True)
    ]
    todo = [
        _number(told_once, told[card].advice[0].text if card in told and told[card].advice else None) for card in scored["card_id"]
    ]
    return {
        "card": scored["card_id"].tolist(),
        "rank": scored["rank"].tolist(),
        "p": scored["probability"].map(percent).tolist(),
        "band": [_BAND_NAMES.index(name) for name in scored["band"]],
        "change": [
            None if math.isnan(was) else round(100 * (now - was), 1) for now, was in zip(scored["probability"], before, strict=True)
        ],
        "why": why,
        "todo": todo,
        "texts": [list(words) for words in told_once],
        "traits": {name: _coded(briefing.traits[name].reindex(scored["card_id"]).fillna("")) for name in TRAITS},
        "listed": scored["alert"].astype(int).tolist() if "alert" in scored else None,
        "details": details,
        "compared": len(briefing.before) > 0,
    }


def _number(known: dict[tuple[str, ...], int], words: Texts | None) -> int:
    return -1 if words is None else known.setdefault(tuple(words[language] for language in LANGUAGES), len(known))


def _coded(values: pd.Series) -> dict[str, list[Any]]:
    codes, names = pd.factorize(values, sort=True)
    return {"names": [str(name) for name in names], "at": codes.tolist()}


def _version() -> str:
    try:
        return version("blockrisk")
    except PackageNotFoundError:
        return "-"
