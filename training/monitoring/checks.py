"""All checks of one morning, in their order."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.errors import UserError
from blockrisk.serving.predict import load_model
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.drift import check_drift
from blockrisk.training.monitoring.effect import check_effect
from blockrisk.training.monitoring.feeds import check_feeds
from blockrisk.training.monitoring.findings import Findings, Result
from blockrisk.training.monitoring.lists import check_lists
from blockrisk.training.monitoring.mornings import check_mornings
from blockrisk.training.monitoring.policy import check_policy
from blockrisk.training.sentences import mistake

CHECKS: Final[tuple[tuple[str, Callable[[Context], Result]], ...]] = (
    ("feeds", check_feeds),
    ("mornings", check_mornings),
    ("drift", check_drift),
    ("lists", check_lists),
    ("policy", check_policy),
    ("effect", check_effect),
)
"""Name and function of each check. Add one here, its sentence in serving/page/languages, and its test."""


def monitor(tables: Tables, scores: Path, as_of: datetime, model: Path, vectors: pd.DataFrame | None = None) -> Findings:
    """Make every check of one morning; one that cannot be made is told in `failed` and does not keep the others from being made.

    Args:
        tables: the data set as it was exported for this morning; rows at or after as_of are not looked at.
        scores: folder of score files YYYY-MM-DD.parquet, that of this morning among them.
        as_of: the morning, a midnight.
        model: folder of the bundle that made the latest scores.
        vectors: of the cards at risk at as_of, the model's columns, where they are at hand; None: they are computed.

    Returns:
        the findings. The same arguments give the same findings: there is no state but the files.

    Raises:
        UserError: as_of is no midnight, or the model was trained on vectors without dates.
        BundleError: the bundle cannot be loaded.

    """
    stamp = pd.Timestamp(as_of)
    if stamp != stamp.normalize():
        raise mistake("no_midnight", as_of=stamp)
    loaded = load_model(model)
    if not loaded.dated:
        raise mistake("no_dates_to_monitor", bundle=model)
    context = Context(tables, scores, stamp, loaded, vectors)
    made: dict[str, Result] = {}
    failed: list[str] = []
    for name, check in CHECKS:
        try:
            made[name] = check(context)
        except (UserError, OSError, duckdb.Error) as error:
            failed.append(f"{name}: {' '.join(str(error).split())}")
    return Findings(f"{stamp:%Y-%m-%d}", made, tuple(failed))
