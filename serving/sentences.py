"""What is said to people in scoring: each sentence in English and in traditional Chinese."""

from typing import Final

from blockrisk.features.errors import Sentences

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "costs": (
        "the costs {missed:g} of a missed block and {looked_at:g} of looking at a card give no list; looking at a card must cost"
        " more than 0 and less than a missed block",
        "漏掉一次封停的代價 {missed:g} 與查看一張卡的代價 {looked_at:g} 定不出名單；查看的代價必須大於 0 且小於漏掉一次封停的代價",
    ),
    "no_findings": (
        "{file} holds no findings of a morning; write them with `blockrisk monitor --out`",
        "{file} 不是早間監測的結果；請用 `blockrisk monitor --out` 寫出",
    ),
    "findings_unreadable": (
        "{file}: no findings can be read; write them with `blockrisk monitor --out`",
        "{file}：讀不出監測結果；請用 `blockrisk monitor --out` 寫出",
    ),
    "findings_date": (
        "{path} holds the findings of {told}, but the page is of {date}; give those of {date}, or score with --as-of {told}",
        "{path} 是 {told} 的監測結果，而頁面是 {date} 的；請給出 {date} 的結果，或以 --as-of {told} 評分",
    ),
    "pack_ending": (
        "{file}: the pack is a page to print; write a name that ends in .html",
        "{file}：申訴資料是供列印的頁面；檔名請以 .html 結尾",
    ),
    "no_dates_to_explain": (
        "{bundle} was trained on ready-made vectors and cannot explain tables; use predict(reasons=True)",
        "{bundle} 由現成的向量訓練，無法解釋資料表；請用 predict(reasons=True)",
    ),
    "not_at_risk": (
        "card {card} is not at risk at {as_of} (not yet active, given up, or inside a block); give a date on which it was in use",
        "卡 {card} 在 {as_of} 沒有封停風險（尚未啟用、已銷戶或正被封停）；請給出它在用的日期",
    ),
    "out_twice": ("--out names one file twice: {files}; name each once", "--out 把同一檔案指了兩次：{files}；每個只指一次"),
    "page_needs_dates": (
        "{file}: a page tells of days and ready-made vectors have none; score a data folder, or write .xlsx",
        "{file}：頁面要講日期，而現成的向量沒有；請對資料夾評分，或改寫 .xlsx",
    ),
    "no_dates_to_score": (
        "{bundle} was trained on ready-made vectors and cannot score tables; give vectors",
        "{bundle} 由現成的向量訓練，無法對資料表評分；請給向量",
    ),
    "as_of": (
        "as_of: {error}; give dates such as 2025-06-01, or leave as_of out",
        "as_of：{error}；請給 2025-06-01 這樣的日期，或不給 as_of",
    ),
    "no_number": (
        "{column}: {error}; give a number, or leave it out where it is unknown",
        "{column}：{error}；請給數字，不知道就略去",
    ),
    "no_call": (
        "there is no call, so the date of the forecast is unknown; give as_of",
        "沒有任何通話，不知道預測哪一天；請給出 as_of",
    ),
    "no_means": (
        "{bundle} holds no training means to explain scores against; train it again",
        "{bundle} 沒有供解釋對照的訓練均值；請重新訓練",
    ),
    "too_many_rows": (
        "{file}: {rows:,} scores, and a sheet holds {most:,}; write .csv or .parquet",
        "{file}：有 {rows:,} 條評分，而一張工作表只容 {most:,} 條；請寫 .csv 或 .parquet",
    ),
    "summary": (
        "{rows:,} scores{when} written to {files}: {bands}",
        "已寫出 {rows:,} 條評分{when}到 {files}：{bands}",
    ),
    "expected": ("; {blocks:.1f} blocks expected", "；預計封停 {blocks:.1f} 次"),
    "at_dates": (" at {count} dates", "（{count} 個預測日）"),
    "at_date": (" at {date}", "（預測日 {date}）"),
    "vectors_read": ("{file}: {rows:,} rows read = {scored:,} scored", "{file}：讀入 {rows:,} 行 = 評分 {scored:,}"),
    "evidence_written": (
        "Evidence of card {card} over the {days} days before {as_of} written to {out}",
        "卡 {card} 在 {as_of} 之前 {days} 天的資料已寫到 {out}",
    ),
}
"""Code -> English, traditional Chinese."""

_SENTENCES = Sentences(_TEXTS)
say, mistake = _SENTENCES.say, _SENTENCES.mistake
