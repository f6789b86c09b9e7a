"""The features of calls, one function each: callers, quality, callees, timing. Slow and obvious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from itertools import pairwise
from math import log, nan
from statistics import fmean, median, pstdev

from oracle_view import Call, View, count, ratio

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Windowed = Callable[[View, int], float]


# Frequency
def calls_out(v: View, days: int) -> float:
    return len(v.out(days))


def calls_in(v: View, days: int) -> float:
    return count(c.direction == "in" for c in v.calls_in(days))


def active_days(v: View, days: int) -> float:
    return len({c.at.date() for c in v.calls_in(days)})


def calls_out_per_active_day(v: View, days: int) -> float:
    return ratio(calls_out(v, days), active_days(v, days))


def exposure(v: View, days: int) -> float:
    return min(days, (v.as_of.date() - v.card["activated_at"].date()).days)


def calls_out_per_day(v: View, days: int) -> float:
    return calls_out(v, days) / exposure(v, days) if exposure(v, days) >= 1 else nan


def _per_day(calls: list[Call]) -> Counter:
    return Counter(c.at.date() for c in calls)


def _per_hour(calls: list[Call]) -> Counter:
    return Counter(c.at.replace(minute=0, second=0, microsecond=0) for c in calls)


def calls_out_max_day(v: View, days: int) -> float:
    return max(_per_day(v.out(days)).values(), default=0)


def calls_out_max_hour(v: View, days: int) -> float:
    return max(_per_hour(v.out(days)).values(), default=0)


def _rolling(calls: list[Call], length: timedelta) -> list[tuple[Call, int]]:
    """Each call with the number of calls of the list in (t - length, t]."""
    return [(c, count(c.at - length < d.at <= c.at for d in calls)) for c in calls]


def calls_out_max_roll60(v: View, days: int) -> float:
    return max((n for _, n in _rolling(v.out(days), HOUR)), default=0)


def calls_out_max_roll5(v: View, days: int) -> float:
    return max((n for _, n in _rolling(v.out(days), 5 * MINUTE)), default=0)


def days_over_daily_limit(v: View, days: int) -> float:
    return count(n > v.limit("daily_calls", day) for day, n in _per_day(v.out(days)).items())


def hours_over_hourly_limit(v: View, days: int) -> float:
    return count(n > v.limit("hourly_calls", hour.date()) for hour, n in _per_hour(v.out(days)).items())


def out_share(v: View, days: int) -> float:
    return ratio(calls_out(v, days), calls_out(v, days) + calls_in(v, days))


def callback_ratio(v: View, days: int) -> float:
    first_dial: dict[str, datetime] = {}
    for c in sorted(v.out(days), key=lambda c: c.at):
        first_dial.setdefault(c.callee, c.at)
    incoming = [c for c in v.calls_in(days) if c.direction == "in"]
    back = {c.callee for c in incoming if c.callee in first_dial and c.at > first_dial[c.callee]}
    return ratio(len(back), len(first_dial))


def _gaps(v: View, days: int) -> list[float]:
    starts = sorted(c.at for c in v.out(days))
    return [(b - a).total_seconds() for a, b in pairwise(starts)]


def interevent_median_s(v: View, days: int) -> float:
    gaps = _gaps(v, days)
    return median(gaps) if gaps else nan


def interevent_mean_s(v: View, days: int) -> float:
    gaps = _gaps(v, days)
    return fmean(gaps) if gaps else nan


def interevent_std_s(v: View, days: int) -> float:
    gaps = _gaps(v, days)
    return pstdev(gaps) if gaps else nan


def interevent_burstiness(v: View, days: int) -> float:
    gaps = _gaps(v, days)
    if len(gaps) < 2:
        return nan
    mu, sigma = fmean(gaps), pstdev(gaps)
    return ratio(sigma - mu, sigma + mu)


def talk_minutes(v: View, days: int) -> float:
    return sum(c.talk_s for c in v.out(days)) / 60


# Quality
def _talks(v: View, days: int) -> list[float]:
    return sorted(c.talk_s for c in v.out(days) if c.answered)


def answer_rate(v: View, days: int) -> float:
    return ratio(len(_talks(v, days)), calls_out(v, days))


def avg_talk_s(v: View, days: int) -> float:
    talks = _talks(v, days)
    return fmean(talks) if talks else nan


def median_talk_s(v: View, days: int) -> float:
    talks = _talks(v, days)
    return median(talks) if talks else nan


def std_talk_s(v: View, days: int) -> float:
    talks = _talks(v, days)
    return pstdev(talks) if talks else nan


def _talk_share(keep: Callable[[float], bool]) -> Windowed:
    def share(v: View, days: int) -> float:
        talks = _talks(v, days)
        return ratio(count(keep(s) for s in talks), len(talks))

    return share


short_call_ratio_10s = _talk_share(lambda s: s <= 10)
short_call_ratio_30s = _talk_share(lambda s: s <= 30)
long_call_ratio_60s = _talk_share(lambda s: s >= 60)


def _out_share_of(keep: Callable[[Call], bool]) -> Windowed:
    def share(v: View, days: int) -> float:
        calls = v.out(days)
        return ratio(count(keep(c) for c in calls), len(calls))

    return share


no_answer_ratio = _out_share_of(lambda c: c.result == "no_answer")
rejected_ratio = _out_share_of(lambda c: c.result in ("rejected", "busy"))
invalid_number_ratio = _out_share_of(lambda c: c.result == "invalid_number")
zero_duration_ratio = _out_share_of(lambda c: c.talk_s == 0)


# Callees
def _dials(v: View, days: int) -> Counter:
    return Counter(c.callee for c in v.out(days))


def distinct_callees(v: View, days: int) -> float:
    return len(_dials(v, days))


def distinct_callee_ratio(v: View, days: int) -> float:
    return ratio(distinct_callees(v, days), calls_out(v, days)) if calls_out(v, days) >= 5 else nan


def calls_per_callee_mean(v: View, days: int) -> float:
    return ratio(calls_out(v, days), distinct_callees(v, days))


def single_call_callee_ratio(v: View, days: int) -> float:
    dials = _dials(v, days)
    return ratio(count(n == 1 for n in dials.values()), len(dials))


def entropy(counts: Counter) -> float:
    total = sum(counts.values())
    return sum(-n / total * log(n / total) for n in counts.values()) if counts else nan


def callee_entropy(v: View, days: int) -> float:
    return entropy(_dials(v, days))


def callee_entropy_norm(v: View, days: int) -> float:
    dials = _dials(v, days)
    return entropy(dials) / log(len(dials)) if len(dials) >= 2 else nan


def pareto80_callee_share(v: View, days: int) -> float:
    dials = _dials(v, days)
    held = 0
    for k, (_, n) in enumerate(dials.most_common(), start=1):
        held += n
        if 5 * held >= 4 * sum(dials.values()):
            return k / len(dials)
    return nan


def new_callee_ratio(v: View, days: int) -> float:
    now = set(_dials(v, days))
    before = {c.callee for c in v.out(days + 30) if not v.within(c.at, days)}
    return ratio(len(now - before), len(now))


def two_way_contact_ratio(v: View, days: int) -> float:
    called = {c.callee for c in v.calls_in(days) if c.direction == "out"}
    callers = {c.callee for c in v.calls_in(days) if c.direction == "in"}
    return ratio(len(called & callers), len(called | callers))


def _rolling_by_callee(v: View, days: int, length: timedelta) -> list[tuple[Call, int]]:
    calls = v.out(days)
    return [pair for callee in _dials(v, days) for pair in _rolling([c for c in calls if c.callee == callee], length)]


def repeat_dial_24h_max(v: View, days: int) -> float:
    return max((n for _, n in _rolling_by_callee(v, days, 24 * HOUR)), default=0)


def repeat_dial_over_limit(v: View, days: int) -> float:
    counts = _rolling_by_callee(v, days, 24 * HOUR)
    return len({c.callee for c, n in counts if n > v.limit("per_callee_24h", c.at.date())})


def redial_5min_over(v: View, days: int) -> float:
    counts = _rolling_by_callee(v, days, 5 * MINUTE)
    return len({c.callee for c, n in counts if n > v.limit("per_callee_5min", c.at.date())})


# Timing
def _is_off_hours(v: View, at: datetime) -> bool:
    clock = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond) / HOUR
    return not v.limit("permitted_from", at.date()) <= clock < v.limit("permitted_to", at.date())


def off_hours_calls(v: View, days: int) -> float:
    return count(_is_off_hours(v, c.at) for c in v.out(days))


def off_hours_ratio(v: View, days: int) -> float:
    return ratio(off_hours_calls(v, days), calls_out(v, days))


percent_nocturnal = _out_share_of(lambda c: c.at.time() >= time(19) or c.at.time() < time(7))


def peak_hour_share(v: View, days: int) -> float:
    hours = Counter(c.at.hour for c in v.out(days))
    return max(hours.values()) / calls_out(v, days) if hours else nan
