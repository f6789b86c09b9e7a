"""Explanations: all that is told of a card, in one shape for programs and in three languages for people."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from explaining import AS_OF, RISKY, frames, hand_made, small_tables, small_world, without_means

from blockrisk.features import UserError, at_risk, read_tables
from blockrisk.features.feature import FAMILIES
from blockrisk.features.intake import account_lines
from blockrisk.serving import explain_cli, predict
from blockrisk.serving.actions import ACTIONS
from blockrisk.serving.explain import explain_cards
from blockrisk.serving.explain_text import as_json, as_text
from blockrisk.serving.explanation import LANGUAGES, Explanation
from blockrisk.serving.percent import percent
from blockrisk.training.simulator import write_world


@pytest.fixture(scope="module")
def cards() -> list[str]:
    scored = predict(small_tables(), model=hand_made(), as_of=AS_OF)
    return [*scored["card_id"].head(6), scored["card_id"].iloc[-1]]


@pytest.fixture(scope="module")
def told(cards: list[str]) -> list[Explanation]:
    return explain_cards(small_tables(), hand_made(), cards, AS_OF, days=10)


def test_an_explanation_tells_the_score_and_adds_up_to_it(cards: list[str], told: list[Explanation]) -> None:
    scored = predict(small_tables(), model=hand_made(), as_of=AS_OF).set_index("card_id")
    assert [one.card_id for one in told] == cards
    for one in told:
        assert one.probability == scored.loc[one.card_id, "probability"]
        assert one.base + sum(part.contribution for part in one.contributions) == pytest.approx(one.margin, abs=1e-6)
        assert {part.feature for part in one.contributions} == set(RISKY)
        assert {part.family for part in one.contributions} <= set(FAMILIES)
        codes = [scored.loc[one.card_id, f"reason_{n}"] for n in (1, 2, 3)]
        assert [reason.code for reason in one.reasons] == [code for code in codes if isinstance(code, str)]
        assert all(reason.contribution > 0 for reason in one.reasons)


def test_the_history_holds_the_days_at_risk_and_ends_today(told: list[Explanation]) -> None:
    dates = [f"{pd.Timestamp(AS_OF) - pd.Timedelta(days=back):%Y-%m-%d}" for back in range(10, -1, -1)]
    due = at_risk(small_tables(), dates)
    for one in told:
        at = due.loc[due["card_id"] == one.card_id, "as_of"].dt.strftime("%Y-%m-%d").tolist()
        assert [day for day, _ in one.history] == at
        assert one.history[-1] == (AS_OF, one.probability)
    day, chance = told[0].history[2]
    scored = predict(small_tables(), model=hand_made(), as_of=day).set_index("card_id")
    assert scored.loc[told[0].card_id, "probability"] == chance


@pytest.mark.long
def test_one_card_alone_is_explained_as_among_others(cards: list[str], told: list[Explanation]) -> None:
    assert explain_cards(read_tables(frames()), hand_made(), [cards[2]], AS_OF, days=10) == [told[2]]


def test_no_card_gives_no_explanation() -> None:
    assert explain_cards(small_tables(), hand_made(), [], AS_OF) == []


def test_json_has_the_promised_fields_and_plain_values(told: list[Explanation]) -> None:
    for one in told:
        plain = json.loads(as_json(one, "en"))
        assert {"base", "contributions", "margin", "probability", "reasons", "advice", "history"} <= set(plain)
        assert all(set(part) == {"family", "feature", "value", "contribution"} for part in plain["contributions"])
        assert all(set(part) == {"date", "probability"} for part in plain["history"])
        for part in plain["advice"]:
            assert {"code", "text", "probability_without", "probability_with", "low", "high"} <= set(part)
            assert part["text"] == next(action.text["en"] for action in ACTIONS if action.code == part["code"])
        assert all(isinstance(part["text"], str) for part in plain["reasons"])
    assert any(json.loads(as_json(one, "en"))["advice"] for one in told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_tells_the_chance_the_reasons_and_the_advice_in_each_language(told: list[Explanation], language: str) -> None:
    for one in told:
        text = as_text(one, language)
        assert one.card_id in text
        assert percent(one.probability) in text
        assert all(reason.text[language] in text for reason in one.reasons)
        assert all(advice.text[language] in text for advice in one.advice)
    assert ("calls a day given up" in as_text(told[0], "en")) == any(one.calls_given_up for one in told[0].advice)


def test_where_nothing_helps_it_says_so(told: list[Explanation]) -> None:
    text = as_text(replace(told[0], advice=(), reasons=()), "en")
    assert "none of the lawful actions lowers the chance" in text
    assert "no factor raises it above the average" in text


def test_a_card_that_is_unknown_or_not_in_use_is_an_error_in_one_sentence() -> None:
    with pytest.raises(UserError, match="card 7 is not in the cards table"):
        explain_cards(small_tables(), hand_made(), ["7"], AS_OF)
    late = small_world().tables["cards"].sort_values("activated_at")["card_id"].iloc[-1]
    with pytest.raises(UserError, match=r"not at risk at 2025-01-02 .*give a date"):
        explain_cards(small_tables(), hand_made(), [late], "2025-01-02")


def test_a_bundle_without_training_means_cannot_explain(cards: list[str]) -> None:
    with pytest.raises(UserError, match="train it again"):
        explain_cards(small_tables(), without_means(hand_made()), cards[:1], AS_OF)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_world(small_world(), tmp_path / "data")
    monkeypatch.setattr(sys.modules["blockrisk.serving.predict"], "load_model", lambda path: hand_made())
    return tmp_path / "data"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(explain_cli.explain, [str(argument) for argument in arguments])


def test_the_command_writes_json_or_text_and_accounts_for_the_rows_beside_it(data: Path, cards: list[str]) -> None:
    given = (data, "--card", cards[0], "--as-of", AS_OF, "--model", "m")
    done = run(*given, "--format", "json", "--lang", "zh-Hans")
    assert done.exit_code == 0
    plain = json.loads(done.stdout)
    assert (plain["card_id"], plain["as_of"]) == (cards[0], AS_OF)
    done = run(*given, "--lang", "en")
    assert done.stdout.startswith(f"Card {cards[0]}: chance of a block within 7 days from {AS_OF}: {percent(plain['probability'])}")
    assert "rows read" not in done.stdout
    assert done.stderr.splitlines() == account_lines(read_tables(data))


def test_the_command_names_an_unknown_card(data: Path) -> None:
    error = run(data, "--card", "none", "--as-of", AS_OF, "--model", "m").exception
    assert isinstance(error, UserError)
    assert error.exit_code == 2
    assert "card none is not in the cards table" in str(error)
