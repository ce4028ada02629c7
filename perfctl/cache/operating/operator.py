"""What an operator asks of the cache on the server. Strict: a server that does not answer is an error here,
never a miss; look-ups are not counted, so that looking does not change the hit ratio, and make no marks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from perfctl.cache import model
from perfctl.cache.coherence.versions import Versions
from perfctl.cache.keys import DEFAULT_NAMESPACE, KeyLayout
from perfctl.cache.operating.life import Life, life_of
from perfctl.cache.store import ABSENT, Fetched, Store, Write
from perfctl.cache.ttl import ttl_ms
from perfctl.cache.values.codec import Codec, Decoded, UndecodableError, UnknownDictionaryError
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig
from perfctl.errors import AuthError, ServiceError, UsageError

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import Marks
    from perfctl.cache.model import (
        CachedValue,
        Cleared,
        Deleted,
        KeyLife,
        NamespaceSize,
        Preloaded,
        Presence,
        SharedStats,
        Stored,
        Touched,
    )
    from perfctl.cache.model.look import Inspected, TopKeys
    from perfctl.cache.model.servers import NodeStats
    from perfctl.cache.operating.inspect import RawValue
    from perfctl.cache.preloading.loading import Loader
    from perfctl.cache.preloading.preload import BadEntry, Entry
    from perfctl.cache.values.dictionaries import Dictionaries
    from perfctl.diagnosis import Check

Progress = Callable[[int], None]
"""Told how many are done so far."""


class CacheOperator:
    """The operator's side of `AdvancedCache`: straight to the server, and every failure is raised."""

    def __init__(self, store: Store, layout: KeyLayout, codec: Codec, *, config: CacheConfig) -> None:
        self.store = store
        self.layout = layout
        self.codec = codec
        self.config = config

    async def get(self, key: str, *, namespace: str | None = None) -> CachedValue:
        """One key. What was cleared, what is past its life and what is no value of ours is not found, and says why."""
        name, where = self.layout.of(key, namespace), (key, namespace or DEFAULT_NAMESPACE)
        fetched = await self.store.get(name)
        if fetched is None:
            return model.CachedValue(*where, found=False)
        size = len(fetched.blob)
        try:
            value, meta = await self.decoded(name, fetched.blob)
        except UndecodableError as error:
            left = Life(fetched.ttl_ms, 0).ttl_seconds
            return model.CachedValue(*where, found=False, ttl_seconds=left, size_bytes=size, unreadable=str(error))
        life, reason = await self._judged(namespace, fetched, meta)
        if reason:
            return model.CachedValue(*where, False, None, None, None, size, None, life.stale_seconds, reason)
        kind = type(value).__name__
        return model.CachedValue(*where, True, value, kind, life.ttl_seconds, size, None, life.stale_seconds)

    async def set(self, key: str, value: object, *, ttl: float | None = None, namespace: str | None = None) -> Stored:
        """Write one key. UsageError for a value that would not come back as it is."""
        await self.codec.prepare()
        write = self.write(key, value, ttl, namespace, await self.version(namespace))
        await self.store.set(write)
        await self.announce([write.name])
        ttl_seconds = None if write.ttl_ms is None else write.ttl_ms / 1000
        return model.Stored(key, namespace or DEFAULT_NAMESPACE, ttl_seconds, len(write.blob))

    async def delete(self, keys: Sequence[str], *, namespace: str | None = None) -> Deleted:
        """Delete keys; those that are not there are counted, too."""
        names = list(dict.fromkeys(self.layout.of(key, namespace) for key in keys))
        deleted = await self.store.delete(names)
        await self.announce(names)
        return model.Deleted(namespace or DEFAULT_NAMESPACE, deleted, len(names) - deleted)

    async def exists(self, keys: Sequence[str], *, namespace: str | None = None) -> Presence:
        """Which keys would be a hit."""
        unique = list(dict.fromkeys(keys))
        lives = [(await self.ttl(key, namespace=namespace)).found for key in unique]
        rows = tuple(model.KeyPresence(key, found) for key, found in zip(unique, lives, strict=True))
        return model.Presence(namespace or DEFAULT_NAMESPACE, sum(lives), len(lives) - sum(lives), rows)

    async def ttl(self, key: str, *, namespace: str | None = None) -> KeyLife:
        """How long a key lives; what would be no hit is not found, but a stale one still says its reserve."""
        where = (key, namespace or DEFAULT_NAMESPACE)
        fetched = await self.store.get(self.layout.of(key, namespace))
        if fetched is None:
            return model.KeyLife(*where, found=False)
        try:
            meta = self.codec.peek(fetched.blob)
        except UndecodableError:
            return model.KeyLife(*where, found=False)
        life, reason = await self._judged(namespace, fetched, meta)
        if reason:
            return model.KeyLife(*where, found=False, stale_seconds=life.stale_seconds if reason == "stale" else None)
        return model.KeyLife(*where, True, life.ttl_ms is not None, life.ttl_seconds, life.stale_seconds)

    async def raw_ttl(self, name: str) -> KeyLife:
        """How long any key of the server lives, whoever wrote it."""
        (left,) = await self.store.ttls([raw_name(name)])
        if left == ABSENT:
            return model.KeyLife(name, None, found=False)
        return model.KeyLife(name, None, True, left is not None, None if left is None else left / 1000)

    async def raw_value(self, name: str) -> RawValue:
        """Any key of the server: a string whole, of what has elements the first 1,000."""
        from perfctl.cache.operating.inspect import raw_value

        return await raw_value(self, name)

    async def touch(self, key: str, *, ttl: float | None = None, namespace: str | None = None) -> Touched:
        """Give a key a new life from now on; a key that would be no hit is not found."""
        where = (key, namespace or DEFAULT_NAMESPACE)
        name = self.layout.of(key, namespace)
        fetched = await self.store.get(name)
        if fetched is None:
            return model.Touched(*where, found=False)
        try:
            meta = self.codec.peek(fetched.blob)
        except UndecodableError:
            return model.Touched(*where, found=False)
        if (await self._judged(namespace, fetched, meta))[1]:
            return model.Touched(*where, found=False)
        lives_ms = self.lives_ms(ttl, namespace)
        await self.store.set(Write(name, await self._renewed(name, fetched.blob, meta, lives_ms), lives_ms))
        await self.announce([name])
        return model.Touched(*where, True, None if lives_ms is None else lives_ms / 1000)

    async def inspect(self, key: str, *, namespace: str | None = None) -> Inspected:
        """One key, taken apart, whatever codec wrote it."""
        from perfctl.cache.operating.inspect import inspect

        return await inspect(self, key, namespace)

    async def raw(self, name: str, *, elements: int = 10) -> Inspected:
        """Any key of the server, of any type, by its whole name; the first elements of what has many."""
        from perfctl.cache.operating.inspect import inspect_raw

        return await inspect_raw(self, name, elements)

    async def top(
        self,
        by: str = "hot",
        *,
        namespace: str | None = None,
        is_raw: bool = False,
        samples: int = 1000,
        count: int = 20,
    ) -> TopKeys:
        """The hottest, the biggest, or the keys that never expire (`no-ttl`): of a sample; says how it was drawn.

        `is_raw`: also of keys that perfctl did not write.
        """
        from perfctl.cache.operating.top import top_keys

        return await top_keys(self, by, namespace=namespace, is_raw=is_raw, samples=samples, count=count)

    async def monitored(self, seconds: float, *, count: int = 20) -> TopKeys:
        """The keys that commands name while MONITOR runs on every primary, which slows them meanwhile."""
        from perfctl.cache.operating.top import monitored

        return await monitored(self, seconds, count)

    async def check(self, namespace: str | None = None) -> list[Check]:
        """Is the cache in good shape: findings by namespace and by node."""
        from perfctl.cache.operating.check import findings

        return await findings(self, namespace)

    async def measure(self, namespace: str) -> NamespaceSize:
        """How much lies in a namespace: keys counted by SCAN, the rest extrapolated from samples; 5 sample keys."""
        from perfctl.cache.operating.census import measure

        return await measure(self, namespace)

    async def clear(self, size: NamespaceSize, *, on_progress: Progress | None = None) -> Cleared:
        """Clear a measured namespace and give its memory back."""
        from perfctl.cache.operating.clearing import clear_namespace

        return await clear_namespace(self, size, reclaim=True, on_progress=on_progress)

    async def preload(
        self,
        entries: Iterable[Entry | BadEntry],
        *,
        namespace: str | None = None,
        ttl: float | None = None,
        on_progress: Progress | None = None,
        on_stored: Progress | None = None,
        start: int = 0,
    ) -> Preloaded:
        """Write entries in pipelined batches of 1,000 (or 4 MB) as they are read; what cannot be written is told apart.

        `namespace` and `ttl` are for entries that name none. Memory holds one batch, however many there are.
        `on_stored` is told how many entries, from `start` on, were taken when a batch was stored.
        """
        loader = self.loader(namespace=namespace, ttl=ttl, on_progress=on_progress, on_stored=on_stored, start=start)
        await loader.take(entries)
        return await loader.finished()

    def loader(
        self,
        *,
        namespace: str | None = None,
        ttl: float | None = None,
        on_progress: Progress | None = None,
        on_stored: Progress | None = None,
        start: int = 0,
    ) -> Loader:
        """The same for entries that come bit by bit."""
        from perfctl.cache.preloading.loading import Loader

        return Loader(self, namespace=namespace, ttl=ttl, on_progress=on_progress, on_stored=on_stored, start=start)

    async def stats(self, namespace: str | None = None, *, with_nodes: bool = False) -> SharedStats:
        """What lies on the server by namespace (or in one), and what all processes counted there."""
        from perfctl.cache.operating.census import shared_stats

        found = await shared_stats(self, namespace)
        return replace(found, nodes=await self.nodes()) if with_nodes else found

    async def nodes(self) -> tuple[NodeStats, ...]:
        """What each primary says of itself."""
        from perfctl.cache.operating.servers import node_stats

        return await node_stats(self.store)

    @cached_property
    def versions(self) -> Versions:
        """The marks, as they were last read."""
        return Versions(self.store, self.layout)

    @cached_property
    def marks(self) -> Marks:
        """The marks, to make and change them."""
        from perfctl.cache.clock import SYSTEM_CLOCK
        from perfctl.cache.coherence.marks import Marks

        return Marks(self.store, self.layout, SYSTEM_CLOCK, config=self.config)

    @property
    def dictionaries(self) -> Dictionaries:
        """The zstd dictionaries on the server."""
        found = self.codec.dictionaries
        found.connect(lambda: self.store)
        return found

    async def version(self, namespace: str | None) -> int:
        """The version that what is written now carries; made where there is none yet."""
        known = await self.versions.learn(namespace)
        if known:
            return known
        state = self.marks.state(namespace or DEFAULT_NAMESPACE)
        await self.marks.ensure(state)
        return state.version

    async def decoded(self, name: bytes, blob: bytes) -> Decoded:
        """The value under a name; fetches the dictionary that it needs. UndecodableError for what is none of ours."""
        await self.codec.prepare()
        try:
            return self.codec.decode(name, blob, lenient=True)
        except UnknownDictionaryError as error:
            await self.dictionaries.fetch(error.namespace, error.number)
            return self.codec.decode(name, blob, lenient=True)

    async def announce(self, names: Sequence[bytes]) -> None:
        """Tell the processes that live by messages what was written; the server tells all others itself."""
        if self.config.backplane in ("auto", "pubsub"):
            from perfctl.cache.coherence.backplane import announce_once

            await announce_once(self.store, self.layout, names)

    async def announce_everything(self) -> None:
        """The same after a bulk write: what they hold in memory is asked for again."""
        if self.config.backplane in ("auto", "pubsub"):
            from perfctl.cache.coherence.backplane import message

            with suppress(AuthError, ServiceError):
                await self.store.publish(self.layout.root + b"~b", message("", "everything", []))

    def lives_ms(self, ttl: float | None, namespace: str | None) -> int | None:
        """A TTL in ms; the namespace's own where none is given, None for ever."""
        own = next((each.ttl_seconds for each in self.config.namespaces if each.name == namespace), None)
        return ttl_ms(ttl, default=self.config.ttl_seconds if own is None else own)

    def write(self, key: str, value: object, ttl: float | None, namespace: str | None, version: int) -> Write:
        """What to send for a value. UsageError for one that would not come back as it is."""
        name, lives_ms = self.layout.of(key, namespace), self.lives_ms(ttl, namespace)
        meta = Meta(now_ms(), lives_ms, version)
        return Write(name, self.codec.encode(name, value, meta, namespace=namespace or DEFAULT_NAMESPACE), lives_ms)

    async def _renewed(self, name: bytes, blob: bytes, meta: Meta, lives_ms: int | None) -> bytes:
        """The same value with a life that begins now."""
        await self.decoded(name, blob)
        renewed = meta._replace(created_ms=now_ms(), fresh_ms=lives_ms)
        return self.codec.renewed(name, blob, renewed)

    async def _judged(self, namespace: str | None, fetched: Fetched, meta: Meta) -> tuple[Life, str | None]:
        """What is left of a value's life, and why it would be no hit: `cleared`, `stale`."""
        life = life_of(meta, fetched.ttl_ms, now_ms())
        await self.versions.learn(namespace, [meta])
        if self.versions.is_cleared(namespace, meta):
            return life, "cleared"
        return life, "stale" if life.is_over else None


def raw_name(name: str) -> bytes:
    """The whole name of a key of the server as it was typed."""
    if not name:
        raise UsageError("the key is empty", hint="a key has at least one character")
    return name.encode("utf-8", "surrogateescape")


def now_ms() -> int:
    """Unix time in ms, by this machine."""
    return int(time.time() * 1000)
