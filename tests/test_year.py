"""Thirty mornings one after the other: the same as `make year`, but fewer."""

from pathlib import Path

import pytest
from year import Year, _grown, run_year, section


@pytest.mark.long
def test_thirty_mornings_deliver_their_lists_and_train_a_challenger(tmp_path: Path) -> None:
    year = run_year(90, 30, 40, tmp_path)
    assert year.wrong == year.grown == []
    assert (len(year.seconds), year.trained) == (30, 2)
    assert "| left with 0, list delivered, each row accounted for | 30 |" in section(year, 90, 1.0)


def test_what_grows_over_a_year_is_told_and_what_stays_is_not() -> None:
    flat = {"seconds": [1.0] * 365, "files": [9] * 365, "bytes": [9] * 365}
    assert _grown(Year(**flat, memory=[100] * 365)) == []
    assert _grown(Year(**flat, memory=[100 + day // 60 for day in range(365)])) == ["memory grew by 2.9%"]
    assert _grown(Year([1.0], [1], [1], [1])) == []
