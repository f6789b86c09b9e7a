"""The store of daily rows: with it the vectors are those of a run without it, to the bit, whatever happened since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pandas as pd
import pytest
from ledgers import AS_OF, DAY, START, Dataset, random_dataset, without
from pandas.testing import assert_frame_equal
from test_feature_oracle import agree, expected_rows

from blockrisk.features import (
    Tables,
    UserError,
    at_risk,
    catalogue,
    daily_manifest,
    daily_store,
    prepare,
    prepare_rows,
    read_tables,
    vectors,
)
from blockrisk.features.intake import account_lines

STRANGER = "card-00"


def write(folder: Path, data: Dataset) -> None:
    """Write a data set whose calls come in one file a week; the files that are there already stay as they are."""
    (folder / "calls").mkdir(parents=True, exist_ok=True)
    for name, frame in data.frames().items():
        if name != "calls":
            frame.to_csv(folder / f"{name}.csv", index=False)
            continue
        for week, rows in frame.groupby(frame["started_at"].dt.floor("7D")):
            path = folder / "calls" / f"{week:%Y-%m-%d}.csv"
            text = rows.to_csv(index=False)
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def asked(data: Dataset) -> pd.DataFrame:
    pairs = [(row["card_id"], day) for day in data.as_of for row in data.tables["cards"]]
    return pd.DataFrame(pairs, columns=["card_id", "as_of"]).astype({"as_of": "datetime64[us]"})


FEW = ("calls_out_7d", "interevent_median_s_7d", "callee_entropy_30d", "offsite_call_ratio_7d", "repeat_dial_24h_max_7d")
ALL = tuple(catalogue.columns())


def same_as_without(folder: Path, kept: Path, data: Dataset, names: tuple[str, ...] = FEW, threads: int = 2) -> Tables:
    tables = read_tables(folder, store=kept, threads=threads)
    got = vectors(tables, asked(data), names)
    assert_frame_equal(got, vectors(read_tables(folder), asked(data), names), check_exact=True)
    return tables


def made(kept: Path) -> dict[str, dict[str, str]]:
    """Name the files of daily rows by day."""
    days = json.loads((kept / "daily.json").read_text(encoding="utf-8"))["days"]
    return {day: {name: one["name"] for name, one in entry["files"].items()} for day, entry in days.items()}


def world(seed: int, *, near: bool = False) -> Dataset:
    """Make a world in which a stranger calls too; `near`: the calls of nine days."""
    data = random_dataset(seed, cards=5, dates=2, whole=True)
    cards = [row for row in data.tables["cards"] if row["card_id"] != STRANGER]
    calls = [row for row in data.tables["calls"] if not near or -6 * DAY <= row["started_at"] - START < 3 * DAY]
    return Dataset({**data.tables, "cards": cards, "calls": calls}, data.columns, (START, START + DAY) if near else data.as_of)


def late_rows(data: Dataset, rng: Random) -> Dataset:
    some = rng.sample(data.tables["calls"], 3)
    late = [row | {"callee": "late", "available_at": row["started_at"] + rng.choice([1, 3]) * DAY} for row in some]
    return data.having(calls=data.tables["calls"] + late)


def a_card_that_called_before_it_was_known(data: Dataset, rng: Random) -> Dataset:
    card = {"card_id": STRANGER, "operator": "B", "home_region": "y", "activated_at": START - 400 * DAY}
    return data.having(cards=[card, *data.tables["cards"]])


def a_new_card_with_a_call(data: Dataset, rng: Random) -> Dataset:
    card = {"card_id": "a-new-one", "operator": "A", "home_region": "x", "activated_at": START - 2 * DAY}
    call = rng.choice(data.tables["calls"]) | {"card_id": "a-new-one"}
    return data.having(cards=[card, *data.tables["cards"]], calls=[*data.tables["calls"], call])


def a_card_moved_home(data: Dataset, rng: Random) -> Dataset:
    first, *rest = data.tables["cards"]
    home = {"x": "y", "y": "z", "z": "x"}[first["home_region"]]
    return data.having(cards=[first | {"home_region": home}, *rest])


def a_notice_told_late(data: Dataset, rng: Random) -> Dataset:
    notices = [
        {"card_id": row["card_id"], "region": region, "valid_from": START - 20 * DAY, "valid_to": START - 3 * DAY}
        for row in data.tables["cards"][:3]
        for region in "xyz"
    ]
    return data.having(roaming_notices=data.tables["roaming_notices"] + notices)


def a_notice_withdrawn(data: Dataset, rng: Random) -> Dataset:
    return data.having(roaming_notices=data.tables["roaming_notices"][1:])


def a_limit_of_the_past_changed(data: Dataset, rng: Random) -> Dataset:
    names = {"daily_calls": "0", "per_callee_24h": rng.choice("01"), "per_callee_5min": "0", "permitted_to": "11"}
    rows = [
        {"operator": operator, "region": None, "valid_from": START - rng.choice([5, 30]) * DAY, "quantity": name, "value": value}
        for name, value in names.items()
        for operator in "ABC"
    ]
    return data.having(limits=data.tables["limits"] + rows)


def a_place_observed(data: Dataset, rng: Random) -> Dataset:
    calls = [row for row in data.tables["calls"] if row["region"] is None]
    places = [
        {"card_id": row["card_id"], "observed_at": row["started_at"] - DAY * rng.choice([0.2, 0.9]), "region": "z"} for row in calls
    ]
    return data.having(locations=data.tables["locations"] + places)


def calls_taken_away(data: Dataset, rng: Random) -> Dataset:
    gone = rng.choice(data.tables["calls"])["started_at"].date()
    return data.having(calls=[row for row in data.tables["calls"] if row["started_at"].date() != gone])


def a_call_changed(data: Dataset, rng: Random) -> Dataset:
    rows = list(data.tables["calls"])
    at = rng.randrange(len(rows))
    rows[at] = rows[at] | {"talk_s": 17.0, "callee": "another", "imei": "i9"}
    return data.having(calls=rows)


CHANGES: list[Callable[[Dataset, Random], Dataset]] = [
    late_rows,
    a_card_that_called_before_it_was_known,
    a_new_card_with_a_call,
    a_card_moved_home,
    a_notice_told_late,
    a_notice_withdrawn,
    a_limit_of_the_past_changed,
    a_place_observed,
    calls_taken_away,
    a_call_changed,
]


def after_many_changes(folder: Path, data: Dataset, seed: int, changes: int) -> None:
    """Change a world again and again, the store kept, and compare each time."""
    rng = Random(seed)
    write(folder / "data", data)
    same_as_without(folder / "data", folder / "kept", data, ALL)
    for change in rng.sample(CHANGES, changes):
        data = change(data, rng)
        for path in (folder / "data" / "calls").iterdir():
            path.unlink()
        write(folder / "data", data)
        same_as_without(folder / "data", folder / "kept", data, ALL)
        for date in data.as_of:  # alone, so that links suffice
            same_as_without(folder / "data", folder / "kept", Dataset(data.tables, data.columns, (date,)), ALL)


@pytest.mark.long
def test_random_changes_of_a_random_world(tmp_path: Path):
    after_many_changes(tmp_path, world(1, near=True), seed=1, changes=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_random_changes_of_many_random_worlds(tmp_path: Path, seed: int):
    after_many_changes(tmp_path, world(seed), seed, changes=len(CHANGES))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    data = late_rows(world(11, near=True), Random(3))
    folder = tmp_path_factory.mktemp("small") / "data"
    write(folder, data)
    return folder, data


@pytest.fixture(scope="module")
def filled(small: tuple[Path, Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, data = small
    vectors(read_tables(folder, store=tmp_path_factory.mktemp("filled") / "kept"), asked(data))
    return tmp_path_factory.getbasetemp() / "filled0" / "kept"


@pytest.fixture
def kept(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "kept"))


def test_daily_rows_that_are_kept_give_what_the_oracle_gives(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    got = vectors(read_tables(folder, store=kept), asked(data)).to_dict("records")
    names = catalogue.columns()
    wrong = [
        name
        for want, row in zip(expected_rows(data, names), got, strict=True)
        for name in names
        if not agree(want[name], row[name])
    ]
    assert wrong == []


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 8])
def test_any_number_of_threads_gives_the_same_files(small: tuple[Path, Dataset], kept: Path, tmp_path: Path, threads: int):
    folder, data = small
    same_as_without(folder, tmp_path / "other", data, ALL, threads)
    assert made(tmp_path / "other") == made(kept)


def test_calls_of_days_that_stand_are_not_read(small: tuple[Path, Dataset], tmp_path: Path):
    """Save those of cards whose calls became known out of order: here there are none."""
    data = without(small[1], {"calls.available_at"})
    write(tmp_path / "data", data)
    tables = same_as_without(tmp_path / "data", tmp_path / "kept", data, ALL)
    tables = read_tables(tmp_path / "data", store=tmp_path / "kept")
    for path in (tmp_path / "kept" / "days").iterdir():
        path.unlink()
    assert_frame_equal(vectors(tables, asked(data)), vectors(read_tables(tmp_path / "data"), asked(data)), check_exact=True)
    with pytest.raises(duckdb.IOException):
        prepare_rows(tables, asked(data), {"undeclared_calls": 30})


@pytest.mark.long
def test_calls_of_the_other_cards_are_not_read_for_one_whose_calls_came_out_of_order(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    tables = read_tables(folder, store=kept)
    vectors(tables, asked(data), FEW)
    [(late, cards)] = tables.con.execute(
        "select (select count(distinct card_no) from late_rows), (select count(*) from disordered)"
    ).fetchall()
    assert 0 < late <= cards < len(data.tables["cards"])


@pytest.mark.long
def test_only_the_days_that_are_touched_are_made_anew(small: tuple[Path, Dataset], kept: Path, monkeypatch: pytest.MonkeyPatch):
    folder, data = small
    before = made(kept)
    built: list[int] = []
    build = prepare.prepare_daily
    monkeypatch.setattr(prepare, "prepare_daily", lambda tables, low: (built.append(low), build(tables, low))[1])
    vectors(read_tables(folder, store=kept), asked(data), FEW)
    assert built == []
    day = next(iter(before))
    (kept / "rows" / before[day]["gaps_by_day"]).unlink()
    same_as_without(folder, kept, data)
    assert built == [int(day)]
    assert made(kept) == before


def test_one_call_more_makes_its_day_and_the_next_anew(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    before = made(kept)
    call = next(row for row in data.tables["calls"] if row["card_id"] != STRANGER)
    extra = folder / "calls" / "extra.csv"
    pd.DataFrame([call | {"talk_s": 999.0}]).to_csv(extra, index=False)
    same_as_without(folder, kept, data)
    extra.unlink()
    after, day = made(kept), (call["started_at"] - START.replace(year=1970, month=1, day=1)).days
    assert after[str(day)]["calls_by_day"] != before[str(day)]["calls_by_day"]
    others = before.keys() - {str(day), str(day + 1)}
    assert others
    assert all(after[one] == before[one] for one in others)


@pytest.mark.parametrize("name", ["shared_callees", "context"])
def test_a_damaged_file_of_daily_rows_is_made_anew_with_a_word(small: tuple[Path, Dataset], kept: Path, name: str):
    folder, data = small
    before = made(kept)
    path = kept / "rows" / list(before.values())[-1][name]
    damage(path)
    tables = same_as_without(folder, kept, data)
    assert "fail their checksum; the day is made anew" in account_lines(tables)[-1]
    assert made(kept) == before


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def test_damaged_callees_are_made_anew_once_a_later_day_is_linked_with_them(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    before = made(kept)
    damage(kept / "rows" / list(before.values())[0]["callees_by_day"])
    assert account_lines(same_as_without(folder, kept, data))[-1].startswith("limits:")
    call = max((row for row in data.tables["calls"] if row["card_id"] != STRANGER), key=lambda row: row["started_at"])
    extra = folder / "calls" / "extra.csv"
    pd.DataFrame([call | {"talk_s": 999.0}]).to_csv(extra, index=False)
    told = account_lines(same_as_without(folder, kept, data))[-1]
    extra.unlink()
    assert "fail their checksum; the day is made anew" in told
    assert list(made(kept).values())[0] == list(before.values())[0]


def test_links_of_a_morning_and_pairs_of_a_longer_period_are_not_taken_for_each_other(tmp_path: Path):
    """A pair that called 75 days apart is one to a window of 60 days, and none to a window of 30."""
    data = world(4)
    start = min(row["started_at"] for row in data.tables["calls"]).replace(hour=12, minute=0, second=0, microsecond=0)
    card = data.tables["cards"][0]["card_id"]
    model = data.tables["calls"][0] | {"card_id": card, "direction": "out", "available_at": None, "callee": "again"}
    data = data.having(
        calls=[row for row in data.tables["calls"] if row["card_id"] != card]
        + [model | {"started_at": start + days * DAY} for days in (10, 85)]
    )
    write(tmp_path / "data", data)
    tables, plain = read_tables(tmp_path / "data", store=tmp_path / "kept"), read_tables(tmp_path / "data")
    longer = ("new_callee_ratio_60d", "callee_entropy_60d")
    for days, names in (([100], longer), ([40], ALL), ([100], longer), ([40, 100], ALL)):
        as_of = pd.to_datetime([start.replace(hour=0) + one * DAY for one in days]).astype("datetime64[us]")
        asks = pd.DataFrame({"card_id": card, "as_of": as_of})
        assert_frame_equal(vectors(tables, asks, names), vectors(plain, asks, names), check_exact=True)


@pytest.mark.long
def test_lost_numbers_of_cards_make_all_days_anew_with_a_word(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    (kept / "rows" / json.loads((kept / "daily.json").read_text(encoding="utf-8"))["numbers"]["name"]).unlink()
    assert "card numbers is lost" in "".join(same_as_without(folder, kept, data).kept.notes)  # type: ignore[union-attr]


@pytest.mark.long
def test_other_rules_make_all_days_anew_with_a_word(small: tuple[Path, Dataset], kept: Path, monkeypatch: pytest.MonkeyPatch):
    folder, data = small
    monkeypatch.setattr(daily_manifest, "version", lambda name: "another")
    assert "another version of the features" in account_lines(same_as_without(folder, kept, data))[-1]
    monkeypatch.undo()
    (kept / "daily.json").write_text("{", encoding="utf-8")
    same_as_without(folder, kept, data)


@pytest.mark.long
def test_changed_limits_are_told_of(small: tuple[Path, Dataset], kept: Path, tmp_path: Path):
    _, data = small
    data = a_limit_of_the_past_changed(data, Random(0))
    write(tmp_path / "data", data)
    told = account_lines(same_as_without(tmp_path / "data", kept, data))[-1]
    assert "limits, notices or observed places of days already kept have changed" in told


def late_card(folder: Path, days: list[str]) -> pd.DataFrame:
    """Write a card whose calls came out of order, and which called one callee on these days; ask for it on 2025-02-10."""
    folder.mkdir()
    card = {"card_id": "001", "operator": "A", "home_region": "X", "activated_at": "2024-11-01"}
    pd.DataFrame([card]).to_csv(folder / "cards.csv", index=False)
    rows = [(f"{day} 09:00", "again", None) for day in days]
    rows += [("2025-02-02 09:00", "x", "2025-02-05 12:00"), ("2025-02-03 09:00", "y", None)]
    calls = pd.DataFrame(rows, columns=["started_at", "callee", "available_at"]).assign(card_id="001", talk_s=30)
    calls.to_csv(folder / "calls.csv", index=False)
    return pd.DataFrame({"card_id": ["001"], "as_of": pd.to_datetime(["2025-02-10"])})


def test_a_callee_that_comes_again_long_after_the_date_counts_once(tmp_path: Path):
    asks = late_card(tmp_path / "data", ["2025-02-01", "2025-04-01", "2025-04-02"])
    got = vectors(read_tables(tmp_path / "data", store=tmp_path / "kept"), asks, ALL)
    assert_frame_equal(got, vectors(read_tables(tmp_path / "data"), asks, ALL), check_exact=True)
    assert got["distinct_callees_30d"].tolist() == [3]


def test_rows_that_reach_further_back_than_links_are_told_beside_shorter_windows(tmp_path: Path):
    asks = late_card(tmp_path / "data", ["2024-12-05", "2025-02-01"])
    tables = read_tables(tmp_path / "data", store=tmp_path / "kept")
    prepare_rows(tables, asks, {"callee_spans": 7, "callee_days": 90})
    assert tables.con.execute("select count(*) from shared_callees").fetchall() == [(2,)]


def test_a_run_that_is_cut_off_leaves_the_state_before(small: tuple[Path, Dataset], kept: Path, monkeypatch: pytest.MonkeyPatch):
    folder, data = small
    before = (kept / "daily.json").read_bytes()
    for path in (kept / "rows").glob("gaps_by_day*"):
        path.unlink()
    tables = read_tables(folder, store=kept)
    for module, place in ((daily_store, "write_rows"), (daily_manifest, "write_json")):
        with monkeypatch.context() as cut:
            cut.setattr(module, place, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                vectors(tables, asked(data), FEW)
        assert (kept / "daily.json").read_bytes() == before
        tables = read_tables(folder, store=kept)
    same_as_without(folder, kept, data)


@pytest.mark.long
def test_damaged_calls_are_removed_and_read_anew(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    tables = read_tables(folder, store=kept)
    for path in (kept / "rows").glob("calls_by_day*"):
        path.unlink()
    path = sorted((kept / "days").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="run again"):
        vectors(tables, asked(data), FEW)
    assert not path.exists()
    same_as_without(folder, kept, data)


def test_another_connection_over_the_same_data_does_not_take_kept_rows(small: tuple[Path, Dataset], kept: Path):
    folder, data = small
    tables = read_tables(folder, store=kept)
    other = tables.con.cursor()
    other.execute("create temp table calls as select * from memory.main.calls limit 0")
    found = vectors(replace(tables, con=other), asked(data), ["calls_out_30d"])
    assert found["calls_out_30d"].sum() == 0 < vectors(tables, asked(data), ["calls_out_30d"])["calls_out_30d"].sum()


def test_a_callee_who_calls_back_on_the_same_day_is_seen_in_kept_rows(small: tuple[Path, Dataset], tmp_path: Path):
    """It is one kept row of two calls: one row is not always one call."""
    call = {"card_id": "card-01", "callee": "w", "talk_s": 9.0}
    calls = [call | {"started_at": START - DAY * back, "direction": way} for way, back in (("out", 0.6), ("in", 0.5))]
    data = Dataset({**small[1].tables, "calls": calls}, small[1].columns, (START,))
    write(tmp_path / "data", data)
    tables = same_as_without(tmp_path / "data", tmp_path / "kept", data, ALL)
    assert vectors(tables, asked(data), ["callback_ratio_30d"])["callback_ratio_30d"].max() == 1


def test_cards_at_risk_and_columns_in_part_from_a_store(small: tuple[Path, Dataset], kept: Path):
    folder, _ = small
    names = ["interevent_median_s_1d", "callee_entropy_30d"]
    frames = []
    for options in ({"store": kept}, {}):
        tables = read_tables(folder, **options)  # type: ignore[arg-type]
        vectors(tables, at_risk(tables, [START]), ["calls_out_1d"])
        frames.append(vectors(tables, at_risk(tables, AS_OF[:3]), names))
    assert_frame_equal(*frames, check_exact=True)
