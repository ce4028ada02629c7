"""The in-memory twin of the Redis adapter: the same promises without a server, for tests and examples."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from perfctl.cache.model import ServerFacts
from perfctl.cache.store import SINCE, Fetched, Refusal, Write


class MemoryStore:
    """A Store in a dict. `now` is a clock in seconds, which a test may move."""

    address = "memory"
    protocol = "none"

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._blobs: dict[bytes, tuple[bytes, float | None]] = {}
        self._hashes: dict[bytes, dict[bytes, int]] = {}

    async def get(self, name: bytes) -> Fetched | None:
        """The blob and what is left of its life."""
        blob, deadline = self._live(name) or (None, None)
        if blob is None:
            return None
        return Fetched(blob, None if deadline is None else max(1, round((deadline - self._now()) * 1000)))

    async def set(self, write: Write) -> None:
        """Keep one blob."""
        deadline = None if write.ttl_ms is None else self._now() + write.ttl_ms / 1000
        self._blobs[write.name] = (write.blob, deadline)

    async def set_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """Keep many; a dict refuses none."""
        for write in writes:
            await self.set(write)
        return []

    async def delete(self, names: Sequence[bytes]) -> int:
        """Forget names."""
        present = {name for name in names if self._live(name)}
        for name in present:
            del self._blobs[name]
        return len(present)

    async def scan(self, prefix: bytes, *, batch: int = 1000) -> AsyncIterator[list[bytes]]:
        """All names that start with `prefix`."""
        names = [name for name in [*self._blobs, *self._hashes] if name.startswith(prefix)]
        for start in range(0, len(names), batch):
            yield [name for name in names[start : start + batch] if name in self._hashes or self._live(name)]

    async def sizes(self, names: Sequence[bytes]) -> list[int | None]:
        """Name and blob, as if there were no overhead."""
        found = [self._live(name) for name in names]
        return [len(name) + len(entry[0]) if entry else None for name, entry in zip(names, found, strict=True)]

    async def count(self, name: bytes, increments: Mapping[bytes, int], *, since: int) -> None:
        """Add to the counters of a hash."""
        counters = self._hashes.setdefault(name, {})
        counters.setdefault(SINCE, since)
        for field, increment in increments.items():
            counters[field] = counters.get(field, 0) + increment

    async def counters(self, name: bytes) -> dict[bytes, int]:
        """All counters of a hash."""
        return dict(self._hashes.get(name, {}))

    async def ping(self) -> None:
        """A dict is always there."""

    async def facts(self) -> ServerFacts:
        """Nothing to say but that it is one node."""
        return ServerFacts(product="memory", mode="standalone", replicas=0)

    async def close(self) -> None:
        """Nothing to close; the content stays, as a server's would."""

    def _live(self, name: bytes) -> tuple[bytes, float | None] | None:
        entry = self._blobs.get(name)
        if entry is not None and entry[1] is not None and entry[1] <= self._now():
            del self._blobs[name]
            return None
        return entry
