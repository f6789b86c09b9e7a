"""Advice: a closed list of lawful actions, their effect by the real model on tables that are changed consistently."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from explaining import AS_OF, RISKY, frames, hand_made, small_tables, small_world

from blockrisk.features import at_risk, catalogue, read_tables, vectors
from blockrisk.features.intake import Tables
from blockrisk.models.bundle import save_bundle
from blockrisk.serving import load_model, predict
from blockrisk.serving.actions import ACTIONS, find_action
from blockrisk.serving.advice import _advice, advise, fill_advice, interval
from blockrisk.serving.explanation import Advice
from blockrisk.serving.predict import risk_vectors
from blockrisk.serving.projection import AHEAD, project
from blockrisk.serving.whatif import BEFORE, Outlook, _is_of_the_week, _scenarios, _vectors, look_ahead, open_actions

LAWFUL = {
    "call_less_half", "call_less_quarter", "other_channels", "permitted_hours", "clean_dead_numbers", "repeat_less",
    "answer_complaints", "declare_offsite", "use_at_home", "pay_due", "update_registration", "one_handset", "no_unwanted_texts",
    "stop_on_warning", "consent_only", "train_agents", "written_rules", "check_rules", "ask_when_unclear",
}  # fmt: skip
BANNED = re.compile(
    "|".join(
        (
            r"spread|split the|rotat|swap|another (card|number|operator)|other (card|number|operator)s?\b|new (card|number)",
            r"more cards|change (the )?number|just (under|below)|stay under|limit|threshold|avoid detection|evade|bypass",
            r"get around|hide|mask|spoof|proxy|random|interval|gap|pause|lenient|strict|vpn|gateway",
            "換卡|换卡|換號|换号|更換|更换|輪換|轮换|輪流|轮流|分散|多張卡|多张卡|另一張|另一张|其他卡|其他號|其他号",
            "其他運營商|其他运营商|新卡|新號|新号|改號|改号|隱藏|隐藏|規避|规避|逃避|繞過|绕过|躲|偽裝|伪装|限額|限额",
            "間隔|间隔|隨機|随机|寬鬆|宽松|低於|低于|虛擬|虚拟|小號|小号",
        )
    ),
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return risk_vectors(small_tables(), hand_made(), [AS_OF])


@pytest.fixture(scope="module")
def outlook(frame: pd.DataFrame) -> Outlook:
    open_to = open_actions(small_tables(), frame["card_id"].tolist(), AS_OF)
    return look_ahead(small_tables(), hand_made(), frame, open_to, AS_OF)


def test_the_list_is_the_closed_list_of_lawful_actions() -> None:
    assert {action.code for action in ACTIONS} == LAWFUL
    assert len(ACTIONS) == len(LAWFUL)


def texts() -> Iterator[str]:
    for action in ACTIONS:
        yield from action.text.values()


def test_no_text_holds_a_banned_term_or_a_digit_in_any_language() -> None:
    for text in texts():
        assert not BANNED.search(text), text
        assert not re.search(r"\d", text), text


@pytest.mark.parametrize(
    "bad", ["spread the calls over more cards", "stay just under the limit", "換卡", "更换号码", "绕过限额", "vary the gaps"]
)
def test_the_scan_finds_what_is_banned(bad: str) -> None:
    assert BANNED.search(bad)


@pytest.mark.parametrize("wanted", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_generated_advices_are_all_on_the_list_and_name_no_card_number_or_operator(wanted: int) -> None:
    rng = np.random.default_rng(0)
    codes = [action.code for action in ACTIONS if action.change]
    cards = small_world().tables["cards"]
    names = {*cards["card_id"], *cards["operator"], *cards["home_region"], *small_world().tables["calls"]["callee"].head(2000)}
    counted, distinct = 0, set()
    while counted < wanted:
        chance = np.append(0.5, rng.uniform(0, 0.5, len(codes)))
        copies = pd.DataFrame({"action": [BEFORE, *codes], "probability": chance, "calls_out": rng.uniform(0, 400, len(chance))})
        given = _advice(copies, 0.01)
        counted += len(given)
        assert {advice.code for advice in given} <= LAWFUL
        distinct |= {text for advice in given for text in advice.text.values()}
    assert distinct <= set(texts())
    assert not any(str(name) in text for text in distinct for name in names)


def test_only_what_lowers_the_probability_is_shown_ordered_by_effect() -> None:
    copies = pd.DataFrame(
        {
            "action": [BEFORE, "call_less_quarter", "pay_due", "repeat_less", "answer_complaints"],
            "probability": [0.2, 0.1, 0.05, 0.21, 0.199],
            "calls_out": [100.0, 75.0, 100.0, 90.0, 100.0],
        }
    )
    given = _advice(copies, 0.01)
    assert [advice.code for advice in given] == ["pay_due", "call_less_quarter"]
    assert [advice.calls_given_up for advice in given] == [None, 25.0]
    assert _advice(copies[copies["probability"] >= 0.199], 0.01) == ()


def test_the_interval_holds_the_forecast_and_excludes_no_effect_only_where_it_is_firm() -> None:
    for without in (1e-5, 0.003, 0.2, 0.9):
        for share in (0.01, 0.4, 0.97):
            for firm in (True, False):
                low, high = interval(without, without * share, firm=firm)
                assert 0 <= low <= without * share <= high <= without
                assert (high < without) == firm


def test_an_action_is_open_only_to_a_card_that_it_concerns(frame: pd.DataFrame) -> None:
    tables = small_tables()
    found = open_actions(tables, frame["card_id"].tolist(), AS_OF)
    columns = sorted({column for action in ACTIONS for column, _ in action.opens} - {"warnings_7d"}) + ["distinct_callees_7d"]
    rows = vectors(tables, frame[["card_id", "as_of"]], columns).set_index("card_id")
    for card, actions in found.items():
        codes = {action.code for action in actions}
        assert ("pay_due" in codes) == (rows.loc[card, "arrears_amount"] > 0)
        assert ("answer_complaints" in codes) == (rows.loc[card, "open_complaints"] > 0)
        assert ("permitted_hours" in codes) == (rows.loc[card, "off_hours_calls_7d"] > 0)
    everything = {action.code for actions in found.values() for action in actions}
    assert everything <= {action.code for action in ACTIONS if action.change}
    assert len(everything) >= 9


def pair(outlook: Outlook, action: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the vectors with an action and those going on as before, of the cards it is open to."""
    copies = outlook.copies
    with_it = copies[copies["action"] == action]
    before = copies[(copies["action"] == BEFORE) & copies["card_id"].isin(set(with_it["card_id"]))]
    assert with_it["card_id"].tolist() == before["card_id"].tolist()
    assert len(with_it)
    return outlook.frame.loc[with_it.index].reset_index(drop=True), outlook.frame.loc[before.index].reset_index(drop=True)


