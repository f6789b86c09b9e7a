"""The settings of a morning run, declared: what each is called, holds and means. Reading and the template follow from the list."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from blockrisk.features.errors import UserError
from blockrisk.features.intake import ZONE
from blockrisk.features.messages import either
from blockrisk.training.morning.sentences import mistake

FORMATS: Final = ("html", "xlsx", "csv")


@dataclass(frozen=True)
class Setting:
    """Declare a setting: its name ("part.name" within a part), default, type, meaning, least value and allowed values.

    A default of None means that the setting may be left out; `must` that it may not. `path` settings count from the folder of the
    file that names them.
    """

    name: str
    default: Any
    kind: type | tuple[type, ...]
    meaning: str
    least: float | None = None
    among: tuple[str, ...] = ()
    must: bool = False
    path: bool = False


SETTINGS: Final = (
    Setting("data", "exports", str, "folder of the tables, as for blockrisk check", must=True, path=True),
    Setting("workspace", "workspace", str, "folder of the models, scores and records", path=True),
    Setting("lists", "lists", str, "folder that gets a folder YYYY-MM-DD each morning", path=True),
    Setting("formats", list(FORMATS), list, "kinds of the list", among=(*FORMATS, "parquet")),
    Setting("capacity", 200, int, "cards that can be looked at in a day: so many are explained and advised", least=1),
    Setting("as_of", None, date, "day of the forecast; left out: today, or --as-of"),
    Setting("zone", ZONE, str, "time zone of the data's local times"),
    Setting("memory", "3GB", str, "limit of the engine; beyond it, work goes to WORKSPACE/tmp"),
    Setting("jobs", 2, int, "processes that train", least=1),
    Setting("pseudonymise", None, str, "file with the secret key of the pseudonyms", path=True),
    Setting("mlflow", True, bool, "keep MLflow's registry beside the models, in WORKSPACE/mlflow"),
    Setting("model.horizon", 7, int, "days ahead of the forecast", least=1),
    Setting("model.horizons", [1, 7, 30], list, "further days that are forecast", least=1),
    Setting("model.learner", None, str, "which learner to ship; left out, a forward comparison chooses"),
    Setting("model.seed", 0, int, "same data, seed and versions, same bytes", least=0),
    Setting("model.alerts", 0.01, (int, float), "cards on the daily list; under 1 a share of the cards", least=1e-6),
    Setting("renew.every_days", 7, int, "days after which a challenger is trained; 0: never", least=0),
    Setting("renew.on_alarm", True, bool, "train one at once when the monitor raises an alarm"),
    Setting(
        "renew.weeks", 2, int, "weeks after both their ends, at least, on whose days challenger and champion are compared", least=1
    ),
    Setting("renew.least_blocks", 10, int, "blocks that those weeks must hold; with fewer, the comparison waits", least=2),
    Setting("keep.days", 400, int, "days for which lists, scores and records are kept", least=1),
    Setting("keep.versions", 12, int, "versions of the model that are kept, beside those that serve, served last or wait", least=1),
    Setting("monitor.webhook", None, str, "address that gets the findings as JSON when there is an alarm or a failure"),
    Setting("monitor.command", None, list, 'command that gets them on its input, such as ["mail", "-s", "blockrisk", "me@here"]'),
)


@dataclass(frozen=True)
class Config:
    """Hold the settings of a file: `values` by name, every declared one, paths absolute; `file` names where they are from."""

    file: Path
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Give the value of a setting."""
        return self.values[name]

    def folder(self, name: str) -> Path:
        """Give a setting that names a place."""
        return Path(self.values[name])

    def part(self, name: str) -> dict[str, Any]:
        """Give the settings of a part, by their names within it."""
        return {key.partition(".")[2]: value for key, value in self.values.items() if key.startswith(f"{name}.")}

    def to_json(self) -> dict[str, Any]:
        """Give the settings as plain values; the webhook's address, which may hold a password, is only said to be there."""
        shown = {name: value.isoformat() if isinstance(value, date) else value for name, value in self.values.items()}
        return {**shown, "monitor.webhook": shown["monitor.webhook"] and "(set)"}


def read_config(path: Path) -> Config:
    """Read a settings file strictly.

    Raises:
        UserError: it is missing or no TOML, or a name, type or value is not as SETTINGS declares.

    """
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise mistake("no_config", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise mistake("no_toml", path=path, error=error) from error
    given = _flat(parsed)
    names = [setting.name for setting in SETTINGS]
    for name in given:
        if name not in names:
            raise _no_setting(path, name, names)
    home = path.resolve().parent
    return Config(path, {setting.name: _value(path, home, setting, given) for setting in SETTINGS})


def template() -> str:
    """Write every setting with its default and meaning, those that may be left out behind a #, as a file to start from.

    >>> template().splitlines()[0]
    'data = "exports"  # folder of the tables, as for blockrisk check'
    """
    lines, part = [], ""
    for setting in SETTINGS:
        head, _, name = setting.name.rpartition(".")
        if head != part:
            lines += ["", f"[{head}]"]
            part = head
        text = f"# {name} =" if setting.default is None else f"{name} = {_toml(setting.default)}"
        lines.append(f"{text}  # {setting.meaning}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _flat(parsed: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in parsed.items():
        flat |= {f"{name}.{inner}": part for inner, part in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _no_setting(path: Path, name: str, names: list[str]) -> UserError:
    last = {known.rpartition(".")[2]: known for known in reversed(names)}
    near = difflib.get_close_matches(name, names, 1) or [
        last[found] for found in difflib.get_close_matches(name.rpartition(".")[2], list(last), 1)
    ]
    if near:
        return mistake("no_setting_but", path=path, name=name, near=near[0])
    return mistake("no_setting", path=path, name=name, known=", ".join(names))


def _value(file: Path, home: Path, setting: Setting, given: Mapping[str, Any]) -> Any:
    if setting.name not in given:
        if setting.must:
            raise mistake("setting_missing", path=file, name=setting.name, meaning=setting.meaning, default=_toml(setting.default))
        value = setting.default
    else:
        value = given[setting.name]
        _check(file, setting, value)
    return str(home / value) if setting.path and value is not None else value


def _check(file: Path, setting: Setting, value: Any) -> None:
    told = {"path": file, "name": setting.name, "value": value, "meaning": setting.meaning, "example": _example(setting)}
    kinds = setting.kind if isinstance(setting.kind, tuple) else (setting.kind,)
    if type(value) not in kinds:
        raise mistake("setting_kind", **told, kind=either(_KINDS[kinds[-1]]))
    parts = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (not parts or len({*map(type, parts)}) > 1 or type(parts[0]) is not _inner(setting)):
        raise mistake("setting_list", **told)
    if setting.least is not None and min(parts) < setting.least:
        raise mistake("setting_small", **told, least=setting.least)
    for part in parts if setting.among else []:
        if part not in setting.among:
            raise mistake("setting_among", **told, part=part, among=", ".join(setting.among))


_KINDS: Final = {
    str: ("text", "文字"),
    int: ("whole number", "整數"),
    float: ("number", "數字"),
    bool: ("true or false", " true 或 false"),
    list: ("list", "列表"),
    date: ("date", "日期"),
}


def _inner(setting: Setting) -> type:
    return type(setting.default[0]) if setting.default else str


def _example(setting: Setting) -> str:
    written = f"{setting.name.rpartition('.')[2]} = {_toml(setting.default)}"
    return "" if setting.default is None else either((f"; write {written}", f"；請寫 {written}"))
