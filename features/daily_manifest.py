"""The manifest of the store of daily rows: which days are kept, of which calls, in which files.

It is replaced last, in one rename, and files are named by their content: a run that is cut off leaves the state before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from blockrisk.features.daily import COMPACT, CONTEXT_SQL, DAILY, call_rows_sql
from blockrisk.features.intake.manifest import ROWS
from blockrisk.features.links import RULES
from blockrisk.features.messages import say
from blockrisk.features.output import sweep_folder, sync, write_json

if TYPE_CHECKING:
    from blockrisk.features.intake.dataset import KeptDays

FORMAT, MANIFEST = 1, "daily.json"


@dataclass
class State:
    """Hold the manifest: the file of the cards' numbers, the days with the calls that they are made of, and earlier files."""

    numbers: dict[str, Any] | None = None
    days: dict[int, dict[str, Any]] = field(default_factory=dict)
    before: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Name the files."""
        files = [one for day in self.days.values() for one in day["files"].values()]
        return frozenset(one["name"] for one in [*files, *([self.numbers] if self.numbers else [])])


def load(kept: KeptDays) -> State:
    """Read the manifest; one that other rules made, or that cannot be read, is as good as none."""
    path = kept.folder / MANIFEST
    if not path.is_file():
        return State()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        state = State(told["numbers"], {int(day): one for day, one in told["days"].items()})
        state.before = state.names()
        same = told["format"] == FORMAT and told["rules"] == _rules()
    except (ValueError, KeyError, TypeError, AttributeError):
        return State(None, {}, frozenset())
    if not same:
        add_note(kept, say("daily_rules", store=kept.folder))
        return State(None, {}, state.before)
    return state


def add_note(kept: KeptDays, note: str) -> None:
    """Have the user told, once."""
    if note not in kept.notes:
        kept.notes.append(note)


def commit(kept: KeptDays, state: State) -> None:
    """Make the new state the one that counts, then remove the files that neither it nor the state before names."""
    days = {day: one for day, one in state.days.items() if day in kept.days}
    told = {"format": FORMAT, "rules": _rules(), "numbers": state.numbers, "days": {str(day): days[day] for day in sorted(days)}}
    sync(kept.folder / ROWS)
    write_json(kept.folder / MANIFEST, told, indent=None)
    (kept.folder / MANIFEST).chmod(0o600)
    used = state.names() | state.before
    for path in (kept.folder / ROWS).iterdir():
        if path.name not in used and not path.name.startswith("."):
            path.unlink(missing_ok=True)
    sweep_folder(kept.folder / ROWS)


def _rules() -> str:
    """Give a digest of what daily rows depend on beside the data."""
    texts = [FORMAT, version("duckdb"), DAILY, COMPACT, call_rows_sql("calls", located=True), CONTEXT_SQL, RULES]
    return hashlib.sha256(" ".join(json.dumps(texts).replace("\\n", " ").split()).encode()).hexdigest()
