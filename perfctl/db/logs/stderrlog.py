"""Plain logs (log_destination = stderr): lines behind a log_line_prefix, further lines behind a tab."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from perfctl.db.logs.files import MAX_RECORD_BYTES
from perfctl.db.logs.prefix import FIELDS, Prefix
from perfctl.db.logs.record import Record, Tally

_FEWEST_STRANGE = 5
"""So many lines that have another prefix are more than a message that tells of a log."""
_SHORTEST_STRANGE = 150
"""So many characters five lines with a time and a level have at least."""
_FURTHER = frozenset(("DETAIL", "STATEMENT", "HINT", "CONTEXT", "QUERY", "LOCATION", "BACKTRACE"))
"""Levels of lines that belong to the message before them: the server writes them in one piece."""
_STRANGE_LINE = re.compile(r"\n(?!\t)")
_LEVEL, _DETAIL, _STATEMENT = (Record._fields.index(name) for name in ("severity", "detail", "statement"))


_Head = tuple[tuple[str, ...], int, int]
"""What a line's prefix and level say, where the line begins, and where what they stand before begins."""


def records(
    texts: Iterable[str], prefix: Prefix, tally: Tally, *, renewed: Callable[[str], Prefix | None] | None = None
) -> Iterator[list[Record]]:
    """The messages of a log, those of each text together; lines that belong to none are counted as broken.

    `renewed` guesses the prefix of lines that look like messages and do not have this one: the setting was changed.
    """
    carry, is_tabbed = "\n", False
    for text in texts:
        carry += text.replace("\r\n", "\n") if "\r" in text else text
        is_tabbed = is_tabbed or "\n\t" in carry
        heads = _heads(carry, prefix)
        while renewed is not None and (change := _change(carry, heads, renewed)) is not None:
            prefix, at = change
            yield _messages(carry, [head for head in heads if head[1] < at], at, tally, is_tabbed=is_tabbed)
            carry = carry[at:]
            heads = _heads(carry, prefix)
        whole = _whole(heads)
        ends = heads[whole][1] if heads else len(carry) - 1
        if len(carry) - ends > MAX_RECORD_BYTES:
            tally.broken += 1
            whole, ends = len(heads), len(carry) - 1
        yield _messages(carry, heads[:whole], ends, tally, is_tabbed=is_tabbed)
        carry = carry[ends:]
    heads = _heads(carry, prefix)
    yield _messages(carry, heads, len(carry), tally, is_tabbed=is_tabbed)


def _change(text: str, heads: list[_Head], renewed: Callable[[str], Prefix | None]) -> tuple[Prefix, int] | None:
    """The prefix that lines after a message have, and where the first of them begins; None where they are its own."""
    for i, (_, _, begins) in enumerate(heads):
        ends = heads[i + 1][1] if i + 1 < len(heads) else len(text)
        if ends - begins < _SHORTEST_STRANGE or text.count("\n", begins, ends) < _FEWEST_STRANGE:
            continue
        strange = text[begins:ends]
        prefix = renewed(strange)
        match = None if prefix is None else prefix.pattern.search(strange)
        if prefix is not None and match is not None:
            return prefix, begins + match.start()
    return None


def _heads(text: str, prefix: Prefix) -> list[_Head]:
    pick = itemgetter(*(prefix.pattern.groupindex[name] - 1 for name in (*FIELDS, "level")))
    return [(pick(match.groups("")), match.start(), match.end()) for match in prefix.pattern.finditer(text)]


def _whole(heads: list[_Head]) -> int:
    """How many lines stand before the last message: that one may go on in the next text."""
    return next((i for i in range(len(heads) - 1, 0, -1) if heads[i][0][_LEVEL] not in _FURTHER), 0)


def _messages(text: str, heads: list[_Head], ends: int, tally: Tally, *, is_tabbed: bool) -> list[Record]:
    """The messages of these lines; the last line ends at `ends`."""
    tally.broken += text.count("\n", 1, heads[0][1] if heads else ends)
    found: list[Record] = []
    message: list[str] = []
    for i, (fields, _, begins) in enumerate(heads):
        body = text[begins : heads[i + 1][1] if i + 1 < len(heads) else ends]
        if "\n" in body:
            body = _untabbed(body, tally, is_tabbed=is_tabbed)
        if fields[_LEVEL] not in _FURTHER:
            if message:
                found.append(Record._make(message))
            message = [*fields, body, "", ""]
        elif not message:
            tally.broken += 1
        elif fields[_LEVEL] == "DETAIL":
            message[_DETAIL] = body
        elif fields[_LEVEL] == "STATEMENT":
            message[_STATEMENT] = body
    if message:
        found.append(Record._make(message))
    return found


def _untabbed(text: str, tally: Tally, *, is_tabbed: bool) -> str:
    """A message as it was before the server put tabs into it; lines without a tab among others are not of it."""
    text = text.rstrip("\n")
    strange = _STRANGE_LINE.search(text) if is_tabbed else None
    if strange is not None:
        tally.broken += text.count("\n", strange.start())
        text = text[: strange.start()]
    return text.replace("\n\t", "\n")
