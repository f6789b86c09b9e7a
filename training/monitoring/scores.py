"""The score files of earlier mornings, one a day, as one table."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from blockrisk.training.sentences import mistake

LOOK_BACK_DAYS: Final = 180
"""Days of mornings that are looked at, so that a year of files costs no more than half a one."""

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.parquet")
_NEEDED = ("card_id", "as_of", "horizon_days", "probability")


@dataclass(frozen=True)
class Scores:
    """Hold what was forecast on each morning.

    Attributes:
        frame: card_id (categories), as_of (midnights), probability (of the primary horizon), daily (of a block within one day),
            alert (whether the card was on the list, NA where the file does not say), by date; one row for each card that was
            at risk.
        dates: the mornings that there is a file of, ascending.
        foreign: names of files whose rows are of another morning than the name says; they are left out.

    """

    frame: pd.DataFrame
    dates: tuple[pd.Timestamp, ...]
    foreign: tuple[str, ...] = ()

    def of(self, date: pd.Timestamp) -> pd.DataFrame:
        """Give the rows of one morning; none where there is no file of it."""
        return self.frame[self.frame["as_of"] == date]


def read_scores(folder: Path, as_of: pd.Timestamp) -> Scores:
    """Read the files YYYY-MM-DD.parquet of a folder, from LOOK_BACK_DAYS before as_of to as_of itself.

    Raises UserError if there is no such folder or no such file, or a file is damaged or lacks a column.
    """
    if not folder.is_dir():
        raise mistake("no_scores", folder=folder)
    first = as_of - pd.Timedelta(days=LOOK_BACK_DAYS)
    files = {_date(path): path for path in sorted(folder.iterdir()) if _NAME.fullmatch(path.name)}
    files = {date: path for date, path in files.items() if first <= date <= as_of}
    if not files:
        raise mistake("no_scores_of_days", folder=folder, first=f"{first:%Y-%m-%d}", last=f"{as_of:%Y-%m-%d}")
    parts = {date: _read(path) for date, path in files.items()}
    foreign = [date for date, part in parts.items() if len(part) and not (part["as_of"] == date).all()]
    kept = [part for date, part in parts.items() if date not in foreign]
    if not kept:
        raise mistake("no_scores_as_named", folder=folder)
    frame = pd.concat(kept, ignore_index=True)
    frame["card_id"] = frame["card_id"].astype("category")
    return Scores(frame, tuple(date for date in parts if date not in foreign), tuple(files[date].name for date in foreign))


def _date(path: Path) -> pd.Timestamp:
    try:
        return pd.Timestamp(path.stem)
    except ValueError as error:
        raise mistake("scores_of_no_day", file=path.name) from error


def _read(path: Path) -> pd.DataFrame:
    try:
        names = pq.read_schema(path).names
        missing = [name for name in _NEEDED if name not in names]
        if missing:
            raise mistake("scores_without", file=path.name, column=missing[0])
        daily = "probability_1d" in names
        more = [name for name in ("probability_1d", "alert") if name in names]
        found = pq.read_table(path, columns=[*_NEEDED, *more], page_checksum_verification=True).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise mistake("scores_unreadable", file=path.name, reason=_first_line(error)) from error
    chance = found["probability"].to_numpy(dtype=np.float64)
    per_day = -np.expm1(np.log1p(-np.minimum(chance, 1 - 1e-12)) / found["horizon_days"].to_numpy(dtype=np.float64))
    return pd.DataFrame(
        {
            "card_id": found["card_id"].astype(str),
            "as_of": pd.to_datetime(found["as_of"]).astype("datetime64[us]"),
            "probability": chance,
            "daily": found["probability_1d"].to_numpy(dtype=np.float64) if daily else per_day,
            "alert": found["alert"].astype("boolean") if "alert" in more else pd.array([pd.NA] * len(found), dtype="boolean"),
        }
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
