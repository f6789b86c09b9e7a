"""The observed days of a world: who can call, who is stopped and why, what goes on the ledgers."""

from dataclasses import dataclass, field, replace

import numpy as np

from blockrisk.training.simulator.calls import DAY_S, DayOfCalls, draw_calls
from blockrisk.training.simulator.dynamics import State, initial_state, intensity, step, unexplained
from blockrisk.training.simulator.habits import Habits
from blockrisk.training.simulator.ledgers import Log
from blockrisk.training.simulator.policy import CAUSES, REGIONS, TIGHT_SHARE, UNEXPLAINED, Array, Policy

BURN_IN = 42  # days before day 0 that fill the memories; their complaints, trips and bills are on the ledgers
MEASURED = 28  # last days of it over which the mean intensity is measured
EXPLAINED_DAILY = 0.00108  # that mean, to which the weights are scaled, whatever cards the world holds
LIFTED = 0.70  # share of the blocks that are lifted, after 3 to 7 working days
ARREARS_STOP, REQUEST, WARNING = 0.7, 0.00015, 1.2  # daily chances; a warning's is a multiple of the intensity
LIMIT_ONLY = 0.25  # share of the blocks that stop outgoing calls only
NEVER = 10**9


@dataclass
class Standing:
    """Track which cards can call: `back` is the first day on which a stopped card calls again."""

    back: Array
    closed: Array
    closed_second: Array
    in_arrears_stop: Array
    handset: Array
    trip_region: Array


@dataclass
class Run:
    """Hold one running simulation. The calls draw from a stream of their own, so that they never change the course."""

    habits: Habits
    policy: Policy
    rng: np.random.Generator
    call_rng: np.random.Generator
    standing: Standing
    state: State
    log: Log = field(default_factory=Log)
    calls: list[dict[str, Array]] = field(default_factory=list)
    states: list[State] = field(default_factory=list)


def _standing(cards: int) -> Standing:
    zeros = np.zeros(cards, np.int64)
    return Standing(
        back=np.full(cards, -NEVER),
        closed=np.full(cards, NEVER),
        closed_second=np.full(cards, np.nan),
        in_arrears_stop=np.zeros(cards, bool),
        handset=zeros.copy(),
        trip_region=zeros.copy(),
    )


def _on(run: Run, day: int) -> Array:
    """The contract's "at risk" at the midnight of a day."""
    return (run.habits.activated < day) & (run.standing.closed >= day) & (run.standing.back <= day)


def start_run(habits: Habits, policy: Policy, rng: np.random.Generator, call_rng: np.random.Generator) -> Run:
    """Give the run at day 0: fill the memories, without blocks, and scale the weights to the aimed mean intensity."""
    cards = len(habits.team)
    run = Run(habits, policy, rng, call_rng, _standing(cards), initial_state(cards))
    tightened = replace(policy, change_day=-NEVER)
    explained = []
    for day in range(-BURN_IN, 0):
        run.state = replace(run.state, on=_on(run, day))
        if day >= -MEASURED and run.state.on.any():
            before, after = (
                np.sum(intensity(run.state, habits, rules, day), axis=0)[run.state.on].mean() for rules in (policy, tightened)
            )
            explained.append((1 - TIGHT_SHARE) * before + TIGHT_SHARE * after)
        _advance(run, day)
    scale = np.clip(EXPLAINED_DAILY / np.mean(explained), 0.1, 10.0) if explained else 1.0
    run.policy = replace(run.policy, weight=run.policy.weight * np.float32(scale))
    return run


def _advance(run: Run, day: int) -> None:
    """Step the state through a day and log its events, calls and messages apart."""
    before = run.state
    run.state = step(before, run.habits, run.policy, day, run.rng)
    standing, count = run.standing, len(run.habits.team)
    standing.handset += run.state.swapped
    elsewhere = (run.habits.region + run.rng.integers(1, len(REGIONS), count)) % len(REGIONS)
    left = run.state.trip_left
    starts = np.flatnonzero((left > 0) & (before.trip_left <= 1))
    standing.trip_region[starts] = elsewhere[starts]
    run.log.add("trip", starts, day, region=elsewhere[starts], length=left[starts], declared=~run.state.undeclared[starts])
    run.log.add("complaint", np.repeat(np.arange(count), run.state.complaints.astype(int)), day)
    billed = np.flatnonzero(run.state.billed)
    run.log.add("bill", billed, day, slipped=run.state.slipped[billed], usage=run.state.calls_seen[billed])
    payers = np.flatnonzero(run.state.paid)
    run.log.add("payment", payers, day, second=_during(run, day, len(payers), 9.0, 19.5))


def _during(run: Run, day: int, count: int, opens: float, shuts: float) -> Array:
    """Seconds from day 0, within the given hours of a day."""
    return day * DAY_S + np.floor(run.rng.uniform(opens, shuts, count) * 3600)


def run_day(run: Run, day: int) -> None:
    """Run one day of the observed period."""
    run.state = replace(run.state, on=_on(run, day))
    run.states.append(run.state)
    last = np.full(len(run.habits.team), (day + 1) * DAY_S)
    hit = _interventions(run, day, last)
    _advance(run, day)
    run.state = replace(run.state, strikes=run.state.strikes + hit)
    _release(run, day)
    _make_calls(run, day, last)


