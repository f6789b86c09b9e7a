"""What is refused is said in the user's language: each sentence is declared, used, and the same in both."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from blockrisk.features.chinese import simplified
from blockrisk.features.errors import UserError
from blockrisk.features.messages import speaking
from blockrisk.features.refusals import REFUSALS
from blockrisk.features.sentences import TEXTS

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "serving", "training", "training/morning")
OWN = {package: import_module(f"blockrisk.{package.replace('/', '.')}.sentences") for package in PACKAGES[1:]}
DECLARED = {"features": TEXTS | REFUSALS, **{package: module._TEXTS for package, module in OWN.items()}}
FORMED = {"features/errors.py", "features/intake/sources.py", "features/intake/text.py", "features/intake/workbook.py"}
"""Modules that may put an error together from declared parts."""


def sources() -> list[Path]:
    return [path for package in ("features", "models", "serving", "training") for path in sorted((ROOT / package).rglob("*.py"))]


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                yield path.relative_to(ROOT).as_posix(), node


def test_no_error_is_written_in_one_language_only() -> None:
    assert [f"{path}:{node.lineno}" for path, node in calls("UserError") if path not in FORMED] == []


def test_every_mistake_that_is_made_is_declared_with_its_places() -> None:
    made = 0
    for path, node in (*calls("mistake"), *calls("say")):
        package = next((found for found in reversed(PACKAGES) if path.startswith(found)), "features")
        texts = DECLARED["features"] | (DECLARED["training"] if package.startswith("training") else {}) | DECLARED[package]
        if not isinstance(node.args[0], ast.Constant) or any(word.arg is None for word in node.keywords):
            continue
        if path.startswith("serving/page/"):  # the words of pages
            continue
        places = {place for text in texts[str(node.args[0].value)] for place in re.findall(r"(?<!{){(\w+)", text)}
        assert places <= {word.arg for word in node.keywords}, f"{path}:{node.lineno}"
        made += 1
    assert made > 150


@pytest.mark.parametrize("package", DECLARED)
def test_every_declared_text_is_used_and_tells_in_chinese_nothing_that_english_does_not(package: str) -> None:
    shadowed = DECLARED[package].keys() & DECLARED["features"].keys() if package != "features" else set()
    assert not shadowed
    used = "".join(path.read_text(encoding="utf-8") for path in sources() if path.name not in ("sentences.py", "refusals.py"))
    for code, (english, chinese) in DECLARED[package].items():
        assert f'"{code}"' in used or f"'{code}'" in used, code
        there, here = (set(re.findall(r"(?<!{){(\w+)", text)) for text in (english, chinese))
        assert here <= there, code
        assert re.search("[\u4e00-\u9fff]", chinese), code
        simplified(chinese).encode("gb2312")


def test_an_error_of_each_package_speaks_the_language_of_the_user() -> None:
    def told(package: str, code: str, **values: object) -> str:
        with speaking("zh-Hans"):
            error = OWN[package].mistake(code, **values)
        assert isinstance(error, UserError)
        return str(error)

    assert told("serving", "out_twice", files="a.csv") == "--out 把同一文件指了两次：a.csv；每个只指一次"
    assert told("training", "until_no_date", asked="x") == '--until "x" 不是日期；请写成 2026-03-01'
    assert told("training/morning", "no_version", models="m", name="v9", known="v1") == "m 没有版本 v9；现有：v1"
    assert told("training", "no_midnight", as_of="12:00") == "as_of 12:00 不是零点；请给日期"
