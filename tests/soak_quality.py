"""How good the lists of a soak were: against a model refitted by hand, and against the first model left as it was."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from blockrisk.features import Tables, read_tables
from blockrisk.serving.predict import Model, load_model, risk_vectors
from blockrisk.training.choice import standard_error
from blockrisk.training.labels import end_of_observation, labels
from blockrisk.training.metrics import losses
from blockrisk.training.morning import registry
from blockrisk.training.morning.workspace import Workspace

AT_A_TIME = 28
"""Mornings whose vectors are computed at once."""


@dataclass(frozen=True)
class Quality:
    """Hold log losses of forecasts whose labels are known, and how much worse the delivered ones are, with standard errors.

    `other` is how many delivered forecasts are not those of the same version on the vectors seen from the end of the year.
    """

    rows: int
    blocks: int
    base: float
    delivered: float
    by_hand: float
    first: float
    worse_than_by_hand: tuple[float, float]
    worse_than_first: tuple[float, float]
    other: int

    def wrong(self) -> list[str]:
        worse, error = self.worse_than_by_hand
        found = [f"delivered forecasts lose {worse:.5f} more than those of a model refitted by hand"] if worse > 2 * error else []
        return found + ([f"{self.other} forecasts are not what the same day gives from the end"] if self.other else [])

    def lines(self) -> str:
        """Give rows of the table of figures."""
        by_hand, first = (f"{worse:+.5f} ± {2 * error:.5f}" for worse, error in (self.worse_than_by_hand, self.worse_than_first))
        return f"""| forecasts with a known label, blocks after them | {self.rows:,}, {self.blocks:,} |
| forecasts that the same version gives otherwise for that morning, seen from the end of the year | {self.other} |
| log loss of what was delivered, of the base rate | {self.delivered:.5f}, {self.base:.5f} |
| the same of a model refitted by hand at each training; delivered less that, two standard errors | {self.by_hand:.5f}; {by_hand} |
| the same of the first model, never refitted; delivered less that | {self.first:.5f}; {first} |
"""


def keep(place: Workspace, day: date, kept: Path) -> None:
    """Keep what the quality is judged by at the end and the workspace thins out: the morning's scores, and new versions."""
    (kept / "scores").mkdir(parents=True, exist_ok=True)
    shutil.copy2(place.scores / f"{day}.parquet", kept / "scores")
    for version in registry.versions(place.models):
        copy = kept / f"versions/{version.told['made_at']}.{version.name}"
        if not copy.exists():
            shutil.copytree(version.folder / registry.BUNDLE, copy)


def judge(kept: Path, data: Path, days: Sequence[date], horizon: int) -> Quality:
    """Judge the kept scores of the days by the data as they are at the end."""
    tables = read_tables(data, memory="1GB")
    end = end_of_observation(tables)
    made = {path.name: load_model(path) for path in sorted((kept / "versions").iterdir())}  # DATE.vN, one a day at most
    parts = [_forecasts(kept, tables, made, days[first : first + AT_A_TIME]) for first in range(0, len(days), AT_A_TIME)]
    found = pd.concat(parts, ignore_index=True)
    found["y"] = labels(tables, found[["card_id", "as_of"]], horizon, end)["label"].to_numpy()
    other = int((found["again"] != found["probability"]).sum())
    found = found[found["y"].notna()]
    y = found["y"].to_numpy()
    loss = {name: losses(y, found[name].to_numpy()) for name in ("probability", "by_hand", "first")}
    cards = found["card_id"].to_numpy()
    worse = {name: loss["probability"] - loss[name] for name in ("by_hand", "first")}
    return Quality(
        len(y),
        int(y.sum()),
        float(losses(y, np.full(len(y), y.mean())).mean()),
        *(float(values.mean()) for values in loss.values()),
        *((float(values.mean()), standard_error(values, cards)) for values in worse.values()),
        other,
    )


def _forecasts(kept: Path, tables: Tables, made: dict[str, Model], days: Sequence[date]) -> pd.DataFrame:
    """Give card_id, as_of, the delivered probability and those of the same version again, the newest version and the first."""
    models = {name.split(".")[1]: model for name, model in made.items()}
    frame = risk_vectors(tables, models["v1"], [pd.Timestamp(day) for day in days])
    parts = []
    for day in days:
        scored = pd.read_parquet(kept / f"scores/{day}.parquet")[["card_id", "as_of", "probability", "model"]]
        vectors = frame[frame["as_of"] == pd.Timestamp(day)].set_index("card_id").loc[scored["card_id"]].reset_index()
        newest = max((name for name in made if name < day.isoformat()), default=min(made)).split(".")[1]
        served = scored.pop("model").iloc[0]
        chances = {"again": served, "by_hand": newest, "first": "v1"}
        parts.append(scored.assign(**{column: models[name].probability(vectors) for column, name in chances.items()}))
    return pd.concat(parts, ignore_index=True)
