"""What an action is: a declaration, checked before anything is computed."""

from dataclasses import dataclass

from blockrisk.features.feature import FAMILIES
from blockrisk.serving.explanation import Texts


@dataclass(frozen=True)
class Action:
    """Declare one lawful action.

    Attributes:
        code: as in the score file.
        text: in every language.
        families: the factor families that it touches.
        opens: (column of a card's vector, least value) of which one must hold for the action to be open to the card; () for actions
            whose effect cannot be computed from the tables: they are never given an effect.
        change: SQL statements that turn the projected rows of the card into what they would be; `{mine}` is the condition that a
            row is one of them and lies in the week ahead, `{card}` that it belongs to the card at all (serving.projection).
        gives_up: whether calls are given up, so that their number is stated.

    """

    code: str
    text: Texts
    families: tuple[str, ...]
    opens: tuple[tuple[str, float], ...] = ()
    change: tuple[str, ...] = ()
    gives_up: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.families) - set(FAMILIES)
        if unknown or bool(self.opens) != bool(self.change):
            raise ValueError(
                f"action {self.code}: unknown families {sorted(unknown)}, or one of opens and change without the other"
            )
