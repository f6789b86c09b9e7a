"""What is odd about a data set that was read: declared checks, each with its figures. None of them changes a row."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from blockrisk.features import tables as contract
from blockrisk.features.intake.card_checks import CARD_CHECKS
from blockrisk.features.intake.dataset import Tables
from blockrisk.features.intake.look import Check, Figures, Look
from blockrisk.features.messages import either

_STILL_DAYS, _STILL_CALLS = 2, 3
"""Days after a block, and answered calls made then, from which a card is seen to be in use."""


@dataclass(frozen=True)
class Warned:
    """Hold one warning: the check's name and its figures."""

    name: str
    figures: Figures

    def __str__(self) -> str:
        check = next(check for check in WARNINGS if check.name == self.name)
        return either((check.en, check.zh)).format(**self.figures)


def warnings_of(tables: Tables) -> list[Warned]:
    """Run every check over a data set, in the order of WARNINGS.

    >>> import pandas as pd
    >>> from blockrisk.features import read_tables
    >>> cards = pd.DataFrame([["1", "A", "X", "2025-01-05"]], columns=["card_id", "operator", "home_region", "activated_at"])
    >>> calls = pd.DataFrame([["1", "2025-01-02 09:00", "c", 30]], columns=["card_id", "started_at", "callee", "talk_s"])
    >>> [str(found) for found in warnings_of(read_tables({"cards": cards, "calls": calls}))][-1]
    '1 calls of 1 cards lie on a day before the activation of the card; they are used'
    """
    look = Look(tables)
    return [Warned(check.name, figures) for check in WARNINGS for figures in check.find(look)]


def _set_aside(look: Look) -> list[Figures]:
    return [
        {"table": count.table, "rows": count.quarantined, "share": count.quarantined / count.read}
        for count in look.tables.accounting
        if count.quarantined
    ]


def _cut_files(look: Look) -> list[Figures]:
    return [{"file": label} for label in look.tables.cut]


def _blank_columns(look: Look) -> list[Figures]:
    found = []
    for table in sorted(name for name in look.tables.present if "." not in name):
        counts = look.counts(table)
        blank = [name for name in counts if f"{table}.{name}" in look.tables.present and counts["*"] and not counts[name]]
        found += [{"column": f"{table}.{name}", "rows": counts["*"]} for name in sorted(blank)]
    return found


def _unknown_cards(look: Look) -> list[Figures]:
    return [{"table": table, "rows": rows, "cards": cards} for table, rows, cards in look.of_unknown_cards]


def _night_peak(look: Look) -> list[Figures]:
    calls = look.counts("calls")
    if calls["out"] < 100 or calls["nightly"] / calls["out"] <= 0.25:
        return []
    peak = min(calls["by_hour"], key=lambda hour: (-calls["by_hour"][hour], hour))
    return [{"share": calls["nightly"] / calls["out"], "hour": peak, "calls": calls["out"]}]


def _without_clock(look: Look) -> list[Figures]:
    calls = look.counts("calls")
    share = calls["midnight"] / max(calls["*"], 1)
    return [{"share": share, "calls": calls["*"]}] if calls["*"] >= 2 and share > 0.5 else []


def _whole_minutes(look: Look) -> list[Figures]:
    calls = look.counts("calls")
    share = calls["whole_minutes"] / max(calls["talks"], 1)
    return [{"share": share, "calls": calls["talks"]}] if calls["talks"] >= 20 and share > 0.99 else []


def _long_talks(look: Look) -> list[Figures]:
    calls = look.counts("calls")
    return [{"calls": calls["long"], "hours": calls["longest"] / 3600}] if calls["long"] else []


def _masked_callees(look: Look) -> list[Figures]:
    calls = look.counts("calls")
    share = calls["masked"] / max(calls["*"], 1)
    return [{"share": share}] if share > 0.01 else []


