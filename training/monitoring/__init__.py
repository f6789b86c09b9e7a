"""Watch a model that runs every morning: drift, what became of its lists, operators' changes of policy, gaps in the data.

    findings = monitor(tables, Path("scores"), datetime(2026, 3, 1), Path("models/first"))
    deliver(findings, webhook="https://chat.example/hook")

`checks` lists the checks; `findings` holds what they give; `delivery` sends it. docs/MONITORING.md says what to do about an alarm.
"""

from blockrisk.training.monitoring.checks import monitor
from blockrisk.training.monitoring.delivery import DeliveryError, deliver
from blockrisk.training.monitoring.findings import Alarm, Findings, Result

__all__ = ["Alarm", "DeliveryError", "Findings", "Result", "deliver", "monitor"]
