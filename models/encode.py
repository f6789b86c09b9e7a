"""Text columns as numbers: how much riskier a level was than the base rate."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

Array = np.ndarray


@dataclass(frozen=True)
class TextEncoder:
    """Turn text columns into numbers learnt on the training rows.

    `columns` are the text columns; `levels[i]` and `numbers[i]` belong to the i-th of them: the number of a level is its smoothed
    log-odds minus the log-odds of all training rows. A level that was not seen, and a missing one, is 0: as risky as the
    average. Plain lists of text and float64 arrays, so that a bundle holds no category columns.

    >>> encoder = TextEncoder(["operator"], [["A", "B"]], [np.array([0.5, -0.5])])
    >>> encoder.encode("operator", pd.Series(["B", "C", None])).tolist()
    [-0.5, 0.0, 0.0]
    """

    columns: list[str]
    levels: list[list[str]]
    numbers: list[Array]

    def encode(self, column: str, values: pd.Series) -> Array:
        """Look up one text column, float64[n]; ValueError when `column` is not one of `columns`."""
        if column not in self.columns:
            raise ValueError(f"{column} is no text column of the model")
        known = self._known[column]
        return np.fromiter((known.get(value, 0.0) for value in as_text(values)), dtype=np.float64, count=len(values))

    @cached_property
    def _known(self) -> dict[str, dict[str | None, float]]:
        parts = zip(self.columns, self.levels, self.numbers, strict=True)
        return {column: dict(zip(levels, numbers.tolist(), strict=True)) for column, levels, numbers in parts}

    def check(self, columns: list[str]) -> None:
        """Look at the lists before they are used; ValueError unless each text column is one of `columns` and has its numbers."""
        if not len(self.columns) == len(self.levels) == len(self.numbers) or not set(self.columns) <= set(columns):
            raise ValueError("the encoder must hold levels and numbers of text columns of the model")
        for levels, numbers in zip(self.levels, self.numbers, strict=True):
            if len(levels) != len(numbers) or not np.isfinite(numbers).all():
                raise ValueError("the encoder must hold one finite number for each level")


def as_text(values: pd.Series) -> list[str | None]:
    """Give the levels of a text column as str, and None where missing.

    >>> as_text(pd.Series(["A", None, float("nan")], dtype=object))
    ['A', None, None]
    """
    missing = values.isna().to_numpy()
    return [None if gone else str(value) for value, gone in zip(values.tolist(), missing, strict=True)]


def is_text(values: pd.Series) -> bool:
    """Say whether a column holds levels rather than numbers.

    String and category columns are text; an object column is when a text is in it (one without any value holds numbers).

    >>> is_text(pd.Series(["A", None])), is_text(pd.Series([1.0, float("nan")])), is_text(pd.Series([None, 2], dtype=object))
    (True, False, False)
    """
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return False
    if isinstance(values.dtype, (pd.StringDtype, pd.CategoricalDtype)):
        return True
    return any(isinstance(value, str) for value in values.dropna())
