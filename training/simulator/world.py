"""A made-up data set with the truth behind it: draw the rules and habits, run the days, make the tables."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from blockrisk.training.sentences import mistake
from blockrisk.training.simulator.calls import DAY_S, calls_table
from blockrisk.training.simulator.course import Run, finish, run_day, start_run
from blockrisk.training.simulator.dynamics import State
from blockrisk.training.simulator.habits import Habits, draw_habits
from blockrisk.training.simulator.ledgers import (
    Frame,
    blocks_table,
    cards_table,
    complaints_table,
    messages_table,
    next_second,
    notices_table,
    payments_table,
)
from blockrisk.training.simulator.policy import Policy, draw_policy
from blockrisk.training.simulator.truth import History, Outcomes, truth_table

DEFAULT_START = date(2025, 1, 1)
LABEL_KINDS = ("full_stop", "outgoing_limit")


@dataclass(frozen=True)
class World:
    """Hold a made-up data set and what is true behind it.

    `tables` maps the contract's table names to DataFrames with all their columns (text columns of calls with few
    values are categorical there, plain text in the files); `truth` has the columns card_id,
    as_of, probability, blocked. The rest never reaches a file: `causes` (card_id, blocked_at, cause: one row per block
    of a label kind), `habits`, `policy` and `states` (the state at each midnight, days + 1 of them).
    """

    tables: dict[str, pd.DataFrame]
    truth: pd.DataFrame
    causes: pd.DataFrame
    habits: Habits
    policy: Policy
    states: list[State]


def simulate(cards: int, days: int, seed: int, *, start: date = DEFAULT_START, horizon: int = 7, rollouts: int = 48) -> World:
    """Simulate `cards` cards over `days` days from midnight of `start`, with the true chances for `horizon` days.

    The same arguments give the same tables. `rollouts` is the number of drawn futures behind each true chance.
    Truth rows start a week after `start` and reach to the midnight after the last call. Raises UserError for
    numbers under 1. Figures: design/domain.md, "Numbers for a realistic simulator".

    >>> world = simulate(cards=30, days=12, seed=7, rollouts=2)
    >>> sorted(world.tables)
    ['blocks', 'calls', 'cards', 'complaints', 'messages', 'payments', 'roaming_notices']
    >>> list(world.truth.columns)
    ['card_id', 'as_of', 'probability', 'blocked']
    """
    for name, value in {"cards": cards, "days": days, "horizon": horizon, "rollouts": rollouts}.items():
        if value < 1:
            raise mistake("no_count", name=name, value=value)
    if seed < 0:
        raise mistake("seed", seed=seed)
    for_policy, for_habits, for_days, for_calls, for_tables, for_truth = np.random.SeedSequence(seed).spawn(6)
    policy = draw_policy(days, start, np.random.default_rng(for_policy))
    habits = draw_habits(cards, days, np.random.default_rng(for_habits))
    run = start_run(habits, policy, np.random.default_rng(for_days), np.random.default_rng(for_calls))
    for day in range(days):
        run_day(run, day)
    finish(run, days)
    frame = Frame(np.array([f"89860{10**14 + 7919 * card:015d}" for card in range(cards)], object), pd.Timestamp(start), days)
    tables = _tables(run, frame, np.random.default_rng(for_tables))
    history = History(habits, run.policy, run.states, _outcomes(run, days))
    truth = truth_table(history, frame.card_ids, horizon, _end(tables["calls"], frame), rollouts, for_truth)
    return World(tables, truth, _causes(run, frame), habits, run.policy, run.states)


def _tables(run: Run, frame: Frame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    activated = run.habits.activated * DAY_S + np.floor(rng.uniform(8.5, 18.0, len(frame.card_ids)) * 3600)
    block = run.log.get("block")
    released = next_second(block, run.log.get("release"), 0)
    block["lifted"] = np.where(block["kind"] == "arrears_stop", released, block["lifted"])
    return {
        "cards": cards_table(run.habits, activated, run.standing.closed_second, frame, rng),
        "calls": calls_table(run.calls, frame.card_ids, run.habits.delayed_export, frame.start),
        "complaints": complaints_table(run.log, run.habits, frame, rng),
        "roaming_notices": notices_table(run.log, frame, rng),
        "payments": payments_table(run.log, run.habits, frame, rng),
        "messages": messages_table(run.log, frame, rng),
        "blocks": blocks_table(block, frame, rng),
    }


def _outcomes(run: Run, days: int) -> Outcomes:
    block = run.log.get("block")
    label = np.zeros((len(run.habits.team), days), bool)
    other = label.copy()
    is_label = np.isin(block["kind"], LABEL_KINDS)
    ends = np.isin(block["kind"], ("arrears_stop", "user_request"))
    label[block["card"][is_label], block["day"][is_label]] = True
    other[block["card"][ends], block["day"][ends]] = True
    closed = np.flatnonzero(run.standing.closed < days)
    other[closed, run.standing.closed[closed]] = True
    return Outcomes(label, other)


def _end(calls: pd.DataFrame, frame: Frame) -> int:
    """The end of observation by the contract: the midnight after the last call, as a day number."""
    return (calls["started_at"].iloc[-1] - frame.start).days + 1 if len(calls) else frame.days


def _causes(run: Run, frame: Frame) -> pd.DataFrame:
    block = run.log.get("block")
    label = np.isin(block["kind"], LABEL_KINDS)
    return pd.DataFrame(
        {
            "card_id": frame.card_ids[block["card"][label]],
            "blocked_at": frame.times(block["second"][label]),
            "cause": block["cause"][label],
        }
    )
