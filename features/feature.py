"""What a feature is: a declaration, checked before anything is computed."""

import re
from dataclasses import dataclass
from string import Formatter
from typing import Literal

FAMILIES: dict[str, tuple[str, str]] = {
    "call_frequency": ("call frequency", "呼叫頻率"),
    "call_quality": ("call quality", "通話品質"),
    "callee_repetition": ("callee repetition", "重複撥打"),
    "hours": ("hours", "撥打時段"),
    "complaints": ("complaints", "投訴"),
    "offsite": ("off-site use", "異地使用"),
    "arrears": ("arrears", "欠費"),
    "history": ("tenure and history", "入網與歷史"),
    "messages": ("messages", "短信"),
    "device": ("device", "終端"),
    "operator": ("operator", "運營商"),
    "trend": ("trend", "趨勢"),
}

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Feature:
    """Declare one quantity, over one or several windows.

    Attributes:
        number: its number in the feature catalogue; "" for one of our own.
        quantity: the name without the window, as calls_out; the columns are calls_out_1d, calls_out_7d, ...
        family: the factor family, a key of FAMILIES.
        tile: the tile it is computed from (features.tiles); "card" for the card's own row, "vector" for other columns.
        sql: an expression over the measures of the tile, `{measure}` standing for the measure over the window; for a tile with
            a unit an aggregate over the units; as_of_day is the day of as_of. For "vector": `{quantity}` or `{column}`; `{days}`
            is the window.
        windows: default windows in days before as_of; () for a quantity without one.
        empty: "zero" if it is 0 when its table is supplied and holds nothing for the card, "missing" if it is then NaN.
        unit: of the value.
        direction: expected sign of the risk: 1, -1 or 0.
        monotone: whether a model may be held to that sign.
        en, zh: the meaning, in English and Chinese.
        needs: tables or columns it needs ("a|b": one of them); without them it is NaN.
        lookback: for a quantity without windows, the days it looks back; None for all history.
        text: whether the value is text.

    """

    number: str
    quantity: str
    family: str
    tile: str
    sql: str
    windows: tuple[int, ...]
    empty: Literal["zero", "missing"]
    unit: str
    direction: Literal[-1, 0, 1]
    en: str
    zh: str
    monotone: bool = False
    needs: tuple[str, ...] = ("calls",)
    lookback: int | None = None
    text: bool = False

    def __post_init__(self) -> None:
        problems = [
            (not _NAME.fullmatch(self.quantity), "the name is not lower_case"),
            (self.family not in FAMILIES, f"no family {self.family}"),
            (any(days < 1 for days in self.windows), "a window is at least one day"),
            (self.monotone and self.direction == 0, "monotone needs a direction"),
            (not (self.en and self.zh and self.unit), "meaning and unit are required"),
        ]
        for wrong, why in problems:
            if wrong:
                raise ValueError(f"feature {self.quantity}: {why}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the default columns, one a window."""
        return tuple(self.column(days) for days in self.windows) or (self.quantity,)

    def column(self, days: int | None) -> str:
        """Name the column over a window of `days`, any number of them.

        >>> from blockrisk.features.catalogue import FEATURES
        >>> FEATURES[0].column(14)
        'calls_out_14d'
        """
        return self.quantity if days is None else f"{self.quantity}_{days}d"

    def placeholders(self) -> frozenset[str]:
        """Name the measures or quantities that the expression refers to."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.sql) if name)
