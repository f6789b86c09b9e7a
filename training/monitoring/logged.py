"""What MLflow is told of a morning's findings: the same from the command and from the morning run."""

from blockrisk.training.monitoring.findings import Findings
from blockrisk.training.tracking import Run


def as_run(findings: Findings, model: str) -> Run:
    """Give the numbers of the findings as an MLflow run, of a model by name.

    >>> told = as_run(Findings("2026-03-01", {}), "v3")
    >>> told.name, dict(told.params), dict(told.tags)
    ('monitor-2026-03-01', {'as_of': '2026-03-01', 'model': 'v3'}, {'kind': 'monitoring'})
    """
    params = {"as_of": findings.as_of, "model": model}
    return Run(f"monitor-{findings.as_of}", params, findings.metrics(), None, tags={"kind": "monitoring"})
