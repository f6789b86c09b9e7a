"""What every step of a morning may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.intake import read_tables
from blockrisk.features.intake.days import digest_of
from blockrisk.features.intake.pseudonyms import read_key
from blockrisk.features.intake.sources import find_files
from blockrisk.features.output import read_frame
from blockrisk.serving.briefing import Briefing, brief
from blockrisk.serving.predict import Model
from blockrisk.training.morning import registry
from blockrisk.training.morning.record import read_record, sums_of
from blockrisk.training.morning.settings import Config
from blockrisk.training.morning.workspace import Inputs, Workspace, check_unchanged

Told = dict[str, Any]


@dataclass(frozen=True)
class Morning:
    """Hold what every step may use: settings, dates, places, inputs, what earlier steps told, and whom to tell of progress.

    Stamps later than the day after `today` are refused; it is later than as_of where a past morning is run again.
    """

    config: Config
    as_of: date
    today: date
    place: Workspace
    inputs: Inputs
    told: dict[str, Told]
    tell: Callable[[str], None]

    @cached_property
    def tables(self) -> Tables:
        """Read the data set, once; of the calls only files that are new or changed."""
        data, config = self.config.folder("data"), self.config
        key = read_key(config.folder("pseudonymise")) if config["pseudonymise"] else None
        found = read_tables(data, zone=config["zone"], memory=config["memory"], today=self.today, key=key, store=self._store(data))
        check_unchanged(data, self.inputs)
        return found

    def _store(self, data: Path) -> Path | None:
        """Name where calls are kept by day; None where they come in one file, which is another one each morning."""
        return self.place.calls if len(find_files(data)[0]["calls"]) > 1 else None

    @cached_property
    def model(self) -> Model:
        """Load the version that scores this morning, verified."""
        return registry.verified(registry.version(self.place.models, self.told["model"]["version"]))

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Give the scores of this morning, as they are on disk."""
        return read_frame(self.place.scores / f"{self.as_of}.parquet").drop(columns="model")

    @cached_property
    def briefing(self) -> Briefing:
        """Gather what the list for people tells, once."""
        stamp, capacity = pd.Timestamp(self.as_of), self.config["capacity"]
        found = brief(self.tables, self.model, self.scored, stamp, capacity, before=self._scored_before())
        return replace(found, model={**found.model, "name": self.told["model"]["version"]})

    def _scored_before(self) -> pd.DataFrame | None:
        """Give the scores that the version of this morning gave the day before, if they are on disk as they were written."""
        day = self.as_of - timedelta(days=1)
        file = self.place.scores / f"{day}.parquet"
        sums = sums_of(read_record(self.place.records / f"{day}.json"), "score")
        if not _as_written(file, sums):
            return None
        found = read_frame(file)
        return found.drop(columns="model") if (found["model"] == self.told["model"]["version"]).all() else None

    def vectors(self) -> pd.DataFrame | None:
        """Give the vectors of this morning, if they are on disk as the step wrote them."""
        file = self.output("features", "vectors.parquet")
        return read_frame(file) if _as_written(file, self.told["features"]["sums"]) else None

    @property
    def delivered(self) -> Path:
        """Name the folder that the list is delivered in."""
        return self.place.lists / self.as_of.isoformat()

    def output(self, step: str, name: str) -> Path:
        """Name a file that an earlier step left."""
        return self.place.work(self.as_of) / step / name


def _as_written(file: Path, sums: Mapping[str, str]) -> bool:
    return file.is_file() and sums.get(str(file)) == digest_of(file)
