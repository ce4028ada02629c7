"""Log files from end to end: put in the order of time, told apart by format, read, followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from perfctl.db.logs import csvlog, jsonlog, stderrlog, syslog
from perfctl.db.logs.clock import Clock
from perfctl.db.logs.files import LogFile, beginning, found, texts
from perfctl.db.logs.following import Executed, Follower
from perfctl.db.logs.guessing import format_of, prefix_of, renewed_of
from perfctl.db.logs.prefix import Prefix, understood
from perfctl.db.logs.record import Record, Tally, Told

_TIME = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Za-z]+|[+-]\d\d(?::?\d\d)?)")
_WRITTEN = re.compile(r"(?P<stem>.+)\.(?P<format>csv|json|log)(?P<rotated>(?:\.\d+)?)(?:\.(?:gz|zst|bz2|xz))?\Z")
_BEST = ("csv", "json", "log")
"""Where a server writes its log in several formats, the first of these is read: it tells the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be read."""

    paths: tuple[str, ...]
    """Names and patterns; `-` is stdin."""
    log_line_prefix: str | None = None
    """That of plain logs; None: guessed from the first lines of each."""
    likely_prefix: str | None = None
    """One to try before any guess, such as the server's own."""
    since: datetime | None = None
    until: datetime | None = None
    told: Told | None = None


def executions(asked: Asked, tally: Tally) -> Iterator[list[Executed]]:
    """What ran, in the order of time, some thousands together. UsageError where a file is not there."""
    clock, follower = Clock(tally), Follower(tally)
    for file in _in_order(found(asked.paths), asked, clock, tally):
        tally.files.append(file.name)
        for records in _records(file, asked, tally):
            yield follower.executions(_within(records, asked, clock, tally))
    yield follower.rest()


def is_plain(paths: Iterable[str]) -> bool:
    """Whether a log is among these that needs a log_line_prefix to be read."""
    beginnings = (beginning(file) for file in found(paths))
    return any(text and format_of(text) in ("stderr", "syslog") for text in beginnings)


def _in_order(files: Iterable[LogFile], asked: Asked, clock: Clock, tally: Tally) -> list[LogFile]:
    """The files that may hold something of the time that is asked for, the oldest first, stdin last."""
    kept = []
    for file in _once(files, tally):
        begins = clock.moment(match[0]) if (match := _TIME.search(beginning(file))) else None
        ends_before = asked.since is not None and file.changed < asked.since.timestamp()
        begins_after = asked.until is not None and begins is not None and begins > _aware(asked.until)
        if ends_before or begins_after:
            tally.note(f"{file.name} is of another time and was not read")
        else:
            kept.append((begins.timestamp() if begins else file.changed, file.name, file))
    return [file for _, _, file in sorted(kept, key=lambda item: item[:2])]


def _once(files: Iterable[LogFile], tally: Tally) -> list[LogFile]:
    """The files but for those that hold the same log in another format: their names differ in the ending alone."""
    logs: dict[tuple[str, str], list[tuple[int, LogFile]]] = {}
    for file in files:
        match = _WRITTEN.fullmatch(file.name)
        key = (match["stem"], match["rotated"]) if match else (file.name, "")
        logs.setdefault(key, []).append((_BEST.index(match["format"]) if match else 0, file))
    for same in logs.values():
        same.sort(key=lambda item: item[0])
        for _, file in same[1:]:
            tally.note(f"{file.name} was not read: {same[0][1].name} is the same log")
    return [same[0][1] for same in logs.values()]


def _records(file: LogFile, asked: Asked, tally: Tally) -> Iterator[list[Record]]:
    stream = texts(file, tally, asked.told)
    first = next(stream, "")
    whole = chain((first,), stream)
    kind = format_of(first)
    if kind == "csvlog":
        return csvlog.records(whole, tally)
    if kind == "jsonlog":
        return jsonlog.records(whole, tally)
    if kind == "syslog":
        written = datetime.fromtimestamp(file.changed, UTC) if file.path else datetime.now(UTC)
        together = syslog.plain(whole, written=written)
        first = next(together, "")
        whole = chain((first,), together)
    before = syslog.BEFORE if kind == "syslog" else ""
    prefix = _prefix(file, first, asked, tally, before)
    if asked.log_line_prefix is not None or not prefix.text:
        return stderrlog.records(whole, prefix, tally)
    return stderrlog.records(whole, prefix, tally, renewed=partial(renewed_of, given=(prefix.text,), before=before))


def _prefix(file: LogFile, first: str, asked: Asked, tally: Tally, before: str) -> Prefix:
    given = asked.log_line_prefix
    if given is not None:
        prefix = understood(before + given)
        if first.strip() and not prefix.pattern.search("\n" + first):
            tally.note(f"no line of {file.name} begins with the log_line_prefix {given!r}")
        return prefix
    guessed = prefix_of(first, () if asked.likely_prefix is None else (asked.likely_prefix,), before=before)
    if guessed is None:
        if first.strip():
            tally.note(f"{file.name}: no log_line_prefix fits its first lines; --log-line-prefix gives the server's")
        return understood("")
    if "session" not in guessed.tells:
        tally.note(f"{file.name}: its lines do not say which session wrote them (%p), so times alone have no statement")
    return guessed


def _within(records: list[Record], asked: Asked, clock: Clock, tally: Tally) -> list[Record]:
    """The messages of the time that is asked for."""
    tally.records += len(records)
    if asked.since is None and asked.until is None:
        return records
    since = _aware(asked.since or datetime.min.replace(tzinfo=UTC))
    until = _aware(asked.until or datetime.max.replace(tzinfo=UTC))
    kept = []
    for record in records:
        at = clock.moment(record.at)
        if at is None:
            tally.note(
                "messages without a time were left out: it cannot be said whether they are of the time asked for"
            )
        elif since <= at <= until:
            kept.append(record)
    return kept


def _aware(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
