"""Why is a card's probability high: the factor family that lifts it most."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features.feature import FAMILIES
from blockrisk.serving.predict import Model


def main_families(vectors: pd.DataFrame, model: Model) -> list[str]:
    """Name, for each card, the family without whose values its log-odds would fall most.

    The columns of one family at a time are put to the training median (text: unknown), and the model scores the card again. A
    family that lowers the risk is never named.

    Args:
        vectors: the model's columns, one row a card.
        model: a model trained on dated tables.

    Returns:
        English names of families, one a row; "" where no family lifts the risk.

    """
    if vectors.empty:
        return []
    margin = model.margin(vectors)
    families: Mapping[str, str] = model.bundle.manifest["families"]
    names = [name for name in FAMILIES if any(families.get(column) == name for column in model.columns)]
    lift = np.column_stack([margin - model.margin(_without(vectors, name, families, model)) for name in names])
    best = lift.argmax(axis=1)
    return [FAMILIES[names[i]][0] if lift[row, i] > 0 else "" for row, i in enumerate(best)]


def _without(vectors: pd.DataFrame, family: str, families: Mapping[str, str], model: Model) -> pd.DataFrame:
    changed: dict[str, Any] = {}
    for column in model.columns:
        if families.get(column) == family:
            quantiles = model.bundle.reference[column].get("quantiles", [])
            usual = quantiles[len(quantiles) // 2] if quantiles else np.nan
            changed[column] = None if column in model.bundle.text_columns else usual
    return vectors.assign(**changed)
