"""A made-up morning, without a model: what the page and the workbook are drawn from."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import numpy as np
import pandas as pd

from blockrisk.features.intake import Refused, RowCount
from blockrisk.serving.bands import bands
from blockrisk.serving.briefing import HISTORY_DAYS, Briefing
from blockrisk.serving.cautions import caution
from blockrisk.serving.explanation import LANGUAGES, Advice, Contribution, Explanation, Reason
from blockrisk.serving.predict import SCORE_COLUMNS

AS_OF = date(2025, 5, 1)
FAMILIES = ("call_frequency", "hours", "complaints", "offsite", "arrears", "history", "call_quality", "operator", "trend")
Words = Callable[[str], str]


def plain(words: str) -> str:
    return words


def morning(cards: int = 40, capacity: int = 12, words: Words = plain, seed: int = 1) -> Briefing:
    """Make up a morning; every text of the data goes through `words`, so that a test can put its payloads there."""
    random = Random(seed)
    ids = [words(f"8986010000000{n:07}") for n in random.sample(range(10**7), cards)]
    chance = np.array(sorted((min(0.6, random.lognormvariate(-5, 1.3)) for _ in ids), reverse=True))
    scored = scores(ids, chance)
    earlier = scores(ids[:-1], np.clip(chance[:-1] * np.array([random.lognormvariate(0, 0.4) for _ in ids[:-1]]), 0, 0.9))
    rich = tuple(explanation(random, card, float(p), words) for card, p in zip(ids[:capacity], chance, strict=False))
    return Briefing(
        as_of=AS_OF.isoformat(),
        horizon_days=7,
        base_rate=0.01,
        capacity=capacity,
        scored=scored.assign(alert=scored["rank"].isin([1, 2, 5])),
        before=earlier,
        traits=pd.DataFrame(
            {
                "operator": [words(random.choice(["Operator A", "Operator B", "聯通"])) for _ in ids],
                "home_region": [words(random.choice(["北京", "上海", "成都"])) for _ in ids],
                "team": [words(random.choice(["", "T1", "T2"])) for _ in ids],
            },
            index=pd.Index(ids, name="card_id"),
        ),
        explanations=rich,
        days=pd.concat([days(random, card) for card in ids[:capacity]]) if capacity else pd.DataFrame(),
        accounting=(
            RowCount("cards", (words("cards.csv"),), cards, cards, 0, 0),
            RowCount(
                *("calls", (words("calls.csv"),), 1000, 990, 7, 3),
                refused=(Refused(words("calls.csv"), 17, words("talk_s"), "-1", "too_small:0", 3),),
                ignored_columns=(words("note"),),
                unknown_values={words("result"): 5},
            ),
        ),
        ignored=(words("readme.txt"),),
        missing=("locations", "messages"),
        model={
            "name": words("first"),
            "until": "2025-04-30",
            "cautions": [caution("thin_test", blocks=8).to_json(), caution("leak", column=words("late"), least=0.99).to_json()],
        },
    )


def scores(ids: list[str], chance: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"card_id": ids, "as_of": pd.Timestamp(AS_OF), "horizon_days": 7, "probability": chance, "band": bands(chance, 0.01)}
    )
    frame["rank"] = np.arange(1, len(ids) + 1)
    return frame.reindex(columns=list(SCORE_COLUMNS))


def explanation(random: Random, card: str, chance: float, words: Words) -> Explanation:
    margin = math.log(chance / (1 - chance))
    sums = [random.gauss(0.3, 0.6) for _ in FAMILIES]
    parts = tuple(Contribution(family, f"{family}_7d", 3.0, value) for family, value in zip(FAMILIES, sums, strict=True))
    history = [
        ((AS_OF - timedelta(days=back)).isoformat(), min(0.9, chance * random.lognormvariate(0, 0.2)))
        for back in range(HISTORY_DAYS, 0, -1)
        if random.random() > 0.1
    ]
    return Explanation(
        card_id=card,
        as_of=AS_OF.isoformat(),
        horizon_days=7,
        base=margin - sum(sums),
        contributions=parts,
        margin=margin,
        probability=chance,
        reasons=tuple(reason(random, i, words) for i in range(random.randrange(4))),
        advice=tuple(advice(random, chance, words) for _ in range(random.randrange(4))),
        history=(*history, (AS_OF.isoformat(), chance)),
    )


def reason(random: Random, number: int, words: Words) -> Reason:
    calls = random.randrange(200, 600)
    told = (
        f"昨日呼出 {calls} 次，高於平均",
        f"昨日呼出 {calls} 次，高于平均",
        f"{calls} calls out yesterday, more than the average card",
    )
    texts = {language: words(text) for language, text in zip(LANGUAGES, told, strict=True)}
    return Reason(words("call_frequency"), texts, 0.9 - 0.2 * number)


def advice(random: Random, chance: float, words: Words) -> Advice:
    share = random.uniform(0.4, 0.9)
    told = ("呼叫量減少四分之一", "呼叫量减少四分之一", "call a quarter less on this card")
    texts = {language: words(text) for language, text in zip(LANGUAGES, told, strict=True)}
    given_up = random.choice([None, 55.0])
    return Advice(words("call_less"), texts, chance, chance * share, chance * share * 0.8, min(1.0, chance * share * 1.3), given_up)


def days(random: Random, card: str) -> pd.DataFrame:
    dates = pd.date_range(AS_OF - timedelta(days=HISTORY_DAYS), periods=HISTORY_DAYS)
    offsite = np.array([random.choice([0, 0, 0, 40]) for _ in dates], dtype=float)
    return pd.DataFrame(
        {
            "card_id": card,
            "day": dates,
            "calls": [float(random.randrange(0, 400)) for _ in dates],
            "complaints": [float(random.choice([0, 0, 0, 0, 1, 2])) for _ in dates],
            "offsite": offsite,
            "undeclared": np.where(np.arange(len(dates)) % 2, offsite, 0.0),
            "owed": [float(max(0, i - 25) * 30) for i in range(len(dates))],
        }
    )
