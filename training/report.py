"""What a training tells its user, as data; `train_cli` writes it out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.serving.cautions import Caution
from blockrisk.training.tracking import Tracked


def quiet(_: str) -> None:
    """Tell nobody of a step."""


@dataclass(frozen=True)
class Report:
    """Hold the result of a training.

    `metrics` has one row a metric and the columns model, base_rate and, with dates, static_rules, all on the test slice;
    `slices` the counts of train, calibrate, test and all; `unknown` the rows left out by reason; `cautions` what the
    reader must know; `account` the lines about the rows read; `tracked` what became of the MLflow run (None: not asked for);
    `calibration` as `curves.calibration_table`, of the test slice.
    """

    bundle: Path
    manifest: dict[str, Any]
    metrics: pd.DataFrame
    slices: dict[str, dict[str, Any]]
    unknown: dict[str, int]
    cautions: tuple[Caution, ...]
    account: tuple[str, ...] = ()
    tracked: Tracked | None = None
    calibration: pd.DataFrame | None = None
