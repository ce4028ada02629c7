"""jsonlog of PostgreSQL 15 to 18: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from perfctl.db.logs.record import Record, Tally


class _Line(msgspec.Struct):
    """What is read of a line, in the order of a record's fields; whatever else it has is passed over."""

    timestamp: str
    pid: int | str = ""
    user: str = ""
    dbname: str = ""
    application_name: str = ""
    remote_host: str = ""
    query_id: int | str = ""
    error_severity: str = ""
    message: str = ""
    detail: str = ""
    statement: str = ""


_DECODER = msgspec.json.Decoder(_Line)


def is_line(text: str) -> bool:
    """Whether the text begins with a line of a jsonlog."""
    return text.startswith("{") and _line(text.partition("\n")[0]) is not None


def records(texts: Iterable[str], tally: Tally) -> Iterator[list[Record]]:
    """The messages of a jsonlog, those of each text together; lines that are no such objects are counted as broken."""
    for text in texts:
        try:
            lines = _DECODER.decode_lines(text)
        except (msgspec.DecodeError, UnicodeError):
            lines = _one_by_one(text, tally)
        yield [_record(line) for line in lines]


def _one_by_one(text: str, tally: Tally) -> list[_Line]:
    lines = [line for line in text.split("\n") if line.strip("\0 \t\r")]
    good = [found for line in lines if (found := _line(line)) is not None]
    tally.broken += len(lines) - len(good)
    return good


def _line(text: str) -> _Line | None:
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _record(line: _Line) -> Record:
    at, session, user, database, application, host, queryid, *rest = msgspec.structs.astuple(line)
    return Record(at, str(session), user, database, application, host, str(queryid or ""), *rest)
