"""The command that shows the whole way on made-up cards."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pandas import DataFrame

CARDS, DAYS, SEED = 1000, 120, 1
HORIZON = 7


@click.command("demo", epilog="Example: blockrisk demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder to write to.")
@click.option("--cards", default=CARDS, show_default=True, type=click.IntRange(min=100), help="Cards to make up.")
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(min=60), help="Days to make up.")
@click.option("--seed", default=SEED, show_default=True, type=click.IntRange(min=0), help="Seed of everything.")
def demo(out: Path, cards: int, days: int, seed: int) -> None:
    """Make up cards, train on them, score the day after the data, and print the ten riskiest.

    Writes OUT/data, OUT/model and OUT/scores.csv; may be run again.
    """
    from blockrisk.features import read_tables
    from blockrisk.features.output import write_frame
    from blockrisk.serving.predict import load_model, risk_vectors, score_vectors
    from blockrisk.training.dated import train
    from blockrisk.training.simulator import simulate, write_world
    from blockrisk.training.train_cli import show

    click.echo(f"Making up {cards:,} cards over {days} days (seed {seed}) ...")
    write_world(simulate(cards, days, seed, horizon=HORIZON), out / "data", replace=True)
    click.echo("Training, judged forward in time ...")
    tables = read_tables(out / "data")
    show(train(tables, out=out / "model", horizon=HORIZON, seed=seed, replace=True))
    model = load_model(out / "model")
    frame = risk_vectors(tables, model)
    scores = score_vectors(frame, model).sort_values("rank", ignore_index=True)
    write_frame(scores, out / "scores.csv")
    click.echo(_riskiest(scores))
    click.echo(f"Data:    {out / 'data'}\nModel:   {out / 'model'}\nScores:  {out / 'scores.csv'} ({len(scores):,} cards)")


def _riskiest(scores: "DataFrame") -> str:
    """Give the ten riskiest cards as a table: probability, and the factor families that raise it most."""
    from blockrisk.features.feature import FAMILIES
    from blockrisk.serving.percent import percent

    top = scores.head(10)
    lines = [
        f"The ten riskiest of {len(scores):,} cards at {top['as_of'].iloc[0]:%Y-%m-%d}, chance of a block within {HORIZON} days:"
    ]
    for row, chance in zip(top.itertuples(), top["probability"].map(percent), strict=True):
        reasons = ", ".join(FAMILIES[str(code)][0] for code in (row.reason_1, row.reason_2, row.reason_3) if code in FAMILIES)
        lines.append(f"{row.rank:4}  {row.card_id:12}  {chance:>6}  {row.band:10} {reasons}")
    return "\n".join(lines)
