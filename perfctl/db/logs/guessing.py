"""What kind of log a file is, and which log_line_prefix it has: told by its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Literal

from perfctl.db.logs import csvlog, jsonlog, syslog
from perfctl.db.logs.prefix import Prefix, understood

Format = Literal["csvlog", "jsonlog", "stderr", "syslog"]

_LOOKED_AT = 65_536
_LINES = 200
_COMMON = (
    "%m [%p] ", "%m [%p] %q%u@%d ", "%m [%p] %q%u@%d %a ", "%m [%p] %a ", "%t [%p] ", "%t [%p]: ", "%m [%p]: ",
    "%t:%r:%u@%d:[%p]:", "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a",
    "%t [%p]: [%l-1] ", "%t [%p]: [%l-1] user=%u,db=%d ", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ", "%t [%p]: db=%d,user=%u,app=%a,client=%h ",
    "%t [%p]: [%l-1] db=%d,user=%u ", "%m [%p]: [%l-1] db=%d,user=%u ", "%m [%p]: [%l-1] user=%u,db=%d ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] [user=%u,db=%d,app=%a] ", "%m [%p] %u@%d ", "%m [%p] %q[user=%u,db=%d,app=%a] ", "%t-%c-", "%t %u %d [%p]",
    "%h %m [%p] %q%u@%d ", "%m %u@%d %p %r %a : ", "%m-%d-%u-%h-[%p]: ", "< %m >", "<%m>", "%t ", "%m ", "%n [%p] ",
    "%c %t ", "%m [%p]: %a %u %d ", "%m [%p] %r %u@%d ", "%m [%p] %h %u@%d ", "%t [%p] %u@%d ", "%m|%p|%u|%d|%a|%h|",
    "%t [%p-%l] %q%u@%d ", "%m [%p-%l] %q%u@%d ", "%t [%p]: [%l] %u@%d ", "",
)  # fmt: skip
"""What packages, cloud services and manuals write."""
_MAIN_LEVELS = frozenset(("LOG", "ERROR", "FATAL", "PANIC", "WARNING"))
_MAIN = re.compile(r"\n([^\t\n][^\n]{0,512}?)\b(?:LOG|ERROR|FATAL|PANIC|WARNING): {1,2}")
_COMPOSED = 40
_LOOKS = tuple(
    (re.compile(pattern), escape)
    for pattern, escape in (
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (?:[A-Za-z]+|[+-]\d\d(?::?\d\d)?)", "%m"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:[A-Za-z]+|[+-]\d\d(?::?\d\d)?)", "%t"),
        (r"\b\d{10}\.\d{3}\b", "%n"),
        (r"\b[0-9a-f]{6,8}\.[0-9a-f]+\b", "%c"),
        (r"\[\d+\]", "[%p]"),
        (r"\[\d+-(\d+)\]", r"[%l-\1]"),
        (r"\b(user|usr|u)=[^,\s|\]]*", r"\1=%u"),
        (r"\b(database|db|d)=[^,\s|\]]*", r"\1=%d"),
        (r"\b(application_name|application|app|a)=[^,|\]\n]*?(?=,|\||\]| \w+=| \Z|\Z)", r"\1=%a"),
        (r"\b(client|host|remote|h)=(?!%)(?:\[local\]|[^,\s|\]()]*)\(\d+\)", r"\1=%r"),
        (r"\b(client|host|remote|h)=(?!%)(?:\[local\]|[^,\s|\]()]*)(?!\()", r"\1=%h"),
        (r"[^\s@:,]+@[^\s@:,]+", "%u@%d"),
        (r"(?<![\w.])\d+\.\d+\.\d+\.\d+\(\d+\)", "%r"),
        (r"(?<![\w.=])(?:\d+\.\d+\.\d+\.\d+|\[local\])(?![\w.(])", "%h"),
    )
)
"""How escapes look in the lines that they write, those that look like nothing else first."""
_NUMBER = re.compile(r"(?<![\w.%-])\d+(?![\w.])")


def format_of(text: str) -> Format:
    """What most of the first lines are; the first may be cut."""
    lines = [line for line in text[:_LOOKED_AT].split("\n")[:_LINES] if line.strip()]
    rows = sum(csvlog.is_row(line) for line in lines)
    objects = sum(jsonlog.is_line(line) for line in lines)
    if objects and objects >= rows:
        return "jsonlog"
    if rows or csvlog.is_row(text[:_LOOKED_AT]):
        return "csvlog"
    return "syslog" if sum(map(syslog.is_line, lines)) * 2 > len(lines) else "stderr"


def prefix_of(text: str, given: Iterable[str] = (), *, before: str = "") -> Prefix | None:
    """The first of the given prefixes that fits, else the common one that fits the most lines and tells the most.

    None where none fits half of the lines that look like messages. `before` stands before each but the composed ones.
    """
    sample = "\n" + text[:_LOOKED_AT]
    messages = sum(1 for _ in _MAIN.finditer(sample))
    for known in given:
        if _fit(sample, understood(before + known)) * 2 > messages:
            return understood(before + known)
    composed = _composed(sample)
    best = max(
        (understood(text) for text in (*composed, *(before + common for common in _COMMON))),
        key=lambda prefix: (_fit(sample, prefix), len(prefix.tells), prefix.text in composed),
    )
    return best if _fit(sample, best) * 2 > messages else None


def renewed_of(text: str, given: Iterable[str] = (), *, before: str = "", fewest: int = 3) -> Prefix | None:
    """The prefix of lines among others; None where not even a few of them look like messages, or none fits."""
    if sum(1 for _ in islice(_MAIN.finditer(text[:_LOOKED_AT]), fewest)) < fewest:
        return None
    found = prefix_of(text, given, before=before)
    return None if found is None or "at" not in found.tells else found


def _fit(sample: str, prefix: Prefix) -> int:
    """How many messages of the sample have the prefix."""
    return sum(match["level"] in _MAIN_LEVELS for match in prefix.pattern.finditer(sample))


def _composed(sample: str) -> tuple[str, ...]:
    """Prefixes put together from what the first lines look like."""
    found = (_as_setting(match[1]) for match in islice(_MAIN.finditer(sample), _COMPOSED))
    return tuple(dict.fromkeys(found))


def _as_setting(beginning: str) -> str:
    text = beginning.replace("%", "%%")
    for pattern, escape in _LOOKS:
        text = pattern.sub(escape, text, count=1)
    if "%p" not in text:
        text = _NUMBER.sub("%p", text, count=1)
    return _NUMBER.sub("%l", text)
