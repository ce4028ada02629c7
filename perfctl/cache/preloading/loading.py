"""Writing very many keys: batches that are encoded while the server stores the one before."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfctl.cache.keys import DEFAULT_NAMESPACE
from perfctl.cache.model import Preloaded
from perfctl.cache.preloading.express import Express, Packed
from perfctl.cache.preloading.preload import Lines
from perfctl.cache.store import Refusal, Write
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator, Progress
    from perfctl.cache.preloading.preload import BadEntry, Entry

_BATCH = 1000
_BATCH_BYTES = 4_000_000
_SHOWN_FAULTS = 20
_BLOCKS_UNDER_WAY = 4
"""Of plain lines: these are stored while the next is packed, so that the server is never without work."""


class Loader:
    """Takes entries as they come and writes them in batches of 1,000 or 4 MB; memory holds one batch.

    `namespace` and `ttl` are for entries that name none. `on_stored` is told, after each batch, how many entries were
    taken until then, `start` and bad ones included: where another run may go on.
    """

    def __init__(
        self,
        operator: CacheOperator,
        *,
        namespace: str | None = None,
        ttl: float | None = None,
        on_progress: Progress | None = None,
        on_stored: Progress | None = None,
        start: int = 0,
    ) -> None:
        operator.layout.namespace(namespace)
        self._operator = operator
        self._namespace = namespace
        self._ttl = ttl
        self._on_progress = on_progress
        self._on_stored = on_stored
        self._start = self._taken = start
        self._tally, self._batch = Tally(), Batch()
        self._began = time.perf_counter()

    async def take(self, entries: Iterable[Entry | BadEntry]) -> None:
        """Write these; the last ones of them when the batch is full, or at the end."""
        if isinstance(entries, Lines):
            await self._take_blocks(entries)
            return
        await self._take_each(entries)

    async def _take_blocks(self, lines: Lines) -> None:
        """What is plain is packed while the server stores the blocks before; the rest is taken line by line."""
        express = Express(self._operator, namespace=self._namespace, ttl=self._ttl, versions=self._tally.versions)
        sending: deque[tuple[int, Packed, asyncio.Task[list[Refusal]]]] = deque()
        try:
            for number, block, count in lines.blocks():
                packed = express.packed(block, count)
                if packed is None:
                    await self._sent(sending, 0, lines.source)
                    await self._take_each(lines.entries(number, block))
                    await self._send()
                    continue
                task = asyncio.ensure_future(self._operator.store.load(packed.names, packed.commands))
                sending.append((number, packed, task))
                await asyncio.sleep(0)
                await self._sent(sending, _BLOCKS_UNDER_WAY, lines.source)
            await self._sent(sending, 0, lines.source)
        finally:
            for _, _, task in sending:
                task.cancel()

    async def _sent(
        self, sending: deque[tuple[int, Packed, asyncio.Task[list[Refusal]]]], left: int, source: str
    ) -> None:
        """Wait until no more than so many blocks are under way, and count what was stored of the others."""
        while len(sending) > left:
            number, packed, task = sending[0]
            refusals = await task
            sending.popleft()
            for refusal in refusals:
                self._tally.fail(f"{source}:{number + refusal.index}", f"refused: {refusal.reason}")
                self._tally.size_bytes -= packed.size_bytes // len(packed.names)
            self._taken += len(packed.names)
            self._tally.loaded += len(packed.names) - len(refusals)
            self._tally.size_bytes += packed.size_bytes
            self._tell()

    async def _take_each(self, entries: Iterable[Entry | BadEntry]) -> None:
        for entry in entries:
            self._taken += 1
            if len(entry) == 2:
                self._tally.fail(*entry)
                continue
            await self._add(entry)
            if self._batch.is_full:
                await self._send()

    async def finished(self) -> Preloaded:
        """Write what is left; the answer."""
        await self._send()
        if self._tally.loaded:
            await self._operator.announce_everything()
        took_ms = (time.perf_counter() - self._began) * 1000
        return self._tally.summed(self._namespace, took_ms, resumed_at=self._start)

    async def _add(self, entry: Entry) -> None:
        """Encode an entry into the batch, or note why it cannot be."""
        where, key, value, own_ttl, own_namespace = entry
        tally, name = self._tally, own_namespace or self._namespace or DEFAULT_NAMESPACE
        try:
            version = tally.versions.get(name)
            if version is None:
                await self._operator.codec.prepare()
                await self._operator.dictionaries.ready(name)
                version = tally.versions[name] = await self._operator.version(name)
            write = self._operator.write(key, value, self._ttl if own_ttl is None else own_ttl, name, version)
        except UsageError as error:
            tally.fail(where, error.message)
            return
        self._batch.add(where, write)

    async def _send(self) -> None:
        """Write the batch, and count what the server refused of it."""
        batch, tally = self._batch, self._tally
        if batch.writes:
            refused = {refusal.index: refusal.reason for refusal in await self._operator.store.set_many(batch.writes)}
            for index, reason in refused.items():
                tally.fail(batch.places[index], f"refused: {reason}")
                tally.size_bytes -= len(batch.writes[index].blob)
            tally.loaded += len(batch.writes) - len(refused)
            tally.size_bytes += batch.size_bytes
            self._batch = Batch()
        self._tell()

    def _tell(self) -> None:
        if self._on_stored:
            self._on_stored(self._taken)
        if self._on_progress:
            self._on_progress(self._tally.loaded)


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

    def summed(self, namespace: str | None, took_ms: float, *, resumed_at: int = 0) -> Preloaded:
        """The answer."""
        return Preloaded(
            namespace=", ".join(sorted(self.versions)) or namespace or DEFAULT_NAMESPACE,
            loaded=self.loaded,
            failed=self.failed,
            size_bytes=self.size_bytes,
            took_ms=took_ms,
            rows=tuple(self.faults),
            resumed_at=resumed_at,
        )
