"""What MLflow calls to load a registered bundle (`mlflow.pyfunc.load_model`, `mlflow models serve`). Imports no MLflow."""

from pathlib import Path
from typing import Any

import pandas as pd


class LoadedBundle:
    """Forecast from rows of feature values, as MLflow asks: `predict(frame)` gives the score table."""

    def __init__(self, path: Path) -> None:
        from blockrisk.serving import load_model

        self._model = load_model(path)

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score rows of feature columns; `params` is MLflow's and not used. Raises what `predict` raises."""
        from blockrisk.serving import predict

        return predict(frame, model=self._model)


def _load_pyfunc(data_path: str) -> LoadedBundle:
    return LoadedBundle(Path(data_path))
