"""One contender in its own process: `python benchmarks/contend.py NAME DATA [OUT.parquet]`; prints its CPU seconds as JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from columns import COLUMNS
from data import AS_OFS

Frame = pd.DataFrame
_GROUP = ["card_id", "as_of"]


def ours(folder: Path, memory: str | None = None, columns: tuple[str, ...] | None = COLUMNS) -> tuple[Frame, dict[str, float]]:
    """Read through the door (every cell checked, duplicates dropped), then compute the vectors."""
    from blockrisk.features import at_risk, read_tables, vectors

    start = time.process_time()
    tables = read_tables(folder, memory=memory)
    read = time.process_time()
    found = vectors(tables, at_risk(tables, AS_OFS), columns)
    repeated = next(count.duplicates for count in tables.accounting if count.table == "calls")
    return found, {"reading": read - start, "features": time.process_time() - read, "repeated": repeated}


def scan(folder: Path) -> tuple[Frame, dict[str, float]]:
    """Read every column of every row with DuckDB and do nothing with it: the floor."""
    import duckdb

    files = f"read_parquet('{folder}/calls/*.parquet')"
    names = [name for name, *_ in duckdb.sql(f"describe select * from {files}").fetchall()]
    return duckdb.sql(f"select {', '.join(f'max({name})' for name in names)} from {files}").df(), {}


def polars(folder: Path) -> tuple[Frame, dict[str, float]]:
    """Compute the 41 columns with Polars' streaming engine, one date after the other."""
    import polars as pl

    cards = pl.scan_parquet(folder / "cards.parquet").select("card_id", "home_region")
    calls = pl.scan_parquet(folder / "calls" / "*.parquet").join(cards, on="card_id")
    found = [_polars_at(pl, calls, as_of).collect(engine="streaming") for as_of in AS_OFS]
    return pl.concat(found).to_pandas(), {}


