"""The served sum never falls when a feature marked m rises: a million pairs of vectors that differ only there."""

from pathlib import Path

import numpy as np
import pytest

from blockrisk.features import catalogue
from blockrisk.models.bundle import load_bundle

PAIRS = 1_000_000


@pytest.mark.long
def test_no_pair_of_a_million_that_differ_in_one_marked_feature_scores_the_wrong_way(demo: Path) -> None:
    bundle = load_bundle(demo / "demo" / "model")
    rng = np.random.default_rng(0)
    assert bundle.ladder is not None
    marked = [bundle.columns.index(name) for name in catalogue.monotone()]
    quantiles = {
        name: bundle.reference[name].get("quantiles") or [0.0] for name in bundle.columns if name not in bundle.text_columns
    }
    steps, done = 21, 0
    while done < PAIRS:
        base = np.array([[rng.choice(quantiles.get(name, [0.0, 0.3, -0.3])) for name in bundle.columns] for _ in range(60)])
        base[rng.random(base.shape) < 0.05] = np.nan
        for column in marked:
            ladder = np.sort(np.concatenate([rng.choice(quantiles[bundle.columns[column]], steps - 6), rng.lognormal(2, 3, 6)]))
            rows = np.repeat(base, steps, axis=0)
            rows[:, column] = np.tile(ladder, len(base)) * catalogue.monotone()[bundle.columns[column]]
            margins = bundle.model.margin_of(rows)
            for found in (margins, *bundle.ladder.margins(margins).T):
                assert (np.diff(found.reshape(len(base), steps), axis=1) >= 0).all(), bundle.columns[column]
            done += len(base) * (steps - 1)
