"""How high is a probability: bands against the base rate, and the rank on a date."""

from typing import Any

import numpy as np
import pandas as pd

BANDS = (("low", 0.0), ("raised", 1.0), ("high", 3.0), ("very_high", 10.0))
"""Name of each band and the multiple of the base rate from which it holds."""


def bands(probability: np.ndarray, base_rate: float) -> np.ndarray:
    """Name the band of each probability: low under 1, raised from 1, high from 3, very_high from 10 times the base rate.

    Args:
        probability: float64[n].
        base_rate: share of blocked rows that the model was trained on.

    >>> bands(np.array([0.005, 0.01, 0.05, 0.2]), 0.01).tolist()
    ['low', 'raised', 'high', 'very_high']

    """
    edges = [times * base_rate for _, times in BANDS[1:]]
    return np.array([name for name, _ in BANDS], dtype=object)[np.searchsorted(edges, probability, side="right")]


def ranks(probability: np.ndarray, card_id: Any, as_of: Any) -> np.ndarray:
    """Rank the cards of each date from 1 by falling probability, equal ones by card_id: int64[n]; arrays of length n.

    >>> ranks(np.array([0.1, 0.3, 0.3]), np.array(["a", "c", "b"]), np.array(["d", "d", "d"])).tolist()
    [3, 2, 1]
    """
    if len(probability) < 2:
        return np.ones(len(probability), dtype=np.int64)
    order = pd.DataFrame({"as_of": as_of, "risk": -probability, "card_id": card_id})
    order = order.sort_values(["as_of", "risk", "card_id"], kind="stable")
    rank = pd.Series(order.groupby("as_of", dropna=False).cumcount() + 1, index=order.index)
    return rank.sort_index().to_numpy(dtype=np.int64)
