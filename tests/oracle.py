"""The slow oracle: every feature of the catalogue in plain Python, asked by its column name.

`vector(tables, card_id, as_of, columns)` reads like docs/decisions/0003-feature-definitions.md; nothing here is fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from math import nan

import oracle_calls as calls
import oracle_events as events
from oracle_view import Table, View, plain_tables, see

__all__ = ["plain_tables", "value", "vector"]

LOCATED = "calls.region|locations"
# What each quantity needs beyond the calls and the cards; without it the feature is missing.
NEEDS: dict[str, list[str]] = {
    **dict.fromkeys(["calls_in", "out_share", "callback_ratio", "two_way_contact_ratio"], ["calls.direction"]),
    **dict.fromkeys(["no_answer_ratio", "rejected_ratio", "invalid_number_ratio"], ["calls.result"]),
    **dict.fromkeys(["complaints", "complaints_per_1k_calls", "days_since_last_complaint"], ["complaints"]),
    "valid_complaints": ["complaints.status", "complaints.resolved_at"],
    "regulator_complaints": ["complaints.channel"],
    "open_complaints": ["complaints.resolved_at"],
    **dict.fromkeys(["offsite_call_ratio", "offsite_calls", "city_changes"], [LOCATED]),
    **dict.fromkeys(["distinct_serving_cities", "serving_city_entropy"], [LOCATED]),
    **dict.fromkeys(["undeclared_offsite_ratio", "undeclared_offsite_calls"], [LOCATED, "roaming_notices"]),
    **dict.fromkeys(["distinct_imei", "imei_changes"], ["calls.imei"]),
    **dict.fromkeys(["arrears_amount", "arrears_days", "overdue_bills"], ["payments.paid_at"]),
    **dict.fromkeys(["sms_out", "sms_out_recipients"], ["messages"]),
    "prior_blocks": ["blocks.unblocked_at"],
    "operator_block_rate": ["blocks"],
}


def vector(tables: dict[str, Table], card_id: str, as_of: datetime, columns: list[str]) -> dict[str, float | str]:
    view = see(tables, card_id, as_of)
    return {column: value(view, column) for column in columns}


def value(view: View, column: str) -> float | str:
    """Compute one column: text, `quantity`, `quantity_{W}d`, `quantity_decayed_hl{H}d` or `quantity_trend_{A}v{B}`."""
    if column in ("operator", "home_region"):
        return view.card[column]
    if parts := re.fullmatch(r"(\w+)_decayed_hl(\d+)d", column):
        return _decayed(view, parts[1], int(parts[2]))
    if parts := re.fullmatch(r"calls_out_trend_(\d+)v(\d+)", column):
        return _trend(view, int(parts[1]), int(parts[2]))
    if parts := re.fullmatch(r"answer_rate_delta_(\d+)v(\d+)", column):
        return calls.answer_rate(view, int(parts[1])) - calls.answer_rate(view, int(parts[2]))
    if parts := re.fullmatch(r"(\w+)_(\d+)d", column):
        return _supplied(view, parts[1], int(parts[2]))
    return _supplied(view, column)


def _supplied(view: View, quantity: str, *days: int) -> float:
    function: Callable[..., float] = getattr(calls, quantity, None) or getattr(events, quantity)
    return function(view, *days) if _is_supplied(view, quantity) else nan


def _is_supplied(view: View, quantity: str) -> bool:
    return all(view.has(need) for need in NEEDS.get(quantity, []))


def _trend(view: View, short: int, long: int) -> float:
    if calls.exposure(view, long) < 1 or calls.calls_out(view, long) == 0:
        return nan
    return calls.calls_out_per_day(view, short) / calls.calls_out_per_day(view, long)


def _decayed(view: View, quantity: str, half_life: int) -> float:
    """Sum over the last 90 days of 2^(-(age - 1) / half-life), age 1 being yesterday."""
    if not _is_supplied(view, quantity):
        return nan
    ages = [(view.as_of.date() - at.date()).days for at in _instants(view, quantity)]
    return sum(2 ** (-(age - 1) / half_life) for age in ages if age <= 90)


def _instants(view: View, quantity: str) -> list[datetime]:
    if quantity == "calls_out":
        return [c.at for c in view.calls if c.direction == "out"]
    if quantity == "complaints":
        return [r.get("available_at") or r["complained_at"] for r in view.complaints]
    test = {"offsite_calls": events.is_offsite, "undeclared_offsite_calls": events.is_undeclared}[quantity]
    return [c.at for c in view.calls if test(view, c)]