def finish(run: Run, days: int) -> None:
    """Note the state at the last midnight."""
    run.states.append(replace(run.state, on=_on(run, days)))


def _interventions(run: Run, day: int, last: Array) -> Array:
    """Draw who is blocked, stopped for arrears, suspended on request, given up or warned; `last` is cut for them."""
    state, rng, count = run.state, run.rng, len(run.habits.team)
    causes = np.stack([*intensity(state, run.habits, run.policy, day), *unexplained(run.habits, run.policy, day)])
    total = causes.sum(axis=0)
    draws = rng.random((5, count))
    hit = state.on & (draws[0] < -np.expm1(-total))
    overdue = state.arrears >= run.policy.stop_after[run.habits.operator]
    stopped = state.on & ~hit & overdue & (draws[1] < ARREARS_STOP)
    asked = state.on & ~hit & ~stopped & (draws[2] < REQUEST)
    gone = state.on & ~(hit | stopped | asked) & (draws[3] < run.habits.close)
    warned = state.on & ~(hit | stopped | asked | gone) & (draws[4] < WARNING * causes[: len(CAUSES)].sum(axis=0))
    _block(run, day, np.flatnonzero(hit), causes, last)
    _suspend(run, day, np.flatnonzero(stopped), "arrears_stop", last)
    _suspend(run, day, np.flatnonzero(asked), "user_request", last)
    _log_blocks(run, day, np.flatnonzero(warned), "warning")
    leavers = np.flatnonzero(gone)
    run.standing.closed[leavers] = day
    run.standing.closed_second[leavers] = last[leavers] = _during(run, day, len(leavers), 9.0, 18.0)
    return hit


def _block(run: Run, day: int, cards: Array, causes: Array, last: Array) -> None:
    """Stop cards for a cause drawn in proportion to its intensity; half are lifted after 3 to 7 working days."""
    share = np.cumsum(causes[:, cards], axis=0)
    cause = (run.rng.random(len(cards)) * share[-1] > share).sum(axis=0)
    lifted = run.rng.random(len(cards)) < LIFTED
    working_days = run.rng.integers(3, 8, len(cards))
    until = np.busday_offset(np.datetime64(run.policy.date(day)), working_days, roll="backward")
    until_day = (until - np.datetime64(run.policy.start)).astype(int)
    second = until_day * DAY_S + np.floor(run.rng.uniform(9.0, 18.0, len(cards)) * 3600)
    kind = np.where(run.rng.random(len(cards)) < LIMIT_ONLY, "outgoing_limit", "full_stop").astype(object)
    run.standing.back[cards] = np.where(lifted, until_day + 1, NEVER)
    names = np.array([*CAUSES, *UNEXPLAINED], object)
    last[cards] = _log_blocks(run, day, cards, kind, np.where(lifted, second, np.nan), names[cause])


def _suspend(run: Run, day: int, cards: Array, kind: str, last: Array) -> None:
    """Stop cards for arrears (until they pay) or at the holder's request (for 5 to 30 days)."""
    lifted = np.full(len(cards), np.nan)
    run.standing.back[cards] = NEVER
    if kind == "arrears_stop":
        run.standing.in_arrears_stop[cards] = True
    else:
        until_day = day + run.rng.integers(5, 31, len(cards))
        lifted = until_day * DAY_S + np.floor(run.rng.uniform(9.0, 18.0, len(cards)) * 3600)
        run.standing.back[cards] = until_day + 1
    last[cards] = _log_blocks(run, day, cards, kind, lifted)


def _log_blocks(
    run: Run, day: int, cards: Array, kind: Array | str, lifted: Array | float = np.nan, cause: Array | str = ""
) -> Array:
    """Log rows of the block ledger and return their seconds."""
    second = _during(run, day, len(cards), 8.5, 19.0)
    each = {"kind": kind, "lifted": lifted, "cause": cause}
    values = {name: np.full(len(cards), value, object if name != "lifted" else float) for name, value in each.items()}
    run.log.add("block", cards, day, second=second, **values)
    return second


def _release(run: Run, day: int) -> None:
    """Lift the stops for arrears of the cards that paid today."""
    paid = np.flatnonzero(run.state.paid & run.standing.in_arrears_stop)
    run.standing.in_arrears_stop[paid] = False
    run.standing.back[paid] = day + 1
    run.log.add("release", paid, day, second=_during(run, day, len(paid), 20.0, 23.5))


def _make_calls(run: Run, day: int, last: Array) -> None:
    """Draw the calls and count the messages of the cards that are on, up to `last`."""
    state = run.state
    away = state.trip_left > 0
    today = DayOfCalls(
        day=day,
        count=state.calls,
        marked=state.marked,
        region=np.where(away, run.standing.trip_region, run.habits.region),
        handset=run.standing.handset,
        last=last - day * DAY_S,
    )
    run.calls.append(draw_calls(today, run.habits, run.call_rng))
    texts = run.call_rng.poisson(run.habits.texts * (1 + state.campaign) * state.on)
    texters = np.flatnonzero(texts)
    run.log.add("texts", texters, day, count=texts[texters], until=last[texters])
