"""What a learner is given, and the same rows as numbers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.models.encode import TextEncoder
from blockrisk.models.estimators import constant_forecast
from blockrisk.training.encoding import cross_fit, fit_encoder

Array = np.ndarray

NEGATIVES = 50
"""Kept rows of the commoner class for each row of the rarer one; more would add about 2 % to what is known."""

_RAREST = 200  # rows of the rarer class that are reckoned with when there are fewer


@dataclass(frozen=True)
class Task:
    """Hold what a learner is given: a frame of feature columns, y int64[n] of 0 and 1, and what is known of the rows.

    `weight` float64[n] counts rows; `times` (sortable) and `groups` (cards) are None where there are none; `monotone` maps
    columns to +1 or -1; `seed` and `jobs` (processes) are passed along; `gap` is the horizon, as a difference of times.
    """

    frame: pd.DataFrame
    y: Array
    weight: Array
    times: Array | None
    groups: Array | None
    monotone: dict[str, int]
    seed: int
    jobs: int
    gap: Any = None

    @property
    def columns(self) -> list[str]:
        """Give the names of the feature columns."""
        return [str(column) for column in self.frame.columns]

    def take(self, chosen: Array) -> "Task":
        """Take rows by position."""
        times, groups = (None if part is None else part[chosen] for part in (self.times, self.groups))
        frame, y, weight = self.frame.iloc[chosen], self.y[chosen], self.weight[chosen]
        return replace(self, frame=frame, y=y, weight=weight, times=times, groups=groups)


@dataclass(frozen=True)
class Rows:
    """Hold rows as numbers: values float64[n, p], y, weight, groups, and the signs int64[p] of the columns (+1, -1, 0 free)."""

    values: Array
    y: Array
    weight: Array
    groups: Array | None
    signs: Array

    def take(self, chosen: Array) -> "Rows":
        """Take rows by position."""
        groups = None if self.groups is None else self.groups[chosen]
        return Rows(self.values[chosen], self.y[chosen], self.weight[chosen], groups, self.signs)

    def loss(self, margin: Array) -> float:
        """Sum the weighted log loss of a margin float64[n]."""
        return float(self.weight @ (np.logaddexp(0, margin) - self.y * margin))


def thin(task: Task) -> Task:
    """Leave out rows of the commoner class at random beyond NEGATIVES for each rarer row; those kept weigh the more.

    Fits then take a time that grows with the blocks, not with the cards.
    """
    rare = int(task.y.mean() < 0.5)
    common = np.flatnonzero(task.y != rare)
    keep = NEGATIVES * max(len(task.y) - len(common), _RAREST)
    if len(common) <= keep:
        return task
    drawn = np.random.default_rng(task.seed).choice(common, size=keep, replace=False)
    chosen = np.sort(np.concatenate([np.flatnonzero(task.y == rare), drawn]))
    weight = np.where(task.y == rare, task.weight, task.weight * (len(common) / keep))
    return replace(task, weight=weight).take(chosen)


def as_rows(task: Task) -> tuple[TextEncoder, Rows]:
    """Learn the encoder and turn the rows into numbers; text columns are cross-fitted, and rise with the risk by their making."""
    encoder = fit_encoder(task.frame, task.y, task.weight)
    values = replace(constant_forecast(task.columns, 0.5), encoder=encoder).values(task.frame)
    signs = np.array([task.monotone.get(column, 0) for column in task.columns], dtype=np.int64)
    for column in encoder.columns:
        index = task.columns.index(column)
        values[:, index] = cross_fit(task.frame, column, task.y, task.weight, task.groups, task.seed)
        signs[index] = 1
    return encoder, Rows(values, task.y, task.weight, task.groups, signs)
