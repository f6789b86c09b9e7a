import gzip

import numpy as np
import pandas as pd
import pytest

from blockrisk.features import UserError
from blockrisk.features.vectors_file import read_vectors


@pytest.fixture
def write(tmp_path):
    def to_file(text: str, name: str = "cards.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return to_file


def refusal(path, **columns) -> str:
    with pytest.raises(UserError) as caught:
        read_vectors(path, **columns)
    return str(caught.value)


@pytest.mark.parametrize("name", ["cards.csv", "cards.csv.gz"])
def test_ids_stay_text_numbers_become_floats_and_blanks_missing(write, name):
    path = write("card,calls,city,blocked\n0089860012345678901,12,Bern,0\n8,1e3,,1\n9,,NA,0\n", name)
    frame = read_vectors(path, id_column="card", label_column="blocked")
    assert list(frame.columns) == ["card_id", "calls", "city", "label"]
    assert frame["card_id"].tolist() == ["0089860012345678901", "8", "9"]
    assert frame["calls"].tolist()[:2] == [12.0, 1000.0]
    assert np.isnan(frame["calls"][2])
    assert frame["city"].tolist() == ["Bern", None, "NA"]
    assert frame["label"].tolist() == [0.0, 1.0, 0.0]


def test_hash_that_looks_like_a_power_of_ten_is_an_id(write):
    assert read_vectors(write("id,a\n30049586750963e4,1\n"), id_column="id")["card_id"][0] == "30049586750963e4"


def test_without_an_id_rows_are_numbered_and_as_of_is_no_feature(write):
    frame = read_vectors(write("as_of,a\n2026-01-01,5\n2026-01-01,6\n"))
    assert frame.to_dict("list") == {"card_id": ["1", "2"], "a": [5.0, 6.0]}


def test_a_parquet_file_gives_the_same_as_csv(write, tmp_path):
    rows = pd.DataFrame({"card": [7, 8], "calls": [1.5, None], "flag": [True, False], "city": ["x", None], "y": [0, 1]})
    rows.to_parquet(tmp_path / "cards.parquet")
    csv = write("card,calls,flag,city,y\n7,1.5,1,x,0\n8,,0,,1\n")
    given = {"id_column": "card", "label_column": "y"}
    pd.testing.assert_frame_equal(read_vectors(tmp_path / "cards.parquet", **given), read_vectors(csv, **given))


def test_kinds_decide_where_they_are_known_and_ignored_columns_may_be_absent(write):
    path = write("id,code,y\na,1,0\nb,2,1\n")
    frame = read_vectors(path, id_column="id", ignore=("y", "absent"), kinds={"code": "text"})
    assert frame.to_dict("list") == {"card_id": ["a", "b"], "code": ["1", "2"]}


REFUSED = {
    "a word among numbers": ("id,a\nx,1\ny,2\nz,lots\n", "line 4: column 'a' holds 'lots'"),
    "a thousands separator": ('id,a\nx,1\ny,2\nz,"1,200"\n', "line 4: column 'a' holds '1,200'"),
    "full-width digits": ("id,a\nx,1\ny,2\nz,１２\n", "line 4: column 'a' holds '１２'"),
    "infinity in words": ("id,a\nx,1\ny,2\nz,inf\n", "line 4: column 'a' holds 'inf'"),
    "a number beyond all floats": ("id,a\nx,1\ny,1e999\n", "line 3: column 'a'"),
    "a long row": ("id,a\nx,1\ny,2,3\n", "line 3"),
    "a short row": ("id,a,b\nx,1,2\ny,2\n", "line 3"),
    "an open quote": ('id,a\nx,1\n"y,2\n', "quote"),
    "a repeated id": ("id,a\nx,1\ny,2\nx,3\n", "line 4: the id 'id' is the same as in cards.csv line 2"),
    "a blank id": ("id,a\nx,1\n,2\n", "line 3: the id 'id' is blank"),
    "a rounded id": ("id,a\nx,1\n1.38E+10,2\n", "line 3: the id 'id' is '1.38E+10'"),
    "a total": ("id,a\nx,1\n合计,2\n", "line 3: the id 'id' is '合计'"),
    "a repeated header": ("id,a,a\nx,1,2\n", "twice"),
    "no row": ("id,a\n", "no row"),
    "nothing": ("", "empty"),
    "no feature": ("id\nx\n", "no feature"),
    "an id column of another name": ("card_id,a\nx,1\n", "no column 'id'"),
    "a card_id beside the id": ("id,card_id,a\nx,y,1\n", "card_id"),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_refused_with_its_place(write, text, told):
    assert told in refusal(write(text), id_column="id")


@pytest.mark.parametrize("label", ["", "2", "yes", "0.5", "TRUE"])
def test_label_is_zero_or_one(write, label):
    told = refusal(write(f"id,a,y\nx,1,0\nz,1,{label}\n"), id_column="id", label_column="y")
    assert "line 3: the label 'y'" in told


def test_missing_label_column_offers_the_nearest(write):
    assert "nearest: 'label'" in refusal(write("id,a,label\nx,1,0\n"), id_column="id", label_column="lable")


def test_times_and_decimal_ids_in_parquet_are_refused(tmp_path):
    path = tmp_path / "cards.parquet"
    pd.DataFrame({"id": ["x"], "when": [pd.Timestamp("2026-01-01")]}).to_parquet(path)
    assert "column 'when' has the type timestamp" in refusal(path, id_column="id")
    pd.DataFrame({"id": [1.5], "a": [1]}).to_parquet(path)
    assert "holds decimals" in refusal(path, id_column="id")


def test_no_file_and_another_ending_are_told(tmp_path, write):
    assert "is no file" in refusal(tmp_path / "absent.csv")
    assert "neither CSV nor Parquet" in refusal(write("id,a\nx,1\n", "cards.txt"))
