"""What is said to people in the daily job: each sentence in English and in traditional Chinese."""

from typing import Final

from blockrisk.features.errors import Sentences

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "record_damaged": (
        "{path} is damaged ({error}); move it away, and start again",
        "{path} 已損壞（{error}）；請移走它，再啟動一次",
    ),
    "no_record": (
        "{path} is no record of a run; move it away, and start again",
        "{path} 不是運行記錄；請移走它，再啟動一次",
    ),
    "no_version": ("{models} holds no version {name}; there are: {known}", "{models} 沒有版本 {name}；現有：{known}"),
    "no_dates_to_run": (
        "{bundle} was trained on ready-made vectors; a morning run needs one trained on tables",
        "{bundle} 由現成的向量訓練；早間運行需要由資料表訓練的模型",
    ),
    "none_before": (
        "{models}: no version served before {champion}; promote one by name",
        "{models}：在 {champion} 之前沒有別的版本服務過；請指名升任一個",
    ),
    "none_before_today": (
        "{models}: no version served before today; promote one by name",
        "{models}：此前沒有版本服務過；請指名升任一個",
    ),
    "pointer_damaged": (
        "{path} is damaged; remove it, and name the version that serves: blockrisk promote NAME",
        "{path} 已損壞；請移除它，並指明服務的版本：blockrisk promote NAME",
    ),
    "version_unreadable": (
        "{path} cannot be read ({error}); remove that version, or fetch it again",
        "{path} 讀不出來（{error}）；請移除那個版本，或重新取得",
    ),
    "no_models": (
        "there are no models in {workspace}; name the workspace of a morning run with --workspace",
        "{workspace} 中沒有模型；請用 --workspace 指明早間運行的工作資料夾",
    ),
    "ahead": (
        "the morning of {day} lies ahead of today, {today}; write the date of a morning that has come (--as-of, as_of)",
        "{day} 的早晨晚於今天 {today}；請寫已到來的早晨的日期（--as-of、as_of）",
    ),
    "config_exists": ("{path} exists and is not touched; name another file", "{path} 已存在，不動它；請另指檔案"),
    "none_serves": (
        "no version serves in {workspace}; start `blockrisk run`, or blockrisk promote NAME",
        "{workspace} 中沒有版本在服務；請先啟動 `blockrisk run`，或 blockrisk promote NAME",
    ),
    "no_mlflow": (
        "serving needs MLflow, which is not complete ({error}); pip install mlflow",
        "提供服務需要 MLflow，而它不完整（{error}）；pip install mlflow",
    ),
    "no_config": (
        "there is no {path}; write one with `blockrisk run --write-config {path}`",
        "沒有 {path}；請用 `blockrisk run --write-config {path}` 寫一個",
    ),
    "no_toml": (
        "{path} is no TOML: {error}; compare it with `blockrisk run --write-config other.toml`",
        "{path} 不是 TOML：{error}；請與 `blockrisk run --write-config other.toml` 對照",
    ),
    "no_setting": ("{path}: {name} is no setting; there are {known}", "{path}：{name} 不是設定項；現有 {known}"),
    "no_setting_but": ("{path}: {name} is no setting; did you mean {near}?", "{path}：{name} 不是設定項；是不是 {near}？"),
    "setting_missing": (
        "{path}: {name} is missing ({meaning}); write {name} = {default}",
        "{path}：缺少 {name}；請寫 {name} = {default}",
    ),
    "setting_kind": (
        "{path}: {name} = {value!r} is no {kind}; it is the {meaning}{example}",
        "{path}：{name} = {value!r} 不是{kind}{example}",
    ),
    "setting_list": (
        "{path}: {name} = {value!r} cannot be; it lists the {meaning}{example}",
        "{path}：{name} = {value!r} 不能這樣列{example}",
    ),
    "setting_small": (
        "{path}: {name} = {value!r} is too small; it must be at least {least:g}",
        "{path}：{name} = {value!r} 太小；至少要 {least:g}",
    ),
    "setting_among": ("{path}: {name} names {part!r}; choose among {among}", "{path}：{name} 含有 {part!r}；請從 {among} 中選"),
    "no_list": (
        "{target} exists and is no list of ours, so it is not touched; move it away, or set lists to another folder",
        "{target} 已存在，且不是我們的名單，因此不動它；請移走它，或把 lists 設為另一資料夾",
    ),
    "data_changed": (
        "{data}: {file} changed while it was read; start again when the export is complete",
        "{data}：{file} 在讀取時有變動；請等匯出完成後再啟動",
    ),
    "folder_not_made": (
        "{folder} cannot be made ({reason}); name another place, or mend its rights",
        "無法建立 {folder}（{reason}）；請另指位置，或修正權限",
    ),
    "first_version": ("{name} was trained, the first version, and serves", "{name} 已訓練，是第一個版本，現在由它服務"),
    "serves": ("{name} serves, trained on the days before {until}", "由 {name} 服務，它用 {until} 之前的日子訓練"),
    "at_risk": ("{count:,} cards at risk", "{count:,} 張卡處於風險中"),
    "on_the_list": ("{count:,} cards on the list", "{count:,} 張卡上了名單"),
    "list_changed": (
        "! {file} is not as it was written, so that the list of {day} is left out of account; remove it",
        "! {file} 與寫下時不同，因此不計 {day} 的名單；請移除它",
    ),
    "the_list": ("The list: {name}", "名單：{name}"),
    "made_today": ("{name} was made this morning", "{name} 是今早製作的"),
    "challenger": ("{name} was trained as challenger: {why}", "{name} 已訓練為挑戰者：{why}"),
    "dated_ahead": ("{name} is dated {days} days ahead", "{name} 的日期超前 {days} 天"),
    "is_old": ("{name} is {days} days old", "{name} 已有 {days} 天"),
    "alarmed": ("an alarm was raised: {alarm}", "有警報：{alarm}"),
    "compared": ("{challenger} against {champion}: {state}, {why}", "{challenger} 對 {champion}：{state}，{why}"),
    "compared_in_vain": (
        "{challenger} was compared with {champion}, which no longer serves: nothing is changed",
        "{challenger} 與已不再服務的 {champion} 作了比較：不作變更",
    ),
    "rolled_back_since": (
        "{challenger} was rolled back by hand since it was compared: nothing is changed",
        "{challenger} 在比較之後已被人手回退：不作變更",
    ),
    "promoted": (
        "{challenger} serves from now on; `blockrisk rollback` lets {champion} serve again",
        "自此由 {challenger} 服務；`blockrisk rollback` 可讓 {champion} 再服務",
    ),
    "removed": ("old versions removed: {names}", "已移除舊版本：{names}"),
    "interrupted": (
        "the run of {day} was interrupted and is not taken up; `--as-of {day}` runs it again",
        "{day} 的運行曾被中斷，且不再接續；`--as-of {day}` 可重新運行",
    ),
    "delivered_before": (
        "the list of {day} was delivered before, of the same data and settings; --again makes it anew",
        "{day} 的名單先前已送達，資料與設定相同；--again 可重新製作",
    ),
    "failed_after": (
        "FAILED, after the list was delivered: {step}: {why}",
        "失敗（名單已先送達）：{step}：{why}",
    ),
    "serves_from_now": (
        "{name} serves from now on, trained on the days before {until}",
        "自此由 {name} 服務，它用 {until} 之前的日子訓練",
    ),
    "serves_again": (
        "{name} serves again, and {gone} no longer: its golden scores are what they were when it was built",
        "{name} 重新服務，{gone} 不再服務：其黃金評分與製作時相同",
    ),
    "config_written": (
        "{path} is written; set data in it, then: blockrisk run {path}",
        "已寫出 {path}；請在其中設定 data，然後：blockrisk run {path}",
    ),
    "answers": ("{name} answers at {url}; Ctrl+C ends it", "{name} 在 {url} 應答；按 Ctrl+C 結束"),
}
"""Code -> English, traditional Chinese."""

_SENTENCES = Sentences(_TEXTS)
say, mistake = _SENTENCES.say, _SENTENCES.mistake
