"""Text files that the fast reader does not take: their encoding, their lines, their separator, their rows.

Every line of the file becomes a row, a part of a row, or a refusal with its line number; nothing is padded, shifted or joined by
chance.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from blockrisk.features.chinese import folded
from blockrisk.features.errors import UserError, mistake
from blockrisk.features.intake.macros import BLANKS, TOTALS
from blockrisk.features.messages import say, shown
from blockrisk.features.synonyms import WORDS

SEPARATORS = ",;\t"
CHUNK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST = 1000
"""Lines that a quoted cell may span; beyond it the quote counts as never closed."""
_ONE_ONLY = re.compile(rb"[\x80-\xa0\xc0\xc1\xe0-\xff]")
"""A letter of UTF-8 in two bytes is a Chinese character of GB18030 too, if it has none of these bytes."""
_BEYOND = re.compile("[^\x00-\x7f]+")
_FAR = re.compile("[\u0800-\U0010ffff]")
_SPOKEN = frozenset(map(folded, (*BLANKS, *TOTALS, *(w for words in WORDS.values() for said in words.values() for w in said))))


@dataclass(frozen=True)
class Row:
    """Hold one row: its first line in the file and its cells, or the code of the rule that it breaks."""

    line: int
    cells: tuple[str, ...]
    broken: str = ""


def open_bytes(path: Path) -> BinaryIO:
    """Open a file as bytes, unpacked if its name ends in .gz."""
    return cast(BinaryIO, gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb"))


@dataclass(frozen=True)
class Shape:
    """Tell of a text file what the fast reader needs to know: lines, whether they are plain UTF-8, whether the last one ends."""

    lines: int
    plain: bool
    ends: bool


def shape_of(path: Path, label: str, told: Callable[[int], None] = lambda size: None) -> Shape:
    """Look through a file once. It is plain if it is UTF-8 for certain, has no NUL and one kind of line break.

    Args:
        path: the file.
        label: its name in messages.
        told: is called with the number of bytes of each part.

    Raises:
        UserError: the file cannot be read, as a cut .gz.

    """
    breaks = pairs = returns = 0
    nuls, ascii_only, settled = False, True, False
    head, last, tail = b"", b"", b""
    try:
        with open_bytes(path) as file:
            while part := file.read(CHUNK):
                head = head or part[:4]
                breaks, nuls = breaks + part.count(b"\n"), nuls or b"\0" in part
                if b"\r" in part or last == b"\r":
                    returns += part.count(b"\r")
                    pairs += part.count(b"\r\n") + (last == b"\r" and part[:1] == b"\n")
                if not settled and not part.isascii():
                    ascii_only, settled = False, _ONE_ONLY.search(part) is not None
                last, tail = part[-1:], part[-2:]
                told(len(part))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(say("unreadable", label=label, why=str(error) or type(error).__name__)) from error
    plain = not nuls and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and returns == pairs in (0, breaks)
    plain = plain and (ascii_only or settled)
    return Shape(breaks + (last not in (b"\n", b"")), plain, tail.rstrip(b"\0")[-1:] in (b"\n", b"\r", b""))


def encoding_of(path: Path, label: str) -> str:
    """Choose the encoding: by the byte-order mark, by the NULs of UTF-16, else UTF-8 if it fits, else GB18030.

    A file of mostly good UTF-8 with damaged bytes stays UTF-8: GB18030 would turn it into other characters without a word.

    Raises:
        UserError: all that is not ASCII fits both, and is not made of words that we know in GB18030.

    """
    with open_bytes(path) as file:
        head = file.read(CHUNK)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if head[1::2].count(0) > len(head) // 8:
        return "utf-16-le"
    if head[::2].count(0) > len(head) // 8:
        return "utf-16-be"
    wrong, right = _fit(path, "utf-8")
    if not wrong:
        return "gb18030" if not right and _is_chinese(path, label) else "utf-8"
    other, _ = _fit(path, "gb18030")
    return "gb18030" if other < wrong and wrong > right else "utf-8"


def _is_chinese(path: Path, label: str) -> bool:
    """Tell whether good UTF-8 is meant as GB18030: all of it beyond ASCII fits both, as the two words of 未知 and δ֪ do.

    One letter by itself (café) is UTF-8: of Chinese text there would be more.
    """
    found: dict[str, int] = {}
    with open_bytes(path) as raw:
        for number, line in _numbered(codecs.getreader("utf-8")(raw)):
            for run in _BEYOND.findall(line):
                if _ONE_ONLY.search(run.encode()):
                    return False
                found.setdefault(run, number)
    several = {run: number for run, number in found.items() if len(run) > 1}
    for run, number in several.items():
        chinese = run.encode().decode("gb18030")
        if folded(chinese) not in _SPOKEN:
            raise mistake("either_encoding", label=label, line=number, utf8=shown(run), gb18030=shown(chinese))
    return bool(several)


def _fit(path: Path, encoding: str) -> tuple[int, int]:
    """Count the characters that cannot be read in an encoding, and those that can and take three bytes or more in UTF-8."""
    wrong = right = 0
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with open_bytes(path) as file:
        while part := file.read(CHUNK):
            text = decoder.decode(part)
            lost = text.count("\ufffd")
            wrong, right = wrong + lost, right + len(_FAR.findall(text)) - lost
    text = decoder.decode(b"", final=True)
    return wrong + text.count("\ufffd"), right


def rows_of(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    """Give the rows of a text file; blank lines are none.

    Each row has its cells as text, or the rule it breaks: "quote", "nul" or "bytes".
    """
    with open_bytes(path) as raw:
        reader = codecs.getreader(encoding)(raw, "replace")
        yield from _rows(_numbered(reader), separator)


def _numbered(reader: codecs.StreamReader) -> Iterator[tuple[int, str]]:
    """Number the lines; they end at LF, CR or CRLF only, not at the other breaks that Unicode knows."""
    number, rest = 1, ""
    while part := reader.read(CHUNK):
        text = rest + part
        held = text[-1:] == "\r"  # may be half of a CRLF
        lines = (text[:-1] if held else text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rest = lines.pop() + ("\r" if held else "")
        for line in lines:
            yield number, line
            number += 1
    if rest:
        yield number, rest.rstrip("\r")


def _rows(lines: Iterator[tuple[int, str]], separator: str) -> Iterator[Row]:
    waiting: list[tuple[int, str]] = []
    width = 0
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, ""))
        if not number:
            return
        if '"' not in line:
            if line.strip("\r \t\ufeff") or separator in line:
                row = _checked(number, line, tuple(line.split(separator)))
                width = width or len(row.cells)
                yield row
            continue
        if len(waiting) < _LONGEST and line.count('"') % 2:
            waiting += islice(lines, _LONGEST - len(waiting))
        cells, taken = _quoted(line, waiting, separator, width)
        if not cells:
            yield Row(number, (line[:60],), "quote")
            continue
        del waiting[:taken]
        width = width or len(cells)
        yield _checked(number, line, cells)


def _quoted(line: str, following: list[tuple[int, str]], separator: str, width: int) -> tuple[tuple[str, ...], int]:
    """Read a line with quotes, taking as many of the lines after it as its cells span; () if the quotes do not close.

    A line that is a whole row by itself is never taken into a cell of another row.
    """
    text, taken = line, 0
    while True:
        cells = _parse(text, separator)
        if cells or text.count('"') % 2 == 0 or taken == len(following):
            return cells, taken
        more = following[taken][1]
        if width > 1 and more.count(separator) == width - 1:
            return (), 0
        text, taken = f"{text}\n{more}", taken + 1


def _parse(text: str, separator: str) -> tuple[str, ...]:
    if text.count('"') % 2:
        return ()
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return ()
    return tuple(found[0]) if len(found) == 1 else ()


def _checked(number: int, line: str, cells: tuple[str, ...]) -> Row:
    if "\0" in line:
        return Row(number, cells, "nul")
    return Row(number, cells, "bytes" if "\ufffd" in line else "")
