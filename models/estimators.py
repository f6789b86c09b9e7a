"""The served model: one sum in log-odds."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.models.encode import TextEncoder
from blockrisk.models.forest import Forest
from blockrisk.models.levels import LevelShifts
from blockrisk.models.smooth import SmoothPart

Array = np.ndarray

_TINY = 1e-15  # as near to 0 and 1 as a probability is taken to be


@dataclass(frozen=True)
class Forecast:
    """Forecast the log-odds of a block from named feature columns.

    margin = calibration_a + calibration_b * (intercept + smooth part + sum of the trees / bags) + level shift, calibration_b > 0.

    `columns` are the features in order; those that `encoder` names hold text, all others numbers with NaN where unknown. Both
    parts may be absent. Everything inside is a plain array, list or number: it loads without scikit-learn's own classes, and
    the reasons of a score are its addends.

    >>> model = constant_forecast(["calls_out_1d"], 0.02)
    >>> model.predict_proba(pd.DataFrame({"calls_out_1d": [350.0]})).round(3).tolist()
    [[0.98, 0.02]]
    """

    columns: list[str]
    encoder: TextEncoder
    intercept: float
    smooth: SmoothPart | None
    forest: Forest | None
    calibration_a: float = 0.0
    calibration_b: float = 1.0
    levels: LevelShifts | None = None

    def values(self, frame: pd.DataFrame) -> Array:
        """Take the columns out of a frame in the model's order, text as numbers: float64[n, p].

        Other columns of the frame are left aside. ValueError names the columns that are absent or hold text for a number.
        """
        absent = [column for column in self.columns if column not in frame.columns]
        if absent:
            raise ValueError(f"the frame lacks the model's columns {', '.join(absent)}; add them, NaN where unknown")
        text = np.isin(self.columns, self.encoder.columns)
        taken = np.empty((len(frame), len(self.columns)), dtype=np.float64)
        taken[:, ~text] = _number_columns(frame, [column for column in self.columns if column not in self.encoder.columns])
        for index in np.flatnonzero(text):
            taken[:, index] = self.encoder.encode(self.columns[index], frame[self.columns[index]])
        return taken

    def margin_of(self, values: Array) -> Array:
        """Give the log-odds, float64[n], of values float64[n, p] as `values` makes them; no rows give no margins."""
        total = np.full(len(values), self.intercept)
        if self.smooth is not None:
            total = total + self.smooth.margin(values)
        if self.forest is not None:
            total = total + self.forest.margin(values)
        margin = self.calibration_a + self.calibration_b * total
        return margin if self.levels is None else margin + self.levels.margin(values)

    def margin(self, frame: pd.DataFrame) -> Array:
        """Give the calibrated log-odds of a block, float64[n], one for each row of the frame."""
        return self.margin_of(self.values(frame))

    def predict_proba(self, frame: pd.DataFrame) -> Array:
        """Give the probabilities of no block and of a block, float64[n, 2], as scikit-learn's classifiers do."""
        risk = probability(self.margin(frame))
        return np.column_stack([1 - risk, risk])

    def recalibrated(self, a: float, b: float) -> "Forecast":
        """Put a further affine step behind the present calibration: margin -> a + b * margin; ValueError unless b > 0."""
        if not b > 0:
            raise ValueError(f"the slope of a calibration must be above 0 to keep the order, not {b}")
        shifted = None if self.levels is None else replace(self.levels, shifts=b * self.levels.shifts)
        return replace(self, calibration_a=a + b * self.calibration_a, calibration_b=b * self.calibration_b, levels=shifted)

    def check(self) -> None:
        """Look at every array before it is used; ValueError when the parts do not fit together."""
        count = len(self.columns)
        numbers = np.array([self.intercept, self.calibration_a, self.calibration_b], dtype=np.float64)
        if not np.isfinite(numbers).all() or not self.calibration_b > 0:
            raise ValueError("the intercept and calibration must be finite, the slope above 0")
        if len(set(self.columns)) != count or not all(isinstance(column, str) for column in self.columns):
            raise ValueError("the columns must be distinct texts")
        self.encoder.check(self.columns)
        if self.smooth is not None:
            self.smooth.check(count)
        if self.forest is not None:
            self.forest.check(count)
        if self.levels is not None:
            self.levels.check(count)


def probability(margin: Any) -> Array:
    """Turn log-odds into probabilities, element by element, without overflow.

    >>> probability(np.array([0.0, -1000.0, 1000.0])).tolist()
    [0.5, 0.0, 1.0]
    """
    small = np.exp(-np.abs(margin))
    return np.where(np.asarray(margin) >= 0, 1.0, small) / (1.0 + small)


def margins(chance: Array) -> Array:
    """Turn probabilities into log-odds, float64[n], kept finite at 0 and 1.

    >>> margins(np.array([0.5, 0.0])).round(1).tolist()
    [0.0, -34.5]
    """
    kept = np.clip(chance, _TINY, 1 - _TINY)
    return np.log(kept) - np.log1p(-kept)


def log_odds(share: float) -> float:
    """Turn a share between 0 and 1 into log-odds.

    >>> log_odds(0.5)
    0.0
    """
    return float(np.log(share) - np.log1p(-share))


def as_numbers(values: pd.Series) -> Array:
    """Give a column as float64[n] with NaN where missing; ValueError names the column and a value that is no number.

    >>> as_numbers(pd.Series([1, None], name="calls_out_1d", dtype=object)).tolist()
    [1.0, nan]
    """
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        seen = next((value for value in values if isinstance(value, str)), values.dtype)
        raise ValueError(f"column {values.name} must hold numbers, not {seen!r}; mend it or leave it out") from error


def is_number(kind: Any) -> bool:
    """Tell whether a column of this type is numbers as numpy has them; many such are taken out of a frame at once.

    >>> is_number(np.dtype("int64")), is_number(pd.Int64Dtype())
    (True, False)
    """
    return isinstance(kind, np.dtype) and kind.kind in "fiub"


def _number_columns(frame: pd.DataFrame, columns: list[str]) -> Array:
    part = frame[columns]
    if all(map(is_number, part.dtypes)):
        return part.to_numpy(dtype=np.float64)
    return np.column_stack([as_numbers(frame[column]) for column in columns])


def constant_forecast(columns: list[str], base_rate: float) -> Forecast:
    """Make the model that knows nothing: every row has the base rate (between 0 and 1).

    >>> constant_forecast([], 0.5).margin(pd.DataFrame(index=[0, 1])).tolist()
    [0.0, 0.0]
    """
    return Forecast(list(columns), TextEncoder([], [], []), log_odds(base_rate), None, None)
