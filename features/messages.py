"""What we say to the user, declared: each text in English and Chinese. Simplified Chinese is derived from traditional."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from blockrisk.features.chinese import simplified
from blockrisk.features.refusals import REFUSALS
from blockrisk.features.sentences import RULES, TEXTS

LANGUAGES = ("en", "zh-Hant", "zh-Hans")
_TEXTS = {**TEXTS, **REFUSALS}
_language: ContextVar[str] = ContextVar("language", default="en")


def say(code: str, **values: object) -> str:
    """Give a declared text in the language of the user, its places filled.

    >>> say("empty", label="calls.csv")
    'calls.csv is empty; the first line must name the columns'
    >>> with speaking("zh-Hans"):
    ...     say("empty", label="calls.csv")
    'calls.csv 是空的；第一行必须是字段名称'
    """
    return _in(_TEXTS[code], _language.get()).format(**values)


def rule(code: str, language: str | None = None, **values: object) -> str:
    """Give the sentence of a broken rule: `code`, or `code:least` with the number that the rule names.

    >>> rule("too_small:0")
    'is no number of at least 0'
    """
    name, _, number = code.partition(":")
    return _in(RULES[name], language or _language.get()).format(least=number, columns=number)


_PHONE = re.compile(r"[+(]?\d(?:[\s().+-]{0,2}\d){6,}")
_DATE = re.compile(r"\D?(19|20)\d\d[-/.]\d\d?[-/.]\d\d?([ T]\d\d?(:\d\d?){0,2}(\.\d{1,6})?( ?[+-]\d\d(:?\d\d)?)?)?\D{0,12}")


def shown(value: object) -> str:
    """Give a value as a message may show it: numbers of seven digits and more, which may be a person's, are hidden.

    >>> shown("+86 138 0013 8000"), shown("2025-13-01 09:00"), shown("1.38E+10"), shown("a" * 99)[-3:]
    ('+8***', '2025-13-01 09:00', '1.38E+10', '...')
    """
    text = str(value)
    hidden = text if _DATE.fullmatch(text) else _PHONE.sub(lambda found: f"{found[0][:2]}***", text)
    return hidden if len(hidden) <= 60 else f"{hidden[:57]}..."


def language() -> str:
    """Name the language that is spoken."""
    return _language.get()


def either(pair: tuple[str, str]) -> str:
    """Choose of an English and a traditional Chinese text the one for the user's language."""
    return _in(pair, _language.get())


def _in(pair: tuple[str, str], language: str) -> str:
    if language == "en":
        return pair[0]
    return pair[1] if language == "zh-Hant" else simplified(pair[1])


def speak(language: str) -> object:
    """Set the language from here on; give what `hush` takes back."""
    return _language.set(language)


def hush(token: object) -> None:
    """Return to the language before `speak`."""
    _language.reset(token)  # type: ignore[arg-type]


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language within a block."""
    token = speak(language)
    try:
        yield
    finally:
        hush(token)


def language_of(locale: str) -> str:
    """Choose the language for a locale's name.

    >>> [language_of(name) for name in ("zh_TW.UTF-8", "zh_CN.GB18030", "zh_Hant_HK", "de_DE", "")]
    ['zh-Hant', 'zh-Hans', 'zh-Hant', 'en', 'en']
    """
    if not locale.lower().startswith("zh"):
        return "en"
    return "zh-Hant" if any(part in locale for part in ("TW", "HK", "MO", "Hant")) else "zh-Hans"
