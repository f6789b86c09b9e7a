"""Features of the calls themselves: how many, how well, to whom, when, and how that changes."""

from blockrisk.features.feature import Feature

_BOTH_WAYS = ("calls", "calls.direction")
_RESULT = ("calls", "calls.result")
_FIXED = 68719476736  # 2 ** 36: n ln n in fixed point, so that entropies do not depend on the order of summing
_DIGITS = 17592186044416  # 2 ** 44, as in features.tiles


def _ratio(top: str, bottom: str, least: int = 1) -> str:
    return f"case when {{{bottom}}} >= {least} then {{{top}}} / {{{bottom}}} end"


def _std(count: str, total: str, squares: str, divisor: str) -> str:
    """Give the population standard deviation from integer sums."""
    n, s, q = f"{{{count}}}", f"{{{total}}}", f"{{{squares}}}"
    spread = f"cast({n} * cast({q} as HUGEINT) - cast({s} as HUGEINT) * {s} as DOUBLE)"
    return f"sqrt(greatest({spread}, 0.0)) / {n} / {divisor}"


_ENTROPY = (
    f"ln(sum({{units}} * {{size}})) - sum({{units}} * cast(round({{size}} * ln({{size}}) * {_FIXED}) as BIGINT))"
    f" / {_FIXED}.0 / sum({{units}} * {{size}})"
)
_TO_80 = (  # of the callees of one size: how many the 80 % still need
    "case when 5 * {earlier} < 4 * {total} then least({units}, (4 * {total} - 5 * {earlier} + 5 * {size} - 1) // (5 * {size})) else 0 end"
)
_GAP_MEAN = "({gap_us} / {gaps})"

# fmt: off
FREQUENCY = [
    Feature("1-2", "calls_out", "call_frequency", "calls", "{out}", (1, 3, 7), "zero", "calls", 1, "attempts made by the card",
            "呼出次數", monotone=True),
    Feature("3", "calls_out", "call_frequency", "calls", "{out}", (30,), "zero", "calls", 1, "attempts made by the card", "呼出次數"),
    Feature("", "calls_out_decayed_hl3d", "call_frequency", "calls", f"{{out_decayed_3d}} / {_DIGITS}.0", (), "zero", "calls", 1,
            "attempts, halved in weight every 3 days, over 90 days", "呼出次數（每 3 日權重減半，共 90 日）", monotone=True, lookback=90),
    Feature("", "calls_out_per_day", "call_frequency", "vector",
            "{calls_out} / nullif(greatest(least({days}, a.day - c.activated_day), 0), 0)", (7, 30), "missing", "calls a day", 1,
            "attempts per day on which the card existed", "入網期間每日平均呼出"),
    Feature("4", "calls_out_per_active_day", "call_frequency", "vector", "{calls_out} / nullif({active_days}, 0)", (7,),
            "missing", "calls a day", 1, "attempts per day with any call", "活躍日平均呼出", monotone=True),
    Feature("5", "calls_out_max_day", "call_frequency", "calls", "{most_day}", (7,), "zero", "calls", 1,
            "most attempts on one civil day", "單日最多呼出", monotone=True),
    Feature("6", "calls_out_max_hour", "call_frequency", "calls", "{most_hour}", (7,), "zero", "calls", 1,
            "most attempts in one clock hour", "單一時鐘小時最多呼出", monotone=True),
    Feature("7", "calls_out_max_roll60", "call_frequency", "rolling", "{roll60}", (7,), "zero", "calls", 1,
            "most attempts in any rolling 60 minutes", "任意連續 60 分鐘最多呼出"),
    Feature("9", "days_over_daily_limit", "call_frequency", "calls", "{days_over}", (7,), "zero", "days", 1,
            "days with more attempts than the daily limit on file", "超過每日限額的天數", monotone=True),
    Feature("10", "hours_over_hourly_limit", "call_frequency", "calls", "{hours_over}", (7,), "zero", "hours",
            1, "clock hours with more attempts than the hourly limit on file", "超過每小時限額的小時數", monotone=True),
    Feature("11-12", "active_days", "call_frequency", "calls", "{active}", (7, 30), "zero", "days", 0,
            "civil days with a call in any direction", "有通話的天數"),
    Feature("14", "out_share", "call_frequency", "calls", "{out} / nullif({out} + {incoming}, 0)", (30,), "missing", "share", 1,
            "outgoing calls among outgoing and incoming", "呼出佔比", needs=_BOTH_WAYS),
    Feature("17", "interevent_median_s", "call_frequency", "gap_medians", "{median_gap_us} / 1e6", (7,), "missing", "s", -1,
            "median gap between consecutive attempts", "相鄰呼出間隔中位數"),
    Feature("18", "interevent_burstiness", "call_frequency", "gaps",
            f"case when {{gaps}} >= 2 then ({_std('gaps', 'gap_us', 'gap_sq', '1.0')} - {_GAP_MEAN}) / " f"nullif({_std('gaps', 'gap_us', 'gap_sq', '1.0')} + {_GAP_MEAN}, 0) end",
            (7,), "missing", "index from -1 to 1", 0, "burstiness (s - m) / (s + m) of the gaps between attempts", "呼出間隔的突發性"),
    Feature("19", "talk_minutes", "call_frequency", "calls", "{out_talk_ms} / 60000.0", (7,), "zero", "min", 0,
            "talk time of outgoing calls", "呼出通話分鐘"),
]

