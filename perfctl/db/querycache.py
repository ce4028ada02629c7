"""Rows of reads that were asked before, in this process: bounded, each for a time, forgotten at a write."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.db.postgres import Record

DEFAULT_TTL_SECONDS = 60.0
MAX_ENTRIES = 1000
MAX_ROWS = 10_000
"""Answers with more rows are not kept: one of them could be as large as all others together."""


@dataclass(frozen=True, slots=True)
class _Entry:
    rows: tuple[Record, ...]
    expires: float


class QueryCache:
    """Least recently used answers go first; an answer read before a write is never stored after it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.version = 0
        """Counts the writes: `put` refuses what was read at another version."""
        self.hits = 0
        self.misses = 0

    def get(self, key: Hashable) -> list[Record] | None:
        """The rows, or None where nothing (or nothing young enough) is kept."""
        entry = self._entries.get(key)
        if entry is None or entry.expires <= self._clock():
            self._entries.pop(key, None)
            self.misses += 1
            return None
        self._entries.move_to_end(key)
        self.hits += 1
        return list(entry.rows)

    def put(self, key: Hashable, rows: list[Record], *, ttl_seconds: float | None, version: int) -> None:
        """Keep the rows that were read at that version."""
        if version != self.version or len(rows) > MAX_ROWS:
            return
        ttl = DEFAULT_TTL_SECONDS if ttl_seconds is None else ttl_seconds
        self._entries[key] = _Entry(tuple(rows), self._clock() + ttl)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self) -> None:
        """Drop everything: something was written."""
        self.version += 1
        self._entries.clear()


def key_of(sql: str, parameters: tuple[object, ...]) -> Hashable | None:
    """What an answer is kept under; None where a parameter cannot be compared. 1, 1.0 and True stay apart."""
    key = (sql, tuple((type(value).__name__, _frozen(value)) for value in parameters))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple((type(item).__name__, _frozen(item)) for item in value)
    return value
