"""The contract between training and serving: a folder with a model, its manifest, and a sum for every file."""

import hashlib
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.models.archive import pack, unpack
from blockrisk.models.encode import as_text, is_text
from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import Forecast, as_numbers
from blockrisk.models.folder import sweep, write_folder
from blockrisk.models.ladder import ALIKE, Ladder, read_ladder

FORMAT = 1
"""Number of the format written; a bundle of another format is refused."""

QUANTILES = tuple(step / 20 for step in range(21))
"""The quantiles that reference.json holds of each number column."""

MANIFEST, SUM = "manifest.json", "manifest.json.sha256"
CONTENT = ("calibration.json", "model.npz", "reference.json")
KINDS = ("dated", "vectors")

_MOST_MANIFEST_BYTES = 4 << 20
_MOST_FILE_BYTES = 64 << 20
_PACKAGES = ("blockrisk", "numpy", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Bundle:
    """A bundle as loaded: where from, what the manifest says, the model, the reference quantiles by column, its horizons."""

    path: Path
    manifest: dict[str, Any]
    model: Forecast
    reference: dict[str, Any]
    ladder: Ladder | None = None

    @property
    def columns(self) -> list[str]:
        """Give the feature columns in the model's order."""
        return list(self.model.columns)

    @property
    def text_columns(self) -> list[str]:
        """Give those columns that hold text."""
        return list(self.model.encoder.columns)

    @cached_property
    def digest(self) -> str:
        """Give the SHA-256 of the manifest, which holds the sum of every other file: the same for the same bundle, at any path."""
        return _sum(_json(self.manifest))


def save_bundle(  # noqa: PLR0913 - the parts of a bundle
    path: str | Path,
    model: Forecast,
    manifest: dict[str, Any],
    *,
    reference: dict[str, Any],
    ladder: Ladder | None = None,
    replace: bool = False,
) -> Path:
    """Write the bundle folder `path`, whole or not at all, and give its path.

    `ladder` holds the model's horizons, the primary one among them; None: it has no other. `manifest` holds what the caller knows
    (models/README.md lists it): at least `kind` ("dated" or "vectors") and, for dated ones, the catalogue's `fingerprint`.
    Format, columns, versions and sums are added here. Values are plain JSON, numpy numbers, dates or times; NaN and infinity
    become null. An existing folder is refused without `replace`. The same arguments give the same bytes.
    BundleError says what to repair; then nothing was changed.
    """
    target = Path(path)
    if target.exists() and not (target / MANIFEST).is_file():
        raise BundleError(f"{target} exists and is no bundle; give another name")
    _check_given(manifest)
    files = {
        "model.npz": pack(model),
        "calibration.json": _json(
            {
                "a": model.calibration_a,
                "b": model.calibration_b,
                "scale": "log-odds",
                **(ladder.to_json() if ladder else {"primary_days": None, "horizons": []}),
            }
        ),
        "reference.json": _json(reference),
    }
    whole = {
        **manifest,
        "format": FORMAT,
        "columns": list(model.columns),
        "text_columns": list(model.encoder.columns),
        "versions": versions_of(_PACKAGES),
        "files": {name: {"sha256": _sum(files[name]), "bytes": len(files[name])} for name in CONTENT},
    }
    files[MANIFEST] = _json(whole)
    files[SUM] = f"{_sum(files[MANIFEST])}  {MANIFEST}\n".encode()
    write_folder(target, files, replace=replace)
    return target


def load_bundle(path: str | Path, *, fingerprint: str | None = None) -> Bundle:
    """Read a bundle after checking every file of it; nothing is built from a file before its sum has been checked.

    `fingerprint` is that of the catalogue in use: a dated bundle of another one is refused. BundleError when `path` is no
    bundle, a file is missing, added, a link, too large or altered, or the format or fingerprint is another; the message
    says what to do.
    """
    folder = Path(path)
    if not folder.exists():
        sweep(folder)
    manifest = _read_manifest(folder)
    _check_format(folder, manifest, fingerprint)
    content = {name: _read_listed(folder, name, manifest["files"]) for name in CONTENT}
    calibration = _parse(folder, "calibration.json", content["calibration.json"])
    reference = _parse(folder, "reference.json", content["reference.json"])
    try:
        model = unpack(content["model.npz"])
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error
    if (calibration.get("a"), calibration.get("b")) != (model.calibration_a, model.calibration_b):
        raise BundleError(f"{folder}: calibration.json contradicts the model; {_REPAIR}")
    if (manifest.get("columns"), manifest.get("text_columns")) != (model.columns, model.encoder.columns):
        raise BundleError(f"{folder}: the manifest's columns are not the model's; {_REPAIR}")
    return Bundle(folder, manifest, model, reference, _ladder(folder, calibration))


def reference_quantiles(frame: pd.DataFrame) -> dict[str, Any]:
    """Describe the training rows column by column, for reference.json.

    A number column gives the share of missing values and its QUANTILES (none where nothing is present); a text column the shares of
    its levels. No row gives a missing share of null.

    >>> reference_quantiles(pd.DataFrame({"operator": ["A", "A", "B", None]}))
    {'operator': {'missing': 0.25, 'levels': {'A': 0.5, 'B': 0.25}}}
    """
    return {str(column): _describe(frame[column]) for column in frame.columns}


_REPAIR = "it was damaged or tampered with, so fetch it again or retrain with `blockrisk train`"


def _ladder(folder: Path, calibration: dict[str, Any]) -> Ladder | None:
    if not calibration.get("horizons"):
        return None
    try:
        return read_ladder(calibration.get("primary_days"), calibration["horizons"], calibration.get("week", ALIKE))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BundleError(f"{folder}: calibration.json holds horizons that cannot be read ({error}); {_REPAIR}") from error


def _describe(values: pd.Series) -> dict[str, Any]:
    missing = float(values.isna().mean()) if len(values) else None
    if is_text(values):
        levels = pd.Series([level for level in as_text(values) if level is not None]).value_counts().sort_index()
        return {"missing": missing, "levels": {str(level): int(rows) / len(values) for level, rows in levels.items()}}
    present = as_numbers(values)
    present = present[np.isfinite(present)]
    quantiles = np.quantile(present, QUANTILES).tolist() if len(present) else []
    return {"missing": missing, "quantiles": quantiles}


def _check_given(manifest: dict[str, Any]) -> None:
    if manifest.get("kind") not in KINDS:
        raise BundleError(f"a manifest's kind is one of {', '.join(KINDS)}, not {manifest.get('kind')!r}")
    if manifest["kind"] == "dated" and not manifest.get("fingerprint"):
        raise BundleError("a dated bundle needs the fingerprint of the catalogue that made its features")


def _check_format(folder: Path, manifest: dict[str, Any], fingerprint: str | None) -> None:
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"{folder} has format {manifest.get('format')} and this version reads {FORMAT}; "
            f"retrain with `blockrisk train`, or install blockrisk {_made_by(manifest)}"
        )
    files = manifest.get("files")
    if manifest.get("kind") not in KINDS or not isinstance(files, dict) or sorted(files) != sorted(CONTENT):
        raise BundleError(f"{folder}: manifest.json does not list the files of a bundle; {_REPAIR}")
    if fingerprint is not None and manifest["kind"] == "dated" and manifest.get("fingerprint") != fingerprint:
        raise BundleError(
            f"{folder} was trained on other feature definitions than this version computes; retrain with `blockrisk train`"
            f"{_older(manifest)}"
        )


