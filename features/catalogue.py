"""The catalogue: every feature in order, and what follows from the declarations."""

import difflib
import hashlib
import json
import re
from dataclasses import asdict

from blockrisk.features import calls, conduct, standing
from blockrisk.features.errors import UserError, mistake
from blockrisk.features.feature import Feature
from blockrisk.features.prepared import PREPARED
from blockrisk.features.tiles import HISTOGRAM, TILES

FEATURES: tuple[Feature, ...] = (
    *calls.FREQUENCY,
    *calls.QUALITY,
    *calls.CALLEES,
    *calls.TIMING,
    *conduct.COMPLAINTS,
    *conduct.OFFSITE,
    *standing.ARREARS,
    *conduct.MESSAGES,
    *conduct.DEVICE,
    *standing.HISTORY,
    *standing.OPERATOR,
    *calls.TREND,
)

_WINDOWED = re.compile(r"(?P<quantity>.+)_(?P<days>[1-9][0-9]*)d")


def columns() -> list[str]:
    """Name every shipped column in order.

    >>> columns()[:3]
    ['calls_out_1d', 'calls_out_3d', 'calls_out_7d']
    """
    return [column for feature in FEATURES for column in feature.columns]


def text_columns() -> tuple[str, ...]:
    """Name the columns that hold text.

    >>> text_columns()
    ('operator', 'home_region')
    """
    return tuple(column for feature in FEATURES if feature.text for column in feature.columns)


def monotone() -> dict[str, int]:
    """Map each column whose sign a model may be held to onto that sign.

    >>> monotone()["calls_out_1d"]
    1
    """
    return {column: feature.direction for feature in FEATURES if feature.monotone for column in feature.columns}


def families() -> dict[str, str]:
    """Map each shipped column onto its factor family.

    >>> families()["arrears_days"]
    'arrears'
    """
    return {column: feature.family for feature in FEATURES for column in feature.columns}


def find(column: str) -> tuple[Feature, int | None]:
    """Return the feature behind a column name and its window in days; any window of a declared quantity may be asked for.

    Raises:
        UserError: no feature has that name; the nearest one is offered.

    >>> find("talk_minutes_14d")[1]
    14

    """
    for feature in FEATURES:
        if column in feature.columns:
            match = _WINDOWED.fullmatch(column) if feature.windows else None
            return feature, int(match["days"]) if match else None
    match = _WINDOWED.fullmatch(column)
    for feature in FEATURES:
        if match and feature.windows and feature.quantity == match["quantity"]:
            return feature, int(match["days"])
    raise unknown_feature(column, columns())


def unknown_feature(name: str, known: list[str]) -> UserError:
    """Make the error that a name is no feature, which offers the nearest.

    >>> str(unknown_feature("complaint_30d", columns()))
    'complaint_30d is no feature; did you mean complaints_30d?'
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return mistake("no_feature_but", name=name, near=near[0]) if near else mistake("no_feature", name=name)


def fingerprint() -> str:
    """Return a SHA-256 over every declaration that decides a value; a bundle is scored with the catalogue it was trained on."""
    told = {"en", "zh", "direction", "monotone", "family", "number"}
    declared = [{key: value for key, value in asdict(feature).items() if key not in told} for feature in FEATURES]
    tiles = {name: asdict(tile) for name, tile in TILES.items()}
    text = json.dumps([declared, tiles, PREPARED], sort_keys=True)
    return hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()


def _check() -> None:
    """Refuse a catalogue with a repeated column, an unknown tile or an unknown measure."""
    names = columns()
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"columns declared twice: {sorted(repeated)}")
    for feature in FEATURES:
        if feature.tile in ("card", "vector"):
            continue
        tile = TILES[feature.tile]
        known = HISTOGRAM if tile.sizes else {*tile.measures, *tile.spans}
        lost = feature.placeholders() - known
        if lost:
            raise ValueError(f"feature {feature.quantity}: tile {feature.tile} has no measure {sorted(lost)}")


_check()
