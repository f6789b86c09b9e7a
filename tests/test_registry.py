"""The registry of a workspace: versions, golden scores, the pointer, promoting and rolling back."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_bundle import FRAME, some_model

from blockrisk.features import catalogue
from blockrisk.features.errors import UserError
from blockrisk.models.bundle import reference_quantiles, save_bundle
from blockrisk.models.errors import BundleError
from blockrisk.training.morning import registry
from blockrisk.training.morning.golden import fixed_vectors


def bundle(folder: Path, intercept: float = -4.0, **more: Any) -> Path:
    """Write a bundle of a small model of three columns."""
    manifest = {
        "kind": "dated",
        "fingerprint": catalogue.fingerprint(),
        "horizon_days": 7,
        "until": "2025-03-01",
        "base_rate": 0.01,
        "learner": "smooth_logistic",
        "data_digest": "d",
        "metrics": {"model": {"roc_auc": 0.8}},
        **more,
    }
    return save_bundle(folder, some_model(intercept), manifest, reference=reference_quantiles(FRAME))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry of two versions of which the second serves."""
    place = tmp_path / "models"
    for name, intercept in (("one", -4.0), ("two", -3.0)):
        registry.add_version(place, bundle(tmp_path / name, intercept), {"made_at": "2025-03-01"})
    registry.promote(place, "v1")
    registry.promote(place, "v2")
    return place


def golden(models: Path, name: str) -> list[float]:
    return json.loads((models / name / "golden.json").read_text())["probability"]


def test_versions_are_numbered_in_their_order_and_one_serves(models: Path) -> None:
    assert [found.name for found in registry.versions(models)] == ["v1", "v2"]
    assert registry.champion(models).name == "v2"
    assert registry.states(models) == {"v1": "retired", "v2": "champion"}
    assert registry.versions(models)[0].told["metrics"] == {"roc_auc": 0.8}


def test_no_registry_has_no_versions_and_no_champion(tmp_path: Path) -> None:
    assert registry.versions(tmp_path / "none") == []
    assert registry.champion(tmp_path / "none") is None


def test_rollback_gives_the_golden_scores_of_the_version_before_within_ten_seconds(models: Path) -> None:
    begun = time.monotonic()
    found, gone = registry.rollback(models)
    assert time.monotonic() - begun < 10
    assert (found.name, gone, registry.champion(models).name) == ("v1", "v2", "v1")
    model = registry.verified(found)
    vectors = fixed_vectors(model.bundle.reference, model.columns, set(model.bundle.text_columns))
    assert model.probability(vectors).tolist() == golden(models, "v1") != golden(models, "v2")
    with pytest.raises(UserError, match="no version served before v1"):
        registry.rollback(models)
    assert registry.states(models) == {"v1": "champion", "v2": registry.ROLLED_BACK}, "it is not compared anew"


def test_a_name_is_not_given_twice(models: Path, tmp_path: Path) -> None:
    registry.decide(models, "v2", {"state": "rejected"})
    registry.promote(models, "v1")
    shutil.rmtree(models / "v2")
    assert registry.add_version(models, bundle(tmp_path / "three", -2.0), {}).name == "v3"
    assert registry.states(models)["v3"] == "challenger"


def test_a_version_whose_golden_scores_changed_does_not_serve(models: Path) -> None:
    file = models / "v1" / "golden.json"
    kept = json.loads(file.read_text())
    kept["probability"][3] = np.nextafter(kept["probability"][3], 1)
    file.write_text(json.dumps(kept))
    with pytest.raises(BundleError, match="1 of 43 golden scores"):
        registry.rollback(models)
    assert registry.champion(models).name == "v2"
    file.write_text("{")
    with pytest.raises(BundleError, match="cannot be read"):
        registry.promote(models, "v1")


