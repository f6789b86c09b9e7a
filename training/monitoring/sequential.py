"""Whether an operator has changed its rule: a sequential test of daily blocks against the blocks that were forecast.

Counts are arrays over regions and days of one operator: `observed` blocks and `expected` ones, the sum of the daily forecasts.
Why each choice was made: docs/decisions/0006-monitoring.md. What it finds, and when: docs/MONITORING.md.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammainc, logsumexp
from scipy.stats import chi2, gamma

Array = np.ndarray

FACTOR: Final = 2.0
"""The change that the test is made for: twice the blocks. Others from about 1.5 times on are found too, later."""

ALARM: Final = 260.0
"""Evidence at which an alarm is raised for an operator of ALARM_RATE blocks a day. Without a change it grows by 1 a day in the
mean, so that by theory alarms are at least so many days apart; measured they are further apart, as it is passed with a jump."""

ALARM_RATE: Final = 0.4
ALARM_POWER: Final = 0.15
"""The jump is smaller the more blocks there are: from that rate on the limit grows with this power of it. All three spend the
budget of one false alarm a year evenly over the sizes of operators, as measured in docs/MONITORING.md."""

WINDOW_DAYS: Final = 60
"""A change may have begun so many days before the alarm."""

HISTORY_DAYS: Final = 150
"""Days before a possible change from which the operator's ordinary level is learned."""

TRUST: Final = 12.0
"""Expected blocks' worth of trust that forecasts are right, before an operator's own history is seen: a deviation of 29 %."""

REGION_BLOCKS: Final = 5.0
"""A region is named only where as many blocks were expected since the change."""

_REGION_SHARE: Final = 0.1  # of the evidence goes to changes in one region alone, where any region is large enough
_SWEEP: Final = 0.01  # a day's blocks in a region count up to what a doubled rule brings on all but so many days
_CAPS: Final = chi2.ppf(_SWEEP, 2 * (np.arange(1, 400) + 1)) / 2  # mean of a Poisson count that exceeds 1, 2, ... so seldom
_KEPT: Final = 20.0  # blocks' worth of trust that an operator's blocks cluster as all operators' do
_RATIOS: Final = np.geomspace(0.2, 20.0, 400)


@dataclass(frozen=True)
class Change:
    """Hold a change that was found; days count from 0.

    Attributes:
        raised: the day after whose blocks the alarm was raised.
        start: the day from which the change is thought to hold.
        region: its index if one region alone changed and is large enough to be named, else None.
        ratio, low, high: blocks over forecast ones since the start, and the 95 % interval.
        ended: the day after whose blocks forecasts fitted again, None while they do not.

    """

    raised: int
    start: int
    region: int | None
    ratio: float
    low: float
    high: float
    ended: int | None = None


@dataclass(frozen=True)
class _Level:
    """Hold what is known of a stream's ratio before its first day: so many observed on so many expected blocks.

    Numbers, or float64[days, 1] where what is known grows with the days.
    """

    observed: float | Array = TRUST
    expected: float | Array = TRUST


@dataclass(frozen=True)
class _Shares:
    """Hold what the cap leaves.

    `kept` float64[days] is the share of blocks that it leaves, by the days before; `spread` float64[days] the relative variance of
    that share; `doubled` float64[regions, days] what it leaves of doubled blocks over what it leaves of ordinary ones.
    """

    kept: Array
    spread: Array
    doubled: Array


def watch(observed: Array, expected: Array) -> list[Change]:
    """Find the changes of one operator, oldest first, each from what was known on the day it was raised.

    `observed`, `expected` float64[regions, days]; a day without forecasts has 0 in both. No day gives no change.

    >>> expected = np.full((1, 60), 1.0)
    >>> observed = np.where(np.arange(60) < 30, 1.0, 2.0)[None]
    >>> [(found.start, found.raised, found.region) for found in watch(observed, expected)]
    [(30, 43, None)]
    """
    shares = _shares(observed, expected)
    kept, expected = capped(observed, expected), expected * shares.kept
    found: list[Change] = []
    first, level = 0, _Level()
    while first < observed.shape[1]:
        change = _next(kept, expected, first, level, FACTOR)
        if change is None:
            return found
        raised, region, start = change
        after = _Level(*_since(kept, expected, start, raised + 1))
        ratio = after.observed / max(after.expected, 1e-9)
        changed = _Level(TRUST * ratio + after.observed, TRUST + after.expected)
        back = _next(kept, expected, raised + 1, changed, 1 / FACTOR)
        ended = None if back is None else back[0]
        found.append(_described(kept, expected, shares, (first, raised, ended), region))
        if ended is None:
            return found
        first, level = ended + 1, _Level()
    return found


