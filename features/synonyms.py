"""What the columns, tables and words of the contract are called in users' files, in English and Chinese.

Names are compared by `folded`: width, case, blanks, underscores and hyphens do not matter, and one of the Chinese scripts suffices.
"""

from blockrisk.features.chinese import folded
from blockrisk.features.tables import TABLES

_CARD = (
    *("卡号", "本机号码", "号卡", "手机卡号", "卡片号", "iccid", "msisdn", "card", "card number", "card no", "sim"),
    *("手机号", "手机号码", "业务号码", "电销卡号", "号码"),
)
_AVAILABLE = ("可用时间", "入库时间", "推送时间", "知悉时间", "known at", "loaded at")

COLUMNS: dict[str, tuple[str, ...]] = {
    "cards.card_id": _CARD,
    "cards.operator": ("运营商", "虚商", "carrier", "mvno", "运营商名称"),
    "cards.home_region": ("归属地", "归属城市", "城市", "开卡地", "home city", "home location"),
    "cards.activated_at": ("开卡时间", "激活时间", "入网时间", "开户时间", "activated", "activation time", "activation date"),
    "cards.closed_at": ("销户时间", "注销时间", "closed", "closing time"),
    "cards.registration_checked_at": ("实名时间", "实名核验时间", "registration checked"),
    "cards.owner_id": ("机主", "持卡人", "用户编号", "owner"),
    "cards.team": ("团队", "班组", "部门"),
    "cards.card_type": ("卡类型", "套餐", "产品", "product"),
    "calls.card_id": (*_CARD, "主叫号码", "主叫", "caller", "src", "calling number"),
    "calls.started_at": (
        "开始时间",
        "呼叫时间",
        "通话时间",
        "start time",
        "calldate",
        "call time",
        "通话开始时间",
        "呼叫开始时间",
        "started",
    ),
    "calls.callee": ("被叫号码", "被叫", "对方号码", "dst", "called", "called number", "callee number"),
    "calls.talk_s": (
        *(
            "通话时长",
            "计费时长",
            "billsec",
            "talk duration",
            "call dur",
            "talk seconds",
            "talk time",
            "通话秒数",
            "duration",
            "talk",
        ),
    ),
    "calls.direction": ("呼叫类型", "呼叫方向", "通话类型", "call type", "call direction"),
    "calls.result": ("呼叫结果", "通话状态", "接通状态", "disposition", "call result", "call status"),
    "calls.ring_s": ("振铃时长", "响铃时长", "ring duration", "ring seconds", "ring"),
    "calls.released_by": ("挂机方", "挂断方", "释放方", "hangup by"),
    "calls.region": ("通话地", "通话地点", "城市", "归属地", "所在地", "call location", "city", "location"),
    "calls.imei": ("终端串号", "串号", "终端", "handset"),
    "calls.available_at": _AVAILABLE,
    "complaints.card_id": (*_CARD, "被投诉号码", "主叫号码"),
    "complaints.complained_at": ("投诉时间", "投诉日期", "complaint time", "complaint date"),
    "complaints.channel": ("投诉渠道", "投诉来源", "渠道", "source"),
    "complaints.status": ("处理状态", "投诉状态", "状态"),
    "complaints.resolved_at": ("处理时间", "办结时间", "resolved", "closed at"),
    "complaints.available_at": _AVAILABLE,
    "locations.card_id": _CARD,
    "locations.observed_at": ("观测时间", "定位时间", "时间", "time", "observed"),
    "locations.region": ("所在地", "城市", "位置", "city", "location"),
    "roaming_notices.card_id": _CARD,
    "roaming_notices.region": ("报备地", "异地城市", "城市", "city", "所在地"),
    "roaming_notices.valid_from": ("生效时间", "报备开始时间", "开始时间", "from", "start time"),
    "roaming_notices.valid_to": ("失效时间", "报备结束时间", "结束时间", "to", "end time"),
    "payments.card_id": _CARD,
    "payments.due_at": ("应缴日期", "应缴时间", "到期日", "due date", "due"),
    "payments.amount_due": ("欠费金额", "应缴金额", "账单金额", "amount", "bill amount"),
    "payments.paid_at": ("缴费时间", "缴费日期", "paid", "payment time", "payment date"),
    "payments.amount_paid": ("缴费金额", "实缴金额", "已缴金额", "paid amount"),
    "messages.card_id": (*_CARD, "主叫号码", "发送号码", "sender", "src"),
    "messages.sent_at": ("发送时间", "短信时间", "send time", "sent"),
    "messages.recipient": ("接收号码", "对方号码", "被叫号码", "收信人", "dst", "to"),
    "blocks.card_id": _CARD,
    "blocks.blocked_at": ("封号时间", "停机时间", "封停时间", "block time", "blocked"),
    "blocks.unblocked_at": ("复机时间", "解封时间", "unblock time", "unblocked"),
    "blocks.reason": ("停机原因", "封号原因", "原因", "block reason"),
    "blocks.available_at": _AVAILABLE,
    "blocks.kind": ("停机类型", "封号类型", "封停类型", "block type", "block kind"),
    "actions.card_id": _CARD,
    "actions.at": ("时间", "处理时间", "time", "action time"),
    "actions.action": ("措施", "动作", "处理措施", "action code"),
    "limits.operator": ("运营商", "carrier"),
    "limits.region": ("归属地", "城市", "city"),
    "limits.valid_from": ("生效时间", "from"),
    "limits.quantity": ("限制项", "指标"),
    "limits.value": ("限值", "数值", "limit"),
    "limits.source": ("来源",),
    "limits.verified": ("已核实", "是否核实"),
}

