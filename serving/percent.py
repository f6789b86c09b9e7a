"""How a probability is written: with the same digits on the page, in the terminal and in a workbook, rounded once."""

_LEAST, _LEAST_CHANGE = 0.00005, 0.0005


def percent(share: float) -> str:
    """Write a probability: one decimal, two below 1 %.

    >>> percent(0.1234), percent(0.00789), percent(0.00001), percent(0)
    ('12.3%', '0.79%', '<0.01%', '0%')
    """
    return "<0.01%" if 0 < share < _LEAST else f"{share:.{_decimals(share)}%}"


def percent_format(share: float) -> str:
    """Give the number format with which a spreadsheet writes a probability as `percent` does.

    >>> percent_format(0.1234), percent_format(0.00789), percent_format(0)
    ('0.0%', '0.00%', '0%')
    """
    return '"<0.01%"' if 0 < share < _LEAST else f"{0:.{_decimals(share)}f}%"


def change_format(change: float) -> str:
    """Give the number format of a change of probability, as the page writes it: percentage points with a sign, one decimal.

    >>> change_format(0.012), change_format(-0.0004)
    ('+0.0%;-0.0%', '"0";"0"')
    """
    return "+0.0%;-0.0%" if abs(change) >= _LEAST_CHANGE else '"0";"0"'


def _decimals(share: float) -> int:
    return 1 if share >= 0.00995 else 2 if share > 0 else 0
