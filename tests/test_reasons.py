"""Reasons: what raises the risk and nothing else, in sentences with the card's own numbers."""

from collections.abc import Iterator
from dataclasses import replace
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from explaining import AS_OF, RISKY, USUAL, hand_made, random_forecast, small_tables, without_means

from blockrisk.features import UserError, at_risk, catalogue, vectors
from blockrisk.features.feature import FAMILIES
from blockrisk.features.tables import LIMIT_QUANTITIES
from blockrisk.serving import predict
from blockrisk.serving.actions import ACTIONS
from blockrisk.serving.explain_text import WORDS
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.languages import in_languages
from blockrisk.serving.limits_on_file import limits_on_file
from blockrisk.serving.predict import Model
from blockrisk.serving.reason_texts import CLAUSES
from blockrisk.serving.reasons import LEAST, reasons_of, split_margin

UNVERIFIED = {"daily_calls": (300.0, False), "per_callee_24h": (3.0, False), "permitted_to": (1260.0, False)}


def told(values: dict[str, float], limits: dict[str, tuple[float, bool]] | None = None) -> dict[str, str]:
    """Give the reasons of one card in English, by code."""
    model = hand_made()
    frame = pd.DataFrame([{name: values.get(name, USUAL[name]) for name in RISKY}])
    _, addends = split_margin(frame, model)
    row = {**frame.iloc[0].to_dict(), **values}
    return {reason.code: reason.text["en"] for reason in reasons_of(row, addends[0], model, limits)}


def test_a_sentence_has_the_numbers_of_the_card_and_says_where_a_limit_is_unverified() -> None:
    numbers = {"calls_out_1d": 312.0, "calls_out_max_day_7d": 312.0, "complaints_30d": 4.0, "open_complaints": 2.0}
    assert told(numbers, UNVERIFIED) == {
        "call_frequency": "312 calls yesterday, over the daily limit on file (unverified)",
        "complaints": "4 complaints in 30 days, 2 open",
    }


def test_a_limit_that_the_operator_confirmed_is_not_called_unverified() -> None:
    found = told({"calls_out_1d": 312.0}, {"daily_calls": (300.0, True)})
    assert found["call_frequency"] == "312 calls yesterday, over the daily limit on file"


def test_calls_at_the_limit_are_not_over_it() -> None:
    found = told({"calls_out_1d": 300.0, "calls_out_max_day_7d": 300.0}, UNVERIFIED)
    assert found["call_frequency"] == "300 calls yesterday, at most 300 on one of the last 7 days"


def test_one_is_singular() -> None:
    found = told({"complaints_30d": 1.0, "open_complaints": 1.0, "arrears_amount": 80.0, "arrears_days": 1.0})
    assert found["complaints"] == "1 complaint in 30 days, 1 open"
    assert found["arrears"] == "80.00 owed, 1 day past due"


def test_a_column_without_a_clause_that_holds_is_told_by_its_meaning() -> None:
    found = told({"sms_out_7d": 0.4})
    assert found == {}
    assert told({"operator_block_rate_14d": 5.0})["operator"].endswith("over 14 days: 5")


def test_a_factor_that_lowers_the_risk_is_never_a_reason() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.uniform(0, 1.5 * high, 400) for name, (_, high) in RISKY.items()})
    scored = predict(frame, model=hand_made(), reasons=True)
    seen = 0
    for row in scored.to_dict("records"):
        codes = [row[f"reason_{n}"] for n in (1, 2, 3) if isinstance(row[f"reason_{n}"], str)]
        sums = {name: row[f"contribution_{name}"] for name in FAMILIES if f"contribution_{name}" in row}
        assert all(sums[code] >= LEAST for code in codes)
        assert codes == sorted(codes, key=lambda code: -sums[code])
        assert all(value < LEAST or len(codes) == 3 for name, value in sums.items() if name not in codes)
        seen += len(codes)
    assert seen > 800
    calm = predict(pd.DataFrame([dict.fromkeys(RISKY, 0.0)]), model=hand_made())
    assert calm[["reason_1", "reason_2", "reason_3"]].isna().all(axis=None)


