"""A small world for morning runs: the demo's cards with one call in forty, so that a run takes seconds; and what they read."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from blockrisk.features.intake import staging

AS_OF = date(2025, 4, 1)
SETTINGS = """
data = "exports"
capacity = 5
formats = ["csv"]
memory = "1GB"
jobs = 1
mlflow = {mlflow}
[model]
learner = "smooth_logistic"
horizons = [7]
{more}
"""


def small_world(demo: Path, folder: Path, cards: int = 300) -> Path:
    """Write the demo's tables of so many cards, thinned, as the folder `exports`."""
    target = folder / "exports"
    target.mkdir(parents=True)
    kept = sorted(pd.read_parquet(demo / "demo/data/cards.parquet")["card_id"])[:cards]
    for path in sorted((demo / "demo/data").glob("*.parquet")):
        table = pd.read_parquet(path)
        if path.stem == "calls":
            table = table.iloc[::40]
        table = table[table["card_id"].isin(kept)]
        if path.stem not in ("truth", "messages", "roaming_notices"):
            table.to_parquet(target / path.name, index=False)
    return target


def by_month(exports: Path) -> list[Path]:
    """Give the calls a folder with a file a month, the last hours of a month in the next one's, as exports come a little late."""
    calls = pd.read_parquet(exports / "calls.parquet")
    (exports / "calls.parquet").unlink()
    (exports / "calls").mkdir()
    for month, rows in calls.groupby((calls["started_at"] + pd.Timedelta(hours=3)).dt.strftime("%Y-%m")):
        rows.to_parquet(exports / f"calls/{month}.parquet", index=False)
    return sorted((exports / "calls").iterdir())


def until(exports: Path, target: Path, day: date) -> None:
    """Write what an export of a morning holds: the rows known before the day."""
    target.mkdir(parents=True, exist_ok=True)
    events = {
        "cards": "activated_at",
        "calls": "started_at",
        "complaints": "complained_at",
        "payments": "due_at",
        "blocks": "blocked_at",
    }
    for name, column in events.items():
        table = pd.read_parquet(exports / f"{name}.parquet")
        table[table[column] < pd.Timestamp(day)].to_parquet(target / f"{name}.parquet", index=False)


def settings(folder: Path, *, mlflow: bool = False, more: str = "") -> Path:
    """Write a settings file beside the exports."""
    file = folder / "morning.toml"
    file.write_text(SETTINGS.format(mlflow=str(mlflow).lower(), more=more), encoding="utf-8")
    return file


def staged_calls(monkeypatch: pytest.MonkeyPatch, stop: int | None = None) -> list[str]:
    """Note the files of calls that are opened to be staged from now on; the one after `stop` is as a full disk."""
    staged: list[str] = []
    opened = staging.opened

    def told(door, table, found):  # type: ignore[no-untyped-def]
        if table.name == "calls":
            if len(staged) == stop:
                raise OSError(28, "No space left on device")
            staged.append(found.label)
        return opened(door, table, found)

    monkeypatch.setattr(staging, "opened", told)
    return staged
