"""Whether a challenger is better than the champion: both forecast days that neither has seen, and the same cards are compared."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features import Tables
from blockrisk.training.bootstrap import ratio_interval
from blockrisk.training.choice import standard_error
from blockrisk.training.dated import build_examples
from blockrisk.training.fitting import Examples
from blockrisk.training.labels import end_of_observation
from blockrisk.training.metrics import losses
from blockrisk.training.morning.registry import Version, verified

WAITS, PROMOTED, REJECTED = "waits", "promoted", "rejected"


@dataclass(frozen=True)
class Comparison:
    """Hold what was found of one challenger, and why.

    `difference` is the challenger's mean log loss minus the champion's on the same rows, with its standard `error` (whole cards as
    one); `observed_expected` the challenger's blocks over blocks forecast, with the interval from `low` to `high` of it. Figures
    are None while it waits.
    """

    challenger: str
    champion: str
    state: str
    why: str
    first: str | None = None
    last: str | None = None
    rows: int | None = None
    blocked_cards: int | None = None
    champion_log_loss: float | None = None
    challenger_log_loss: float | None = None
    difference: float | None = None
    error: float | None = None
    observed_expected: float | None = None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)

    def figures(self) -> dict[str, float]:
        """Give the numbers in it by name."""
        return {name: float(value) for name, value in asdict(self).items() if isinstance(value, (int, float))}


def compare(tables: Tables, champion: Version, challenger: Version, as_of: Any, *, weeks: int, least_blocks: int) -> Comparison:
    """Compare two versions forward in time, on every day after both of their ends whose labels are known at as_of.

    Args:
        tables: a data set that has been read, with blocks.
        champion: the version that serves.
        challenger: the version that may take its place.
        as_of: the midnight of the comparison.
        weeks: how many weeks of such days are needed.
        least_blocks: how many cards that were blocked after them are needed.

    Returns:
        the comparison: it waits for days or blocks; or the challenger is promoted, when its log loss is lower and the interval of
        its observed / expected blocks holds 1; or rejected.

    Raises:
        UserError, BundleError: the data hold no blocks, or a version is damaged.

    """
    horizon = int(challenger.told["horizon_days"])
    if horizon != champion.told["horizon_days"]:
        why = f"it looks {horizon} days ahead and the champion {champion.told['horizon_days']}: promote it by name"
        return Comparison(challenger.name, champion.name, REJECTED, why)
    until = end_of_observation(tables, as_of)
    start = max(pd.Timestamp(champion.until), pd.Timestamp(challenger.until))
    days = list(pd.date_range(start, until - pd.Timedelta(days=horizon), freq="D"))
    if len(days) < 7 * weeks:
        return _waits(champion, challenger, f"{len(days)} days after its end have known labels, and it waits for {7 * weeks}")
    examples, _ = build_examples(tables, days, horizon, until)
    blocked = len(np.unique(examples.cards[examples.y == 1].astype(str)))
    if blocked < least_blocks:
        return _waits(champion, challenger, f"{blocked} cards were blocked after its end, and it waits for {least_blocks}")
    return judge(champion, challenger, examples, blocked)


def _waits(champion: Version, challenger: Version, why: str) -> Comparison:
    return Comparison(challenger.name, champion.name, WAITS, why)


def judge(champion: Version, challenger: Version, examples: Examples, blocked: int) -> Comparison:
    """Compare two versions on labelled rows that both have not seen."""
    assert examples.dates is not None
    old, new = (verified(version).probability(examples.frame) for version in (champion, challenger))
    earlier, later = (losses(examples.y, p) for p in (old, new))
    difference = later - earlier
    observed, expected = float(examples.y.sum()), float(new.sum())
    low, high = ratio_interval(observed, expected, blocked, float(examples.horizon or 1))
    better, holds = float(difference.mean()) < 0, low <= 1 <= high
    return Comparison(
        challenger.name,
        champion.name,
        PROMOTED if better and holds else REJECTED,
        _why(float(difference.mean()), (observed / expected, low, high), better=better, holds=holds),
        str(pd.Timestamp(examples.dates.min()).date()),
        str(pd.Timestamp(examples.dates.max()).date()),
        len(examples.y),
        blocked,
        float(earlier.mean()),
        float(later.mean()),
        float(difference.mean()),
        standard_error(difference, examples.cards),
        observed / expected,
        low,
        high,
    )


def _why(difference: float, ratio: tuple[float, float, float], *, better: bool, holds: bool) -> str:
    """Tell the two grounds.

    >>> _why(-0.001, (1.1, 0.8, 1.4), better=True, holds=True)
    'its log loss is lower by 0.00100 and its calibration holds (observed / expected 1.10, 0.80 to 1.40)'
    """
    told, low, high = ratio
    loss = f"its log loss is lower by {-difference:.5f}" if better else f"its log loss is not lower ({difference:+.5f})"
    calibration = (
        f"its calibration {'holds' if holds else 'does not hold'} (observed / expected {told:.2f}, {low:.2f} to {high:.2f})"
    )
    return f"{loss} and {calibration}" if better == holds else f"{loss}, but {calibration}"
