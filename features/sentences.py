"""What is said to people where data are read: each sentence in English and in traditional Chinese."""

RULES: dict[str, tuple[str, str]] = {
    "blank": ("is blank; the column is required", "是空的；此欄位必填"),
    "no_time": (
        "is no date and time between 1990 and 2100; write 2025-12-01 09:30",
        "不是 1990 年至 2100 年之間的日期時間；請寫成 2025-12-01 09:30",
    ),
    "day_or_month": (
        "may be day/month or month/day; write 2025-12-01, or say order in mapping.toml",
        "分不清日在前還是月在前；請寫成 2025-12-01，或在 mapping.toml 中用 order 說明",
    ),
    "future": (
        "is later than today + 1 day; repair the date, or give --today",
        "晚於今天加一天；請改正日期，或用 --today 給出今天",
    ),
    "no_number": ("is no number", "不是數字"),
    "too_small": ("is no number of at least {least}", "不是大於等於 {least} 的數字"),
    "unsure_duration": (
        "is no duration that can be read for certain; write seconds as 83, or 00:01:23",
        "不是能確定的時長；請寫秒數 83，或寫 00:01:23",
    ),
    "digits_lost": (
        "is a number with decimals or an exponent: its last digits are lost; export the column as text",
        "是科學記數或帶小數的數字，末尾的位數已經丟失；請把此欄位作為文字匯出",
    ),
    "total": ("is a total, not a card; remove the row", "是合計行，不是卡；請刪去此行"),
    "masked_card": (
        "is masked: it may stand for several cards; export the whole number",
        "號碼被遮蔽，可能是幾張卡；請匯出完整的號碼",
    ),
    "cells": (
        "cells, but the header has {columns} columns; repair the row",
        "個單元格，而表頭有 {columns} 個；請改正此行",
    ),
    "above": (
        "cells stand above the header; put the header first, or remove the row",
        "個單元格在表頭之上；請把表頭放在最前，或刪去此行",
    ),
    "quote": ("a quote is opened and never closed; repair the row", "有引號沒有閉合；請改正此行"),
    "bytes": (
        "holds bytes that are no text in the encoding of the file; export it again",
        "含有無法按檔案編碼讀出的位元組；請重新匯出",
    ),
    "nul": ("holds a NUL character; export it again", "含有 NUL 字元；請重新匯出"),
}
"""Why a row is set aside: the rule that a cell broke."""

