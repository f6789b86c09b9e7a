"""What MLflow calls to load a registered bundle (`mlflow.pyfunc.load_model`, `mlflow models serve`). Imports no MLflow."""

from pathlib import Path
from typing import Any, Final

import pandas as pd

ANSWERS: Final = {
    "card_id": "string",
    "as_of": "datetime",
    "horizon_days": "long",
    "probability": "double",
    "band": "string",
    "rank": "long",
    **{f"{kind}_{place}": "string" for kind in ("reason", "advice") for place in (1, 2, 3)},
}
"""Columns of an answer and their types in MLflow's words; further horizons and contributions follow them."""

PARAMETERS: Final = {"reasons": False}
"""Parameters of a request: whether each family's contribution is told, in log-odds."""


class LoadedBundle:
    """Forecast from rows of feature values, as MLflow asks: `predict(frame)` gives the score table."""

    def __init__(self, path: Path) -> None:
        from blockrisk.serving import load_model

        self._model = load_model(path)

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score rows of feature columns; `params` as PARAMETERS. What `predict` refuses, MLflow's server answers with 400."""
        from blockrisk.serving import predict

        try:
            found = predict(frame, model=self._model, reasons=bool((params or PARAMETERS)["reasons"]))
        except ValueError as error:
            from blockrisk.training.tracking import refusal

            raise refusal(str(error)) from error
        return found.assign(**{name: _nullable(found[name]) for name in found.columns[found.isna().any()]})


def _nullable(column: pd.Series) -> pd.Series:
    """Put None in place of what is missing: it becomes null in an answer, where NaN is no JSON."""
    return column.astype(object).where(column.notna(), None)


def _load_pyfunc(data_path: str) -> LoadedBundle:
    return LoadedBundle(Path(data_path))