def _older(manifest: dict[str, Any]) -> str:
    """Name the version that made a bundle as a way out, where it is another than this one."""
    made_by = _made_by(manifest)
    return "" if made_by == versions_of(["blockrisk"]).get("blockrisk") else f", or install blockrisk {made_by}"


def _made_by(manifest: dict[str, Any]) -> str:
    versions = manifest.get("versions")
    return str(versions.get("blockrisk", "that wrote it")) if isinstance(versions, dict) else "that wrote it"


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise BundleError(f"there is no bundle {folder}; name a folder that `blockrisk train --out` wrote")
    found = sorted(entry.name for entry in folder.iterdir())
    wanted = sorted((*CONTENT, MANIFEST, SUM))
    if MANIFEST not in found:
        raise BundleError(f"{folder} is no bundle: it holds no {MANIFEST}; name a folder that `blockrisk train --out` wrote")
    for name in wanted:
        if name not in found:
            raise BundleError(f"{folder}: {name} is missing; fetch the bundle again or retrain with `blockrisk train`")
    extra = [name for name in found if name not in wanted]
    if extra:
        raise BundleError(f"{folder} holds {extra[0]!r}, which is no part of a bundle; remove it if it is yours")
    stated = _read(folder, SUM, 200)
    content = _read(folder, MANIFEST, _MOST_MANIFEST_BYTES)
    if stated != f"{_sum(content)}  {MANIFEST}\n".encode():
        raise BundleError(f"{folder}: {MANIFEST} does not fit its sum; {_REPAIR}")
    return _parse(folder, MANIFEST, content)


def _read_listed(folder: Path, name: str, files: dict[str, Any]) -> bytes:
    content = _read(folder, name, _MOST_FILE_BYTES)
    if files[name] != {"sha256": _sum(content), "bytes": len(content)}:
        raise BundleError(f"{folder}: {name} does not fit its sum in the manifest; {_REPAIR}")
    return content


def _read(folder: Path, name: str, most: int) -> bytes:
    file = folder / name
    if file.is_symlink() or not file.is_file():
        raise BundleError(f"{folder}: {name} is no plain file; {_REPAIR}")
    size = file.stat().st_size
    with file.open("rb") as handle:
        content = handle.read(min(size, most) + 1)
    if max(size, len(content)) > most:
        raise BundleError(f"{folder}: {name} is larger than {most} bytes; {_REPAIR}")
    return content


def _parse(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder}: {name} is no JSON; {_REPAIR}") from error
    if not isinstance(parsed, dict):
        raise BundleError(f"{folder}: {name} is no JSON object; {_REPAIR}")
    return parsed


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(_plain(content), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Name Python and those of the packages that are installed, with their versions.

    >>> list(versions_of(["numpy", "no such package"]))
    ['python', 'numpy']
    """
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
