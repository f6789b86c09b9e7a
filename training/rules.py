"""The rule book as a learner: the number of rules that a card breaks."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from blockrisk.models.estimators import as_numbers, log_odds
from blockrisk.training.calibrate import base_margin

Array = np.ndarray


@dataclass(frozen=True)
class Rule:
    """State one rule: a card breaks it when `column` is above `above` (unknown breaks nothing)."""

    column: str
    above: float
    meaning: str


RULES = (
    Rule("days_over_daily_limit_7d", 0, "a day over the daily limit"),
    Rule("hours_over_hourly_limit_7d", 0, "an hour over the hourly limit"),
    Rule("repeat_dial_over_limit_7d", 0, "a callee dialled over the daily limit for one callee"),
    Rule("redial_5min_over_7d", 0, "a callee redialled over the limit within five minutes"),
    Rule("off_hours_calls_7d", 0, "a call outside the permitted hours"),
    Rule("undeclared_offsite_ratio_7d", 0, "a call away from home without a declaration"),
    Rule("arrears_days", 15, "a bill overdue for longer than the usual grace"),
    Rule("complaints_30d", 0, "a complaint"),
)
"""The rules that a limits file and the seed article state; grace of 15 days is an assumption."""


@dataclass(frozen=True)
class RulesModel:
    """Rank cards by the number of rules broken; the probability is the observed share at that number, made monotone."""

    rules: tuple[Rule, ...]
    margins: Array

    def broken(self, frame: pd.DataFrame) -> Array:
        """Count the rules broken, int64[n]."""
        return count_broken(frame, self.rules)

    def margin(self, frame: pd.DataFrame) -> Array:
        """Give the log-odds of a block, float64[n]."""
        return self.margins[self.broken(frame)]

    def predict_proba(self, frame: pd.DataFrame) -> Array:
        """Give the probabilities of no block and of a block, float64[n, 2]."""
        risk = 1 / (1 + np.exp(-self.margin(frame)))
        return np.column_stack([1 - risk, risk])

    def recalibrated(self, a: float, b: float) -> "RulesModel":
        """Put an affine step behind: margin -> a + b * margin; ValueError unless b > 0."""
        if not b > 0:
            raise ValueError(f"the slope of a calibration must be above 0 to keep the order, not {b}")
        return replace(self, margins=a + b * self.margins)


def count_broken(frame: pd.DataFrame, rules: tuple[Rule, ...]) -> Array:
    """Count how many of the rules each row breaks, int64[n].

    >>> count_broken(pd.DataFrame({"complaints_30d": [0.0, 2.0, float("nan")]}), (Rule("complaints_30d", 0, ""),)).tolist()
    [0, 1, 0]
    """
    broken = np.zeros(len(frame), dtype=np.int64)
    for rule in rules:
        with np.errstate(invalid="ignore"):
            broken += as_numbers(frame[rule.column]) > rule.above
    return broken


def fit_rules(frame: pd.DataFrame, y: Array, weight: Array | None = None) -> RulesModel:
    """Learn the share of blocks at each number of rules broken, of those rules whose column the frame has.

    Each number's share is shrunk by ten expected positives towards the base rate and never falls (pooled where it would).
    """
    from sklearn.isotonic import IsotonicRegression

    y = np.asarray(y, dtype=np.float64)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    rules = tuple(rule for rule in RULES if rule.column in frame.columns)
    broken = count_broken(frame, rules)
    base = 1 / (1 + np.exp(-base_margin(y, weight)))
    rows = np.bincount(broken, weights=weight, minlength=len(rules) + 1)
    hits = np.bincount(broken, weights=weight * y, minlength=len(rules) + 1)
    share = (hits + 10.0) / (rows + 10.0 / base)
    level = np.arange(len(share), dtype=np.float64)
    steady = IsotonicRegression().fit(level, share, sample_weight=rows + 1e-3).predict(level)
    margins = np.array([log_odds(float(value)) for value in steady])
    return RulesModel(rules, margins + 1e-6 * level)