@pytest.mark.parametrize(
    ("action", "column"),
    [
        ("call_less_half", "calls_out_7d"),
        ("call_less_quarter", "calls_out_7d"),
        ("other_channels", "distinct_callees_7d"),
        ("permitted_hours", "off_hours_calls_7d"),
        ("clean_dead_numbers", "invalid_number_ratio_7d"),
        ("repeat_less", "repeat_dial_24h_max_7d"),
        ("answer_complaints", "open_complaints"),
        ("use_at_home", "offsite_call_ratio_7d"),
        ("pay_due", "arrears_amount"),
        ("update_registration", "registration_age_days"),
        ("no_unwanted_texts", "sms_out_7d"),
    ],
)
def test_each_action_changes_what_it_is_about_and_never_for_the_worse(outlook: Outlook, action: str, column: str) -> None:
    after, before = pair(outlook, action)
    assert (after[column] <= before[column]).all()
    assert (after[column] < before[column]).any()


def test_shares_of_volume_are_taken_and_counts_maxima_and_callees_fall_together(frame: pd.DataFrame) -> None:
    tables = small_tables()
    busy = frame[frame["calls_out_7d"] >= 80].reset_index(drop=True)
    actions = {card: (find_action("call_less_half"), find_action("call_less_quarter")) for card in busy["card_id"]}
    copies = look_ahead(tables, hand_made(), busy, actions, AS_OF).copies
    calls = copies.pivot_table(index="card_id", columns="action", values="calls_out")
    assert (calls["call_less_half"] / calls[BEFORE]).between(0.42, 0.58).all()
    assert (calls["call_less_quarter"] / calls[BEFORE]).between(0.67, 0.83).all()


