"""One message of a log, the same from every format, and what is counted while messages are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

Told = Callable[[int], None]
"""Told how many bytes were read since it was told last."""


class Record(NamedTuple):
    """One message with its further lines; an empty text where the log does not say."""

    at: str
    """As it is written there: `2026-11-23 15:17:49.123 UTC`, or seconds since 1970."""
    session: str
    user: str
    database: str
    application: str
    host: str
    queryid: str
    severity: str
    message: str
    detail: str
    statement: str
    """Of an error, a temporary file, a wait for a lock: the statement that it happened to."""


@dataclass(slots=True)
class Tally:
    """Counted on the way through the files."""

    files: list[str] = field(default_factory=list)
    bytes_read: int = 0
    records: int = 0
    parses: int = 0
    parse_ms: float = 0.0
    binds: int = 0
    bind_ms: float = 0.0
    unnamed_durations: int = 0
    unnamed_ms: float = 0.0
    plans: int = 0
    errors: int = 0
    cancelled: int = 0
    deadlocks: int = 0
    temp_files: int = 0
    temp_bytes: int = 0
    lock_waits: int = 0
    lock_wait_ms: float = 0.0
    checkpoints: int = 0
    checkpoints_requested: int = 0
    autovacuums: int = 0
    autoanalyzes: int = 0
    connections: int = 0
    broken: int = 0
    undecoded: int = 0
    notes: list[str] = field(default_factory=list)
    """What a reader of the answer must know, a sentence each."""

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
