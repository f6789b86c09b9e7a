"""One HTML file that needs nothing else: styles and script inside, and a policy that lets nothing else in."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from blockrisk.features.output import write_text
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.page.texts import say, text, texts
from blockrisk.serving.percent import percent


def document(template: str, values: Mapping[str, Any], *, scripts: Sequence[str] = ()) -> str:
    """Render a template of this folder into a whole page.

    Everything that is filled in is escaped; styles and scripts are allowed by their hashes and nothing is loaded from anywhere.

    Args:
        template: its name in templates/; it extends layout.html.
        values: what it is filled with.
        scripts: names of the scripts in assets/ that it runs after page.js, in order.

    """
    style = Markup(_asset("page.css") + _language_rules())
    script = Markup("\n".join(_asset(f"{name}.js") for name in ("page", *scripts)))
    words = {key: dict(by_language) for key, by_language in texts().items() if key.startswith("js.")}
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    shell = {"policy": policy, "style": style, "script": script, "spoken": words, "languages": LANGUAGES, "names": _names()}
    return _environment().get_template(template).render({**shell, **values})


def write_document(page: str, path: Path) -> None:
    """Write a page as UTF-8, whole or not at all."""
    write_text(path, page)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("blockrisk.serving.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    environment.globals.update(t=text, say=say, words=texts().__getitem__)
    environment.filters.update(percent=percent, count=count)
    return environment


def count(number: float) -> str:
    """Write a count with separators, a fraction only where there is one.

    >>> count(1234.0), count(2.5)
    ('1,234', '2.5')
    """
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def _names() -> dict[str, str]:
    return {language: texts()["page.language"][language] for language in LANGUAGES}


def _asset(name: str) -> str:
    return files("blockrisk.serving.page").joinpath("assets", name).read_text(encoding="utf-8")


def _language_rules() -> str:
    """Hide what is not in the language of the page; outside .both, where all of them show."""
    rules = [f'html[lang="{language}"] :not(.both) > [lang]:not([lang="{language}"])' for language in LANGUAGES]
    return ",\n".join(rules) + " { display: none; }\n"


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
