"""Metrics of rare events: pure functions of outcomes and probabilities.

Throughout, `y` is a float array of 0 and 1, `p` one of probabilities of the same length; neither holds NaN. A figure
that is undefined (no positives, no rows) is NaN, never a stand-in. "At k" means among the k highest `p` of each date;
rows that tie for the last places share them, so the figure does not depend on the order of the rows.
"""

from typing import Final

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from blockrisk.training.curves import probability_groups

Floats = np.ndarray
TINY: Final = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm is taken."""


def base_rate(y: Floats) -> float:
    """Compute the share of positives, the yardstick of every other figure.

    Rewards nothing; range [0, 1]; domain any; empty gives NaN.

    >>> base_rate(np.array([0, 0, 0, 1]))
    0.25
    """
    return float(np.mean(y)) if len(y) else float("nan")


def roc_auc(y: Floats, p: Floats) -> float:
    """Compute the chance that a random positive has a higher probability than a random negative, ties counting half.

    Rewards the order over the whole range; higher is better; range [0, 1], a constant gives 0.5; domain any score; one
    class gives NaN. Reference: Hanley and McNeil 1982.

    >>> roc_auc(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]))
    0.75
    """
    ones = float(np.sum(y))
    zeros = len(y) - ones
    if not ones or not zeros:
        return float("nan")
    return float((rankdata(p)[np.asarray(y) == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def average_precision(y: Floats, p: Floats) -> float:
    """Compute the mean of the precision at each positive, in the order of falling probability.

    Rewards positives at the top of the list; higher is better; range [0, 1], a constant gives the base rate; domain any
    score; no positives give NaN. Reference: Davis and Goadrich 2006, as in scikit-learn (no interpolation).

    >>> round(average_precision(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4])), 4)
    0.8333
    """
    return float(average_precision_score(y, p)) if np.sum(y) > 0 else float("nan")


def log_loss(y: Floats, p: Floats) -> float:
    """Compute the mean negative log-likelihood, in nats.

    Rewards honest probabilities (strictly proper); lower is better; range [0, inf); domain probabilities, kept 1e-15
    from 0 and 1; empty gives NaN. Reference: Good 1952.

    >>> round(log_loss(np.array([0, 1]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    return cross_entropy(y, p)


def cross_entropy(q: Floats, p: Floats) -> float:
    """Compute the expected log loss of `p` when the chances are `q`: -mean(q ln p + (1 - q) ln(1 - p)), in nats.

    Rewards p = q; lower is better; range [entropy of q, inf); domain q in [0, 1], p kept 1e-15 from 0 and 1; empty
    gives NaN. With outcomes as `q` it is the log loss.

    >>> round(cross_entropy(np.array([0.5]), np.array([0.25])), 4)
    0.837
    """
    if not len(q):
        return float("nan")
    return float(np.mean(losses(q, p)))


def losses(q: Floats, p: Floats) -> Floats:
    """Compute the expected log loss of each row, float64[n], as `cross_entropy` takes the mean of.

    >>> losses(np.array([1.0, 0.0]), np.array([0.5, 0.5])).round(4).tolist()
    [0.6931, 0.6931]
    """
    clipped = np.clip(p, TINY, 1 - TINY)
    return np.asarray(-(q * np.log(clipped) + (1 - q) * np.log1p(-clipped)))


def log_loss_skill(y: Floats, p: Floats, reference: float | Floats | None = None) -> float:
    """Compute the share of the base rate's log loss that the forecast removes.

    Rewards honest probabilities; higher is better; range (-inf, 1], 0 is no better than always saying `reference`, one
    rate or one for each row (default: the base rate of `y` itself, a yardstick that no forecaster knows beforehand); one
    class without a `reference` gives NaN. Reference: Murphy 1973 (skill scores).

    >>> round(log_loss_skill(np.array([0, 0, 0, 1]), np.array([0.1, 0.1, 0.1, 0.7])), 4)
    0.7009
    """
    yardstick = log_loss(y, np.broadcast_to(base_rate(y) if reference is None else reference, np.shape(y)))
    return 1 - log_loss(y, p) / yardstick if yardstick > 1e-12 else float("nan")


def brier(y: Floats, p: Floats) -> float:
    """Compute the mean squared error of the probabilities.

    Rewards honest probabilities, gently at the extremes; lower is better; range [0, 1]; domain probabilities; empty
    gives NaN. Reference: Brier 1950.

    >>> brier(np.array([0, 1]), np.array([0.5, 0.5]))
    0.25
    """
    return float(np.mean((np.asarray(p) - y) ** 2)) if len(y) else float("nan")


def observed_expected(y: Floats, p: Floats) -> float:
    """Compute the number of positives over the sum of the probabilities.

    Rewards the right level; 1 is best, above 1 the forecast is too low; range [0, inf); domain probabilities; a sum of
    0 gives NaN.

    >>> observed_expected(np.array([0, 0, 1, 1]), np.array([0.25, 0.25, 0.25, 0.25]))
    2.0
    """
    expected = float(np.sum(p))
    return float(np.sum(y)) / expected if expected > 0 else float("nan")


def calibration_slope(y: Floats, p: Floats) -> float:
    """Fit y on the log-odds of p by a logistic regression with intercept, and return the slope.

    Rewards the right spread; 1 is best, below 1 the forecast is too extreme (over-confident), above 1 too timid; range
    (-inf, inf); domain probabilities; NaN for one class, a constant forecast, or classes that p separates (then no
    finite slope exists). Reference: Cox 1958. Unpenalised, by Newton's method with halved steps.

    >>> y = np.repeat([0.0, 1.0, 0.0, 1.0], [90, 10, 50, 50])
    >>> p = np.repeat([0.01, 0.50], 100)  # log-odds -4.6 and 0, where the rates .10 and .50 say -2.2 and 0
    >>> round(calibration_slope(y, p), 3)
    0.478
    """
    clipped = np.clip(np.asarray(p, dtype=float), TINY, 1 - TINY)
    logit = np.log(clipped) - np.log1p(-clipped)
    ones, zeros = logit[np.asarray(y) == 1], logit[np.asarray(y) == 0]
    if not len(ones) or not len(zeros) or ones.min() >= zeros.max() or ones.max() <= zeros.min():
        return float("nan")
    return _newton_slope(np.asarray(y, dtype=float), logit)


def _newton_slope(y: Floats, x: Floats) -> float:
    centre = float(x.mean())
    design = np.stack([np.ones_like(x), x - centre])
    weights = np.array([centre, 1.0])
    loss = _logistic_loss(y, weights @ design)
    for _ in range(100):
        fitted = expit(weights @ design)
        curvature = (design * (fitted * (1 - fitted))) @ design.T
        step = np.linalg.lstsq(curvature, design @ (y - fitted))[0]
        while (tried := _logistic_loss(y, (weights + step) @ design)) > loss and np.max(np.abs(step)) > 1e-12:
            step = step / 2
        weights, loss = weights + step, tried
        if np.max(np.abs(step)) < 1e-8:
            break
    return float(weights[1])


def _logistic_loss(y: Floats, margin: Floats) -> float:
    return float(np.sum(np.logaddexp(0, margin)) - y @ margin)


def expected_calibration_error(y: Floats, p: Floats, bins: int = 10) -> float:
    """Compute the mean distance of observed and expected rates over groups of equal size, weighted by rows.

    Rewards calibration, not discrimination; lower is better; range [0, 1], never 0 by chance: print `ece_noise_floor`
    beside it; empty gives NaN. Reference: Naeini et al. 2015, with groups of equal size.

    >>> round(expected_calibration_error(np.array([0, 0, 0, 1]), np.array([0.1, 0.1, 0.4, 0.4]), bins=2), 4)
    0.1
    """
    return _grouped_gap(y - p, probability_groups(p, bins)) if len(y) else float("nan")


def _grouped_gap(surplus: Floats, group: np.ndarray) -> float:
    return float(np.abs(np.bincount(group, weights=surplus)).sum() / len(surplus))


def ece_noise_floor(p: Floats, seed: int, bins: int = 10, draws: int = 50, overlap: float = 1.0) -> float:
    """Compute the mean calibration error that a perfect forecast `p` would show, its outcomes drawn `draws` times.

    The yardstick of `expected_calibration_error`; range [0, 1], falls with the square root of the rows; domain
    probabilities; empty gives NaN. The same seed gives the same figure. Where `overlap` rows look at one and the same event
    (daily rows of a horizon of 7 days: 7), chance moves sums by its square root more than among independent rows.

    >>> ece_noise_floor(np.array([0.0, 1.0]), seed=0)
    0.0
    """
    if not len(p):
        return float("nan")
    rng = np.random.default_rng(seed)
    group = probability_groups(p, bins)
    gaps = [_grouped_gap((rng.random(len(p)) < p) - p, group) for _ in range(draws)]
    return float(np.sqrt(overlap) * np.mean(gaps))


def hits_at_k(y: Floats, p: Floats, k: int) -> float:
    """Count the positives among the k highest p of one date, rows that tie for the last places sharing them.

    >>> hits_at_k(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.5]), 2)
    1.5
    """
    if k >= len(p):
        return float(np.sum(y))
    if k <= 0:
        return 0.0
    edge = np.partition(p, len(p) - k)[len(p) - k]
    above, tied = p > edge, p == edge
    return float(np.sum(y[above]) + (k - np.sum(above)) * np.mean(y[tied]))


def _over_dates(y: Floats, p: Floats, share: float, dates: Floats | None) -> tuple[float, float, float]:
    """Sum over the dates: hits, best possible hits, places looked at."""
    groups = [np.arange(len(y))] if dates is None else _by_date(dates)
    hits = best = places = 0.0
    for rows in groups:
        k = places_of(share, len(rows))
        hits += hits_at_k(y[rows], p[rows], k)
        best += min(k, float(np.sum(y[rows])))
        places += k
    return hits, best, places


def _by_date(dates: Floats) -> list[np.ndarray]:
    """Give the rows of each date."""
    order = np.argsort(dates, kind="stable")
    return np.split(order, np.flatnonzero(dates[order][1:] != dates[order][:-1]) + 1) if len(order) else []


def places_of(share: float, rows: int) -> int:
    """Turn a share of the cards into a number of places a date, at least 1 if there is a card.

    >>> places_of(0.01, 2500), places_of(0.01, 20), places_of(0.01, 0)
    (25, 1, 0)
    """
    return min(rows, max(1, round(share * rows)))


def precision_at(y: Floats, p: Floats, share: float, dates: Floats | None = None) -> float:
    """Compute the share of positives among the cards looked at: the top `share` of each date.

    Rewards positives in the few places that a person looks at; higher is better; range [0, `ceiling_at`], a constant
    gives the base rate (with dates of equal size); domain any score; empty gives NaN.

    >>> precision_at(np.array([1, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.1]), 0.5)
    0.5
    """
    hits, _, places = _over_dates(y, p, share, dates)
    return hits / places if places else float("nan")


def ceiling_at(y: Floats, p: Floats, share: float, dates: Floats | None = None) -> float:
    """Compute the precision of a perfect order: with fewer positives than places no list can be all right.

    The yardstick of `precision_at`; range [0, 1]; does not depend on the values of p; empty gives NaN.

    >>> ceiling_at(np.array([1, 0, 0, 0]), np.zeros(4), 0.5)
    0.5
    """
    _, best, places = _over_dates(y, p, share, dates)
    return best / places if places else float("nan")


def recall_at(y: Floats, p: Floats, share: float, dates: Floats | None = None) -> float:
    """Compute the share of all positives that lie in the top `share` of their date.

    Rewards positives in the few places that a person looks at; higher is better; range [0, 1], a constant gives about
    `share`; domain any score; no positives give NaN.

    >>> recall_at(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.1, 0.1]), 0.5)
    0.5
    """
    hits, _, _ = _over_dates(y, p, share, dates)
    return hits / float(np.sum(y)) if np.sum(y) > 0 else float("nan")


def lift_at(y: Floats, p: Floats, share: float, dates: Floats | None = None) -> float:
    """Compute the precision in the top `share` over the base rate: how much denser the list is than chance.

    Higher is better; range [0, ceiling / base rate], a constant gives 1; domain any score; no positives give NaN.

    >>> lift_at(np.array([1, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.1]), 0.5)
    2.0
    """
    return precision_at(y, p, share, dates) / base_rate(y) if np.sum(y) > 0 else float("nan")


def oracle_gain(q: Floats, p: Floats, reference: float | Floats | None = None) -> float:
    """Compute the share of the oracle's expected log-loss gain over the base rate that the forecast takes.

    (E(base) - E(p)) / (E(base) - E(q)) with E the `cross_entropy` under the true chances q. Rewards honest, sharp
    probabilities without the luck of the drawn outcomes; higher is better; range (-inf, 1], 1 only for p = q, 0 for
    always saying `reference` (default: the mean of q); domain simulated data, where q is known; constant q gives NaN.

    >>> round(oracle_gain(np.array([0.1, 0.3]), np.array([0.15, 0.25])), 3)
    0.733
    """
    known = reference if reference is not None else np.mean(q) if len(q) else 0.0
    base = cross_entropy(q, np.broadcast_to(known, np.shape(q)))
    possible = base - cross_entropy(q, q)
    return (base - cross_entropy(q, p)) / possible if possible > 1e-12 else float("nan")
