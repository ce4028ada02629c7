"""What an operator asks of the cache on the server. Strict: a server that does not answer is an error here,
never a miss; look-ups are not counted, so that looking does not change the hit ratio."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfctl.cache.codec import Codec, UndecodableError
from perfctl.cache.counters import NamespaceCounts, by_namespace
from perfctl.cache.keys import DEFAULT_NAMESPACE, KeyLayout
from perfctl.cache.meta import Meta
from perfctl.cache.model import (
    CachedValue,
    Cleared,
    Deleted,
    NamespaceSize,
    NamespaceStats,
    Preloaded,
    SharedStats,
    Stored,
    ratio,
)
from perfctl.cache.store import SINCE, Store, Write
from perfctl.cache.ttl import ttl_ms
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.preload import BadEntry, Entry

Progress = Callable[[int], None]
"""Told how many are done so far."""

_BATCH = 1000
_BATCH_BYTES = 4_000_000
_SAMPLES = 100
"""Names of a namespace whose size is asked; the others are taken to be alike."""
_SHOWN_FAULTS = 20
_REST = 0.2
"""The share of each batch's time that a clear leaves to other clients."""


class CacheOperator:
    """The operator's side of `AdvancedCache`: straight to the server, and every failure is raised."""

    def __init__(self, store: Store, layout: KeyLayout, codec: Codec, *, default_ttl: float) -> None:
        self._store = store
        self._layout = layout
        self._codec = codec
        self._default_ttl = default_ttl

    async def get(self, key: str, *, namespace: str | None = None) -> CachedValue:
        """One key. Bytes under it that are no value of ours are not found, and `unreadable` says why."""
        fetched = await self._store.get(self._layout.of(key, namespace))
        where = (key, namespace or DEFAULT_NAMESPACE)
        if fetched is None:
            return CachedValue(*where, found=False)
        ttl_seconds = None if fetched.ttl_ms is None else fetched.ttl_ms / 1000
        size = len(fetched.blob)
        try:
            value = self._codec.decode(self._layout.of(key, namespace), fetched.blob, lenient=True).value
        except UndecodableError as error:
            return CachedValue(*where, found=False, ttl_seconds=ttl_seconds, size_bytes=size, unreadable=str(error))
        return CachedValue(*where, True, value, type(value).__name__, ttl_seconds, size)

    async def set(self, key: str, value: object, *, ttl: float | None = None, namespace: str | None = None) -> Stored:
        """Write one key. UsageError for a value that would not come back as it is."""
        write = self._write(key, value, ttl, namespace)
        await self._store.set(write)
        ttl_seconds = None if write.ttl_ms is None else write.ttl_ms / 1000
        return Stored(key, namespace or DEFAULT_NAMESPACE, ttl_seconds, len(write.blob))

    async def delete(self, keys: Sequence[str], *, namespace: str | None = None) -> Deleted:
        """Delete keys; those that are not there are counted, too."""
        names = list(dict.fromkeys(self._layout.of(key, namespace) for key in keys))
        deleted = await self._store.delete(names)
        return Deleted(namespace or DEFAULT_NAMESPACE, deleted, len(names) - deleted)

    async def measure(self, namespace: str) -> NamespaceSize:
        """How much lies in a namespace: keys counted by SCAN, bytes extrapolated from 100 of them, 5 sample keys."""
        sample = _Sample()
        async for names in self._store.scan(self._layout.namespace(namespace)):
            sample.add_all(names)
        size = sample.extrapolated(await self._store.sizes(sample.names))
        parts = [self._layout.split(name) for name in sample.names[:5]]
        return NamespaceSize(namespace, sample.seen, size, tuple(sorted(part[1] for part in parts if part)))

    async def clear(self, size: NamespaceSize, *, on_progress: Progress | None = None) -> Cleared:
        """Delete all keys of a measured namespace: SCAN and UNLINK in batches, with a rest after each."""
        started = time.perf_counter()
        deleted = 0
        async for names in self._store.scan(self._layout.namespace(size.namespace)):
            before = time.perf_counter()
            deleted += await self._store.delete(names)
            if on_progress:
                on_progress(deleted)
            await _rest((time.perf_counter() - before) * _REST)
        return cleared(size, deleted=deleted, took_ms=(time.perf_counter() - started) * 1000)

    async def preload(
        self,
        entries: Iterable[Entry | BadEntry],
        *,
        namespace: str | None = None,
        ttl: float | None = None,
        on_progress: Progress | None = None,
    ) -> Preloaded:
        """Write entries in pipelined batches of 1,000 (or 4 MB) as they are read; what cannot be written is told apart.

        `namespace` and `ttl` are for entries that name none. Memory holds one batch, however many there are.
        """
        self._layout.namespace(namespace)
        started = time.perf_counter()
        tally = _Tally()
        batch = _Batch()
        for entry in entries:
            self._add(entry, batch, tally, namespace, ttl)
            if batch.is_full:
                await self._load(batch, tally)
                batch = _Batch()
                if on_progress:
                    on_progress(tally.loaded)
        await self._load(batch, tally)
        return Preloaded(
            namespace=", ".join(sorted(tally.namespaces)) or namespace or DEFAULT_NAMESPACE,
            loaded=tally.loaded,
            failed=tally.failed,
            size_bytes=tally.size_bytes,
            took_ms=(time.perf_counter() - started) * 1000,
            rows=tuple(tally.faults),
        )

    async def stats(self, namespace: str | None = None) -> SharedStats:
        """What lies on the server by namespace (or in one), and what all processes counted there."""
        samples = await self._samples(self._layout.root if namespace is None else self._layout.namespace(namespace))
        counters = await self._store.counters(self._layout.counters)
        counts = by_namespace(counters)
        names = {namespace} if namespace is not None else {*samples, *counts}
        rows = [await self._row(name, samples.get(name, _Sample()), counts.get(name)) for name in names]
        rows.sort(key=lambda row: (-row.size_bytes, -row.hits, row.namespace))
        hits, misses = sum(row.hits for row in rows), sum(row.misses for row in rows)
        return SharedStats(
            rows=tuple(rows),
            keys=sum(row.keys for row in rows),
            size_bytes=sum(row.size_bytes for row in rows),
            hits=hits,
            misses=misses,
            hit_ratio=ratio(hits, misses),
            counted_since=_moment(counters.get(SINCE)),
            server=await self._store.facts(),
        )

    def _write(self, key: str, value: object, ttl: float | None, namespace: str | None) -> Write:
        name = self._layout.of(key, namespace)
        lives_ms = ttl_ms(ttl, default=self._default_ttl)
        meta = Meta(int(time.time() * 1000), lives_ms)
        blob = self._codec.encode(name, value, meta, namespace=namespace or DEFAULT_NAMESPACE)
        return Write(name, blob, lives_ms)

    def _add(
        self, entry: Entry | BadEntry, batch: _Batch, tally: _Tally, namespace: str | None, ttl: float | None
    ) -> None:
        if len(entry) == 2:
            tally.fail(*entry)
            return
        where, key, value, own_ttl, own_namespace = entry
        try:
            write = self._write(key, value, ttl if own_ttl is None else own_ttl, own_namespace or namespace)
        except UsageError as error:
            tally.fail(where, error.message)
            return
        tally.namespaces.add(own_namespace or namespace or DEFAULT_NAMESPACE)
        batch.add(where, write)

    async def _load(self, batch: _Batch, tally: _Tally) -> None:
        if not batch.writes:
            return
        refused = {refusal.index: refusal.reason for refusal in await self._store.set_many(batch.writes)}
        for index, reason in refused.items():
            tally.fail(batch.places[index], f"refused: {reason}")
            tally.size_bytes -= len(batch.writes[index].blob)
        tally.loaded += len(batch.writes) - len(refused)
        tally.size_bytes += batch.size_bytes

    async def _samples(self, prefix: bytes) -> dict[str, _Sample]:
        samples: dict[str, _Sample] = {}
        async for names in self._store.scan(prefix):
            for name in names:
                parts = self._layout.split(name)
                if parts is not None:
                    samples.setdefault(parts[0], _Sample()).add(name)
        return samples

    async def _row(self, namespace: str, sample: _Sample, counts: NamespaceCounts | None) -> NamespaceStats:
        counts = counts or NamespaceCounts()
        size = sample.extrapolated(await self._store.sizes(sample.names) if sample.names else [])
        hits = counts.hits_l1 + counts.hits_l2
        return NamespaceStats(
            namespace=namespace,
            keys=sample.seen,
            size_bytes=size,
            hits=hits,
            misses=counts.misses,
            hit_ratio=ratio(hits, counts.misses),
            hits_l1=counts.hits_l1,
            hits_l2=counts.hits_l2,
            sets=counts.sets,
        )


