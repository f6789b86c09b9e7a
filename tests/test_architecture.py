"""The layout is the architecture: who may import whom, and which decision has its one home where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "features": set(),
    "models": set(),
    "serving": {"features", "models"},
    "training": {"features", "models", "serving"},
}
LAZY_ROOT = "training/cli.py"


def sources(folder: str = "") -> list[Path]:
    return sorted(path for name in ([folder] if folder else MAY_IMPORT) for path in (ROOT / name).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def importers_of(library: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in sources()
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
    }


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_lies_before_it_on_the_way_of_the_data(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder}
    for path in sources(folder):
        ours = {name.split(".")[1] for name in imported(path) if name.startswith("blockrisk.")}
        assert ours <= allowed, f"{path.relative_to(ROOT)} imports {sorted(ours - allowed)}"


def test_only_one_file_imports_mlflow() -> None:
    assert importers_of("mlflow") == {"training/tracking.py"}


def test_only_the_bundle_reads_model_archives() -> None:
    assert importers_of("zipfile") - {"features/intake/workbook.py"} == {"models/archive.py"}
    assert importers_of("pickle") | importers_of("skops") == set()


def test_only_the_intake_reads_input_files() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in sources()
        if any(call in path.read_text(encoding="utf-8") for call in ("read_csv(", "read_parquet("))
    }
    # The parts and the store read what the intake has written; the oracle the truth of a simulation, for figures.
    assert readers == {
        "features/intake/parts.py",
        "features/intake/sources.py",
        "features/intake/store.py",
        "features/intake/manifest.py",
        "training/oracle.py",
    }


def test_only_one_file_knows_the_cut_off() -> None:
    rule = ("< {ASK}.day", "< a.day")
    homes = {
        str(path.relative_to(ROOT))
        for path in sources("features")
        if any(text in path.read_text(encoding="utf-8") for text in rule)
    }
    assert homes == {"features/windows.py"}


def test_truth_of_the_simulator_is_read_in_evaluation_only() -> None:
    readers = {str(path.relative_to(ROOT)) for path in sources() if "truth.parquet" in path.read_text(encoding="utf-8")}
    assert {name for name in readers if not name.startswith("training/simul")} == {"training/oracle.py"}


def test_scoring_imports_neither_training_nor_mlflow() -> None:
    code = (
        "import sys; from blockrisk.training.cli import cli; cli.get_command(None, 'score'); import blockrisk.serving.batch;"
        "print([m for m in sys.modules if m.split('.')[0] in ('mlflow', 'shap', 'matplotlib')"
        " or m.startswith('blockrisk.training') and m not in ('blockrisk.training', 'blockrisk.training.cli')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_is_listed_for_the_installation() -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in sources():
        package = "blockrisk." + ".".join(path.relative_to(ROOT).parts[:-1])
        assert f'"{package}"' in listed, package


def test_files_stay_short() -> None:
    for path in sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 320, f"{path} has a second decision in it"


def test_pins_carry_no_address() -> None:
    text = (ROOT / "pins.txt").read_text(encoding="utf-8")
    assert "mlflow==3.17.2" in text
    assert "://" not in text
    assert "--" not in text
