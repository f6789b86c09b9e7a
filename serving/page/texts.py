"""The words of the pages: one TOML file a language, the same keys in each."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from blockrisk.serving.explanation import LANGUAGES, Texts


@cache
def texts() -> dict[str, Texts]:
    """Read every text: key -> language -> words, which may hold {names} to be filled in.

    >>> texts()["band.high"]["en"]
    'high'
    """
    by_language = {language: _flat(_read(language)) for language in LANGUAGES}
    return {key: {language: by_language[language][key] for language in LANGUAGES} for key in by_language[LANGUAGES[0]]}


def text(key: str, **values: Any) -> Markup:
    """Give a text in every language as HTML, the values escaped; the page shows the language that is chosen.

    A value may be Texts itself; then each language gets its own.

    >>> text("page.horizon", days=7)
    Markup('<span lang="zh-Hant">未來 7 天</span><span lang="zh-Hans">未来 7 天</span><span lang="en">next 7 days</span>')
    """
    if not values:
        return _fixed(key)
    return say({language: words.format(**_spoken(values, language)) for language, words in texts()[key].items()})


def _spoken(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {name: value[language] if isinstance(value, Mapping) else value for name, value in values.items()}


@cache
def _fixed(key: str) -> Markup:
    return say(texts()[key])


def say(words: Texts) -> Markup:
    """Give words that exist in every language as HTML, escaped.

    >>> say({"zh-Hant": "甲<", "zh-Hans": "乙", "en": "c"})
    Markup('<span lang="zh-Hant">甲&lt;</span><span lang="zh-Hans">乙</span><span lang="en">c</span>')
    """
    return Markup("".join(f'<span lang="{language}">{escape(words[language])}</span>' for language in LANGUAGES))


def _read(language: str) -> dict[str, Any]:
    return tomllib.loads(files("blockrisk.serving.page").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8"))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": str(value)}
    return found
