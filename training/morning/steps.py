"""The steps of a morning, in their order: each does its work into a folder that appears when it is complete."""

import shutil
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd

from blockrisk.features.at_risk import end_of_calls
from blockrisk.features.intake import account_lines
from blockrisk.features.intake.checks import warnings_of
from blockrisk.features.intake.days import digest_of
from blockrisk.features.intake.quarantine import write_quarantine
from blockrisk.features.output import read_frame, write_frame
from blockrisk.features.report import report_of, write_report
from blockrisk.models.folder import new_folder
from blockrisk.serving.advice import add_advice
from blockrisk.serving.alerts import AlertRule
from blockrisk.serving.outputs import wants_briefing, write_outputs
from blockrisk.serving.predict import listed, missing_tables, risk_vectors, score_vectors
from blockrisk.training.dated import train
from blockrisk.training.labels import end_of_observation
from blockrisk.training.morning import aliases, registry
from blockrisk.training.morning.compare import PROMOTED, REJECTED, WAITS, Comparison, compare
from blockrisk.training.morning.context import Morning, Told
from blockrisk.training.morning.record import read_record, sums_of
from blockrisk.training.morning.sentences import mistake, say
from blockrisk.training.tracking import Run, track

CHECKED, PAGE, STEP = "check.json", "list.html", "step.json"
ALARM_DAYS: Final = 3
"""Days between two trainings at least, however many alarms are raised."""

AHEAD_DAYS: Final = 31
"""Days that the newest version may be dated ahead; beyond, a clock was wrong that day, and no challenger would come for years."""


def check(morning: Morning, folder: Path) -> Told:
    """Read the data, and report what became of each row and what is odd."""
    warnings = warnings_of(morning.tables)
    report = report_of(morning.tables, warnings)
    write_report(report, folder / CHECKED)
    write_quarantine(morning.tables, folder / "quarantine")
    accounts = [
        {name: table[name] for name in ("table", "read", "used", "duplicates", "quarantined")} for table in report["tables"]
    ]
    lines = [*account_lines(morning.tables), *(f"! {warned}" for warned in warnings)]
    end = end_of_calls(morning.tables)
    told = {"accounting": accounts, "warnings": [str(warned) for warned in warnings]}
    return {"lines": lines, **told, "data_end": None if end is None else end.date().isoformat()}


def model(morning: Morning, folder: Path) -> Told:
    """Settle which version scores: the champion, or the first one, trained now."""
    found = registry.champion(morning.place.models)
    if found is None:
        made = _made_today(morning) or _train(morning)
        found = registry.promote(morning.place.models, made.name)
        lines = [say("first_version", name=found.name), *_follow(morning)]
        return {"lines": lines, "version": found.name, "trained": True}
    return {"lines": [say("serves", name=found.name, until=found.until)], "version": found.name}


def features(morning: Morning, folder: Path) -> Told:
    """Compute the vectors of the cards at risk."""
    frame = risk_vectors(morning.tables, morning.model, [pd.Timestamp(morning.as_of)])
    write_frame(frame, folder / "vectors.parquet")
    return {"lines": [*missing_tables(morning.tables, morning.model), say("at_risk", count=len(frame))], "rows": len(frame)}


def score(morning: Morning, folder: Path) -> Told:
    """Score and rank them, and put those on the list who belong there, with the list before in mind."""
    frame = read_frame(morning.output("features", "vectors.parquet"))
    scored = score_vectors(frame, morning.model).sort_values("rank", kind="stable", ignore_index=True)
    before, caution = _listed_before(morning)
    scored["alert"] = listed(scored, morning.model, before)
    if len(scored):
        scored = add_advice(scored, morning.tables, morning.model, frame, morning.config["capacity"])
    file = morning.place.scores / f"{morning.as_of}.parquet"
    write_frame(scored.assign(model=morning.told["model"]["version"]), file)
    alerts = int(scored["alert"].sum())
    return {"lines": [*caution, say("on_the_list", count=alerts)], "alerts": alerts, "written": [str(file)]}


def _listed_before(morning: Morning) -> tuple[list[str], list[str]]:
    """Give the cards on the list of the day before, none where it is not to be trusted, and a line that says so."""
    day = morning.as_of - timedelta(days=1)
    file = morning.place.scores / f"{day}.parquet"
    if not file.exists():
        return [], []
    kept = sums_of(read_record(morning.place.records / f"{day}.json"), "score").get(str(file))
    if kept is not None and kept != digest_of(file):
        return [], [say("list_changed", file=file, day=day)]
    before = read_frame(file)
    return [str(card) for card in before.loc[before["alert"], "card_id"]], []


def report(morning: Morning, folder: Path) -> Told:
    """Write the list for people, and deliver it: its folder appears whole, or takes the place of the one before at once."""
    target = morning.delivered
    if target.exists() and not (target / CHECKED).is_file():
        raise mistake("no_list", target=target)
    with new_folder(target, replace=True) as fresh:
        files = [fresh / f"list.{ending}" for ending in morning.config["formats"]]
        write_outputs(morning.scored, morning.briefing if wants_briefing(files) else None, files)
        made = morning.place.work(morning.as_of) / "check"
        shutil.copytree(made, fresh, ignore=shutil.ignore_patterns(STEP), dirs_exist_ok=True)
    names = [str(target / file.name) for file in files]
    kept = [name for name in names if not name.endswith(PAGE)]  # the page is written again, with the findings
    return {"lines": [say("the_list", name=name) for name in names], "written": kept}


