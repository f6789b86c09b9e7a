"""Everything that is told of cards at one date: contributions, reasons, advice with its effect, the course of the probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features import Tables, at_risk, vectors
from blockrisk.features.at_risk import no_such_card
from blockrisk.models.estimators import probability
from blockrisk.serving.advice import advise
from blockrisk.serving.explanation import Advice, Contribution, Explanation
from blockrisk.serving.limits_on_file import limits_on_file
from blockrisk.serving.predict import Model
from blockrisk.serving.reasons import Limits, reasons_of, split_margin
from blockrisk.serving.sentences import mistake


def explain_cards(tables: Tables, model: Model, card_ids: Sequence[str], as_of: Any, days: int = 30) -> list[Explanation]:
    """Explain the probabilities of cards, in a few passes for all of them.

    Args:
        tables: a data set that has been read.
        model: a model trained on dated tables.
        card_ids: cards at risk at as_of; none give no explanation.
        as_of: a midnight, local time.
        days: days before as_of that the history reaches back.

    Returns:
        one Explanation a card, in the given order.

    Raises:
        UserError: a card is unknown or not at risk at as_of, or the model cannot be explained or was trained on ready-made vectors.

    """
    if not model.dated:
        raise mistake("no_dates_to_explain", bundle=model.bundle.path)
    wanted = list(dict.fromkeys(str(card) for card in card_ids))
    stamp = pd.Timestamp(as_of)
    frame = _history(tables, model, wanted, stamp, days)
    today = frame[frame["as_of"] == stamp].set_index("card_id", drop=False)
    _check_at_risk(tables, wanted, set(today.index), stamp)
    if not wanted:
        return []
    today = today.loc[wanted].reset_index(drop=True)
    base, addends = split_margin(today, model)
    course = _course(frame, model)
    limits = limits_on_file(tables, wanted, stamp)
    advice = advise(tables, model, today, stamp)
    margin = model.margin(today)
    told = today.assign(margin=margin, probability=probability(margin))
    rows = [{str(name): value for name, value in row.items()} for row in told.to_dict("records")]
    found = {
        card: _explanation(row, base, addend, model, limits[card], advice[card], course[card])
        for card, row, addend in zip(wanted, rows, addends, strict=True)
    }
    return [found[str(card)] for card in card_ids]


def _history(tables: Tables, model: Model, cards: Sequence[str], as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    """Compute the vectors of the cards on each day, back to `days` before as_of, on which they were at risk."""
    dates = [as_of - pd.Timedelta(days=back) for back in range(days, -1, -1)]
    due = at_risk(tables, dates)
    return vectors(tables, due[due["card_id"].isin(set(cards))].reset_index(drop=True), model.columns)


def _check_at_risk(tables: Tables, wanted: Sequence[str], there: set[str], as_of: pd.Timestamp) -> None:
    absent = [card for card in wanted if card not in there]
    if absent:
        [(known,)] = tables.con.execute("select count(*) from cards where card_id = ?", [absent[0]]).fetchall()
        if not known:
            raise no_such_card(absent[0])
        raise mistake("not_at_risk", card=absent[0], as_of=f"{as_of:%Y-%m-%d}")


def _course(frame: pd.DataFrame, model: Model) -> dict[str, tuple[tuple[str, float], ...]]:
    chance = model.probability(frame) if len(frame) else np.empty(0)
    told = pd.DataFrame({"card_id": frame["card_id"], "day": frame["as_of"].dt.strftime("%Y-%m-%d"), "chance": chance})
    return {
        str(card): tuple(zip(part["day"].tolist(), part["chance"].tolist(), strict=True)) for card, part in told.groupby("card_id")
    }


def _explanation(  # noqa: PLR0913 - all that is told of a card
    row: Mapping[str, Any],
    base: float,
    addends: np.ndarray,
    model: Model,
    limits: Limits,
    advice: tuple[Advice, ...],
    history: tuple[tuple[str, float], ...],
) -> Explanation:
    named = zip(model.families, model.columns, addends.tolist(), strict=True)
    parts = [Contribution(family, column, _plain(row[column]), added) for family, column, added in named]
    return Explanation(
        card_id=str(row["card_id"]),
        as_of=f"{row['as_of']:%Y-%m-%d}",
        horizon_days=model.horizon_days,
        base=base,
        contributions=tuple(sorted(parts, key=lambda part: (-abs(part.contribution), part.feature))),
        margin=float(row["margin"]),
        probability=float(row["probability"]),
        reasons=reasons_of(row, addends, model, limits),
        advice=advice,
        history=history,
    )


def _plain(value: Any) -> float | str | None:
    return None if value is None or pd.isna(value) else value if isinstance(value, str) else float(value)
