"""The files that scores go to: which kinds there are, what each needs, and writing them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from blockrisk.features.output import write_frame
from blockrisk.serving.sentences import mistake

if TYPE_CHECKING:
    from blockrisk.serving.briefing import Briefing

FORMATS: Final = (".csv", ".parquet", ".xlsx", ".html")
TOLD: Final = (".xlsx", ".html")
"""The kinds for people: they carry explanations, and the page what changed since the day before."""


def check_outputs(paths: Sequence[Path], *, dated: bool) -> None:
    """Refuse names that cannot be written, before any work is done.

    Args:
        paths: files to write.
        dated: whether a data folder is scored; a page needs its dates.

    Raises:
        UserError: an ending is no format of ours, a file is named twice, or a page is asked for without dates.

    >>> check_outputs([Path("list.doc")], dated=True)
    Traceback (most recent call last):
    blockrisk.features.errors.UserError: list.doc: the ending says the format; write .csv, .parquet, .xlsx or .html
    """
    for path in paths:
        if path.suffix not in FORMATS:
            raise mistake("ending", file=path.name, endings=", ".join(FORMATS[:-1]), last=FORMATS[-1])
        if path.suffix == ".html" and not dated:
            raise mistake("page_needs_dates", file=path.name)
    if len({path.absolute() for path in paths}) < len(paths):
        raise mistake("out_twice", files=", ".join(map(str, paths)))


def wants_briefing(paths: Sequence[Path]) -> bool:
    """Say whether one of the files is for people and needs more than the scores.

    >>> wants_briefing([Path("a.csv")]), wants_briefing([Path("a.csv"), Path("a.html")])
    (False, True)
    """
    return any(path.suffix in TOLD for path in paths)


def write_outputs(scored: pd.DataFrame, briefing: "Briefing | None", paths: Sequence[Path]) -> None:
    """Write the scores to each file, whole or not at all; openpyxl and Jinja2 are loaded only for the files that need them.

    `briefing` may be None for scores without dates; then a workbook holds the scores alone.
    """
    for path in paths:
        if path.suffix == ".xlsx":
            from blockrisk.serving.workbook import write_workbook

            write_workbook(scored, briefing, path)
        elif path.suffix == ".html":
            from blockrisk.serving.page.morning import write_page

            assert briefing is not None
            write_page(briefing, path)
        else:
            write_frame(scored, path)
