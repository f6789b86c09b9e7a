"""What would an action do: the tables a week ahead with it and without, and the real model's forecasts of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables, catalogue, vectors
from blockrisk.features.tiles import TILES
from blockrisk.serving.action import Action
from blockrisk.serving.actions import ACTIONS
from blockrisk.serving.limits_on_file import limits_on_file
from blockrisk.serving.projection import AHEAD, HISTORY, project

if TYPE_CHECKING:
    from blockrisk.serving.predict import Model

_CALLS_AT_ONCE = 3_000_000  # rows of copied calls: memory stays bounded

BEFORE: Final = ""
"""The action of the copy that goes on as before."""


@dataclass(frozen=True)
class Outlook:
    """Hold the forecasts of copies of cards at as_of + AHEAD days.

    `copies` has card_id, action (BEFORE: going on as before), probability, and calls_out (a day, in the week ahead); `frame` the
    vectors of the same rows, the model's columns.
    """

    copies: pd.DataFrame
    frame: pd.DataFrame


def open_actions(tables: Tables, card_ids: Sequence[str], as_of: Any) -> dict[str, tuple[Action, ...]]:
    """List the actions that are open to each card at as_of, of those whose effect can be computed."""
    stamp = pd.Timestamp(as_of)
    columns = sorted({column for action in ACTIONS for column, _ in action.opens} - {"warnings_7d"})
    asks = pd.DataFrame({"card_id": pd.array(list(card_ids), dtype="str"), "as_of": stamp})
    frame = vectors(tables, asks, columns)
    frame["warnings_7d"] = frame["card_id"].map(_warnings(tables, stamp)).fillna(0)
    rows = frame.to_dict("records")
    return {str(row["card_id"]): tuple(action for action in ACTIONS if _is_open(action, row)) for row in rows}


def _is_open(action: Action, row: dict[Any, Any]) -> bool:
    return any(row[column] >= least for column, least in action.opens)


def _warnings(tables: Tables, as_of: pd.Timestamp) -> dict[str, int]:
    found = tables.con.execute(
        "select card_id, count(*) from blocks where kind = 'warning' and blocked_at < $as_of and blocked_at >= $since "
        "group by card_id",
        {"as_of": as_of.to_pydatetime(), "since": (as_of - pd.Timedelta(days=AHEAD)).to_pydatetime()},
    ).fetchall()
    return {str(card): int(count) for card, count in found}


def look_ahead(tables: Tables, model: "Model", frame: pd.DataFrame, actions: dict[str, tuple[Action, ...]], as_of: Any) -> Outlook:
    """Forecast each card at as_of + AHEAD days, going on as before and with each of its actions kept until then.

    Args:
        tables: a data set that has been read; only rows known before as_of are used.
        model: a model trained on dated tables.
        frame: vectors of the cards at as_of: card_id and the model's columns.
        actions: the open actions of each card.
        as_of: a midnight, local time.

    Returns:
        Outlook: for each card of the frame its copy that goes on as before, then one an action.

    """
    stamp = pd.Timestamp(as_of)
    scenarios = _scenarios(tables, frame, actions, stamp)
    parts = [_forecast(tables, model, frame, part) for part in _parts(tables, scenarios)]
    copies = pd.concat([part.copies for part in parts], ignore_index=True)
    return Outlook(copies, pd.concat([part.frame for part in parts], ignore_index=True))


def _scenarios(tables: Tables, frame: pd.DataFrame, actions: dict[str, tuple[Action, ...]], as_of: pd.Timestamp) -> pd.DataFrame:
    limits = limits_on_file(tables, frame["card_id"].tolist(), as_of)
    rows: list[tuple[Any, ...]] = []
    for card in frame["card_id"]:
        hours = [int(limits[card][name][0]) for name in ("permitted_from", "permitted_to")]
        rows += [
            (str(len(rows) + place), card, code, *hours) for place, code in enumerate([BEFORE, *(a.code for a in actions[card])])
        ]
    scenarios = pd.DataFrame(rows, columns=["copy_id", "card_id", "action", "permitted_from", "permitted_to"])
    scenarios["as_of"] = pd.array([as_of] * len(scenarios), dtype="datetime64[us]")
    return scenarios


def _parts(tables: Tables, scenarios: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cut the scenarios between cards so that one part copies about _CALLS_AT_ONCE calls."""
    as_of = scenarios["as_of"].iloc[0]
    tables.con.register("whatif_cards", scenarios[["card_id"]])
    counted = dict(
        tables.con.execute(
            "select card_id, count(*) from calls where started_at >= $since and started_at < $as_of "
            "and card_id in (select card_id from whatif_cards) group by card_id",
            {"as_of": as_of.to_pydatetime(), "since": (as_of - pd.Timedelta(days=HISTORY + AHEAD)).to_pydatetime()},
        ).fetchall()
    )
    rows = scenarios["card_id"].map(counted).fillna(0)
    number = (rows.cumsum().groupby(scenarios["card_id"]).transform("last") // _CALLS_AT_ONCE).to_numpy()
    for part in np.unique(number):
        yield scenarios[number == part].reset_index(drop=True)


def _forecast(tables: Tables, model: "Model", frame: pd.DataFrame, scenarios: pd.DataFrame) -> Outlook:
    week = f"calls_out_{AHEAD}d"
    columns = list(dict.fromkeys([*model.columns, week]))
    recent = [column for column in columns if _is_of_the_week(column)]
    found = _vectors(tables, scenarios, [column for column in columns if column not in recent], history=True)
    if recent:
        found[recent] = _vectors(tables, scenarios, recent, history=False)[recent]
    now = frame.set_index("card_id").loc[scenarios["card_id"]]
    for column in model.columns:
        if _is_of_operator(column):
            found[column] = now[column].to_numpy()
    copies = scenarios[["card_id", "action"]].assign(
        probability=model.probability(found[model.columns]), calls_out=found[week].to_numpy() / AHEAD
    )
    return Outlook(copies, found[model.columns])


def _vectors(tables: Tables, scenarios: pd.DataFrame, columns: list[str], *, history: bool) -> pd.DataFrame:
    used = tuple(action for action in ACTIONS if action.code in set(scenarios["action"]))
    ahead = project(tables, scenarios, used, history=history)
    try:
        due = scenarios["as_of"].iloc[0] + pd.Timedelta(days=AHEAD)
        asks = pd.DataFrame({"card_id": scenarios["copy_id"], "as_of": due})
        return vectors(ahead, asks, columns)
    finally:
        ahead.con.close()


def _is_of_the_week(column: str) -> bool:
    """Say whether a column follows call after call within the week ahead: most of the work, and the calls before are not needed."""
    feature, days = catalogue.find(column)
    return days is not None and days <= AHEAD and feature.tile in TILES and TILES[feature.tile].versioned


def _is_of_operator(column: str) -> bool:
    """Say whether a column is about the other cards of the operator: it stays as it is at as_of."""
    feature, _ = catalogue.find(column)
    return feature.tile in TILES and TILES[feature.tile].subject == "operator_no"