def test_going_on_as_before_repeats_the_last_week(outlook: Outlook, frame: pd.DataFrame) -> None:
    before = outlook.copies[outlook.copies["action"] == BEFORE]
    ahead = outlook.frame.loc[before.index].reset_index(drop=True)
    now = frame.set_index("card_id").loc[before["card_id"]].reset_index()
    settled = (now["calls_out_7d"] > 0).to_numpy()
    for column in ("calls_out_7d", "off_hours_calls_7d", "invalid_number_ratio_7d", "distinct_callees_7d"):
        assert np.median(np.abs(ahead[column][settled] - now[column][settled])) == pytest.approx(0, abs=1e-9), column
    assert (ahead["operator_block_rate_14d"] == now["operator_block_rate_14d"]).all()
    assert (ahead["registration_age_days"] - now["registration_age_days"]).dropna().round(6).eq(7).all()


def test_columns_of_the_week_need_no_calls_before_it(frame: pd.DataFrame) -> None:
    columns = [name for name in catalogue.columns() if _is_of_the_week(name)]
    assert {"repeat_dial_24h_max_7d", "calls_out_max_roll60_7d", "interevent_median_s_7d", "city_changes_7d"} <= set(columns)
    open_to = open_actions(small_tables(), frame["card_id"].tolist(), AS_OF)
    scenarios = _scenarios(small_tables(), frame, open_to, pd.Timestamp(AS_OF))
    whole = _vectors(small_tables(), scenarios, columns, history=True)
    pd.testing.assert_frame_equal(_vectors(small_tables(), scenarios, columns, history=False), whole)
    assert whole[columns].notna().any().all()


def erased(day: pd.Timestamp) -> Tables:
    """Read the small world without anything that was not known at `day`."""
    found = frames()
    for name, event in (
        ("calls", "started_at"),
        ("complaints", "available_at"),
        ("payments", "due_at"),
        ("messages", "sent_at"),
        ("blocks", "blocked_at"),
    ):
        found[name] = found[name][found[name][event] < day]
    found["calls"] = found["calls"][~(found["calls"]["available_at"] >= day)]
    for name, column in (
        ("complaints", "resolved_at"),
        ("payments", "paid_at"),
        ("blocks", "unblocked_at"),
        ("cards", "closed_at"),
        ("cards", "registration_checked_at"),
    ):
        later = found[name][column] >= day
        found[name][column] = found[name][column].where(~later)
        if name == "payments":
            found[name]["amount_paid"] = found[name]["amount_paid"].where(~later)
    return read_tables(found)


def test_what_is_not_known_yet_changes_no_advice() -> None:
    early = pd.Timestamp("2025-02-10")
    full = risk_vectors(small_tables(), hand_made(), [early]).head(12)
    told = advise(small_tables(), hand_made(), full, early)
    assert any(told.values())
    assert advise(erased(early), hand_made(), full, early) == told


@pytest.mark.long
def test_one_card_alone_gets_the_advice_it_gets_among_others(frame: pd.DataFrame) -> None:
    together = advise(small_tables(), hand_made(), frame, AS_OF)
    for place in (0, 5, 11):
        alone = advise(read_tables(frames()), hand_made(), frame.iloc[[place]], AS_OF)
        assert alone == {frame["card_id"][place]: together[frame["card_id"][place]]}


def test_another_model_at_the_same_path_gives_its_own_advice(frame: pd.DataFrame, tmp_path: Path) -> None:
    first, tables, asked = hand_made().bundle, read_tables(frames()), frame.head(3)
    told = []
    for intercept in (first.model.intercept, first.model.intercept + 1):
        model = replace(first.model, intercept=intercept)
        save_bundle(tmp_path / "m", model, first.manifest, reference={}, replace=True)
        told.append(advise(tables, load_model(tmp_path / "m"), asked, AS_OF))
    assert told[1] == advise(read_tables(frames()), load_model(tmp_path / "m"), asked, AS_OF) != told[0]


def test_the_projection_leaves_the_data_set_as_it_was(frame: pd.DataFrame) -> None:
    tables = read_tables(frames())
    digest = tables.digest()
    advise(tables, hand_made(), frame.head(5), AS_OF)
    assert tables.digest() == digest
    again = risk_vectors(tables, hand_made(), [AS_OF])
    pd.testing.assert_frame_equal(again, frame)


