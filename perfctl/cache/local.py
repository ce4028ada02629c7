"""The tier in this process: values with a deadline, bounded by bytes, safe under threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Final, NamedTuple

from perfctl.cache.policies import Policy, policy_named


class _Missing:
    """What a look-up answers when there is nothing: None is a value."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final[Any] = _Missing()

_OVERHEAD_BYTES = 300
"""What an entry costs besides its key and value: the dicts' slots, the tuple, its places in policy and heap."""


class _Entry(NamedTuple):
    value: Any
    expires_at: float
    size_bytes: int


class LocalTier:
    """A dict with deadlines, and a policy that says who leaves when it is over `capacity_bytes`.

    A hit gives back the very object that was put: callers share it and must not change it. `now` is a clock in
    seconds, which a test may move.
    """

    def __init__(self, capacity_bytes: int, policy: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self.evictions = 0
        self._policy: Policy = policy_named(policy)
        self._entries: dict[bytes, _Entry] = {}
        self._deadlines: list[tuple[float, bytes]] = []
        self._lock = threading.Lock()
        self._now = now

    def get(self, name: bytes) -> Any:
        """The value under a name, or MISSING."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return MISSING
            if entry.expires_at <= self._now():
                self._remove(name, entry)
                return MISSING
            self._policy.hit(name)
            return entry.value

    def put(self, name: bytes, value: Any, *, ttl_seconds: float, weight: int) -> None:
        """Keep a value of `weight` bytes; what is bigger than the whole tier is not kept."""
        size = weight + len(name) + _OVERHEAD_BYTES
        now = self._now()
        with self._lock:
            self._expire(now)
            if size > self.capacity_bytes:
                self._discard(name)
                return
            replaced = self._entries.get(name)
            entry = self._entries[name] = _Entry(value, now + ttl_seconds, size)
            self.size_bytes += size - (replaced.size_bytes if replaced else 0)
            self._policy.add(name, size, entry.expires_at)
            self._remember_deadline(name, entry.expires_at)
            while self.size_bytes > self.capacity_bytes:
                self._evict()

    def delete(self, name: bytes) -> bool:
        """Forget a name; whether it was there."""
        with self._lock:
            return self._discard(name)

    def clear(self, prefix: bytes) -> int:
        """Forget all names that start with `prefix`; how many there were. Walks over all entries."""
        with self._lock:
            names = [name for name in self._entries if name.startswith(prefix)]
            for name in names:
                self._discard(name)
            return len(names)

    def __len__(self) -> int:
        return len(self._entries)

    def _evict(self) -> None:
        name = self._policy.evict()
        assert isinstance(name, bytes)  # noqa: S101 - the policy knows only our names
        self.size_bytes -= self._entries.pop(name).size_bytes
        self.evictions += 1

    def _discard(self, name: bytes) -> bool:
        entry = self._entries.get(name)
        if entry is None:
            return False
        self._remove(name, entry)
        return True

    def _remove(self, name: bytes, entry: _Entry) -> None:
        del self._entries[name]
        self.size_bytes -= entry.size_bytes
        self._policy.remove(name)

    def _remember_deadline(self, name: bytes, expires_at: float) -> None:
        """A heap of deadlines; swept when most of them are of entries that are gone."""
        heappush(self._deadlines, (expires_at, name))
        if len(self._deadlines) > 2 * len(self._entries) + 64:
            self._deadlines = [(entry.expires_at, name) for name, entry in self._entries.items()]
            heapify(self._deadlines)

    def _expire(self, now: float) -> None:
        """Take out what is past its deadline: each deadline is looked at once, nothing else is."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, name = heappop(self._deadlines)
            entry = self._entries.get(name)
            if entry is not None and entry.expires_at <= now:
                self._remove(name, entry)
