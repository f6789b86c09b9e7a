"""The model file: skops, made reproducible when written and read only after every part was looked at."""

import io
import json
import re
import zipfile
from typing import Any

import numpy as np
import skops.io

from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import Forecast

TRUSTED_TYPES = (
    "blockrisk.models.encode.TextEncoder",
    "blockrisk.models.estimators.Forecast",
    "blockrisk.models.forest.Forest",
    "blockrisk.models.levels.LevelShifts",
    "blockrisk.models.smooth.SmoothPart",
)
"""The only classes that a model file may name; a constant of ours, never read from a file."""

MOST_BYTES = 256 << 20
"""Most bytes that the parts of a model file may expand to."""

_MOST_SCHEMA_BYTES = 32 << 20
_MOST_MEMBERS = 200
_MEMBER = re.compile(r"schema\.json|\d{1,12}\.npy")
_CONTAINERS = {
    ("DictNode", "builtins.dict"),
    ("ListNode", "builtins.list"),
    ("JsonNode", "builtins.str"),
    ("NdArrayNode", "numpy.ndarray"),
    ("TypeNode", "builtins.str"),
}
_REFUSED = "it was damaged or tampered with, so fetch it again or retrain with `blockrisk train`"


def pack(model: Forecast) -> bytes:
    """Write a model as the bytes of a skops file; equal models give equal bytes.

    skops numbers its objects by memory address and stamps the time; both are replaced here, and each array gets a member of its
    own, however objects were shared in memory.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as source:
        schema = json.loads(source.read("schema.json"))
        members: dict[str, bytes] = {}
        for number, node in enumerate(_nodes(schema), start=1):
            node["__id__"] = number
            if "file" in node:
                content = source.read(node["file"])
                node["file"] = f"{number}.npy"
                members[node["file"]] = content
    members["schema.json"] = json.dumps(schema, sort_keys=True).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name in sorted(members):
            target.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), members[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack(content: bytes) -> Forecast:
    """Read a model from the bytes of a skops file; BundleError before anything is built when a part is not as we write it.

    Looked at, in this order: names, number and expanded sizes of the members; the header of each array; every type in the schema
    against TRUSTED_TYPES and a few plain containers; then skops's own audit. The model's arrays are checked last.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            _check_members(source)
            schema = json.loads(source.read("schema.json"))
            _check_schema(schema, set(source.namelist()))
            _check_arrays(source)
        unknown = set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES)
        if unknown:
            raise BundleError(f"the model file names the type {min(unknown)}, which is not ours: {_REFUSED}")
        model = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
        if not isinstance(model, Forecast):
            raise BundleError(f"the model file holds no forecast: {_REFUSED}")
        model.check()
    except BundleError:
        raise
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError,
        RecursionError, NotImplementedError, OSError, MemoryError, RuntimeError,
    ) as error:  # fmt: skip
        raise BundleError(f"the model file cannot be read ({type(error).__name__}): {_REFUSED}") from error
    return model


def _nodes(schema: Any) -> list[dict[str, Any]]:
    """List all nodes of a schema, parents first and in the order of their keys, without recursion."""
    found, waiting = [], [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "__loader__" in part:
                found.append(part)
            waiting.extend(part[key] for key in sorted(part, reverse=True))
        elif isinstance(part, list):
            waiting.extend(reversed(part))
    return found


def _check_members(source: zipfile.ZipFile) -> None:
    members = source.infolist()
    names = [member.filename for member in members]
    if len(names) > _MOST_MEMBERS or len(set(names)) != len(names):
        raise BundleError(f"the model file holds too many or repeated parts: {_REFUSED}")
    strange = [name for name in names if not _MEMBER.fullmatch(name)]
    if strange:
        raise BundleError(f"the model file holds a part {strange[0]!r}, which we never write: {_REFUSED}")
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise BundleError(f"the model file expands to more than {MOST_BYTES >> 20} MB: {_REFUSED}")
    schema = source.getinfo("schema.json")
    if schema.file_size > _MOST_SCHEMA_BYTES:
        raise BundleError(f"the model file's schema is larger than {_MOST_SCHEMA_BYTES >> 20} MB: {_REFUSED}")


def _check_schema(schema: Any, names: set[str]) -> None:
    nodes = _nodes(schema)
    if not nodes or nodes[0] is not schema:
        raise BundleError(f"the model file's schema has no root: {_REFUSED}")
    for node in nodes:
        kind, type_name = node["__loader__"], f"{node.get('__module__')}.{node.get('__class__')}"
        ours = kind == "ObjectNode" and type_name in TRUSTED_TYPES
        if not ours and (kind, type_name) not in _CONTAINERS:
            raise BundleError(f"the model file names the type {type_name} ({kind}), which is not ours: {_REFUSED}")
        if kind == "NdArrayNode" and (node.get("type") != "numpy" or node.get("file") not in names):
            raise BundleError(f"the model file holds an array that is no plain numbers: {_REFUSED}")


def _check_arrays(source: zipfile.ZipFile) -> None:
    for member in source.infolist():
        if member.filename == "schema.json":
            continue
        with source.open(member) as handle:
            if np.lib.format.read_magic(handle) != (1, 0):
                raise BundleError(f"the model file holds an array of another format: {_REFUSED}")
            shape, _, dtype = np.lib.format.read_array_header_1_0(handle)
            expected = handle.tell() + int(np.prod([int(size) for size in shape], dtype=object)) * dtype.itemsize
        if dtype.kind not in "bif" or expected != member.file_size:
            raise BundleError(f"the model file holds an array that is not as long as it says: {_REFUSED}")