def test_a_damaged_bundle_is_not_promoted_and_not_taken_in(models: Path, tmp_path: Path) -> None:
    for place, act in (
        (models / "v1" / "bundle", lambda: registry.promote(models, "v1")),
        (bundle(tmp_path / "three"), lambda: registry.add_version(models, tmp_path / "three", {"made_at": "2025-03-01"})),
    ):
        content = bytearray((place / "model.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (place / "model.npz").write_bytes(content)
        with pytest.raises(BundleError, match="does not fit its sum"):
            act()
    assert sorted(path.name for path in models.iterdir() if not path.name.startswith(".lock")) == ["champion.json", "v1", "v2"]


def test_the_golden_vectors_have_every_level_a_missing_value_and_no_number_that_is_none(models: Path) -> None:
    kept = json.loads((models / "v1" / "golden.json").read_text())
    assert len(kept["rows"]) == len(kept["probability"]) == 43
    assert {row[2] for row in kept["rows"]} == {"A", "B", "C", None}
    assert kept["rows"][-1] == [None, None, None]
    assert len(set(kept["probability"])) > 10


def test_an_unknown_version_is_told_with_those_there_are(models: Path) -> None:
    for name in ("v9", "../v1", "bundle"):
        with pytest.raises(UserError, match="there are: v1, v2"):
            registry.promote(models, name)


def test_a_damaged_pointer_is_told_with_the_way_out(models: Path) -> None:
    (models / "champion.json").write_text('{"champion": ')
    with pytest.raises(UserError, match="blockrisk promote NAME"):
        registry.champion(models)


def test_thinning_keeps_what_serves_what_served_last_and_what_waits(models: Path, tmp_path: Path) -> None:
    for _ in range(4):
        registry.add_version(models, tmp_path / "one", {"made_at": "2025-03-01"})
    registry.promote(models, "v4")
    registry.decide(models, "v3", {"state": "rejected", "as_of": "2025-03-09"})
    assert registry.states(models)["v5"] == "challenger"
    assert registry.thin_out(models, 1) == ["v1"]
    assert registry.thin_out(models, 0) == ["v3"]
    assert [found.name for found in registry.versions(models)] == ["v2", "v4", "v5", "v6"]
    assert registry.rollback(models)[0].name == "v2"
    with pytest.raises(UserError, match="no version served before"):
        registry.rollback(models)


ADD = """
import os, sys
from pathlib import Path
from blockrisk.training.morning import registry
children = []
for _ in range(16):
    child = os.fork()
    if not child:
        registry.add_version(Path(sys.argv[1]), Path(sys.argv[2]), {"made_at": "2025-03-01"})
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.long
def test_sixteen_processes_on_one_registry_lose_no_version(tmp_path: Path) -> None:
    source, place = bundle(tmp_path / "one"), tmp_path / "models"
    done = subprocess.run([sys.executable, "-c", ADD, str(place), str(source)], capture_output=True, text=True, timeout=300)
    assert (done.stdout.strip(), done.stderr) == (str([0] * 16), "")
    assert [found.name for found in registry.versions(place)] == [f"v{number}" for number in range(1, 17)]
    assert all(len(golden(place, found.name)) == 43 for found in registry.versions(place))
    assert [path.name for path in place.iterdir() if ".new-" in path.name] == []


def test_commands_list_promote_and_roll_back(models: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from blockrisk.training.cli import cli

    def blockrisk(*arguments: str) -> str:
        result = CliRunner().invoke(cli, [*arguments, "--workspace", str(tmp_path)], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    assert "v1 serves again, and v2 no longer" in blockrisk("rollback")
    assert "v2 serves from now on" in blockrisk("promote", "v2")
    taken = blockrisk("promote", str(bundle(tmp_path / "three", -2.0)))
    assert "v3 serves from now on, trained on the days before 2025-03-01" in taken
    listed = blockrisk("models")
    rows = [line.split()[1:4:2] for line in listed.splitlines() if line.startswith("│")]
    assert rows == [["v1", "retired"], ["v2", "retired"], ["v3", "champion"]]
    assert "0.800" in listed
