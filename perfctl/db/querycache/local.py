"""Rows in this process alone, bounded by bytes: the store of a DatabaseOptimizer that stands by itself."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import TYPE_CHECKING

from perfctl.db.querycache.store import Read

if TYPE_CHECKING:
    from perfctl.db.postgres import Record

_OVERHEAD_BYTES = 600
"""What an answer costs besides its rows: the entry, its places, its key."""

_ALL = ""
"""Stands for every table."""


@dataclass(slots=True, eq=False)
class _Entry:
    rows: list[Record]
    until: float
    versions: tuple[tuple[str, int], ...]
    size_bytes: int


class LocalRowStore:
    """Least recently used answers go first. Each table has a version, which `forget` counts up."""

    def __init__(self, capacity_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self.versions: Counter[str] = Counter()
        self.clock = clock
        self._entries: OrderedDict[tuple[LocalShelf, Hashable], _Entry] = OrderedDict()

    def shelf(self, database: str = "") -> LocalShelf:
        """A place for the answers of one more statement."""
        return LocalShelf(self)

    async def forget(self, database: str, tables: Sequence[str] | None) -> None:
        """Rows that were read from these tables are not served again; None is all."""
        for table in (_ALL,) if tables is None else tables:
            self.versions[table] += 1

    def find(self, shelf: LocalShelf, place: Hashable) -> list[Record] | None:
        """The rows of an answer that holds."""
        entry = self._entries.get((shelf, place))
        if entry is None:
            return None
        if entry.until <= self.clock() or any(self.versions[table] != version for table, version in entry.versions):
            self._take_out((shelf, place))
            return None
        self._entries.move_to_end((shelf, place))
        return entry.rows

    def keep(
        self, shelf: LocalShelf, place: Hashable, rows: list[Record], versions: tuple[tuple[str, int], ...], ttl: float
    ) -> None:
        """Keep rows that were read at these versions, where they still hold and are not too many."""
        size_bytes = _OVERHEAD_BYTES + size_of(rows)
        is_old = any(self.versions[table] != version for table, version in versions)
        self._take_out((shelf, place))
        if is_old or size_bytes > self.capacity_bytes:
            return
        self._entries[shelf, place] = _Entry(rows, self.clock() + ttl, versions, size_bytes)
        self.size_bytes += size_bytes
        while self.size_bytes > self.capacity_bytes:
            self._take_out(next(iter(self._entries)))

    def _take_out(self, name: tuple[LocalShelf, Hashable]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes


class LocalShelf:
    """The answers of one statement."""

    def __init__(self, store: LocalRowStore) -> None:
        self._store = store

    def here(self, place: Hashable) -> Sequence[Record] | None:
        """The rows, where they hold."""
        return self._store.find(self, place)

    async def get(
        self, place: Hashable, key: str, read: Read, *, tables: tuple[str, ...], ttl_seconds: float
    ) -> tuple[Sequence[Record], bool]:
        """The rows that are kept, else those that `read` returns, which are kept unless a table changed meanwhile."""
        found = self._store.find(self, place)
        if found is not None:
            return found, True
        versions = tuple((table, self._store.versions[table]) for table in (_ALL, *tables))
        rows = await read()
        self._store.keep(self, place, rows, versions, ttl_seconds)
        return rows, False


def size_of(rows: Sequence[Record]) -> int:
    """What rows take in memory, as far as their values tell."""
    return sum(getsizeof(row) + sum(getsizeof(value) for value in row.values()) for row in rows)
