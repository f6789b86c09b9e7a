"""How soon forecasts follow an operator that tightens its rule: simulated worlds, judged from 30 days after the change.

    python benchmarks/policy_shift.py backtests/policy_shift.json docs/model/policy_shift.md --seeds 1-20

In each world one operator tightens its limits at 70 % of the period. The default learner is trained at each weekly origin from
30 days after that, by what was known then, and forecasts the following days. Each world takes a few minutes; finished ones are
kept in the file.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import click

from blockrisk.training.backtest import ORACLE, backtest
from blockrisk.training.learners import DEFAULT_LEARNER
from blockrisk.training.simulator import simulate, write_world
from blockrisk.training.simulator.policy import OPERATORS, Policy

AFTER_DAYS, CARDS, DAYS = 30, 2_500, 180


def followed(policy: Policy, folder: Path, days: int) -> dict[str, Any]:
    """Sum up the tightened operator's blocks, and those expected by the forecast and by the truth, from AFTER_DAYS on."""
    share = 1 - (policy.change_day + AFTER_DAYS) / days
    found = backtest(folder, learners=[DEFAULT_LEARNER], origins=2, share=share, memory="3GB", jobs=1)
    rows = found.rows.assign(p=found.chances[DEFAULT_LEARNER], q=found.chances[ORACLE])
    ours = rows[rows["operator"] == OPERATORS[policy.tightened]]
    others = rows.drop(index=ours.index)
    return {
        "operator": OPERATORS[policy.tightened],
        "observed": float(ours["y"].sum()),
        "expected": float(ours["p"].sum()),
        "truth": float(ours["q"].sum()),
        "others_observed": float(others["y"].sum()),
        "others_expected": float(others["p"].sum()),
    }


def one_world(seed: int, cards: int, days: int) -> dict[str, Any]:
    """Simulate a world and judge the forecasts in it."""
    with tempfile.TemporaryDirectory() as place:
        world = simulate(cards, days, seed, rollouts=8)
        write_world(world, Path(place, "world"))
        policy = world.policy
        del world
        return {"seed": seed, **followed(policy, Path(place, "world"), days)}


def table(worlds: list[dict[str, Any]]) -> str:
    """Lay out observed / expected of the tightened operator in each world and pooled."""
    lines = [
        "| world | operator | observed / expected | truth / expected | others: observed / expected |",
        "| --- | --- | --- | --- | --- |",
    ]
    pooled = {key: sum(world[key] for world in worlds) for key in worlds[0] if key not in ("seed", "operator")}
    for name, operator, row in [*((str(w["seed"]), w["operator"], w) for w in worlds), ("pooled", "", pooled)]:
        ratios = (
            row["observed"] / row["expected"],
            row["truth"] / row["expected"],
            row["others_observed"] / row["others_expected"],
        )
        lines.append(f"| {name} | {operator} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines)


def main() -> None:
    """Judge each world that the file does not hold yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="finished worlds, JSON")
    parser.add_argument("page", type=Path, help="the table, Markdown")
    parser.add_argument("--seeds", default="1-20")
    parser.add_argument("--cards", type=int, default=CARDS)
    parser.add_argument("--days", type=int, default=DAYS)
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    worlds = json.loads(asked.file.read_text(encoding="utf-8")) if asked.file.exists() else []
    for seed in range(int(first), int(last or first) + 1):
        if seed not in {world["seed"] for world in worlds}:
            worlds.append(one_world(seed, asked.cards, asked.days))
            asked.file.write_text(json.dumps(worlds, indent=1), encoding="utf-8")
    text = table(sorted(worlds, key=lambda world: world["seed"]))
    asked.page.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
