"""Fit the smooth part: strength of the ridge and products of the main drivers chosen by folds."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from joblib import Parallel, delayed

from blockrisk.models.forest import Forest
from blockrisk.models.smooth import BOTH, EITHER, SmoothPart, join_gates, read_curves, signed_log
from blockrisk.training.folds import Fold
from blockrisk.training.logistic import fit_logistic
from blockrisk.training.ramps import Basis, design, make_basis, relative_ridge, sign_limits, to_part
from blockrisk.training.task import Rows

Array = np.ndarray
Kind = TypeVar("Kind", SmoothPart, Forest)

RIDGES = (60.0, 30.0, 15.0, 7.0, 3.0, 1.0)
"""Strengths of the ridge that are compared, strongest first, in log loss per squared log-odds of a whole curve (halved)."""

PRODUCT_RIDGES = (np.inf, 20.0, 5.0)
"""Strengths for the products that are compared; infinite leaves them out."""

_DRIVERS = 6  # columns whose pairs may become products
_HOPELESS = 5.0  # log loss above the best of the path, beyond which weaker ridges are not tried
_LEAST_SHARE = 0.05  # of the usual spread of a curve, as which a flat one is reckoned when ridges are adapted
_LEAST_SPREAD = 0.01  # log-odds by which a driver's curve must spread
_LEAST_PRODUCT = 1e-6


@dataclass(frozen=True)
class Part(Generic[Kind]):
    """Hold a fitted part, its intercept, and its margins out of fold (NaN where a row is in no validation fold)."""

    part: Kind
    start: float
    margins: Array


def fit_smooth(rows: Rows, folds: list[Fold], jobs: int) -> Part[SmoothPart]:
    """Fit curves and products; without folds the strongest ridge and no products are taken."""
    if not folds:
        part, start = _with_products(rows, RIDGES[0], PRODUCT_RIDGES[:1])[0]
        return Part(part, start, np.full(len(rows.y), np.nan))
    paths = Parallel(n_jobs=jobs)(delayed(_fold_path)(rows, fold) for fold in folds)
    ridge = RIDGES[best_of(paths, folds, rows)]
    products = Parallel(n_jobs=jobs)(delayed(_fold_products)(rows, fold, ridge) for fold in folds)
    chosen = best_of(products, folds, rows)
    part, start = _with_products(rows, ridge, (PRODUCT_RIDGES[chosen],))[0]
    return Part(part, start, spread_margins(products, folds, chosen, len(rows.y)))


def best_of(paths: list[list[Array]], folds: list[Fold], rows: Rows) -> int:
    """Find which of the compared settings has the least log loss over all folds; paths[fold][setting] are margins."""
    checks = [rows.take(check) for _, check in folds]
    losses = [[check.loss(margin) for margin in path] for path, check in zip(paths, checks, strict=True)]
    return int(np.argmin(np.sum(losses, axis=0)))


def spread_margins(paths: list[list[Array]], folds: list[Fold], chosen: int, count: int) -> Array:
    """Lay the chosen setting's margins of all folds into float64[count], NaN elsewhere."""
    margins = np.full(count, np.nan)
    for path, (_, check) in zip(paths, folds, strict=True):
        margins[check] = path[chosen]
    return margins


def _fold_path(rows: Rows, fold: Fold) -> list[Array]:
    fit, check = rows.take(fold[0]), rows.take(fold[1])
    basis = make_basis(fit.values)
    matrix, later = design(fit.values, basis), design(check.values, basis)
    plain, margins, losses = None, [], []
    for ridge in RIDGES:
        plain, point, _ = _fit_curves(fit, basis, matrix, ridge, plain)
        margins.append(point[0] + later @ point[1:])
        losses.append(check.loss(margins[-1]))
        if losses[-1] > min(losses) + _HOPELESS:
            break
    return margins + margins[-1:] * (len(RIDGES) - len(margins))


