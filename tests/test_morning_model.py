"""The model kept fresh: the first version, a challenger a week later, the comparison once labels are known, and the way back."""

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from mornings import settings, small_world, until

from blockrisk.serving import load_model
from blockrisk.training.cli import cli
from blockrisk.training.morning import registry, run, steps
from blockrisk.training.morning.compare import Comparison
from blockrisk.training.morning.settings import read_config
from blockrisk.training.morning.workspace import Inputs, Workspace

FIRST, WEEK_LATER, RIPE = date(2025, 3, 1), date(2025, 3, 8), date(2025, 3, 29)


def aliases(store: Path) -> dict[str, str]:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{store / 'mlflow.db'}"
    found = MlflowClient(tracking_uri=uri, registry_uri=uri).get_registered_model("blockrisk-champion").aliases
    return {name: str(number) for name, number in found.items()}


@pytest.mark.long
def test_the_model_is_trained_challenged_compared_and_brought_back(demo: Path, tmp_path: Path) -> None:
    whole = small_world(demo, tmp_path / "whole")
    config = read_config(settings(tmp_path, mlflow=True, more="[renew]\nleast_blocks = 2\non_alarm = false"))
    models, store = tmp_path / "workspace/models", tmp_path / "workspace/mlflow"
    said: dict[date, list[str]] = {}
    for day in (FIRST, WEEK_LATER, RIPE):
        until(whole, tmp_path / "exports", day)
        said[day] = []
        assert run.run(config, day, day, say=said[day].append) in (0, 4)
        if day == FIRST:
            assert "v1 was trained, the first version, and serves" in said[day]
            assert registry.states(models) == {"v1": "champion"}
            assert aliases(store) == {"champion": "1"}
        if day == WEEK_LATER:
            assert registry.states(models) == {"v1": "champion", "v2": "challenger"}
            assert aliases(store) == {"champion": "1", "challenger": "2"}
    told = json.loads((tmp_path / f"workspace/runs/{RIPE}.json").read_text())
    found = next(step for step in told["steps"] if step["name"] == "compare")["comparison"]
    assert (found["challenger"], found["champion"], found["first"], found["last"]) == ("v2", "v1", "2025-03-08", "2025-03-22")
    assert registry.decision(models, "v2")["state"] == found["state"] in ("promoted", "rejected")
    assert registry.states(models)["v3"] == "challenger"
    assert [version.told["until"] for version in registry.versions(models)] == [str(FIRST), str(WEEK_LATER), str(RIPE)]
    for command, serving in ((["promote", "v3"], "v3"), (["rollback"], "v2" if found["state"] == "promoted" else "v1")):
        done = CliRunner().invoke(cli, [*command, "--workspace", str(tmp_path / "workspace")], catch_exceptions=False)
        assert f"{serving} serves" in done.output
        assert registry.champion(models).name == serving
        assert aliases(store)["champion"] == serving[1:]
    assert load_model(models / "v3/bundle").bundle.manifest["until"] == str(RIPE)


@pytest.mark.parametrize(
    ("state", "serves"),
    [("promoted", "v2"), ("rejected", "v1"), ("waits", "v1")],
)
def test_the_decision_of_a_comparison_is_carried_out_and_kept(demo: Path, tmp_path: Path, state: str, serves: str) -> None:
    place = Workspace(tmp_path / "workspace", tmp_path / "lists")
    for _ in range(2):
        registry.add_version(place.models, demo / "demo/model", {"made_at": "2025-03-01"})
    registry.promote(place.models, "v1")
    told = {"compare": {"comparison": Comparison("v2", "v1", state, "for the test").to_json()}}
    config = read_config(settings(tmp_path))
    morning = steps.Morning(config, date(2025, 4, 1), date(2025, 4, 1), place, Inputs("", 0, 0, ()), told, print)
    for _ in range(2):  # a kill after the pointer moved makes the step run again
        steps.promote(morning, tmp_path)
        assert registry.champion(place.models).name == serves
        kept = registry.decision(place.models, "v2")
        assert (kept is None) if state == "waits" else kept["why"] == "for the test"
    registry.promote(place.models, registry.add_version(place.models, demo / "demo/model", {"made_at": "2025-03-01"}).name)
    assert "nothing is changed" in steps.promote(morning, tmp_path)["lines"][0] if state != "waits" else True


def test_a_challenger_is_due_by_age_or_alarm_and_never_on_a_day_before_the_last(demo: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace", tmp_path / "lists")
    newest = registry.add_version(place.models, demo / "demo/model", {"made_at": "2024-02-28"})

    def due(day: date, alarms: tuple[str, ...] = (), more: str = "") -> str | None:
        config = read_config(settings(tmp_path, more=f"[renew]\n{more}"))
        told = {"monitor": {"alarms": list(alarms)}}
        return steps._due(steps.Morning(config, day, day, place, Inputs("", 0, 0, ()), told, print), newest)

    assert due(date(2024, 3, 5)) is None
    assert due(date(2024, 3, 6)) == "v1 is 7 days old"  # 2024 has a 29 February
    assert due(date(2024, 2, 1)) is None
    assert due(date(2023, 2, 1)) == "v1 is dated 392 days ahead"
    assert due(date(2024, 3, 6), more="every_days = 0") is None
    assert due(date(2024, 3, 2), ("operator A",)) == "an alarm was raised: operator A"
    assert due(date(2024, 3, 1), ("operator A",)) is None
    assert due(date(2024, 3, 2), ("operator A",), "on_alarm = false") is None


def test_a_version_that_was_rolled_back_by_hand_is_not_promoted_by_the_run_that_goes_on(demo: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace", tmp_path / "lists")
    for _ in range(2):
        registry.add_version(place.models, demo / "demo/model", {"made_at": "2025-03-01"})
    registry.promote(place.models, "v1")
    told = {"compare": {"comparison": Comparison("v2", "v1", "promoted", "for the test").to_json()}}
    morning = steps.Morning(
        read_config(settings(tmp_path)), date(2025, 4, 1), date(2025, 4, 1), place, Inputs("", 0, 0, ()), told, print
    )
    steps.promote(morning, tmp_path)  # killed here, and before the run goes on
    registry.rollback(place.models)
    assert "nothing is changed" in steps.promote(morning, tmp_path)["lines"][0]
    assert registry.champion(place.models).name == "v1"
    assert registry.states(place.models)["v2"] == registry.ROLLED_BACK


def test_a_version_of_other_settings_was_not_made_this_morning(demo: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace", tmp_path / "lists")
    config = read_config(settings(tmp_path))
    day = date(2025, 4, 1)
    told = {"made_at": day.isoformat(), "inputs": "", "settings": config.part("model")}
    registry.add_version(place.models, demo / "demo/model", told)
    inputs = Inputs("", 0, 0, ())
    assert steps._made_today(steps.Morning(config, day, day, place, inputs, {}, print)).name == "v1"
    other = read_config(settings(tmp_path, more="seed = 5"))
    assert steps._made_today(steps.Morning(other, day, day, place, inputs, {}, print)) is None
