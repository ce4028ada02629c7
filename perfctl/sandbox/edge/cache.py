"""What the edge holds: answers by cache key, bounded in bytes, the least recently used going first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from perfctl.cdn.delivery.cache_key import CacheKey
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.ttl import Freshness
from perfctl.sandbox.edge.invalidations import Scope

ENTRY_OVERHEAD_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer as it is served: compressed where that applies."""

    key: CacheKey
    status: int
    headers: Headers
    body: bytes
    freshness: Freshness
    stored_at: float
    etag: str | None = None
    """The origin's own ETag, to ask whether the answer still holds."""
    last_modified: str | None = None
    urls: tuple[str, ...] = ()
    """The names by which an invalidation finds it."""
    tags: frozenset[str] = frozenset()
    rests_until: float = 0.0
    """Stale, and the origin failed: until then it is served without asking again."""

    @property
    def size_bytes(self) -> int:
        return len(self.body) + ENTRY_OVERHEAD_BYTES

    def overdue_seconds(self, now: float) -> float:
        """How far past its TTL it is; negative while it is fresh."""
        return now - self.stored_at - (self.freshness.ttl or 0)

    def is_covered(self, distribution_id: str, scope: Scope) -> bool:
        """Whether an invalidation of this scope purges it."""
        if self.key.distribution_id != distribution_id:
            return False
        return any(scope.covers(url, self.tags) for url in self.urls)


class Cache:
    """At most `limit_bytes` of answers."""

    def __init__(self, *, limit_bytes: int = 256 * 1024 * 1024) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._entries: OrderedDict[CacheKey, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry) -> None:
        self.drop(entry.key)
        if entry.size_bytes > self.limit_bytes:
            return
        self._entries[entry.key] = entry
        self.size_bytes += entry.size_bytes
        while self.size_bytes > self.limit_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: CacheKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes

    def purge(self, distribution_id: str, scope: Scope) -> int:
        """Drop what an invalidation covers, in every variant; returns how many answers went."""
        gone = [entry.key for entry in self._entries.values() if entry.is_covered(distribution_id, scope)]
        for key in gone:
            self.drop(key)
        return len(gone)