TABLE_NAMES: dict[str, tuple[str, ...]] = {
    "cards": ("卡", "卡表", "号卡", "卡片"),
    "calls": ("话单", "通话记录", "通话详单", "通话", "cdr"),
    "complaints": ("投诉", "投诉记录"),
    "locations": ("位置", "位置记录"),
    "roaming_notices": ("异地报备", "报备"),
    "payments": ("缴费", "账单", "缴费记录", "bills"),
    "messages": ("短信", "短信记录", "sms"),
    "blocks": ("封号", "封号记录", "停机记录"),
    "actions": ("处理记录",),
    "limits": ("限制",),
}

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "calls.direction": {
        "out": ("主叫", "呼出", "outgoing", "outbound"),
        "in": ("被叫", "呼入", "incoming", "inbound"),
        "forward": ("呼转", "呼叫转移", "forwarded"),
    },
    "calls.result": {
        "answered": ("接通", "已接通", "已接", "成功", "answer"),
        "no_answer": ("无人接听", "无应答", "未接", "未接通", "no answer", "noanswer"),
        "busy": ("占线", "忙", "忙线", "用户忙"),
        "rejected": ("拒接", "拒绝"),
        "power_off": ("关机", "已关机", "power off"),
        "invalid_number": ("空号", "invalid number"),
        "blocked": ("被拦截", "拦截"),
        "failed": ("停机", "失败", "呼叫失败"),
    },
    "calls.released_by": {"caller": ("主叫", "主叫挂机"), "callee": ("被叫", "被叫挂机")},
    "complaints.channel": {
        "operator": ("运营商", "10086", "10010", "10000"),
        "regulator": ("工信部", "监管", "12321", "12300", "监管部门"),
        "mark": ("标记", "号码标记"),
        "internal": ("内部",),
    },
    "complaints.status": {
        "open": ("处理中", "未处理", "待处理"),
        "upheld": ("属实", "成立"),
        "rejected": ("不属实", "不成立"),
    },
    "blocks.kind": {
        "full_stop": ("双停", "全停", "封号", "full stop"),
        "outgoing_limit": ("单停", "限制呼出", "限呼"),
        "arrears_stop": ("欠费停机", "欠费"),
        "user_request": ("用户申请", "主动停机", "报停"),
        "warning": ("警告", "预警"),
    },
}

SECONDS = {
    **dict.fromkeys(("秒", "s", "sec", "secs", "second", "seconds", "秒数"), 1.0),
    **dict.fromkeys(("分", "分钟", "min", "mins", "minute", "minutes", "m"), 60.0),
    **dict.fromkeys(("小时", "时", "h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("毫秒", "ms"), 0.001),
}
MONEY = {"元": 1.0, "yuan": 1.0, "rmb": 1.0, "cny": 1.0, "人民币": 1.0, "角": 0.1, "分": 0.01, "万元": 10_000.0}
UNITS: dict[str, dict[str, float]] = {
    "calls.talk_s": SECONDS,
    "calls.ring_s": SECONDS,
    "payments.amount_due": MONEY,
    "payments.amount_paid": MONEY,
}
"""Units that a bracket after a column's name may state, and what one of them is in the contract's unit."""

FITTING: dict[str, dict[str, frozenset[str]]] = {
    table.name: {
        column.name: frozenset({folded(column.name), *map(folded, COLUMNS[f"{table.name}.{column.name}"])})
        for column in table.columns
    }
    for table in TABLES
}
"""Table -> column -> the folded names that fit it."""

TABLE_OF: dict[str, str] = {folded(name): table for table, names in TABLE_NAMES.items() for name in (table, *names)}
"""Folded name of a file or sheet -> table."""
