"""Make up cards, calls and blocks, with the true chances behind them.

    world = simulate(cards=1000, days=120, seed=1)
    write_world(world, "demo/data")

`policy` holds the operators' hidden rules, `habits` the teams and cards, `dynamics` the one daily step, `calls` and
`ledgers` the rows, `course` the running days, `truth` the roll-outs, `world` and `store` the whole.
"""

from blockrisk.training.simulator.store import write_world
from blockrisk.training.simulator.truth import chances
from blockrisk.training.simulator.world import World, simulate

__all__ = ["World", "chances", "simulate", "write_world"]
