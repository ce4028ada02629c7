"""What reading, writing and computing share: both tiers, and what their values are judged by."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.entry import Entry
from perfctl.cache.serving.background import Background
from perfctl.cache.serving.recovery import Recovery
from perfctl.cache.values.meta import Meta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfctl.cache.clock import Clock
    from perfctl.cache.coherence.marks import Marks, NamespaceState
    from perfctl.cache.keys import KeyLayout
    from perfctl.cache.local import LocalTier
    from perfctl.cache.serving.shared import SharedTier
    from perfctl.cache.values.codec import Codec
    from perfctl.config.settings import CacheConfig

LOCAL_SECONDS = 5.0
"""How long the process trusts its own copy of a value while nobody tells it what other processes change."""
SLIDING_SHARE = 0.1
"""The share of its TTL that a value that slides may be short of: so seldom a read starts it anew."""


@dataclass(slots=True, eq=False)
class Tiers:
    """The tier in the process, the one behind it where there is one, and the ledger of what is under way."""

    config: CacheConfig
    layout: KeyLayout
    clock: Clock
    codec: Codec
    marks: Marks
    local: LocalTier
    shared: SharedTier | None
    announce: Callable[[Sequence[bytes]], None]
    """Tell other processes what was written, where the server does not."""
    background: Background = field(default_factory=Background)
    recovery: Recovery = field(default_factory=Recovery)
    is_verified: bool = False
    """Whether changes by other processes are announced to this one."""
    fetching: dict[bytes, object] = field(default_factory=dict)
    """Reads under way whose results may be kept: a write or an announced change takes them out."""
    computing: dict[bytes, object] = field(default_factory=dict)
    """Computations under way whose results may be kept: a deletion takes them out."""

    @property
    def now_ms(self) -> int:
        """Unix time in ms."""
        return int(self.clock.time() * 1000)

    def given(self, value: Any) -> Any:
        """What a caller gets of a value: itself, or a copy where that is configured."""
        return deepcopy(value) if self.config.copy_on_hit else value

    def trusted_until(self, now: float) -> float:
        """How long a copy in the process is served without asking the server."""
        return inf if self.is_verified or self.shared is None else now + LOCAL_SECONDS

    def entry(
        self,
        state: NamespaceState,
        value: Any,
        meta: Meta,
        *,
        weight: int,
        checksum: int = 0,
        generation: int,
        reserve_seconds: float,
        eager: float,
        own: bool = False,
    ) -> Entry:
        """A value as the process keeps it: its life begins when it was written, or, when it slides, now."""
        entry = Entry(
            value,
            state,
            generation=generation,
            size_bytes=weight,
            version=meta.version,
            created_ms=meta.created_ms,
            checksum=checksum,
            tags=meta.tags,
            own=own,
            etag=meta.etag,
            sliding=meta.fresh_ms / 1000 if meta.sliding and meta.fresh_ms is not None else None,
        )
        now = self.clock.monotonic()
        entry.fresh_until = now + self._left_seconds(meta)
        entry.kept_until = entry.fresh_until + reserve_seconds
        self.trust(entry, now, eager)
        return entry

    def trust(self, entry: Entry, now: float, eager: float) -> None:
        """From now on it is served unasked: until it is to be refreshed, or the server to be asked again."""
        until = min(entry.fresh_until, self.trusted_until(now))
        if entry.sliding is not None:
            until = min(until, now + entry.sliding * SLIDING_SHARE)
        elif eager:
            until = min(until, max(self._refreshed_at(entry, now, eager), 1e-9))
        entry.good_until = until

    def is_due(self, entry: Entry, eager: float) -> bool:
        """Whether the share of its TTL is over after which a read refreshes it."""
        now = self.clock.monotonic()
        if not eager or entry.sliding is not None or not 0 < entry.good_until <= now < entry.fresh_until:
            return False
        return self._refreshed_at(entry, now, eager) <= now

    def _refreshed_at(self, entry: Entry, now: float, eager: float) -> float:
        if entry.fresh_until == inf:
            return inf
        born = now - max(0, self.now_ms - entry.created_ms) / 1000
        return born + (entry.fresh_until - born) * eager

    def slide(self, entry: Entry) -> None:
        """A read of a value that slides: its life starts anew in the process."""
        if entry.sliding is not None:
            now = self.clock.monotonic()
            entry.fresh_until = entry.kept_until = now + entry.sliding
            self.trust(entry, now, 0.0)

    def expect(self, name: bytes) -> object:
        """A ticket for a read that begins: see `is_expected`."""
        ticket = self.fetching[name] = object()
        return ticket

    def is_expected(self, name: bytes, ticket: object) -> bool:
        """Whether nobody wrote the key, or began another read of it, since; once."""
        if self.fetching.get(name) is not ticket:
            return False
        self.fetching.pop(name, None)
        return True

    def stands(self, state: NamespaceState, entry: Entry) -> bool:
        """Whether the entry held when last heard of: enough while the server is away. Never what was cleared."""
        if entry.kept_until <= self.clock.monotonic() or self.local.is_dead(entry):
            return False
        if any(state.tags.get(tag) != version for tag, version in entry.tags):
            return False
        return entry.generation == state.generation or 0 != state.version == entry.version or self.shared is None

    def _left_seconds(self, meta: Meta) -> float:
        if meta.created_ms == EPOCH_MS:  # of the first release: only the server knows how long it lives
            return LOCAL_SECONDS
        if meta.fresh_ms is None:
            return inf
        if meta.sliding:
            return meta.fresh_ms / 1000
        return min(meta.fresh_ms, meta.created_ms + meta.fresh_ms - self.now_ms) / 1000


def meta_of(entry: Entry) -> Meta:
    """What an entry is judged by."""
    return Meta(entry.created_ms, None, entry.version, entry.tags)
