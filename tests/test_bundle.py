"""Bundles: whole or not at all, the same bytes for the same model, and nothing built from a file that is not as we write it."""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blockrisk.models import archive, folder
from blockrisk.models.archive import pack, unpack
from blockrisk.models.bundle import load_bundle, reference_quantiles, save_bundle
from blockrisk.models.encode import TextEncoder
from blockrisk.models.errors import BundleError
from blockrisk.models.estimators import Forecast
from blockrisk.models.forest import Forest
from blockrisk.models.smooth import BOTH, SmoothPart

FILES = ("calibration.json", "manifest.json", "manifest.json.sha256", "model.npz", "reference.json")
FRAME = pd.DataFrame({"calls": [0.0, 9.0, 400.0, np.nan], "tenure": [1.0, 2.0, 3.0, np.nan], "operator": ["A", "B", "C", None]})


def some_model(intercept: float = -4.0) -> Forecast:
    pads = np.array([np.inf, np.inf])
    knots = np.vstack([np.concatenate([[0.0, 2.0, 5.0], pads])] * 3)
    curves = np.array([[-1.0, 0.0, 2.0, 2.0, 2.0], [0.3, 0.1, 0.0, 0.0, 0.0], [0.0, 0.1, 0.2, 0.2, 0.2]])
    gates = np.array([[0.0, 0.3, 1.0, 1.0, 1.0], [1.0, 0.3, 0.0, 0.0, 0.0], [0.0, 0.5, 1.0, 1.0, 1.0]])
    pairs, kinds = np.array([[0, 1]]), np.array([BOTH])
    smooth = SmoothPart(knots, curves, np.array([0.1, 0.2, 0.0]), gates, np.full(3, 0.5), pairs, kinds, np.array([0.4]))
    places = np.array([1, 1, 2]), np.array([2, 1, 2])
    asks = np.array([0, 0, 0]), np.array([100.0, np.inf, np.inf]), np.array([True, True, True])
    forest = Forest(*asks, *places, np.array([0.0, -0.5, 0.5]), np.array([9.0, 6.0, 3.0]), np.array([0]), depth=1, bags=1)
    encoder = TextEncoder(["operator"], [["A", "B"]], [np.array([0.5, -0.25])])
    return Forecast(["calls", "tenure", "operator"], encoder, intercept, smooth, forest, 0.1, 0.9)


def write(path: Path, **more: Any) -> Path:
    manifest = {"kind": "dated", "fingerprint": "f1", "horizon_days": 7, "base_rate": np.float64(0.01), "metrics": {"auc": np.nan}}
    return save_bundle(path, some_model(), manifest, reference=reference_quantiles(FRAME), **more)


def resign(path: Path) -> None:
    """Write sums that fit whatever the files now hold, as an attacker would."""
    manifest = json.loads((path / "manifest.json").read_text())
    for name in manifest["files"]:
        content = (path / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (path / "manifest.json").write_text(json.dumps(manifest))
    total = hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest()
    (path / "manifest.json.sha256").write_text(f"{total}  manifest.json\n")


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name: source.read(name) for name in source.namelist()}


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return target.getvalue()


def test_a_reloaded_bundle_scores_the_same_to_the_last_bit(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path / "june"), fingerprint="f1")
    assert (bundle.model.margin(FRAME) == some_model().margin(FRAME)).all()
    assert (bundle.columns, bundle.text_columns) == (["calls", "tenure", "operator"], ["operator"])
    assert bundle.manifest["base_rate"] == 0.01
    assert bundle.manifest["metrics"] == {"auc": None}
    assert bundle.reference["operator"]["levels"] == {"A": 0.25, "B": 0.25, "C": 0.25}
    assert sorted(file.name for file in (tmp_path / "june").iterdir()) == sorted(FILES)


def test_the_same_model_gives_the_same_bytes_also_after_a_reload(tmp_path: Path) -> None:
    first, second = write(tmp_path / "one"), write(tmp_path / "two")
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert pack(load_bundle(first).model) == (first / "model.npz").read_bytes()
    assert pack(some_model(-3.0)) != pack(some_model())


def test_a_model_without_parts_or_text_travels_too(tmp_path: Path) -> None:
    bare = Forecast(["calls"], TextEncoder([], [], []), -4.0, None, None)
    save_bundle(tmp_path / "bare", bare, {"kind": "vectors"}, reference={})
    assert load_bundle(tmp_path / "bare", fingerprint="any").model.margin(FRAME).tolist() == [-4.0] * 4