def write_findings(morning: Morning, findings: dict[str, Any]) -> None:
    """Write the page of the list again, with the findings of the monitoring in it, where the settings want a page."""
    if "html" in morning.config["formats"]:
        write_outputs(morning.scored, replace(morning.briefing, monitoring=findings), [morning.delivered / PAGE])


def renew(morning: Morning, folder: Path) -> Told:
    """Train a challenger where one is due: by age, or at an alarm."""
    newest = registry.versions(morning.place.models)[-1]
    if _made_today(morning) is not None:
        return {"lines": [say("made_today", name=newest.name)], "version": newest.name}
    why = _due(morning, newest)
    if why is None:
        return {"lines": []}
    made = _train(morning)
    return {"lines": [say("challenger", name=made.name, why=why), *_follow(morning)], "version": made.name, "why": why}


def _due(morning: Morning, newest: registry.Version) -> str | None:
    age, every = (morning.as_of - date.fromisoformat(newest.told["made_at"])).days, morning.config["renew.every_days"]
    if every and age < -AHEAD_DAYS:
        return say("dated_ahead", name=newest.name, days=-age)
    if every and age >= every:
        return say("is_old", name=newest.name, days=age)
    alarms = morning.told.get("monitor", {}).get("alarms")
    return say("alarmed", alarm=alarms[0]) if alarms and morning.config["renew.on_alarm"] and age >= ALARM_DAYS else None


def compare_versions(morning: Morning, folder: Path) -> Told:
    """Compare the newest challenger that is old enough with the champion, on days that neither has seen."""
    serving = registry.champion(morning.place.models)
    assert serving is not None
    found = _first_ripe(morning, serving)
    if found is None:
        return {"lines": []}
    lines = [say("compared", challenger=found.challenger, champion=found.champion, state=found.state, why=found.why)]
    if found.state != WAITS and morning.config["mlflow"]:
        params = {"kind": "comparison", **{k: v for k, v in found.to_json().items() if isinstance(v, str)}}
        lines.append(track(Run(f"compare-{found.challenger}", params, found.figures(), None), morning.place.store).message)
    return {"lines": lines, "comparison": found.to_json()}


def _first_ripe(morning: Morning, serving: registry.Version) -> Comparison | None:
    models = morning.place.models
    waiting = [name for name, state in registry.states(models).items() if state == "challenger"]
    settings = morning.config.part("renew")
    found = None
    for name in reversed(waiting):
        found = compare(
            morning.tables,
            serving,
            registry.version(models, name),
            morning.as_of,
            weeks=settings["weeks"],
            least_blocks=settings["least_blocks"],
        )
        if found.state != WAITS:
            return found
    return found


def promote(morning: Morning, folder: Path) -> Told:
    """Let a challenger that proved better serve from now on; keep what was decided; thin out old versions."""
    found = morning.told["compare"].get("comparison")
    models, lines = morning.place.models, []
    if found is not None and found["state"] in (PROMOTED, REJECTED):
        serving = registry.champion(models)
        if serving is None or serving.name not in (found["champion"], found["challenger"]):
            return {"lines": [say("compared_in_vain", challenger=found["challenger"], champion=found["champion"])]}
        if registry.states(models).get(found["challenger"]) == registry.ROLLED_BACK:
            return {"lines": [say("rolled_back_since", challenger=found["challenger"])]}
        if found["state"] == PROMOTED:
            registry.promote(models, found["challenger"])
            lines.append(say("promoted", challenger=found["challenger"], champion=found["champion"]))
        registry.decide(models, found["challenger"], {**found, "as_of": morning.as_of.isoformat()})
        lines += _follow(morning)
    gone = registry.thin_out(models, morning.config["keep.versions"])
    lines += [say("removed", names=", ".join(gone))] if gone else []
    return {"lines": lines}


def _made_today(morning: Morning) -> registry.Version | None:
    """Find the version that a killed run of this morning had already made of these data with these settings."""
    known = registry.versions(morning.place.models)
    told = {"made_at": morning.as_of.isoformat(), "inputs": morning.inputs.digest, "settings": morning.config.part("model")}
    return known[-1] if known and all(known[-1].told.get(name) == value for name, value in told.items()) else None


def _train(morning: Morning) -> registry.Version:
    settings, config = morning.config.part("model"), morning.config
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        made = train(
            morning.tables,
            out=out,
            until=end_of_observation(morning.tables, morning.as_of).date(),
            horizon=settings["horizon"],
            horizons=settings["horizons"],
            learner=settings["learner"],
            seed=settings["seed"],
            alert=AlertRule("capacity", settings["alerts"]),
            mlflow=False,
            jobs=config["jobs"],
            tell=morning.tell,
        )
        told: Told = {
            "made_at": morning.as_of.isoformat(),
            "inputs": morning.inputs.digest,
            "settings": settings,
            "cautions": [str(caution) for caution in made.cautions],
        }
        told |= {"mlflow": aliases.log_version(out, morning.place.store) if config["mlflow"] else None}
        return registry.add_version(morning.place.models, out, told)


def _follow(morning: Morning) -> list[str]:
    return aliases.follow_pointer(morning.place.models, morning.place.store) if morning.config["mlflow"] else []
