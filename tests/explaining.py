"""What the tests of reasons and advice share: random forecasts, a hand-made model of all families, and a small made-up world."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features import catalogue, read_tables
from blockrisk.features.intake import Tables
from blockrisk.models.bundle import Bundle
from blockrisk.models.encode import TextEncoder
from blockrisk.models.estimators import Forecast
from blockrisk.models.exact import on_grid
from blockrisk.models.forest import Forest
from blockrisk.models.levels import LevelShifts
from blockrisk.models.smooth import BOTH, EITHER, SmoothPart, signed_log
from blockrisk.serving.predict import Model
from blockrisk.training.simulator import World, simulate

RISKY = {
    "calls_out_1d": (0, 400),
    "calls_out_7d": (0, 1500),
    "off_hours_calls_7d": (0, 100),
    "invalid_number_ratio_7d": (0, 0.4),
    "repeat_dial_24h_max_7d": (1, 8),
    "distinct_callees_7d": (0, 2000),
    "open_complaints": (0, 3),
    "complaints_30d": (0, 4),
    "undeclared_offsite_ratio_7d": (0, 1),
    "offsite_call_ratio_7d": (0, 1),
    "arrears_amount": (0, 100),
    "registration_age_days": (0, 400),
    "distinct_imei_30d": (1, 4),
    "sms_out_7d": (0, 100),
    "operator_block_rate_14d": (0, 5),
}
"""Columns of the hand-made model: its curves rise by 1 over these ranges."""

USUAL = {name: (low + high) / 4 for name, (low, high) in RISKY.items()}
"""The values at which the hand-made model contributes nothing."""

DAYS, AS_OF = 60, "2025-02-25"


def random_forest(rng: np.random.Generator, columns: int, trees: int, depth: int, bags: int = 2) -> Forest:
    """Grow trees with random questions; cover is split at random, as by training rows."""
    nodes: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "missing_left", "left", "right", "value", "cover")}
    roots = []

    def grow(level: int, cover: float) -> int:
        place = len(nodes["value"])
        leaf = level == depth or cover < 4 or (level > 0 and rng.random() < 0.15)
        own = (0, np.inf, True, place, place, float(on_grid(rng.normal())), cover)
        asked = (int(rng.integers(columns)), float(rng.normal()), bool(rng.random() < 0.5), place, place, 0.0, cover)
        for name, value in zip(nodes, own if leaf else asked, strict=True):
            nodes[name].append(value)
        if not leaf:
            share = float(rng.uniform(0.1, 0.9))
            nodes["left"][place] = grow(level + 1, cover * share)
            nodes["right"][place] = grow(level + 1, cover * (1 - share))
        return place

    for _ in range(trees):
        roots.append(grow(0, 100.0))
    arrays = {name: np.array(values) for name, values in nodes.items()}
    return Forest(**arrays, roots=np.array(roots), depth=depth, bags=bags)


def random_smooth(rng: np.random.Generator, columns: int, products: int) -> SmoothPart:
    """Draw curves, gates and products."""
    knots = np.sort(rng.normal(size=(columns, 4)), axis=1)
    gates = np.sort(rng.uniform(size=(columns, 4)), axis=1)
    pairs = rng.integers(columns, size=(products, 2))
    kinds = rng.choice([BOTH, EITHER], products)
    ends = rng.normal(size=columns), gates, rng.uniform(size=columns), pairs, kinds, rng.uniform(size=products)
    return SmoothPart(knots, rng.normal(size=(columns, 4)), *ends)


def random_forecast(seed: int, columns: int = 5, trees: int = 8, depth: int = 4, products: int = 3) -> tuple[Forecast, np.ndarray]:
    """Draw a forecast and rows with missing values; its training means are those of the rows."""
    rng = np.random.default_rng(seed)
    values = rng.normal(scale=2.0, size=(40, columns))
    values[rng.random(values.shape) < 0.2] = np.nan
    smooth = random_smooth(rng, columns, products)
    forest = random_forest(rng, columns, trees, depth)
    names = [f"x{place}" for place in range(columns)]
    values[:9, 0] = 0.5
    smooth = smooth.centred(values, np.ones(len(values)))
    shifts = LevelShifts(0, np.array([-1.0, 0.5]), np.array([0.25, -0.5]))
    return Forecast(names, TextEncoder([], [], []), 0.3, smooth, forest, 0.2, 0.7, shifts), values


@lru_cache
def hand_made(path: str = "hand-made") -> Model:
    """Make a dated model whose risk rises in each column of RISKY, against the training mean of the values USUAL."""
    columns = list(RISKY)
    ends = signed_log(np.array([RISKY[name] for name in columns], dtype=np.float64))
    none = np.zeros(0, dtype=np.int64)
    count = len(columns)
    curves = np.tile([0.0, 1.0], (count, 1))
    smooth = SmoothPart(ends, curves, np.zeros(count), curves, np.zeros(count), none.reshape(0, 2), none, np.zeros(0))
    usual = np.array([list(USUAL.values())])
    model = Forecast(columns, TextEncoder([], [], []), -5.0, smooth.centred(usual, np.ones(1)), None)
    families = catalogue.families()
    manifest = {
        "kind": "dated",
        "horizon_days": 7,
        "base_rate": 0.01,
        "text_columns": [],
        "columns": columns,
        "families": families,
        "fingerprint": catalogue.fingerprint(),
    }
    return Model(Bundle(Path(path), manifest, model, {}))


def without_means(model: Model) -> Model:
    """Give the model as it was before training means were kept."""
    forecast = model.bundle.model
    assert forecast.smooth is not None
    return Model(replace(model.bundle, model=replace(forecast, smooth=replace(forecast.smooth, mean=None))))


@lru_cache
def small_world() -> World:
    """Simulate forty cards over DAYS days."""
    return simulate(cards=40, days=DAYS, seed=5, rollouts=2)


def frames() -> dict[str, pd.DataFrame]:
    """Give the tables of the small world as plain frames."""
    return {name: table.copy() for name, table in small_world().tables.items()}


@lru_cache
def small_tables() -> Tables:
    """Read the small world."""
    return read_tables(frames())
