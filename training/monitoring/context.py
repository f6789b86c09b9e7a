"""What every check is given."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.tables import table
from blockrisk.serving.predict import Model
from blockrisk.training.labels import end_of_observation
from blockrisk.training.monitoring.scores import Scores, read_scores


@dataclass(frozen=True)
class Context:
    """Hold the data, the folder of earlier scores, the morning, the model, and the morning's vectors where they are at hand."""

    tables: Tables
    folder: Path
    as_of: pd.Timestamp
    model: Model
    vectors: pd.DataFrame | None = None

    @cached_property
    def scores(self) -> Scores:
        """Read the earlier scores, once for all checks; UserError as `read_scores`, for each check that asks."""
        return read_scores(self.folder, self.as_of)

    def known(self, name: str) -> str:
        """Give the SQL of the moment at which a row of a table became known."""
        event = table(name).event
        return f"greatest({event}, coalesce(available_at, {event}))" if table(name).dated else str(event)

    @cached_property
    def end(self) -> pd.Timestamp:
        """Give the end of observation: until when it is known at as_of what became of the cards."""
        return end_of_observation(self.tables, self.as_of)
