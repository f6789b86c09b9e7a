"""Labels: whether the operator blocks a card within the horizon, and when that cannot be known."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from blockrisk.features.at_risk import end_of_calls
from blockrisk.features.tables import LABEL_KINDS
from blockrisk.training.sentences import mistake

if TYPE_CHECKING:
    from blockrisk.features import Tables

LEDGER_SHARE: Final = 0.99
"""Share of the blocks of a day that must be known before the day counts as observed, where the ledger comes late."""

UNKNOWN_REASONS: Final = ("end_of_observation", "already_stopped", "closed", "arrears_stop", "user_request", "unknown_kind")
"""Why a label is missing, in the order in which the first that holds is named."""

_LABELS = """
WITH asked AS (
    SELECT row_id, card_id, as_of, as_of + to_days(CAST($horizon AS INTEGER)) AS until FROM label_requests
), stops AS (
    SELECT asked.row_id, coalesce(blocks.kind, 'full_stop') AS kind
    FROM asked JOIN blocks
      ON blocks.card_id = asked.card_id AND blocks.blocked_at >= asked.as_of AND blocks.blocked_at < asked.until
), seen AS (
    SELECT row_id,
           bool_or(list_contains($kinds, kind)) AS blocked,
           bool_or(kind = 'arrears_stop') AS arrears,
           bool_or(kind = 'user_request') AS asked_for,
           bool_or(kind = 'unknown') AS unclear
    FROM stops GROUP BY row_id
), closings AS (
    SELECT DISTINCT asked.row_id
    FROM asked JOIN cards
      ON cards.card_id = asked.card_id AND cards.closed_at >= asked.as_of AND cards.closed_at < asked.until
), stopped AS (
    SELECT DISTINCT asked.row_id
    FROM asked JOIN blocks
      ON blocks.card_id = asked.card_id AND coalesce(blocks.kind, 'full_stop') <> 'warning'
      AND blocks.blocked_at < asked.as_of AND (blocks.unblocked_at IS NULL OR blocks.unblocked_at > asked.as_of)
), reasons AS (
    SELECT asked.row_id, coalesce(seen.blocked, false) AS blocked,
           CASE WHEN asked.until > $until THEN 'end_of_observation'
                WHEN stopped.row_id IS NOT NULL THEN 'already_stopped'
                WHEN coalesce(seen.blocked, false) THEN NULL
                WHEN closings.row_id IS NOT NULL THEN 'closed'
                WHEN seen.arrears THEN 'arrears_stop'
                WHEN seen.asked_for THEN 'user_request'
                WHEN seen.unclear THEN 'unknown_kind' END AS unknown_reason
    FROM asked LEFT JOIN seen USING (row_id) LEFT JOIN closings USING (row_id) LEFT JOIN stopped USING (row_id)
)
SELECT row_id, CASE WHEN unknown_reason IS NULL THEN CAST(blocked AS DOUBLE) END AS label, unknown_reason
FROM reasons ORDER BY row_id
"""


def labels(
    tables: "Tables",
    requests: pd.DataFrame,
    horizon_days: int,
    until: pd.Timestamp,
    kinds: Sequence[str] = LABEL_KINDS,
) -> pd.DataFrame:
    """Say of each card and date whether a block starts within the horizon.

    `requests` holds `card_id` and `as_of`, any further columns and any index; all come back in the same order, with
    `label` and `unknown_reason` added. The interval is half-open: [as_of, as_of + horizon_days). The label is 1.0 if a
    block of one of `kinds` starts in it, else 0.0. It is NaN, and `unknown_reason` says why (`UNKNOWN_REASONS`), if
    the interval reaches past `until`, the end of observation, if the card lay inside a block at `as_of` (a late ledger tells
    so afterwards), or if no such block starts in it and the card is closed, stopped for arrears, stopped at the user's request
    or stopped in a way that has no name of the contract within it. A blank kind is a full stop; no request gives no row.
    Whether a card was in use at `as_of` otherwise is not asked here.

    Raises UserError without a blocks table. Source: the data contract, "Label".

    >>> from blockrisk.features import read_tables
    >>> day = pd.Timestamp
    >>> card = {"card_id": "A", "operator": "o", "home_region": "r", "activated_at": day("2026-01-01")}
    >>> call = {"card_id": "A", "started_at": day("2026-03-31"), "callee": "x", "talk_s": 1.0}
    >>> block = {"card_id": "A", "blocked_at": day("2026-03-10")}
    >>> rows = {"cards": card, "calls": call, "blocks": block}
    >>> tables = read_tables({name: pd.DataFrame([row]) for name, row in rows.items()})
    >>> asked = pd.DataFrame({"card_id": "A", "as_of": [day("2026-03-03"), day("2026-03-04"), day("2026-03-30")]})
    >>> labels(tables, asked, 7, day("2026-04-01"))[["label", "unknown_reason"]].values.tolist()
    [[0.0, None], [1.0, None], [nan, 'end_of_observation']]
    """
    if "blocks" not in tables.present:
        raise mistake("no_blocks")
    asked = pd.DataFrame({"row_id": range(len(requests)), "card_id": requests["card_id"].astype("str").to_numpy()})
    asked["as_of"] = pd.to_datetime(requests["as_of"]).to_numpy().astype("datetime64[us]")
    values = {"horizon": int(horizon_days), "kinds": list(kinds), "until": pd.Timestamp(until).to_pydatetime()}
    tables.con.register("label_requests", asked)
    try:
        found = tables.con.execute(_LABELS, values).df()
    finally:
        tables.con.unregister("label_requests")
    reasons = [reason if isinstance(reason, str) else None for reason in found["unknown_reason"]]
    return requests.assign(
        label=found["label"].to_numpy(dtype="float64"),
        unknown_reason=pd.Series(reasons, index=requests.index, dtype="object"),
    )


def end_of_observation(tables: "Tables", as_of: Any = None) -> pd.Timestamp:
    """Return the midnight until which it is known what became of the cards.

    It is the midnight after the last call, or `as_of` if that is earlier; where the rows of blocks tell when they became known
    (available_at), less the days within which LEDGER_SHARE of them did. Raises UserError if there is no call at all.

    >>> from blockrisk.features import read_tables
    >>> card = {"card_id": "A", "operator": "o", "home_region": "r", "activated_at": pd.Timestamp("2026-01-01")}
    >>> call = {"card_id": "A", "started_at": pd.Timestamp("2026-03-31 20:15"), "callee": "x", "talk_s": 1.0}
    >>> tables = read_tables({"cards": pd.DataFrame([card]), "calls": pd.DataFrame([call])})
    >>> end_of_observation(tables), end_of_observation(tables, "2026-03-01")
    (Timestamp('2026-04-01 00:00:00'), Timestamp('2026-03-01 00:00:00'))
    """
    end = end_of_calls(tables)
    if end is None:
        raise mistake("no_call")
    return min(end, pd.Timestamp(end if as_of is None else as_of)) - pd.Timedelta(days=_ledger_days(tables))


def _ledger_days(tables: "Tables") -> int:
    """Give the days after a block within which nearly every row of the ledger was known."""
    [(days,)] = tables.con.execute(
        "SELECT quantile_disc(greatest(0, date_diff('day', blocked_at, available_at)), $share) FROM blocks"
        " WHERE available_at IS NOT NULL",
        {"share": LEDGER_SHARE},
    ).fetchall()
    return int(days or 0)


def unknown_counts(labelled: pd.DataFrame) -> dict[str, int]:
    """Count the rows without a label by reason, every reason named, also with 0.

    >>> unknown_counts(pd.DataFrame({"unknown_reason": [None, "closed", "closed"]}))
    {'end_of_observation': 0, 'already_stopped': 0, 'closed': 2, 'arrears_stop': 0, 'user_request': 0, 'unknown_kind': 0}
    """
    counts = labelled["unknown_reason"].value_counts()
    return {reason: int(counts.get(reason, 0)) for reason in UNKNOWN_REASONS}


def block_starts(tables: "Tables", kinds: Sequence[str] = LABEL_KINDS) -> pd.DataFrame:
    """List the blocks of the given kinds of cards that are known: card_id and blocked_at, ordered by both.

    Two rows of one card at one instant are one block. Without a blocks table there is no row.
    """
    return tables.con.execute(
        "SELECT DISTINCT card_id, blocked_at FROM blocks SEMI JOIN cards USING (card_id)"
        " WHERE list_contains($kinds, coalesce(kind, 'full_stop')) ORDER BY card_id, blocked_at",
        {"kinds": list(kinds)},
    ).df()


def distinct_blocks(tables: "Tables", until: pd.Timestamp, kinds: Sequence[str] = LABEL_KINDS) -> int:
    """Count the `block_starts` before `until`: what there is to learn from."""
    return int((block_starts(tables, kinds)["blocked_at"] < until).sum())
