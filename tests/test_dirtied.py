"""Metamorphic proof: a clean data set and the same one dirtied give the same features and scores, to the bit."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blockrisk.features import Tables, read_tables, vectors
from blockrisk.serving import load_model, predict

CARDS = 15
AS_OF = [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-03-31")]
CHINESE = {
    "calls": {
        "card_id": "卡號",
        "started_at": "開始時間",
        "callee": "被叫號碼",
        "talk_s": "通話時長（秒）",
        "direction": "呼叫類型",
        "result": "呼叫結果",
        "ring_s": "振鈴時長(s)",
        "released_by": "掛機方",
        "region": "通話地",
        "imei": "終端串號",
        "available_at": "入庫時間",
    },
    "payments": {
        "card_id": "卡号",
        "due_at": "应缴日期",
        "amount_due": "应缴金额(分)",
        "paid_at": "缴费时间",
        "amount_paid": "实缴金额(元)",
    },
    "messages": {"card_id": "卡号", "sent_at": "发送时间", "recipient": "接收号码"},
}
WORDS = {
    "out": "主叫",
    "in": "呼入",
    "forward": "呼轉",
    "answered": "接通",
    "no_answer": "無人接聽",
    "busy": "占線",
    "rejected": "拒接",
}
WORDS |= {"power_off": "關機", "invalid_number": "空號"}


def clean_set(source: Path) -> dict[str, pd.DataFrame]:
    """Some cards of a simulated set, their callees as phone numbers."""
    frames = {path.stem: pd.read_parquet(path) for path in sorted(source.glob("*.parquet")) if path.stem != "truth"}
    chosen = frames["cards"]["card_id"].iloc[:: max(1, len(frames["cards"]) // CARDS)].iloc[:CARDS]
    frames = {name: frame[frame["card_id"].isin(chosen)].reset_index(drop=True) for name, frame in frames.items()}
    numbers = {callee: f"138{n:08d}" for n, callee in enumerate(frames["calls"]["callee"].unique())}
    frames["calls"]["callee"] = frames["calls"]["callee"].map(numbers)
    frames["payments"]["amount_due"] = frames["payments"]["amount_due"].round(2)
    return frames


def stamps(times: pd.Series, how: str) -> pd.Series:
    """Write times in one of several ways; blank ones as a word for nothing."""
    if how == "serial":
        text = ((times - pd.Timestamp(1899, 12, 30)) / pd.Timedelta(days=1)).map("{:.10f}".format)
    elif how == "epoch":
        text = ((times - pd.Timestamp(1970, 1, 1, 8)) // pd.Timedelta(seconds=1)).map("{:.0f}".format)
    elif how == "utc":
        text = (times - pd.Timedelta(hours=8)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        text = times.dt.strftime("%Y/%m/%d %H:%M:%S")
    return text.where(times.notna(), "NULL")


def spelled(numbers: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Spell phone numbers in different ways."""
    ways = [numbers, "+86 " + numbers, "0086" + numbers, numbers + ".0", "'" + numbers]
    ways.append(numbers.str.slice(0, 3) + "-" + numbers.str.slice(3, 7) + "-" + numbers.str.slice(7))
    return pd.Series(np.choose(rng.integers(0, len(ways), len(numbers)), [way.to_numpy(dtype=object) for way in ways]))


def dirtied(frames: dict[str, pd.DataFrame], folder: Path, rng: np.random.Generator) -> Path:
    """Write the set as users bring it: months that overlap, other encodings and names, other spellings, rows pushed again."""
    calls = frames["calls"].copy()
    calls["callee"] = spelled(calls["callee"], rng)
    for name in ("direction", "result"):
        calls[name] = calls[name].astype(object).map(lambda word: WORDS.get(word, word)).fillna("--")
    (folder / "話單").mkdir(parents=True)
    encodings = {1: "gb18030", 2: "utf-16", 3: "utf-8-sig", 4: "utf-8", 12: "gb18030"}
    for number, month in enumerate(sorted(calls["started_at"].dt.to_period("M").unique())):
        first, last = month.start_time - pd.Timedelta(days=2), month.end_time + pd.Timedelta(days=2)
        part = calls[(calls["started_at"] >= first) & (calls["started_at"] <= last)]
        part = pd.concat([part, *[part.sample(frac=0.05, random_state=number)] * 3]).sample(frac=1, random_state=number)
        how = ["slashes", "epoch", "utc", "serial"][number % 4]
        for name in ("started_at", "available_at"):
            part[name] = stamps(part[name], how)
        text = part.rename(columns=CHINESE["calls"]).to_csv(index=False, sep=",;\t"[number % 3], na_rep="null")
        content = text.encode(encodings[month.month])
        path = folder / "話單" / f"{month}.csv{'.gz' if number == 0 else ''}"
        path.write_bytes(gzip.compress(content) if number == 0 else content)
    payments = frames["payments"].assign(amount_due=(frames["payments"]["amount_due"] * 100).round().astype(int).map("{:,}".format))
    payments.rename(columns=CHINESE["payments"]).sample(frac=1, random_state=1).to_excel(folder / "缴费.xlsx", index=False)
    messages = frames["messages"].assign(sent_at=stamps(frames["messages"]["sent_at"], "utc")).rename(columns=CHINESE["messages"])
    messages.to_csv(folder / "短信.tsv", index=False, sep="\t", encoding="gb18030")
    for name in set(frames) - {"calls", "payments", "messages"}:
        frames[name].sample(frac=1, random_state=2).to_csv(folder / f"{name}.csv", index=False, na_rep="\\N", encoding="gb18030")
    return folder


@pytest.fixture(scope="module")
def both(few: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    frames = clean_set(few)
    folder = tmp_path_factory.mktemp("dirtied")
    (folder / "clean").mkdir()
    for name, frame in frames.items():
        frame.to_parquet(folder / "clean" / f"{name}.parquet")
    return read_tables(folder / "clean"), read_tables(dirtied(frames, folder / "dirty", np.random.default_rng(5)))


def test_the_dirtied_set_was_dirty_and_reads_to_the_same_rows(both: tuple[Tables, Tables]) -> None:
    clean, dirty = both
    counts = {count.table: count for count in dirty.accounting}
    assert counts["calls"].duplicates > counts["calls"].used // 10
    assert all(count.quarantined == 0 for count in dirty.accounting)
    assert len(counts["calls"].files) >= 3
    assert dirty.digest() == clean.digest()


def test_features_are_the_same_to_the_bit(both: tuple[Tables, Tables]) -> None:
    cards = both[0].frame("cards")["card_id"]
    asked = pd.DataFrame([(card, day) for day in AS_OF for card in cards], columns=["card_id", "as_of"])
    frames = [vectors(tables, asked) for tables in both]
    assert frames[0].drop(columns=["card_id", "as_of"]).notna().to_numpy().mean() > 0.5
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_scores_are_the_same_to_the_bit(both: tuple[Tables, Tables], demo: Path) -> None:
    model = load_model(demo / "demo/model")
    scores = [predict(tables, model=model, as_of=AS_OF[-1]) for tables in both]
    assert len(scores[0]) > CARDS // 2
    pd.testing.assert_frame_equal(*scores, check_exact=True)
