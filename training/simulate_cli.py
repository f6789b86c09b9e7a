"""The command `simulate`."""

from datetime import datetime
from pathlib import Path

import click


@click.command(epilog="Example: blockrisk simulate demo/data --cards 1000 --days 120 --seed 1")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--cards", type=click.IntRange(min=1), required=True, help="Number of cards.")
@click.option("--days", type=click.IntRange(min=1), required=True, help="Number of days.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Same seed, same bytes.")
@click.option("--horizon", type=click.IntRange(min=1), default=7, show_default=True, help="Days of the true chance.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default="2025-01-01", show_default=True, help="First day, YYYY-MM-DD.")
@click.option("--replace", is_flag=True, help="Write OUT anew if it holds an earlier simulation.")
def simulate(out: Path, cards: int, days: int, seed: int, horizon: int, start: datetime, replace: bool) -> None:
    """Make up a data set in the folder OUT: the tables of the contract, and truth.parquet.

    truth.parquet holds the true chance of a block within the horizon for each card and midnight. It serves to judge
    forecasts; no command learns from it.
    """
    from blockrisk.training import simulator
    from blockrisk.training.simulator.store import check_target

    check_target(out, replace=replace)
    world = simulator.simulate(cards, days, seed, start=start.date(), horizon=horizon)
    simulator.write_world(world, out, replace=replace)
    rows = ", ".join(f"{name} {len(table):,}" for name, table in world.tables.items())
    click.echo(f"{out}: {rows}; truth {len(world.truth):,}")
