"""Golden scores: what a version gives for a few fixed vectors, kept when it is built and checked before it serves."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.features.output import write_text
from blockrisk.models.bundle import QUANTILES
from blockrisk.models.errors import BundleError
from blockrisk.serving.predict import Model

FILE: Final = "golden.json"


def write_golden(model: Model, folder: Path) -> None:
    """Write the fixed vectors and the model's probabilities for them."""
    frame = fixed_vectors(model.bundle.reference, model.columns, set(model.bundle.text_columns))
    content = {"columns": model.columns, "rows": _plain(frame), "probability": model.probability(frame).tolist()}
    write_text(folder / FILE, json.dumps(content, ensure_ascii=False) + "\n")


def check_golden(model: Model, folder: Path) -> int:
    """Score the fixed vectors again and give how many there are; every probability must be the one kept, to the last bit.

    Raises:
        BundleError: one is not, or the file is missing or damaged.

    """
    file = folder / FILE
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        frame = pd.DataFrame(kept["rows"], columns=kept["columns"])
        wanted = np.array(kept["probability"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{file} cannot be read ({error}); promote another version, or train a new one") from error
    text = set(model.bundle.text_columns)
    found = model.probability(frame.astype({name: object if name in text else np.float64 for name in frame}))
    if found.tolist() != wanted.tolist():
        off = int((found != wanted).sum()) if len(found) == len(wanted) else len(wanted)
        raise BundleError(
            f"{folder}: {off} of {len(wanted)} golden scores are not what they were when it was built, so it does not serve;"
            " another machine or library may be the cause: promote another version, or train a new one"
        )
    return len(found)


def fixed_vectors(reference: dict[str, Any], columns: list[str], text: set[str]) -> pd.DataFrame:
    """Make the fixed vectors from the reference quantiles of a bundle: along them, across them, and one with nothing in it.

    >>> fixed_vectors({"calls": {"quantiles": list(range(21))}}, ["calls"], set())["calls"].tolist()[:3]
    [0.0, 1.0, 2.0]
    """
    steps = len(QUANTILES)
    parts: dict[str, Any] = {}
    for place, name in enumerate(columns):
        told = reference.get(name, {})
        known: list[Any] = sorted(told.get("levels", {})) if name in text else told.get("quantiles", [])
        along, across = range(steps), [(5 * step + 8 * place) % steps for step in range(steps)]
        cells = [known[at % len(known)] if known else None for at in (*along, *across)]
        parts[name] = pd.Series([*cells, None], dtype=object if name in text else np.float64)
    return pd.DataFrame(parts)


def _plain(frame: pd.DataFrame) -> list[list[Any]]:
    return [[None if value is None or value != value else value for value in row] for row in frame.itertuples(index=False)]
