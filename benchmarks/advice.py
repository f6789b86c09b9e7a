"""Is the advice true: every action applied for real in simulated worlds, against the effect that was told.

    python benchmarks/advice.py docs/model/advice.md --seeds 11 12

Each world is simulated anew, a model trained on it, and 2,000 of the advices that its cards are shown on three mornings are drawn;
what the action truly changes comes from the simulator. About four minutes a world.
"""

import argparse
import tempfile
from pathlib import Path

import click
import pandas as pd

from blockrisk.features import read_tables
from blockrisk.serving import load_model
from blockrisk.training.advice_check import check_advice, figures
from blockrisk.training.dated import train
from blockrisk.training.simulator import simulate, write_world

CARDS, DAYS, CASES, RISKIEST = 400, 120, 2_000, 20


def cases_of(seed: int) -> pd.DataFrame:
    """Simulate, train, and apply the advice for real: one row a case, as `check_advice`."""
    with tempfile.TemporaryDirectory() as place:
        world = simulate(CARDS, DAYS, seed, rollouts=1)
        write_world(world, Path(place, "world"))
        tables = read_tables(Path(place, "world"))
        train(tables, out=Path(place, "model"), mlflow=False)
        return check_advice(world, tables, load_model(Path(place, "model")), [90, 105, DAYS], most=CASES).assign(seed=seed)


def row(name: str, cases: pd.DataFrame) -> str:
    """Lay out the figures of a part of the cases as a row of the table."""
    found = figures(cases).loc["all"]
    right = f"{found['right']:.1%}" if found["firm"] else "-"
    counts = f"{found['cases']:,.0f} | {100 * found['told']:+.2f} | {100 * found['true']:+.2f}"
    return f"| {name} | {counts} | {found['inside']:.1%} | {found['firm']:,.0f} | {right} |"


def main() -> None:
    """Judge each world and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    asked = parser.parse_args()
    cases = pd.concat([cases_of(seed) for seed in asked.seeds], ignore_index=True)
    head = (
        "cases",
        "number",
        "told, points",
        "true, points",
        "true change in the interval",
        "excludes no effect",
        "of these right",
    )
    parts = {f"world {seed}": part for seed, part in cases.groupby("seed")}
    parts |= {f"the {RISKIEST} riskiest cards of a morning": cases[cases["risk_rank"] <= RISKIEST], "all": cases}
    lines = [
        f"| {' | '.join(head)} |",
        f"| {' | '.join(['---'] * len(head))} |",
        *(row(name, part) for name, part in parts.items()),
    ]
    asked.file.parent.mkdir(parents=True, exist_ok=True)
    asked.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo("\n".join(lines))


if __name__ == "__main__":
    main()
