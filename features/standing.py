"""Features of the card's standing: bills, age and registration, earlier blocks, the operator."""

from blockrisk.features.feature import Feature
from blockrisk.features.windows import DAY_US as _US
from blockrisk.features.windows import instant_before_as_of

_BILLS = ("payments", "payments.paid_at")

# fmt: off
ARREARS = [
    Feature("95", "arrears_amount", "arrears", "bills", "{owed_cents} / 100.0", (), "zero", "currency", 1,
            "sum owed past its due date", "欠費金額", monotone=True, needs=_BILLS),
    Feature("96", "arrears_days", "arrears", "bills", f"(as_of_day * {_US} - {{owed_since_us}}) / {_US}", (), "zero", "days", 1,
            "days since the oldest unpaid bill was due", "欠費天數", monotone=True, needs=_BILLS),
    Feature("97", "overdue_bills", "arrears", "bills", "{overdue}", (90,), "zero", "bills", 1, "bills paid late or not at all",
            "逾期帳單數", monotone=True, needs=_BILLS),
]

HISTORY = [
    Feature("110", "card_age_days", "history", "card",
            f"case when {instant_before_as_of('c.activated_us')} then (a.day * {_US} - c.activated_us) / {_US} end", (), "missing", "days",
            -1, "days since activation", "入網天數", needs=("cards",)),
    Feature("113", "prior_blocks", "history", "blocks", "{ended}", (365,), "zero", "blocks", 1, "earlier blocks that have ended",
            "曾被封停次數", monotone=True, needs=("blocks", "blocks.unblocked_at")),
    Feature("119", "registration_age_days", "history", "card",
            f"case when {instant_before_as_of('c.registered_us')} then (a.day * {_US} - c.registered_us) / {_US} end", (), "missing",
            "days", 1, "days since the holder's registration data were confirmed", "距上次實名核驗天數",
            needs=("cards", "cards.registration_checked_at")),
]

OPERATOR = [
    Feature("120", "operator_block_rate", "operator", "operator_blocks", "1000 * {blocks} / nullif({cards}, 0)", (14, 60), "zero",
            "blocks per 1,000 card-days", 1, "blocks of the operator's cards per 1,000 card-days", "運營商封停率（每千卡日）",
            needs=("blocks",)),
    Feature("121", "operator", "operator", "card", "c.operator", (), "missing", "name", 0, "operator", "運營商", needs=("cards",),
            text=True),
    Feature("121", "home_region", "operator", "card", "c.home_region", (), "missing", "name", 0,
            "region the card is registered for", "歸屬地", needs=("cards",), text=True),
]
