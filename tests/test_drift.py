"""Drift of a value between two mornings: the sample size is known, the cards are the unit, weekdays and ageing are no drift."""

import numpy as np
import pandas as pd
import pytest

from blockrisk.training.monitoring.drift import ONE_IN
from blockrisk.training.monitoring.drift_trial import quiet, section
from blockrisk.training.monitoring.shift import CUTS, ORDINARY, shift

LIMIT = 1 / (ONE_IN * len(CUTS))


def values(rng: np.random.Generator, cards: int, shifted: float = 0.0) -> tuple[pd.Series, pd.Series]:
    """Cards that mostly stay as they are; a fifth of each morning's are not there on the other."""
    own = rng.normal(0, 1, cards)
    early, late = own + rng.normal(0, 0.3, cards), own + rng.normal(0, 0.3, cards) + shifted
    cut = cards // 5
    return pd.Series(early[cut:], index=np.arange(cut, cards), name="x"), pd.Series(
        late[:-cut], index=np.arange(cards - cut), name="x"
    )


@pytest.mark.parametrize("cards", [60, 500, 20_000])
def test_cards_that_stay_as_they_are_do_not_drift_however_many_there_are(cards: int) -> None:
    rng = np.random.default_rng(cards)
    found = [shift(*values(rng, cards, 0.1)) for _ in range(30)]
    assert not [one for one in found if one is not None and one.p <= LIMIT]


def test_a_move_is_told_of_many_cards_and_not_of_a_handful() -> None:
    rng = np.random.default_rng(2)
    many, few = shift(*values(rng, 3000, 0.5)), shift(*values(rng, 40, 0.5))
    assert many is not None
    assert few is not None
    assert many.p <= LIMIT < few.p
    assert abs(many.now - many.before) > ORDINARY


def test_a_value_that_goes_missing_is_a_drift_and_a_new_level_too() -> None:
    rng = np.random.default_rng(3)
    early, late = values(rng, 800)
    found = shift(early, late.mask(rng.random(len(late)) < 0.4))
    assert found is not None
    assert (found.where, found.p <= LIMIT) == ("missing", True)
    text = shift(pd.Series(["A"] * 500, name="team"), pd.Series(["A"] * 300 + ["B"] * 200, name="team"))
    assert text is not None
    assert text.p <= LIMIT
    assert text.where in ("= A", "= B")


def test_a_count_of_days_is_no_drift() -> None:
    early = pd.Series(np.random.default_rng(4).uniform(0, 400, 500), name="days")
    assert shift(early, early + 28) is None


def test_a_world_that_stands_still_does_not_drift_and_one_that_moves_does() -> None:
    rng = np.random.default_rng(6)
    before = pd.DataFrame({"calls": rng.gamma(2, 50, 300), "operator": rng.choice(["A", "B"], 300)}, [f"c{n}" for n in range(300)])
    now = before.assign(calls=before["calls"] * rng.gamma(5, 0.2, 300))[30:]
    still = quiet([(before, now)], 200, 10, 1, exchanged=True)
    moved = quiet([(before, now.assign(calls=now["calls"] * 2))], 200, 10, 1, exchanged=False)
    assert (still.alarms, moved.alarms, moved.named) == (0, 10, ("calls",))
    assert "| 200 | stands still | 10 | 0 | - |" in section([still])


def test_nothing_to_compare_gives_nothing() -> None:
    empty = pd.Series([], dtype=float, name="x")
    assert shift(empty, empty) is None
    blank = pd.Series([np.nan] * 50, name="x")
    assert shift(blank, blank) is None


def test_the_test_keeps_its_level_at_the_ordinary_move() -> None:
    """One cut, two independent mornings whose shares differ by ORDINARY exactly: p is under 5 % about as often as it may be."""
    rng = np.random.default_rng(5)
    low = 0
    for _ in range(400):
        early, late = (pd.Series((rng.random(300) < share).astype(float), name="x") for share in (0.4, 0.4 + ORDINARY))
        late.index = np.arange(300, 600)
        found = shift(early, late)
        low += found is not None and found.p <= 0.05
    assert low / 400 < 0.06
