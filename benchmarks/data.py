"""Data of the benchmarks: 10,000 cards, 60 days, one Parquet file a day sorted by time, four weekly dates to forecast at."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CARDS, DAYS = 10_000, 60
FIRST = np.datetime64("2026-01-01", "us")
DAY_US = 86_400_000_000
AS_OFS = ("2026-02-08", "2026-02-15", "2026-02-22", "2026-03-01")
REGIONS = pa.array([f"city-{n:02d}" for n in range(30)])
RESULTS = pa.array(["answered", "no_answer", "busy", "rejected", "invalid_number", "power_off"])


def make(folder: Path, calls: int, seed: int = 1, cards: int = CARDS, days: int = DAYS) -> None:
    """Write a data set of about `calls` calls: cards, limits and a folder of daily files of calls."""
    rng = np.random.default_rng(seed)
    (folder / "calls").mkdir(parents=True)
    ids = pa.array([f"8613{n:09d}" for n in range(cards)])
    home = rng.integers(0, len(REGIONS), cards)
    columns = {
        "card_id": ids,
        "operator": ["A"] * cards,
        "home_region": REGIONS.take(pa.array(home)),
        "activated_at": [FIRST] * cards,
    }
    pq.write_table(pa.table(columns), folder / "cards.parquet")
    limit = {"operator": ["*"], "region": [""], "valid_from": [None], "quantity": ["daily_calls"], "value": ["200"]}
    pq.write_table(pa.table({**limit, "source": ["bench"], "verified": ["no"]}), folder / "limits.parquet")
    busy = rng.lognormal(0, 0.9, cards)
    share = np.cumsum(busy / busy.sum())
    for day in range(days):
        pq.write_table(_day(rng, day, calls // days, share, ids, home), folder / "calls" / f"{day:03d}.parquet")


def _day(rng: np.random.Generator, day: int, rows: int, share: np.ndarray, ids: pa.Array, home: np.ndarray) -> pa.Table:
    """Draw one day: most numbers are new, one call in ten goes to one of twenty that the card dials again and again."""
    card = np.minimum(np.searchsorted(share, rng.random(rows)), len(ids) - 1)
    at = np.sort((rng.triangular(7, 10, 22, rows) * 3600).astype(np.int64)) * 1_000_000 + day * DAY_US
    callee = rng.integers(0, 10**9, rows)
    known = rng.random(rows) < 0.1
    callee[known] = 10**9 + card[known] * 20 + rng.integers(0, 20, known.sum())
    result = np.where(rng.random(rows) < 0.45, 0, rng.integers(1, len(RESULTS), rows))
    talk = np.where(result == 0, np.round(rng.lognormal(3, 1.1, rows), 1), 0.0)
    region = np.where(rng.random(rows) < 0.93, home[card], rng.integers(0, len(REGIONS), rows))
    return pa.table(
        {
            "card_id": ids.take(pa.array(card)),
            "started_at": pa.array(FIRST + at.astype("timedelta64[us]")),
            "callee": pa.array(callee).cast(pa.string()),
            "talk_s": talk,
            "direction": pa.array(["out", "in"]).take(pa.array((rng.random(rows) < 0.03).astype(np.int8))),
            "result": RESULTS.take(pa.array(result)),
            "region": REGIONS.take(pa.array(region)),
            "imei": pa.array(860_000_000_000_000 + card * 3).cast(pa.string()),
        }
    )
