"""A peer's numbers: the values that bandicoot computes on one user's calls, which the product gives to 1e-9.

The files are read where they are, beside the repository; nothing of them is copied.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from oracle import plain_tables, vector

from blockrisk.features import read_tables, vectors

pytestmark = pytest.mark.shared


@pytest.fixture
def ego(shared: Path) -> Path:
    return shared / "golden" / "ego"


@pytest.fixture
def expected(ego: Path) -> dict:
    return json.loads((ego / "expected.json").read_text(encoding="utf-8"))


def test_the_product_gives_the_values_of_bandicoot(ego: Path, expected: dict):
    names = list(expected["features"])
    requests = pd.DataFrame({"card_id": ["ego"], "as_of": [pd.Timestamp(expected["as_of"])]})
    got = vectors(read_tables(ego), requests, columns=names)
    assert got.loc[0, names].to_dict() == pytest.approx(expected["features"], rel=1e-9, abs=1e-9)


def test_the_oracle_gives_them_too(ego: Path, expected: dict):
    times = {"calls": "started_at", "cards": "activated_at"}
    frames = {name: pd.read_csv(ego / f"{name}.csv", parse_dates=[time]) for name, time in times.items()}
    as_of = pd.Timestamp(expected["as_of"]).to_pydatetime()
    got = vector(plain_tables(frames), "ego", as_of, list(expected["features"]))
    assert got == pytest.approx(expected["features"], rel=1e-9, abs=1e-9)
