"""Whether two mornings' cards are alike in a value: a test that knows how many cards there are, and that most are the same cards.

Why it is made so: docs/decisions/0006-monitoring.md.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from blockrisk.models.encode import as_text, is_text

Array = np.ndarray

CUTS: Final = tuple(step / 10 for step in range(1, 10))
"""Quantiles of both mornings together at which their distributions are compared."""

ORDINARY: Final = 0.1
"""Shares of cards move by this much without anything being wrong; only what is beyond it, chance taken off, is a drift."""

_FEWEST = 10  # cards on either side of a cut, below which a share's normal approximation does not hold


@dataclass(frozen=True)
class Shift:
    """Hold how far two mornings lie apart in one value.

    Attributes:
        value: name of the feature.
        where: the cut, level or "missing" at which they differ most.
        before, now: share of cards at or below the cut, of that level, or without a value.
        p: chance of a difference as clear as this if the shares truly differ by ORDINARY; two-sided, for one cut.
        cuts: how many cuts were looked at.

    """

    value: str
    where: str
    before: float
    now: float
    p: float
    cuts: int


def shift(before: pd.Series, now: pd.Series) -> Shift | None:
    """Compare one value of the cards of two mornings, both indexed by card; None if there is nothing to compare.

    The cards are the unit: a card of both mornings enters once, with what it adds to the one share and to the other, so that its
    likeness to itself makes no false certainty and no false alarm. A value that simply counts days (nine in ten cards of both
    mornings moved by the same amount, not 0) is none that can drift.

    >>> cards = pd.Index(range(400))
    >>> early, late = pd.Series(np.arange(400.0), cards), pd.Series(np.arange(400.0) + 130, cards[::-1])
    >>> found = shift(early, late)
    >>> found.now < found.before - 0.2, found.p < 1e-4
    (True, True)
    >>> shift(early, pd.Series(np.arange(400.0) + 130, cards)) is None
    True
    """
    if not len(before) or not len(now) or _counts_days(before, now):
        return None
    number, _ = pd.factorize(np.concatenate([before.index.to_numpy(), now.index.to_numpy()]))
    late = np.arange(len(number)) >= len(before)
    found = [
        _compared(str(before.name or now.name), where, inside, number, late) for where, inside in _cuts(pd.concat([before, now]))
    ]
    kept = [shift_ for shift_ in found if shift_ is not None]
    if not kept:
        return None
    first = min(kept, key=lambda one: (one.p, -abs(one.now - one.before)))
    return Shift(first.value, first.where, first.before, first.now, first.p, len(kept))


def _counts_days(before: pd.Series, now: pd.Series) -> bool:
    if is_text(before) or is_text(now):
        return False
    moved = (now.astype(float) - before.astype(float)).dropna()
    if not len(moved):
        return False
    steps = moved.round(6).value_counts()
    return bool(steps.index[0] != 0 and steps.iloc[0] >= 0.9 * len(moved))


def _cuts(values: pd.Series) -> list[tuple[str, Array]]:
    """Give each cut with which rows lie at or below it (a number), or are of it (a level, or missing)."""
    missing = values.isna().to_numpy()
    found = [("missing", missing)]
    if is_text(values):
        text = np.array([level if level is not None else "" for level in as_text(values)], dtype=object)
        return [*found, *((f"= {level}", (text == level) & ~missing) for level in sorted(set(text[~missing])))]
    numbers = values.to_numpy(dtype=np.float64)
    edges = np.unique(np.quantile(numbers[~missing], CUTS)) if not missing.all() else np.zeros(0)
    return [*found, *((f"<= {edge:.4g}", numbers <= edge) for edge in edges)]


def _compared(value: str, where: str, inside: Array, number: Array, late: Array) -> Shift | None:
    inside = inside.astype(np.float64)
    if min(inside.sum(), len(inside) - inside.sum()) < _FEWEST:
        return None
    shares = [float(inside[rows].mean()) for rows in (~late, late)]
    # What each card adds to the difference: its own on the one morning less its own on the other; variances add over cards.
    own = np.where(late, (inside - shares[1]) / late.sum(), -(inside - shares[0]) / (~late).sum())
    deviation = float(np.sqrt((np.bincount(number, weights=own) ** 2).sum()))
    beyond = abs(shares[1] - shares[0]) - ORDINARY
    p = 1.0 if beyond <= 0 else 0.0 if deviation == 0 else float(2 * norm.sf(beyond / deviation))
    return Shift(value, where, shares[0], shares[1], p, 1)
