"""Choose the learner by a forward comparison inside the training period."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from blockrisk.models.estimators import probability
from blockrisk.training.calibrate import fit_affine
from blockrisk.training.evaluation import METRICS, Sample
from blockrisk.training.fitting import Examples, fit_examples
from blockrisk.training.learners import DEFAULT_LEARNER

CANDIDATES: Final = (DEFAULT_LEARNER, "smooth_logistic", "boosting_shallow")
"""The learners that are compared; the first stays unless another is better by more than the noise."""


TOLD: Final = ("log_loss", "roc_auc", "average_precision", "lift_at_5pct")
"""Figures that are told of each candidate."""


@dataclass(frozen=True)
class Choice:
    """Hold the learner chosen, the reason as a sentence, and the figures TOLD of each candidate on the later rows."""

    learner: str
    reason: str
    candidates: dict[str, dict[str, float]]


def choose(earlier: Examples, later: Examples, seed: int, jobs: int) -> tuple[Choice, Any]:
    """Fit every candidate on earlier rows and compare their log losses on later ones, each after its own affine step.

    The first candidate is kept unless another's loss is lower by more than one standard error of the paired difference,
    whole cards counted as one. Returns the choice and the chosen model as fitted on the earlier rows.
    """
    models = {name: fit_examples(earlier, name, seed, jobs) for name in CANDIDATES}
    margins = {name: _margin(model, later) for name, model in models.items()}
    losses = {name: np.logaddexp(0.0, margin) - later.y * margin for name, margin in margins.items()}
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    best = min(CANDIDATES, key=lambda name: means[name])
    error = standard_error(losses[best] - losses[DEFAULT_LEARNER], later.cards)
    kept = means[DEFAULT_LEARNER] - means[best] <= error
    learner = DEFAULT_LEARNER if kept else best
    told = ", ".join(f"{name} {means[name]:.5f}" for name in CANDIDATES)
    if learner == best:
        why = f"it forecasts the {len(later.y):,} later rows best"
    else:
        why = f"on the {len(later.y):,} later rows {best} is better by less than one standard error ({error:.5f})"
    return Choice(learner, f"{learner}: {why} (log loss {told})", _figures(margins, later)), models[learner]


def standard_error(differences: np.ndarray, cards: np.ndarray) -> float:
    """Give the standard error of the mean of float64[n], the rows of one card taken as one; fewer than two cards give infinity.

    >>> standard_error(np.array([1.0, 1.0, -1.0, -1.0]), np.array(["a", "a", "b", "b"]))
    1.0
    """
    distinct, code = np.unique(cards.astype(str), return_inverse=True)
    if len(distinct) < 2:
        return float("inf")
    totals = np.bincount(code, weights=differences - differences.mean())
    return float(np.sqrt(len(distinct) / (len(distinct) - 1) * np.sum(totals**2)) / len(differences))


def _margin(model: Any, later: Examples) -> np.ndarray:
    margin = model.margin(later.frame)
    a, b = fit_affine(margin, later.y)
    return np.asarray(a + b * margin)


def _figures(margins: Mapping[str, np.ndarray], later: Examples) -> dict[str, dict[str, float]]:
    samples = {name: Sample(later.y, probability(margin), later.dates) for name, margin in margins.items()}
    told = [metric for metric in METRICS if metric.name in TOLD]
    return {name: {metric.name: metric.compute(sample) for metric in told} for name, sample in samples.items()}
