"""Tiles: how prepared rows become measures of a card over a window.

A tile names the prepared table it reads (features.prepared), the unit within a card that its measures are grouped by, and the
measures themselves. A feature is an expression over the measures of one tile. All counts are integers, so that results do not
depend on the number of threads; money is in cents, talk in ms, gaps in microseconds.
"""

from dataclasses import dataclass, field
from typing import Literal

from blockrisk.features.windows import known_before_as_of


@dataclass(frozen=True)
class Span:
    """Declare a count of units as the dates at which one row makes its unit count: from `first` to `last`, both included.

    Of the rows of a unit at most one counts at each date, so that no unit has to be told from another. Both are SQL over the row
    (alias t), `{days}` standing for the window; null: the row never counts. `before` is how many days before the window matter.
    """

    first: str
    last: str
    before: int = 0


@dataclass(frozen=True)
class Tile:
    """Declare one tile.

    Attributes:
        source: the prepared table (alias t).
        measures: name -> SQL aggregate over the rows in the window; `{first_day}` is the first day of the window.
        per: the unit within a card; () when the measures are the card's own.
        spans: name -> the number of units, as spans of dates (features.spans).
        sizes: a column of the source: units are counted by its sum over the window; the measures then are `size` (the sum),
            `units` (how many have it), `earlier` (the sum over units of larger size) and `total`.
        median: the column, of whole numbers, of which the one measure is the median (features.medians).
        day: the column that places a row in the window; `prev_day` where both ends of a pair must lie in it.
        versioned: whether rows are valid for one as_of only where `upto` says so (order-dependent rows of cards with late rows).
        subject: whether rows belong to a card or to an operator.

    """

    source: str
    measures: dict[str, str]
    per: tuple[str, ...] = ()
    spans: dict[str, Span] = field(default_factory=dict)
    sizes: str = ""
    median: str = ""
    day: str = "day"
    versioned: bool = False
    subject: Literal["card_no", "operator_no"] = "card_no"


HISTOGRAM = frozenset({"size", "units", "earlier", "total"})
"""Measures of a tile that counts units by size; `total` is the sum over all units."""

_DIGITS = 17592186044416  # 2 ** 44


def decayed(column: str, half_life: int) -> str:
    """Give the SQL of a sum of counts that halves every `half_life` days; yesterday weighs 1. Fixed-point, so order-free."""
    return f"sum(cast({column} as HUGEINT) * cast(round(power(2.0, -(a.day - t.day - 1) / {half_life}.0) * {_DIGITS}) as BIGINT))"


def _sums(*names: str) -> dict[str, str]:
    return {name: f"sum(t.{name})" for name in names}


def _median(source: str, column: str, *, day: str = "day", versioned: bool = False) -> Tile:
    return Tile(source, {f"median_{column}": f"median(t.{column})"}, median=column, day=day, versioned=versioned)


_OWED = (
    "greatest(0, t.due_cents - case when "
    + known_before_as_of("paid_day")
    + " then coalesce(t.paid_cents, t.due_cents) else 0 end)"
)

_LATEST = "a.day <= t.until"

