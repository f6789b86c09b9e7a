"""Folds for choices inside the training rows: forward in time, by card, or stratified."""

from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

Array = np.ndarray
Fold = tuple[Array, Array]

_FORWARD_STARTS = (0.4, 0.6, 0.8)  # shares of the time before the first validation row of each forward fold


def make_folds(y: Array, times: Array | None, groups: Array | None, seed: int, *, count: int = 4, gap: Any = None) -> list[Fold]:
    """Give (training rows, validation rows) pairs, int64 positions.

    With `times` (n sortable values) the validation rows come after the training rows, by at least `gap` (a difference of times:
    the horizon, so that no label reaches into the validation rows); else rows of one group (card) stay
    together; else the folds are stratified by y (0 or 1). A fold lacks no class in its training rows; where the data are too
    few for any fold the list is empty.

    >>> [(len(fit), len(check)) for fit, check in make_folds(np.array([0, 1] * 4), None, None, 0, count=2)]
    [(4, 4), (4, 4)]
    """
    if times is not None and len(np.unique(times)) >= 5:
        folds = _forward(np.asarray(times), gap)
    elif min(y.sum(), len(y) - y.sum()) < 2:
        folds = []
    elif groups is not None:
        count = min(count, len(np.unique(groups)), int(y.sum()))
        folds = list(StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(y, y, groups)) if count > 1 else []
    else:
        count = int(min(count, y.sum(), len(y) - y.sum()))
        folds = list(StratifiedKFold(count, shuffle=True, random_state=seed).split(y, y))
    return [(fit, check) for fit, check in folds if 0 < y[fit].sum() < len(fit) and len(check)]


def _forward(times: Array, gap: Any) -> list[Fold]:
    distinct = np.unique(times)
    cuts = [distinct[int(len(distinct) * share)] for share in _FORWARD_STARTS] + [None]
    folds = []
    for start, stop in zip(cuts, cuts[1:], strict=False):
        within = times >= start if stop is None else (times >= start) & (times < stop)
        before = times < start if gap is None else times <= start - gap
        folds.append((np.flatnonzero(before), np.flatnonzero(within)))
    return folds
