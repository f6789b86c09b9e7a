"""The monitoring step: what was found goes to the list's folder, to MLflow and to whoever is to be told."""

from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

from blockrisk.features.output import write_json
from blockrisk.training.monitoring import DeliveryError, Findings, deliver, monitor
from blockrisk.training.monitoring.findings import Alarm
from blockrisk.training.monitoring.logged import as_run
from blockrisk.training.morning import registry
from blockrisk.training.morning.context import Morning, Told
from blockrisk.training.morning.steps import write_findings
from blockrisk.training.sentences import say
from blockrisk.training.tracking import track

FILE: Final = "monitor.json"

RENEWING: Final = ("policy", "policy_region", "drift", "drift_score")
"""Kinds of alarm that a newer model may answer; a table that is silent is none of them."""


def watch(morning: Morning, folder: Path) -> Told:
    """Make every check, and tell of alarms and of checks that could not be made."""
    version = registry.version(morning.place.models, morning.told["model"]["version"])
    stamp, bundle = datetime.combine(morning.as_of, time()), version.folder / registry.BUNDLE
    found = monitor(morning.tables, morning.place.scores, stamp, bundle, morning.vectors())
    told = found.to_json()
    write_findings(morning, told)
    file = morning.delivered / FILE
    write_json(file, told)
    undelivered = _delivered(found, morning.config.part("monitor"))
    lines = [*found.lines(), *(say("failed", why=sentence) for sentence in undelivered)]
    if morning.config["mlflow"]:
        lines.append(track(as_run(found, version.name), morning.place.store).message)
    return {
        "lines": lines,
        "alarms": [alarm.sentence() for alarm in _renewing(found)],
        "findings": told,
        "failed": [*found.failed, *undelivered],
        "written": [str(file)],
    }


def _renewing(found: Findings) -> list[Alarm]:
    """List the alarms that a newer model may answer; cards that drift because their calls did not come in are none."""
    broken = any(alarm.kind.startswith("feed_") for alarm in found.alarms)
    kinds = [kind for kind in RENEWING if not (broken and kind.startswith("drift"))]
    return [alarm for alarm in found.alarms if alarm.kind in kinds]


def _delivered(found: Findings, settings: dict[str, Any]) -> list[str]:
    """Send the findings to whom the settings name; give what kept them from arriving."""
    try:
        deliver(found, settings["webhook"], settings["command"])
    except DeliveryError as error:
        return [str(error)]
    return []
