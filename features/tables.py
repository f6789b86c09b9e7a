"""The input tables as data: what each holds, which columns it must have, and what makes one row the same as another.

Version 1 of the data contract. Reading, validation, documentation and the point-in-time rule all follow from this list.
"""

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["text", "time", "number", "choice", "clock"]

LABEL_KINDS = ("full_stop", "outgoing_limit")
"""Kinds of block that the forecast is about; the others are reported apart or end an observation."""

LIMIT_QUANTITIES = (
    "daily_calls",
    "hourly_calls",
    "per_callee_24h",
    "per_callee_5min",
    "permitted_from",
    "permitted_to",
    "arrears_grace_days",
)


@dataclass(frozen=True)
class Column:
    """Declare one column.

    Attributes:
        name, type, meaning: as in the contract.
        required: whether the table is of use without it.
        choices: the values it may take; others become "unknown".
        blank: the value of a blank choice.
        minimum: the least number allowed.
        identifier: whether it names a card, a person or a handset: spellings of one number are one, and it can be pseudonymised.
        future: whether a stamp later than today is in order.

    """

    name: str
    type: ColumnType
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    blank: str | None = None
    minimum: float | None = None
    identifier: bool = False
    future: bool = False


@dataclass(frozen=True)
class Table:
    """Declare one table: its columns, the key that finds duplicates, and the event time.

    `first` is SQL true of the rows that stay before others of the same key.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event: str | None = None
    required: bool = False
    first: str = ""

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Name the columns without which the table cannot be read."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def dated(self) -> bool:
        """Say whether its rows tell when they could be known, in `available_at`."""
        return _AVAILABLE in self.columns

    def column(self, name: str) -> Column:
        """Return the declaration of one column."""
        return next(column for column in self.columns if column.name == name)


def _text(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "text", meaning, required)


def _id(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "text", meaning, required, identifier=True)


def _time(name: str, meaning: str, *, required: bool = False, future: bool = False) -> Column:
    return Column(name, "time", meaning, required, future=future)


def _number(name: str, meaning: str, *, required: bool = False, minimum: float | None = None) -> Column:
    return Column(name, "number", meaning, required, minimum=minimum)


def _choice(name: str, meaning: str, *choices: str, blank: str = "unknown") -> Column:
    return Column(name, "choice", meaning, False, choices, blank)


_CARD = _id("card_id", "the card, as text: leading zeros matter", required=True)
_AVAILABLE = _time("available_at", "when the row could be known; blank: at the event")

TABLES: tuple[Table, ...] = (
    Table(
        "cards",
        "one row a card",
        (
            _CARD,
            _text("operator", "carrier or virtual operator", required=True),
            _text("home_region", "city or province the card is registered for", required=True),
            _time("activated_at", "start of service", required=True),
            _time("closed_at", "the holder gave the card up; no block", future=True),
            _time("registration_checked_at", "last confirmation of the holder's registration data"),
            _id("owner_id", "who holds the card"),
            _text("team", "who calls with it"),
            _text("card_type", "product"),
        ),
        key=("card_id",),
        required=True,
    ),
    Table(
        "calls",
        "one row per attempt, answered or not",
        (
            _CARD,
            _time("started_at", "start of the attempt", required=True),
            _id("callee", "counterparty; a stable hash is welcome", required=True),
            _number("talk_s", "seconds of talk, 0 = not answered", required=True, minimum=0),
            _choice("direction", "out, in or forward", "out", "in", "forward"),
            _choice(
                "result",
                "how the attempt ended",
                *("answered", "no_answer", "busy", "rejected", "power_off", "invalid_number", "blocked", "failed"),
            ),
            _number("ring_s", "seconds of ringing", minimum=0),
            _choice("released_by", "who hung up", "caller", "callee"),
            _text("region", "where the card was"),
            _id("imei", "the handset"),
            _AVAILABLE,
        ),
        key=("card_id", "started_at", "callee", "direction", "talk_s"),
        event="started_at",
        required=True,
    ),
    Table(
        "complaints",
        "one row a complaint about the card",
        (
            _CARD,
            _time("complained_at", "when it was made", required=True),
            _choice("channel", "where it was made", "operator", "regulator", "mark", "internal"),
            _choice("status", "what became of it", "open", "upheld", "rejected"),
            _time("resolved_at", "when it was settled"),
            _AVAILABLE,
        ),
        key=("card_id", "complained_at", "channel"),
        event="complained_at",
    ),
    Table(
        "locations",
        "where the card was seen; an observation holds for 24 h",
        (
            _CARD,
            _time("observed_at", "when", required=True),
            _text("region", "where", required=True),
        ),
        key=("card_id", "observed_at"),
        event="observed_at",
    ),
    Table(
        "roaming_notices",
        "off-site use declared to the operator beforehand",
        (
            _CARD,
            _text("region", "where the card may be used", required=True),
            _time("valid_from", "first moment covered", required=True, future=True),
            _time("valid_to", "first moment not covered; blank: open-ended", future=True),
        ),
        key=("card_id", "region", "valid_from"),
        event="valid_from",
    ),
    Table(
        "payments",
        "one row a bill; without the table where cards are prepaid",
        (
            _CARD,
            _time("due_at", "when it is due", required=True, future=True),
            _number("amount_due", "the sum, in the currency of the bill", required=True),
            _time("paid_at", "when it was paid"),
            _number("amount_paid", "what was paid; blank: the whole bill"),
        ),
        key=("card_id", "due_at"),
        event="due_at",
    ),
    Table(
        "messages",
        "one row per outgoing SMS",
        (
            _CARD,
            _time("sent_at", "when", required=True),
            _id("recipient", "to whom", required=True),
        ),
        key=("card_id", "sent_at", "recipient"),
        event="sent_at",
    ),
    Table(
        "blocks",
        "the label ledger: needed to train, optional when scoring",
        (
            _CARD,
            _time("blocked_at", "when the operator blocked the card", required=True),
            _time("unblocked_at", "when it was let free again", future=True),
            _text("reason", "what the operator said"),
            _choice(
                "kind",
                "what was stopped",
                *("full_stop", "outgoing_limit", "arrears_stop", "user_request", "warning"),
                blank="full_stop",
            ),
            _AVAILABLE,
        ),
        key=("card_id", "blocked_at"),
        event="blocked_at",
        first=f"kind in {LABEL_KINDS}",
    ),
    Table(
        "actions",
        "what was done about an alert",
        (
            _CARD,
            _time("at", "when", required=True),
            _text("action", "code of the advice list", required=True),
        ),
        key=("card_id", "at", "action"),
        event="at",
    ),
    Table(
        "limits",
        "operators' limits that override the packaged defaults",
        (
            _text("operator", "for whom", required=True),
            _text("region", "home region; blank: all"),
            _time("valid_from", "first day; blank: always", future=True),
            _choice("quantity", "what is limited", *LIMIT_QUANTITIES),
            Column("value", "clock", "a number, or HH:MM for permitted hours", required=True),
            _text("source", "where the figure is from"),
            _text("verified", "whether the operator confirmed it"),
        ),
        key=("operator", "region", "valid_from", "quantity"),
    ),
)

NAMES = tuple(table.name for table in TABLES)


def table(name: str) -> Table:
    """Return the declaration of one table.

    >>> table("calls").required_columns
    ('card_id', 'started_at', 'callee', 'talk_s')
    """
    return next(entry for entry in TABLES if entry.name == name)