def _missing_days(look: Look) -> list[Figures]:
    """Count days without a call, of weekdays that have calls in most weeks."""
    called = {day for day, _, _ in look.days}
    span = [min(called) + timedelta(days=n) for n in range((max(called) - min(called)).days + 1)] if called else []
    every = Counter(day.weekday() for day in span)
    busy = {weekday for weekday, days in Counter(day.weekday() for day in called).items() if days * 2 > every[weekday]}
    missing = [day for day in span if day not in called and day.weekday() in busy]
    return [{"days": len(missing), "first": missing[0].isoformat()}] if missing else []


def _duplicated_day(look: Look) -> list[Figures]:
    alike: dict[tuple[int, int], list[date]] = {}
    for day, calls, content in look.days:
        if calls >= 10:
            alike.setdefault((content, calls), []).append(day)
    found = sorted((days[0].isoformat(), days[-1].isoformat(), calls) for (_, calls), days in alike.items() if len(days) > 1)
    return [{"first": first, "second": second, "calls": calls} for first, second, calls in found]


def _volume_jump(look: Look) -> list[Figures]:
    return [
        {"week": week, "before": before, "calls": calls}
        for calls, _, before, _, week in look.weeks
        if before and not 0.2 <= calls / before <= 5
    ]


def _unit_jump(look: Look) -> list[Figures]:
    return [
        {"week": week, "before": before, "talk": talk}
        for _, talk, _, before, week in look.weeks
        if talk and before and (40 <= talk / before <= 80 or 40 <= before / talk <= 80)
    ]


def _short_period(look: Look) -> list[Figures]:
    start, end = look.counts("calls")["first"], look.counts("calls")["last"]
    days = (end.date() - start.date()).days + 1 if start else None
    found = [{"table": "calls", "days": days, "window": 30}] if days is not None and days < 30 else []
    for table in contract.TABLES:
        if table.event and table.name in look.tables.present and table.name not in ("calls", "roaming_notices", "actions"):
            [(rows, first, last)] = look.rows(f'select count(*), min("{table.event}"), max("{table.event}") from {table.name}')
            covered = max(0, (min(last, end) - max(first, start)).days + 1) if rows and start else days
            if rows and days and days - covered > 30:
                found.append({"table": table.name, "days": covered, "window": days})
    return found


def _complaints_without_available_at(look: Look) -> list[Figures]:
    sql = "select count(*), count_if(available_at is null) from complaints"
    return [{"rows": rows, "blank": blank} for rows, blank in look.rows(sql) if rows and blank]


def _calls_before_activation(look: Look) -> list[Figures]:
    sql = """
        select count(*), count(distinct card_id) from calls join cards using (card_id)
        where started_at::DATE < activated_at::DATE"""
    return [{"calls": calls, "cards": cards} for calls, cards in look.rows(sql) if calls]


def _calls_after_block(look: Look) -> list[Figures]:
    """Count the cards that answer calls of their own days after a block that has no end: they were let free, or it was no block."""
    open_ = "select card_id, max(blocked_at) as last from blocks where unblocked_at is null and kind <> 'warning' group by card_id"
    if not look.rows(f"{open_} limit 1"):
        return []
    sql = f"""
        select count(*) from (
            select card_id from calls join ({open_}) using (card_id)
            where started_at >= last + interval {_STILL_DAYS} day and talk_s > 0 and coalesce(direction, 'out') <> 'in'
            group by card_id having count(*) >= {_STILL_CALLS})"""
    return [{"cards": cards, "calls": _STILL_CALLS, "days": _STILL_DAYS} for (cards,) in look.rows(sql) if cards]


