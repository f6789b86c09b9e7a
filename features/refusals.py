"""What is said where a request cannot be met, beside the reading of tables (sentences.py): in English and traditional Chinese."""

REFUSALS: dict[str, tuple[str, str]] = {
    "unknown_card": (
        "card {card} is not in the cards table; card ids are text, leading zeros included",
        "卡 {card} 不在 cards 表中；卡號是文字，前面的零也要寫",
    ),
    "unknown_cards": (
        "card {card} is not in the cards table ({lost} such cards); add it to cards",
        "卡 {card} 不在 cards 表中（共 {lost} 張這樣的卡）；請把它加進 cards",
    ),
    "no_midnight": ("as_of {as_of} is no midnight; give a date", "as_of {as_of} 不是零點；請給日期"),
    "no_feature": ("{name} is no feature", "{name} 不是特徵"),
    "no_feature_but": ("{name} is no feature; did you mean {near}?", "{name} 不是特徵；是不是 {near}？"),
    "kept_gone": (
        "{path}: these kept calls were replaced or removed while in use; run again, and they are read anew",
        "{path}：這些留存的通話在使用中被替換或移除；請再運行一次，會重新讀取",
    ),
    "kept_damaged": (
        "{path}: kept calls that fail their checksum were removed; run again, and they are read anew",
        "{path}：留存的通話校驗不符，已移除；請再運行一次，會重新讀取",
    ),
    "text_not_utf8": ("not UTF-8 text; save the file as CSV UTF-8", "不是 UTF-8 文字；請另存為 CSV UTF-8"),
    "row_length": (
        "the header has {header} columns, and this row {row}; repair the row",
        "表頭有 {header} 欄，而此行有 {row} 欄；請改正此行",
    ),
    "store_held": (
        "{folder}: another run holds the store; wait for it to end",
        "{folder}：另一次運行正在使用這個留存庫；請等它結束",
    ),
    "daily_held": (
        "{folder}: another run makes the daily rows of the store; wait for it to end",
        "{folder}：另一次運行正在製作留存庫的每日統計；請等它結束",
    ),
    "not_utf8": ("{label} is not UTF-8 text; save it as CSV UTF-8", "{label} 不是 UTF-8 文字；請另存為 CSV UTF-8"),
    "no_clock": (
        '{where}: {quantity} "{text}" is no time HH:MM; write 08:00',
        '{where}：{quantity} "{text}" 不是 HH:MM 格式的時間；請寫成 08:00',
    ),
    "no_limit": (
        '{where}: {quantity} "{text}" is no number; write 300',
        '{where}：{quantity} "{text}" 不是數字；請寫成 300',
    ),
    "ending": ("{file}: the ending says the format; write {endings} or {last}", "{file}：副檔名決定格式；請寫 {endings} 或 {last}"),
    "damaged": (
        "{path} is damaged ({reason}); remove it, and what wrote it will write it again",
        "{path} 已損壞（{reason}）；請移除它，寫它的程式會重寫",
    ),
    "no_master": (
        '--master "{master}" is no Spark master; give local[*], spark://HOST:PORT, yarn or k8s://URL',
        '--master "{master}" 不是 Spark 主節點；請給 local[*]、spark://HOST:PORT、yarn 或 k8s://URL',
    ),
    "no_spark": (
        "--engine spark needs {name}; pip install 'blockrisk[spark]'",
        "--engine spark 需要 {name}；pip install 'blockrisk[spark]'",
    ),
    "spark_did_not_start": (
        "Spark did not start at {master} ({reason}); look whether the master is up and Java is a 17",
        "Spark 未能在 {master} 啟動（{reason}）；請檢查主節點是否在運行、Java 是否為 17",
    ),
    "no_java_at_home": (
        "--engine spark needs a Java runtime, and there is none under JAVA_HOME ({home}); install openjdk-17-jre-headless",
        "--engine spark 需要 Java 運行環境，而 JAVA_HOME（{home}）下沒有；請安裝 openjdk-17-jre-headless",
    ),
    "no_java": (
        "--engine spark needs a Java runtime, and there is none on the PATH; install openjdk-17-jre-headless",
        "--engine spark 需要 Java 運行環境，而 PATH 上沒有；請安裝 openjdk-17-jre-headless",
    ),
    "no_master_there": (
        "no Spark master answers at {master} ({reason}); start it, or name another",
        "{master} 沒有 Spark 主節點回應（{reason}）；請啟動它，或另指一個",
    ),
    "row": ("{file} row {row}", "{file} 第 {row} 條"),
    "more_columns": ("{names} and {more} more", "{names} 等，另有 {more} 個"),
    "no_vectors": (
        "{path} is no file; give a table of vectors that ends in {endings}",
        "{path} 不是檔案；請給出以 {endings} 結尾的向量表",
    ),
    "no_vectors_format": (
        "{file} is neither CSV nor Parquet; save it as a file that ends in {endings}",
        "{file} 既不是 CSV 也不是 Parquet；請另存為以 {endings} 結尾的檔案",
    ),
    "no_vector": ("{file} has a header and no row; supply one row a card", "{file} 只有表頭沒有行；每張卡請給一行"),
    "no_feature_column": (
        "{file}: no feature column beside the id and the label; supply at least one",
        "{file}：除卡號與標籤外沒有特徵欄位；請至少給一個",
    ),
    "no_vector_column": ("{file}: no column {name!r}; there are: {there}", "{file}：沒有欄位 {name!r}；現有：{there}"),
    "no_vector_column_but": (
        "{file}: no column {name!r} (nearest: {near!r}); there are: {there}",
        "{file}：沒有欄位 {name!r}（最接近的是 {near!r}）；現有：{there}",
    ),
    "name_taken": (
        "{file}: column {name!r} stands beside {source!r}, which takes its name; rename it",
        "{file}：欄位 {name!r} 與將要用此名的 {source!r} 並存；請改名",
    ),
    "id_as_feature": (
        "{file}: column {name!r} is an id, no feature; name it with --id {name}",
        "{file}：欄位 {name!r} 是卡號，不是特徵；請用 --id {name} 指明",
    ),
    "text_among_numbers": (
        "{where}: column {name!r} holds {value!r}, its other cells are numbers; write a number such as 1200.5, or leave the cell"
        " blank where it is unknown",
        "{where}：欄位 {name!r} 的值是 {value!r}，其餘都是數字；請寫數字（如 1200.5），不知道就留空",
    ),
    "no_feature_type": (
        "{where}: column {name!r} has the type {type}; a feature is a number or text; convert it (a time to days before the day of"
        " the forecast) or remove it",
        "{where}：欄位 {name!r} 的型別是 {type}；特徵只能是數字或文字；請轉換（時間換成距預測日的天數）或去掉",
    ),
    "no_text_type": (
        "{where}: column {name!r} has the type {type}; the model knows text; convert it",
        "{where}：欄位 {name!r} 的型別是 {type}；模型學的是文字；請轉換",
    ),
    "infinite": (
        "{where}: column {name!r} holds a number too large to keep (infinite); write a finite number, or leave the cell blank",
        "{where}：欄位 {name!r} 的數字大到無法保存（無窮大）；請寫有限的數字，或留空",
    ),
    "no_label": (
        "{where}: the label {name!r} is {value}; it must be 0 (not blocked) or 1 (blocked); correct the cell or remove the row",
        "{where}：標籤 {name!r} 是 {value}；只能是 0（未封停）或 1（封停）；請改正或刪去此行",
    ),
    "blank_cell": ("blank", "空的"),
    "decimal_ids": (
        "{where}: the id column {name!r} holds decimals; digits may be lost; export it as text",
        "{where}：卡號欄位 {name!r} 帶小數，位數可能已丟失；請作為文字匯出",
    ),
    "blank_id": (
        "{where}: the id {name!r} is blank; every row needs its card; fill it in or drop the row",
        "{where}：卡號 {name!r} 是空的；每行都要有卡；請填上或刪去此行",
    ),
    "same_id": (
        "{where}: the id {name!r} is the same as in {first}; keep one row a card",
        "{where}：卡號 {name!r} 與 {first} 相同；每張卡請只留一行",
    ),
    "id_digits_lost": (
        "{where}: the id {name!r} is {value!r}, which has lost digits (a spreadsheet rounded it); correct or drop the row",
        "{where}：卡號 {name!r} 是 {value!r}，位數已丟失（試算表改了它）；請改正或刪去此行",
    ),
    "id_total": (
        "{where}: the id {name!r} is {value!r}, which is a line of totals, no card; correct or drop the row",
        "{where}：卡號 {name!r} 是 {value!r}，這是合計行，不是卡；請改正或刪去此行",
    ),
}