QUALITY = [
    Feature("21-22", "answer_rate", "call_quality", "calls", _ratio("answered", "out"), (7, 30), "missing", "share", -1,
            "answered attempts among attempts", "接通率"),
    Feature("23", "avg_talk_s", "call_quality", "calls", "{answered_talk_ms} / nullif({answered}, 0) / 1000", (7,), "missing",
            "s", -1, "mean talk of answered attempts", "平均通話時長"),
    Feature("24", "median_talk_s", "call_quality", "talks", "{median_talk_ms} / 1000", (7,), "missing", "s", -1,
            "median talk of answered attempts", "通話時長中位數"),
    Feature("25", "std_talk_s", "call_quality", "calls",
            f"case when {{answered}} > 0 then {_std('answered', 'answered_talk_ms', 'answered_talk_sq', '1000')} end", (30,),
            "missing", "s", 0, "standard deviation of the talk of answered attempts", "通話時長標準差"),
    Feature("27", "short_call_ratio_10s", "call_quality", "calls", _ratio("short_10s", "answered"), (7,), "missing", "share", 1,
            "answered attempts of at most 10 s", "10 秒以內短通話佔比"),
    Feature("28", "short_call_ratio_30s", "call_quality", "calls", _ratio("short_30s", "answered"), (7,), "missing", "share", 1,
            "answered attempts of at most 30 s", "30 秒以內短通話佔比"),
    Feature("29", "long_call_ratio_60s", "call_quality", "calls", _ratio("long_60s", "answered"), (30,), "missing", "share", -1,
            "answered attempts of at least 60 s", "60 秒以上長通話佔比"),
    Feature("31", "no_answer_ratio", "call_quality", "calls", _ratio("no_answer", "out"), (7,), "missing", "share", 1,
            "attempts that nobody answered", "無人接聽佔比", needs=_RESULT),
    Feature("32", "rejected_ratio", "call_quality", "calls", _ratio("rejected", "out"), (7,), "missing", "share", 1,
            "attempts rejected or busy", "拒接或佔線佔比", needs=_RESULT),
    Feature("33", "invalid_number_ratio", "call_quality", "calls", _ratio("invalid", "out"), (7,), "missing", "share", 1,
            "attempts to dead numbers", "空號佔比", monotone=True, needs=_RESULT),
    Feature("38", "zero_duration_ratio", "call_quality", "calls", _ratio("silent", "out"), (7,), "missing", "share", 1,
            "attempts without talk", "零時長佔比"),
]