WARNINGS: tuple[Check, ...] = (
    Check(
        "set_aside", "{table}: {rows:,} rows ({share:.2%}) are set aside", "{table}：擱置了 {rows:,} 行（{share:.2%}）", _set_aside
    ),
    Check(
        "cut_file",
        "{file} does not end with a line break: its last row may be cut; if it reads as a row, it is used",
        "{file} 末尾沒有換行：最後一行可能不完整；若讀得成一行，仍使用",
        _cut_files,
    ),
    Check(
        "blank_column",
        "{column} is there but says nothing in any of {rows:,} rows; leave it out if it is not known",
        "{column} 欄位存在，但 {rows:,} 行全部為空；若不知道就不要給出",
        _blank_columns,
    ),
    Check(
        "unknown_cards",
        "{table}: {rows:,} rows of {cards:,} cards that are not in the table cards; no forecast is made from them",
        "{table}：{rows:,} 行屬於 cards 表中沒有的 {cards:,} 張卡；不用於預測",
        _unknown_cards,
    ),
    *CARD_CHECKS,
    Check(
        "night_peak",
        "{share:.0%} of {calls:,} outgoing calls lie between 0 and 7 o'clock, most at {hour}: are the times in UTC? give --zone",
        "{calls:,} 次呼出中 {share:.0%} 在 0 至 7 點，最多在 {hour} 點：時間是否為 UTC？請給出 --zone",
        _night_peak,
    ),
    Check(
        "no_clock",
        "{share:.0%} of {calls:,} calls are at midnight: the times have no clock, features by hour mean nothing",
        "{calls:,} 次通話中 {share:.0%} 在零點：時間沒有鐘點，按時段的特徵沒有意義",
        _without_clock,
    ),
    Check(
        "whole_minutes",
        "{share:.0%} of {calls:,} talks are whole minutes: are they billed minutes? give the talk in seconds",
        "{calls:,} 次通話的時長 {share:.0%} 是整分鐘：是否為計費分鐘？請給出通話秒數",
        _whole_minutes,
    ),
    Check(
        "long_talk",
        "{calls:,} talks last over four hours, the longest {hours:,.1f} hours: is the unit seconds?",
        "{calls:,} 次通話超過四小時，最長 {hours:.1f} 小時：單位是秒嗎？",
        _long_talks,
    ),
    Check(
        "masked_callees",
        "{share:.1%} of callees are masked: several people count as one, dispersion features are not to be trusted",
        "{share:.1%} 的被叫號碼被遮蔽：幾個人會算成一個人，離散度特徵不可信",
        _masked_callees,
    ),
    Check(
        "missing_days",
        "{days:,} days have no call at all, the first is {first}: is a file missing?",
        "有 {days:,} 天沒有任何通話，第一天是 {first}：是否缺少檔案？",
        _missing_days,
    ),
    Check(
        "duplicated_day",
        "{first} and {second} hold the same {calls:,} calls: was one exported with the wrong date?",
        "{first} 與 {second} 的 {calls:,} 次通話相同：是否有一天的日期匯出錯誤？",
        _duplicated_day,
    ),
    Check(
        "volume_jump",
        "the week of {week} has {calls:,} calls, the one before {before:,}",
        "{week} 這一周有 {calls:,} 次通話，前一周 {before:,} 次",
        _volume_jump,
    ),
    Check(
        "unit_jump",
        "the median talk is {talk:.1f} in the week of {week} and {before:.1f} before: did the unit change?",
        "{week} 這一周的通話時長中位數是 {talk:.1f}，之前是 {before:.1f}：單位是否變了？",
        _unit_jump,
    ),
    Check(
        "short_period",
        "{table} covers {days:,} days, {window:,} are looked at",
        "{table} 只覆蓋 {days:,} 天，需要 {window:,} 天",
        _short_period,
    ),
    Check(
        "complaints_without_available_at",
        "{blank:,} of {rows:,} complaints have no available_at: they count from the day they were made, which may be too early",
        "{rows:,} 件投訴中 {blank:,} 件沒有 available_at：從投訴當天算起，可能過早",
        _complaints_without_available_at,
    ),
    Check(
        "calls_before_activation",
        "{calls:,} calls of {cards:,} cards lie on a day before the activation of the card; they are used",
        "{cards:,} 張卡的 {calls:,} 次通話在開卡日之前；仍使用",
        _calls_before_activation,
    ),
    Check(
        "calls_after_block",
        "{cards:,} cards make {calls} answered calls or more from {days} days after a block that has no end: they count as blocked,"
        " get no forecast and teach nothing; give unblocked_at",
        "{cards:,} 張卡在沒有結束時間的封停 {days} 天之後仍有 {calls} 次以上接通的呼出：它們被視為已封停，不作預測也不用於學習；"
        "請給出 unblocked_at",
        _calls_after_block,
    ),
)
