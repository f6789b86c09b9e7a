"""The closed list of lawful actions: nothing else is ever advised.

A step is a share of the card's own volume, never a value read from a limit or searched for. Nothing hides a caller or gets
around a control, and nothing names an operator, number or card.
"""

from typing import Final

from blockrisk.serving.action import Action
from blockrisk.serving.languages import in_languages

_GROUPS = "delete from calls where {mine} and callee_group % "

ACTIONS: Final = (
    Action(
        "call_less_half",
        in_languages(
            "這張卡的呼叫量減半，或把這部分呼叫轉到已登記的外呼線路",
            "make half as many calls on this card, or move them to a registered outbound line",
        ),
        ("call_frequency", "callee_repetition", "hours", "trend"),
        (("calls_out_7d", 1.0),),
        (f"{_GROUPS} 2 = 0",),
        gives_up=True,
    ),
    Action(
        "call_less_quarter",
        in_languages(
            "這張卡的呼叫量減少四分之一，或把這部分呼叫轉到已登記的外呼線路",
            "make a quarter fewer calls on this card, or move them to a registered outbound line",
        ),
        ("call_frequency", "callee_repetition", "hours", "trend"),
        (("calls_out_7d", 1.0),),
        (f"{_GROUPS} 4 = 0",),
        gives_up=True,
    ),
    Action(
        "other_channels",
        in_languages(
            "四分之一的客戶改以其同意的其他方式聯繫（電郵、即時訊息）",
            "reach a quarter of the customers by other channels they consented to (e-mail, messaging)",
        ),
        ("call_frequency", "callee_repetition", "trend"),
        (("calls_out_7d", 1.0),),
        ("delete from calls where {mine} and callee_place % 4 = 0",),
        gives_up=True,
    ),
    Action(
        "permitted_hours",
        in_languages("只在許可時段內呼叫", "call within the permitted hours only"),
        ("hours",),
        (("off_hours_calls_7d", 1.0),),
        (
            "update calls set started_at = date_trunc('day', started_at) + to_minutes(cast("
            "permitted_from + minute % greatest(permitted_to - permitted_from, 1) as BIGINT)) + to_seconds(second(started_at)) "
            "where {mine} and outgoing and (minute < permitted_from or minute >= permitted_to)",
        ),
    ),
    Action(
        "clean_dead_numbers",
        in_languages("從名單中清除空號", "clean dead numbers from the lists"),
        ("call_quality", "call_frequency"),
        (("invalid_number_ratio_7d", 0.001),),
        ("delete from calls where {mine} and result = 'invalid_number'",),
        gives_up=True,
    ),
    Action(
        "repeat_less",
        in_languages("對同一被叫的重複撥打減半", "make half as many repeat calls to the same callee"),
        ("callee_repetition", "call_frequency"),
        (("repeat_dial_24h_max_7d", 2.0),),
        ("delete from calls where {mine} and outgoing and attempt % 2 = 0",),
        gives_up=True,
    ),
    Action(
        "answer_complaints",
        in_languages("就投訴致歉、答覆並辦結", "apologise for, answer and close the complaints"),
        ("complaints",),
        (("open_complaints", 1.0),),
        ("update complaints set resolved_at = as_of + interval 1 day where {card} and resolved_at is null",),
    ),
    Action(
        "declare_offsite",
        in_languages("異地使用前先向運營商報備", "report off-site use to the operator before travelling"),
        ("offsite",),
        (("undeclared_offsite_ratio_7d", 0.001),),
        (
            # An observation places the calls of 24 hours, so the last one before the week counts too.
            "insert into roaming_notices (card_id, region, valid_from, action) select distinct card_id, region, as_of, action "
            "from (select card_id, region, as_of, action, home_region from calls where {mine} "
            "union all select card_id, region, as_of, action, home_region from locations "
            "where {card} and observed_at > as_of - interval 1 day) where region <> home_region",
        ),
    ),
    Action(
        "use_at_home",
        in_languages("只在歸屬地使用這張卡", "use the card in its home region"),
        ("offsite",),
        (("offsite_call_ratio_7d", 0.001),),
        (
            "update calls set region = home_region where {mine} and region is not null",
            "update locations set region = home_region where {mine}",
        ),
    ),
    Action(
        "pay_due",
        in_languages("繳清到期欠費", "pay what is due"),
        ("arrears",),
        (("arrears_amount", 0.01),),
        (
            "update payments set paid_at = as_of + interval 10 hour, amount_paid = amount_due "
            "where {card} and due_at < as_of and (paid_at is null or amount_paid < amount_due)",
        ),
    ),
    Action(
        "update_registration",
        in_languages("及時更新實名登記資料", "keep the registration data up to date"),
        ("history",),
        (("registration_age_days", 30.0),),
        ("update cards set registration_checked_at = as_of + interval 10 hour where {card}",),
    ),
    Action(
        "one_handset",
        in_languages("固定使用一部已登記的終端", "keep one registered handset"),
        ("device",),
        (("distinct_imei_30d", 2.0),),
        ("update calls set imei = usual_imei where {mine} and imei is not null",),
    ),
    Action(
        "no_unwanted_texts",
        in_languages("不發送對方不需要的短信", "send no unwanted texts"),
        ("messages",),
        (("sms_out_7d", 1.0),),
        ("delete from messages where {mine}",),
    ),
    Action(
        "stop_on_warning",
        in_languages("收到運營商警告後停止呼叫並聯絡運營商", "on the operator's warning stop calling and contact the operator"),
        ("call_frequency", "callee_repetition", "hours", "trend"),
        (("warnings_7d", 1.0),),
        ("delete from calls where {mine} and outgoing",),
        gives_up=True,
    ),
    Action(
        "consent_only",
        in_languages("只在客戶同意時呼叫，並尊重拒絕", "call only with consent and honour refusals"),
        ("complaints", "callee_repetition", "call_quality"),
    ),
    Action("train_agents", in_languages("對坐席作話術培訓", "train the agents on the script"), ("complaints", "call_quality")),
    Action(
        "written_rules",
        in_languages("制定書面內部規則並監督呼叫", "keep written internal rules and supervise the calls"),
        ("complaints", "call_frequency", "hours"),
    ),
    Action("check_rules", in_languages("查閱運營商的現行規則", "check the operator's current rules"), ("operator",)),
    Action(
        "ask_when_unclear",
        in_languages("規則不明時詢問運營商或律師", "ask the operator or a lawyer where a rule is unclear"),
        ("operator",),
    ),
)
"""Every action there is; those without `change` are good practice whose effect the tables cannot tell."""


def find_action(code: str) -> Action:
    """Find an action by its code.

    >>> find_action("pay_due").text["en"]
    'pay what is due'
    """
    return next(action for action in ACTIONS if action.code == code)