def test_base_and_family_contributions_add_up_to_the_log_odds_of_the_probability() -> None:
    due = at_risk(small_tables(), [AS_OF])
    scored = predict(vectors(small_tables(), due, list(RISKY)), model=hand_made(), reasons=True)
    parts = [name for name in scored if str(name).startswith("contribution_")]
    margin = scored["base"] + scored[parts].sum(axis=1)
    assert np.abs(np.log(scored["probability"] / (1 - scored["probability"])) - margin).max() < 1e-6
    plain = predict(vectors(small_tables(), due, list(RISKY)), model=hand_made())
    assert plain["probability"].tolist() == scored["probability"].tolist()
    assert plain["reason_1"].fillna("").tolist() == scored["reason_1"].fillna("").tolist()


def test_a_bundle_of_ready_made_vectors_tells_its_own_columns() -> None:
    forecast, values = random_forecast(2)
    manifest = {"kind": "vectors", "base_rate": 0.01, "text_columns": [], "columns": forecast.columns}
    model = Model(replace(hand_made().bundle, manifest=manifest, model=forecast))
    scored = predict(pd.DataFrame(values, columns=forecast.columns), model=model, reasons=True)
    assert set(scored["reason_1"].dropna()) <= set(forecast.columns)
    assert scored["reason_1"].notna().any()
    _, addends = split_margin(pd.DataFrame(values, columns=forecast.columns), model)
    reasons = [
        reason
        for row, added in zip(values, addends, strict=True)
        for reason in reasons_of(dict(zip(forecast.columns, row, strict=True)), added, model)
    ]
    assert {reason.text["en"].split(":")[0] for reason in reasons} == {reason.code for reason in reasons}


def test_a_bundle_without_training_means_leaves_reasons_empty_and_explains_nothing() -> None:
    old = without_means(hand_made())
    busy = pd.DataFrame([{name: high for name, (_, high) in RISKY.items()}])
    assert predict(busy, model=old)["reason_1"].isna().all()
    with pytest.raises(UserError, match="train it again"):
        predict(busy, model=old, reasons=True)


def test_limits_of_the_data_set_override_the_packaged_ones_and_say_whether_they_are_confirmed() -> None:
    from blockrisk.features import read_tables

    cards = pd.DataFrame(
        [["1", "A", "X", "2025-01-01"], ["2", "B", "X", "2025-01-01"]],
        columns=["card_id", "operator", "home_region", "activated_at"],
    )
    calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
    limits = pd.DataFrame([["A", "daily_calls", "150", "yes"]], columns=["operator", "quantity", "value", "verified"])
    found = limits_on_file(read_tables({"cards": cards, "calls": calls, "limits": limits}), ["1", "2"], "2025-01-03")
    assert found["1"]["daily_calls"] == (150.0, True)
    assert found["2"]["daily_calls"] == (300.0, False)
    assert found["1"]["permitted_from"] == (480.0, False)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_clauses_name_columns_of_their_family_and_limits_that_there_are() -> None:
    families = catalogue.families()
    for clause in CLAUSES:
        assert fields(clause.en) - {"unverified"} <= set(families) | set(LIMIT_QUANTITIES), clause.en
        assert fields(clause.hant) <= fields(clause.en), clause.hant
        assert {families[column] for column in clause.about} == {clause.family}, clause.en
        assert ("unverified" in fields(clause.en)) == ("unverified" in fields(clause.hant)) == (clause.limit is not None)
        assert clause.limit is None or clause.limit in LIMIT_QUANTITIES
    assert {clause.family for clause in CLAUSES} == set(FAMILIES)


def all_texts() -> Iterator[dict[str, str]]:
    yield from (dict(in_languages(clause.hant, clause.en)) for clause in CLAUSES)
    yield from (dict(action.text) for action in ACTIONS)
    yield from (dict(words) for words in WORDS.values())
    yield from (dict(in_languages(feature.zh, feature.en)) for feature in catalogue.FEATURES)


def test_every_text_is_in_each_script_and_not_in_the_other() -> None:
    for text in all_texts():
        assert set(text) == set(LANGUAGES)
        assert text["en"].isascii(), text["en"]
        text["zh-Hans"].encode("gb2312")
        text["zh-Hant"].encode("big5hkscs")
