"""The appeal pack of one card as a page to print: Chinese and English beside each other."""

from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.serving.evidence import Evidence
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.page.document import document, write_document
from blockrisk.serving.page.drawing import bars
from blockrisk.serving.page.texts import texts


def write_appeal(evidence: Evidence, path: Path) -> None:
    """Write the pack as one HTML file, whole or not at all."""
    write_document(appeal(evidence), path)


def appeal(evidence: Evidence) -> str:
    """Render the pack. English always shows; the Chinese script is chosen on the page."""
    values = {
        "evidence": evidence,
        "names": {language: texts()["page.language"][language] for language in LANGUAGES if language != "en"},
        "figures": figures(evidence),
        "by_day": bars(evidence.daily["calls"].to_numpy()),
        "by_hour": bars(pd.Series(evidence.hours, dtype="float64").to_numpy()),
    }
    return document("appeal.html", values)


def figures(evidence: Evidence) -> dict[str, Any]:
    """Sum up the pack in a few figures; None where the data set does not tell.

    Returns:
        calls, active_days, usual (median of active days), most (in a day), answered and in_hours (shares of calls), complaints,
        settled, settled_days (median from known to settled), bills, late (paid after the due time, or not at all), owed (of those
        due in the time looked at); late and owed are None where payments are not recorded.

    """
    calls, weeks, complaints, bills = evidence.daily["calls"], evidence.weeks, evidence.complaints, evidence.bills
    total = float(weeks["calls"].sum())
    settled = complaints.dropna(subset=["resolved_at"])
    late = bills["paid_at"].isna() | (bills["paid_at"] > bills["due_at"])
    paid_known = "payments.paid_at" not in evidence.missing
    return {
        "calls": total,
        "active_days": int((calls > 0).sum()),
        "usual": float(calls[calls > 0].median()) if total else 0.0,
        "most": float(calls.max()),
        "answered": float(weeks["answered"].sum()) / total if total else None,
        "in_hours": float(weeks["in_hours"].sum()) / total if total else None,
        "complaints": None if "complaints" in evidence.missing else len(complaints),
        "settled": len(settled),
        "settled_days": float((settled["resolved_at"] - settled["known_at"]).dt.days.median()) if len(settled) else None,
        "bills": None if "payments" in evidence.missing else len(bills),
        "late": int(late.sum()) if paid_known else None,
        "owed": float((bills["amount_due"] - bills["amount_paid"].fillna(0)).clip(lower=0).sum()) if paid_known else None,
    }
