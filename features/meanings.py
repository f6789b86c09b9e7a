"""What the tables and columns mean, in Chinese; the English is in features.tables."""

from blockrisk.features import tables
from blockrisk.features.messages import either

TABLES: dict[str, str] = {
    "cards": "每張卡一行",
    "calls": "每次呼叫一行，無論是否接通",
    "complaints": "每件對該卡的投訴一行",
    "locations": "卡出現的地點；一次觀測有效 24 小時",
    "roaming_notices": "事先向運營商報備的異地使用",
    "payments": "每張賬單一行",
    "messages": "每條發出的短信一行",
    "blocks": "封號記錄：訓練必需，評分可不給",
    "actions": "對告警採取的措施",
    "limits": "運營商的限制，覆蓋內置的預設值",
}

_CARD = "卡號，按文字填寫：開頭的零不可丟"

COLUMNS: dict[str, str] = {
    **{f"{table}.card_id": _CARD for table in TABLES if table != "limits"},
    "cards.operator": "運營商或虛擬運營商",
    "cards.home_region": "卡的歸屬地（市或省）",
    "cards.activated_at": "開卡時間",
    "cards.closed_at": "銷戶時間；不算封號",
    "cards.registration_checked_at": "最近一次實名核驗的時間",
    "cards.owner_id": "持卡人",
    "cards.team": "使用的團隊",
    "cards.card_type": "套餐或產品",
    "calls.started_at": "呼叫開始的時間",
    "calls.callee": "對方號碼；可用固定的雜湊值代替",
    "calls.talk_s": "通話秒數，0 表示未接通",
    "calls.direction": "呼出 out、呼入 in、呼轉 forward",
    "calls.result": "呼叫結果",
    "calls.ring_s": "振鈴秒數",
    "calls.released_by": "誰掛機：主叫 caller、被叫 callee",
    "calls.region": "呼叫時卡所在的地方",
    "calls.imei": "終端串號",
    "calls.available_at": "何時可以知道這一行；空白：與事件同時",
    "complaints.complained_at": "投訴時間",
    "complaints.channel": "投訴渠道：運營商 operator、監管 regulator、標記 mark、內部 internal",
    "complaints.status": "處理狀態：處理中 open、屬實 upheld、不屬實 rejected",
    "complaints.resolved_at": "辦結時間",
    "complaints.available_at": "何時可以知道這一行；空白：與事件同時",
    "locations.observed_at": "觀測時間",
    "locations.region": "地點",
    "roaming_notices.region": "可以使用的地方",
    "roaming_notices.valid_from": "從何時起有效",
    "roaming_notices.valid_to": "到何時為止（不含）；空白：長期有效",
    "payments.due_at": "應繳日期",
    "payments.amount_due": "應繳金額，以賬單的貨幣計",
    "payments.paid_at": "繳費時間",
    "payments.amount_paid": "實繳金額；空白：全額",
    "messages.sent_at": "發送時間",
    "messages.recipient": "接收號碼",
    "blocks.blocked_at": "運營商封號的時間",
    "blocks.unblocked_at": "復機時間",
    "blocks.reason": "運營商所說的原因",
    "blocks.available_at": "何時可以知道這次封停；空白：與事件同時。填了它，最近還收不全的日子就不當作沒有封停",
    "blocks.kind": "停了什麼：全停 full_stop、限制呼出 outgoing_limit、欠費停機 arrears_stop、用戶申請 user_request、警告 warning",
    "actions.at": "時間",
    "actions.action": "措施的代碼",
    "limits.operator": "哪個運營商",
    "limits.region": "歸屬地；空白：全部",
    "limits.valid_from": "從哪天起；空白：一直有效",
    "limits.quantity": "限制什麼",
    "limits.value": "數字；時段寫 HH:MM",
    "limits.source": "數字的來源",
    "limits.verified": "運營商是否確認",
}


def of_table(table: tables.Table) -> str:
    """Say what a table means in the user's language."""
    return either((table.meaning, TABLES[table.name]))


def of_column(table: tables.Table, column: tables.Column) -> str:
    """Say what a column means in the user's language.

    >>> of_column(tables.table("calls"), tables.table("calls").column("talk_s"))
    'seconds of talk, 0 = not answered'
    """
    return either((column.meaning, COLUMNS[f"{table.name}.{column.name}"]))
