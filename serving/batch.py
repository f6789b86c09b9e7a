"""Batch scoring: a data folder or a file of vectors in, the score file out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.features import read_tables
from blockrisk.features.intake import account_lines
from blockrisk.features.output import write_frame
from blockrisk.features.vectors_file import Kind, read_vectors
from blockrisk.serving.bands import BANDS
from blockrisk.serving.predict import load_model, predict, score_vectors


def score_data(
    data: Path, as_ofs: Sequence[Any], model: Path, out: Path, *, memory: str | None = None, zone: str = "Asia/Shanghai"
) -> list[str]:
    """Score every card at risk at each date into a file, written whole or not at all.

    Args:
        data: folder of tables.
        as_ofs: dates; none: the day after the last call.
        model: folder of the bundle.
        out: .csv or .parquet.
        memory: as in `read_tables`.
        zone: as in `read_tables`.

    Returns:
        lines for people: the account of rows and what was written.

    Raises:
        UserError, BundleError: as `predict`.

    """
    loaded = load_model(model)
    tables = read_tables(data, zone=zone, memory=memory)
    scored = predict(tables, model=loaded, as_of=list(as_ofs) or None)
    write_frame(scored, out)
    return [*account_lines(tables), *_summary(scored, out)]


def score_vector_file(vectors: Path | None, model: Path, out: Path) -> list[str]:
    """Score a file of ready-made vectors, in its order; the id column named at training becomes card_id."""
    loaded = load_model(model)
    assert vectors is not None
    manifest = loaded.bundle.manifest
    label, text = manifest.get("label_column"), set(manifest["text_columns"])
    kinds: dict[str, Kind] = {name: "text" if name in text else "number" for name in loaded.columns}
    frame = read_vectors(vectors, id_column=manifest.get("id_column"), ignore=[label] if label else [], kinds=kinds)
    scored = score_vectors(frame, loaded)
    write_frame(scored, out)
    return [f"{vectors.name}: {len(frame):,} rows read = {len(scored):,} scored", *_summary(scored, out)]


def _summary(scored: pd.DataFrame, out: Path) -> list[str]:
    counts = scored["band"].value_counts()
    told = ", ".join(f"{counts.get(name, 0):,} {name}" for name, _ in reversed(BANDS))
    dates = scored["as_of"].dropna().unique()
    when = f" at {len(dates)} dates" if len(dates) > 1 else f" at {pd.Timestamp(dates[0]):%Y-%m-%d}" if len(dates) else ""
    expected = scored["probability"].sum()
    return [f"{len(scored):,} scores{when} written to {out}: {told}; {expected:.1f} blocks expected"]
