"""The command `train`."""

import math
import sys
from collections.abc import Iterator
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from blockrisk.features.options import TABLE_OPTIONS, Reading, engine_options, reading_options, refuse_unused

if TYPE_CHECKING:
    from rich.table import Table

    from blockrisk.serving.alerts import AlertRule
    from blockrisk.training.report import Report

_EPILOG: Final = """\b
Examples:
  blockrisk train data --until 2026-03-01 --horizon 7 --out models/march
  blockrisk train --vectors cards.csv.gz --id card_id --label label --out models/cards
"""


@click.command(epilog=_EPILOG)
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the bundle, such as models/NAME.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Nothing at or after this day is seen.  [default: the midnight after the last call]",
)
@click.option("--horizon", type=int, help="Days that the forecast looks ahead.  [default: 7]")
@click.option("--horizons", help="Further days to forecast, such as 1,30.  [default: 1,7,30]")
@click.option(
    "--capacity",
    type=click.FloatRange(min=0, min_open=True),
    help="Cards that can be looked at in a day; under 1 a share.  [default: 0.01]",
)
@click.option(
    "--costs", nargs=2, type=float, metavar="MISSED LOOK", help="In place of --capacity: what a missed block and a look cost."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Same seed, same bytes.")
@click.option("--learner", help="Which learner to ship.  [default: a forward comparison chooses]")
@click.option("--replace", is_flag=True, help="Replace the bundle that is at --out.")
@click.option("--vectors", type=click.Path(path_type=Path), help="Train on this table of vectors instead of DATA.")
@click.option("--id", "id_column", help="Column of --vectors that names the card.")
@click.option("--label", "label_column", help="Column of --vectors that is 1 if the card was blocked, else 0.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="Write the report as a page, FILE.html.")
@click.option("--mlflow/--no-mlflow", default=True, show_default=True, help="Log the run to MLflow.")
@reading_options
@engine_options
def train(  # noqa: PLR0913 - the options
    data: Path | None,
    out: Path,
    until: datetime | None,
    horizon: int | None,
    horizons: str | None,
    capacity: float | None,
    costs: tuple[float, float] | None,
    seed: int,
    reading: Reading,
    learner: str | None,
    replace: bool,
    vectors: Path | None,
    id_column: str | None,
    label_column: str | None,
    report_file: Path | None,
    mlflow: bool,
) -> None:
    """Learn from the tables in the folder DATA, or from --vectors, and write a model bundle.

    The forecast is judged forward in time on the last part of the data, beside the base rate and the rule book; the model
    that is shipped is then fitted on everything before --until.
    """
    _check_mode(data, vectors, label_column)
    if report_file is not None:
        from blockrisk.training.model_card import check_report

        check_report(report_file)
    if vectors is not None and label_column is not None:
        from blockrisk.training.vectors_mode import train_vectors

        report = train_vectors(
            vectors,
            id_column=id_column,
            label_column=label_column,
            out=out,
            seed=seed,
            learner=learner,
            replace=replace,
            mlflow=mlflow,
            tell=_tell,
        )
    else:
        from blockrisk.training.dated import MEMORY, check_train
        from blockrisk.training.dated import train as train_dated

        days = 7 if horizon is None else horizon
        further, alert = _horizons(horizons), _alert(capacity, costs)
        check_train(out, days, learner, replace=replace)
        _tell("Reading the tables")
        tables = changed(reading, memory=reading.memory or MEMORY).read(data or "")
        report = train_dated(
            tables,
            out=out,
            until=until and until.date(),
            horizon=days,
            seed=seed,
            learner=learner,
            horizons=further,
            alert=alert,
            replace=replace,
            mlflow=mlflow,
            tell=_tell,
        )
    show(report)
    for line in () if data is None else reading.set_aside(tables, out):
        click.echo(line)
    if report_file is not None:
        from blockrisk.training.model_card import write_model_card

        write_model_card(report, report_file)
        click.echo(f"Report:  {report_file}")


def _horizons(asked: str | None) -> tuple[int, ...]:
    """Read a list of days."""
    from blockrisk.training.dated import LONGEST_HORIZON
    from blockrisk.training.horizons import HORIZONS
    from blockrisk.training.sentences import mistake

    parts = [] if asked is None else asked.split(",")
    if not all(part.strip().isdecimal() and 1 <= int(part) <= LONGEST_HORIZON for part in parts):
        raise mistake("horizons", asked=asked, longest=LONGEST_HORIZON)
    return tuple(sorted({int(part) for part in parts})) or HORIZONS


def _alert(capacity: float | None, costs: tuple[float, float] | None) -> "AlertRule":
    """Make the rule of the daily list from what the user can do or pays."""
    from blockrisk.serving.alerts import DEFAULT_ALERT, AlertRule, rule_of_costs
    from blockrisk.training.sentences import mistake

    if capacity is not None and costs is not None:
        raise mistake("capacity_or_costs")
    if costs is not None:
        return rule_of_costs(*costs)
    return DEFAULT_ALERT if capacity is None else AlertRule("capacity", capacity)


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{step} ...", err=True)


def _check_mode(data: Path | None, vectors: Path | None, label: str | None) -> None:
    """Refuse what belongs to both ways to train, or to the other one."""
    from blockrisk.training.sentences import mistake

    if (data is None) == (vectors is None):
        raise mistake("data_or_vectors")
    if vectors is None:
        refuse_unused(("id_column", "label_column"), "only_for_vectors")
    elif label is None:
        raise mistake("label_missing")
    else:
        refuse_unused(("until", "horizon", "horizons", "capacity", "costs", *TABLE_OPTIONS), "only_for_tables")


def show(report: "Report") -> None:
    """Write a report to the terminal: rows, slices, figures beside the baselines, cautions, paths."""
    from rich.console import Console

    for line in (*report.account, *_slices(report)):
        click.echo(line)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(metric_table(report))
    for line in _told(report.manifest):
        click.echo(line)
    for caution in report.cautions:
        click.echo(f"Caution: {caution}.")
    click.echo(f"Bundle:  {report.bundle}")
    if report.tracked is not None:
        click.echo(f"Logged:  {report.tracked.message}")


def _slices(report: "Report") -> Iterator[str]:
    hit = "blocked" if report.manifest["kind"] == "dated" else "labelled 1"
    for name, counts in report.slices.items():
        period = f", {counts['dates']} dates {counts['first']} to {counts['last']}" if "dates" in counts else ""
        share = counts["positives"] / max(1, counts["rows"])
        hits = f"{counts['positives']:,} {hit} ({share:.2%})"
        yield f"{name:9} {counts['rows']:>8,} rows of {counts['cards']:,} cards, {hits}{period}"
    if any(report.unknown.values()):
        told = ", ".join(f"{count:,} {reason}" for reason, count in report.unknown.items() if count)
        yield f"left out, label unknown: {told}"


def _told(manifest: "dict[str, Any]") -> Iterator[str]:
    """Tell why this learner, what each horizon was worth, and how the daily list is made."""
    if "choice" not in manifest:
        return
    yield f"Learner: {manifest['choice']}"
    for days, found in sorted(manifest["horizons"].items()):
        if not found["rows"]:
            yield f"{days:3} days: no label of the test dates is known yet"
            continue
        yield (
            f"{days:3} days: base rate {found['base_rate']:.2%}, ROC-AUC {found['roc_auc']:.3f}, log-loss skill"
            f" {found['log_loss_skill']:.3f}, observed / expected {found['observed_expected']:.2f} on {found['rows']:,.0f} rows"
        )
    rule = manifest["alert"]
    value = rule["value"]
    cards = f"the riskiest {value:.2g} of the cards" if value < 1 else f"the {value:.0f} riskiest cards"
    listed = cards if rule["kind"] == "capacity" else f"every card from a probability of {value:.2g} on"
    granted = f"a card on the list of the day before is granted {rule['hysteresis']} log-odds"
    yield f"Alerts:  {listed} a day; {granted}, so that it does not flicker"


def metric_table(report: "Report") -> "Table":
    """Lay out the figures on the test slice: one row a metric, the model beside its baselines."""
    from rich.table import Table

    from blockrisk.training.evaluation import METRICS

    forward = report.manifest["kind"] == "dated"
    table = Table(title=f"Test slice, {'forward in time' if forward else 'random split'}", title_justify="left")
    table.add_column("metric")
    for name in report.metrics.columns:
        table.add_column(str(name).replace("_", " "), justify="right")
    table.add_column("meaning")
    for metric in METRICS:
        values = [_number(report.metrics.at[metric.name, name]) for name in report.metrics.columns]
        table.add_row(metric.name, *values, metric.meaning)
    return table


def _number(value: Any) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
