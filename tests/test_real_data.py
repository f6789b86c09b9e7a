"""The real cards of docs/REAL_DATA.md: trained, judged on held-out cards, and scored, as the document says."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.serving.cli import score
from blockrisk.training.vectors_mode import train_vectors


@pytest.mark.long
@pytest.mark.shared
def test_real_cards_are_told_apart_on_the_held_out_part(shared: Path, tmp_path: Path) -> None:
    file = shared / "data" / "sichuan_cards.csv.gz"
    report = train_vectors(file, id_column="card_id", label_column="label", out=tmp_path / "sichuan", mlflow=False)
    assert report.metrics.at["roc_auc", "model"] >= 0.95
    assert any("cannot prove that they end before the label" in str(caution) for caution in report.cautions)
    out = tmp_path / "scores.csv"
    arguments = ["--vectors", str(file), "--model", str(tmp_path / "sichuan"), "--out", str(out)]
    assert CliRunner().invoke(score, arguments, catch_exceptions=False).exit_code == 0
    scores, cards = pd.read_csv(out, dtype={"card_id": str}), pd.read_csv(file, dtype={"card_id": str})
    assert scores["card_id"].tolist() == cards["card_id"].tolist()
    assert scores["as_of"].isna().all()
    assert scores["horizon_days"].isna().all()
    assert scores["probability"].sum() == pytest.approx(cards["label"].sum(), rel=0.05)
