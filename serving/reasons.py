"""Why is a card's probability high: the factor families that raise it, with the card's own numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from blockrisk.features import UserError, catalogue
from blockrisk.features.feature import FAMILIES
from blockrisk.models.contributions import contributions, explainable
from blockrisk.serving.explanation import Reason
from blockrisk.serving.languages import in_languages
from blockrisk.serving.reason_texts import CLAUSES, Clause
from blockrisk.serving.sentences import mistake

if TYPE_CHECKING:
    from blockrisk.serving.predict import Model

LEAST: Final = 0.05
"""Log-odds that a family must add to be told as a reason: less is noise."""

REASONS: Final = 3
"""Most reasons of a score."""

_CLAUSES_EACH = 2
Limits = Mapping[str, tuple[float, bool]]
"""Limits on file that hold for a card: quantity -> (value, whether the operator confirmed it)."""


def split_margin(rows: pd.DataFrame | np.ndarray, model: "Model") -> tuple[float, np.ndarray]:
    """Split the log-odds of each row into a base and one addend a column of the model.

    Args:
        rows: one a card: a frame with the model's columns, or float64[n, p] as `model.values` makes it.
        model: a loaded model.

    Returns:
        base, and addends float64[n, p] in the order of `model.columns`: base + their sum is `model.margin`, within 1e-9.

    Raises:
        UserError: the bundle was written before the training means were kept.

    """
    forecast = model.bundle.model
    if not explainable(forecast):
        raise mistake("no_means", bundle=model.bundle.path)
    return contributions(forecast, model.values(rows))


def family_sums(addends: np.ndarray, model: "Model") -> dict[str, np.ndarray]:
    """Add up the addends of each family: float64[n] for each that the model knows, in the order of FAMILIES."""
    families = model.families
    names = [name for name in FAMILIES if name in families] + sorted(set(families) - set(FAMILIES))
    sums = {name: np.zeros(len(addends)) for name in names}
    for column, family in enumerate(families):
        sums[family] += addends[:, column]
    return sums


def reason_codes(sums: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give the codes of the families that raise the risk most, by falling contribution: object[n, REASONS], None where none.

    >>> reason_codes({"hours": np.array([0.2]), "arrears": np.array([-1.0]), "complaints": np.array([0.9])}).tolist()
    [['complaints', 'hours', None]]
    """
    names = np.array([*sums, *[None] * REASONS], dtype=object)
    nothing = np.full(len(next(iter(sums.values()), ())), -np.inf)
    padded = np.column_stack([*sums.values(), *[nothing] * REASONS])
    order = np.argsort(-padded, axis=1, kind="stable")[:, :REASONS]
    raises = np.take_along_axis(padded, order, axis=1) >= LEAST
    codes = names[order]
    codes[~raises] = None
    return codes


def reason_columns(values: np.ndarray, model: "Model", *, told: bool = False) -> tuple[np.ndarray, dict[str, Any]]:
    """Give the reason codes of rows float64[n, p], as `reason_codes`; a bundle without training means knows none.

    With `told`, also base and contribution_FAMILY by name, which add up to the log-odds.
    """
    if not told and not explainable(model.bundle.model):
        return np.full((len(values), REASONS), None), {}
    base, addends = split_margin(values, model)
    sums = family_sums(addends, model)
    named = {"base": np.full(len(values), base), **{f"contribution_{name}": part for name, part in sums.items()}}
    return reason_codes(sums), named if told else {}


def reasons_of(row: Mapping[str, Any], addends: np.ndarray, model: "Model", limits: Limits | None = None) -> tuple[Reason, ...]:
    """Tell why one card's probability is high, in every language; nothing where no family raises it.

    Args:
        row: the card's values by column.
        addends: float64[p], the card's row of `split_margin`.
        model: the model of both.
        limits: limits on file for the card, where known.

    """
    sums = family_sums(addends.reshape(1, -1), model)
    by_column = dict(zip(model.columns, addends.tolist(), strict=True))
    members = {name: [c for c, family in zip(model.columns, model.families, strict=True) if family == name] for name in sums}
    codes = [code for code in reason_codes(sums)[0] if code is not None]
    return tuple(_reason(code, members[code], row, by_column, limits or {}, float(sums[code][0])) for code in codes)


def _reason(
    code: str, columns: Sequence[str], row: Mapping[str, Any], by_column: Mapping[str, float], limits: Limits, total: float
) -> Reason:
    numbers = _numbers(row, limits)
    raised = [(sum(by_column.get(column, 0.0) for column in clause.about), clause) for clause in CLAUSES if clause.family == code]
    holding = [(lift, clause) for lift, clause in raised if lift > 0 and _holds(clause, row, numbers)]
    chosen = [clause for _, clause in sorted(holding, key=lambda pair: -pair[0])[:_CLAUSES_EACH]]
    texts = [
        (_fill(clause.hant, numbers, clause, limits, "（未經核實）"), _fill(clause.en, numbers, clause, limits, " (unverified)"))
        for clause in chosen
    ]
    if not texts:
        column = max(columns, key=lambda name: by_column[name])
        texts = [_plain(column, row.get(column))]
    return Reason(code, in_languages("；".join(hant for hant, _ in texts), "; ".join(en for _, en in texts)), total)


def _numbers(row: Mapping[str, Any], limits: Limits) -> dict[str, float]:
    numbers = {name: float(value) for name, value in row.items() if isinstance(value, int | float | np.number)}
    present = {name: value for name, value in numbers.items() if not math.isnan(value)}
    return present | {quantity: value for quantity, (value, _) in limits.items()}


def _fields(clause: Clause) -> Iterable[str]:
    return (name for _, name, _, _ in Formatter().parse(clause.en + clause.hant) if name and name != "unverified")


def _holds(clause: Clause, row: Mapping[str, Any], numbers: Mapping[str, float]) -> bool:
    fields = list(_fields(clause))
    there = all(name in numbers for name in fields) if fields else any(isinstance(row.get(name), str) for name in clause.about)
    return there and clause.when(numbers)


def _fill(text: str, numbers: Mapping[str, float], clause: Clause, limits: Limits, unverified: str) -> str:
    known = limits.get(clause.limit or "")
    word = unverified if known is not None and not known[1] else ""
    return text.format(unverified=word, **{name: _Number(numbers[name]) for name in _fields(clause)})


class _Number(float):
    """A number whose format may be an English noun: `{x:call}` gives "1 call" or "2 calls"."""

    def __format__(self, spec: str) -> str:
        if not spec.replace(" ", "").isalpha():
            return float(self).__format__(spec)
        count = math.floor(float(self) + 0.5)
        return f"{count:,} {spec}{'' if count == 1 else 's'}"


def _plain(column: str, value: Any) -> tuple[str, str]:
    """Name a column's meaning and the card's value, for columns without a clause of their own."""
    try:
        feature, days = catalogue.find(column)
    except UserError:
        told = "unknown" if value is None or pd.isna(value) else str(value)
        return f"{column}：{told if told != 'unknown' else '未知'}", f"{column}: {told}"
    hant, en = (f"（近 {days} 日）", f" over {days} days") if days else ("", "")
    if value is None or pd.isna(value) or isinstance(value, str):
        return (
            f"{feature.zh}{hant}{'' if isinstance(value, str) else '：未知'}",
            f"{feature.en}{en}{'' if isinstance(value, str) else ': unknown'}",
        )
    number = f"{value:.1%}" if feature.unit == "share" else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{feature.zh}{hant}：{number}", f"{feature.en}{en}: {number}"
