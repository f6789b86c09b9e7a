"""Thirty mornings one after the other: the same as `make soak`, but fewer."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from soak import World, Year, _grown, _unnoticed, run_year, section


@pytest.mark.long
def test_thirty_mornings_deliver_their_lists_and_train_a_challenger(tmp_path: Path) -> None:
    year = run_year(90, 30, 40, tmp_path)
    assert year.wrong == year.grown == []
    assert (len(year.seconds), year.trained) == (30, 2)
    assert year.quality is not None
    assert (year.quality.other, year.quality.rows > 1_000) == (0, True)
    assert "| left with 0, list delivered, each row accounted for | 30 |" in section(year, 90, 1.0)


def test_what_grows_over_a_year_is_told_and_what_stays_is_not() -> None:
    flat = {"seconds": [1.0] * 365, "files": [9] * 365, "bytes": [9] * 365}
    assert _grown(Year(**flat, memory=[100] * 365)) == []
    assert _grown(Year(**flat, memory=[100 + day // 60 for day in range(365)])) == ["memory grew by 2.9%"]
    assert _grown(Year(seconds=[1.0], files=[1], bytes=[1], memory=[1])) == []


def test_a_tightening_that_no_morning_tells_of_is_told() -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(200)]
    year = Year(World({}, days[0], "Haiyun", days[50]), days=days)
    year.policy = [(days[31], "Haiyun"), (days[79], "Xinlu")]
    assert year.false_alarms() == ["Haiyun 2024-02-01", "Xinlu 2024-03-20"]
    assert _unnoticed(year) == ["Haiyun tightened its rules on 2024-02-20, and 149 mornings raised no alarm"]
    year.policy.append((days[64], "Haiyun"))
    assert (_unnoticed(year), year.found_after()) == ([], 14)
    year.policy.clear()
    year.days = days[:100]
    assert _unnoticed(year) == []
