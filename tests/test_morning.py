"""The morning run: one list a morning, on record, taken up where a kill left it, one run at a time."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from mornings import AS_OF, by_month, settings, small_world, staged_calls

from blockrisk.features import Tables, read_tables
from blockrisk.features.errors import UserError
from blockrisk.features.intake.days import digest_of
from blockrisk.features.output import write_frame
from blockrisk.models import process as processes
from blockrisk.models.errors import BundleError
from blockrisk.serving import predict
from blockrisk.training.cli import main
from blockrisk.training.monitoring import Alarm, Findings, Result, checks
from blockrisk.training.morning import context, lock, registry, run, steps
from blockrisk.training.morning.lock import BusyError, alone
from blockrisk.training.morning.run import DELIVERED, INCOMPLETE, STEPS
from blockrisk.training.morning.settings import read_config
from blockrisk.training.morning.watch import _delivered
from blockrisk.training.morning.workspace import Workspace, inputs_of, sweep_leftovers, thin_out_mornings

STEP_NAMES = [step.name for step in STEPS]


@pytest.fixture(scope="module")
def world(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exports, and a workspace whose first version is the demo's model."""
    folder = tmp_path_factory.mktemp("world")
    small_world(demo, folder)
    registry.add_version(folder / "workspace" / "models", demo / "demo/model", {"made_at": AS_OF.isoformat(), "inputs": None})
    registry.promote(folder / "workspace" / "models", "v1")
    return folder


@pytest.fixture
def place(world: Path, tmp_path: Path) -> Path:
    """A copy of the world for one test, with settings."""
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    settings(tmp_path)
    return tmp_path


def morning(place: Path, as_of: date = AS_OF, **more: bool) -> tuple[int, list[str]]:
    said: list[str] = []
    code = run.run(read_config(place / "morning.toml"), as_of, date(2025, 5, 1), say=said.append, **more)
    return code, said


def record(place: Path, as_of: date = AS_OF) -> dict:
    return json.loads((place / f"workspace/runs/{as_of}.json").read_text())


def test_a_morning_delivers_the_list_that_predict_would_give_and_keeps_a_record(place: Path, demo: Path) -> None:
    code, said = morning(place)
    assert code == DELIVERED
    scored = pd.read_csv(place / f"lists/{AS_OF}/list.csv", dtype={"card_id": str})
    wanted = predict(place / "exports", model=demo / "demo/model", as_of=AS_OF.isoformat(), advice=5)
    assert scored["card_id"].tolist() == wanted["card_id"].tolist()
    assert scored["probability"].tolist() == wanted["probability"].tolist()
    assert scored["advice_1"].fillna("").tolist() == wanted["advice_1"].fillna("").tolist()
    kept = pd.read_parquet(place / f"workspace/scores/{AS_OF}.parquet")
    assert kept.drop(columns="model").equals(wanted)
    assert (kept["model"] == "v1").all()
    told = record(place)
    assert (told["status"], told["exit_code"], told["as_of"]) == ("done", 0, "2025-04-01")
    assert [step["name"] for step in told["steps"]] == STEP_NAMES
    assert all(step["seconds"] >= 0 for step in told["steps"])
    for table in told["steps"][0]["accounting"]:
        assert table["read"] == table["used"] + table["duplicates"] + table["quarantined"]
    assert len(told["inputs"]["digest"]) == 64
    assert f"{place}/lists/{AS_OF}/list.csv" in told["steps"][STEP_NAMES.index("report")]["sums"]
    assert {"python", "blockrisk", "duckdb"} <= set(told["versions"])
    assert any("list.csv" in line for line in said)
    assert sorted(path.name for path in (place / f"lists/{AS_OF}").iterdir()) == ["check.json", "list.csv", "monitor.json"]
    assert list((place / "workspace/work").iterdir()) == list((place / "workspace/tmp").iterdir()) == []

    before = (place / f"lists/{AS_OF}/list.csv").read_bytes()
    code, said = morning(place)
    assert (code, len(said)) == (0, 1)
    assert "delivered before" in said[0]
    assert len(record(place)["attempts"]) == 1
    assert morning(place, again=True)[0] == DELIVERED
    assert (place / f"lists/{AS_OF}/list.csv").read_bytes() == before
    assert len(record(place)["attempts"]) == 2


