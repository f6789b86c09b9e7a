"""A day that came in only in part is told as such, whichever part it is; a whole day, a weekend and a quiet day are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blockrisk.features import Tables, read_tables
from blockrisk.serving.predict import load_model
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.feeds import RECENT_DAYS, check_feeds
from blockrisk.training.monitoring.findings import Alarm, Findings, Result
from blockrisk.training.morning.watch import _renewing

END = pd.Timestamp("2026-03-02")  # a Monday
DAY, WEEK = pd.Timedelta(days=1), pd.Timedelta(weeks=1)


def world(seed: int, *, present: float = 0.9, team_off: float = 0.0) -> dict[str, pd.DataFrame]:
    """Make 70 days of sixty cards of one operator and thirty of another; each calls on `present` of its days, less at weekends."""
    rng = np.random.default_rng(seed)
    ids = [f"{n:04d}" for n in range(90)]
    operators = ["North"] * 60 + ["South"] * 30
    rows = []
    for day in pd.date_range(END - pd.Timedelta(days=70), END - DAY):
        off = rng.random(9) < team_off
        for place, card in enumerate(ids):
            if rng.random() > present or off[place // 10]:
                continue
            many = rng.poisson(2 if day.day_of_week >= 5 else 9) + 1
            rows += [(card, day + pd.Timedelta(seconds=int(at))) for at in rng.uniform(8 * 3600, 20 * 3600, many)]
    calls = pd.DataFrame(rows, columns=["card_id", "started_at"]).sort_values("started_at", ignore_index=True)
    cards = pd.DataFrame({"card_id": ids, "operator": operators, "home_region": "X", "activated_at": "2025-01-01"})
    return {"cards": cards, "calls": calls.assign(callee=np.arange(len(calls)).astype(str), talk_s=20)}


def alarms(frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path, as_of: pd.Timestamp = END) -> list[Alarm]:
    tables: Tables = read_tables(frames)
    return list(check_feeds(Context(tables, tmp_path, as_of, load_model(demo / "demo/model"))).alarms)


def without(frames: dict[str, pd.DataFrame], lost: pd.Series) -> dict[str, pd.DataFrame]:
    return {**frames, "calls": frames["calls"][~lost].reset_index(drop=True)}


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return world(1)


def test_a_file_that_ends_half_way_down_its_cards_is_told_with_its_operators(
    frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path
) -> None:
    calls = frames["calls"]
    on = calls["started_at"].dt.normalize() == END - DAY
    silent, told = alarms(without(frames, on & (calls["card_id"] >= "0030")), tmp_path, demo)
    assert (silent.kind, silent.values["operator"]) == ("feed_operator", "South")
    assert (told.kind, told.values["operators"], told.values["date"]) == ("feed_cards", "North", f"{END - DAY:%Y-%m-%d}")
    assert 20 <= told.values["absent"] <= 35 <= told.values["steady"] <= 60


def test_an_operators_file_that_did_not_come_is_told_of_it_alone(
    frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path
) -> None:
    calls, day = frames["calls"], END - 4 * DAY
    lost = (calls["started_at"].dt.normalize() == day) & (calls["card_id"] >= "0060") & (calls["card_id"] != "0061")
    [told] = alarms(without(frames, lost), tmp_path, demo)
    assert (told.kind, told.values["operators"], told.values["date"]) == ("feed_cards", "South", f"{day:%Y-%m-%d}")


def test_an_export_made_in_the_afternoon_is_told_with_the_time(frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path) -> None:
    calls, day = frames["calls"], END - 3 * DAY
    [told] = alarms(without(frames, calls["started_at"].between(day + pd.Timedelta(hours=15), day + DAY)), tmp_path, demo)
    assert (told.kind, told.values["date"], told.values["time"]) == ("feed_cut", f"{day:%Y-%m-%d}", "15:00")
    assert "15:00" in told.sentence("zh-Hant")
    assert alarms(without(frames, calls["started_at"].between(day + pd.Timedelta(hours=18), day + DAY)), tmp_path, demo) == []


def test_blocked_and_closed_cards_are_not_missed(frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path) -> None:
    """A sweep of an operator stops half its cards: what they no longer call is no fault of the export."""
    calls, stopped = frames["calls"], [f"{n:04d}" for n in range(40)]
    at = END - 2 * DAY + pd.Timedelta(hours=1)
    blocks = pd.DataFrame({"card_id": stopped, "blocked_at": at, "kind": "full_stop"})
    assert (
        alarms({**without(frames, calls["card_id"].isin(stopped) & (calls["started_at"] > at)), "blocks": blocks}, tmp_path, demo)
        == []
    )


def test_rows_that_come_a_day_late_are_waited_for(frames: dict[str, pd.DataFrame], tmp_path: Path, demo: Path) -> None:
    """Of half the cards yesterday's calls are always still to come: so they were a week ago, and none is missed."""
    calls = frames["calls"]
    late = calls.assign(available_at=calls["started_at"] + pd.to_timedelta((calls["card_id"] >= "0030").astype(int), unit="D"))
    known = late[late["available_at"] < END]
    assert alarms({**frames, "calls": known}, tmp_path, demo) == []


def test_drift_of_a_morning_whose_feeds_are_broken_trains_nothing() -> None:
    def renewing(*kinds: str) -> list[str]:
        found = Findings("2026-03-02", {"all": Result(tuple(Alarm(kind, {}) for kind in kinds))})
        return [alarm.kind for alarm in _renewing(found)]

    assert renewing("drift", "policy") == ["drift", "policy"]
    assert renewing("drift", "drift_score", "policy_region", "feed_cut") == ["policy_region"]
    assert renewing("feed_silent") == []


@pytest.mark.long
@pytest.mark.parametrize("team_off", [0.0, 0.05])
def test_whole_days_give_no_alarm_in_two_hundred_mornings(team_off: float, tmp_path: Path, demo: Path) -> None:
    """Cards that stay away on one day in five, and teams of ten that are off together one day in twenty."""
    told = [
        alarm for seed in range(200 // RECENT_DAYS) for alarm in alarms(world(seed, present=0.8, team_off=team_off), tmp_path, demo)
    ]
    assert len(told) <= 1, told
