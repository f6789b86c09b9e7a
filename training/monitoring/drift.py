"""Whether the cards of this morning look like those that the model last learned from."""

from typing import Any, Final

import pandas as pd

from blockrisk.features import at_risk, vectors
from blockrisk.training.dated import start_of_period
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Alarm, Result
from blockrisk.training.monitoring.shift import Shift, shift
from blockrisk.training.sentences import say

LEAST_WEEKS, MOST_WEEKS = 4, 26
"""Whole weeks between the mornings that are compared: the same weekday, and cards have had time to change."""

ONE_IN: Final = 365
"""One morning in so many gives a false alarm at most, over all values and cuts together (Bonferroni)."""

WARM_DAYS: Final = 30
"""Days of calls that the earlier morning must have before it: features look back so far."""

_TABLED = 10
_GROUPS: Final = ("operator", "home_region")


def check_drift(context: Context) -> Result:
    """Compare each feature of the model, and the scores, of this morning with an earlier one of the same weekday.

    The earlier morning is the last of that weekday that the model had seen when it was trained, four weeks back at least. It is
    computed anew from the tables, as they were known then.
    """
    then = earlier_morning(context)
    if (then - start_of_period(context.tables).normalize()).days < WARM_DAYS:
        return Result(early=(say("no_earlier_morning", then=f"{then:%Y-%m-%d}", days=WARM_DAYS),))
    frames = _features(context, then)
    if not all(len(frame) for frame in frames):
        return Result(early=(say("none_at_risk_then"),))
    scores = shift(*(_scored(context, frame) for frame in frames))
    shifts = [*compared(*frames), *([] if scores is None else [scores])]
    drifted = beyond(shifts)
    alarms = tuple(_alarm(one, then) for one in drifted)
    largest = sorted(shifts, key=lambda one: -abs(one.now - one.before))[:_TABLED]
    rows = tuple({"value": s.value, "where": s.where, "before": s.before, "now": s.now, "alarm": s in drifted} for s in largest)
    metrics = {
        "values": float(len(shifts)),
        "drifted": float(len(drifted)),
        "largest": max((abs(one.now - one.before) for one in shifts), default=0.0),
    }
    return Result(alarms, rows=rows, metrics=metrics)


def compared(before: pd.DataFrame, now: pd.DataFrame) -> list[Shift]:
    """Compare two mornings' features, indexed by card, each that can drift."""
    found = [shift(before[name], now[name]) for name in before.columns if not _of_a_group([before, now], name)]
    return [one for one in found if one is not None]


def beyond(shifts: list[Shift]) -> list[Shift]:
    """Give those that are an alarm, the clearest first: together they are wrong on one morning in ONE_IN at most."""
    limit = 1 / (ONE_IN * max(1, sum(one.cuts for one in shifts)))
    return sorted((one for one in shifts if one.p <= limit), key=lambda one: (one.p, one.value))


def earlier_morning(context: Context) -> pd.Timestamp:
    """Give the morning to compare with: whole weeks before as_of, and before the model's training ended if that is older."""
    age = (context.as_of - pd.Timestamp(context.model.bundle.manifest["until"])).days
    weeks = min(MOST_WEEKS, max(LEAST_WEEKS, -(-age // 7)))
    return context.as_of - pd.Timedelta(weeks=weeks)


def _of_a_group(frames: list[pd.DataFrame], name: str) -> bool:
    """Say whether a value is one for all cards of an operator or region: then a dozen groups are the sample, not the cards.

    Such values are rates of blocks; the policy check tests those with the numbers they rest on.
    """
    groups = [group for group in _GROUPS if group in frames[0].columns and group != name and name not in _GROUPS]
    return any(
        all(frame.groupby(group)[name].nunique().max() <= 1 < frame[group].nunique() for frame in frames) for group in groups
    )


def _features(context: Context, then: pd.Timestamp) -> list[pd.DataFrame]:
    """Give the vectors of the earlier morning and of this one, those that are not at hand computed in one go."""
    dates = [then, *([context.as_of] if context.vectors is None else [])]
    made = vectors(context.tables, at_risk(context.tables, dates), context.model.columns)
    known = made if context.vectors is None else pd.concat([made, context.vectors])
    found = known.set_index("card_id")
    return [found[found["as_of"] == date].drop(columns="as_of") for date in (then, context.as_of)]


def _scored(context: Context, frame: pd.DataFrame) -> pd.Series:
    """Forecast a morning's vectors with the model of today: the scores of another version would differ on the same cards."""
    return pd.Series(context.model.probability(frame), frame.index, name="probability")


def _alarm(one: Shift, then: pd.Timestamp) -> Alarm:
    values: dict[str, Any] = {
        "value": one.value,
        "where": one.where,
        "date": f"{then:%Y-%m-%d}",
        "before": one.before,
        "now": one.now,
    }
    return Alarm("drift_score" if one.value == "probability" else "drift", values)
