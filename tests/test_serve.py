"""The champion over HTTP: MLflow's own server, over loopback, with the numbers of predict."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from blockrisk.serving import load_model, predict
from blockrisk.training.mlflow_loader import ANSWERS, LoadedBundle
from blockrisk.training.morning import registry

ROWS = [
    {"card_id": "001", "operator": "A", "calls_out_1d": 350, "complaints_30d": 2, "arrears_days": 6},
    {"card_id": "002", "calls_out_1d": None, "complaints_30d": 0},
]


def test_an_answer_has_null_for_what_is_missing_and_the_declared_columns(demo: Path) -> None:
    answer = LoadedBundle(demo / "demo/model").predict(pd.DataFrame(ROWS))
    assert list(answer.columns[: len(ANSWERS)]) == list(ANSWERS)
    assert answer["as_of"].tolist() == [None, None]
    assert answer["advice_1"].tolist() == [None, None]
    assert answer["probability"].tolist() == predict(pd.DataFrame(ROWS), model=demo / "demo/model")["probability"].tolist()


def test_serving_without_a_champion_says_what_to_do(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from blockrisk.training.cli import cli

    result = CliRunner().invoke(cli, ["serve", "--workspace", str(tmp_path)])
    assert "no version serves" in str(result.exception)


@pytest.fixture(scope="module")
def address(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `blockrisk serve` answers for the demo's model."""
    folder = tmp_path_factory.mktemp("served")
    registry.add_version(folder / "models", demo / "demo/model", {"made_at": "2025-04-01"})
    registry.promote(folder / "models", "v1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from blockrisk.training.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--workspace", str(folder), "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/ping", process)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(ping: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(ping, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not start within five minutes")


def ask(address: str, body: object) -> tuple[int, dict]:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def strict(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read(), parse_constant=strict)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.long
def test_the_server_gives_the_numbers_of_predict_to_the_bit(address: str, demo: Path) -> None:
    status, answer = ask(address, {"dataframe_records": ROWS, "params": {"reasons": True}})
    assert status == 200
    wanted = predict(pd.DataFrame(ROWS), model=load_model(demo / "demo/model"), reasons=True)
    found = pd.DataFrame(answer["predictions"])
    assert list(found.columns) == list(wanted.columns)
    numbers = ["probability", "base", *(name for name in wanted if name.startswith(("probability_", "contribution_")))]
    assert found[numbers].to_numpy(dtype=float).tolist() == wanted[numbers].to_numpy(dtype=float).tolist()
    assert found["card_id"].tolist() == ["001", "002"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"dataframe_records": [{"calls_outt_1d": 3}]}, "calls_outt_1d is no feature; did you mean calls_out_1d?"),
        ({"dataframe_records": [{"calls_out_1d": "many"}]}, "give a number, or leave it out where it is unknown"),
    ],
)
def test_bad_input_is_answered_with_400_and_our_sentence(address: str, body: object, told: str) -> None:
    status, answer = ask(address, body)
    assert status == 400
    assert told in answer["message"]


@pytest.mark.long
def test_a_hundred_clients_at_once_are_answered_without_an_error(address: str) -> None:
    _, wanted = ask(address, {"dataframe_records": ROWS})
    until, answers, wrong = time.monotonic() + 10, [], []

    def client() -> None:
        while time.monotonic() < until:
            status, answer = ask(address, {"dataframe_records": ROWS})
            (answers if (status, answer) == (200, wanted) else wrong).append(status)

    clients = [threading.Thread(target=client) for _ in range(100)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(120)
    assert not any(thread.is_alive() for thread in clients)
    assert wrong == []
    assert len(answers) >= 100
