"""Pseudonyms: a keyed HMAC-SHA256 in the place of every card, callee and handset, the same in every run with the same key."""

import hashlib
from pathlib import Path

import duckdb

from blockrisk.features.errors import mistake

SHORTEST = 16
_BLOCK = 64


def read_key(path: str | Path) -> bytes:
    """Read the secret of --pseudonymise; a line break at its end does not count.

    Raises:
        UserError: it is shorter than 16 bytes.

    """
    key = Path(path).read_bytes().rstrip(b"\r\n")
    if len(key) < SHORTEST:
        raise mistake("key", path=path)
    return key


def set_key(con: duckdb.DuckDBPyConnection, key: bytes | None) -> None:
    """Give the engine's `pseudonym` macro its key: the two padded keys of HMAC (RFC 2104).

    >>> import hmac
    >>> from blockrisk.features.intake.macros import MACROS
    >>> con = duckdb.connect()
    >>> made = [con.execute(macro) for macro in MACROS]
    >>> set_key(con, b"sixteen bytes or more")
    >>> [(pseudonym,)] = con.execute("select pseudonym('13800138000')").fetchall()
    >>> pseudonym == hmac.new(b"sixteen bytes or more", b"13800138000", "sha256").hexdigest()[:32]
    True
    """
    if key is None:
        return
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    con.execute("set variable outer_key = ?", [bytes(byte ^ 0x5C for byte in block)])
    con.execute("set variable inner_key = ?", [bytes(byte ^ 0x36 for byte in block)])
