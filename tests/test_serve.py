"""The champion over HTTP: MLflow's own server, over loopback, with the numbers of predict."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from clients import CLIENTS, ROWS, ask, press, section, served

from blockrisk.serving import load_model, predict
from blockrisk.training.mlflow_loader import ANSWERS, LoadedBundle


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
    with served(demo / "demo/model", tmp_path_factory.mktemp("served")) as found:
        yield found


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
    load = press(address, 10)
    assert load.wrong == []
    assert len(load.seconds) >= CLIENTS
    assert f"| {len(load.seconds):,} |" in section(load, 10)
