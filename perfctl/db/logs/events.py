"""What a log tells beside statements: temporary files, waits for locks, checkpoints, autovacuum, connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from perfctl.db.logs.record import Record, Tally

_TEMP = re.compile(r"temporary file: path .*, size (\d+)")
_WAIT = re.compile(r"process \d+ (still waiting for|acquired) .* after (\d+\.?\d*) ms")
_REQUESTED = re.compile(r"(?:check|restart)point starting:.*\b(?:wal|xlog|force|immediate)\b")


def temp_file_bytes(message: str) -> int | None:
    """The size that a message of log_temp_files has, None for every other message."""
    match = _TEMP.match(message)
    return int(match[1]) if match else None


def count(record: Record, tally: Tally) -> None:
    """Count a message that is no statement."""
    if record.severity in ("ERROR", "FATAL", "PANIC"):
        _count_error(record, tally)
        return
    counts = _BY_FIRST_WORD.get(record.message.partition(" ")[0])
    if counts is not None:
        counts(record.message, tally)


def _count_error(record: Record, tally: Tally) -> None:
    tally.errors += 1
    tally.cancelled += record.message.startswith("canceling statement due to")
    tally.deadlocks += record.message.startswith("deadlock detected")


def _count_temp_file(message: str, tally: Tally) -> None:
    size = temp_file_bytes(message)
    if size is not None:
        tally.temp_files += 1
        tally.temp_bytes += size


def _count_wait(message: str, tally: Tally) -> None:
    match = _WAIT.match(message)
    if match is None:
        return
    if match[1] == "acquired":
        tally.lock_wait_ms += float(match[2])
    else:
        tally.lock_waits += 1


def _count_checkpoint(message: str, tally: Tally) -> None:
    if " starting:" in message:
        tally.checkpoints += 1
        tally.checkpoints_requested += _REQUESTED.match(message) is not None


def _count_automatic(message: str, tally: Tally) -> None:
    tally.autovacuums += " vacuum " in message[:40]
    tally.autoanalyzes += message.startswith("automatic analyze")


def _count_connection(message: str, tally: Tally) -> None:
    tally.connections += message.startswith("connection authorized")


_BY_FIRST_WORD: Mapping[str, Callable[[str, Tally], None]] = {
    "temporary": _count_temp_file,
    "process": _count_wait,
    "checkpoint": _count_checkpoint,
    "restartpoint": _count_checkpoint,
    "automatic": _count_automatic,
    "connection": _count_connection,
}