def cleared(size: NamespaceSize, *, deleted: int = 0, took_ms: float = 0.0, dry_run: bool = False) -> Cleared:
    """The answer to a clear of what was measured."""
    return Cleared(size.namespace, size.keys, size.size_bytes, dry_run, deleted, took_ms, size.samples)


@dataclass(slots=True)
class _Sample:
    """A uniform sample of the names seen, of bounded size (reservoir sampling, Vitter 1985, algorithm R)."""

    seen: int = 0
    names: list[bytes] = field(default_factory=list)

    def add_all(self, names: Sequence[bytes]) -> None:
        for name in names:
            self.add(name)

    def add(self, name: bytes) -> None:
        self.seen += 1
        if len(self.names) < _SAMPLES:
            self.names.append(name)
            return
        place = int(random.random() * self.seen)  # noqa: S311 - a sample, no secret
        if place < _SAMPLES:
            self.names[place] = name

    def extrapolated(self, sizes: Sequence[int | None]) -> int:
        known = [size for size in sizes if size is not None]
        return round(sum(known) / len(known) * self.seen) if known else 0


@dataclass(slots=True)
class _Batch:
    """Writes to send together, and where each came from: 1,000 of them, or 4 MB."""

    places: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, where: str, write: Write) -> None:
        self.places.append(where)
        self.writes.append(write)
        self.size_bytes += len(write.blob)

    @property
    def is_full(self) -> bool:
        return len(self.writes) >= _BATCH or self.size_bytes >= _BATCH_BYTES


@dataclass(slots=True)
class _Tally:
    loaded: int = 0
    failed: int = 0
    size_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)

    def fail(self, where: str, reason: str) -> None:
        self.failed += 1
        if len(self.faults) < _SHOWN_FAULTS:
            self.faults.append(f"{where}: {reason}")


def _moment(since: int | None) -> str | None:
    return None if since is None else datetime.fromtimestamp(since, UTC).isoformat()


async def _rest(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)
