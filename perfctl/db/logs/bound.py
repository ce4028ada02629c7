"""The values of `$1`, `$2` ... that a DETAIL line has, and statements with such values put back into them."""

from __future__ import annotations

import re

from perfctl.db.sqltext import tokens

_LIST = re.compile(r"parameters: ", re.IGNORECASE)
_VALUE = re.compile(r"\$(\d+) = (NULL|'[^']*+(?:''[^']*+)*+')(?:, |\Z)")
_PREPARE = re.compile(r"\s*PREPARE\s+.*?\s+AS\s+(.*)", re.IGNORECASE | re.DOTALL)
_EXECUTE = re.compile(r"\s*EXECUTE\b", re.IGNORECASE)


def parameters(detail: str) -> tuple[str | None, ...]:
    """The values in the order of their numbers, None for NULL; empty where the detail has none.

    >>> parameters("parameters: $1 = 'it''s', $2 = NULL")
    ("it's", None)
    """
    return tuple(None if value == "NULL" else value[1:-1].replace("''", "'") for value in _quoted(detail))


def prepared(text: str, detail: str) -> str:
    """The statement that an SQL-level EXECUTE runs, where the detail has it; else the text itself."""
    if not detail.startswith("prepare:") or not _EXECUTE.match(text):
        return text
    return inner(detail.removeprefix("prepare:"))


def inner(text: str) -> str:
    """The statement that an SQL-level PREPARE prepares; any other text as it is.

    >>> inner("PREPARE foo (int) AS SELECT $1")
    'SELECT $1'
    """
    match = _PREPARE.match(text)
    return match[1] if match else text


def with_values(text: str, detail: str) -> str:
    """The statement with its values in place of `$1`, `$2` ..., so that it can be run as it stands.

    >>> with_values("SELECT $1, '$1'", "parameters: $1 = 'a'")
    "SELECT 'a', '$1'"
    """
    values = _quoted(detail)
    if not values:
        return text
    return "".join(
        values[number - 1] if piece.kind == "parameter" and 0 < (number := int(piece.text[1:9])) <= len(values)
        else piece.text
        for piece in tokens(text)
    )  # fmt: skip


def with_places(text: str) -> str:
    """The statement with `$1`, `$2` ... in place of its values, as pg_stat_statements writes it.

    >>> with_places("SELECT * FROM t WHERE a = 5 AND b = $1")
    'SELECT * FROM t WHERE a = $2 AND b = $1'
    """
    pieces = list(tokens(text))
    number = max((int(piece.text[1:9]) for piece in pieces if piece.kind == "parameter"), default=0)
    out: list[str] = []
    for piece in pieces:
        is_value = piece.kind in ("string", "number")
        number += is_value
        out.append(f"${number}" if is_value else piece.text)
    return "".join(out)


def _quoted(detail: str) -> list[str]:
    start = _LIST.match(detail)
    return [value for _, value in _VALUE.findall(detail, start.end())] if start else []
