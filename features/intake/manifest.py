"""The manifest of the store: which raw files have been read, which days are kept, and what both depend on."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockrisk.features.intake import days as daily
from blockrisk.features.intake import staging
from blockrisk.features.intake.mapping import Use
from blockrisk.features.messages import say
from blockrisk.features.output import sync, write_json

if TYPE_CHECKING:
    from blockrisk.features.intake.dataset import KeptDays

FORMAT, MANIFEST, LOCK, DAYS, ROWS = 2, "manifest.json", ".lock", "days", "rows"


@dataclass(frozen=True)
class Store:
    """Hold where calls are kept, what they depend on beside the files (`rules`), and the last day that stamps may have."""

    folder: Path
    rules: str
    today: str

    @property
    def days(self) -> Path:
        """Name the folder of the daily files."""
        return self.folder / DAYS


@dataclass(frozen=True)
class Kept:
    """Hold what is known of one raw file: digest, mark, the account of its rows, columns, the days of its rows, rows set aside."""

    digest: str
    mark: list[int]
    read: int
    staged: int
    headers: list[str]
    uses: dict[str, dict[str, Any]]
    cut: bool
    days: list[int]
    set_aside: list[list[Any]]

    def as_staged(self, label: str) -> staging.Staged:
        """Give the account of the file as if it had just been read."""
        uses = {name: Use(**use) for name, use in self.uses.items()}
        return staging.Staged(label, self.read, self.staged, tuple(self.headers), uses, self.cut)

    @property
    def has_future(self) -> bool:
        """Say whether rows were set aside only because their day had not come."""
        return any(row[-1] == "future" for row in self.set_aside)


@dataclass
class State:
    """Hold the manifest: raw files by label, kept days, and the names that the state before used."""

    rules: str
    today: str
    files: dict[str, Kept] = field(default_factory=dict)
    days: dict[int, dict[str, Any]] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)


def open_store(folder: Path, zone: str, today: date | None, key: bytes | None, mapping: Path) -> Store:
    """Name a store and what its rows depend on: the code of the door, the zone, the key of pseudonyms, the user's mapping."""
    parts = [zone, version("duckdb"), hmac.new(key, b"store", "sha256").hexdigest() if key else ""]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in _code()]
    parts.append(daily.digest_of(mapping) if mapping.is_file() else "")
    for name in (DAYS, ROWS):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return Store(folder, hashlib.sha256("\n".join(parts).encode()).hexdigest(), today.isoformat() if today else "9999-01-01")


def _code() -> list[Path]:
    here = Path(__file__).parent
    return [*sorted(here.glob("*.py")), here.parent / "tables.py", here.parent / "synonyms.py"]


def kept_rows(kept: KeptDays, files: Iterable[Mapping[str, Any] | None], folder: str = ROWS) -> str:
    """Give the SQL of the rows of files of a store."""
    names = ", ".join(f"'{kept.at}/{folder}/{one['name']}'" for one in files if one)
    return f"read_parquet([{names}])"


def load(store: Store, notes: list[str]) -> State:
    """Read the manifest; one that other rules made, or that cannot be read, is as good as none, with a word in `notes`."""
    empty = State(store.rules, store.today)
    path = store.folder / MANIFEST
    if not path.is_file():
        return empty
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT or told["rules"] != store.rules:
            notes.append(say("store_rules", store=store.folder))
            return empty
        if told["today"] > store.today:
            notes.append(say("store_today", store=store.folder, today=told["today"]))
            return empty
        files = {label: Kept(**kept) for label, kept in told["files"].items()}
        days = {int(day): one for day, one in told["days"].items()}
        return State(told["rules"], told["today"], files, days)
    except (ValueError, KeyError, TypeError):
        notes.append(say("store_manifest", store=store.folder))
        return empty


def commit(store: Store, state: State) -> None:
    """Make the new state the one that counts, then remove daily files that neither it nor the state before names."""
    told = {
        "format": FORMAT,
        "rules": state.rules,
        "today": state.today,
        "files": {label: vars(state.files[label]) for label in sorted(state.files)},
        "days": {str(day): state.days[day] for day in sorted(state.days)},
    }
    sync(store.days)
    write_json(store.folder / MANIFEST, told, indent=None)
    (store.folder / MANIFEST).chmod(0o600)
    used = {one["name"] for one in state.days.values()} | set(state.before)
    for path in store.days.iterdir():
        if path.name not in used:
            path.unlink(missing_ok=True)
