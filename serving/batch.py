"""Batch scoring: a data folder or a file of vectors in, score files, workbooks and pages out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.features.intake import account_lines
from blockrisk.features.options import Reading
from blockrisk.features.vectors_file import Kind, read_vectors
from blockrisk.serving.bands import BANDS
from blockrisk.serving.briefing import CAPACITY, brief
from blockrisk.serving.outputs import wants_briefing, write_outputs
from blockrisk.serving.predict import forecast_dates, load_model, missing_tables, predict, score_vectors
from blockrisk.serving.sentences import mistake, say


def score_data(
    data: Path,
    as_ofs: Sequence[Any],
    model: Path,
    outs: Sequence[Path],
    reading: Reading,
    *,
    capacity: int = CAPACITY,
    findings: Path | None = None,
) -> list[str]:
    """Score every card at risk at each date into files, each written whole or not at all.

    Args:
        data: folder of tables.
        as_ofs: dates; none: the day after the last call.
        model: folder of the bundle.
        outs: .csv, .parquet, .xlsx (all dates, and explanations of the last) or .html (the last date).
        reading: how the tables are read, and where rows set aside are listed.
        findings: what `blockrisk monitor --out` wrote of the last date, for the page; those of another date are refused.
        capacity: for how many of the riskiest cards of the last date advice is sought; so many a workbook or page explains.

    Returns:
        lines for people: the account of rows, where those set aside are listed, and what was written.

    Raises:
        UserError, BundleError: as `predict`.

    """
    loaded = load_model(model)
    tables = reading.read(data)
    dates = forecast_dates(tables, list(as_ofs) or None)
    found = None if findings is None else read_findings(findings, max(dates))
    scored = predict(tables, model=loaded, as_of=dates, advice=capacity)
    briefing = brief(tables, loaded, scored, max(dates), capacity, found) if wants_briefing(outs) else None
    write_outputs(scored, briefing, outs)
    missing = missing_tables(tables, loaded)
    return [*account_lines(tables), *missing, *reading.set_aside(tables, outs[0]), _summary(scored, outs)]


def read_findings(path: Path, as_of: Any) -> dict[str, Any]:
    """Read the findings of a morning for its page; UserError unless `blockrisk monitor --out` wrote them, and of that date."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise mistake("findings_unreadable", file=path.name) from error
    if not isinstance(found, dict) or not {"as_of", "alarms", "failed", "tables"} <= found.keys():
        raise mistake("no_findings", file=path.name)
    date = f"{pd.Timestamp(as_of):%Y-%m-%d}"
    if found["as_of"] != date:
        raise mistake("findings_date", path=path.name, told=found["as_of"], date=date)
    return found


def score_vector_file(vectors: Path | None, model: Path, outs: Sequence[Path]) -> list[str]:
    """Score a file of ready-made vectors, in its order; the id column named at training becomes card_id."""
    loaded = load_model(model)
    assert vectors is not None
    manifest = loaded.bundle.manifest
    label, text = manifest.get("label_column"), set(manifest["text_columns"])
    kinds: dict[str, Kind] = {name: "text" if name in text else "number" for name in loaded.columns}
    frame = read_vectors(vectors, id_column=manifest.get("id_column"), ignore=[label] if label else [], kinds=kinds)
    scored = score_vectors(frame, loaded)
    write_outputs(scored, None, outs)
    return [say("vectors_read", file=vectors.name, rows=len(frame), scored=len(scored)), _summary(scored, outs)]


def _summary(scored: pd.DataFrame, outs: Sequence[Path]) -> str:
    counts = scored["band"].value_counts()
    told = ", ".join(f"{counts.get(name, 0):,} {name}" for name, _ in reversed(BANDS))
    dates = scored["as_of"].dropna().unique()
    when = say("at_dates", count=len(dates)) if len(dates) > 1 else ""
    if len(dates) == 1:
        when = say("at_date", date=f"{pd.Timestamp(dates[0]):%Y-%m-%d}")
    written = say("summary", rows=len(scored), when=when, files=", ".join(map(str, outs)), bands=told)
    if len(dates) > 1:  # their horizons overlap: a block would be expected several times
        return written
    return written + say("expected", blocks=scored["probability"].sum())