def test_a_card_of_two_days_and_one_without_calls_are_projected_too() -> None:
    cards = pd.DataFrame(
        [["new", "A", "X", "2025-02-23 08:00"], ["idle", "A", "X", "2024-01-01"]],
        columns=["card_id", "operator", "home_region", "activated_at"],
    )
    calls = pd.DataFrame(
        [["new", f"2025-02-24 09:{minute:02d}", f"c{minute}", 30] for minute in range(30)],
        columns=["card_id", "started_at", "callee", "talk_s"],
    )
    tables = read_tables({"cards": cards, "calls": calls})
    frame = risk_vectors(tables, hand_made(), [AS_OF])
    actions = {card: (find_action("call_less_half"),) for card in frame["card_id"]}
    copies = look_ahead(tables, hand_made(), frame, actions, AS_OF).copies.set_index(["card_id", "action"])["calls_out"]
    assert copies["new", BEFORE] == 30
    assert copies["new", "call_less_half"] == 15
    assert copies["idle", BEFORE] == copies["idle", "call_less_half"] == 0


def test_late_rows_leave_no_hole_in_the_week_ahead() -> None:
    cards = pd.DataFrame([["late", "A", "X", "2024-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    days = pd.date_range("2025-01-20", "2025-02-24")
    calls = pd.DataFrame(
        {
            "card_id": "late",
            "started_at": days + pd.Timedelta(hours=10),
            "callee": [f"c{n}" for n in range(len(days))],
            "talk_s": 30,
        }
    )
    calls["available_at"] = calls["started_at"] + pd.Timedelta(days=1)
    tables = read_tables({"cards": cards, "calls": calls})
    frame = risk_vectors(tables, hand_made(), [AS_OF])
    copies = look_ahead(tables, hand_made(), frame, {"late": ()}, AS_OF).copies
    assert frame["calls_out_7d"].tolist() == [6.0]
    assert copies["calls_out"].tolist() == [pytest.approx(6 / 7)]


AWAY = pd.date_range("2025-02-10", "2025-02-24")


def away_by_calls() -> dict[str, pd.DataFrame]:
    """A card whose calls say that it is away from home."""
    calls = {"card_id": "away", "started_at": AWAY + pd.Timedelta(hours=10), "callee": "c", "talk_s": 30, "region": "Y"}
    return {"calls": pd.DataFrame(calls)}


def away_by_locations() -> dict[str, pd.DataFrame]:
    """The same card, placed by what was seen of it each evening, at last somewhere new; calls are told a day late."""
    calls = away_by_calls()["calls"].drop(columns="region").assign(available_at=AWAY + pd.Timedelta(hours=34))
    seen = pd.DataFrame({"card_id": "away", "observed_at": AWAY + pd.Timedelta(hours=20), "region": "Y"})
    last = pd.DataFrame({"card_id": "away", "observed_at": [AWAY[-1] + pd.Timedelta(hours=21)], "region": "W"})
    return {"calls": calls, "locations": pd.concat([seen, last])}


@pytest.mark.parametrize("places", [away_by_calls, away_by_locations])
def test_declaring_off_site_use_covers_the_week_ahead(places: Callable[[], dict[str, pd.DataFrame]]) -> None:
    cards = pd.DataFrame([["away", "A", "X", "2024-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    notices = pd.DataFrame([["away", "Z", "2025-01-01"]], columns=["card_id", "region", "valid_from"])
    tables = read_tables({"cards": cards, "roaming_notices": notices, **places()})
    frame = risk_vectors(tables, hand_made(), [AS_OF])
    assert find_action("declare_offsite") in open_actions(tables, ["away"], AS_OF)["away"]
    told = look_ahead(tables, hand_made(), frame, {"away": (find_action("declare_offsite"), find_action("use_at_home"))}, AS_OF)
    undeclared = dict(zip(told.copies["action"], told.frame["undeclared_offsite_ratio_7d"], strict=True))
    offsite = dict(zip(told.copies["action"], told.frame["offsite_call_ratio_7d"], strict=True))
    assert undeclared[BEFORE] == offsite[BEFORE] == offsite["declare_offsite"] == 1
    assert undeclared["declare_offsite"] == 0
    assert offsite["use_at_home"] < 0.2


def test_keeping_one_handset_stops_the_changes_of_handset() -> None:
    cards = pd.DataFrame([["two", "A", "X", "2024-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    days = pd.date_range("2025-01-01", "2025-02-24")
    handsets = ["old" if day < days[-3] else "new" for day in days]
    calls = pd.DataFrame(
        {"card_id": "two", "started_at": days + pd.Timedelta(hours=10), "callee": "c", "talk_s": 30, "imei": handsets}
    )
    tables = read_tables({"cards": cards, "calls": calls})
    model = hand_made()
    frame = vectors(tables, pd.DataFrame({"card_id": ["two"], "as_of": [pd.Timestamp(AS_OF)]}), model.columns)
    with project_of(tables, frame, "one_handset") as ahead:
        used = ahead.execute("select action, imei, count(*) from calls where ahead group by all order by all").fetchall()
    assert used == [("", "new", 3), ("", "old", 4), ("one_handset", "old", 7)]


@contextmanager
def project_of(tables: Tables, frame: pd.DataFrame, code: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the connection that holds the projected tables of one action."""
    scenarios = _scenarios(tables, frame, {card: (find_action(code),) for card in frame["card_id"]}, pd.Timestamp(AS_OF))
    ahead = project(tables, scenarios, (find_action(code),))
    yield ahead.con
    ahead.con.close()


def test_the_score_file_has_the_codes_of_the_capacity_list_and_no_others() -> None:
    scored = predict(small_tables(), model=hand_made(), as_of=["2025-02-24", AS_OF], advice=5)
    listed = scored["rank"].le(5) & (scored["as_of"] == pd.Timestamp(AS_OF))
    assert scored.loc[~listed, ["advice_1", "advice_2", "advice_3"]].isna().all(axis=None)
    assert scored.loc[listed, "advice_1"].notna().any()
    told = advise(small_tables(), hand_made(), risk_vectors(small_tables(), hand_made(), [AS_OF]), AS_OF)
    for row in scored[listed].itertuples():
        codes = [advice.code for advice in told[str(row.card_id)]][:3]
        assert [code for code in (row.advice_1, row.advice_2, row.advice_3) if isinstance(code, str)] == codes


def test_a_score_without_cards_stays_empty() -> None:
    none = predict(small_tables(), model=hand_made(), as_of="2000-01-01", advice=5)
    assert none.empty
    assert fill_advice(none, {}, "2000-01-01").empty
    assert advise(small_tables(), hand_made(), risk_vectors(small_tables(), hand_made(), ["2000-01-01"]), "2000-01-01") == {}


def test_advice_bounds_are_kept_for_every_card(frame: pd.DataFrame) -> None:
    for given in advise(small_tables(), hand_made(), frame, AS_OF).values():
        assert all(isinstance(advice, Advice) for advice in given)
        for advice in given:
            assert 0 <= advice.low <= advice.probability_with <= advice.high <= advice.probability_without
            assert (advice.calls_given_up is not None) == find_action(advice.code).gives_up
            assert advice.calls_given_up is None or advice.calls_given_up >= 0


def test_risky_columns_are_features() -> None:
    assert set(RISKY) <= set(vectors(small_tables(), at_risk(small_tables(), [AS_OF]).head(1)).columns)


def test_a_card_that_goes_on_as_before_is_a_week_ahead_what_it_is_now_though_some_of_its_calls_come_late() -> None:
    """A fifth of the calls is known two days later; texts and places are known at once."""
    now = pd.Timestamp(AS_OF)
    days = pd.date_range("2025-01-01", now - pd.Timedelta(days=1))
    cards = pd.DataFrame([["1", "A", "X", "2024-01-01"]], columns=["card_id", "operator", "home_region", "activated_at"])
    calls = pd.DataFrame(
        [(at + pd.Timedelta(hours=9, minutes=n), f"c{n}", 2 * (n < 4)) for at in days for n in range(20)],
        columns=["started_at", "callee", "late"],
    )
    calls["available_at"] = calls["started_at"] + pd.to_timedelta(calls.pop("late"), unit="D")
    texts = pd.DataFrame(
        [(at + pd.Timedelta(hours=10), f"r{n}") for at in days for n in range(5)], columns=["sent_at", "recipient"]
    )
    tables = read_tables({"cards": cards, "calls": calls.assign(card_id="1", talk_s=30), "messages": texts.assign(card_id="1")})
    copy = pd.DataFrame([("0", "1", "", 0, 1440)], columns=["copy_id", "card_id", "action", "permitted_from", "permitted_to"])
    copy["as_of"] = pd.array([now], dtype="datetime64[us]")
    columns = ["calls_out_1d", "calls_out_7d", "sms_out_7d", "distinct_callees_7d"]
    week = pd.Timedelta(days=AHEAD)
    projected = vectors(project(tables, copy, ()), pd.DataFrame({"card_id": ["0"], "as_of": [now + week]}), columns)
    today = vectors(tables, pd.DataFrame({"card_id": ["1"], "as_of": [now]}), columns)
    assert projected[columns].values.tolist() == today[columns].values.tolist()
