"""csvlog of PostgreSQL 9.0 to 18: rows of 23 to 26 columns, matched one by one so that a broken one harms no other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from perfctl.db.logs.files import MAX_RECORD_BYTES
from perfctl.db.logs.record import Record, Tally

_INNER = r'[^"]*+(?:""[^"]*+)*+'
_ANY = rf'(?:"{_INNER}"|[^,"\n]*+)'
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^,\n]*+"
_BARE = frozenset(("session", "severity", "queryid"))
_COLUMNS = (
    "user", "database", "session", "host", "", "", "", "", "", "", "severity", "", "message", "detail", "", "", "", "",
    "statement", "", "", "application",
)  # fmt: skip
"""By our names: user_name, database_name, process_id, connection_from ... up to application_name; before: log_time."""


def _column(name: str) -> str:
    if not name:
        return f",{_ANY}"
    return rf",(?P<{name}>[^,\"\n]*+)" if name in _BARE else rf',(?:"(?P<{name}>{_INNER})")?+'


# backend_type came with 13, leader_pid and query_id with 14.
_ROW = re.compile(
    rf"\n(?P<at>{_TIME})"
    + "".join(map(_column, _COLUMNS))
    + rf"(?:,{_ANY}(?:,{_ANY}{_column('queryid')})?+)?+(?:,{_ANY})*+(?=\n)"
)
_PICK = itemgetter(*(_ROW.groupindex[name] - 1 for name in Record._fields))


def is_row(text: str) -> bool:
    """Whether the text begins with a row of a csvlog."""
    return _ROW.match(f"\n{text}\n") is not None


def records(texts: Iterable[str], tally: Tally) -> Iterator[list[Record]]:
    """The messages of a csvlog, those of each text together; what is no row is counted as broken."""
    carry = "\n"
    for text in texts:
        carry += text
        found, ends = _rows(carry, tally)
        if len(carry) - ends > MAX_RECORD_BYTES:
            tally.broken += 1
            ends = len(carry) - 1
        carry = carry[ends:]
        yield found
    found, ends = _rows(f"{carry}\n", tally)
    tally.broken += bool(carry[ends:].strip())
    yield found


def _rows(text: str, tally: Tally) -> tuple[list[Record], int]:
    """The rows of the text, and where the last of them ends: what follows may be a row's beginning."""
    found: list[Record] = []
    ends = 0
    for match in _ROW.finditer(text):
        fields = _PICK(match.groups(""))
        if match.start() != ends:
            tally.broken += 1
        ends = match.end()
        found.append(Record._make(fields if '""' not in match[0] else [_unquoted(field) for field in fields]))
    return found, ends


def _unquoted(field: str) -> str:
    return field.replace('""', '"')
