"""log_line_prefix: from the setting's text to a pattern that takes the beginnings of lines apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

FIELDS = ("at", "session", "user", "database", "application", "host", "queryid")
"""What a prefix can tell, in the order of a record's fields; what it does not is an empty text."""

_LEVELS = (
    "LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE"
)  # fmt: skip
_ZONE = r"(?:[A-Za-z]+|<?[+-]\d\d(?::?\d\d)?>?)"
_SECOND = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {_ZONE}"
_MILLISECOND = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} {_ZONE}"
_NAME = r"[^\n]{0,64}?"
_TITLE = r"[^\n]{0,256}?"

# What PostgreSQL writes for each escape. Names may hold anything and are as short as what follows lets them be;
# they are bounded, so that a long line which fits nothing is given up soon.
_ESCAPES: Mapping[str, str] = {
    "a": _TITLE, "u": _NAME, "d": _NAME, "b": _NAME, "i": r"[\w ]{0,64}?",
    "r": r"(?:\[local\]|[^\s()\[\]]+\(\d+\)|)",
    "h": r"(?:\[local\]|\d+\.\d+\.\d+\.\d+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?|[\w.-]*)",
    "L": r"(?:\[\w+\]|\d+\.\d+\.\d+\.\d+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?|[\w.-]*)",
    "p": r"\d+", "P": r"\d*", "t": _SECOND, "m": _MILLISECOND, "n": r"\d+\.\d{3}", "s": _SECOND,
    "v": r"(?:-?\d+/\d+)?", "x": r"\d+", "e": r"[0-9A-Z]{5}", "c": r"[0-9a-f]+\.[0-9a-f]+", "l": r"\d+",
    "Q": r"-?\d+",
}  # fmt: skip
_TELLS: Mapping[str, tuple[str, ...]] = {
    "at": ("m", "t", "n", "s"), "session": ("p", "c"), "user": ("u",), "database": ("d",), "application": ("a",),
    "host": ("r", "h"), "queryid": ("Q",),
}  # fmt: skip
"""By field: the escapes that tell it, the best first."""
_PIECE = re.compile(r"%(-?)(\d*)([A-Za-z%])|([^%]+)|(%)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prefix:
    """One log_line_prefix, understood."""

    text: str
    pattern: re.Pattern[str]
    """Finds a line's end, the prefix behind it and the level: groups are FIELDS by name, and `level`."""
    tells: frozenset[str]
    """Which of FIELDS it has."""


@lru_cache(maxsize=256)
def understood(text: str) -> Prefix:
    """The prefix as a pattern; escapes that PostgreSQL does not know write nothing there, so nothing is expected.

    >>> understood("%m [%p] %q%u@%d ").pattern.search("\\n2026-01-02 03:04:05.678 UTC [42] jo@shop LOG:  hi")["user"]
    'jo'
    """
    taken = _takers(text)
    uncaptured = dict(taken)
    body, is_open = "", False
    for sign, width, letter, literal, percent in _PIECE.findall(text):
        if letter == "q":
            body, is_open = (body if is_open else f"{body}(?:"), True
        elif letter in _ESCAPES:
            body += _padded(_captured(letter, uncaptured.pop(letter, None)), sign, width)
        else:
            body += re.escape("%" if letter == "%" else "" if letter else literal or percent)
    if is_open:
        # What stands behind %q is written by sessions alone.
        body += ")?"
    missing = "".join(f"(?P<{name}>)" for name in FIELDS if name not in taken.values())
    pattern = re.compile(rf"\n{body}{missing}(?P<level>{_LEVELS}): {{1,2}}")
    return Prefix(text, pattern, frozenset(taken.values()))


def _takers(text: str) -> dict[str, str]:
    """By escape: the field that is taken from it."""
    letters = {letter for _, _, letter, _, _ in _PIECE.findall(text)}
    best = {field: next((one for one in escapes if one in letters), None) for field, escapes in _TELLS.items()}
    return {letter: field for field, letter in best.items() if letter is not None}


def _captured(letter: str, field: str | None) -> str:
    return f"(?P<{field}>{_ESCAPES[letter]})" if field else f"(?:{_ESCAPES[letter]})"


def _padded(pattern: str, sign: str, width: str) -> str:
    if not width:
        return pattern
    return f"{pattern} *" if sign else f" *{pattern}"
