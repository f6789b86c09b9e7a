"""What is odd about the cards themselves: rows that contradict each other, dates in the wrong order, names written differently."""

from collections import defaultdict

from blockrisk.features.chinese import folded
from blockrisk.features.intake.duplicates import CONTRADICTIONS
from blockrisk.features.intake.look import Check, Figures, Look
from blockrisk.features.messages import shown


def _contradictory(look: Look) -> list[Figures]:
    found = look.rows(f"select column_name, cards, card, one, other from {CONTRADICTIONS} order by column_name")
    return [
        {"column": column, "cards": cards, "card": shown(card), "one": shown(one), "other": shown(other)}
        for column, cards, card, one, other in found
    ]


def _closed_first(look: Look) -> list[Figures]:
    [(cards, card)] = look.rows("select count(*), min(card_id) from cards where closed_at < activated_at")
    return [{"cards": cards, "card": shown(card)}] if cards else []


def _spellings(look: Look) -> list[Figures]:
    found = []
    for column in ("operator", "home_region"):
        alike = defaultdict(list)
        for (name,) in look.rows(f"select distinct {column} from cards where {column} is not null order by 1"):
            alike[folded(name)].append(name)
        found += [
            {"column": column, "count": len(names), "names": ", ".join(map(shown, names))}
            for names in alike.values()
            if len(names) > 1
        ]
    return found


def _lost_zeros(look: Look) -> list[Figures]:
    found = []
    for table, _, _ in look.of_unknown_cards:
        [(rows, cards, card)] = look.rows(
            f"select count(*), count(distinct card_id), min(card_id) from {table} where card_id not in"
            " (select card_id from cards) and ltrim(card_id, '0') in (select ltrim(card_id, '0') from cards)"
        )
        found += [{"table": table, "rows": rows, "cards": cards, "card": shown(card)}] if rows else []
    return found


CARD_CHECKS: tuple[Check, ...] = (
    Check(
        "contradictory_cards",
        "cards: {cards:,} cards have rows that differ in {column}, as {card}: {one} and {other}; one row is used; keep one a card",
        "cards：{cards:,} 張卡有幾行，其 {column} 不同，例如 {card}：{one} 與 {other}；只用其中一行；請每張卡只留一行",
        _contradictory,
    ),
    Check(
        "closed_first",
        "cards: {cards:,} cards were closed before they were activated, such as {card}; none is forecast; correct closed_at",
        "cards：{cards:,} 張卡的銷戶早於入網，例如 {card}；不為它們作預測；請改正 closed_at",
        _closed_first,
    ),
    Check(
        "spellings",
        "cards.{column} holds {count} names that differ in their writing only: {names}; they count as different; write one",
        "cards.{column} 有 {count} 個只在寫法上不同的名稱：{names}；它們被當作不同的；請統一寫法",
        _spellings,
    ),
    Check(
        "lost_zeros",
        "{table}: {rows:,} rows of {cards:,} cards, such as {card}, fit cards with other zeros before their number: a spreadsheet"
        " drops them; export card_id as text",
        "{table}：{rows:,} 行屬於 {cards:,} 張卡（例如 {card}），只差號碼前面的零：試算表會丟掉它們；請把 card_id 作為文字匯出",
        _lost_zeros,
    ),
)
