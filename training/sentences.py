"""What is said to people in training: each sentence in English and in traditional Chinese."""

from typing import Final

from blockrisk.features.errors import Sentences

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "few_before_origin": (
        "{known} blocks start before the first origin {origin}; at least {least} are needed to learn anything; supply a longer"
        " period or more cards",
        "第一個起點 {origin} 之前只有 {known} 次封停；至少要 {least} 次才學得到東西；請提供更長的期間或更多的卡",
    ),
    "unknown_learner": ('--learner "{name}" is not known; choose among {known}', '--learner "{name}" 不認識；請從 {known} 中選'),
    "no_learner_to_ship": (
        '--learner "{name}" is none that can be shipped; choose one of {known}',
        '--learner "{name}" 不能作為成品；請從 {known} 中選一個',
    ),
    "no_card_at_risk": (
        "no card is at risk on any prediction date with a known label; check activated_at and blocks",
        "任何結果已知的預測日都沒有處於風險中的卡；請檢查 activated_at 與 blocks",
    ),
    "few_blocks": (
        "{blocks} blocks of kinds {kinds} start before the end of observation; at least {least} are needed to learn anything;"
        " supply a longer period or more cards",
        "觀察結束前只有 {blocks} 次 {kinds} 類封停；至少要 {least} 次才學得到東西；請提供更長的期間或更多的卡",
    ),
    "few_positives": (
        "{blocks} blocks start before {end}, but only {positives} rows to learn from end in one; the others lie outside the period"
        " of the calls, or their card was not at risk; at least {least} are needed to learn anything; supply the calls of the time"
        " before the blocks",
        "{end} 之前有 {blocks} 次封停，但可學的行中只有 {positives} 行以封停告終；其餘不在通話的期間內，或其卡當時不在風險中；"
        "至少要 {least} 行才學得到東西；請補上封停之前的通話",
    ),
    "few_positives_acted": (
        "{blocks} blocks start before {end}, but only {positives} rows to learn from end in one; the others lie outside the period"
        " of the calls, or their card was not at risk or was acted on first; at least {least} are needed to learn anything; supply"
        " the calls of the time before the blocks",
        "{end} 之前有 {blocks} 次封停，但可學的行中只有 {positives} 行以封停告終；其餘不在通話的期間內，或其卡當時不在風險中、"
        "或已先被處置；至少要 {least} 行才學得到東西；請補上封停之前的通話",
    ),
    "horizon": (
        "--horizon is {horizon}; it must be 1 to {longest} days; 7 is usual",
        "--horizon 是 {horizon}；必須是 1 到 {longest} 天；通常是 7",
    ),
    "until_no_midnight": (
        '--until "{asked}" is no midnight; write a date such as {date}',
        '--until "{asked}" 不是零點；請寫 {date} 這樣的日期',
    ),
    "until_no_date": ('--until "{asked}" is no date; write 2026-03-01', '--until "{asked}" 不是日期；請寫成 2026-03-01'),
    "no_blocks": (
        "the data hold no table blocks; training learns from it; add blocks.csv with card_id and blocked_at, or train on vectors"
        " that carry a label (--vectors)",
        "資料中沒有 blocks 表，而訓練要從它學；請加上含 card_id 與 blocked_at 的 blocks.csv，或用帶標籤的向量訓練（--vectors）",
    ),
    "no_call": (
        "calls: no row is left; the end of the data is the midnight after the last call; supply calls",
        "calls：一行也不剩；資料止於最後一次通話後的零點；請提供通話",
    ),
    "report_ending": (
        "{file}: the report is a page; write a name that ends in .html",
        "{file}：報告是頁面；檔名請以 .html 結尾",
    ),
    "no_backtest": (
        "{folder} is no backtest; make one with `blockrisk backtest DATA --out {folder}`",
        "{folder} 不是回測；請用 `blockrisk backtest DATA --out {folder}` 製作",
    ),
    "few_days_to_backtest": (
        "the data hold {days} days before {until}; a backtest with a horizon of {horizon} days needs about {needed}; supply a"
        " longer period or a shorter --horizon",
        "{until} 之前的資料有 {days} 天；預測期 {horizon} 天的回測約需 {needed} 天；請提供更長的期間或更短的 --horizon",
    ),
    "few_days": (
        "the data hold {seen} days before {until}; a horizon of {horizon} days needs at least {needed} ({history} of history, then"
        " train, calibrate and test); supply a longer period or a shorter --horizon",
        "{until} 之前的資料有 {seen} 天；預測期 {horizon} 天至少需要 {needed} 天（{history} 天歷史，然後訓練、校準、測試）；"
        "請提供更長的期間或更短的 --horizon",
    ),
    "few_labels": (
        "the label column holds {ones} ones and {zeros} zeros; a split needs at least 5 of each; supply more rows",
        "標籤欄位有 {ones} 個 1 和 {zeros} 個 0；劃分至少各需 5 個；請提供更多的行",
    ),
    "few_of_label": (
        "the label {label!r} has {rarer} rows of its rarer value; at least {least} are needed to learn anything; supply more rows",
        "標籤 {label!r} 較少的一類只有 {rarer} 行；至少要 {least} 行才學得到東西；請提供更多的行",
    ),
    "not_ours": (
        "{out} exists and is no {what}, so it is not touched; give another --out",
        "{out} 已存在，且不是 {what}，因此不動它；請另給 --out",
    ),
    "out_exists": (
        "{out} exists already; give another --out, or --replace to put the new {what} in its place",
        "{out} 已存在；請另給 --out，或用 --replace 以新的 {what} 取代",
    ),
    "out_is_file": ("{out} is a file; name a folder to write into", "{out} 是檔案；請指明要寫入的資料夾"),
    "out_not_empty": (
        "{out} is not empty; name another folder, or pass --replace to write it anew",
        "{out} 不是空的；請另指資料夾，或用 --replace 重寫",
    ),
    "out_foreign": (
        "{out} holds {name}, which is no Parquet file of a simulation; name another folder",
        "{out} 含有 {name}，它不是模擬的 Parquet 檔案；請另指資料夾",
    ),
    "seed": ("seed is {seed}; give a whole number of at least 0", "seed 是 {seed}；請給不小於 0 的整數"),
    "no_count": ("{name} is {value}; give a whole number of at least 1", "{name} 是 {value}；請給不小於 1 的整數"),
    "horizons": (
        '--horizons "{asked}" is no list of days; write whole days of 1 to {longest}, such as 1,7,30',
        '--horizons "{asked}" 不是天數的列表；請寫 1 到 {longest} 的整天數，如 1,7,30',
    ),
    "capacity_or_costs": (
        "give either --capacity or --costs; the list is made by one of them",
        "--capacity 與 --costs 只給一個；名單由其中之一決定",
    ),
    "data_or_vectors": (
        "give either a data folder or --vectors FILE; the first for tables with dates, the second without",
        "資料夾與 --vectors FILE 只給一個；前者用於有日期的資料表，後者用於沒有日期的向量",
    ),
    "label_missing": (
        "--vectors needs --label COLUMN, the column of 0 and 1 that is learned",
        "--vectors 需要 --label COLUMN，即要學的 0 與 1 那一欄",
    ),
    "findings_ending": (
        "--out {file}: findings are written as JSON; write FILE.json",
        "--out {file}：監測結果寫成 JSON；請寫 FILE.json",
    ),
    "no_dates_to_monitor": (
        "{bundle}: the model was trained on vectors without dates; monitoring needs one trained on tables",
        "{bundle}：模型由沒有日期的向量訓練；監測需要由資料表訓練的模型",
    ),
    "no_scores": (
        "{folder}: no folder of score files; name the one that holds YYYY-MM-DD.parquet, one a morning",
        "{folder}：不是評分檔案的資料夾；請指明存有每日一個 YYYY-MM-DD.parquet 的資料夾",
    ),
    "no_scores_of_days": (
        "{folder}: no score file from {first} to {last}; score the mornings first",
        "{folder}：{first} 到 {last} 沒有評分檔案；請先對這些早晨評分",
    ),
    "no_scores_as_named": (
        "{folder}: no score file is of the morning that its name says; as_of inside and the name must agree",
        "{folder}：沒有一個評分檔案與其檔名所說的早晨相符；檔內的 as_of 必須與檔名一致",
    ),
    "scores_of_no_day": (
        "{file} in the folder of scores is of no day of the calendar; name it YYYY-MM-DD.parquet",
        "評分資料夾中的 {file} 不是日曆上的日期；請命名為 YYYY-MM-DD.parquet",
    ),
    "scores_without": (
        "{file} holds no column {column}; it must be a score file that `blockrisk score` wrote",
        "{file} 沒有欄位 {column}；它必須是 `blockrisk score` 寫出的評分檔案",
    ),
    "scores_unreadable": (
        "{file} in the folder of scores cannot be read ({reason}); score that morning again",
        "評分資料夾中的 {file} 讀不出來（{reason}）；請重新對那個早晨評分",
    ),
    "monitored": (
        "Monitoring at {as_of}: {made} checks made, {failed} failed, {alarms} alarms",
        "{as_of} 的監測：作了 {made} 項檢查，{failed} 項失敗，{alarms} 個警報",
    ),
    "failed": ("FAILED: {why}", "失敗：{why}"),
    "alarm": ("ALARM: {what}", "警報：{what}"),
    "too_early": ("too early: {what}", "為時尚早：{what}"),
    "no_earlier_morning": (
        "no earlier morning to compare with: at {then} the data do not yet reach {days} days back",
        "沒有更早的早晨可比：在 {then} 資料尚未滿 {days} 天",
    ),
    "none_at_risk_then": (
        "no card was at risk on one of the mornings that are compared",
        "所比的早晨中有一個沒有處於風險中的卡",
    ),
    "no_effect": (
        "no ripe alert with, or none without, an action within a day: their effect cannot be told",
        "已到期的提示中，沒有一日內處置過的，或沒有未處置的：說不出處置的效果",
    ),
    "no_day_over": (
        "no day after a score file is over yet, so no block can be held against a forecast",
        "評分之後還沒有過完一天，因此沒有封停可與預測對照",
    ),
    "no_ripe_list": (
        "what became of cards is known until {end}, and no list was {days} days old by then, so none can be judged",
        "卡的結果已知到 {end} 為止，那時還沒有滿 {days} 天的名單，因此都無法評判",
    ),
}
"""Code -> English, traditional Chinese."""

_SENTENCES = Sentences(_TEXTS)
say, mistake = _SENTENCES.say, _SENTENCES.mistake
