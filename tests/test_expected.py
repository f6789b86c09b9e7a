"""How many blocks to expect: the exact distribution of a sum of unequal chances."""

import math

import numpy as np
import pytest

from blockrisk.serving.expected import block_counts, expected_blocks


def test_equal_chances_give_the_binomial() -> None:
    counts = block_counts(np.full(37, 0.02))
    exact = [math.comb(37, k) * 0.02**k * 0.98 ** (37 - k) for k in range(38)]
    assert counts == pytest.approx(exact, abs=1e-14)


def test_unequal_chances_give_what_adding_card_by_card_gives() -> None:
    chances = np.random.default_rng(1).beta(0.5, 20, size=301)
    slow = np.array([1.0])
    for chance in chances:
        slow = np.convolve(slow, [1 - chance, chance])
    assert block_counts(chances) == pytest.approx(slow, abs=1e-13)


@pytest.mark.parametrize("chances", [[], [0.0], [1.0], [0.0, 1.0, 1.0]])
def test_nobody_and_the_certain_are_exact(chances: list[float]) -> None:
    counts = block_counts(np.array(chances))
    assert len(counts) == len(chances) + 1
    assert counts[int(sum(chances))] == pytest.approx(1.0)
    assert expected_blocks(np.array(chances)) == (sum(chances), sum(chances), sum(chances))


def test_the_interval_holds_at_least_its_level_and_no_more_than_it_must() -> None:
    chances = np.random.default_rng(2).beta(0.5, 30, size=400)
    mean, low, high = expected_blocks(chances, level=0.9)
    counts = block_counts(chances)
    assert mean == pytest.approx(chances.sum())
    assert counts[low : high + 1].sum() >= 0.9
    assert counts[:low].sum() <= 0.05 < counts[: low + 1].sum()
    assert counts[high + 1 :].sum() <= 0.05 < counts[high:].sum()
