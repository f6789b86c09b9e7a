"""An explanation as text for people, in any language, or as JSON for programs."""

import json
from dataclasses import asdict
from typing import Any, Final

from blockrisk.features import UserError, catalogue
from blockrisk.features.feature import FAMILIES
from blockrisk.serving.explanation import Advice, Explanation
from blockrisk.serving.languages import in_languages
from blockrisk.serving.percent import percent

_SHOWN = 12  # contributions listed for people

WORDS: Final = {
    "head": in_languages(
        "卡 {card}，{as_of} 起 {days} 日內被封停的機率：{chance}",
        "Card {card}: chance of a block within {days} days from {as_of}: {chance}",
    ),
    "reasons": in_languages("原因", "Why"),
    "no_reason": in_languages("沒有任何因素使其高於平均", "no factor raises it above the average"),
    "contributions": in_languages(
        "各因素的貢獻（對數勝算；基準 {base:+.3f}，合計 {margin:+.3f}）",
        "Contributions (log-odds; base {base:+.3f}, sum {margin:+.3f})",
    ),
    "rest": in_languages("其餘 {count} 項", "{count} others"),
    "advice": in_languages(
        "可依法採取的措施（維持 7 日，一週後的機率）", "What may lawfully be done (kept for 7 days, the chance a week from now)"
    ),
    "no_advice": in_languages("依模型，清單所列措施均不會降低機率", "by the model, none of the lawful actions lowers the chance"),
    "effect": in_languages("{text}：{without} → {with_}（{low} 至 {high}）", "{text}: {without} -> {with_} ({low} to {high})"),
    "given_up": in_languages("，每日少呼 {calls:,.0f} 次", ", {calls:,.0f} calls a day given up"),
    "history": in_languages("近 30 日的機率", "The chance over the last 30 days"),
}


def as_json(told: Explanation, language: str) -> str:
    """Write an explanation as JSON, its texts in one language: an object with the fields of Explanation.

    History is a list of {date, probability}; numbers that are unknown are null.
    """
    plain = _in_one_language(asdict(told), language)
    plain["history"] = [{"date": day, "probability": chance} for day, chance in told.history]
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)


def as_text(told: Explanation, language: str) -> str:
    """Write an explanation for people: probability, reasons, advice, the largest contributions and the history."""
    head = WORDS["head"][language].format(
        card=told.card_id, as_of=told.as_of, days=told.horizon_days, chance=percent(told.probability)
    )
    reasons = [f"  - {reason.text[language]}（{reason.contribution:+.2f}）" for reason in told.reasons]
    if language == "en":
        reasons = [f"  - {reason.text[language]} ({reason.contribution:+.2f})" for reason in told.reasons]
    advice = [f"  - {_effect(advice, language)}" for advice in told.advice]
    blocks = [
        [head],
        [WORDS["reasons"][language], *(reasons or [f"  {WORDS['no_reason'][language]}"])],
        [WORDS["advice"][language], *(advice or [f"  {WORDS['no_advice'][language]}"])],
        [WORDS["contributions"][language].format(base=told.base, margin=told.margin), *_contributions(told, language)],
        [WORDS["history"][language], *(f"  {day}  {percent(chance):>6}" for day, chance in told.history)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _in_one_language(value: Any, language: str) -> Any:
    if isinstance(value, dict):
        return {
            name: part[language] if name == "text" and isinstance(part, dict) else _in_one_language(part, language)
            for name, part in value.items()
        }
    return [_in_one_language(part, language) for part in value] if isinstance(value, list | tuple) else value


def _effect(advice: Advice, language: str) -> str:
    chances = {"without": advice.probability_without, "with_": advice.probability_with, "low": advice.low, "high": advice.high}
    told = {name: percent(chance) for name, chance in chances.items()}
    line = WORDS["effect"][language].format(text=advice.text[language], **told)
    if advice.calls_given_up is not None and advice.calls_given_up >= 0.5:
        line += WORDS["given_up"][language].format(calls=advice.calls_given_up)
    return line


def _contributions(told: Explanation, language: str) -> list[str]:
    shown = told.contributions[:_SHOWN]
    lines = [f"  {part.contribution:+.3f}  {_name(part.family, part.feature, language)} = {_value(part.value)}" for part in shown]
    rest = told.contributions[_SHOWN:]
    if rest:
        lines.append(f"  {sum(part.contribution for part in rest):+.3f}  {WORDS['rest'][language].format(count=len(rest))}")
    return lines


def _name(family: str, feature: str, language: str) -> str:
    try:
        declared, days = catalogue.find(feature)
    except UserError:
        return feature
    hant = f"{FAMILIES[family][1]}：{declared.zh}{f'（近 {days} 日）' if days else ''}"
    return in_languages(hant, f"{FAMILIES[family][0]}: {declared.en}{f' over {days} days' if days else ''}")[language]


def _value(value: float | str | None) -> str:
    return "?" if value is None else value if isinstance(value, str) else f"{value:,.4g}"
