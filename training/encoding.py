"""Learn the numbers of text columns without letting a row see its own label."""

import numpy as np
import pandas as pd

from blockrisk.models.encode import TextEncoder, as_text, is_text
from blockrisk.models.estimators import log_odds

Array = np.ndarray

_PRIOR_POSITIVES = 10.0  # a level counts half when it holds this many expected positives
_PARTS = 5  # parts of the cross-fit


def fit_encoder(frame: pd.DataFrame, y: Array, weight: Array) -> TextEncoder:
    """Learn, for each text column of the frame, the smoothed log-odds of its levels minus those of all rows.

    Levels with little weight are shrunk towards 0; no text column gives an empty encoder.

    >>> rows = pd.DataFrame({"operator": ["A"] * 50 + ["B"] * 50, "calls_out_1d": 1.0})
    >>> encoder = fit_encoder(rows, np.array([1] * 40 + [0] * 60), np.ones(100))
    >>> encoder.columns, encoder.encode("operator", rows["operator"][[0, 99]]).round(2).tolist()
    (['operator'], [1.1, -1.47])
    """
    columns = [str(column) for column in frame.columns if is_text(frame[column])]
    levels, numbers = [], []
    for column in columns:
        table = _level_numbers(as_text(frame[column]), y, weight)
        levels.append(list(table))
        numbers.append(np.array(list(table.values()), dtype=np.float64))
    return TextEncoder(columns, levels, numbers)


def blank_encoder(frame: pd.DataFrame) -> TextEncoder:
    """Make the encoder that knows which columns are text and nothing of their levels.

    >>> blank_encoder(pd.DataFrame({"operator": ["A"], "calls_out_1d": [1.0]})).columns
    ['operator']
    """
    columns = [str(column) for column in frame.columns if is_text(frame[column])]
    return TextEncoder(columns, [[] for _ in columns], [np.zeros(0) for _ in columns])


def cross_fit(frame: pd.DataFrame, column: str, y: Array, weight: Array, groups: Array | None, seed: int) -> Array:
    """Encode a text column of the training rows, float64[n], each part of the cards with numbers learnt on the other parts."""
    parts = _parts(len(y), groups, seed)
    encoded = np.zeros(len(y))
    for part in range(_PARTS):
        out = parts == part
        if out.any() and 0 < y[~out].sum() < (~out).sum():
            encoder = fit_encoder(frame.loc[~out, [column]], y[~out], weight[~out])
            if encoder.columns:
                encoded[out] = encoder.encode(column, frame.loc[out, column])
    return encoded


def _level_numbers(levels: list[str | None], y: Array, weight: Array) -> dict[str, float]:
    table = pd.DataFrame({"level": levels, "rows": weight, "hits": weight * y}).groupby("level", sort=True).sum()
    base = (float(weight @ y) + 0.5) / (float(weight.sum()) + 1.0)
    prior = _PRIOR_POSITIVES / base
    share = (table["hits"] + prior * base) / (table["rows"] + prior)
    return {str(level): log_odds(value) - log_odds(base) for level, value in share.items()}


def _parts(rows: int, groups: Array | None, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.permutation(rows) % _PARTS
    distinct, inverse = np.unique(groups, return_inverse=True)
    return (rng.permutation(len(distinct)) % _PARTS)[inverse]
