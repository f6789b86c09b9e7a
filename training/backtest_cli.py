"""The command `backtest`."""

import math
import sys
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from blockrisk.features.options import Reading, reading_options

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from blockrisk.training.backtest import Backtest

_EPILOG: Final = """\b
Examples:
  blockrisk backtest data --out backtests/march
  blockrisk backtest data --learner static_rules --capacity 30 --out backtests/quick
"""


@click.command(epilog=_EPILOG)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the tables and plots.")
@click.option("--horizon", default=7, show_default=True, help="Days ahead that learners are fitted and judged on.")
@click.option("--origins", default=6, show_default=True, type=click.IntRange(min=1), help="Least number of fresh starts.")
@click.option("--learner", "learners", multiple=True, help="Compare only these with the default; may be repeated.  [default: all]")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Nothing at or after this day is seen.")
@click.option(
    "--capacity", type=click.FloatRange(min=0, min_open=True), help="Cards a day that a person can look at; under 1 a share."
)
@click.option("--draws", default=200, show_default=True, type=click.IntRange(min=0), help="Draws of cards behind each interval.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Same seed, same figures.")
@click.option("--replace", is_flag=True, help="Replace the backtest that is at --out.")
@click.option("--mlflow/--no-mlflow", default=True, show_default=True, help="Log the figures to MLflow.")
@reading_options
def backtest(  # noqa: PLR0913 - the options
    data: Path,
    out: Path,
    horizon: int,
    origins: int,
    learners: tuple[str, ...],
    until: datetime | None,
    capacity: float | None,
    draws: int,
    seed: int,
    reading: Reading,
    replace: bool,
    mlflow: bool,
) -> None:
    """Prove the forecast forward in time on the last part of DATA, all learners side by side.

    At each origin every learner starts anew: it is fitted on earlier dates, calibrated on later ones, and judged on the days that
    follow, with a gap of the horizon between them.
    """
    from blockrisk.serving.alerts import DEFAULT_ALERT, AlertRule
    from blockrisk.training.backtest import backtest as run
    from blockrisk.training.backtest import check_backtest
    from blockrisk.training.backtest_files import SUMMARY, log_backtest, tables_of, write_backtest
    from blockrisk.training.dated import MEMORY
    from blockrisk.training.ship import check_target

    check_target(out, replace=replace, what="backtest", mark=SUMMARY)
    check_backtest(horizon, learners or None)
    _tell("Reading the tables")
    tables = changed(reading, memory=reading.memory or MEMORY).read(data)
    found = run(
        tables,
        truth=data,
        horizon=horizon,
        origins=origins,
        learners=learners or None,
        until=until and until.date(),
        seed=seed,
        tell=_tell,
    )
    _tell("Intervals")
    rule = DEFAULT_ALERT if capacity is None else AlertRule("capacity", capacity)
    figures = tables_of(found, rule=rule, draws=draws)
    write_backtest(found, figures, out, replace=replace)
    tracked = log_backtest(found, figures, out) if mlflow else None
    show(found, figures)
    for line in reading.set_aside(tables, out):
        click.echo(line)
    click.echo(f"Written: {out}")
    if tracked is not None:
        click.echo(f"Logged:  {tracked.message}")


def show(found: "Backtest", tables: "dict[str, pd.DataFrame]") -> None:
    """Write a backtest to the terminal: what was done, figures, differences, alerts, horizons, cautions."""
    from rich.console import Console

    for line in found.account:
        click.echo(line)
    first, last = found.origins[0], found.origins[-1]
    click.echo(
        f"{len(found.origins)} origins, {first.start.date()} to {last.start.date()}; {len(found.rows):,} cards and days judged,"
        f" {int(found.rows['y'].sum()):,} of them followed by a block within {found.horizon} days"
    )
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    console.print(figure_table(tables["figures"]))
    click.echo(f"Against {found.default}, on the same cards (95 % interval of the difference in log-loss skill):")
    rows = tables["paired"]
    for row in rows[rows["metric"] == "log_loss_skill"].itertuples():
        click.echo(f"  {row.learner:18} {row.value:+.4f} ({row.low:+.4f} to {row.high:+.4f})")
    click.echo("The daily list, as served:")
    for row in tables["alerts"][tables["alerts"]["list"] == "as served"].itertuples():
        click.echo(
            f"  {row.learner:18} {row.cards_a_day:.0f} cards a day, {row.caught} of {row.blocks} blocks caught, median lead"
            f" {row.lead_median_h:.0f} h, {row.lead_over_24h:.0%} at least 24 h ahead, {row.churn:.0%} of the list new each day"
        )
    click.echo(f"Horizons of {found.default}:")
    for row in tables["horizons"].itertuples():
        click.echo(
            f"  {row.days:3} days: {row.rows:,.0f} rows, base rate {row.base_rate:.2%}, ROC-AUC {row.roc_auc:.3f}, log-loss skill"
            f" {row.log_loss_skill:.3f}, observed / expected {row.observed_expected:.2f}"
        )
    for caution in found.cautions:
        click.echo(f"Caution: {caution}.")


def figure_table(figures: "pd.DataFrame") -> "Table":
    """Lay out the figures of all origins together: one row a metric, one column a forecast, intervals below where they are told."""
    from rich.table import Table

    rows = figures[figures["origin"] == "all"]
    learners = list(dict.fromkeys(rows["learner"]))
    table = Table(title="All origins together", title_justify="left")
    table.add_column("metric")
    for learner in learners:
        table.add_column(learner.replace("_", " "), justify="right")
    cells = {(row.metric, row.learner): row for row in rows.itertuples()}
    for metric in dict.fromkeys(rows["metric"]):
        table.add_row(metric, *(_cell(cells[metric, learner]) for learner in learners))
    return table


def _cell(row: object) -> str:
    value, low, high = (float(getattr(row, name)) for name in ("value", "low", "high"))
    if math.isnan(value):
        return "-"
    return f"{value:.4f}" if math.isnan(low) else f"{value:.4f}\n{low:.3f} to {high:.3f}"


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{step} ...", err=True)