def seen(observed: Array, expected: Array) -> tuple[Array, Array]:
    """Give the blocks that count, and how many of them were expected: float64[regions, days]."""
    return capped(observed, expected), expected * _shares(observed, expected).kept


def capped(observed: Array, expected: Array) -> Array:
    """Count a day's blocks in a region up to what even a doubled rule brings on 99 days of 100; more than that is a sweep.

    >>> capped(np.array([0.0, 1.0, 6.0]), np.array([0.05, 0.05, 0.05])).tolist(), capped(np.array([6.0]), np.array([2.0])).tolist()
    ([0.0, 1.0, 1.0], [6.0])
    """
    return np.minimum(observed, 1.0 + np.searchsorted(_CAPS, FACTOR * expected))


def _shares(observed: Array, expected: Array) -> _Shares:
    cut = observed - capped(observed, expected)
    before = [np.cumsum(part) - part for part in (observed.sum(axis=0), cut.sum(axis=0), (cut**2).sum(axis=0))]
    all_ = before[0] + _KEPT
    level, doubled = (_left(expected, factor) for factor in (1.0, FACTOR))
    return _Shares(np.asarray(1 - before[1] / all_), np.asarray(before[2] / all_**2), doubled / (FACTOR * np.maximum(level, 1e-12)))


def _left(expected: Array, factor: float) -> Array:
    """Give the mean of a Poisson count of factor * expected of which no more than the cap counts."""
    cap = 1 + np.searchsorted(_CAPS, FACTOR * expected)
    over = np.zeros(expected.shape)
    for many in range(int(cap.max(initial=0))):
        over += np.where(many < cap, gammainc(many + 1, factor * expected), 0.0)
    return over


def evidence(observed: Array, expected: Array, level: _Level, factor: float) -> tuple[Array, Array]:
    """Give the log evidence of each day that the level has changed by `factor`, and of each start before it.

    `observed`, `expected` float64[streams, days]. Returns float64[streams, days] and float64[streams, days, WINDOW_DAYS], the last
    axis how many days before the start lies. The evidence for one start is the likelihood of the counts since under factor times
    the level over that under the level itself; the level is gamma-distributed by what was seen before that start, so that forecasts
    that are ordinarily too low or too high are no change. The sum over all starts is the Shiryaev-Roberts statistic.
    """
    days = observed.shape[1]
    sums = [np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=1)], axis=1) for part in (observed, expected)]
    day = np.arange(days)
    start = day[:, None] - np.arange(WINDOW_DAYS)
    place, back = np.maximum(start, 0), np.maximum(start - HISTORY_DAYS, 0)
    seen, forecast = (part[:, 1:, None] - part[:, place] for part in sums)
    a, b = (known + part[:, place] - part[:, back] for part, known in zip(sums, (level.observed, level.expected), strict=True))
    found = seen * np.log(factor) - (a + seen) * np.log1p((factor - 1) * forecast / (b + forecast))
    found[:, start < 0] = -np.inf
    return logsumexp(found, axis=2), found


def _next(kept: Array, expected: Array, first: int, level: _Level, factor: float) -> tuple[int, int | None, int] | None:
    """Find the next alarm from day `first` on: its day, the index of the region that it is about, the likeliest start."""
    streams = [part[:, first:] for part in (kept, expected)]
    total, starts = evidence(streams[0].sum(axis=0, keepdims=True), streams[1].sum(axis=0, keepdims=True), level, factor)
    recent = np.cumsum(streams[1], axis=1)
    recent[:, WINDOW_DAYS:] -= recent[:, :-WINDOW_DAYS].copy()
    is_large = (recent >= REGION_BLOCKS) & (len(kept) > 1)
    large = np.flatnonzero(is_large.any(axis=1))
    joint = total[0]
    if len(large):
        grown = np.cumsum(expected, axis=1)[:, first:]  # a day knows the forecasts until itself
        scale = np.maximum(grown[large], 1e-9) / np.maximum(grown.sum(axis=0), 1e-9)
        own, own_starts = _by_region(streams, large, scale, level, factor)
        parts = np.concatenate([total, own]) + _log_shares(is_large[large])
        joint = logsumexp(parts, axis=0)
    over = np.flatnonzero(joint >= _limit(streams[1].sum(axis=0)))
    if not len(over):
        return None
    day = int(over[0])
    best = int(np.argmax(parts[:, day])) if len(large) else 0
    profile = starts[0, day] if best == 0 else own_starts[best - 1, day]
    start = first + day - int(np.argmax(profile))
    region = int(large[best - 1]) if best and expected[large[best - 1], start : first + day + 1].sum() >= REGION_BLOCKS else None
    return first + day, region, start


