"""Curves as small tables: what the plots draw, computed apart from the drawing.

As in `metrics`, `y` is a float array of 0 and 1 and `p` one of probabilities or scores, as long, without NaN.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve


def probability_groups(p: np.ndarray, bins: int) -> np.ndarray:
    """Number the group of each row, int64[n] from 1 to `bins`: groups of about equal size by p, equal p in one group.

    >>> probability_groups(np.array([0.3, 0.1, 0.3, 0.2]), bins=2).tolist()
    [2, 1, 2, 1]
    """
    rank = np.searchsorted(np.sort(p), p, side="right")
    return np.ceil(rank * bins / max(1, len(p))).astype(np.int64)


def calibration_table(y: np.ndarray, p: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Group the rows into `bins` of about equal size by probability: columns rows, expected, observed (mean p and y).

    Equal probabilities stay in one group, so there may be fewer groups. Empty gives no row.

    >>> calibration_table(np.array([0, 0, 0, 1]), np.array([0.1, 0.1, 0.4, 0.4]), bins=2).values.tolist()
    [[2.0, 0.1, 0.0], [2.0, 0.4, 0.5]]
    """
    frame = pd.DataFrame({"group": probability_groups(p, bins), "expected": p, "observed": y})
    table = frame.groupby("group").agg(rows=("observed", "size"), expected=("expected", "mean"), observed=("observed", "mean"))
    return table.reset_index(drop=True).astype({"expected": "float64", "observed": "float64"})


def recall_curve(y: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    """Compute precision and recall at every threshold, recall falling: columns recall, precision.

    Ends at recall 0 with precision 1, as in scikit-learn. No positives give no row.

    >>> recall_curve(np.array([0.0, 1.0]), np.array([0.2, 0.7])).values.tolist()
    [[1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]
    """
    if np.sum(y) == 0:
        return pd.DataFrame({"recall": [], "precision": []}, dtype="float64")
    precision, recall, _ = precision_recall_curve(y, p)
    return pd.DataFrame({"recall": recall, "precision": precision})


def gain_curve(y: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    """Compute which share of the positives lies in the top share of the rows: columns looked_at, caught, from 0 to 1.

    Rows of equal `p` are one straight piece, so the curve does not depend on their order. No positives give no row.

    >>> gain_curve(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.5, 0.5, 0.5])).round(3).values.tolist()
    [[0.0, 0.0], [0.25, 0.5], [1.0, 1.0]]
    """
    if np.sum(y) == 0:
        return pd.DataFrame({"looked_at": [], "caught": []}, dtype="float64")
    groups = pd.DataFrame({"p": p, "y": y}).groupby("p")["y"].agg(["size", "sum"]).iloc[::-1]
    start = [0.0]
    return pd.DataFrame(
        {
            "looked_at": np.concatenate([start, np.cumsum(groups["size"]) / len(y)]),
            "caught": np.concatenate([start, np.cumsum(groups["sum"]) / np.sum(y)]),
        }
    )
