"""The tier in this process: values with deadlines, bounded by bytes, safe under threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from heapq import heapify, heappop, heappush
from typing import Any

from perfctl.cache.entry import MISSING, Entry, Namespace, Packed
from perfctl.cache.policies import Policy, policy_named

__all__ = ["MISSING", "LocalTier"]

OVERHEAD_BYTES = 1000
"""What an entry costs besides its key and value: the dict's slot, the entry, a shortcut, its places in policy and heap,
and the names that the policy remembers of what is gone. Measured: 1,035 under `adaptive` with ten times as many keys.
"""

_REMEMBERED_READS = 128
_MOST_SHORTCUTS = 4
_SWEPT_AT_ONCE = 64
"""How many places of the heap a write looks at: what is due is spread over the writes that follow."""


Held = Entry | Packed


class _Nowhere:
    """The namespace of what was put without one: never cleared."""

    generation = 0
    version = 0


class LocalTier:
    """A dict with deadlines, and a policy that says who leaves when it is over `capacity_bytes`.

    The bytes are those that entries are taken to weigh, added up: what this process put is weighed, of what came from
    the server some (`perfctl.cache.values.scales`). They are exceeded by one entry at most, for a moment.

    What came from the server and was not asked for again lies in `packed`, as it came; its readers `unpack` it.

    A hit needs no lock and no call: readers look into `entries` themselves (see `Entry` for what must hold) and
    append the name to `recent`, which forgets all but the last 128 reads until the next write tells the policy.
    Both stay the same objects for the life of the tier. `now` is a clock in seconds, which a test may move.
    """

    def __init__(
        self,
        capacity_bytes: int,
        policy: str,
        *,
        now: Callable[[], float] = time.monotonic,
        on_eviction: Callable[[Held], None] | None = None,
    ) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self.evictions = 0
        self.entries: dict[bytes, Entry] = {}
        self.packed: dict[bytes, Packed] = {}
        self.recent: deque[bytes] = deque(maxlen=_REMEMBERED_READS)
        self.now = now
        self._on_eviction = on_eviction
        self._policy: Policy = policy_named(policy)
        self._deadlines: list[tuple[float, bytes]] = []
        self._lock = threading.Lock()
        self._dead: dict[Namespace, int] = {}
        self._walked: int | None = None

    def get(self, name: bytes) -> Any:
        """The value under a name, or MISSING; as a reader of namespaces without tags finds it."""
        entry = self.entries.get(name)
        if entry is None or entry.good_until <= self.now() or entry.generation != entry.state.generation:
            return MISSING
        self.recent.append(name)
        return entry.value

    def put(self, name: bytes, value: Any, *, ttl_seconds: float, weight: int) -> None:
        """Keep a value of `weight` bytes outside any namespace."""
        until = self.now() + ttl_seconds
        entry = Entry(
            value, _NOWHERE, generation=0, good_until=until, fresh_until=until, kept_until=until, size_bytes=weight
        )
        self.keep(name, entry)

    def keep(self, name: bytes, entry: Entry) -> bool:
        """Keep an entry, whose `size_bytes` so far is its value's alone; False when nobody can find it here."""
        entry.size_bytes += len(name) + OVERHEAD_BYTES
        size_bytes, kept_until, entries = entry.size_bytes, entry.kept_until, self.entries
        leaving: list[Held | None] = []
        with self._lock:
            self._look_after(leaving)
            if size_bytes > self.capacity_bytes:
                leaving.append(self._discard(name))
                return False
            replaced = entries.get(name) or self.packed.pop(name, None)
            entry.name = name
            entries[name] = entry
            self.size_bytes += size_bytes
            if replaced is not None:
                leaving.append(replaced)
                self._let_go(replaced)
            self._policy.add(name, size_bytes, kept_until)
            heappush(self._deadlines, (kept_until, name))
            if self.size_bytes <= self.capacity_bytes:
                return True
            while self.size_bytes > self.capacity_bytes:
                leaving.append(self._evict())
        return name in entries

    def keep_packed(
        self, newcomers: Iterable[tuple[bytes, Packed, object]], tickets: MutableMapping[bytes, object]
    ) -> None:
        """Keep what was just read from the server, many at once. Each has a ticket, which `tickets` holds as long as
        nobody wrote the name since: what has lost its own is out of date."""
        packed, entries, capacity = self.packed, self.entries, self.capacity_bytes
        leaving: list[Held | None] = []
        with self._lock:
            self._look_after(leaving)
            add, deadlines = self._policy.add, self._deadlines
            for name, each, ticket in newcomers:
                if name in entries or name in packed:
                    if tickets.get(name) is not ticket:
                        continue
                    leaving.append(self._discard(name))
                size_bytes, kept_until = each.size_bytes, each.kept_until
                packed[name] = each
                self.size_bytes += size_bytes
                add(name, size_bytes, kept_until)
                heappush(deadlines, (kept_until, name))
                if tickets.pop(name, None) is not ticket or size_bytes > capacity:
                    leaving.append(self._discard(name))
                while self.size_bytes > capacity:
                    leaving.append(self._evict())

    def unpack(self, name: bytes, packed: Packed, entry: Entry | None) -> bool:
        """Have an entry in the place of what is packed, which is forgotten where there is none; False where it is gone
        already."""
        with self._lock:
            if self.packed.get(name) is not packed:
                return False
            if entry is None:
                self._discard(name)
                return True
            del self.packed[name]
            entry.name, entry.size_bytes = name, packed.size_bytes
            self.entries[name] = entry
        return True

    def shorten(self, entry: Entry, found: dict[Any, Entry], place: Any) -> None:
        """Have `found[place]` hold the entry for as long as this tier does, so that a hit needs no name."""
        with self._lock:
            if self.entries.get(entry.name) is entry and len(entry.shortcuts) < _MOST_SHORTCUTS:
                entry.shortcuts += ((found, place),)
                found[place] = entry

    def delete(self, name: bytes) -> bool:
        """Forget a name; whether it was there, and not cleared before."""
        with self._lock:
            entry = self._discard(name)
        return entry is not None and not self.is_dead(entry)

    def demote(self, name: bytes) -> None:
        """Somebody wrote this name on the server. What we wrote ourselves may be just that: ask before it is served
        again. Everything else is forgotten."""
        with self._lock:
            entry = self.entries.get(name)
            if entry is not None and entry.own:
                entry.own, entry.good_until = False, 0.0
            else:
                self._discard(name)

    def doubt(self, name: bytes) -> None:
        """What is here of this name is to be confirmed by the server before it is served again."""
        with self._lock:
            entry = self.entries.get(name)
            if entry is not None:
                entry.good_until = 0.0
            else:
                self._discard(name)

    def clear(self, state: Namespace) -> None:
        """The namespace, whose generation was just changed, was cleared: what is left of it is never served again,
        and taken out bit by bit by what follows. O(1)."""
        with self._lock:
            self._dead[state] = state.generation
            self._walked = 0

    def clean(self) -> None:
        """Some namespace has another version now: have what is of the old one taken out bit by bit."""
        self._walked = 0

    def empty(self) -> None:
        """Forget everything at once."""
        with self._lock:
            leaving = [self._discard(name) for name in [*self.entries, *self.packed]]
            self._deadlines.clear()
        del leaving

    def is_dead(self, entry: Held) -> bool:
        """Whether the entry's namespace was cleared since it was written, as far as this process has heard."""
        state = entry.state
        if entry.generation < self._dead.get(state, 0):
            return True
        return 0 != entry.version != state.version != 0

    def sweep(self) -> float | None:
        """Take out some of what is due or was cleared; seconds until there may be more, None when nothing waits."""
        leaving: list[Held | None] = []
        with self._lock:
            self._tell_policy()
            is_done = self._sweep(leaving)
            if not is_done:
                return 0.0
            return max(0.0, self._deadlines[0][0] - self.now()) if self._deadlines else None

    def renew_lock(self) -> None:
        """In a forked child, where the thread that may have held the lock is gone."""
        self._lock = threading.Lock()

    def __contains__(self, name: bytes) -> bool:
        return name in self.entries or name in self.packed

    def __len__(self) -> int:
        return len(self.entries) + len(self.packed)

    def _look_after(self, leaving: list[Held | None]) -> None:
        """What each write does besides: the policy hears of the last reads, and some of what is due is taken out."""
        if self.recent:
            self._tell_policy()
        deadlines = self._deadlines
        if self._walked is not None or (deadlines and deadlines[0][0] <= self.now()):
            self._sweep(leaving)
        if len(deadlines) > 2 * len(self) + 64:
            self._deadlines = [
                (each.kept_until, name) for kept in (self.entries, self.packed) for name, each in kept.items()
            ]
            heapify(self._deadlines)

    def _tell_policy(self) -> None:
        recent, hit = self.recent, self._policy.hit
        while recent:
            try:
                hit(recent.popleft())
            except IndexError:
                return

    def _evict(self) -> Held:
        name: Any = self._policy.evict()
        entry: Held | None = self.packed.pop(name, None)
        if entry is None:
            entry = self.entries.pop(name)
            self._let_go(entry)
        else:
            self.size_bytes -= entry.size_bytes
        self.evictions += 1
        if self._on_eviction is not None:
            self._on_eviction(entry)
        return entry

    def _discard(self, name: bytes) -> Held | None:
        entry = self.entries.pop(name, None) or self.packed.pop(name, None)
        if entry is not None:
            self._let_go(entry)
            self._policy.remove(name)
        return entry

    def _let_go(self, entry: Held) -> None:
        """It leaves: nobody finds it by a shortcut any more."""
        self.size_bytes -= entry.size_bytes
        if type(entry) is Entry and entry.shortcuts:
            for found, place in entry.shortcuts:
                if found.get(place) is entry:
                    del found[place]
            entry.shortcuts = ()

    def _held(self, name: bytes) -> Held | None:
        return self.entries.get(name) or self.packed.get(name)

    def _sweep(self, leaving: list[Held | None]) -> bool:
        """Whether nothing that is due was left over."""
        is_done = self._expire(leaving)
        return self._bury(leaving) and is_done

    def _expire(self, leaving: list[Held | None]) -> bool:
        """Take out what is past its deadline: each deadline is looked at once, nothing else is."""
        now = self.now()
        for _ in range(_SWEPT_AT_ONCE):
            if not self._deadlines or self._deadlines[0][0] > now:
                return True
            _, name = heappop(self._deadlines)
            entry = self._held(name)
            if entry is None:
                continue
            if entry.kept_until <= now:
                leaving.append(self._discard(name))
            else:
                heappush(self._deadlines, (entry.kept_until, name))
        return False

    def _bury(self, leaving: list[Held | None]) -> bool:
        """Take out what was cleared, walking along the heap's list; whether the walk is over. What the heap moves
        past the walk is left to its deadline and the policy."""
        if self._walked is None:
            return True
        end = self._walked + _SWEPT_AT_ONCE
        for _, name in self._deadlines[self._walked : end]:
            entry = self._held(name)
            if entry is not None and self.is_dead(entry):
                leaving.append(self._discard(name))
        self._walked = end if end < len(self._deadlines) else None
        return self._walked is None


_NOWHERE = _Nowhere()
