"""MLflow: what is logged, under which name, and that training never depends on it."""

import builtins
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blockrisk.training import tracking
from blockrisk.training.tracking import Run, track

ONE_RUN = """
import sys
from pathlib import Path
from blockrisk.training.tracking import Run, track
told = track(Run(sys.argv[1], {"seed": 1}, {"roc_auc": 0.8}, Path(sys.argv[2])), Path(sys.argv[3]))
print(told.run_id, told.version, told.message)
"""


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def bundle(tmp_path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"format": 1}))
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("shared") / "store with blank 模型"


def run_of(bundle: Path, **more) -> Run:
    return Run("june", {"seed": 1, "learner": "blend"}, {"roc_auc": 0.8, "ece": float("nan")}, bundle, **more)


def client(store: Path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{store / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def test_two_runs_are_logged_whole_and_the_first_stays_champion(bundle, tmp_path, store):
    plot = tmp_path / "gain.png"
    plot.write_bytes(b"png")
    first = track(run_of(bundle, figures=[plot], tags={"data_digest": "abc"}), store)
    second = track(run_of(bundle), store)
    assert (first.alias, second.alias) == ("champion", "challenger")
    assert (first.version, second.version) == ("1", "2")
    logged = client(store).get_run(first.run_id)
    assert logged.info.status == "FINISHED"
    assert logged.data.params == {"seed": "1", "learner": "blend"}
    assert logged.data.metrics == {"roc_auc": 0.8}
    assert logged.data.tags["data_digest"] == "abc"
    assert {part.path for part in client(store).list_artifacts(first.run_id)} == {"bundle", "figures"}
    champion = client(store).get_model_version_by_alias("blockrisk-june", "champion")
    assert champion.run_id == first.run_id
    assert list(Path(champion.source).rglob("manifest.json"))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_unreachable_server_is_told_quickly_in_one_line(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    start = time.monotonic()
    told = track(run_of(bundle), tmp_path)
    assert time.monotonic() - start < 60  # MLflow itself tries for minutes; a tighter bound would test the machine
    assert told.run_id is None
    assert "127.0.0.1:9" in told.message
    assert "secret" not in told.message
    assert "\n" not in told.message
    assert not list(tmp_path.glob("mlflow.*"))


def test_damaged_store_is_told_and_raises_nothing(bundle, tmp_path):
    (tmp_path / "mlflow.db").write_text("no database")
    told = track(run_of(bundle), tmp_path)
    assert told.run_id is None
    assert "not logged" in told.message


def test_unwritable_place_is_told_and_raises_nothing(bundle, tmp_path):
    (tmp_path / "file").write_text("")
    assert track(run_of(bundle), tmp_path / "file" / "store").run_id is None


def test_missing_mlflow_is_told_and_raises_nothing(bundle, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("mlflow"):
            raise ImportError("No module named 'mlflow'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    told = track(run_of(bundle), tmp_path)
    assert told.run_id is None
    assert "mlflow" in told.message


def test_a_run_that_fails_half_way_is_marked_failed(bundle, store, monkeypatch):
    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(tracking, "_register", broken)
    assert "disk full" in track(run_of(bundle), store).message
    [experiment] = [e for e in client(store).search_experiments() if e.name == tracking.EXPERIMENT]
    latest = client(store).search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])[0]
    assert latest.info.status == "FAILED"


@pytest.mark.long
def test_a_bundle_name_that_mlflow_would_refuse_is_logged(bundle, store):
    told = track(Run("march 1.5%: 模型", {}, {}, bundle), store)
    assert told.version == "1", told.message
    assert "blockrisk-march-1-5---模型" in told.message


@pytest.mark.long
def test_the_registered_version_forecasts_as_the_bundle_does(tmp_path, monkeypatch):
    from blockrisk.serving import predict
    from blockrisk.training.vectors_mode import train_vectors

    monkeypatch.chdir(tmp_path)
    calls = np.arange(200) % 50
    frame = pd.DataFrame({"sim": [f"0{n}" for n in range(200)], "calls": calls, "bad": (calls > 30).astype(int)})
    frame.to_csv("cards.csv", index=False)
    report = train_vectors("cards.csv", id_column="sim", label_column="bad", out="models/cards", learner="boosting_default")
    assert report.tracked.alias == "champion", report.tracked.message
    code = (
        "import sys, pandas, mlflow; mlflow.set_tracking_uri('sqlite:///models/mlflow.db');"
        "model = mlflow.pyfunc.load_model('models:/blockrisk-cards@champion');"
        "print(model.predict(pandas.DataFrame({'calls': [1.0, 40.0]}))['probability'].tolist())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == predict(pd.DataFrame({"calls": [1.0, 40.0]}), model="models/cards")["probability"].tolist()


@pytest.mark.long
def test_four_first_runs_at_once_lose_nothing(bundle, tmp_path):
    store = tmp_path / "store"
    command = [sys.executable, "-W", "error", "-c", ONE_RUN, "june", str(bundle), str(store)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [process.communicate(timeout=300) for process in started]
    assert [errors for _, errors in told] == [""] * 4
    assert sorted(output.split()[1] for output, _ in told) == ["1", "2", "3", "4"]
    assert len({output.split()[0] for output, _ in told}) == 4
    versions = client(store).search_model_versions("name='blockrisk-june'")
    assert len(versions) == 4
    assert all(client(store).get_run(version.run_id).info.status == "FINISHED" for version in versions)
