"""Everything that is told of one morning, gathered once: the page draws it, the workbook tabulates it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.intake import RowCount
from blockrisk.features.tables import TABLES
from blockrisk.serving.daily import daily
from blockrisk.serving.explanation import Explanation
from blockrisk.serving.predict import Model, score_tables

CAPACITY: Final = 200
"""Cards that a person is taken to be able to look at in a day."""

HISTORY_DAYS: Final = 30
TRAITS: Final = ("operator", "home_region", "team")
"""What the list is filtered by."""


@dataclass(frozen=True)
class Briefing:
    """Hold one morning.

    Attributes:
        as_of: ISO date of the forecast.
        horizon_days: how far it looks.
        base_rate: of the model's manifest; bands are multiples of it.
        capacity: cards that can be looked at in a day; so many are explained.
        scored: the score file of that date, by rank.
        before: the scores of the day before; empty if no card was at risk then.
        traits: index card_id, columns TRAITS, text, "" where unknown.
        explanations: of the riskiest cards, by rank.
        days: `daily` of the same cards over HISTORY_DAYS.
        accounting: one RowCount a table.
        ignored: names in the folder that are no table.
        missing: tables of the contract that were not supplied, with what they are.
        model: name and manifest of the model.
        monitoring: the findings of the morning as `blockrisk monitor --out` writes them; None: nobody looked.

    """

    as_of: str
    horizon_days: int
    base_rate: float
    capacity: int
    scored: pd.DataFrame
    before: pd.DataFrame
    traits: pd.DataFrame
    explanations: tuple[Explanation, ...]
    days: pd.DataFrame
    accounting: tuple[RowCount, ...]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]
    model: dict[str, Any]
    monitoring: Mapping[str, Any] | None = None


def brief(  # noqa: PLR0913 - the parts of a morning
    tables: Tables,
    model: Model,
    scored: pd.DataFrame,
    as_of: Any,
    capacity: int = CAPACITY,
    monitoring: Mapping[str, Any] | None = None,
    before: pd.DataFrame | None = None,
) -> Briefing:
    """Gather the scores of one date, those of the day before it, and explanations of the riskiest cards.

    Args:
        tables: the data set that was scored.
        model: the model it was scored with, trained on dated tables.
        scored: scores of that date, perhaps of others too; where it has none, the briefing is an empty one.
        as_of: the date.
        capacity: how many cards are explained.
        monitoring: findings of the morning, for the page.
        before: scores of the day before, where they are at hand; None: they are computed.

    Raises:
        UserError: as `predict`.

    """
    from blockrisk.serving.explain import explain_cards

    stamp = pd.Timestamp(as_of)
    today = scored[scored["as_of"] == stamp].reset_index(drop=True)
    riskiest = today["card_id"].head(capacity).tolist()
    manifest = model.bundle.manifest
    return Briefing(
        as_of=f"{stamp:%Y-%m-%d}",
        horizon_days=int(manifest["horizon_days"]),
        base_rate=float(manifest["base_rate"]),
        capacity=capacity,
        scored=today,
        before=score_tables(tables, model, [stamp - pd.Timedelta(days=1)]) if before is None else before,
        traits=_traits(tables),
        explanations=tuple(explain_cards(tables, model, riskiest, stamp, HISTORY_DAYS)) if riskiest else (),
        days=daily(tables, riskiest, stamp, HISTORY_DAYS) if riskiest else pd.DataFrame(),
        accounting=tables.accounting,
        ignored=tables.ignored,
        missing=missing_tables(tables.present),
        model={"name": model.bundle.path.name, **manifest},
        monitoring=monitoring,
    )


def missing_tables(present: frozenset[str] | Sequence[str]) -> tuple[str, ...]:
    """Name the tables that sharpen a forecast and were not supplied, in the order of the contract.

    >>> missing_tables(["cards", "calls", "complaints", "payments", "messages"])
    ('locations', 'roaming_notices', 'blocks')
    """
    optional = [table.name for table in TABLES if table.name not in ("actions", "limits")]
    return tuple(name for name in optional if name not in present)


def _traits(tables: Tables) -> pd.DataFrame:
    frame = tables.con.execute(f"select card_id, {', '.join(TRAITS)} from cards").df().set_index("card_id")
    return frame.astype(object).where(frame.notna(), "").astype(str)