TILES: dict[str, Tile] = {
    "calls": Tile(
        "calls_by_day",
        {
            **_sums(
                *("out", "incoming", "answered", "out_talk_ms", "answered_talk_ms", "answered_talk_sq"),
                *("short_10s", "short_30s", "long_60s", "no_answer", "rejected", "invalid", "silent"),
                *("off_hours", "nocturnal", "located", "offsite", "undeclared"),
            ),
            "most_day": f"max(case when {_LATEST} then t.day_out end)",
            "days_over": f"sum(case when {_LATEST} and t.day_out > t.daily_limit then 1 else 0 end)",
            "active": f"sum(case when {_LATEST} then 1 else 0 end)",
            "most_hour": f"max(case when {_LATEST} then t.most_hour end)",
            "hours_over": f"sum(case when {_LATEST} then t.hours_over else 0 end)",
            "out_decayed_3d": decayed("t.out", 3),
            "offsite_decayed_7d": decayed("t.offsite", 7),
            "undeclared_decayed_7d": decayed("t.undeclared", 7),
        },
    ),
    "hours_of_day": Tile("calls_by_hour", {"out": "sum(t.out)"}, per=("hour",)),
    "talks": _median("answered_calls", "talk_ms"),
    "gaps": Tile(
        "call_gaps",
        {
            "gaps": "count(t.gap_us)",
            "gap_us": "sum(t.gap_us)",
            "gap_sq": "sum(cast(t.gap_us as HUGEINT) * t.gap_us)",
        },
        day="prev_day",
        versioned=True,
    ),
    "gap_medians": _median("call_gaps", "gap_us", day="prev_day", versioned=True),
    "rolling": Tile(
        "rolling_hours",
        {"roll60": "max(case when t.day = {first_day} then t.roll60_own_day else t.roll60 end)"},
        versioned=True,
    ),
    "callees": Tile(
        "callee_spans",
        {},
        spans={
            "dialled": Span("t.seen + 1", "case when t.last_out is not null then least(t.until, t.last_out + {days}) end"),
            "contacts": Span("t.seen + 1", "least(t.until, t.day + {days})"),
            "mutual": Span(
                "t.seen + 1",
                "case when t.last_out is not null and t.last_in is not null then"
                " least(t.until, t.last_out + {days}, t.last_in + {days}) end",
            ),
            "called_back": Span(
                "t.seen + 1", "case when t.called_back is not null then least(t.until, t.called_back + {days}) end"
            ),
            "fresh": Span(
                "greatest(t.seen + 1, coalesce(t.prev_out + {days} + 31, t.seen))",
                "case when t.out > 0 then t.day + {days} end",
                before=30,
            ),
        },
    ),
    "callee_counts": Tile("callee_spans", {}, sizes="out"),
    "redials": Tile(
        "redials",
        {
            "most_24h": "max(case when t.day = {first_day} then t.most_24h_own_day else t.most_24h end)",
            "over_24h": "max(case when (case when t.day = {first_day} then t.most_24h_own_day else t.most_24h end)"
            " > t.limit_24h then 1 else 0 end)",
            "over_5min": "max(case when (case when t.day = {first_day} then t.most_5min_own_day else t.most_5min end)"
            " > t.limit_5min then 1 else 0 end)",
        },
        per=("callee",),
        versioned=True,
    ),
    "complaints": Tile(
        "complaint_rows",
        {
            "complaints": "count(t.day)",
            "complaints_decayed_7d": decayed("1", 7),
            "upheld": f"sum(case when t.status = 'upheld' and {known_before_as_of('resolved_day')} then 1 else 0 end)",
            "regulator": "sum(case when t.channel = 'regulator' then 1 else 0 end)",
            "open": f"sum(case when t.resolved_day is not null and {known_before_as_of('resolved_day')} then 0 else 1 end)",
            "last_us": "max(t.seen_us)",
        },
    ),
    "regions": Tile("regions_by_day", {"calls": "sum(t.calls)"}, per=("region",)),
    "region_changes": Tile("region_steps", {"changes": "sum(t.changed)"}, day="prev_day", versioned=True),
    "handsets": Tile("handsets_by_day", {"calls": "sum(t.calls)"}, per=("imei",)),
    "handset_changes": Tile("handset_steps", {"changes": "sum(t.changed)"}, day="prev_day", versioned=True),
    "bills": Tile(
        "bill_rows",
        {
            "owed_cents": f"sum({_OWED})",
            "owed_since_us": f"min(case when {_OWED} > 0 then t.due_us end)",
            "overdue": "sum(t.late)",
        },
    ),
    "messages": Tile("messages_by_day", {"sent": "sum(t.sent)"}, per=("recipient",)),
    "blocks": Tile("block_rows", {"ended": f"sum(case when {known_before_as_of('unblocked_day')} then 1 else 0 end)"}),
    "operator_blocks": Tile("operator_days", _sums("blocks", "cards"), subject="operator_no"),
}
