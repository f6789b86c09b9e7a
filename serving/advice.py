"""What may lawfully be done about a card, and how much it would help: by the real model, with an honest interval."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from blockrisk.features import Tables
from blockrisk.serving.action import Action
from blockrisk.serving.actions import find_action
from blockrisk.serving.explanation import Advice, Explanation
from blockrisk.serving.whatif import BEFORE, look_ahead, open_actions

if TYPE_CHECKING:
    from blockrisk.serving.predict import Model

CODES: Final = 3
"""Most advice codes of a score."""

LEAST_FALL: Final = 0.02
"""Share of the probability by which an action must lower it to be shown: less is noise."""

LEVEL: Final = 3.0
"""How many times the forecast probability the true one may be: what no table shows spreads the log-odds of cards by about 1.1."""

STRENGTH: Final = 2.0
"""How many times the forecast effect on the log-probability the true one may be: fitting pulls effects towards none."""

FIRM: Final = 0.1
"""Least share of the forecast effect that a firm effect has; others may be none, since the model knows association, not cause."""

FIRM_FROM: Final = 3.0
"""Multiple of the base rate from which the card's own conduct is what the forecast stands on, as in the band `high`."""


def advise(tables: Tables, model: "Model", frame: pd.DataFrame, as_of: Any) -> dict[str, tuple[Advice, ...]]:
    """Find the actions that are open to each card and lower its probability by the model, by falling effect.

    Args:
        tables: a data set that has been read.
        model: a model trained on dated tables.
        frame: vectors of cards at risk at as_of: card_id and the model's columns.
        as_of: a midnight, local time.

    Returns:
        card -> its advice; () where nothing on the list helps.

    """
    known = _KNOWN.setdefault(tables.con, {})
    asked = [(model.bundle.digest, pd.Timestamp(as_of), str(card)) for card in frame["card_id"]]
    new = frame[[key not in known for key in asked]]
    if len(new):
        actions = open_actions(tables, new["card_id"].tolist(), as_of)
        copies = look_ahead(tables, model, new, actions, as_of).copies
        base_rate = float(model.bundle.manifest["base_rate"])
        for card, part in copies.groupby("card_id", sort=False):
            known[model.bundle.digest, pd.Timestamp(as_of), str(card)] = _advice(part, base_rate)
    return {key[2]: known[key] for key in asked}


_KNOWN: WeakKeyDictionary[Any, dict[tuple[str, pd.Timestamp, str], tuple[Advice, ...]]] = WeakKeyDictionary()
"""Advice found before for the same tables, model (by digest: a path may hold another one later) and date.

The score file and the page ask for the same cards.
"""


def add_advice(scored: pd.DataFrame, tables: Tables, model: "Model", frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Fill advice_1 to advice_3 for the `most` riskiest cards of the last date; `frame` holds the vectors of the scored rows."""
    as_of = scored["as_of"].max()
    today = scored[scored["as_of"] == as_of]
    riskiest = today.loc[today["rank"] <= most, "card_id"]
    vectors = frame[(frame["as_of"] == as_of) & frame["card_id"].isin(set(riskiest))].reset_index(drop=True)
    return fill_advice(scored, advise(tables, model, vectors, as_of), as_of)


def _advice(copies: pd.DataFrame, base_rate: float) -> tuple[Advice, ...]:
    before = copies[copies["action"] == BEFORE].iloc[0]
    found = [
        _one(find_action(str(row.action)), before, row, base_rate)
        for row in copies[copies["action"] != BEFORE].itertuples()
        if row.probability < (1 - LEAST_FALL) * before["probability"]
    ]
    return tuple(sorted(found, key=lambda advice: (advice.probability_with, advice.code)))


def _one(action: Action, before: Any, with_it: Any, base_rate: float) -> Advice:
    without, chance = float(before["probability"]), float(with_it.probability)
    low, high = interval(without, chance, firm=action.gives_up and without >= FIRM_FROM * base_rate)
    given_up = float(before["calls_out"]) - float(with_it.calls_out) if action.gives_up else None
    return Advice(action.code, action.text, without, chance, low, high, given_up)


def interval(without: float, chance: float, *, firm: bool) -> tuple[float, float]:
    """Bound the probability with an action, so that the true change of the probability lies in it in nine cases of ten.

    The largest change allowed for is LEVEL times what STRENGTH times the effect would be; the smallest is none, or FIRM of the
    effect where the action takes calls away from a card that is high by its own conduct. The four constants were chosen on one
    simulated world by comparing a few values, so its own figures are too good; the tests check other worlds
    (training.advice_check applies each action for real in the simulator).

    Args:
        without: probability going on as before.
        chance: lower probability with the action, by the model.
        firm: whether the effect is firm.

    >>> [round(bound, 4) for bound in interval(0.10, 0.09, firm=True)]
    [0.043, 0.099]

    """
    effect = float(np.log(chance / without))
    low = without * (1 - LEVEL * (1 - np.exp(STRENGTH * effect)))
    high = without * np.exp(FIRM * effect) if firm else without
    return float(max(0.0, low)), float(high)


def fill_advice(scored: pd.DataFrame, told: Mapping[str, Sequence[Advice]] | Sequence[Explanation], as_of: Any) -> pd.DataFrame:
    """Fill advice_1 to advice_3 of the scores of one date with the codes of what helps most.

    Args:
        scored: a score file.
        told: advice by card, as `advise` gives it, or explanations.
        as_of: the date they are about.

    """
    by_card = told if isinstance(told, Mapping) else {one.card_id: one.advice for one in told}
    today = (scored["as_of"] == pd.Timestamp(as_of)).to_numpy()
    given = [by_card.get(card, ()) if is_today else () for card, is_today in zip(scored["card_id"], today, strict=True)]
    codes = {
        f"advice_{n + 1}": pd.array([advice[n].code if len(advice) > n else None for advice in given], dtype="str")
        for n in range(CODES)
    }
    return scored.assign(**codes)
