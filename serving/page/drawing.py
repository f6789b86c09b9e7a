"""Small pictures as SVG paths. Widths are stretched by the page, so that x counts days and y is a share of the height."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from blockrisk.serving.explanation import Advice, Explanation
from blockrisk.serving.percent import percent

HEIGHT: Final = 100
"""Height of every strip in its own units."""


@dataclass(frozen=True)
class Strip:
    """Hold one strip of a timeline: SVG path data, and figures for the words beside it (most None: the data set does not tell)."""

    path: str
    most: float | None
    second: str = ""
    total: float = 0.0
    special: int = 0
    last: float = 0.0


@dataclass(frozen=True)
class Timeline:
    """Hold the strips of one card over the days before as_of, and the figures behind them by quantity, for the readout.

    In `table` the chances come first, as they are shown.
    """

    first: str
    last: str
    days: int
    chance: Strip
    calls: Strip
    offsite: Strip
    complaints: Strip
    owed: Strip
    table: Sequence[Sequence[str | float | None]]


def timeline(explanation: Explanation, days: pd.DataFrame, average: float) -> Timeline:
    """Draw a card's days.

    Args:
        explanation: of the card; its history gives the probabilities.
        days: `daily` of the card, oldest first.
        average: the probability that is marked across the first strip.

    """
    dates = [f"{day:%Y-%m-%d}" for day in days["day"]]
    chance = dict(explanation.history)
    values = {name: days[name].to_numpy() for name in ("calls", "offsite", "undeclared", "complaints", "owed")}
    return Timeline(
        first=dates[0],
        last=explanation.as_of,
        days=len(dates),
        chance=_chance(dates, chance, explanation, average),
        calls=bars(values["calls"]),
        offsite=_marks(values["offsite"], values["undeclared"]),
        complaints=_dots(values["complaints"]),
        owed=bars(values["owed"]),
        table=[
            [percent(chance[date]) if date in chance else None for date in dates] + [percent(explanation.probability)],
            *([_short(value) for value in values[name].tolist()] for name in values),
        ],
    )


def _chance(dates: Sequence[str], history: dict[str, float], explanation: Explanation, average: float) -> Strip:
    """Draw a line through the midnights, with a gap where the card was not at risk."""
    points = [history.get(date) for date in dates] + [explanation.probability]
    top = max([value for value in points if value is not None] + [average * 3])
    path, pen = [], "M"
    for x, value in enumerate(points):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{x} {_y(value, top)}")
        pen = "L"
    return Strip("".join(path), top, second=f"M0 {_y(average, top)}H{len(dates)}")


def bars(values: np.ndarray) -> Strip:
    """Draw a bar a day, as high as its share of the largest.

    >>> bars(np.array([0.0, 4.0]))
    Strip(path='M1.15 100v-100h.7v100z', most=4.0, second='', total=4.0, special=0, last=4.0)
    """
    if np.isnan(values).all():
        return Strip("", None)
    top = float(np.nanmax(values))
    bars = [f"M{i}.15 {HEIGHT}v-{_round(HEIGHT * v / top)}h.7v{_round(HEIGHT * v / top)}z" for i, v in enumerate(values) if v > 0]
    return Strip("".join(bars), top, total=float(np.nansum(values)), last=float(np.nan_to_num(values[-1])))


def _marks(values: np.ndarray, worse: np.ndarray) -> Strip:
    """Mark the days with any, and apart from them those that are worse."""
    if np.isnan(values).all():
        return Strip("", None)
    bad, any_ = worse > 0, values > 0
    known = not np.isnan(worse).all()
    return Strip(_blocks(any_ & ~bad), float(np.nanmax(values)), _blocks(bad), float(any_.sum()), int(bad.sum()) if known else -1)


def _blocks(days: np.ndarray) -> str:
    return "".join(f"M{i} 20h1v60h-1z" for i in np.flatnonzero(days))


def _dots(values: np.ndarray) -> Strip:
    """Draw a dot a complaint, at most three a day."""
    if np.isnan(values).all():
        return Strip("", None)
    dots = [f"M{i + 0.5} {y}h0" for i, n in enumerate(values) if n > 0 for y in (80, 50, 20)[: int(n)]]
    return Strip("".join(dots), float(np.nanmax(values)), total=float(np.nansum(values)))


def _y(value: float, top: float) -> str:
    return _round(HEIGHT - (HEIGHT - 6) * value / top - 3)


def _short(value: float) -> float | None:
    """Keep four digits of a fraction and all of a whole number; NaN becomes None."""
    if np.isnan(value):
        return None
    return int(value) if value == int(value) else float(f"{value:.4g}")


def _round(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Bar:
    """Hold one bar of the factors: the family, the change in log-odds, and where it lies between -100 and 100."""

    family: str
    sum: float
    x: float
    width: float

    @property
    def times(self) -> float:
        """Give the factor by which the odds change."""
        return float(np.exp(self.sum))


def factor_bars(explanation: Explanation, most: int = 7) -> list[Bar]:
    """Sum the contributions of each family: the `most` largest by size, then the rest as one."""
    sums: dict[str, float] = {}
    for part in explanation.contributions:
        sums[part.family] = sums.get(part.family, 0.0) + part.contribution
    ordered = sorted(sums.items(), key=lambda item: -abs(item[1]))
    rest = sum(value for _, value in ordered[most:])
    kept = ordered[:most] + ([("rest", rest)] if len(ordered) > most else [])
    top = max((abs(value) for _, value in kept), default=1.0) or 1.0
    return [_bar(name, value, top) for name, value in kept]


def _bar(family: str, value: float, top: float) -> Bar:
    width = round(100 * abs(value) / top, 1)
    return Bar(family, value, 0.0 if value >= 0 else -width, width)


@dataclass(frozen=True)
class Effect:
    """Hold where an advice's marks lie on a scale from 0 to 100: going on as before, then with it, and its interval."""

    advice: Advice
    without: float
    with_: float
    low: float
    high: float


def effects(explanation: Explanation) -> list[Effect]:
    """Place the advice of one card on one scale, from 0 to the largest probability among them."""
    given = explanation.advice
    top = max([max(a.probability_without, a.probability_with, a.high) for a in given], default=1.0) or 1.0

    def place(value: float) -> float:
        return round(98 * min(max(value, 0.0), top) / top + 1, 1)

    return [Effect(a, place(a.probability_without), place(a.probability_with), place(a.low), place(a.high)) for a in given]
