"""The features of complaints, places, handsets, bills, messages and the card itself, one function each."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from math import nan

from oracle_calls import calls_out, entropy
from oracle_view import DAY, LABEL_KINDS, Call, Row, View, block_kind, count, ratio


# Complaints: placed in a window by when they could be known
def _placed(complaint: Row) -> datetime:
    return complaint.get("available_at") or complaint["complained_at"]


def _complaints(v: View, days: int) -> list[Row]:
    return [r for r in v.complaints if v.within(_placed(r), days)]


def complaints(v: View, days: int) -> float:
    return len(_complaints(v, days))


def complaints_per_1k_calls(v: View, days: int) -> float:
    return 1000 * (complaints(v, days) + 0.05) / (calls_out(v, days) + 500)


def valid_complaints(v: View, days: int) -> float:
    return count(r["status"] == "upheld" and v.is_past(r["resolved_at"]) for r in _complaints(v, days))


def regulator_complaints(v: View, days: int) -> float:
    return count(r["channel"] == "regulator" for r in _complaints(v, days))


def days_since_last_complaint(v: View) -> float:
    known = [max(r["complained_at"], _placed(r)) for r in v.complaints]
    return v.days_since(max(known)) if known else nan


def open_complaints(v: View) -> float:
    return count(not v.is_past(r["resolved_at"]) for r in v.complaints)


# Places: calls of every direction
def is_offsite(v: View, call: Call) -> bool:
    return call.region is not None and call.region != v.card["home_region"]


def is_undeclared(v: View, call: Call) -> bool:
    notices = [n for n in v.notices if n["region"] == call.region and n["valid_from"] <= call.at]
    return is_offsite(v, call) and not any(n.get("valid_to") is None or call.at < n["valid_to"] for n in notices)


def _located(v: View, days: int) -> list[Call]:
    return [c for c in v.calls_in(days) if c.region is not None]


def offsite_call_ratio(v: View, days: int) -> float:
    calls = _located(v, days)
    return ratio(count(is_offsite(v, c) for c in calls), len(calls))


def undeclared_offsite_ratio(v: View, days: int) -> float:
    calls = _located(v, days)
    return ratio(count(is_undeclared(v, c) for c in calls), len(calls))


def distinct_serving_cities(v: View, days: int) -> float:
    return len({c.region for c in _located(v, days)})


def serving_city_entropy(v: View, days: int) -> float:
    return entropy(Counter(c.region for c in _located(v, days)))


def _changes(stamped: list[tuple[datetime, str | None]]) -> int:
    return count(a != b for (_, a), (_, b) in pairwise(sorted(stamped)))


def city_changes(v: View, days: int) -> float:
    return _changes([(c.at, c.region) for c in _located(v, days)])


# Handsets
def distinct_imei(v: View, days: int) -> float:
    return len({c.imei for c in v.calls_in(days) if c.imei is not None})


def imei_changes(v: View, days: int) -> float:
    return _changes([(c.at, c.imei) for c in v.calls_in(days) if c.imei is not None])


# Bills, in cents
def _cents(amount: float) -> int:
    return round(amount * 100)


def _owed(bill: Row, is_paid: bool) -> int:
    if not is_paid:
        return _cents(bill["amount_due"])
    paid = bill.get("amount_paid")
    return max(0, _cents(bill["amount_due"]) - _cents(bill["amount_due"] if paid is None else paid))


def arrears_amount(v: View) -> float:
    return sum(_owed(b, v.is_past(b["paid_at"])) for b in v.bills) / 100


def arrears_days(v: View) -> float:
    owing = [b["due_at"] for b in v.bills if _owed(b, v.is_past(b["paid_at"])) > 0]
    return v.days_since(min(owing)) if owing else 0


def _is_settled_in_time(bill: Row) -> bool:
    in_time = bill["paid_at"] is not None and bill["paid_at"].date() <= bill["due_at"].date()
    return _owed(bill, in_time) == 0


def overdue_bills(v: View, days: int) -> float:
    return count(v.within(b["due_at"], days) and not _is_settled_in_time(b) for b in v.bills)


# Messages
def sms_out(v: View, days: int) -> float:
    return count(v.within(m["sent_at"], days) for m in v.messages)


def sms_out_recipients(v: View, days: int) -> float:
    return len({m["recipient"] for m in v.messages if v.within(m["sent_at"], days)})


# The card and its history
def card_age_days(v: View) -> float:
    return v.days_since(v.card["activated_at"]) if v.is_past(v.card["activated_at"]) else nan


def registration_age_days(v: View) -> float:
    checked = v.card.get("registration_checked_at")
    return v.days_since(checked) if v.is_past(checked) else nan


def prior_blocks(v: View, days: int) -> float:
    mine = [b for b in v.blocks if v.within(b["blocked_at"], days) and block_kind(b) in LABEL_KINDS]
    return count(v.is_past(b["unblocked_at"]) for b in mine)


def operator_block_rate(v: View, days: int) -> float:
    fleet = [r for r in v.tables["cards"].rows if r["operator"] == v.card["operator"]]
    ids = {r["card_id"] for r in fleet}
    known = (b for b in v.tables["blocks"].rows if v.is_past(b.get("available_at") or b["blocked_at"]))
    ledger = [b for b in known if b["card_id"] in ids and block_kind(b) in LABEL_KINDS]
    card_days = sum(_card_days(v, r, days) for r in fleet)
    return 1000 * count(v.within(b["blocked_at"], days) for b in ledger) / card_days if card_days else 0


def _card_days(v: View, card: Row, days: int) -> int:
    first = max((v.as_of - days * DAY).date(), card["activated_at"].date())
    closed = card.get("closed_at")
    last = min(v.as_of.date(), closed.date()) if closed else v.as_of.date()
    return max(0, (last - first).days)