def _polars_at(pl, calls, as_of: str):  # type: ignore[no-untyped-def]
    end = pd.Timestamp(as_of).to_pydatetime()
    every = calls.filter((pl.col("started_at") < end) & (pl.col("started_at") >= end - pd.Timedelta(days=30))).with_columns(
        age=(pl.lit(end) - pl.col("started_at")).dt.total_microseconds(), hour=pl.col("started_at").dt.hour()
    )
    every = every.with_columns(day=(pl.col("age") - 1) // 86_400_000_000, off=(pl.col("hour") < 8) | (pl.col("hour") >= 21))
    dialled = every.filter(pl.col("direction") == "out").sort("started_at")
    answered = pl.col("result") == "answered"
    away = pl.col("region") != pl.col("home_region")
    rows, where = [], {days: pl.col("day") < days for days in (1, 7, 30)}
    for days, w in where.items():
        n, heard = w.sum(), (w & answered).sum()
        rows += [
            n.alias(f"calls_out_{days}d"),
            (heard / n).alias(f"answer_rate_{days}d"),
            ((w & answered & (pl.col("talk_s") <= 10)).sum() / heard).alias(f"short_call_ratio_10s_{days}d"),
            pl.col("talk_s").filter(w & answered).mean().alias(f"avg_talk_s_{days}d"),
            pl.col("talk_s").filter(w & answered).median().alias(f"median_talk_s_{days}d"),
            ((w & pl.col("off")).sum() / n).alias(f"off_hours_ratio_{days}d"),
            pl.col("callee").filter(w).n_unique().alias(f"distinct_callees_{days}d"),
        ]
        if days > 1:
            rows.append(
                (pl.col("started_at").filter(w).diff().dt.total_microseconds().median() / 1e6).alias(f"interevent_median_s_{days}d")
            )
    by_card = dialled.group_by("card_id").agg(rows)
    places = every.group_by("card_id").agg(
        *((w & away).sum().truediv(w.sum()).alias(f"offsite_call_ratio_{days}d") for days, w in where.items()),
        *(pl.col("region").filter(where[days]).n_unique().alias(f"distinct_serving_cities_{days}d") for days in (7, 30)),
    )
    hours = dialled.group_by("card_id", "day", "hour").agg(n=pl.len())
    most = hours.group_by("card_id").agg(
        pl.col("n").filter(w).max().alias(f"calls_out_max_hour_{days}d") for days, w in where.items()
    )
    by_day = dialled.group_by("card_id", "day").agg(n=pl.len())
    busiest = by_day.group_by("card_id").agg(
        *(pl.col("n").filter(where[days]).max().alias(f"calls_out_max_day_{days}d") for days in (7, 30)),
        *((where[days] & (pl.col("n") > 200)).sum().alias(f"days_over_daily_limit_{days}d") for days in (7, 30)),
    )
    pairs = dialled.group_by("card_id", "callee").agg(where[7].sum().alias("n7"), pl.len().alias("n30"))
    entropy = pairs.group_by("card_id").agg(
        (pl.col(f"n{d}").filter(pl.col(f"n{d}") > 0) / pl.col(f"n{d}").sum()).entropy(normalize=False).alias(f"callee_entropy_{d}d")
        for d in (7, 30)
    )
    joined = by_card.join(places, on="card_id", how="full", coalesce=True)
    for part in (most, busiest, entropy):
        joined = joined.join(part, on="card_id", how="left")
    return joined.with_columns(
        *(
            pl.when(pl.col(f"calls_out_{d}d") >= 5)
            .then(pl.col(f"distinct_callees_{d}d") / pl.col(f"calls_out_{d}d"))
            .alias(f"distinct_callee_ratio_{d}d")
            for d in (1, 7, 30)
        ),
        ((pl.col("calls_out_7d") / 7) / (pl.col("calls_out_30d") / 30)).alias("calls_out_trend_7v30"),
        as_of=pl.lit(end),
    ).select(*_GROUP, *COLUMNS)


def pandas(folder: Path) -> tuple[Frame, dict[str, float]]:
    """Compute the 41 columns with pandas, one date after the other."""
    cards = pd.read_parquet(folder / "cards.parquet").set_index("card_id")["home_region"]
    names = ["card_id", "started_at", "callee", "talk_s", "direction", "result", "region"]
    calls = pd.read_parquet(folder / "calls", columns=names)
    return pd.concat([_pandas_at(calls, cards, as_of) for as_of in AS_OFS]), {}


def _pandas_at(calls: Frame, cards: pd.Series, as_of: str) -> Frame:
    end = pd.Timestamp(as_of)
    month = calls[(calls["started_at"] < end) & (calls["started_at"] >= end - pd.Timedelta(days=30))]
    month = month.assign(hour=month["started_at"].dt.hour, age=(end - month["started_at"] - pd.Timedelta(microseconds=1)).dt.days)
    month["away"] = month["region"].to_numpy() != cards.reindex(month["card_id"]).to_numpy()
    found: dict[str, pd.Series] = {}
    for days in (1, 7, 30):
        every = month[month["age"] < days]
        found |= _window(every, every[every["direction"] == "out"], days)
    frame = pd.DataFrame(found).rename_axis("card_id")
    frame["calls_out_trend_7v30"] = (frame["calls_out_7d"] / 7) / (frame["calls_out_30d"] / 30)
    return frame.assign(as_of=end).reset_index()[[*_GROUP, *COLUMNS]]


def _window(every: Frame, dialled: Frame, days: int) -> dict[str, pd.Series]:
    import numpy as np

    by = dialled.groupby("card_id")
    heard = dialled[dialled["result"] == "answered"]
    talk, n = heard.groupby("card_id")["talk_s"], by.size()
    pairs = dialled.groupby(["card_id", "callee"]).size()
    callees = pairs.groupby(level=0).size()
    found = {
        "calls_out": n,
        "answer_rate": talk.size().reindex(n.index, fill_value=0) / n,
        "short_call_ratio_10s": (heard["talk_s"] <= 10).groupby(heard["card_id"]).mean(),
        "avg_talk_s": talk.mean(),
        "median_talk_s": talk.median(),
        "off_hours_ratio": ((dialled["hour"] < 8) | (dialled["hour"] >= 21)).groupby(dialled["card_id"]).mean(),
        "offsite_call_ratio": every.groupby("card_id")["away"].mean(),
        "calls_out_max_hour": dialled.groupby(["card_id", "age", "hour"]).size().groupby(level=0).max(),
        "distinct_callees": callees,
        "distinct_callee_ratio": (callees / n)[n >= 5],
    }
    if days > 1:
        by_day = dialled.groupby(["card_id", "age"]).size()
        gaps = dialled.sort_values(["card_id", "started_at"])
        gap = gaps["started_at"].diff().dt.total_seconds()[gaps["card_id"].to_numpy() == gaps["card_id"].shift().to_numpy()]
        found |= {
            "calls_out_max_day": by_day.groupby(level=0).max(),
            "days_over_daily_limit": (by_day > 200).groupby(level=0).sum(),
            "callee_entropy": np.log(n) - (pairs * np.log(pairs)).groupby(level=0).sum() / n,
            "distinct_serving_cities": every.groupby("card_id")["region"].nunique(),
            "interevent_median_s": gap.groupby(gaps["card_id"]).median(),
        }
    return {f"{name}_{days}d": values for name, values in found.items()}


CONTENDERS: dict[str, Callable[[Path], tuple[Frame, dict[str, float]]]] = {
    "ours": ours,
    "ours, all shipped columns": lambda folder: ours(folder, columns=None),
    "ours, --memory 2GB": lambda folder: ours(folder, memory="2GB"),
    "Polars streaming": polars,
    "pandas": pandas,
    "DuckDB scan": scan,
}


def main(name: str, folder: str, out: str = "") -> None:
    """Run one contender, and write its vectors if a file is named."""
    found, phases = CONTENDERS[name](Path(folder))
    if out:
        found.to_parquet(out, index=False)
    print(json.dumps(phases))  # noqa: T201 - its parent reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
