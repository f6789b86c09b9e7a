"""What is odd about a data set that was read: declared checks, each with its figures. None of them changes a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blockrisk.features import tables as contract
from blockrisk.features.intake.dataset import Tables
from blockrisk.features.messages import either

Figures = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """Declare a check: its name, what it says in both languages with the figures filled in, and the function that finds them."""

    name: str
    en: str
    zh: str
    find: Callable[[Tables], list[Figures]]


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
    return [Warned(check.name, figures) for check in WARNINGS for figures in check.find(tables)]


def _rows(tables: Tables, sql: str) -> list[tuple[Any, ...]]:
    return tables.con.execute(sql).fetchall()


def _set_aside(tables: Tables) -> list[Figures]:
    return [
        {"table": count.table, "rows": count.quarantined, "share": count.quarantined / count.read}
        for count in tables.accounting
        if count.quarantined
    ]


def _cut_files(tables: Tables) -> list[Figures]:
    return [{"file": label} for label in tables.cut]


def _blank_columns(tables: Tables) -> list[Figures]:
    found = []
    for name in sorted(name for name in tables.present if "." in name):
        table, column = name.split(".")
        nothing = "'unknown'" if contract.table(table).column(column).type == "choice" else "null"
        [(rows, said)] = _rows(tables, f'select count(*), count(nullif("{column}"::VARCHAR, {nothing})) from {table}')
        if rows and not said:
            found.append({"column": name, "rows": rows})
    return found


def _unknown_cards(tables: Tables) -> list[Figures]:
    found = []
    for table in contract.TABLES:
        if table.name != "cards" and table.name in tables.present and table.key[0] == "card_id":
            sql = f"select count(*), count(distinct card_id) from {table.name} where card_id not in (select card_id from cards)"
            [(rows, cards)] = _rows(tables, sql)
            found += [{"table": table.name, "rows": rows, "cards": cards}] if rows else []
    return found


def _night_peak(tables: Tables) -> list[Figures]:
    sql = """
        select count(*), count_if(hour(started_at) < 7) / count(*), mode(hour(started_at)) from calls
        where coalesce(direction, 'out') = 'out' and started_at <> date_trunc('day', started_at)"""
    return [
        {"share": share, "hour": peak, "calls": calls} for calls, share, peak in _rows(tables, sql) if calls >= 100 and share > 0.25
    ]


def _without_clock(tables: Tables) -> list[Figures]:
    sql = "select count(*), count_if(started_at = date_trunc('day', started_at)) / count(*) from calls"
    return [{"share": share, "calls": calls} for calls, share in _rows(tables, sql) if calls >= 2 and share > 0.5]


def _whole_minutes(tables: Tables) -> list[Figures]:
    sql = "select count(*), count_if(talk_s % 60 = 0) / count(*) from calls where talk_s > 0"
    return [{"share": share, "calls": calls} for calls, share in _rows(tables, sql) if calls >= 20 and share > 0.99]


def _long_talks(tables: Tables) -> list[Figures]:
    sql = "select count(*), max(talk_s) / 3600 from calls where talk_s > 14400"
    return [{"calls": calls, "hours": hours} for calls, hours in _rows(tables, sql) if calls]


def _masked_callees(tables: Tables) -> list[Figures]:
    sql = "select count(*), count_if(contains(callee, '*')) / count(*) from calls"
    return [{"share": share} for calls, share in _rows(tables, sql) if calls and share > 0.01]


def _missing_days(tables: Tables) -> list[Figures]:
    """Count days without a call, of weekdays that have calls in most weeks."""
    sql = """
        with daily as (select distinct started_at::DATE as day from calls),
        span as (select unnest(generate_series(min(day), max(day), interval 1 day))::DATE as day from daily),
        every as (
            select span.day, isodow(span.day) as weekday, daily.day is not null as called from span left join daily using (day))
        select count(*), min(day)::VARCHAR from every where not called and weekday in
            (select weekday from every group by weekday having count_if(called) * 2 > count(*))"""
    return [{"days": days, "first": first} for days, first in _rows(tables, sql) if days]


def _duplicated_day(tables: Tables) -> list[Figures]:
    sql = """
        with daily as (
            select started_at::DATE as day, count(*) as calls,
                sum(hash(card_id, started_at - date_trunc('day', started_at), callee, talk_s)::HUGEINT) as content
            from calls group by day having count(*) >= 10)
        select min(day)::VARCHAR, max(day)::VARCHAR, any_value(calls) from daily group by content, calls having count(*) > 1"""
    return [{"first": first, "second": second, "calls": calls} for first, second, calls in sorted(_rows(tables, sql))]


_WEEKS = """
    with weekly as (
        select date_trunc('week', started_at)::DATE as week, count(*) as calls, median(talk_s) filter (where talk_s > 0) as talk,
            count(distinct started_at::DATE) as days
        from calls group by week having count(*) >= 50)
    select calls, talk, lag(calls) over w, lag(talk) over w, week::VARCHAR from weekly where days >= 5
    window w as (order by week) order by week"""


def _volume_jump(tables: Tables) -> list[Figures]:
    return [
        {"week": week, "before": before, "calls": calls}
        for calls, _, before, _, week in _rows(tables, _WEEKS)
        if before and not 0.2 <= calls / before <= 5
    ]


def _unit_jump(tables: Tables) -> list[Figures]:
    return [
        {"week": week, "before": before, "talk": talk}
        for _, talk, _, before, week in _rows(tables, _WEEKS)
        if talk and before and (40 <= talk / before <= 80 or 40 <= before / talk <= 80)
    ]


def _short_period(tables: Tables) -> list[Figures]:
    sql = "select date_diff('day', min(started_at), max(started_at)) + 1, min(started_at), max(started_at) from calls"
    [(days, start, end)] = _rows(tables, sql)
    found = [{"table": "calls", "days": days, "window": 30}] if days is not None and days < 30 else []
    for table in contract.TABLES:
        if table.event and table.name in tables.present and table.name not in ("calls", "roaming_notices", "actions"):
            [(rows, first, last)] = _rows(tables, f'select count(*), min("{table.event}"), max("{table.event}") from {table.name}')
            covered = max(0, (min(last, end) - max(first, start)).days + 1) if rows and start else days
            if rows and days and days - covered > 30:
                found.append({"table": table.name, "days": covered, "window": days})
    return found


def _complaints_without_available_at(tables: Tables) -> list[Figures]:
    sql = "select count(*), count_if(available_at is null) from complaints"
    return [{"rows": rows, "blank": blank} for rows, blank in _rows(tables, sql) if rows and blank]


def _calls_before_activation(tables: Tables) -> list[Figures]:
    sql = """
        select count(*), count(distinct card_id) from calls join cards using (card_id)
        where started_at::DATE < activated_at::DATE"""
    return [{"calls": calls, "cards": cards} for calls, cards in _rows(tables, sql) if calls]


WARNINGS: tuple[Check, ...] = (
    Check(
        "set_aside", "{table}: {rows:,} rows ({share:.2%}) are set aside", "{table}：擱置了 {rows:,} 行（{share:.2%}）", _set_aside
    ),
    Check(
        "cut_file",
        "{file} does not end with a line break: its last row may be cut; it is used",
        "{file} 末尾沒有換行：最後一行可能不完整；仍使用",
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
        "{calls:,} talks last over four hours, the longest {hours:.1f}: is the unit seconds?",
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
)
