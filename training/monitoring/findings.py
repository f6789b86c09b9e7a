"""What the monitoring of one morning found: alarms, checks that could not be made, and the figures behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blockrisk.features.messages import language
from blockrisk.serving.page.texts import texts
from blockrisk.training.sentences import say


@dataclass(frozen=True)
class Alarm:
    """Hold one alarm.

    Attributes:
        kind: the check that raised it and the key of its sentence, `monitoring.alarm.KIND` in serving/page/languages.
        values: what the sentence is filled in with: text, numbers, ISO dates; plain JSON.

    """

    kind: str
    values: Mapping[str, Any]

    def sentence(self, language: str = "en") -> str:
        """Tell it in one sentence."""
        return texts()[f"monitoring.alarm.{self.kind}"][language].format(**self.values)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, the English sentence among them."""
        return {"kind": self.kind, "text": self.sentence(), "values": dict(self.values)}


@dataclass(frozen=True)
class Result:
    """Hold what one check gives.

    Attributes:
        alarms: what a person must look at.
        early: sentences on what cannot be judged yet, such as labels that are not ripe; no fault.
        rows: the table of the check, plain values.
        metrics: numbers for MLflow, by name.

    """

    alarms: tuple[Alarm, ...] = ()
    early: tuple[str, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """Hold the results of all checks of one morning.

    Attributes:
        as_of: ISO date of the morning.
        results: the result of each check that could be made, by its name.
        failed: of each check that could not be made, its name and the sentence why. One is enough to fail the step.

    """

    as_of: str
    results: Mapping[str, Result]
    failed: tuple[str, ...] = ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Give the alarms of all checks, in the order of the checks."""
        return tuple(alarm for result in self.results.values() for alarm in result.alarms)

    def metrics(self) -> dict[str, float]:
        """Give the numbers of all checks as CHECK.NAME, and how many alarms and failures there are."""
        found = {f"{name}.{key}": float(value) for name, result in self.results.items() for key, value in result.metrics.items()}
        return {"alarms": float(len(self.alarms)), "failed_checks": float(len(self.failed)), **found}

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values, as the page and the JSON file hold it."""
        return {
            "as_of": self.as_of,
            "alarms": [alarm.to_json() for alarm in self.alarms],
            "failed": list(self.failed),
            "early": [line for result in self.results.values() for line in result.early],
            "tables": {name: [dict(row) for row in result.rows] for name, result in self.results.items()},
            "metrics": self.metrics(),
        }

    def lines(self) -> list[str]:
        """Tell it to people: failures first, then alarms, then what is too early; one line where all is well."""
        failed = [say("failed", why=sentence) for sentence in self.failed]
        alarms = [say("alarm", what=alarm.sentence(language())) for alarm in self.alarms]
        early = [say("too_early", what=line) for result in self.results.values() for line in result.early]
        made = say("monitored", as_of=self.as_of, made=len(self.results), failed=len(failed), alarms=len(alarms))
        return [made, *failed, *alarms, *early]
