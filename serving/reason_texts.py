"""What can be said of a card, as a list: clauses with the card's own numbers, by factor family.

A clause is chosen where the columns it is `about` raise the risk most. Fields are columns of the vector and limits on file;
`{x:call}` writes a count with its English noun, `{unverified}` says so where the operator has not confirmed the limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Clause:
    """Declare one clause: family, columns it is about, texts, when it holds, and the limit on file that it names.

    `when` sees the present numbers only and is asked when all fields of the texts are there.
    """

    family: str
    about: tuple[str, ...]
    hant: str
    en: str
    when: Callable[[Numbers], bool] = lambda numbers: True
    limit: str | None = None


def _at_least(column: str, least: float) -> Callable[[Numbers], bool]:
    return lambda numbers: numbers.get(column, 0.0) >= least


def _over(column: str, limit: str) -> Callable[[Numbers], bool]:
    return lambda numbers: numbers[column] > numbers.get(limit, float("inf"))


_YESTERDAY = ("calls_out_1d", "calls_out_3d", "calls_out_decayed_hl3d", "calls_out_max_day_7d")
_WEEK = ("calls_out_7d", "calls_out_30d", "calls_out_per_day_7d", "calls_out_per_day_30d", "calls_out_per_active_day_7d")
_OFFSITE = ("offsite_call_ratio_1d", "offsite_call_ratio_3d", "offsite_call_ratio_7d", "offsite_calls_decayed_hl7d")
_UNDECLARED = tuple(
    f"undeclared_{name}" for name in ("offsite_ratio_1d", "offsite_ratio_3d", "offsite_ratio_7d", "offsite_calls_decayed_hl7d")
)
_KNOWN = (
    "complaints_1d",
    "complaints_3d",
    "complaints_7d",
    "complaints_30d",
    "complaints_decayed_hl7d",
    "complaints_per_1k_calls_30d",
)

CLAUSES: tuple[Clause, ...] = (
    Clause(
        "call_frequency",
        _YESTERDAY,
        "昨日呼出 {calls_out_1d:,.0f} 次，超過限額表所載的每日限額{unverified}",
        "{calls_out_1d:call} yesterday, over the daily limit on file{unverified}",
        _over("calls_out_1d", "daily_calls"),
        "daily_calls",
    ),
    Clause(
        "call_frequency",
        _YESTERDAY,
        "昨日呼出 {calls_out_1d:,.0f} 次，近 7 日單日最多 {calls_out_max_day_7d:,.0f} 次",
        "{calls_out_1d:call} yesterday, at most {calls_out_max_day_7d:,.0f} on one of the last 7 days",
        lambda numbers: not _over("calls_out_1d", "daily_calls")(numbers),
    ),
    Clause(
        "call_frequency", _WEEK, "近 7 日呼出 {calls_out_7d:,.0f} 次", "{calls_out_7d:call} in 7 days", _at_least("calls_out_7d", 1)
    ),
    Clause(
        "call_frequency",
        ("days_over_daily_limit_7d",),
        "近 7 日有 {days_over_daily_limit_7d:,.0f} 日超過限額表所載的每日限額{unverified}",
        "over the daily limit on file{unverified} on {days_over_daily_limit_7d:day} of the last 7",
        _at_least("days_over_daily_limit_7d", 1),
        "daily_calls",
    ),
    Clause(
        "call_frequency",
        ("hours_over_hourly_limit_7d",),
        "近 7 日有 {hours_over_hourly_limit_7d:,.0f} 個小時超過限額表所載的每小時限額{unverified}",
        "over the hourly limit on file{unverified} in {hours_over_hourly_limit_7d:hour} of the last 7 days",
        _at_least("hours_over_hourly_limit_7d", 1),
        "hourly_calls",
    ),
    Clause(
        "call_frequency",
        ("calls_out_max_hour_7d", "calls_out_max_roll60_7d"),
        "近 7 日單一小時最多呼出 {calls_out_max_hour_7d:,.0f} 次",
        "up to {calls_out_max_hour_7d:call} in one hour of the last 7 days",
        _at_least("calls_out_max_hour_7d", 1),
    ),
    Clause(
        "call_quality",
        ("answer_rate_7d", "answer_rate_30d", "no_answer_ratio_7d", "zero_duration_ratio_7d", "rejected_ratio_7d"),
        "近 7 日接通率 {answer_rate_7d:.0%}",
        "{answer_rate_7d:.0%} of calls answered in 7 days",
    ),
    Clause(
        "call_quality",
        ("invalid_number_ratio_7d",),
        "近 7 日 {invalid_number_ratio_7d:.0%} 的呼叫撥至空號",
        "{invalid_number_ratio_7d:.0%} of calls went to dead numbers in 7 days",
        _at_least("invalid_number_ratio_7d", 0.005),
    ),
    Clause(
        "call_quality",
        ("short_call_ratio_10s_7d", "short_call_ratio_30s_7d", "avg_talk_s_7d", "median_talk_s_7d", "long_call_ratio_60s_30d"),
        "近 7 日 {short_call_ratio_30s_7d:.0%} 的接通通話在 30 秒以內",
        "{short_call_ratio_30s_7d:.0%} of answered calls lasted 30 s or less in 7 days",
    ),
    Clause(
        "callee_repetition",
        ("repeat_dial_over_limit_7d", "repeat_dial_24h_max_7d"),
        "近 7 日對 {repeat_dial_over_limit_7d:,.0f} 個被叫的撥打超過限額表所載的 24 小時限額{unverified}，"
        "同一被叫最多 {repeat_dial_24h_max_7d:,.0f} 次",
        "{repeat_dial_over_limit_7d:callee} dialled in 24 hours beyond the limit on file{unverified}, "
        "one of them {repeat_dial_24h_max_7d:time}",
        _at_least("repeat_dial_over_limit_7d", 1),
        "per_callee_24h",
    ),
    Clause(
        "callee_repetition",
        ("repeat_dial_24h_max_7d",),
        "24 小時內對同一被叫最多呼叫 {repeat_dial_24h_max_7d:,.0f} 次",
        "up to {repeat_dial_24h_max_7d:call} to one callee within 24 hours",
        _at_least("repeat_dial_24h_max_7d", 2),
    ),
    Clause(
        "callee_repetition",
        ("redial_5min_over_7d",),
        "近 7 日對 {redial_5min_over_7d:,.0f} 個被叫的重撥超過限額表所載的 5 分鐘限額{unverified}",
        "{redial_5min_over_7d:callee} redialled within 5 minutes beyond the limit on file{unverified}",
        _at_least("redial_5min_over_7d", 1),
        "per_callee_5min",
    ),
    Clause(
        "callee_repetition",
        (
            "distinct_callees_7d",
            "distinct_callees_30d",
            "distinct_callee_ratio_7d",
            "new_callee_ratio_7d",
            "single_call_callee_ratio_30d",
            "callee_entropy_30d",
            "callee_entropy_norm_30d",
        ),
        "近 7 日撥打 {distinct_callees_7d:,.0f} 個不同被叫，其中 {new_callee_ratio_7d:.0%} 為首次",
        "{distinct_callees_7d:callee} dialled in 7 days, {new_callee_ratio_7d:.0%} of them for the first time",
    ),
    Clause(
        "hours",
        ("off_hours_calls_7d", "off_hours_ratio_7d"),
        "近 7 日在限額表所載許可時段{unverified}以外呼叫 {off_hours_calls_7d:,.0f} 次，佔 {off_hours_ratio_7d:.1%}",
        "{off_hours_calls_7d:call} outside the permitted hours on file{unverified} in 7 days, {off_hours_ratio_7d:.1%} of all",
        _at_least("off_hours_calls_7d", 1),
        "permitted_to",
    ),
    Clause(
        "hours",
        ("percent_nocturnal_30d",),
        "近 30 日 {percent_nocturnal_30d:.1%} 的呼叫在 19 時至 7 時",
        "{percent_nocturnal_30d:.1%} of calls in 30 days between 19:00 and 07:00",
        _at_least("percent_nocturnal_30d", 0.0005),
    ),
    Clause(
        "complaints",
        (*_KNOWN, "open_complaints"),
        "近 30 日 {complaints_30d:,.0f} 宗投訴，{open_complaints:,.0f} 宗未結",
        "{complaints_30d:complaint} in 30 days, {open_complaints:,.0f} open",
        _at_least("complaints_30d", 1),
    ),
    Clause(
        "complaints",
        _KNOWN,
        "近 30 日 {complaints_30d:,.0f} 宗投訴",
        "{complaints_30d:complaint} in 30 days",
        lambda numbers: numbers["complaints_30d"] >= 1 and "open_complaints" not in numbers,
    ),
    Clause(
        "complaints",
        ("complaints_90d", "open_complaints", "days_since_last_complaint"),
        "近 90 日 {complaints_90d:,.0f} 宗投訴，{open_complaints:,.0f} 宗未結",
        "{complaints_90d:complaint} in 90 days, {open_complaints:,.0f} open",
        lambda numbers: numbers["complaints_90d"] >= 1 and not numbers.get("complaints_30d"),
    ),
    Clause(
        "complaints",
        ("regulator_complaints_90d",),
        "近 90 日 {regulator_complaints_90d:,.0f} 宗向監管機構投訴",
        "{regulator_complaints_90d:complaint} to the regulator in 90 days",
        _at_least("regulator_complaints_90d", 1),
    ),
    Clause(
        "complaints",
        ("valid_complaints_90d",),
        "近 90 日 {valid_complaints_90d:,.0f} 宗投訴成立",
        "{valid_complaints_90d:complaint} upheld in 90 days",
        _at_least("valid_complaints_90d", 1),
    ),
    Clause(
        "offsite",
        (*_UNDECLARED, *_OFFSITE),
        "近 7 日 {undeclared_offsite_ratio_7d:.0%} 的通話在歸屬地以外且未報備",
        "{undeclared_offsite_ratio_7d:.0%} of calls in 7 days outside the home region without a notice",
        _at_least("undeclared_offsite_ratio_7d", 0.005),
    ),
    Clause(
        "offsite",
        _OFFSITE,
        "近 7 日 {offsite_call_ratio_7d:.0%} 的通話在歸屬地以外",
        "{offsite_call_ratio_7d:.0%} of calls in 7 days outside the home region",
        _at_least("offsite_call_ratio_7d", 0.005),
    ),
    Clause(
        "offsite",
        ("distinct_serving_cities_30d", "serving_city_entropy_30d", "city_changes_7d"),
        "近 30 日通話地 {distinct_serving_cities_30d:,.0f} 個",
        "called from {distinct_serving_cities_30d:region} in 30 days",
        _at_least("distinct_serving_cities_30d", 2),
    ),
    Clause(
        "arrears",
        ("arrears_amount", "arrears_days"),
        "欠費 {arrears_amount:,.2f}，已 {arrears_days:,.0f} 日",
        "{arrears_amount:,.2f} owed, {arrears_days:day} past due",
        _at_least("arrears_amount", 0.01),
    ),
    Clause(
        "arrears",
        ("overdue_bills_90d",),
        "近 90 日 {overdue_bills_90d:,.0f} 張帳單逾期",
        "{overdue_bills_90d:bill} paid late or not at all in 90 days",
        _at_least("overdue_bills_90d", 1),
    ),
    Clause(
        "history",
        ("prior_blocks_365d",),
        "近一年曾被封停 {prior_blocks_365d:,.0f} 次",
        "{prior_blocks_365d:earlier block} within a year",
        _at_least("prior_blocks_365d", 1),
    ),
    Clause("history", ("card_age_days",), "入網 {card_age_days:,.0f} 日", "{card_age_days:day} since activation"),
    Clause(
        "history",
        ("registration_age_days",),
        "距上次實名核驗 {registration_age_days:,.0f} 日",
        "{registration_age_days:day} since the registration data were confirmed",
    ),
    Clause(
        "messages",
        ("sms_out_7d", "sms_out_recipients_30d"),
        "近 7 日發送 {sms_out_7d:,.0f} 條短信",
        "{sms_out_7d:text message} in 7 days",
        _at_least("sms_out_7d", 1),
    ),
    Clause(
        "device",
        ("distinct_imei_30d", "imei_changes_7d"),
        "近 30 日使用 {distinct_imei_30d:,.0f} 部終端",
        "{distinct_imei_30d:handset} in 30 days",
        _at_least("distinct_imei_30d", 1),
    ),
    Clause(
        "operator",
        ("operator_block_rate_14d", "operator_block_rate_60d"),
        "所屬運營商近 60 日每千卡日封停 {operator_block_rate_60d:.1f} 張",
        "the operator blocked {operator_block_rate_60d:.1f} per 1,000 card-days over 60 days",
    ),
    Clause(
        "operator",
        ("operator", "home_region"),
        "同一運營商或歸屬地的卡此前被封停的比例高於平均",
        "cards of this operator or home region were blocked more often than the average",
    ),
    Clause(
        "trend",
        ("calls_out_trend_7v30",),
        "近 7 日日均呼出為近 30 日的 {calls_out_trend_7v30:.2f} 倍",
        "calls a day over 7 days are {calls_out_trend_7v30:.2f} times those over 30 days",
    ),
    Clause(
        "trend",
        ("answer_rate_delta_7v30",),
        "近 7 日接通率較近 30 日變化 {answer_rate_delta_7v30:+.1%}",
        "answer rate over 7 days {answer_rate_delta_7v30:+.1%} against that over 30 days",
    ),
)