TEXTS: dict[str, tuple[str, str]] = {
    "no_folder": (
        "{path} is no folder; give the folder that holds cards.csv and calls.csv (or .parquet, .xlsx)",
        "{path} 不是資料夾；請給出放有 cards.csv 和 calls.csv（或 .parquet、.xlsx）的資料夾",
    ),
    "no_table": (
        "{where} has no table {table} ({meaning}); there is: {there}; add {table}.csv or {table}.parquet with the "
        "columns {columns}",
        "{where} 中沒有 {table} 表（{meaning}）；現有：{there}；請加入 {table}.csv 或 {table}.parquet，欄位為 {columns}",
    ),
    "no_column": (
        "{label} has no column {column} ({meaning}); there are: {there}; rename or add {column}, or write into mapping.toml "
        'under [{table}]: {column} = "your column"',
        "{label} 沒有欄位 {column}（{meaning}）；現有：{there}；請改名或加入 {column}，"
        '或在 mapping.toml 的 [{table}] 下寫：{column} = "您的欄位"',
    ),
    "ambiguous": (
        "{label}: {count} columns may be {column}: {there}; write into mapping.toml under [{table}]: {line}",
        "{label}：有 {count} 個欄位都可能是 {column}：{there}；請在 mapping.toml 的 [{table}] 下寫：{line}",
    ),
    "ambiguous_unit": (
        "{label}: the unit of {header} is unknown; write into mapping.toml under [{table}]: {line}",
        "{label}：{header} 的單位不明；請在 mapping.toml 的 [{table}] 下寫：{line}",
    ),
    "ambiguous_dates": (
        '{label} line {line}: {column} "{value}" may be day/month or month/day; write into mapping.toml under [{table}]: {repair} '
        '(order = "dmy": the day comes first)',
        '{label} 第 {line} 行：{column} "{value}" 分不清日在前還是月在前；請在 mapping.toml 的 [{table}] 下寫：{repair}'
        '（order = "dmy" 表示日在前）',
    ),
    "twice": (
        "{label}: the column name {header} stands twice in the header; rename one",
        "{label}：表頭中欄位 {header} 出現兩次；請把其中一個改名",
    ),
    "empty": ("{label} is empty; the first line must name the columns", "{label} 是空的；第一行必須是欄位名稱"),
    "either_encoding": (
        '{label} line {line}: the bytes of "{utf8}" in UTF-8 are "{gb18030}" in GB18030, and nothing in the file settles which '
        "it is; save it as CSV UTF-8",
        "{label} 第 {line} 行：UTF-8 的「{utf8}」與 GB18030 的「{gb18030}」位元組相同，檔案中無從分辨；請另存為 CSV UTF-8",
    ),
    "unreadable": ("{label} cannot be read ({why}); export it again", "{label} 無法讀取（{why}）；請重新匯出"),
    "no_parquet": (
        "{label} is no readable Parquet file ({why}); export it again",
        "{label} 不是可讀的 Parquet 檔案（{why}）；請重新匯出",
    ),
    "no_workbook": (
        "{label} is no readable workbook ({why}); save it again as .xlsx or CSV",
        "{label} 不是可讀的工作簿（{why}）；請重新存為 .xlsx 或 CSV",
    ),
    "old_workbook": (
        "{label}: old workbooks are not read; save it as {stem}.xlsx",
        "{label}：不讀取舊式工作簿；請另存為 {stem}.xlsx",
    ),
    "sheets": (
        "{label} has several sheets with rows: {there}; name one {table} or keep only one",
        "{label} 有幾張含資料的工作表：{there}；請把其中一張命名為 {table}，或只留一張",
    ),
    "empty_folder": ("{folder}/ holds no {endings} file; there is: {there}", "{folder}/ 中沒有 {endings} 檔案；現有：{there}"),
    "unknown_table": ("no table is called {name}; the tables are: {there}", "沒有名為 {name} 的表；可用的表：{there}"),
    "mixed_types": ("{label}: {why}; give each column one type, ids as text", "{label}：{why}；每個欄位請只用一種類型，號碼用文字"),
    "wrong_type": (
        "{label}: column {column} has the type {kind}, {needed} is needed; convert it",
        "{label}：欄位 {column} 的類型是 {kind}，需要 {needed}；請轉換",
    ),
    "no_rows": ("no row of {table} can be used; {first}", "{table} 沒有一行可用；{first}"),
    "template_written": ("{path} written: a sheet a table, fill in what you have", "已寫出 {path}：每張表一個工作表，有什麼填什麼"),
    "mapping_written": ("{path} written: what you change in it rules", "已寫出 {path}：以此檔案的內容為準"),
    "no_writing": (
        "{path} cannot be written ({why}); leave out --write-mapping, the columns are found without it",
        "{path} 無法寫入（{why}）；請去掉 --write-mapping，沒有此檔案也能找到欄位",
    ),
    "template_name": (
        "{name}: a template is a workbook; write a name that ends in .xlsx",
        "{name}：範本是工作簿；名稱請以 .xlsx 結尾",
    ),
    "zone": (
        'zone "{zone}" is unknown; write an IANA name such as Asia/Shanghai',
        '時區 "{zone}" 不明；請寫 IANA 名稱，如 Asia/Shanghai',
    ),
    "memory": ('memory "{memory}" is no size; write 2GB or 800MB', '記憶體 "{memory}" 不是大小；請寫 2GB 或 800MB'),
    "no_room": (
        "there is no room for the work ({why}); {folder} has {free} GB free: free some, name another folder in TMPDIR, "
        "or give more with --memory",
        "空間不足（{why}）；{folder} 剩餘 {free} GB：請釋放空間、用 TMPDIR 指定其他資料夾，或以 --memory 給更多記憶體",
    ),
    "mapping_syntax": ("mapping.toml cannot be read ({why}); repair or delete it", "mapping.toml 無法讀取（{why}）；請改正或刪去"),
    "mapping_entry": (
        'mapping.toml: {entry} is no entry; write [calls] and below it talk_s = "your column" or '
        'talk_s = {{ column = "your column", unit = "min" }}',
        'mapping.toml：{entry} 不是有效的條目；請寫 [calls]，下面寫 talk_s = "您的欄位" 或 '
        'talk_s = {{ column = "您的欄位", unit = "min" }}',
    ),
    "mapping_column": (
        "mapping.toml: {entry} names the column {header}, which no file has; there are: {there}",
        "mapping.toml：{entry} 指定的欄位 {header} 在檔案中不存在；現有：{there}",
    ),
    "key": (
        "{path}: a key has at least 16 bytes; write 32 random bytes into it",
        "{path}：密鑰至少要有 16 個位元組；請寫入 32 個隨機位元組",
    ),
    "refused": (
        '{where}: {column} "{value}" {rule} ({rows} such rows set aside)',
        '{where}：{column} "{value}" {rule}（共擱置 {rows} 行）',
    ),
    "line": ("{source} line {line}", "{source} 第 {line} 行"),
    "rows_read": (
        "{table}: {read} rows read = {used} used + {duplicates} duplicates + {quarantined} set aside",
        "{table}：讀入 {read} 行 = 使用 {used} + 重複 {duplicates} + 擱置 {quarantined}",
    ),
    "unknown_values": (
        "{column}: {n} values blank or outside the list, kept as unknown",
        "{column}：{n} 個值為空或不在列表中，記為 unknown",
    ),
    "unused": ("{table}: columns not used: {there}", "{table}：未使用的欄位：{there}"),
    "ignored": ("not a table, left alone: {there}", "不是表，未動：{there}"),
    "table_missing": (
        "! {table}: the model learned from this table, and the data do not hold it: what it would tell counts as missing, and the"
        " forecasts are not as good as was measured; add it",
        "! {table}：模型學過這個表，而資料中沒有：它會說明的都當作缺失，預測不如當初測得的好；請補上",
    ),
    "stray_end": (
        "calls: after {before} there is no call for {days} days, then one at {last}, from which the dates of forecasts and labels"
        " are counted; correct its date if it is wrong, or name the dates yourself (--as-of, --until)",
        "calls：{before} 之後 {days} 天沒有通話，接著在 {last} 有一次，預測與結果的日期由它算起；如其日期有誤請更正，"
        "或自行指定日期（--as-of、--until）",
    ),
    "read_as": ("{table}: read as {there}", "{table}：讀作 {there}"),
    "store_rules": (
        "{store}: made by another version or with other options (zone, key, mapping.toml); every day is read again",
        "{store}：由另一版本或其他選項（時區、密鑰、mapping.toml）生成；全部日期重新讀取",
    ),
    "store_today": (
        "{store}: made on {today}, after the day of this run; every day is read again",
        "{store}：生成於 {today}，晚於本次運行之日；全部日期重新讀取",
    ),
    "store_manifest": ("{store}: its manifest is damaged; every day is read again", "{store}：清單已損壞；全部日期重新讀取"),
    "store_changed": (
        "changed since the last run: {files}; {days} days are made anew",
        "上次運行後有變更：{files}；重做 {days} 天",
    ),
    "store_gone": ("gone since the last run: {files}; {days} days are made anew", "上次運行後已移除：{files}；重做 {days} 天"),
    "store_damaged": (
        "the kept calls of {day} ({file}) fail their checksum; the day is made anew",
        "{day} 的留存通話（{file}）校驗不符；該日重做",
    ),
    "daily_rules": (
        "{store}: daily rows of another version of the features or of the engine; they are made anew",
        "{store}：每日統計由另一版本的特徵或引擎生成；全部重做",
    ),
    "daily_numbers": (
        "{store}: the file of card numbers is lost or damaged; all daily rows are made anew",
        "{store}：卡編號檔案遺失或損壞；全部每日統計重做",
    ),
    "daily_damaged": (
        "the daily rows of {day} ({file}) fail their checksum; the day is made anew",
        "{day} 的每日統計（{file}）校驗不符；該日重做",
    ),
    "daily_context": (
        "cards, limits, notices or observed places of days already kept have changed; the daily rows of {days} days from {first} "
        "to {last} are made anew",
        "已留存日期的卡、限額、報備或位置有變更；重做 {first} 至 {last} 之間 {days} 天的每日統計",
    ),
    "only_for_tables": (
        "{option} means nothing for --vectors, which are taken as they are; leave it out, or give a data folder",
        "{option} 對 --vectors 不起作用，向量按原樣採用；請去掉它，或改給資料夾",
    ),
    "only_for_vectors": (
        "{option} means nothing for a data folder; leave it out, or give --vectors FILE in its place",
        "{option} 對資料夾不起作用；請去掉它，或改用 --vectors FILE",
    ),
    "only_for_pages": (
        "{option} means nothing without a page; leave it out, or add --out FILE.html",
        "{option} 沒有頁面就不起作用；請去掉它，或加上 --out FILE.html",
    ),
    "set_aside_in": ("rows set aside are listed in {path}", "擱置的行列在 {path}"),
}
