"""Train on the tables of a data set: cards at risk every eighth day, labels after each date, slices forward in time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as replaced
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables, at_risk, catalogue, read_tables, vectors
from blockrisk.features.intake import ZONE, account_lines
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.serving.alerts import DEFAULT_ALERT, AlertRule
from blockrisk.serving.cautions import Caution, caution
from blockrisk.training.acted import acted_days, repeats
from blockrisk.training.choice import CANDIDATES, Choice, choose
from blockrisk.training.fitting import (
    FEW_BLOCKS,
    LEAST_BLOCKS,
    LEAST_POSITIVES,
    SIMPLE_LEARNER,
    Examples,
    Fitted,
    check_learner,
    fit_and_judge,
    fit_examples,
)
from blockrisk.training.horizons import HORIZONS
from blockrisk.training.labels import block_starts, distinct_blocks, end_of_observation, labels, unknown_counts
from blockrisk.training.leaks import leak_cautions
from blockrisk.training.report import Report, quiet
from blockrisk.training.sentences import mistake
from blockrisk.training.ship import Shipment, check_target, ship
from blockrisk.training.split import DateSplit, RowSplit, split_period

LONGEST_HORIZON: Final = 90

MEMORY: Final = "3GB"
"""The feature engine's limit when none is asked for: what it takes beyond goes to a temporary folder."""


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
    horizons: Sequence[int] = HORIZONS,
    alert: AlertRule = DEFAULT_ALERT,
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
        horizon: days, 1 to 90, of the primary forecast; a label looks at [as_of, as_of + horizon).
        seed: the same data, seed and versions give the same bytes.
        memory: DuckDB's limit, such as "2GB"; MEMORY when left out.
        zone: IANA zone of the local times.
        learner: one of `learners.LEARNERS`; left out, a forward comparison chooses it, and under 50 blocks the simple one is taken.
        horizons: further days that the model forecasts; each needs labels that are known before `until`.
        alert: how the daily list is made; stated in the manifest.
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
    check_train(out, horizon, learner, replace=replace)
    tables = opened(data, zone, memory, tell)
    end, cautions = end_of_period(tables, until)
    asked, few = choose_learner(distinct_blocks(tables, end), learner)
    split = split_period(start_of_period(tables), end, horizon)
    tell(f"Features of {len(split.dates)} dates")
    further = [days for days in horizons if days != horizon]
    examples, unknown = build_examples(tables, split.dates, horizon, end, further)
    _check_positives(tables, examples, end)
    examples = replaced(examples, others={days: y for days, y in examples.others.items() if np.nansum(y) > 0})
    rows = rows_of(split, examples.dates)
    choice, first = _chosen(examples, rows, asked, seed, jobs, tell)
    tell(f"Fitting {choice.learner} on all {len(examples.y):,} rows")
    fitted = fit_and_judge(examples, rows, choice.learner, seed, jobs, first)
    manifest = _manifest(tables, choice.learner, horizon, end, seed, unknown)
    return ship(
        Shipment(
            out=out,
            examples=examples,
            split=rows,
            fitted=fitted,
            manifest={**manifest, "choice": choice.reason, "candidates": choice.candidates, "alert": alert.to_json()},
            cautions=(
                *cautions,
                *few,
                *_thin_slices(fitted),
                *_unripe(horizons, fitted),
                *leak_cautions(examples.frame, examples.y),
            ),
            unknown=unknown,
            account=tuple(account_lines(tables)),
        ),
        replace=replace,
        mlflow=mlflow,
    )


def build_examples(
    tables: Tables, dates: Sequence[pd.Timestamp], horizon: int, until: pd.Timestamp, further: Sequence[int] = ()
) -> tuple[Examples, dict[str, int]]:
    """Make the labelled vectors of all cards at risk on the dates, and count the rows without a label.

    Labels at `further` horizons come along, NaN where they are not known. Rows that were acted on are left out and others stand in
    for them (`acted`).
    """
    labelled = labels(tables, at_risk(tables, list(dates)), horizon, until)
    known = labelled[labelled["label"].notna()].reset_index(drop=True)
    if known.empty:
        raise mistake("no_card_at_risk")
    pairs = known[["card_id", "as_of"]]
    others = {days: labels(tables, pairs, days, until)["label"].to_numpy(dtype="float64") for days in further}
    frame = vectors(tables, pairs)
    examples = Examples(
        frame=frame.drop(columns=["card_id", "as_of"]),
        y=known["label"].to_numpy(dtype="float64"),
        cards=known["card_id"].to_numpy(dtype=object),
        dates=known["as_of"].to_numpy().astype("datetime64[us]"),
        monotone=catalogue.monotone(),
        horizon=horizon,
        others=others,
        blocked=block_starts(tables)["blocked_at"].to_numpy(),
    )
    unknown = unknown_counts(labelled)
    if "actions" not in tables.present:
        return examples, unknown
    return _without_acted(tables, examples, pairs, until, unknown)