def test_a_path_may_hold_blanks_and_any_letters(tmp_path: Path) -> None:
    path = write(tmp_path / "my models" / "六月 [*?] 📞")
    write(path, replace=True)
    assert load_bundle(path).model.intercept == -4.0
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_existing_bundle_is_kept_without_replace(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    before = (path / "manifest.json").read_bytes()
    with pytest.raises(BundleError, match="exists.*--replace"):
        write(path)
    assert (path / "manifest.json").read_bytes() == before
    save_bundle(path, some_model(-1.0), {"kind": "vectors"}, reference={}, replace=True)
    assert load_bundle(path).model.intercept == -1.0


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"x")
    with pytest.raises(BundleError, match="is no bundle"):
        write(tmp_path / "photos", replace=True)
    assert (tmp_path / "photos" / "me.jpg").exists()


@pytest.mark.parametrize("manifest", [{}, {"kind": "other"}, {"kind": "dated"}, {"kind": "dated", "fingerprint": ""}])
def test_a_manifest_without_its_kind_or_fingerprint_is_not_written(tmp_path: Path, manifest: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=r"kind|fingerprint"):
        save_bundle(tmp_path / "june", some_model(), manifest, reference={})
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_the_old_bundle_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "june")
    before = {name: (path / name).read_bytes() for name in FILES}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder.os, "fsync", full)
        with pytest.raises(BundleError, match="No space left on device.*nothing was changed"):
            write(path, replace=True)
    assert {name: (path / name).read_bytes() for name in FILES} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["june"]


def test_leftovers_of_killed_runs_are_swept_and_those_of_running_ones_kept(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    dead = int(gone.stdout)
    (tmp_path / f".june.new-{dead}-aa").mkdir()
    (tmp_path / f".june.old-{dead}-aa").mkdir()
    (tmp_path / f".june.new-{os.getppid()}-bb").mkdir()
    (tmp_path / f".july.new-{dead}-cc").mkdir()
    write(tmp_path / "june", replace=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        [f".july.new-{dead}-cc", f".june.new-{os.getppid()}-bb", "june"]
    )


def test_a_bundle_that_a_killed_run_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    path.rename(tmp_path / f".june.old-{int(gone.stdout)}-aa")
    folder.sweep(path)
    assert load_bundle(path).model.intercept == -4.0


def test_another_catalogue_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    with pytest.raises(BundleError, match="other feature definitions.*blockrisk train`$"):
        load_bundle(path, fingerprint="f2")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["versions"]["blockrisk"] = "9.9"
    (path / "manifest.json").write_text(json.dumps(manifest))
    resign(path)
    with pytest.raises(BundleError, match=r"blockrisk train`, or install blockrisk 9\.9"):
        load_bundle(path, fingerprint="f2")


def test_another_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["format"], manifest["versions"]["blockrisk"] = 2, "9.9"
    (path / "manifest.json").write_text(json.dumps(manifest))
    resign(path)
    with pytest.raises(BundleError, match=r"format 2.*reads 1.*blockrisk train.*install blockrisk 9\.9"):
        load_bundle(path)


def test_no_folder_and_another_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        load_bundle(tmp_path / "nothing")
    with pytest.raises(BundleError, match="holds no manifest.json"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "june")
    content = (path / name).read_bytes()
    rng = np.random.default_rng(len(name))
    for place in rng.integers(0, 8 * len(content), 40):
        spoilt = bytearray(content)
        spoilt[place // 8] ^= 1 << (place % 8)
        (path / name).write_bytes(spoilt)
        with pytest.raises(BundleError):
            load_bundle(path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["cut", "emptied", "gone", "longer", "linked", "folder"])
def test_a_harmed_file_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    path = write(tmp_path / "june")
    file = path / name
    content = file.read_bytes()
    file.unlink()
    if harm == "cut":
        file.write_bytes(content[:-7])
    elif harm == "emptied":
        file.write_bytes(b"")
    elif harm == "longer":
        file.write_bytes(content + b" ")
    elif harm == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        file.symlink_to(tmp_path / "elsewhere")
    elif harm == "folder":
        file.mkdir()
    with pytest.raises(BundleError, match=name.removesuffix(".sha256")):
        load_bundle(path)


def test_a_file_that_does_not_belong_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    (path / "model.pkl").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"model\.pkl"):
        load_bundle(path)


def test_files_of_two_bundles_do_not_mix(tmp_path: Path) -> None:
    june = write(tmp_path / "june")
    july = save_bundle(tmp_path / "july", some_model(-2.0), {"kind": "dated", "fingerprint": "f1"}, reference={})
    (june / "model.npz").write_bytes((july / "model.npz").read_bytes())
    with pytest.raises(BundleError, match=r"model\.npz does not fit its sum"):
        load_bundle(june)


def test_a_file_too_large_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    with (path / "model.npz").open("wb") as handle:
        handle.truncate(10 << 30)
    with pytest.raises(BundleError, match="larger than"):
        load_bundle(path)


@pytest.mark.parametrize("content", [b"[]", b"{", b"nan", b"[" * 100_000, b"\xff\xfe"])
def test_a_signed_file_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "june")
    (path / "calibration.json").write_bytes(content)
    resign(path)
    with pytest.raises(BundleError, match=r"calibration\.json"):
        load_bundle(path)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("calibration.json", {"a": 0.2}, "contradicts the model"),
        ("manifest.json", {"columns": ["calls", "operator", "tenure"]}, "columns are not the model's"),
        ("manifest.json", {"files": {}}, "does not list the files"),
        ("manifest.json", {"files": ["model.npz"]}, "does not list the files"),
        ("manifest.json", {"kind": None}, "does not list the files"),
        ("manifest.json", {"versions": None, "format": 3}, "format 3"),
    ],
)
def test_a_signed_contradiction_is_refused(tmp_path: Path, name: str, change: dict[str, Any], told: str) -> None:
    path = write(tmp_path / "june")
    content = json.loads((path / name).read_text())
    (path / name).write_text(json.dumps(content | change))
    if name == "manifest.json":
        total = hashlib.sha256((path / name).read_bytes()).hexdigest()
        (path / "manifest.json.sha256").write_text(f"{total}  manifest.json\n")
    else:
        resign(path)
    with pytest.raises(BundleError, match=told):
        load_bundle(path)


