"""The backtest: every learner starts anew at each origin, and forecasts the days that follow it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from blockrisk.features import Tables
from blockrisk.features.intake import ZONE, account_lines
from blockrisk.models.estimators import probability
from blockrisk.serving.cautions import Caution
from blockrisk.training.dated import build_examples, check_horizon, end_of_period, opened, rows_of, start_of_period
from blockrisk.training.fitting import LEAST_BLOCKS, Examples, fit_forward
from blockrisk.training.labels import block_starts, distinct_blocks
from blockrisk.training.learners import DEFAULT_LEARNER, LEARNERS
from blockrisk.training.oracle import true_chances
from blockrisk.training.origins import ORIGINS, TEST_SHARE, Origin, dates_of, rolling_origins
from blockrisk.training.report import quiet
from blockrisk.training.sentences import mistake

ORACLE: Final = "oracle"
"""The name of the true chances among the forecasts, where data were simulated."""


@dataclass(frozen=True)
class Backtest:
    """Hold what was forecast at all origins and what became of it: one row for each card at risk and test date.

    `rows` has card_id, as_of, origin (number), operator, home_region, card_age_days, y (label at the primary horizon) and rate (the
    base rate known at the origin); `chances` one column of probabilities a learner, and `oracle` on simulated data. `horizons` has,
    by days, the labels y (NaN where unknown) and the default learner's probabilities p. `blocks` are the blocks of label kinds:
    card_id, blocked_at.
    """

    horizon: int
    origins: list[Origin]
    rows: pd.DataFrame
    chances: pd.DataFrame
    horizons: dict[int, pd.DataFrame]
    blocks: pd.DataFrame
    default: str
    seed: int
    until: pd.Timestamp
    data_digest: str
    account: tuple[str, ...]
    cautions: tuple[Caution, ...]


def backtest(  # noqa: PLR0913 - the options of the command
    data: Path | str | Tables,
    *,
    horizon: int = 7,
    horizons: Sequence[int] = (1, 30),
    origins: int = ORIGINS,
    share: float = TEST_SHARE,
    learners: Sequence[str] | None = None,
    until: Any = None,
    seed: int = 0,
    memory: str | None = None,
    zone: str = ZONE,
    jobs: int = 2,
    truth: Path | None = None,
    tell: Callable[[str], None] = quiet,
) -> Backtest:
    """Forecast the last part of a data set from rolling origins, by every learner.

    Args:
        data: the folder of the contract's tables, or tables already read; blocks is needed.
        horizon: days, 1 to 90, of the labels that learners are fitted and judged on; gaps are as long.
        horizons: further horizons, in days, of the default learner; judged where they mature.
        origins: least number of origins wanted.
        share: of the period, the last part that is forecast.
        learners: names of `learners.LEARNERS` or of the installed peers; all when left out.
        until: as in `train`.
        seed: the same data, seed and versions give the same figures.
        memory: as in `train`.
        zone: as in `train`.
        jobs: processes.
        truth: folder of the truth of simulated tables, looked up for figures only; `data` where that is a folder.
        tell: is called with the name of each step as it starts.

    Raises:
        UserError: the data cannot be read, the period is too short, or blocks are too few to learn from.

    """
    names = check_backtest(horizon, learners)
    tables = opened(data, zone, memory, tell)
    end, cautions = end_of_period(tables, until)
    plan = rolling_origins(start_of_period(tables), end, horizon, count=origins, share=share)
    known = distinct_blocks(tables, plan[0].start)
    if known < LEAST_BLOCKS:
        raise mistake("few_before_origin", known=known, origin=plan[0].start.date(), least=LEAST_BLOCKS)
    tell(f"Features of {len(dates_of(plan))} dates")
    further = [days for days in horizons if days != horizon]
    examples, _ = build_examples(tables, dates_of(plan), horizon, end, further)
    rows, chances, ladders = _forecast(examples, plan, names, seed, jobs, tell)
    folder = data if truth is None and not isinstance(data, Tables) else truth
    if folder is not None:
        q = true_chances(folder, rows["card_id"].to_numpy(), rows["as_of"].to_numpy(), horizon)
        chances = chances if q is None or np.isnan(q).any() else chances.assign(**{ORACLE: q})
    return Backtest(
        horizon, plan, rows, chances, ladders, block_starts(tables), names[-1], seed, end, tables.digest(),
        tuple(account_lines(tables)), cautions,
    )  # fmt: skip


def check_backtest(horizon: int, asked: Sequence[str] | None) -> list[str]:
    """Refuse a horizon or a learner that cannot be, before any data are read, and list the learners with the default one last.

    All of them and the installed peers are listed when none is asked for.
    """
    from blockrisk.training.peers import installed_peers

    check_horizon(horizon)
    known = [learner.name for learner in (*installed_peers(), *LEARNERS)]
    for name in asked or []:
        if name not in known:
            raise mistake("unknown_learner", name=name, known=", ".join(known))
    return [name for name in known if asked is None or name in asked or name == DEFAULT_LEARNER]


def _forecast(  # noqa: PLR0913 - the state of one loop
    examples: Examples,
    plan: list[Origin],
    names: list[str],
    seed: int,
    jobs: int,
    tell: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, pd.DataFrame]]:
    rows, chances, further = [], [], []
    for number, origin in enumerate(plan):
        earlier, later, judged = (examples.take(part) for part in rows_of(origin, examples.dates))
        later = later.known_at(np.datetime64(origin.start))
        found = {}
        for name in names:
            tell(f"Origin {number + 1} of {len(plan)}, {origin.start.date()}: {name}")
            model, ladder = fit_forward(earlier, later, name, seed, jobs)
            found[name] = model.predict_proba(judged.frame)[:, 1]
        assert ladder is not None  # there are dates
        further.append(_further(judged, ladder.margins(model.margin(judged.frame), judged.dates), ladder.days))
        known = np.concatenate([earlier.y, later.y])
        rows.append(_described(judged, number, float(known.mean())))
        chances.append(pd.DataFrame(found))
    joined = {days: pd.concat([part[days] for part in further], ignore_index=True) for days in further[0]}
    return pd.concat(rows, ignore_index=True), pd.concat(chances, ignore_index=True), joined


def _described(judged: Examples, origin: int, rate: float) -> pd.DataFrame:
    base = pd.DataFrame({"card_id": pd.array(judged.cards, dtype="str"), "as_of": judged.dates, "origin": origin})
    taken = {name: judged.frame[name].to_numpy() for name in ("operator", "home_region", "card_age_days")}
    return base.assign(**taken, y=judged.y, rate=rate)


def _further(judged: Examples, margins: np.ndarray, horizons: list[int]) -> dict[int, pd.DataFrame]:
    found = probability(margins)
    return {
        days: pd.DataFrame({"y": judged.y if days == judged.horizon else judged.others[days], "p": found[:, place]})
        for place, days in enumerate(horizons)
    }
