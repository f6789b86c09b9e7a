"""The patterns of cells, as SQL macros: what is clean, what is repaired for certain, what stays unread (null).

A clean cell is read by the `quick_` macro of its type, which costs little; only the others are matched against patterns. Words are
looked up in one text (`listed`): the planner takes long over a list.
"""

import re
from collections.abc import Iterable

from blockrisk.features.chinese import INVISIBLE, MAINLAND, TRADITIONAL

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
REALS = ("DOUBLE", "FLOAT", "DECIMAL")

BLANKS = (
    *("", "null", "none", "nan", "nat", "n/a", "\\n", "-", "--", "无", "無", "未知", "(null)", "<na>"),
    *("0000-00-00", "0000-00-00 00:00:00", "#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!"),
)
TOTALS = ("合计", "合計", "总计", "總計", "小计", "小計", "共计", "共計", "total", "totals", "subtotal", "sum", "grand total")
_OPENINGS = re.escape("".join(sorted({form for word in BLANKS if word for form in (word[0], word[0].upper())})))
_WORDS = tuple(word for word in (*BLANKS, *TOTALS) if word.isascii() and word.isalpha())


def literal(text: str) -> str:
    """Quote a text as an SQL literal.

    >>> literal("a'b")
    "'a''b'"
    """
    return "'" + text.replace("'", "''") + "'"


def words_sql(words: Iterable[str]) -> str:
    """Write words as the one text that the macro `listed` looks them up in."""
    return literal("\x1f".join(["", *words, ""]))


_WIDE = "".join(chr(code + 0xFEE0) for code in range(0x21, 0x7F)) + "\u3000\u00a0"
_NARROW = "".join(map(chr, range(0x21, 0x7F))) + "  "
_INVISIBLE = f"[{INVISIBLE}]"
_CONTROLS = "\\t\\r\\n\\x0b\\x0c"
_SPACE = f"E' {_CONTROLS}'"
_BARED = f"{_CONTROLS}\u3000\u00a0{INVISIBLE}"
_PLAIN = f"[^ {_BARED}{_OPENINGS}]([^{_BARED}]*[^ {_BARED}])?"
_CLOCK = "([ T]([0-9]{1,2}):([0-9]{1,2})(:[0-9]{1,2}([.][0-9]{1,9})?)?)?"
_OFFSET = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_DAY_FIRST = f"([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}})({_CLOCK})"
_AREA = "(10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}"
_MOBILE = "1[3-9][0-9]{9}"
_SPOKEN = (
    "(?:([0-9]+) ?(?:小时|小時|时|時|h|hrs?|hours?))? ?(?:([0-9]+) ?(?:分钟|分鐘|分|m|mins?|minutes?))? ?"
    "(?:([0-9]+(?:[.][0-9]+)?) ?(?:秒钟|秒鐘|秒|s|secs?|seconds?))?"
)


def _match(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, '{pattern}')"


def _part(pattern: str, group: int, factor: int) -> str:
    return f"coalesce(try_cast(regexp_extract(lower(w), '^{pattern}$', {group}) as DOUBLE), 0) * {factor}"


_TIME = f"""case
    when {_match("w", f"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}{_CLOCK}")} then try_cast(w as TIMESTAMP)
    when {_match("w", f"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}{_CLOCK} ?{_OFFSET}")} and length(w) > 11
        then timezone(getvariable('zone'), try_cast(regexp_replace(w, ' ?{_OFFSET}$', '\\1') as TIMESTAMPTZ))
    when {_match("w", f"[0-9]{{4}}/[0-9]{{1,2}}/[0-9]{{1,2}}{_CLOCK}")} then try_cast(replace(w, '/', '-') as TIMESTAMP)
    when {_match("w", f"[0-9]{{4}}[.][0-9]{{1,2}}[.][0-9]{{1,2}}{_CLOCK}")}
        then try_cast(regexp_replace(w, '^([0-9]+)[.]([0-9]+)[.]', '\\1-\\2-') as TIMESTAMP)
    when {_match("w", f"[0-9]{{4}}年[0-9]{{1,2}}月[0-9]{{1,2}}日{_CLOCK.replace('[ T]', ' ?')}")}
        then try_cast(trim(regexp_replace(w, '^([0-9]+)年([0-9]+)月([0-9]+)日 ?', '\\1-\\2-\\3 ')) as TIMESTAMP)
    when {_match("w", "(19|20)[0-9]{12}")} then try_strptime(w, '%Y%m%d%H%M%S')
    when {_match("w", "(19|20)[0-9]{6}")} then try_strptime(w, '%Y%m%d')
    when {_match("w", "[1-4][0-9]{9}")} then timezone(getvariable('zone'), to_timestamp(w::BIGINT))
    when {_match("w", "[1-4][0-9]{12}")} then timezone(getvariable('zone'), make_timestamptz(w::BIGINT * 1000))
    when {_match("w", "[3-7][0-9]{4}([.][0-9]+)?")}
        then TIMESTAMP '1899-12-30' + to_seconds(cast(round(w::DECIMAL(38, 15) * 86400) as BIGINT))
    when day_first = 'dmy' and {_match("w", _DAY_FIRST)}
        then try_cast(regexp_replace(w, '^{_DAY_FIRST}$', '\\3-\\2-\\1\\4') as TIMESTAMP)
    when day_first = 'mdy' and {_match("w", _DAY_FIRST)}
        then try_cast(regexp_replace(w, '^{_DAY_FIRST}$', '\\3-\\1-\\2\\4') as TIMESTAMP)
    end"""

