"""The grid on which every addend of a forecast lies, so that sums are exact in any order."""

from typing import Any

import numpy as np

STEP = 2.0**-40
"""Addends are multiples of this (9e-13 log-odds): sums below 4,096 log-odds are then exact in float64."""


def on_grid(values: Any) -> Any:
    """Round log-odds to the nearest multiple of STEP, element by element.

    Takes a number or an array of any shape and gives float64 of that shape; NaN stays NaN. Rounding keeps the order of two
    values, and sums of rounded values do not depend on their order: one row scored alone, a batch, and the reasons that are
    added up later agree to the last bit.

    >>> float(on_grid(0.1) + on_grid(0.2) + on_grid(0.3)) == float(on_grid(0.3) + on_grid(0.2) + on_grid(0.1))
    True
    """
    return np.rint(np.asarray(values, dtype=np.float64) / STEP) * STEP
