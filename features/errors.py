"""The one exception for a user's mistake."""

from collections.abc import Mapping

from blockrisk.features.messages import either, say


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


class Sentences:
    """The texts of another package beside those of features: code -> English, traditional Chinese.

    >>> own = Sentences({"taken": ("{path} is taken", "{path} 已被占用")})
    >>> own.say("taken", path="a.csv"), str(own.mistake("empty", label="b.csv"))
    ('a.csv is taken', 'b.csv is empty; the first line must name the columns')
    """

    def __init__(self, texts: Mapping[str, tuple[str, str]]) -> None:
        self.texts = texts

    def say(self, code: str, **values: object) -> str:
        """Give a text in the user's language, its places filled."""
        return either(self.texts[code]).format(**values) if code in self.texts else say(code, **values)

    def mistake(self, code: str, **values: object) -> UserError:
        """Make the error of a text."""
        return UserError(self.say(code, **values))