# ---- hostile model files, whose sums fit


class Touch:
    """Pickles and reduces to a call that leaves a mark."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["BLOCKRISK_TEST_MARK"],))


def _told(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], bytes]:
    """Alter the text of the model."""

    def build(parts: dict[str, bytes]) -> bytes:
        text = json.loads(parts["model.json"])
        change(text)
        return zipped(parts | {"model.json": json.dumps(text).encode()})

    return build


def _without(name: str) -> Callable[[dict[str, bytes]], bytes]:
    return lambda parts: zipped({one: part for one, part in parts.items() if one != name})


def _text(content: bytes) -> Callable[[dict[str, bytes]], bytes]:
    return lambda parts: zipped(parts | {"model.json": content})


def _nodes(**arrays: Any) -> Callable[[dict[str, bytes]], bytes]:
    """Put other arrays into the forest."""

    def build(parts: dict[str, bytes]) -> bytes:
        held = {}
        for name, array in arrays.items():
            target = io.BytesIO()
            np.save(target, np.array(array))
            held[f"forest.{name}.npy"] = target.getvalue()
        return zipped(parts | held)

    return build


def _array(header: bytes, body: bytes = b"") -> Callable[[dict[str, bytes]], bytes]:
    def build(parts: dict[str, bytes]) -> bytes:
        name = next(name for name in parts if name.endswith(".npy"))
        padded = header + b" " * (117 - len(header)) + b"\n"
        return zipped(parts | {name: b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body})

    return build


def _object_array(parts: dict[str, bytes]) -> bytes:
    name = next(name for name in parts if name.endswith(".npy"))
    pickled = io.BytesIO()
    np.save(pickled, np.array([Touch()], dtype=object), allow_pickle=True)
    return zipped(parts | {name: pickled.getvalue()})


def _twice(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content in [*parts.items(), ("model.json", b"{}")]:
            if name == "model.json" and "model.json" in file.namelist():
                with pytest.warns(UserWarning, match="Duplicate name"):
                    file.writestr(name, content)
            else:
                file.writestr(name, content)
    return target.getvalue()


def _lying_size(parts: dict[str, bytes]) -> bytes:
    """Say that 20 MB of zeros are 10 bytes."""
    content = zipped(parts | {"model.json": bytes(20 << 20)})
    return content.replace((20 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def _forever(text: dict[str, Any]) -> None:
    text["forest"]["depth"] = 10**9


HOSTILE: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "a pickle": lambda parts: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "no zip": lambda parts: b"MZ" * 100,
    "an empty zip": lambda parts: zipped({}),
    "a zip cut off": lambda parts: zipped(parts)[:-30],
    "no text": _without("model.json"),
    "no array of the trees": _without("forest.left.npy"),
    "no array of the curves": _without("smooth.gates.npy"),
    "a pickled array": _object_array,
    "a pickle beside": lambda parts: zipped(parts | {"model.pkl": pickle.dumps(Touch())}),
    "a pickle for a text": lambda parts: _text(pickle.dumps(Touch()))(parts),
    "a list for a text": _text(b"[]"),
    "a deep text": _text(b"[" * 200_000),
    "too large a text": _text(bytes(40 << 20)),
    "another encoding": _text(b"\xff\xfe{}"),
    "a class for a column": _told(lambda text: text.update(columns=[{"__class__": "Popen"}])),
    "a text for a number": _told(lambda text: text.update(intercept="1.0")),
    "not a number": _told(lambda text: text.update(intercept=float("nan"))),
    "a number for a level": _told(lambda text: text["encoder"][0].update(levels=[1, 2])),
    "three steps of calibration": _told(lambda text: text.update(calibration=[0.0, 1.0, 2.0])),
    "a list for the trees": _told(lambda text: text.update(forest=[1])),
    "arrays of no part": _told(lambda text: text.update(forest=None)),
    "a fraction of a depth": _told(lambda text: text["forest"].update(depth=1.0)),
    "an endless depth": _told(_forever),
    "a level of no column": _told(lambda text: text.update(levels={"column": 9, "numbers": [0.5], "shifts": [0.5]})),
    "a circle": _nodes(left=[1, 0, 2]),
    "ways that meet": _nodes(left=[2, 1, 2]),
    "a root within": _nodes(roots=[0, 1]),
    "a way too long": _nodes(
        left=[1, 1, 2, 3, 4],
        right=[2, 1, 3, 3, 4],
        **{name: [0.0] * 5 for name in ("threshold", "value", "cover")},
        feature=[0] * 5,
        missing_left=[True] * 5,
    ),
    "a bomb that lies": _lying_size,
    "a thousand parts": lambda parts: zipped(parts | {f"{number}.npy": b"" for number in range(10_000, 11_000)}),
    "a repeated part": _twice,
    "a path upwards": lambda parts: zipped(parts | {"../../evil.npy": b"x"}),
    "an absolute path": lambda parts: zipped(parts | {"/tmp/evil.npy": b"x"}),
    "a huge array": _array(b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"),
    "a negative array": _array(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
    "a cube": _array(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }", bytes(8)),
    "an array of text": _array(b"{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }", b"12345678"),
    "an array of objects": _array(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"12345678"),
    "an array of code": _array(b"{'descr': __import__('os'), 'shape': (1,), }"),
    "a broken array": lambda parts: zipped(parts | {next(name for name in parts if name != "model.json"): b"\x93NUMPY"}),
}


@pytest.mark.parametrize("trick", HOSTILE)
def test_a_hostile_model_is_refused_and_nothing_of_it_runs(tmp_path: Path, trick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setenv("BLOCKRISK_TEST_MARK", str(mark))
    path = write(tmp_path / "june")
    (path / "model.npz").write_bytes(HOSTILE[trick](members((path / "model.npz").read_bytes())))
    resign(path)
    begun = time.process_time()
    with pytest.raises(BundleError, match="june"):
        load_bundle(path)
    assert time.process_time() - begun < 1
    assert not mark.exists()


def test_a_bomb_is_refused_without_being_expanded(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    bomb = zipped(members((path / "model.npz").read_bytes()) | {"smooth.mean.npy": bytes(archive.MOST_BYTES)})
    (path / "model.npz").write_bytes(bomb)
    resign(path)
    tracemalloc.start()
    with pytest.raises(BundleError, match="expands to more than 256 MB"):
        load_bundle(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


def test_a_repacked_honest_model_is_still_read() -> None:
    content = pack(some_model())
    assert (unpack(zipped(members(content))).margin(FRAME) == some_model().margin(FRAME)).all()


def test_a_model_whose_arrays_lead_nowhere_is_refused() -> None:
    model = some_model()
    assert model.forest is not None
    model.forest.left[0] = 10**6
    with pytest.raises(BundleError, match="ValueError"):
        unpack(pack(model))


def test_a_bundle_loads_without_mlflow_scikit_learn_and_training(tmp_path: Path) -> None:
    path = write(tmp_path / "june")
    program = (
        "import sys; from blockrisk.models.bundle import load_bundle; load_bundle(sys.argv[1]).model.intercept;"
        "print([name for name in sys.modules if name.split('.')[0] in ('mlflow', 'sklearn', 'scipy')"
        " or name.startswith('blockrisk.training')])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reference_quantiles_tell_missing_values_levels_and_order() -> None:
    told = reference_quantiles(FRAME)
    assert told["calls"]["missing"] == 0.25
    assert len(told["calls"]["quantiles"]) == 21
    assert told["calls"]["quantiles"] == sorted(told["calls"]["quantiles"])
    assert (told["calls"]["quantiles"][0], told["calls"]["quantiles"][-1]) == (0.0, 400.0)
    empty = reference_quantiles(pd.DataFrame({"calls": [np.nan, np.inf], "none": [None, None]}))
    assert empty["calls"]["quantiles"] == []
    assert empty["none"]["missing"] == 1.0
    assert reference_quantiles(FRAME.iloc[:0])["calls"]["missing"] is None