def _without_acted(
    tables: Tables, examples: Examples, pairs: pd.DataFrame, until: pd.Timestamp, unknown: dict[str, int]
) -> tuple[Examples, dict[str, int]]:
    """Censor the rows that somebody acted on, at every horizon, and let others stand in for those of the primary one."""
    assert examples.horizon is not None
    acted, blocked = acted_days(tables, pairs, examples.horizon, until, LABEL_KINDS)
    times = repeats(examples.frame, examples.cards, acted, blocked, examples.horizon)
    others = {
        days: np.where(np.isnan(acted_days(tables, pairs, days, until, LABEL_KINDS)[0]), y, np.nan)
        for days, y in examples.others.items()
    }
    kept = replaced(examples, others=others).take(np.repeat(np.arange(len(times)), times))
    return kept, {**unknown, "acted": int((~np.isnan(acted)).sum())}


def rows_of(split: DateSplit, dates: np.ndarray | None) -> RowSplit:
    """Find the rows of each slice by their dates."""
    if dates is None:
        raise ValueError("rows without dates cannot be split by date")
    parts = (split.train, split.calibrate, split.test)
    wanted = [np.array(part, dtype="datetime64[us]") for part in parts]
    return RowSplit(*(np.flatnonzero(np.isin(dates, days)) for days in wanted))


def choose_learner(blocks: int, asked: str | None) -> tuple[str | None, tuple[Caution, ...]]:
    """Settle the learner where blocks are too few to compare any, and say so; None: a comparison is to choose.

    >>> choose_learner(200, None)
    (None, ())
    >>> choose_learner(20, None)[0]
    'smooth_logistic'
    """
    if blocks < LEAST_BLOCKS:
        raise mistake("few_blocks", blocks=blocks, kinds=", ".join(LABEL_KINDS), least=LEAST_BLOCKS)
    if blocks >= FEW_BLOCKS or asked is not None:
        return asked, () if blocks >= FEW_BLOCKS else (caution("few_blocks", blocks=blocks),)
    return SIMPLE_LEARNER, (caution("simple_learner", blocks=blocks, least=FEW_BLOCKS, learner=SIMPLE_LEARNER),)


def _check_positives(tables: Tables, examples: Examples, end: pd.Timestamp) -> None:
    """Raise UserError where hardly a block of the ledger falls on a card and date to learn from."""
    positives = int(examples.y.sum())
    if positives < LEAST_POSITIVES:
        code = "few_positives_acted" if "actions" in tables.present else "few_positives"
        blocks = distinct_blocks(tables, end)
        raise mistake(code, blocks=blocks, end=end.date(), positives=positives, least=LEAST_POSITIVES)


def check_train(out: Path, horizon: int, learner: str | None, *, replace: bool) -> None:
    """Refuse what `train` cannot do before any data are read: UserError for a horizon, a learner or a target."""
    check_horizon(horizon)
    check_learner(learner)
    check_target(out, replace=replace)


def opened(
    data: Path | str | Mapping[str, pd.DataFrame] | Tables, zone: str, memory: str | None, tell: Callable[[str], None]
) -> Tables:
    """Read a data set in MEMORY unless told otherwise; tables that have been read are taken as they are."""
    if isinstance(data, Tables):
        return data
    tell("Reading the tables")
    return read_tables(data, zone=zone, memory=memory or MEMORY)


def check_horizon(horizon: int) -> None:
    """Raise UserError unless the horizon is 1 to LONGEST_HORIZON days."""
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise mistake("horizon", horizon=horizon, longest=LONGEST_HORIZON)


def end_of_period(tables: Tables, asked: date | str | None) -> tuple[pd.Timestamp, tuple[Caution, ...]]:
    """Return the end of observation: the day asked for, but never past the end of the data."""
    end = end_of_observation(tables)
    if asked is None:
        return end, ()
    try:
        until = pd.Timestamp(asked)
    except ValueError as error:
        raise mistake("until_no_date", asked=asked) from error
    if until != until.normalize():
        raise mistake("until_no_midnight", asked=asked, date=until.date())
    if until > end:
        return end, (caution("until_past_the_data", until=str(until.date()), end=str(end.date())),)
    return until, ()


def start_of_period(tables: Tables) -> pd.Timestamp:
    """Give the time of the first call."""
    [(first,)] = tables.con.execute("SELECT min(started_at) FROM calls").fetchall()
    return pd.Timestamp(first)


def _chosen(  # noqa: PLR0913 - passes its caller's state along
    examples: Examples, rows: RowSplit, asked: str | None, seed: int, jobs: int, tell: Callable[[str], None]
) -> tuple[Choice, Any]:
    """Take the learner asked for, or compare the candidates on the train and calibrate slices; with its fit on train."""
    train = examples.take(rows.train)
    if asked is None:
        tell(f"Comparing {', '.join(CANDIDATES)} forward in time")
        return choose(train, examples.take(rows.calibrate), seed, jobs)
    tell(f"Fitting {asked} on the first {len(train.y):,} rows")
    return Choice(asked, f"{asked}: named beforehand, not compared", {}), fit_examples(train, asked, seed, jobs)


def _unripe(horizons: Sequence[int], fitted: Fitted) -> tuple[Caution, ...]:
    missing = [days for days in horizons if fitted.ladder is not None and days not in fitted.ladder.days]
    return tuple(caution("unripe_horizon", days=days) for days in missing)


def _thin_slices(fitted: Fitted) -> tuple[Caution, ...]:
    positives = int(fitted.samples["model"].y.sum())
    return (caution("thin_test", blocks=positives),) if positives < LEAST_BLOCKS else ()


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