@pytest.mark.parametrize("broken", [pytest.param("score", marks=pytest.mark.long), "report"])
def test_a_run_that_stops_goes_on_where_it_stopped(place: Path, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(
            steps, "write_frame" if broken == "features" else "write_outputs" if broken == "report" else "add_advice", stop
        )
        with pytest.raises(KeyboardInterrupt):
            morning(place)
    assert record(place)["status"] == "failed"
    assert "KeyboardInterrupt" in record(place)["why"]
    assert list((place / "lists").iterdir()) == []
    assert morning(place)[0] == DELIVERED
    told = record(place)
    assert [attempt["status"] for attempt in told["attempts"]] == ["failed", "done"]
    resumed = [step["name"] for step in told["steps"] if step.get("resumed")]
    assert resumed == STEP_NAMES[: STEP_NAMES.index(broken)]


@pytest.mark.long
def test_a_step_whose_file_was_damaged_is_done_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(steps, "write_outputs", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            morning(place)
    file = place / f"workspace/work/{AS_OF}/features/vectors.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    assert morning(place)[0] == DELIVERED
    assert [step["name"] for step in record(place)["steps"] if step.get("resumed")] == ["check", "model", "score"]


@pytest.mark.long
def test_other_data_or_settings_start_the_morning_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(steps, "add_advice", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            morning(place)
    blocks = pd.read_parquet(place / "exports/blocks.parquet")
    blocks.iloc[:-1].to_parquet(place / "exports/blocks.parquet", index=False)
    assert morning(place)[0] == DELIVERED
    assert not any(step.get("resumed") for step in record(place)["steps"])


def test_a_failure_after_the_list_is_told_and_tried_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(steps, "_due", lambda *_: "the test says so")
        patch.setattr(steps, "train", lambda *_, **__: (_ for _ in ()).throw(UserError("too few blocks")))
        code, said = morning(place)
    assert code == INCOMPLETE
    assert any("FAILED, after the list was delivered: renew: too few blocks" in line for line in said)
    assert (place / f"lists/{AS_OF}/list.csv").exists()
    assert (record(place)["status"], record(place)["exit_code"]) == ("failed", 4)
    assert morning(place)[0] == DELIVERED
    assert [step["name"] for step in record(place)["steps"] if not step.get("resumed")] == ["renew"]


def test_monitoring_that_fails_is_loud_and_the_list_is_delivered(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(_: object) -> None:
        raise UserError("the test says so")

    with monkeypatch.context() as patch:
        patch.setattr(checks, "CHECKS", (("policy", cannot), *checks.CHECKS[:1]))
        code, said = morning(place)
    assert code == INCOMPLETE
    assert "FAILED, after the list was delivered: monitor: policy: the test says so" in said
    assert (place / f"lists/{AS_OF}/list.csv").exists()
    told = next(step for step in record(place)["steps"] if step["name"] == "monitor")
    assert (told["status"], told["failed"]) == ("failed", ["policy: the test says so"])
    code, said = morning(place)
    assert code == DELIVERED
    assert any(line.startswith(f"Monitoring at {AS_OF}: {len(checks.CHECKS)} checks made, 0 failed") for line in said)
    assert [step["name"] for step in record(place)["steps"] if not step.get("resumed")] == ["monitor"]


def test_findings_that_cannot_be_sent_fail_the_monitoring(place: Path) -> None:
    settings(place, more='[monitor]\ncommand = ["false"]')
    alarmed = Findings("2025-04-01", {"mornings": Result((Alarm("score_missing", {"date": "2025-03-31"}),))})
    assert _delivered(alarmed, read_config(place / "morning.toml").part("monitor"))[0].startswith(
        "the mail command false left with"
    )
    assert _delivered(Findings("2025-04-01", {}), read_config(place / "morning.toml").part("monitor")) == []


@pytest.mark.long
def test_a_clock_that_is_years_ahead_makes_nothing_old(place: Path) -> None:
    assert morning(place)[0] == DELIVERED
    morning(place, date(2062, 4, 1))
    assert (place / f"lists/{AS_OF}/list.csv").exists()
    assert record(place)["status"] == "done"
    with pytest.raises(SystemExit) as left:
        main(["run", str(place / "morning.toml"), "--as-of", "2062-04-01"])
    assert left.value.code == 2


def test_a_mistake_in_the_data_gives_no_list_and_keeps_the_one_before(place: Path) -> None:
    assert morning(place)[0] == DELIVERED
    before = (place / f"lists/{AS_OF}/list.csv").read_bytes()
    (place / "exports/cards.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match="cards"):
        morning(place)
    assert (record(place)["status"], record(place)["exit_code"]) == ("failed", 2)
    assert (place / f"lists/{AS_OF}/list.csv").read_bytes() == before


def test_of_calls_in_a_file_a_month_a_morning_reads_the_new_one_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = staged_calls(monkeypatch)

    def read() -> tuple[Tables, list[str]]:
        staged.clear()
        config, work = read_config(place / "morning.toml"), Workspace(place / "workspace", place / "lists")
        work.make()
        found = context.Morning(config, AS_OF, AS_OF, work, inputs_of(place / "exports"), {}, print).tables
        return found, list(staged)

    assert [read()[1], read()[1]] == [["calls.parquet"], ["calls.parquet"]]
    assert not (place / "workspace/calls").exists()  # one file is another one each morning: nothing would be gained
    newest = by_month(place / "exports")[-1]
    newest.rename(place / newest.name)
    assert len(read()[1]) > 1
    (place / newest.name).rename(newest)
    tables, labels = read()
    whole = read_tables(place / "exports", today=AS_OF)
    assert labels == [f"calls/{newest.name}"]
    assert (tables.notes, tables.accounting, tables.digest()) == ((), whole.accounting, whole.digest())
    half = place / "workspace/calls/days/.20150-ab.parquet.a1b2c3d4.tmp"
    half.write_text("half a day")
    sweep_leftovers(Workspace(place / "workspace", place / "lists"), AS_OF)
    assert not half.exists()


def test_what_is_on_disk_is_used_only_as_it_was_written_and_by_the_version_that_scores(place: Path) -> None:
    work, day = Workspace(place / "workspace", place / "lists"), AS_OF - timedelta(days=1)
    work.make()
    yesterday, vectors = work.scores / f"{day}.parquet", work.work(AS_OF) / "features" / "vectors.parquet"
    for file in (yesterday, vectors):
        write_frame(pd.DataFrame({"card_id": ["1"], "model": ["v1"]}), file)
    kept = {"attempts": [], "steps": [{"name": "score", "sums": {str(yesterday): digest_of(yesterday)}}]}
    (work.records / f"{day}.json").write_text(json.dumps(kept))

    def used(version: str = "v1") -> list[bool]:
        told = {"model": {"version": version}, "features": {"sums": {str(vectors): before}}}
        made = context.Morning(read_config(place / "morning.toml"), AS_OF, AS_OF, work, inputs_of(place), told, print)
        return [found is not None for found in (made._scored_before(), made.vectors())]

    before = digest_of(vectors)
    assert used() == [True, True]
    assert used("v2") == [False, True]
    for file in (yesterday, vectors):
        write_frame(pd.DataFrame({"card_id": ["2"], "model": ["v1"]}), file)
    assert used() == [False, False]


def test_an_export_that_is_still_being_written_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = context.read_tables

    def growing(data: Path, **more: object) -> object:
        found = real(data, **more)
        with (data / "blocks.parquet").open("ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(context, "read_tables", growing)
    with pytest.raises(UserError, match="blocks.parquet changed while it was read"):
        morning(place)


def test_a_champion_that_was_damaged_scores_nothing(place: Path) -> None:
    file = place / "workspace/models/v1/bundle/model.npz"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match="does not fit its sum"):
        morning(place)
    assert list((place / "lists").iterdir()) == []


def test_a_second_start_while_one_runs_says_so_and_exits_3(place: Path) -> None:
    with alone(place / "workspace", "2025-04-01T06:00:00+00:00"):
        with pytest.raises(BusyError, match=r"busy: process \d+ since 2025-04-01T06:00:00"):
            morning(place)
        code = "import sys; from blockrisk.training.cli import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", code, "run", str(place / "morning.toml"), "--as-of", "2025-04-01"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 3
        assert len(done.stderr.splitlines()) == 1
    with alone(place / "workspace", "now") as stale:
        assert stale is None


@pytest.mark.parametrize(
    ("process", "boot", "told"),
    [
        ("4194300.1", "", "that process is gone"),
        ("{parent}.1", "", "that process is gone"),  # the number was given to another process since
        ("{parent}.{began}", "another", "the machine was started anew"),
    ],
)
def test_a_stale_lock_is_recognised(tmp_path: Path, process: str, boot: str, told: str) -> None:
    parent = os.getppid()
    name = process.format(parent=parent, began=processes._began(parent))
    holder = {"process": name, "boot": boot or lock._boot(), "since": "yesterday"}
    (tmp_path / lock.FILE).write_text(json.dumps(holder))
    with alone(tmp_path, "today") as stale:
        assert stale.startswith("the run of yesterday (process ")
        assert told in stale
        assert json.loads((tmp_path / lock.FILE).read_text())["since"] == "today"
    assert (tmp_path / lock.FILE).read_text() == ""


def test_where_the_system_lock_does_nothing_the_file_decides(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getppid()
    holder = {"process": f"{parent}.{processes._began(parent)}", "boot": lock._boot(), "since": "now"}
    (place / "workspace" / lock.FILE).write_text(json.dumps(holder))
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with pytest.raises(BusyError, match=f"process {parent} since now"):
        morning(place)


@pytest.mark.long
def test_the_clock_jumping_back_changes_nothing_but_what_is_told(place: Path) -> None:
    assert morning(place, AS_OF)[0] == DELIVERED
    earlier = AS_OF - timedelta(days=3)
    assert morning(place, earlier)[0] == DELIVERED
    assert [found.name for found in registry.versions(place / "workspace/models")] == ["v1"]
    assert record(place, AS_OF)["status"] == record(place, earlier)["status"] == "done"


def test_old_mornings_are_thinned_out_across_a_month_end_and_a_leap_day(place: Path) -> None:
    work = Workspace(place / "workspace", place / "lists")
    work.make()
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 2)]
    for day in days:
        (work.lists / str(day)).mkdir()
        for folder in (work.scores, work.records):
            (folder / f"{day}.json").write_text("")
    (work.lists / "keep me").mkdir()
    assert thin_out_mornings(work, date(2024, 3, 2), 2) == 3
    assert sorted(path.name for path in work.lists.iterdir()) == ["2024-02-29", "2024-03-01", "2024-03-02", "keep me"]
    assert thin_out_mornings(work, date(2025, 3, 1), 365) == 3
    assert sorted(path.name for path in work.scores.iterdir()) == ["2024-03-01.json", "2024-03-02.json"]


@pytest.mark.long
def test_a_list_folder_that_is_not_ours_is_not_touched(place: Path) -> None:
    (place / f"lists/{AS_OF}").mkdir(parents=True)
    (place / f"lists/{AS_OF}/mine.txt").write_text("")
    with pytest.raises(UserError, match="is no list of ours"):
        morning(place)
    assert (place / f"lists/{AS_OF}/mine.txt").exists()


@pytest.mark.long
def test_cards_on_the_list_before_are_granted_the_margin(place: Path) -> None:
    morning(place)
    again = place / f"workspace/scores/{AS_OF - timedelta(days=1)}.parquet"
    scored = pd.read_parquet(place / f"workspace/scores/{AS_OF}.parquet")
    alerted = scored.loc[scored["alert"], "card_id"].tolist()
    runner_up = scored.loc[~scored["alert"], "card_id"].iloc[0]
    scored.assign(alert=scored["card_id"] == runner_up).to_parquet(again, index=False)
    morning(place, again=True)
    after = pd.read_parquet(place / f"workspace/scores/{AS_OF}.parquet")
    on = after.loc[after["alert"], "card_id"].tolist()
    assert len(on) == len(alerted)
    assert runner_up in on


@pytest.mark.long
def test_a_score_file_that_was_changed_since_is_left_out_of_account(place: Path) -> None:
    morning(place)
    file = place / f"workspace/scores/{AS_OF}.parquet"
    scored = pd.read_parquet(file)
    scored.assign(alert=scored["rank"] > 250).to_parquet(file, index=False)
    code, said = morning(place, AS_OF + timedelta(days=1))
    assert code == DELIVERED
    assert any(line.startswith(f"! {file} is not as it was written") for line in said)
    after = pd.read_parquet(place / f"workspace/scores/{AS_OF + timedelta(days=1)}.parquet")
    assert after.loc[after["alert"], "rank"].tolist() == list(range(1, int(after["alert"].sum()) + 1))


@pytest.mark.long
def test_the_page_tells_the_findings_and_the_version_that_scored(place: Path) -> None:
    file = place / "morning.toml"
    file.write_text(
        file.read_text().replace('formats = ["csv"]', 'formats = ["html", "csv"]').replace("capacity = 5", "capacity = 2")
    )
    code, said = morning(place)
    assert code == DELIVERED
    page = (place / f"lists/{AS_OF}/list.html").read_text(encoding="utf-8")
    assert 'id="monitoring"' in page
    assert "v1" in page
    assert len([line for line in said if line.startswith("The list: ")]) == 2
    assert sorted(path.name for path in (place / f"lists/{AS_OF}").iterdir()) == [
        "check.json",
        "list.csv",
        "list.html",
        "monitor.json",
    ]


def test_files_behind_a_link_count_as_inputs(place: Path) -> None:
    """An export on another disk: a change in it is another morning's data."""
    by_month(place / "exports")
    (place / "exports/calls").rename(place / "elsewhere")
    (place / "exports/calls").symlink_to(place / "elsewhere")
    (place / "elsewhere/circle").symlink_to(place / "exports")
    before = inputs_of(place / "exports")
    assert any(name.startswith("calls/") for name, _, _ in before.stamp)
    newest = max((place / "elsewhere").glob("*.parquet"))
    pd.read_parquet(newest).iloc[:-1].to_parquet(newest, index=False)
    assert inputs_of(place / "exports").digest != before.digest


def test_another_key_of_the_pseudonyms_is_another_morning_and_so_is_a_list_that_is_gone(place: Path) -> None:
    (place / "key").write_text("a secret of many bytes")
    file = settings(place)
    file.write_text('pseudonymise = "key"\n' + file.read_text())
    assert morning(place)[0] == DELIVERED
    assert "delivered before" in morning(place)[1][0]
    shutil.rmtree(place / f"lists/{AS_OF}")
    assert len(morning(place)[1]) > 1
    assert (place / f"lists/{AS_OF}/list.csv").is_file()
    cards = set(pd.read_csv(place / f"lists/{AS_OF}/list.csv")["card_id"])
    (place / "key").write_text("another secret, as long")
    assert len(morning(place)[1]) > 1
    assert not cards & set(pd.read_csv(place / f"lists/{AS_OF}/list.csv")["card_id"])


def test_a_list_that_a_killed_run_had_moved_aside_comes_back(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace", tmp_path / "lists")
    place.make()
    aside = place.lists / ".2025-04-30.old-999999.1-abcd1234"
    aside.mkdir()
    (aside / "list.csv").write_text("card_id")
    sweep_leftovers(place, AS_OF)
    assert [path.name for path in place.lists.iterdir()] == ["2025-04-30"]
    assert (place.lists / "2025-04-30/list.csv").read_text() == "card_id"
