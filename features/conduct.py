"""Features of conduct beyond the calls: complaints, off-site use, handsets, messages."""

from blockrisk.features.feature import Feature

_PLACE = ("calls", "calls.region|locations")
_NOTICE = (*_PLACE, "roaming_notices")
_IMEI = ("calls", "calls.imei")
_DIGITS = 17592186044416  # 2 ** 44, as in features.tiles

# fmt: off
COMPLAINTS = [
    Feature("73-75", "complaints", "complaints", "complaints", "{complaints}", (1, 3, 7, 30, 90), "zero", "complaints", 1,
            "complaints that became known", "已知投訴數", monotone=True, needs=("complaints",)),
    Feature("", "complaints_decayed_hl7d", "complaints", "complaints", f"{{complaints_decayed_7d}} / {_DIGITS}.0", (), "zero",
            "complaints", 1, "complaints, halved in weight every 7 days, over 90 days", "投訴數（每 7 日權重減半，共 90 日）", monotone=True,
            needs=("complaints",), lookback=90),
    Feature("76", "complaints_per_1k_calls", "complaints", "vector", "1000 * ({complaints} + 0.05) / ({calls_out} + 500)", (30,),
            "missing", "per 1,000 calls", 1, "complaints per 1,000 attempts, shrunk for quiet cards", "每千次呼叫投訴數",
            needs=("complaints",)),
    Feature("77", "valid_complaints", "complaints", "complaints", "{upheld}", (90,), "zero", "complaints", 1,
            "complaints known to be upheld", "成立的投訴數", monotone=True,
            needs=("complaints", "complaints.status", "complaints.resolved_at")),
    Feature("78", "regulator_complaints", "complaints", "complaints", "{regulator}", (90,), "zero", "complaints", 1,
            "complaints made to the regulator", "監管機構投訴數", monotone=True, needs=("complaints", "complaints.channel")),
    Feature("79", "days_since_last_complaint", "complaints", "complaints", "(as_of_day * 86400000000 - {last_us}) / 86400000000", (),
            "missing", "days", -1, "days since a complaint last became known", "距最近一次投訴天數", needs=("complaints",)),
    Feature("80", "open_complaints", "complaints", "complaints", "{open}", (), "zero", "complaints", 1, "complaints not settled",
            "未結投訴數", monotone=True, needs=("complaints", "complaints.resolved_at")),
]

OFFSITE = [
    Feature("84", "offsite_call_ratio", "offsite", "calls", "{offsite} / nullif({located}, 0)", (1, 3, 7), "missing", "share", 1,
            "calls outside the home region, among calls whose place is known", "異地通話佔比", needs=_PLACE),
    Feature("86", "undeclared_offsite_ratio", "offsite", "calls", "{undeclared} / nullif({located}, 0)", (1, 3, 7), "missing",
            "share", 1, "calls outside the home region without a notice", "未報備異地通話佔比", monotone=True, needs=_NOTICE),
    Feature("", "offsite_calls_decayed_hl7d", "offsite", "calls", f"{{offsite_decayed_7d}} / {_DIGITS}.0", (), "zero", "calls", 1,
            "calls outside the home region, halved in weight every 7 days, over 90 days", "異地通話數（每 7 日權重減半，共 90 日）", needs=_PLACE,
            lookback=90),
    Feature("", "undeclared_offsite_calls_decayed_hl7d", "offsite", "calls", f"{{undeclared_decayed_7d}} / {_DIGITS}.0", (),
            "zero", "calls", 1, "the same without a notice", "未報備異地通話數（每 7 日權重減半，共 90 日）", monotone=True, needs=_NOTICE,
            lookback=90),
    Feature("88", "distinct_serving_cities", "offsite", "regions", "count_if({calls} > 0)", (30,), "zero", "regions", 0,
            "regions the card called from", "通話地數", needs=_PLACE),
    Feature("89", "serving_city_entropy", "offsite", "regions",
            "case when sum({calls}) > 0 then ln(sum({calls})) - " "sum(cast(round({calls} * ln(greatest({calls}, 1)) * 68719476736) as BIGINT)) / 68719476736.0 / sum({calls}) end",
            (30,), "missing", "nats", 0, "entropy of calls over regions", "通話地分佈熵", needs=_PLACE),
    Feature("93", "city_changes", "offsite", "region_changes", "{changes}", (7,), "zero", "changes", 1,
            "changes of region from call to call", "通話地變更次數", needs=_PLACE),
]

DEVICE = [
    Feature("106", "distinct_imei", "device", "handsets", "count_if({calls} > 0)", (30,), "zero", "handsets", 1, "handsets used",
            "使用終端數", needs=_IMEI),
    Feature("107", "imei_changes", "device", "handset_changes", "{changes}", (7,), "zero", "changes", 1,
            "changes of handset from call to call", "換機次數", monotone=True, needs=_IMEI),
]

MESSAGES = [
    Feature("103", "sms_out", "messages", "messages", "sum({sent})", (7,), "zero", "messages", 1, "text messages sent", "發送短信數",
            needs=("messages",)),
    Feature("104", "sms_out_recipients", "messages", "messages", "count_if({sent} > 0)", (30,), "zero", "recipients", 1,
            "distinct recipients of text messages", "短信收件人數", needs=("messages",)),
]
