"""Which cards are put before a person each morning: by capacity or by costs, with hysteresis so that cards do not flicker."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from blockrisk.serving.sentences import mistake

Array = np.ndarray

HYSTERESIS = 0.7
"""Log-odds that a card on yesterday's list is granted; what it costs and saves is in docs/MODEL.md."""


@dataclass(frozen=True)
class AlertRule:
    """Say how the list is made.

    By "capacity": the `value` riskiest cards of a date, a number of cards (1 and more) or a share of the cards at risk (under 1).
    By "threshold": every card whose probability is at least `value`. A card that was on the list of the date before is judged
    with `hysteresis` log-odds more than it has: it leaves when it has become clearly safer, and not by a hair.
    """

    kind: Literal["capacity", "threshold"]
    value: float
    hysteresis: float = HYSTERESIS

    def places(self, cards: int) -> int:
        """Give the places of a list among so many cards: at least 1 where a share is asked for; no cards give none.

        >>> AlertRule("capacity", 0.01).places(250), AlertRule("capacity", 20).places(7)
        (2, 7)
        """
        return min(cards, max(1, round(self.value * cards)) if self.value < 1 else int(self.value))

    def to_json(self) -> dict[str, Any]:
        """Give the rule as plain values, as the manifest holds it."""
        return asdict(self)


DEFAULT_ALERT = AlertRule("capacity", 0.01)
"""One card in a hundred a day."""


def read_rule(stated: Mapping[str, Any]) -> AlertRule:
    """Build the rule that a manifest states.

    >>> read_rule({"kind": "capacity", "value": 25, "hysteresis": 0.5})
    AlertRule(kind='capacity', value=25.0, hysteresis=0.5)
    """
    return AlertRule(stated["kind"], float(stated["value"]), float(stated["hysteresis"]))


def rule_of_costs(missed: float, looked_at: float) -> AlertRule:
    """Make the rule that costs least in the mean: alert from the probability looked_at / missed on (Elkan 2001).

    `missed` is what a block costs that nobody was warned of and that a warning would have spared, `looked_at` what it costs to
    look at a card; in one currency. UserError unless 0 < looked_at < missed.

    >>> rule_of_costs(2000, 50).value
    0.025
    """
    if not 0 < looked_at < missed:
        raise mistake("costs", missed=missed, looked_at=looked_at)
    return AlertRule("threshold", looked_at / missed)


def alerts(margin: Array, cards: Array, dates: Array, rule: AlertRule, before: Sequence[str] = ()) -> Array:
    """Say of each row whether its card is on the list of its date, bool[n].

    `margin` float64[n] in log-odds, `cards` and `dates` as long; one row for a card and date. Dates are taken in their order, each
    with the list of the one before in mind, the first with the cards `before`. Equal margins go by card.

    >>> cards, dates = np.array(["a", "b", "a", "b"]), np.array([1, 1, 2, 2])
    >>> alerts(np.array([0.2, 0.1, 0.1, 0.2]), cards, dates, AlertRule("capacity", 1, hysteresis=0.5)).tolist()
    [True, False, True, False]
    """
    listed, on = np.zeros(len(margin), dtype=bool), np.array(before, dtype=object)
    for date in np.unique(dates):
        rows = np.flatnonzero(dates == date)
        score = margin[rows] + rule.hysteresis * np.isin(cards[rows], on)
        listed[rows] = _listed(score, cards[rows], rule)
        on = cards[rows][listed[rows]]
    return listed


def _listed(score: Array, cards: Array, rule: AlertRule) -> Array:
    if rule.kind == "threshold":
        return np.asarray(score >= np.log(rule.value) - np.log1p(-rule.value))
    chosen = np.lexsort((cards.astype(str), -score))[: rule.places(len(score))]
    return np.isin(np.arange(len(score)), chosen)
