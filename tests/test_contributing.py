"""The walk-throughs of CONTRIBUTING.md, done in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n# (\S+), (?:in (\w+)|at the end)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FEATURE = """
from ledgers import random_dataset
from test_feature_oracle import differences
from blockrisk.features import catalogue
assert catalogue.__file__.startswith({copy!r}), catalogue.__file__
assert "calls_both_ways_7d" in catalogue.columns()
for seed in range(3):
    assert differences(random_dataset(seed, cards=10, dates=2), ["calls_both_ways_7d"]) == []
"""
ADVICE = "tests/test_advice.py::test_the_list_is_the_closed_list_of_lawful_actions"
TEXTS = "tests/test_advice.py::test_no_text_holds_a_banned_term_or_a_digit_in_any_language"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which every block of the walk-throughs was put where its first line says."""
    folder = tmp_path_factory.mktemp("copy")
    (folder / "blockrisk").mkdir()
    for name in ("features", "models", "serving", "training", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "blockrisk" / name).symlink_to(folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file, place, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        _put(folder / file, place, text)
    return folder


def _put(file: Path, place: str, text: str) -> None:
    content = file.read_text(encoding="utf-8")
    start = re.search(rf"^{place}\b.*[\[({{]\n", content, re.MULTILINE) if place else None
    assert start or not place, f"{file.name} has no {place}"
    end = start.end() if start else len(content)
    file.write_text(content[:end] + ("" if place else "\n\n") + text + content[end:], encoding="utf-8")


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tests'}"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=copy, env=environment)


@pytest.mark.long
def test_a_feature_is_added_in_two_files_and_agrees_with_its_oracle(copy: Path) -> None:
    done = run(copy, "-c", FEATURE.format(copy=str(copy)))
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_an_action_is_added_in_two_files_and_passes_the_tests_of_the_list(copy: Path) -> None:
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", ADVICE, TEXTS)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