def _fit_curves(rows: Rows, basis: Basis, matrix: Array, ridge: float, start: Array | None = None) -> tuple[Array, Array, Array]:
    """Fit twice, the second time with ridges lower for columns that moved much: both points, and the ridges float64[q].

    What a column may do is learnt from the data (an empirical Bayes step): few columns drive, many only add noise.
    """
    limits, relative, owner = sign_limits(basis, rows.signs), relative_ridge(basis), basis.owner
    plain = fit_logistic(matrix, rows.y, rows.weight, ridge * relative, limits, start)
    moved = np.array([np.std(matrix[:, owner == column] @ plain[1:][owner == column]) for column in range(len(basis.ramps))])
    usual = max(float(np.sqrt(np.mean(moved**2))), 1e-9)
    adapted = ridge * relative / (moved / usual + _LEAST_SHARE)[owner]
    return plain, fit_logistic(matrix, rows.y, rows.weight, adapted, limits, plain), adapted


def _fold_products(rows: Rows, fold: Fold, ridge: float) -> list[Array]:
    fit, check = rows.take(fold[0]), rows.take(fold[1])
    return [start + part.margin(check.values) for part, start in _with_products(fit, ridge, PRODUCT_RIDGES)]


def _with_products(rows: Rows, ridge: float, strengths: tuple[float, ...]) -> list[tuple[SmoothPart, float]]:
    """Fit the curves, then curves and products anew for each finite strength."""
    basis = make_basis(rows.values)
    matrix, limits = design(rows.values, basis), sign_limits(basis, rows.signs)
    _, point, cost = _fit_curves(rows, basis, matrix, ridge)
    plain = to_part(basis, point[1:], rows.values)
    pairs, kinds = _candidates(plain, rows.values)
    joined = _joined(rows.values, plain, pairs, kinds)
    fitted = []
    for strength in strengths:
        if np.isfinite(strength) and len(kinds):
            none, free = np.zeros(len(kinds)), np.full(len(kinds), np.inf)
            edges = np.concatenate([limits[0], none]), np.concatenate([limits[1], free])
            costs, begin = np.concatenate([cost, none + strength]), np.concatenate([point, none])
            both = fit_logistic(np.hstack([matrix, joined]), rows.y, rows.weight, costs, edges, begin)
            fitted.append((_add_products(basis, both, plain, pairs, kinds), float(both[0])))
        else:
            fitted.append((plain, float(point[0])))
    return fitted


def _candidates(part: SmoothPart, values: Array) -> tuple[Array, Array]:
    """Pair the columns whose curves move the log-odds most, each pair in both kinds: int64[m, 2] and int64[m]."""
    spread = np.std(part.terms(values), axis=0)
    drivers = np.sort(np.argsort(-spread, kind="stable")[:_DRIVERS])
    drivers = drivers[spread[drivers] > _LEAST_SPREAD]
    pairs = [(one, other) for place, one in enumerate(drivers) for other in drivers[place + 1 :]]
    return np.array(pairs + pairs, dtype=np.int64).reshape(-1, 2), np.repeat(np.array([BOTH, EITHER]), len(pairs))


def _joined(values: Array, part: SmoothPart, pairs: Array, kinds: Array) -> Array:
    gate = read_curves(signed_log(values), part.knots, part.gates, part.gate_missing)
    return join_gates(gate[:, pairs[:, 0]], gate[:, pairs[:, 1]], kinds)


def _add_products(basis: Basis, point: Array, plain: SmoothPart, pairs: Array, kinds: Array) -> SmoothPart:
    weights = point[len(point) - len(kinds) :]
    used = weights > _LEAST_PRODUCT
    curved = to_part(basis, point[1 : len(point) - len(kinds)], np.zeros((0, len(basis.ramps))))
    return replace(plain, curves=curved.curves, missing=curved.missing, pairs=pairs[used], kinds=kinds[used], weights=weights[used])
