"""Train on ready-made vectors: one row a card, no dates, so a stratified random split and a plain caution."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from blockrisk.features import catalogue
from blockrisk.features.intake.days import digest_of
from blockrisk.features.vectors_file import CARD, LABEL, read_vectors
from blockrisk.serving.cautions import Caution, caution
from blockrisk.training.fitting import (
    FEW_BLOCKS,
    LEAST_BLOCKS,
    SIMPLE_LEARNER,
    Examples,
    check_learner,
    fit_and_judge,
)
from blockrisk.training.leaks import leak_cautions
from blockrisk.training.learners import DEFAULT_LEARNER
from blockrisk.training.report import Report, quiet
from blockrisk.training.sentences import mistake
from blockrisk.training.ship import Shipment, check_target, ship
from blockrisk.training.split import split_rows


def train_vectors(  # noqa: PLR0913 - the options of the command
    path: Path | str,
    *,
    label_column: str,
    out: Path | str,
    id_column: str | None = None,
    seed: int = 0,
    learner: str | None = None,
    replace: bool = False,
    mlflow: bool = True,
    jobs: int = 2,
    tell: Callable[[str], None] = quiet,
) -> Report:
    """Learn the label from a table of vectors, and write the bundle folder `out`.

    Args:
        path: CSV, CSV.GZ or Parquet with one row a card; every column but id, label and as_of is a feature.
        label_column: the column of 0 and 1.
        out: the bundle's folder.
        id_column: the card's id; each once. Left out, the rows are numbered.
        seed: draws the split and the bags; the same file, seed and versions give the same bytes.
        learner: one of `learners.LEARNERS`; the blend when left out, the simple learner under 50 positives.
        replace: whether an existing bundle at `out` may be replaced.
        mlflow: whether to log the run.
        jobs: processes.
        tell: is called with the name of each step as it starts.

    Returns:
        the figures on the held-out rows, the counts, the cautions (that nothing here is forward in time) and the path.

    Raises:
        UserError: the file cannot be read strictly, holds fewer than 10 of either label, or `out` exists already.

    """
    path, out = Path(path), Path(out)
    check_learner(learner)
    check_target(out, replace=replace)
    table = read_vectors(path, id_column=id_column, label_column=label_column)
    y = table[LABEL].to_numpy(dtype="float64")
    chosen, few = _choose(int(min(y.sum(), len(y) - y.sum())), label_column, learner)
    frame = table.drop(columns=[CARD, LABEL])
    signs = {name: sign for name, sign in catalogue.monotone().items() if name in frame.columns}
    examples = Examples(frame, y, table[CARD].to_numpy(dtype=object), None, signs)
    split = split_rows(y, seed)
    tell(f"Fitting {chosen} on {len(y):,} rows, twice")
    return ship(
        Shipment(
            out=out,
            examples=examples,
            split=split,
            fitted=fit_and_judge(examples, split, chosen, seed, jobs),
            manifest={
                "kind": "vectors",
                "fingerprint": fingerprint(frame),
                "id_column": id_column,
                "label_column": label_column,
                "learner": chosen,
                "seed": seed,
                "data_digest": digest_of(path),
            },
            cautions=(caution("no_dates"), caution("random_split", seed=seed), *few, *leak_cautions(frame, y)),
            unknown={},
        ),
        replace=replace,
        mlflow=mlflow,
    )


def fingerprint(frame: pd.DataFrame) -> str:
    """Give the SHA-256 of the names, kinds and order of the columns: what a file must offer to be scored.

    >>> fingerprint(pd.DataFrame({"a": [1.0]})) == fingerprint(pd.DataFrame({"a": [2.0]}))
    True
    """
    kinds = [f"{name}\t{'text' if frame[name].dtype == object else 'number'}" for name in frame.columns]
    return hashlib.sha256("\n".join(kinds).encode()).hexdigest()


def _choose(rarer: int, label: str, asked: str | None) -> tuple[str, tuple[Caution, ...]]:
    if rarer < LEAST_BLOCKS:
        raise mistake("few_of_label", label=label, rarer=rarer, least=LEAST_BLOCKS)
    if rarer >= FEW_BLOCKS:
        return asked or DEFAULT_LEARNER, ()
    return asked or SIMPLE_LEARNER, (caution("few_rows", rows=rarer),)