_MACROS = {
    "listed(w, words)": "contains(words, chr(31) || w || chr(31))",
    "clean(v)": f"""trim(case when strlen(v) = length(v) then v
        else regexp_replace(translate(v, {literal(_WIDE)}, {literal(_NARROW)}), '{_INVISIBLE}', '', 'g') end, {_SPACE})""",
    "tidy(v)": f"""trim(case when strlen(v) = length(v) then v else
        regexp_replace(translate(v, '\u3000\u00a0', '  '), '{_INVISIBLE}', '', 'g') end, {_SPACE})""",
    "unquoted(v)": "ltrim(clean(v), E'\\' \\t')",
    "plain_text(v)": f"regexp_full_match(v, '{_PLAIN}')",
    "is_blank(w)": f"listed(lower(w), {words_sql(BLANKS)})",
    "folded(w)": f"regexp_replace(translate(lower(w), '{TRADITIONAL}', '{MAINLAND}'), '[\\s_\\-:]+', '', 'g')",
    "is_total(w)": f"listed(rtrim(lower(w), ':'), {words_sql(TOTALS)})",
    "digits_lost(w)": """regexp_full_match(w, '[0-9]([.][0-9]+)?[eE][+]?[0-9]+') and (contains(w, '.') or contains(w, '+'))
        or regexp_full_match(w, '[0-9]+[.][0-9]+') and not regexp_full_match(w, '[0-9]{1,15}[.]0+')""",
    "clean_identifier(v)": f"""case when v >= '0' and v < ':' then strlen(v) = length(v) and not (contains(v, ' ')
        or contains(v, '.') or contains(v, '+') or contains(v, '-') or contains(v, '(') or contains(v, E'\\t')
        or starts_with(v, '0086'))
        else {_match("v", "[A-Za-z][0-9A-Za-z_-]*")} and not listed(lower(v), {words_sql(_WORDS)}) end""",
    "quick_identifier(v)": "case when clean_identifier(v) then v end",
    "quick_card(v)": "case when clean_identifier(v) and not contains(v, '*') then v end",
    "careful_identifier(w, d)": f"""case
        when {_match("w", "[0-9A-Za-z_]+")} and not starts_with(w, '0086') and not is_blank(w) and not is_total(w) then w
        when w = '' or is_blank(w) or is_total(w) or digits_lost(w) then null
        when {_match("w", "[0-9]+[.]0+")} then split_part(w, '.', 1)
        when {_match("d", f"([+]|00)86{_MOBILE}")} then right(d, 11)
        when {_match("d", f"([+]|00)86{_AREA}")} then '0' || regexp_replace(d, '^([+]|00)86', '')
        when {_match("d", f"{_MOBILE}|89[0-9]{{17,18}}|0{_AREA}")} then d else w end""",
    "checked_time(v)": "case when v >= TIMESTAMP '1990-01-01' and v < TIMESTAMP '2100-01-01' then v end",
    "day_or_month(w)": _match("w", _DAY_FIRST),
    "quick_time(v)": "try_strptime(v, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d', '%Y-%m-%d %H:%M', '%Y-%m-%d %H:%M:%S.%f'])",
    "careful_time(w, day_first)": _TIME,
    "checked_number(v, low)": "case when isfinite(v) and v >= low then v end",
    "quick_number(v)": "case when isfinite(try_cast(v as DOUBLE)) then try_cast(v as DOUBLE) end",
    "careful_number(w, thousands)": f"""case when {_match("w", "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)")} then try_cast(w as DOUBLE)
        when thousands and {_match("w", "[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?")} then try_cast(replace(w, ',', '') as DOUBLE)
        end""",
    "duration_of(w)": f"""case
        when {_match("w", "[0-9]{1,3}:[0-5]?[0-9]:[0-5]?[0-9]([.][0-9]+)?")} then split_part(w, ':', 1)::DOUBLE * 3600
            + split_part(w, ':', 2)::DOUBLE * 60 + split_part(w, ':', 3)::DOUBLE
        when w <> '' and {_match("lower(w)", _SPOKEN)}
            then {_part(_SPOKEN, 1, 3600)} + {_part(_SPOKEN, 2, 60)} + {_part(_SPOKEN, 3, 1)} end""",
    "unsure_duration(w)": _match("w", "[0-9]{1,3}:[0-9]{1,2}"),
    "pseudonym(v)": """case when v is not null then left(sha256(getvariable('outer_key')
        || unhex(sha256(getvariable('inner_key') || encode(v)))), 32) || case when contains(v, '*') then '*' else '' end end""",
}
MACROS = tuple(f"create or replace macro {head} as {body}" for head, body in _MACROS.items())
"""`v` is a cell as found; `w` one that clean() or unquoted() has been through; `d` one without blanks, brackets and hyphens."""
