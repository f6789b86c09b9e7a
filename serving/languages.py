"""One text in every language: written in traditional Chinese and English; the simplified Chinese follows from it."""

from blockrisk.features.chinese import simplified
from blockrisk.serving.explanation import Texts


def in_languages(hant: str, en: str) -> Texts:
    """Give one text in every language of LANGUAGES.

    >>> sorted(in_languages("投訴", "complaints"))
    ['en', 'zh-Hans', 'zh-Hant']
    """
    return {"zh-Hant": hant, "zh-Hans": simplified(hant), "en": en}
