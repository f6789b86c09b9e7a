"""The model file: a JSON text and plain number arrays in one zip, whose every part is looked at before anything is built."""

import io
import json
import math
import zipfile
import zlib
from typing import Any

import numpy as np

from blockrisk.models.encode import TextEncoder
from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import Forecast
from blockrisk.models.forest import Forest
from blockrisk.models.levels import LevelShifts
from blockrisk.models.smooth import SmoothPart

TEXT = "model.json"
"""The member that holds names, levels and single numbers."""

SMOOTH = ("knots", "curves", "missing", "gates", "gate_missing", "pairs", "kinds", "weights", "mean")
FOREST = ("feature", "threshold", "missing_left", "left", "right", "value", "cover", "roots")
"""The arrays of both parts: each is a member PART.NAME.npy, and there is no other."""

MOST_BYTES = 256 << 20
"""Most bytes that the parts of a model file may expand to."""

_MOST_TEXT_BYTES = 32 << 20
_MEMBERS = {TEXT, *(f"smooth.{name}.npy" for name in SMOOTH), *(f"forest.{name}.npy" for name in FOREST)}
_TYPES = {"<f8", "<i8", "|b1"}
_REFUSED = "it was damaged or tampered with, so fetch it again or retrain with `blockrisk train`"


def pack(model: Forecast) -> bytes:
    """Write a model as the bytes of a model file; equal models give equal bytes."""
    text: dict[str, Any] = {
        "columns": model.columns,
        "encoder": [
            {"column": column, "levels": levels, "numbers": np.asarray(numbers).tolist()}
            for column, levels, numbers in zip(model.encoder.columns, model.encoder.levels, model.encoder.numbers, strict=True)
        ],
        "intercept": float(model.intercept),
        "calibration": [float(model.calibration_a), float(model.calibration_b)],
        "forest": None if model.forest is None else {"depth": model.forest.depth, "bags": model.forest.bags},
        "levels": None if model.levels is None else _levels_text(model.levels),
    }
    members = {TEXT: json.dumps(text, sort_keys=True, ensure_ascii=False).encode()}
    for kind, part, names in (("smooth", model.smooth, SMOOTH), ("forest", model.forest, FOREST)):
        found = {name: getattr(part, name) for name in names if part is not None}
        members |= {f"{kind}.{name}.npy": _array_bytes(array) for name, array in found.items() if array is not None}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name in sorted(members):
            target.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), members[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack(content: bytes) -> Forecast:
    """Read a model from the bytes of a model file; BundleError before anything is built when a part is not as we write it.

    Looked at, in this order: names, number and stated sizes of the members; each array's header, against its member's size; the
    types in the text. Nothing in the file names a class or is run. The model's arrays are checked against each other last.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            _check_members(source)
            arrays = {name.removesuffix(".npy"): _array(source, name) for name in source.namelist() if name != TEXT}
            text = json.loads(source.read(TEXT))
        model = _build(text, arrays)
        model.check()
    except BundleError:
        raise
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError,
        SyntaxError, RecursionError, NotImplementedError, OSError, MemoryError, RuntimeError, OverflowError, zlib.error,
    ) as error:  # fmt: skip
        raise BundleError(f"the model file cannot be read ({type(error).__name__}): {_REFUSED}") from error
    return model


def _levels_text(levels: LevelShifts) -> dict[str, Any]:
    return {"column": int(levels.column), "numbers": levels.numbers.tolist(), "shifts": levels.shifts.tolist()}


def _array_bytes(array: Any) -> bytes:
    """Write numbers as float64, whole numbers as int64, truths as bool, whatever the platform."""
    kept = np.asarray(array)
    kept = np.ascontiguousarray(kept, dtype={"b": "|b1", "i": "<i8", "u": "<i8"}.get(kept.dtype.kind, "<f8"))
    held = io.BytesIO()
    np.lib.format.write_array(held, kept, version=(1, 0), allow_pickle=False)
    return held.getvalue()


def _check_members(source: zipfile.ZipFile) -> None:
    members = source.infolist()
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise BundleError(f"the model file holds a part twice: {_REFUSED}")
    strange = [name for name in names if name not in _MEMBERS]
    if strange:
        raise BundleError(f"the model file holds a part {strange[0]!r}, which we never write: {_REFUSED}")
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise BundleError(f"the model file expands to more than {MOST_BYTES >> 20} MB: {_REFUSED}")
    if source.getinfo(TEXT).file_size > _MOST_TEXT_BYTES:
        raise BundleError(f"the model file's text is larger than {_MOST_TEXT_BYTES >> 20} MB: {_REFUSED}")


def _array(source: zipfile.ZipFile, name: str) -> np.ndarray:
    with source.open(name) as handle:
        if np.lib.format.read_magic(handle) != (1, 0):
            raise BundleError(f"the model file holds an array of another format: {_REFUSED}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(handle)
        count = math.prod(int(size) for size in shape)
        if dtype.str not in _TYPES or fortran or len(shape) > 2 or min(shape, default=0) < 0:
            raise BundleError(f"the model file holds an array that is no plain numbers: {_REFUSED}")
        if handle.tell() + count * dtype.itemsize != source.getinfo(name).file_size:
            raise BundleError(f"the model file holds an array that is not as long as it says: {_REFUSED}")
        held = handle.read(count * dtype.itemsize + 1)
    if len(held) != count * dtype.itemsize:
        raise BundleError(f"the model file holds an array that is not as long as it says: {_REFUSED}")
    return np.frombuffer(held, dtype=dtype).reshape(shape)


def _build(text: Any, arrays: dict[str, np.ndarray]) -> Forecast:
    """Build the model; ValueError, TypeError or KeyError when the text is not as we write it."""
    encoder = [(_text(part["column"]), list(map(_text, part["levels"])), _numbers(part["numbers"])) for part in text["encoder"]]
    levels, forest = text["levels"], text["forest"]
    a, b = map(_number, text["calibration"])
    smooth = {name: arrays.pop(f"smooth.{name}") for name in SMOOTH if f"smooth.{name}" in arrays}
    nodes = {name: arrays.pop(f"forest.{name}") for name in FOREST} if forest is not None else {}
    if arrays:
        raise ValueError("arrays of a part that the text does not tell of")
    return Forecast(
        columns=list(map(_text, text["columns"])),
        encoder=TextEncoder([one for one, _, _ in encoder], [one for _, one, _ in encoder], [one for _, _, one in encoder]),
        intercept=_number(text["intercept"]),
        smooth=SmoothPart(**smooth) if smooth else None,
        forest=Forest(**nodes, depth=_whole(forest["depth"]), bags=_whole(forest["bags"])) if forest is not None else None,
        calibration_a=a,
        calibration_b=b,
        levels=levels and LevelShifts(_whole(levels["column"]), _numbers(levels["numbers"]), _numbers(levels["shifts"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is no text")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, float):
        raise TypeError("a number is none")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a count is no whole number")
    return value


def _numbers(values: Any) -> np.ndarray:
    return np.array([_number(value) for value in values], dtype=np.float64)