def _log_shares(large: Array) -> Array:
    """Give the log share of the evidence of the operator as a whole and of each region, float64[1 + regions, days]; -inf: none."""
    many = large.sum(axis=0)
    own = np.where(large, np.log(_REGION_SHARE / np.maximum(many, 1)), -np.inf)
    return np.concatenate([np.where(many > 0, np.log(1 - _REGION_SHARE), 0.0)[None], own])


def _limit(expected: Array) -> Array:
    """Give the log limit of each day, by the blocks expected a day: the mean of the days with forecasts until then."""
    rate = np.cumsum(expected) / np.maximum(np.cumsum(expected > 0), 1)
    return np.asarray(np.log(ALARM) + ALARM_POWER * np.log(np.maximum(rate / ALARM_RATE, 1.0)))


def _by_region(streams: list[Array], large: Array, scale: Array, level: _Level, factor: float) -> tuple[Array, Array]:
    found = [
        evidence(
            streams[0][[place]],
            streams[1][[place]],
            _Level(level.observed * part[:, None], level.expected * part[:, None]),
            factor,
        )
        for place, part in zip(large, scale, strict=True)
    ]
    return np.concatenate([total for total, _ in found]), np.concatenate([starts for _, starts in found])


def _since(kept: Array, expected: Array, start: int, end: int) -> tuple[float, float]:
    return float(kept[:, start:end].sum()), float(expected[:, start:end].sum())


def _described(kept: Array, expected: Array, shares: _Shares, days: tuple[int, int, int | None], region: int | None) -> Change:
    """Tell of a change what all days until its end, or until now, say of its start and size.

    `days` are the first that may be its start, that of the alarm and that of its end.
    """
    first, raised, ended = days
    rows = slice(None) if region is None else slice(region, region + 1)
    last = kept.shape[1] if ended is None else ended + 1
    seen, forecast = kept[rows].sum(axis=0), expected[rows].sum(axis=0)
    starts = np.arange(max(first, raised - WINDOW_DAYS + 1), raised + 1)
    since = np.array([[part[start:last].sum() for part in (seen, forecast)] for start in starts])
    before = np.array([[part[max(0, start - HISTORY_DAYS) : start].sum() for part in (seen, forecast)] for start in starts])
    a, b = TRUST + before[:, 0], TRUST + before[:, 1]
    weight = since[:, 0] * np.log(FACTOR) - (a + since[:, 0]) * np.log1p((FACTOR - 1) * since[:, 1] / (b + since[:, 1]))
    weight = np.exp(weight - logsumexp(weight))
    start = int(starts[np.searchsorted(np.cumsum(weight), 0.5)])
    since[:, 1] *= (expected[rows, start:last] * shares.doubled[rows, start:last]).sum() / max(since[start - starts[0], 1], 1e-9)
    ratio, low, high = _size(weight, since, float(shares.spread[start]))
    return Change(raised, start, region, ratio, low, high, ended)


def _size(weight: Array, since: Array, spread: float) -> tuple[float, float, float]:
    """Give the mean and the 95 % interval of the ratio: gamma-distributed given the start, mixed over the starts.

    `spread` is the relative variance of the share that the cap leaves; it adds to that of the count.
    """
    shape = 1 / (1 / (since[:, :1] + 1.0) + spread)
    density = (weight[:, None] * gamma.pdf(_RATIOS, shape, scale=(since[:, :1] + 1.0) / (since[:, 1:] + 1.0) / shape)).sum(axis=0)
    mass = density * np.gradient(_RATIOS)
    mass = mass / mass.sum()
    below = np.cumsum(mass)
    ends = np.minimum(np.searchsorted(below, [0.025, 0.975]), len(_RATIOS) - 1)
    return float((mass * _RATIOS).sum()), float(_RATIOS[ends[0]]), float(_RATIOS[ends[1]])
