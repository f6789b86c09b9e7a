"""The true chances of a simulated data set, for evaluation only: the one file that reads truth.parquet."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

TRUTH: Final = "truth.parquet"
"""The file that `blockrisk simulate` writes beside the tables: card_id, as_of, probability (within 7 days), blocked."""

TRUTH_DAYS: Final = 7
"""The horizon of its chances."""


def true_chances(data: Path | str, cards: np.ndarray, dates: np.ndarray, horizon_days: int) -> np.ndarray | None:
    """Look up the true chance of each card and date, float64[n], NaN where the file has none.

    None where there is no truth: data that were not simulated, or another horizon than that of the file.

    >>> true_chances("no such folder", np.array(["1"]), np.array(["2026-01-01"], dtype="datetime64[us]"), 7) is None
    True
    """
    path = Path(data) / TRUTH
    if horizon_days != TRUTH_DAYS or not path.is_file():
        return None
    truth = pd.read_parquet(path, columns=["card_id", "as_of", "probability"])
    asked = pd.DataFrame({"card_id": cards.astype(str), "as_of": pd.to_datetime(dates)})
    truth["as_of"] = truth["as_of"].astype(asked["as_of"].dtype)
    truth["card_id"] = truth["card_id"].astype(asked["card_id"].dtype)
    return asked.merge(truth, on=["card_id", "as_of"], how="left", validate="m:1")["probability"].to_numpy(dtype=np.float64)
