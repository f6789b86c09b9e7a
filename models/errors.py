"""The one exception for a bundle that cannot be used."""


class BundleError(ValueError):
    """Tell the user, in one sentence, why a bundle was refused and what to do.

    The command line prints the message without a traceback and leaves with `exit_code`; Python callers may catch it as a
    ValueError.

    >>> raise BundleError("models/june is no bundle; name a folder that `blockrisk train` wrote")
    Traceback (most recent call last):
    blockrisk.models.errors.BundleError: models/june is no bundle; name a folder that `blockrisk train` wrote
    """

    exit_code = 2
