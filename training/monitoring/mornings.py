"""Whether a list was made every morning, of that morning, and anew."""

from typing import Any

import numpy as np
import pandas as pd

from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.findings import Alarm, Result
from blockrisk.training.monitoring.scores import Scores

RECENT_DAYS = 28
"""Mornings in which a gap is told of; an older one has been told and cannot be mended."""


def check_mornings(context: Context) -> Result:
    """Look for mornings without a score file, files of another morning, and files that repeat the one before."""
    scores = context.scores
    first = max(scores.dates[0], context.as_of - pd.Timedelta(days=RECENT_DAYS))
    wanted = pd.date_range(first, context.as_of)
    missing = [date for date in wanted if date not in scores.dates]
    repeated = [date for date in wanted if _repeats(scores, date)]
    alarms = [
        *(_alarm("score_missing", date=f"{date:%Y-%m-%d}") for date in missing),
        *(_alarm("score_foreign", file=name) for name in scores.foreign),
        *(_alarm("score_repeated", date=f"{date:%Y-%m-%d}") for date in repeated),
    ]
    counts = {"missing": len(missing), "foreign": len(scores.foreign), "repeated": len(repeated)}
    return Result(tuple(alarms), metrics={name: float(count) for name, count in counts.items()})


def _repeats(scores: Scores, date: pd.Timestamp) -> bool:
    """Say whether a morning's scores are those of the morning before, to the bit: yesterday's data were scored again."""
    now, before = (part.sort_values("card_id") for part in (scores.of(date), scores.of(date - pd.Timedelta(days=1))))
    same = len(now) == len(before) > 0 and (now["card_id"].to_numpy() == before["card_id"].to_numpy()).all()
    return bool(same and np.array_equal(now["probability"].to_numpy(), before["probability"].to_numpy()))


def _alarm(kind: str, **values: Any) -> Alarm:
    return Alarm(kind, values)
