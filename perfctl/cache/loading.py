"""Writing very many keys: batches that are encoded while the server stores the one before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfctl.cache.keys import DEFAULT_NAMESPACE
from perfctl.cache.model import Preloaded
from perfctl.cache.store import Write
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.operator import CacheOperator, Progress
    from perfctl.cache.preload import BadEntry, Entry

_BATCH = 1000
_BATCH_BYTES = 4_000_000
_SHOWN_FAULTS = 20


async def load(
    operator: CacheOperator,
    entries: Iterable[Entry | BadEntry],
    *,
    namespace: str | None = None,
    ttl: float | None = None,
    on_progress: Progress | None = None,
) -> Preloaded:
    """Write entries as they are read, in batches of 1,000 or 4 MB; what cannot be written is told apart.

    `namespace` and `ttl` are for entries that name none. Memory holds one batch, however many there are.
    """
    operator.layout.namespace(namespace)
    await operator.codec.prepare()
    started = time.perf_counter()
    tally, batch = Tally(), Batch()
    for entry in entries:
        if len(entry) == 2:
            tally.fail(*entry)
            continue
        await add(operator, entry, batch, tally, namespace, ttl)
        if batch.is_full:
            await send(operator, batch, tally)
            batch = Batch()
            if on_progress:
                on_progress(tally.loaded)
    await send(operator, batch, tally)
    return tally.summed(namespace, (time.perf_counter() - started) * 1000)


async def add(
    operator: CacheOperator, entry: Entry, batch: Batch, tally: Tally, namespace: str | None, ttl: float | None
) -> None:
    """Encode an entry into a batch, or note why it cannot be."""
    where, key, value, own_ttl, own_namespace = entry
    name = own_namespace or namespace or DEFAULT_NAMESPACE
    try:
        version = tally.versions.get(name)
        if version is None:
            version = tally.versions[name] = await operator.version(name)
        write = operator.write(key, value, ttl if own_ttl is None else own_ttl, name, version)
    except UsageError as error:
        tally.fail(where, error.message)
        return
    batch.add(where, write)


async def send(operator: CacheOperator, batch: Batch, tally: Tally) -> None:
    """Write a batch, and count what the server refused of it."""
    if not batch.writes:
        return
    refused = {refusal.index: refusal.reason for refusal in await operator.store.set_many(batch.writes)}
    for index, reason in refused.items():
        tally.fail(batch.places[index], f"refused: {reason}")
        tally.size_bytes -= len(batch.writes[index].blob)
    tally.loaded += len(batch.writes) - len(refused)
    tally.size_bytes += batch.size_bytes


@dataclass(slots=True)
class Batch:
    """Writes to send together, and where each came from: 1,000 of them, or 4 MB."""

    places: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, where: str, write: Write) -> None:
        """One more."""
        self.places.append(where)
        self.writes.append(write)
        self.size_bytes += len(write.blob)

    @property
    def is_full(self) -> bool:
        """Whether it is time to send it."""
        return len(self.writes) >= _BATCH or self.size_bytes >= _BATCH_BYTES


@dataclass(slots=True)
class Tally:
    """What was loaded so far, and what was not."""

    loaded: int = 0
    failed: int = 0
    size_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    """The namespaces that were written to, and the version that their values carry."""

    def fail(self, where: str, reason: str) -> None:
        """One entry that was not loaded."""
        self.failed += 1
        if len(self.faults) < _SHOWN_FAULTS:
            self.faults.append(f"{where}: {reason}")

    def summed(self, namespace: str | None, took_ms: float) -> Preloaded:
        """The answer."""
        return Preloaded(
            namespace=", ".join(sorted(self.versions)) or namespace or DEFAULT_NAMESPACE,
            loaded=self.loaded,
            failed=self.failed,
            size_bytes=self.size_bytes,
            took_ms=took_ms,
            rows=tuple(self.faults),
        )
