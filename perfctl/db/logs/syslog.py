"""Logs that went through syslog or journald: their lines put together again, as a plain log would have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

MAX_SESSIONS = 1_000
"""Processes whose last message may go on; of more, the oldest is taken for whole."""
_LINE = re.compile(
    r"^(?:<\d+>)?(?:(?P<day>[A-Z][a-z]{2} [ \d]\d) (?P<time>\d\d:\d\d:\d\d)"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<part>\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d))"
    r" \S+ [^\s\[]+\[(?P<pid>\d+)\]: (?:\[(?P<number>\d+)-(?P<piece>\d+)\] )?(?P<text>.*)$"
)
_FURTHER = re.compile(r"(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE):  ")
BEFORE = "%m [%p] "
"""What each line begins with when it is put together; the server's own log_line_prefix stands behind it."""


def is_line(text: str) -> bool:
    """Whether the text is a line of a syslog."""
    return _LINE.match(text) is not None


def plain(texts: Iterable[str], *, written: datetime) -> Iterator[str]:
    """The same messages as lines of a plain log, those of each process together.

    A syslog says no year: it is that of `written`, when the file was written to last, or the one before. Nor does it
    say a zone: times are taken for UTC.
    """
    carry, open_messages = "", dict[str, tuple[str | None, str]]()
    for text in texts:
        lines = (carry + text).split("\n")
        carry = lines.pop()
        yield "".join(_messages(lines, open_messages, written))
    yield "".join(_messages([carry], open_messages, written))
    yield "".join(f"{message}\n" for _, message in open_messages.values())


def _messages(
    lines: Iterable[str], open_messages: dict[str, tuple[str | None, str]], written: datetime
) -> Iterator[str]:
    """The messages that these lines end; those that may go on are kept by process."""
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            if line:
                yield f"{line}\n"
            continue
        pid, number, text = match["pid"], match["number"], match["text"].replace("#011", "\t")
        head = f"{_at(match, written)} [{pid}] "
        known = open_messages.pop(pid, None)
        if known is not None and number is not None and known[0] == number and match["piece"] != "1":
            text = f"{known[1]}{_joint(text, head)}{text}"
        else:
            if known is not None:
                yield f"{known[1]}\n"
            text = head + text
        open_messages[pid] = (number, text)
        if len(open_messages) > MAX_SESSIONS:
            yield f"{open_messages.pop(next(iter(open_messages)))[1]}\n"


def _joint(text: str, head: str) -> str:
    """What stands between a message's pieces: a new line for a new line; nothing where a long line was cut."""
    if text.startswith("\t"):
        return "\n"
    return f"\n{head}" if _FURTHER.search(text[:300]) else ""


def _at(match: re.Match[str], written: datetime) -> str:
    if match["iso"]:
        zone = match["zone"].replace("Z", "UTC").replace(":", "")
        return f"{match['iso'].replace('T', ' ')}.{(match['part'] or '.000')[1:4]:0<3} {zone}"
    try:
        at = datetime.strptime(f"{written.year} {match['day']} {match['time']}", "%Y %b %d %H:%M:%S")
    except ValueError:
        return "-"
    late = at > written.replace(tzinfo=None) + timedelta(days=1)
    return f"{at.replace(year=at.year - 1) if late else at:%Y-%m-%d %H:%M:%S}.000 UTC"