CALLEES = [
    Feature("16", "callback_ratio", "callee_repetition", "callees", "{called_back} / nullif({dialled}, 0)", (30,), "missing", "share", -1,
            "dialled callees that call in later", "回撥佔比", needs=_BOTH_WAYS),
    Feature("39-40", "distinct_callees", "callee_repetition", "callees", "{dialled}", (7, 30), "zero", "callees", 1,
            "distinct callees dialled", "不同被叫數"),
    Feature("41", "distinct_callee_ratio", "callee_repetition", "vector",
            "case when {calls_out} >= 5 then {distinct_callees} / {calls_out} end", (7,), "missing", "share", 1,
            "distinct callees per attempt", "被叫離散度"),
    Feature("42", "calls_per_callee_mean", "callee_repetition", "callee_counts",
            "sum({units} * {size}) / sum({units})", (30,),
            "missing", "calls", -1, "attempts per callee", "每個被叫平均呼叫次數"),
    Feature("44", "single_call_callee_ratio", "callee_repetition", "callee_counts",
            "sum(case when {size} = 1 then {units} else 0 end) / sum({units})", (30,), "missing", "share", 1, "callees dialled exactly once", "只撥一次的被叫佔比"),
    Feature("45", "callee_entropy", "callee_repetition", "callee_counts",
            _ENTROPY, (30,), "missing", "nats", 1,
            "entropy of attempts over callees", "被叫分佈熵"),
    Feature("46", "callee_entropy_norm", "callee_repetition", "callee_counts",
            f"case when sum({{units}}) >= 2 then ({_ENTROPY}) / ln(sum({{units}})) end", (30,), "missing", "share", 1,
            "entropy over callees, against its maximum", "被叫分佈熵（正規化）"),
    Feature("48", "pareto80_callee_share", "callee_repetition", "callee_counts",
            f"sum({_TO_80}) / sum({{units}})", (30,), "missing",
            "share", 1, "smallest share of callees that holds 80 % of attempts", "佔八成呼叫的最少被叫佔比"),
    Feature("50", "new_callee_ratio", "callee_repetition", "callees",
            "{fresh} / nullif({dialled}, 0)", (7,), "missing", "share", 1,
            "callees not dialled in the 30 days before", "新被叫佔比"),
    Feature("51", "two_way_contact_ratio", "callee_repetition", "callees",
            "{mutual} / nullif({contacts}, 0)", (30,), "missing",
            "share", -1, "counterparties with calls in both directions", "雙向聯繫人佔比", needs=_BOTH_WAYS),
    Feature("53", "repeat_dial_24h_max", "callee_repetition", "redials", "max({most_24h})", (7,), "zero", "calls", 1,
            "most attempts to one callee in any rolling 24 hours", "同一被叫 24 小時內最多呼叫次數", monotone=True),
    Feature("54", "repeat_dial_over_limit", "callee_repetition", "redials", "count_if({over_24h} = 1)", (7,), "zero", "callees",
            1, "callees dialled more often in 24 hours than the limit on file", "24 小時重複呼叫超限的被叫數", monotone=True),
    Feature("55", "redial_5min_over", "callee_repetition", "redials", "count_if({over_5min} = 1)", (7,), "zero", "callees", 1,
            "callees dialled more often in 5 minutes than the limit on file", "5 分鐘內重撥超限的被叫數", monotone=True),
]

TIMING = [
    Feature("63", "off_hours_ratio", "hours", "calls", _ratio("off_hours", "out"), (7,), "missing", "share", 1,
            "attempts outside the permitted hours on file", "非許可時段呼叫佔比", monotone=True),
    Feature("64", "off_hours_calls", "hours", "calls", "{off_hours}", (7,), "zero", "calls", 1,
            "attempts outside the permitted hours on file", "非許可時段呼叫次數", monotone=True),
    Feature("65", "percent_nocturnal", "hours", "calls", _ratio("nocturnal", "out"), (30,), "missing", "share", 1,
            "attempts from 19:00 to 07:00", "19 時至 7 時呼叫佔比"),
    Feature("69", "peak_hour_share", "hours", "hours_of_day", "max({out}) / nullif(sum({out}), 0)", (7,), "missing", "share", 1,
            "largest share of one hour of the day", "最繁忙小時佔比"),
]

TREND = [
    Feature("117", "calls_out_trend_7v30", "trend", "vector",
            "({calls_out_7d} / nullif(greatest(least(7, a.day - c.activated_day), 0), 0)) / " "nullif({calls_out_30d} / nullif(greatest(least(30, a.day - c.activated_day), 0), 0), 0)",
            (), "missing", "ratio", 1, "attempts a day over 7 days against 30 days", "近 7 日對近 30 日的日均呼出比"),
    Feature("118", "answer_rate_delta_7v30", "trend", "vector", "{answer_rate_7d} - {answer_rate_30d}", (), "missing", "share",
            -1, "answer rate over 7 days less that over 30 days", "近 7 日與近 30 日接通率之差"),
]
