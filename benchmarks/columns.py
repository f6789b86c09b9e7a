"""The 41 columns of every contender, by our names; `distinct_callee_ratio` stands for its complement, the repeat share."""

THREE = (
    *("calls_out", "answer_rate", "short_call_ratio_10s", "avg_talk_s", "median_talk_s", "off_hours_ratio", "offsite_call_ratio"),
    *("calls_out_max_hour", "distinct_callees", "distinct_callee_ratio"),
)
TWO = ("calls_out_max_day", "days_over_daily_limit", "callee_entropy", "distinct_serving_cities", "interevent_median_s")
COLUMNS = (
    *(f"{name}_{days}d" for name in THREE for days in (1, 7, 30)),
    *(f"{name}_{days}d" for name in TWO for days in (7, 30)),
    "calls_out_trend_7v30",
)
