"""The point-in-time rule: the only place that says what a forecast made at as_of may see.

Every interval is half-open. A row is seen at as_of when its event time < as_of and it was available before as_of; a window of
W days is [as_of - W days, as_of). as_of is a midnight, so the rule is exact on whole days: every prepared row carries `day`, the
civil day that places it in a window, and `seen`, the civil day of the later of event and availability, both in days since
1970-01-01.
"""

ROW, ASK = "t", "a"
DAY_US = 86_400_000_000


def seen_before_as_of() -> str:
    """Give the SQL condition under which a prepared row may be used at all.

    >>> seen_before_as_of()
    't.day < a.day and t.seen < a.day'
    """
    return f"{ROW}.day < {ASK}.day and {ROW}.seen < {ASK}.day"


def known_before_as_of(day: str) -> str:
    """Give the SQL condition under which a later change of a row (a payment, a settlement) is known.

    >>> known_before_as_of("paid_day")
    't.paid_day < a.day'
    """
    return f"{ROW}.{day} < {ASK}.day"


def instant_before_as_of(instant_us: str) -> str:
    """Give the SQL condition under which an instant, in microseconds since 1970, lies before as_of.

    >>> instant_before_as_of("c.activated_us")
    'c.activated_us < a.day * 86400000000'
    """
    return f"{instant_us} < {ASK}.day * {DAY_US}"


def in_window(days: int, *, day: str = "day") -> str:
    """Give the SQL condition for [as_of - days, as_of) of a row that is seen; `day` names the column that places the row.

    >>> in_window(7)
    't.day >= a.day - 7'
    """
    return f"{ROW}.{day} >= {first_day(days)}"


def first_day(days: int) -> str:
    """Give the SQL of the first day of a window.

    >>> first_day(7)
    'a.day - 7'
    """
    return f"{ASK}.day - {days}"
