"""Columns that are too good: what tells the label almost perfectly by itself was probably written after the block."""

from typing import Final

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from blockrisk.models.encode import is_text
from blockrisk.serving.cautions import Caution, caution

TOO_GOOD: Final = 0.99
"""ROC-AUC of one column alone from which it is suspected; no feature of the catalogue comes near it."""

_LEAST_CLASS = 10


def suspicious_columns(frame: pd.DataFrame, y: np.ndarray) -> list[str]:
    """Name the number columns, or their missingness, that alone order the labels with a ROC-AUC of at least TOO_GOOD.

    Either direction counts. Fewer than ten rows of a class, or no column, name none.

    >>> y = np.repeat([0.0, 1.0], 20)
    >>> suspicious_columns(pd.DataFrame({"calls_out_1d": np.arange(40.0) % 7, "unblocked_h": y * 5}), y)
    ['unblocked_h']
    """
    if min(y.sum(), len(y) - y.sum()) < _LEAST_CLASS:
        return []
    return [str(name) for name in frame.columns if not is_text(frame[name]) and _separates(frame[name], y)]


def leak_cautions(frame: pd.DataFrame, y: np.ndarray) -> tuple[Caution, ...]:
    """Make a caution of each suspicious column."""
    return tuple(caution("leak", column=name, least=TOO_GOOD) for name in suspicious_columns(frame, y))


def _separates(column: pd.Series, y: np.ndarray) -> bool:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(values)
    ranked = np.where(missing, 0.0, pd.Series(values).rank().to_numpy())
    found = (roc_auc_score(y, ranked), roc_auc_score(y, -np.where(missing, len(y), ranked)), roc_auc_score(y, missing))
    return max(*found, 1 - min(found)) >= TOO_GOOD
