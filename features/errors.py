"""The one exception for a user's mistake."""

from blockrisk.features.messages import say


class UserError(ValueError):
    """Tell the user, in one sentence, what to repair.

    The message names the place, the value seen, the rule and the repair. The command line prints it without a traceback and leaves
    with `exit_code`; Python callers may catch it as a ValueError.

    >>> raise UserError("calls.csv: no column started_at; there are: card, time; rename one of them")
    Traceback (most recent call last):
    blockrisk.features.errors.UserError: calls.csv: no column started_at; there are: card, time; rename one of them
    """

    exit_code = 2


def mistake(code: str, **values: object) -> UserError:
    """Make the error of a declared text (features.messages), in the user's language.

    >>> str(mistake("empty", label="calls.csv"))
    'calls.csv is empty; the first line must name the columns'
    """
    return UserError(say(code, **values))
