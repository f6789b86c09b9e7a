"""What a backtest leaves behind: one folder of CSV, JSON, Parquet and PNG files, and an MLflow run."""

import json
import math
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd

from blockrisk.models.folder import write_folder
from blockrisk.serving.alerts import DEFAULT_ALERT, AlertRule
from blockrisk.training.backtest import Backtest
from blockrisk.training.backtest_plots import draw_backtest
from blockrisk.training.backtest_tables import ALL, alert_table, figures, groups, horizon_table, paired, spreads
from blockrisk.training.bootstrap import DRAWS
from blockrisk.training.tracking import Run, Tracked, track

SUMMARY: Final = "backtest.json"
"""The file that marks a backtest's folder; it holds all tables."""


def tables_of(found: Backtest, *, rule: AlertRule = DEFAULT_ALERT, draws: int = DRAWS, jobs: int = 2) -> dict[str, pd.DataFrame]:
    """Compute every table of a backtest by name."""
    drawn = spreads(found, draws, jobs)
    return {
        "figures": figures(found, drawn),
        "paired": paired(found, drawn),
        "groups": groups(found),
        "alerts": alert_table(found, rule),
        "horizons": horizon_table(found),
        "origins": origins(found),
    }


def origins(found: Backtest) -> pd.DataFrame:
    """Tabulate the origins: the dates fitted on, calibrated on and judged, and the rows and blocked rows judged."""
    parts = []
    for number, origin in enumerate(found.origins):
        rows = found.rows[found.rows["origin"] == number]
        spans = {
            f"{name}_{end}": dates[place].date().isoformat()
            for name, dates in (("train", origin.train), ("calibrate", origin.calibrate), ("test", origin.test))
            for end, place in (("first", 0), ("last", -1))
        }
        parts.append({"origin": number + 1, **spans, "rows": len(rows), "blocked": int(rows["y"].sum())})
    return pd.DataFrame(parts)


def write_backtest(found: Backtest, tables: dict[str, pd.DataFrame], out: Path, *, replace: bool = False) -> None:
    """Write the folder `out`, whole or not at all: NAME.csv for each table, backtest.json, forecasts.parquet, plots as PNG."""
    files = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    files[SUMMARY] = (json.dumps(_summary(found, tables), indent=1, ensure_ascii=False) + "\n").encode()
    with tempfile.TemporaryDirectory() as folder:
        forecasts = Path(folder) / "forecasts.parquet"
        pd.concat([found.rows, found.chances], axis=1).to_parquet(forecasts, index=False)
        for path in (forecasts, *draw_backtest(found, tables, Path(folder))):
            files[path.name] = path.read_bytes()
    write_folder(out, files, replace=replace)


def log_backtest(found: Backtest, tables: dict[str, pd.DataFrame], out: Path) -> Tracked:
    """Log a backtest to MLflow: the figures of all origins together, and every file of its folder."""
    rows = tables["figures"]
    rows = rows[rows["origin"] == ALL]
    names = rows["learner"] + "." + rows["metric"]
    metrics = dict(zip(names, rows["value"].to_numpy(dtype="float64").tolist(), strict=True))
    params = {
        "kind": "backtest",
        "horizon_days": found.horizon,
        "origins": len(found.origins),
        "until": str(found.until.date()),
        "seed": found.seed,
        "default": found.default,
    }
    tags = {"data_digest": found.data_digest}
    return track(Run(out.name, params, metrics, None, sorted(path for path in out.iterdir() if path.is_file()), tags))


def _summary(found: Backtest, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    return {
        "horizon_days": found.horizon,
        "default": found.default,
        "until": str(found.until.date()),
        "seed": found.seed,
        "data_digest": found.data_digest,
        "account": list(found.account),
        "cautions": [str(caution) for caution in found.cautions],
        "tables": {name: _records(table) for name, table in tables.items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]
