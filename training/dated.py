"""Train on the tables of a data set: cards at risk on weekly dates, labels after each date, slices forward in time."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables, at_risk, catalogue, read_tables, vectors
from blockrisk.features.errors import UserError
from blockrisk.features.intake import ZONE, account_lines
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.training.fitting import (
    FEW_BLOCKS,
    LEAST_BLOCKS,
    SIMPLE_LEARNER,
    Examples,
    Fitted,
    check_learner,
    fit_and_judge,
)
from blockrisk.training.labels import distinct_blocks, end_of_observation, labels, unknown_counts
from blockrisk.training.learners import DEFAULT_LEARNER
from blockrisk.training.report import Report, quiet
from blockrisk.training.ship import Shipment, check_target, ship
from blockrisk.training.split import DateSplit, RowSplit, split_period

LONGEST_HORIZON: Final = 90


def train(  # noqa: PLR0913 - the options of the command
    data: Path | str | Mapping[str, pd.DataFrame] | Tables,
    *,
    out: Path | str,
    until: date | str | None = None,
    horizon: int = 7,
    seed: int = 0,
    memory: str | None = None,
    zone: str = ZONE,
    learner: str | None = None,
    replace: bool = False,
    mlflow: bool = True,
    jobs: int = 2,
    tell: Callable[[str], None] = quiet,
) -> Report:
    """Learn the chance that a card is blocked within `horizon` days, and write the bundle folder `out`.

    Args:
        data: the folder of the contract's tables, data frames by table name, or tables already read; blocks is needed.
        out: the bundle's folder; with `replace` an existing bundle is replaced at the end, at once.
        until: the first day that is not visible (local time); the midnight after the last call when left out.
        horizon: days, 1 to 90; a label looks at [as_of, as_of + horizon).
        seed: the same data, seed and versions give the same bytes.
        memory: DuckDB's limit, such as "2GB".
        zone: IANA zone of the local times.
        learner: one of `learners.LEARNERS`; the blend when left out, the simple learner under 50 blocks.
        replace: whether an existing bundle at `out` may be replaced.
        mlflow: whether to log the run.
        jobs: processes.
        tell: is called with the name of each step as it starts.

    Returns:
        the figures on the last slice beside the baselines, the counts, the cautions and the path.

    Raises:
        UserError: the data cannot be read, the period is too short, fewer than 10 blocks lie before `until`, or `out`
            exists already.

    """
    out = Path(out)
    _check_horizon(horizon)
    check_learner(learner)
    check_target(out, replace=replace)
    tell("Reading the tables")
    tables = data if isinstance(data, Tables) else read_tables(data, zone=zone, memory=memory)
    end, cautions = _until(tables, until)
    chosen, caution = choose_learner(distinct_blocks(tables, end), learner)
    split = split_period(_start(tables), end, horizon)
    tell(f"Features of {len(split.dates)} dates")
    examples, unknown = build_examples(tables, split, horizon, end)
    tell(f"Fitting {chosen} on {len(examples.y):,} rows, twice")
    fitted = fit_and_judge(examples, rows_of(split, examples.dates), chosen, seed, jobs)
    return ship(
        Shipment(
            out=out,
            examples=examples,
            split=rows_of(split, examples.dates),
            fitted=fitted,
            manifest=_manifest(tables, chosen, horizon, end, seed, unknown),
            cautions=(*cautions, *caution, *_thin_slices(fitted)),
            unknown=unknown,
            account=tuple(account_lines(tables)),
        ),
        replace=replace,
        mlflow=mlflow,
    )


def build_examples(tables: Tables, split: DateSplit, horizon: int, until: pd.Timestamp) -> tuple[Examples, dict[str, int]]:
    """Make the labelled vectors of all cards at risk on the dates of a split, and count the rows without a label."""
    labelled = labels(tables, at_risk(tables, list(split.dates)), horizon, until)
    known = labelled[labelled["label"].notna()].reset_index(drop=True)
    if known.empty:
        raise UserError("no card is at risk on any prediction date with a known label; check activated_at and blocks")
    frame = vectors(tables, known[["card_id", "as_of"]])
    examples = Examples(
        frame=frame.drop(columns=["card_id", "as_of"]),
        y=known["label"].to_numpy(dtype="float64"),
        cards=known["card_id"].to_numpy(dtype=object),
        dates=known["as_of"].to_numpy().astype("datetime64[us]"),
        monotone=catalogue.monotone(),
    )
    return examples, unknown_counts(labelled)


def rows_of(split: DateSplit, dates: np.ndarray | None) -> RowSplit:
    """Find the rows of each slice by their dates."""
    if dates is None:
        raise ValueError("rows without dates cannot be split by date")
    parts = (split.train, split.calibrate, split.test)
    wanted = [np.array(part, dtype="datetime64[us]") for part in parts]
    return RowSplit(*(np.flatnonzero(np.isin(dates, days)) for days in wanted))


def choose_learner(blocks: int, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """Choose the learner by the number of blocks to learn from, and say so where they are few.

    >>> choose_learner(200, None)
    ('blend', ())
    >>> choose_learner(20, None)[0]
    'smooth_logistic'
    """
    if blocks < LEAST_BLOCKS:
        raise UserError(
            f"{blocks} blocks of kinds {' and '.join(LABEL_KINDS)} start before the end of observation; at least"
            f" {LEAST_BLOCKS} are needed to learn anything; supply a longer period or more cards"
        )
    if blocks >= FEW_BLOCKS or asked is not None:
        few = () if blocks >= FEW_BLOCKS else (f"only {blocks} blocks to learn from: take every figure with caution",)
        return asked or DEFAULT_LEARNER, few
    return SIMPLE_LEARNER, (
        f"only {blocks} blocks to learn from, under {FEW_BLOCKS}: the simple learner {SIMPLE_LEARNER} was taken, and its"
        " probabilities are rough",
    )


def _check_horizon(horizon: int) -> None:
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise UserError(f"--horizon is {horizon}; it must be 1 to {LONGEST_HORIZON} days; 7 is usual")


def _until(tables: Tables, asked: date | str | None) -> tuple[pd.Timestamp, tuple[str, ...]]:
    """Return the end of observation: the day asked for, but never past the end of the data."""
    end = end_of_observation(tables)
    if asked is None:
        return end, ()
    try:
        until = pd.Timestamp(asked)
    except ValueError as error:
        raise UserError(f'--until "{asked}" is no date; write 2026-03-01') from error
    if until != until.normalize():
        raise UserError(f'--until "{asked}" is no midnight; write a date such as {until.date()}')
    if until > end:
        told = f"--until {until.date()} lies after the last call; the data end at {end.date()}, which is used instead"
        return end, (told,)
    return until, ()


def _start(tables: Tables) -> pd.Timestamp:
    [(first,)] = tables.con.execute("SELECT min(started_at) FROM calls").fetchall()
    return pd.Timestamp(first)


def _thin_slices(fitted: Fitted) -> tuple[str, ...]:
    positives = int(fitted.samples["model"].y.sum())
    return (f"only {positives} blocks in the test slice: its figures are rough",) if positives < LEAST_BLOCKS else ()


def _manifest(  # noqa: PLR0913 - what is told of a run
    tables: Tables, learner: str, horizon: int, until: pd.Timestamp, seed: int, unknown: dict[str, int]
) -> dict[str, Any]:
    return {
        "kind": "dated",
        "fingerprint": catalogue.fingerprint(),
        "families": catalogue.families(),
        "horizon_days": horizon,
        "label_kinds": list(LABEL_KINDS),
        "until": str(until.date()),
        "zone": tables.zone,
        "learner": learner,
        "seed": seed,
        "data_digest": tables.digest(),
        "tables": sorted(name for name in tables.present if "." not in name),
        "limits": "packaged and supplied" if "limits" in tables.present else "packaged",
        "unknown_labels": unknown,
    }
