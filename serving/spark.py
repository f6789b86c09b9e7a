"""Scoring on Spark: the bundle goes to the executors, and each partition of the vectors is scored where it is."""

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from blockrisk.serving.bands import ranks

if TYPE_CHECKING:
    from blockrisk.features.spark import Rows
    from blockrisk.serving.predict import Model

_TYPES: Final = {
    "as_of": (pa.timestamp("us"), "TIMESTAMP_NTZ"),
    "horizon_days": (pa.int64(), "BIGINT"),
    "rank": (pa.int64(), "BIGINT"),
}
_NUMBER, _TEXT = (pa.float64(), "DOUBLE"), (pa.string(), "STRING")


def score_rows(rows: "Rows", model: "Model", *, reasons: bool) -> pd.DataFrame:
    """Score vectors that are on Spark, as `score_vectors` does; only scores come back, and ranks are given to them here."""
    from blockrisk.serving.predict import score_vectors

    empty = pd.DataFrame({name: pd.Series(dtype=np.float64) for name in model.columns if name not in model.bundle.text_columns})
    names = score_vectors(empty, model, reasons=reasons)
    kinds = {str(name): _TYPES.get(str(name), _NUMBER if kind == np.float64 else _TEXT) for name, kind in names.dtypes.items()}
    stated = ", ".join(f"`{name}` {spark}" for name, (_, spark) in kinds.items())
    schema = pa.schema([(name, arrow) for name, (arrow, _) in kinds.items()])
    with warnings.catch_warnings():  # Spark asks for an older pandas; what is handed over here is Arrow, and pandas is ours alone
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        scored = rows.spark.mapInArrow(_partition_scorer(model, schema, reasons), stated).toArrow().to_pandas()
    scored = scored.astype({name: kind for name, kind in names.dtypes.items() if name != "as_of"})
    scored["rank"] = ranks(scored["probability"].to_numpy(), scored["card_id"].array, scored["as_of"].to_numpy())
    return scored


def _partition_scorer(model: "Model", schema: pa.Schema, reasons: bool) -> Callable[[Iterator[pa.RecordBatch]], Any]:
    """Make what Spark sends to its executors, with the model in it."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from blockrisk.serving.predict import score_vectors

        for batch in batches:
            scored = score_vectors(batch.to_pandas(), model, reasons=reasons)
            yield pa.RecordBatch.from_pandas(scored, schema=schema, preserve_index=False)

    return score
