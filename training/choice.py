"""Choose the learner by a forward comparison inside the training period."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from blockrisk.training.calibrate import fit_affine
from blockrisk.training.fitting import Examples, fit_examples
from blockrisk.training.learners import DEFAULT_LEARNER

CANDIDATES: Final = (DEFAULT_LEARNER, "smooth_logistic", "boosting_shallow")
"""The learners that are compared; the first stays unless another is better by more than the noise."""


@dataclass(frozen=True)
class Choice:
    """Hold the learner chosen, the reason as a sentence, and the log loss of each candidate on the later rows."""

    learner: str
    reason: str
    log_loss: dict[str, float]


def choose(earlier: Examples, later: Examples, seed: int, jobs: int) -> tuple[Choice, Any]:
    """Fit every candidate on earlier rows and compare their log losses on later ones, each after its own affine step.

    The first candidate is kept unless another's loss is lower by more than one standard error of the paired difference,
    whole cards counted as one. Returns the choice and the chosen model as fitted on the earlier rows.
    """
    models = {name: fit_examples(earlier, name, seed, jobs) for name in CANDIDATES}
    losses = {name: _losses(model, later) for name, model in models.items()}
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
    return Choice(learner, f"{learner}: {why} (log loss {told})", means), models[learner]


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


def _losses(model: Any, later: Examples) -> np.ndarray:
    margin = model.margin(later.frame)
    a, b = fit_affine(margin, later.y)
    score = a + b * margin
    return np.asarray(np.logaddexp(0.0, score) - later.y * score)
