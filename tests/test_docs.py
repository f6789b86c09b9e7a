"""What the documents say is true: docstring examples run, README blocks run, generated pages are current."""

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md")))]


def modules() -> list[str]:
    found = []
    for name in ("features", "models", "serving", "training"):
        package = importlib.import_module(f"blockrisk.{name}")
        found.append(package.__name__)
        found += [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return found


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_generated_pages_are_current() -> None:
    from blockrisk.features.page import data_page, feature_page

    for name, page in ("FEATURES.md", feature_page()), ("DATA.md", data_page()):
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page, "run make docs"


def blocks(document: str, *languages: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for language, body in BLOCK.findall(text) if language in languages]


@pytest.mark.long
def test_readme_commands_run_as_written(demo: Path) -> None:
    """Every `blockrisk` line of the README runs in the folder where the demo was run; `make` lines name real targets."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for body in blocks("README.md", "bash"):
        for line in body.replace("\\\n", " ").splitlines():
            if line.startswith("make "):
                assert line.split()[1] in targets, line
            elif line.startswith("blockrisk ") and not line.startswith("blockrisk demo"):
                done = subprocess.run(line, shell=True, cwd=demo, env=environment, capture_output=True, text=True)  # noqa: S602
                assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_readme_python_runs_as_written(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    found = blocks("README.md", "python")
    assert found
    for body in found:
        exec(compile(body, "README.md", "exec"), {})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / document).parent.joinpath(target).exists(), f"{document}: {target}"
