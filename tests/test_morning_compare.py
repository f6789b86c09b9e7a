"""Champion and challenger: judged on days that neither has seen, and promoted only where better and calibrated."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mornings import small_world
from test_registry import bundle

from blockrisk.features import Tables, read_tables
from blockrisk.training.fitting import Examples
from blockrisk.training.morning import registry
from blockrisk.training.morning.compare import PROMOTED, REJECTED, WAITS, compare, judge


@pytest.fixture
def pair(tmp_path: Path) -> tuple[registry.Version, registry.Version]:
    """A champion that forecasts too much, and a challenger of the same model that says a seventh of its odds."""
    place = tmp_path / "models"
    for name, intercept in (("high", -2.0), ("low", -4.0)):
        registry.add_version(place, bundle(tmp_path / name, intercept), {"made_at": "2025-03-01"})
    return registry.version(place, "v1"), registry.version(place, "v2")


def examples(chance: float, rows: int = 4000, seed: int = 1) -> Examples:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"calls": np.full(rows, 9.0), "tenure": 1.0, "operator": "A"})
    cards = np.array([f"c{n}" for n in range(rows)], dtype=object)
    dates = np.full(rows, np.datetime64("2025-03-10", "us"))
    return Examples(frame, (rng.random(rows) < chance).astype(float), cards, dates, {}, horizon=1)


def judged(pair: tuple[registry.Version, registry.Version], chance: float) -> tuple[str, str]:
    champion, challenger = pair
    rows = examples(chance)
    found = judge(champion, challenger, rows, int(rows.y.sum()))
    assert found.rows == 4000
    assert found.difference == pytest.approx(found.challenger_log_loss - found.champion_log_loss, abs=1e-9)
    return found.state, found.why


def test_a_better_and_calibrated_challenger_is_promoted(pair) -> None:
    low = float(registry.verified(pair[1]).probability(examples(0.1).frame)[0])
    state, why = judged(pair, low)
    assert state == PROMOTED
    assert "its log loss is lower by" in why
    assert "calibration holds" in why


def test_a_better_challenger_that_is_not_calibrated_is_rejected(pair) -> None:
    low, high = (float(registry.verified(version).probability(examples(0.1).frame)[0]) for version in (pair[1], pair[0]))
    chance = float(np.sqrt(low * high)) * 0.6
    state, why = judged(pair, chance)
    assert (state, "is lower" in why, "does not hold" in why) == (REJECTED, True, True)


def test_a_worse_challenger_is_rejected(pair) -> None:
    high = float(registry.verified(pair[0]).probability(examples(0.1).frame)[0])
    state, why = judged(pair, high)
    assert state == REJECTED
    assert "its log loss is not lower" in why


def test_equal_forecasts_are_not_better(pair) -> None:
    rows = examples(0.05)
    found = judge(pair[1], replace(pair[1], told={**pair[1].told, "name": "twin"}), rows, int(rows.y.sum()))
    assert (found.state, found.difference) == (REJECTED, 0.0)


@pytest.fixture(scope="module")
def tables(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return read_tables(small_world(demo, tmp_path_factory.mktemp("compared")))


def test_only_days_after_both_ends_with_known_labels_are_compared(demo: Path, tmp_path: Path, tables: Tables) -> None:
    place = tmp_path / "models"
    for _ in range(2):
        registry.add_version(place, demo / "demo/model", {"made_at": "2025-03-01"})
    v1, v2 = (
        replace(found, told={**found.told, "until": end})
        for found, end in zip(registry.versions(place), ("2025-03-01", "2025-03-11"), strict=True)
    )
    found = compare(tables, v1, v2, date(2025, 4, 1), weeks=2, least_blocks=2)
    assert (found.first, found.last) == ("2025-03-11", "2025-03-25")
    assert found.state in (PROMOTED, REJECTED)
    waits = compare(tables, v1, v2, date(2025, 3, 30), weeks=2, least_blocks=2)
    assert (waits.state, waits.why) == (WAITS, "13 days after its end have known labels, and it waits for 14")
    few = compare(tables, v1, v2, date(2025, 4, 1), weeks=2, least_blocks=10_000)
    assert few.state == WAITS
    assert "waits for 10000" in few.why
    other = compare(tables, v1, replace(v2, told={**v2.told, "horizon_days": 30}), date(2025, 4, 1), weeks=2, least_blocks=2)
    assert other.state == REJECTED
    assert "promote it by name" in other.why
