"""Ramps: the coefficients of a smooth part, and how they become curves."""

from dataclasses import dataclass

import numpy as np

from blockrisk.models.smooth import SmoothPart, read_curves, signed_log

Array = np.ndarray

KINK = 2.0
"""How much dearer a curve of even ramps is than the same rise by its slope: curves bend only where the data say so."""

_QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.7, 0.85, 0.94, 0.98, 0.995)  # dense above, where the risk is
_TAIL_QUANTILES = (0.0, 0.5, 0.9)  # of the values above the median, for columns that are mostly one value
_LEAST_GAP = 0.01  # between two knots, as a share of their range
_FEWEST_MISSING = 20  # rows, below which a missing flag is not worth a coefficient


@dataclass(frozen=True)
class Basis:
    """Say which ramps stand for which column.

    Column j has `ramps[j]` ramps between the ascending `knots[j]` (signed-log scale, padded with +inf), each rising from 0 to 1
    less its mean `centres`, a slope (the mean of its ramps) where it has more than one, and a missing flag where `flagged[j]`.
    Coefficients are all ramps, column by column, then the slopes, then the flags.
    """

    knots: Array
    ramps: Array
    centres: Array
    flagged: Array

    @property
    def sloped(self) -> Array:
        """Give the columns that have a slope beside their ramps."""
        return np.flatnonzero(self.ramps > 1)

    @property
    def owner(self) -> Array:
        """Give the column of each coefficient, int64[q]."""
        return np.concatenate([np.repeat(np.arange(len(self.ramps)), self.ramps), self.sloped, np.flatnonzero(self.flagged)])


def make_basis(values: Array) -> Basis:
    """Lay knots at quantiles of the signed logs of float64[n, p]; a constant or empty column gets none."""
    logs = signed_log(values)
    found = [_knots(column[~np.isnan(column)]) for column in logs.T]
    knots = np.full((len(found), max([len(column) for column in found] + [1])), np.inf)
    knots[:, 0] = 0.0
    for row, column in zip(knots, found, strict=True):
        row[: len(column)] = column
    ramps = np.array([max(len(column) - 1, 0) for column in found], dtype=np.int64)
    missing = np.isnan(values).sum(axis=0)
    flagged = (missing >= _FEWEST_MISSING) & (missing <= len(values) - _FEWEST_MISSING)
    bare = Basis(knots, ramps, np.zeros(int(ramps.sum())), flagged)
    present = np.repeat(~np.isnan(logs), ramps, axis=1)
    centres = np.where(present, _ramps(logs, bare), 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return Basis(knots, ramps, centres, flagged)


def design(values: Array, basis: Basis) -> Array:
    """Give float64[n, q]: centred ramps and slopes (0 where missing), then missing flags."""
    logs = signed_log(values)
    ramps = _ramps(logs, basis) - basis.centres
    ramps[np.repeat(np.isnan(logs), basis.ramps, axis=1)] = 0.0
    ends = np.cumsum(basis.ramps)
    slopes = [ramps[:, ends[column] - basis.ramps[column] : ends[column]].mean(axis=1) for column in basis.sloped]
    return np.hstack([ramps, *(slope[:, None] for slope in slopes), np.isnan(values[:, basis.flagged]).astype(np.float64)])


def relative_ridge(basis: Basis) -> Array:
    """Give the relative ridge of each coefficient: a slope and a flag cost 1, a curve of even ramps KINK times that."""
    bends = np.repeat(np.where(basis.ramps > 1, KINK * basis.ramps, 1), basis.ramps).astype(np.float64)
    return np.concatenate([bends, np.ones(len(basis.owner) - len(bends))])


def sign_limits(basis: Basis, signs: Array) -> tuple[Array, Array]:
    """Give lower and upper limits of the coefficients for signs int[p] of +1, -1, 0; missing flags are free."""
    sign = np.where(np.arange(len(basis.owner)) < len(basis.owner) - int(basis.flagged.sum()), signs[basis.owner], 0)
    return np.where(sign > 0, 0.0, -np.inf), np.where(sign < 0, 0.0, np.inf)


def to_part(basis: Basis, coefficients: Array, values: Array) -> SmoothPart:
    """Turn coefficients (without the intercept) into curves and gates, without products.

    A gate is the curve brought to 0..1; a missing value gets the mean gate of the rows `values`.
    """
    count, bends = len(basis.ramps), len(basis.centres)
    curves, missing, slopes = np.zeros(basis.knots.shape), np.zeros(count), np.zeros(count)
    slopes[basis.sloped] = coefficients[bends : bends + len(basis.sloped)]
    for column, end in enumerate(np.cumsum(basis.ramps)):
        ramps = basis.ramps[column]
        rises = coefficients[end - ramps : end] + slopes[column] / max(ramps, 1)
        curves[column, 1 : ramps + 1] = np.cumsum(rises)
        curves[column, ramps + 1 :] = curves[column, ramps]
        curves[column] -= rises @ basis.centres[end - ramps : end]
    missing[basis.flagged] = coefficients[bends + len(basis.sloped) :]
    gates = _gates(curves)
    logs = signed_log(values)
    known = ~np.isnan(logs)
    read = read_curves(logs, basis.knots, gates, np.zeros(count))
    gate_missing = np.where(known, read, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    none = np.zeros(0, dtype=np.int64)
    return SmoothPart(basis.knots, curves, missing, gates, gate_missing, none.reshape(0, 2), none, np.zeros(0))


def _knots(values: Array) -> Array:
    if len(values) < 2:
        return np.zeros(0)
    knots = np.unique(np.quantile(values, _QUANTILES, method="inverted_cdf"))
    middle = np.median(values)
    above = values[values > middle]
    if len(knots) < 6 and len(above):
        knots = np.unique([*knots, middle, *np.quantile(above, _TAIL_QUANTILES, method="inverted_cdf")])
    gap = _LEAST_GAP * (knots[-1] - knots[0])
    kept = [knots[0]]
    for knot in knots[1:]:
        if knot - kept[-1] > gap:
            kept.append(knot)
    return np.array(kept) if len(kept) > 1 else np.zeros(0)


def _ramps(logs: Array, basis: Basis) -> Array:
    blocks = []
    for column, knots, ramps in zip(np.nan_to_num(logs).T, basis.knots, basis.ramps, strict=True):
        low, high = knots[:ramps], knots[1 : ramps + 1]
        blocks.append(np.clip((column[:, None] - low) / (high - low), 0.0, 1.0))
    return np.hstack(blocks) if blocks else np.zeros((len(logs), 0))


def _gates(curves: Array) -> Array:
    low = curves.min(axis=1, keepdims=True)
    height = curves.max(axis=1, keepdims=True) - low
    return np.where(height > 0, (curves - low) / np.where(height > 0, height, 1.0), 0.0)
