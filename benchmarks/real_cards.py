"""Judge the default learner on the real cards of docs/REAL_DATA.md by repeated stratified folds, and write a table.

    python benchmarks/real_cards.py ../shared/data/sichuan_cards.csv.gz docs/model/real_cards.md

Every card is forecast once a repetition, by a model that has not seen it. Needs about half an hour of one core.
"""

import argparse
from pathlib import Path

import click
import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from blockrisk.features import catalogue
from blockrisk.features.vectors_file import CARD, LABEL, read_vectors
from blockrisk.training import metrics
from blockrisk.training.learners import DEFAULT_LEARNER, find_learner

FOLDS, WHOLE_LIFE = 5, 8


def out_of_fold(frame: pd.DataFrame, y: np.ndarray, cards: np.ndarray, seed: int, jobs: int) -> np.ndarray:
    """Forecast each row by a model of the other folds: float64[n]."""
    signs = {name: sign for name, sign in catalogue.monotone().items() if name in frame.columns}
    found = np.zeros(len(y))
    for fitted, judged in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(frame, y):
        learner = find_learner(DEFAULT_LEARNER)
        rows = frame.iloc[fitted].reset_index(drop=True)
        model = learner.fit(rows, y[fitted], groups=cards[fitted], monotone=signs, seed=seed, jobs=jobs)
        found[judged] = model.predict_proba(frame.iloc[judged])[:, 1]
    return found


def figures(y: np.ndarray, p: np.ndarray, whole_life: np.ndarray) -> dict[str, float]:
    """Compute the figures of one repetition; `whole_life` marks the cards that were billed in every month."""
    return {
        "ROC-AUC": metrics.roc_auc(y, p),
        "average precision": metrics.average_precision(y, p),
        "log loss": metrics.log_loss(y, p),
        "expected calibration error": metrics.expected_calibration_error(y, p),
        f"ROC-AUC of the {whole_life.sum():,} cards with all {WHOLE_LIFE} months": metrics.roc_auc(y[whole_life], p[whole_life]),
    }


def main() -> None:
    """Read the file, run the repetitions, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("page", type=Path, help="the table, Markdown")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    table = read_vectors(asked.file, id_column="card_id", label_column="label")
    y, cards, frame = table[LABEL].to_numpy(), table[CARD].to_numpy(), table.drop(columns=[CARD, LABEL])
    whole_life = (np.round(frame["arpu_var"] / frame["arpu_sem"] ** 2) == WHOLE_LIFE).to_numpy()
    found = [figures(y, out_of_fold(frame, y, cards, seed, asked.jobs), whole_life) for seed in range(asked.repetitions)]
    lines = [f"| figure | mean of {len(found)} | each |", "| --- | --- | --- |"]
    for name in found[0]:
        each = [row[name] for row in found]
        lines.append(f"| {name} | {np.mean(each):.4f} | {' '.join(f'{value:.4f}' for value in each)} |")
    asked.page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo("\n".join(lines))


if __name__ == "__main__":
    main()
