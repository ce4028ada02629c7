"""The in-memory twin of the Redis adapter: the same promises without a server, for tests and examples."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from weakref import WeakSet

from perfctl.cache.keys import is_match
from perfctl.cache.model import ServerFacts
from perfctl.cache.store import (
    ABSENT,
    HEAD_BYTES,
    SINCE,
    Dated,
    Fetched,
    ForbiddenError,
    KeyFacts,
    Line,
    Message,
    Preview,
    Refusal,
    SlowCall,
    Told,
    Write,
    created_ms_of,
)


class MemoryStore:
    """A Store in a dict. `now` is a clock in seconds, which a test may move."""

    address = "memory"
    protocol = "none"

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._blobs: dict[bytes, tuple[bytes, float | None]] = {}
        self._hashes: dict[bytes, dict[bytes, int]] = {}
        self._subscriptions: WeakSet[_Subscription] = WeakSet()

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

    async def load(self, names: Sequence[bytes], packs: Sequence[bytes]) -> list[Refusal]:
        """Keep many."""
        from hiredis import Reader

        reader = Reader()
        for command in packs:
            reader.feed(command)
            _, name, blob, *life = reader.gets()
            await self.set(Write(name, blob, int(life[1]) if life else None))
        return []

    async def delete(self, names: Sequence[bytes]) -> int:
        """Forget names."""
        present = {name for name in names if self._live(name)}
        for name in present:
            del self._blobs[name]
        return len(present)

    def place(self, _name: bytes) -> str:
        """There is one node."""
        return self.address

    async def fetch(self, name: bytes, *, patience_seconds: float | None = None) -> bytes | None:
        """The blob."""
        entry = self._live(name)
        return None if entry is None else entry[0]

    def fetch_together(self, names: Sequence[bytes], answer: Told, /) -> bool:
        """A dict has nothing to gain from it."""
        return False

    async def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The blobs."""
        return [await self.fetch(name) for name in names]

    async def put(self, write: Write) -> None:
        """Keep one blob."""
        await self.set(write)

    async def put_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """Keep many."""
        return await self.set_many(writes)

    async def put_newest(self, writes: Sequence[Dated]) -> list[bool]:
        """Keep what is newer than what is there."""
        kept = []
        for write, created_ms in writes:
            head = await self.fetch(write.name)
            kept.append(head is None or (created_ms_of(head) or 0) < created_ms)
            if kept[-1]:
                await self.set(write)
        return kept

    async def swap(self, write: Write, old: bytes) -> bool:
        """Keep it in place of what was read."""
        if await self.fetch(write.name) != old:
            return False
        await self.set(write)
        return True

    async def remove(self, names: Sequence[bytes]) -> int:
        """Forget names."""
        return await self.delete(names)

    async def heads(self, names: Sequence[bytes], length: int = HEAD_BYTES) -> list[bytes | None]:
        """The first bytes of each blob."""
        return [blob[:length] if blob else None for blob in await self.get_many(names)]

    async def ttls(self, names: Sequence[bytes]) -> list[int | None]:
        """What is left of each life."""
        return [self._ttl_ms(name) for name in names]

    async def touch(self, names: Sequence[bytes], ttl_ms: int | None) -> int:
        """Give names a new life."""
        touched = 0
        for name in names:
            entry = self._live(name)
            if entry is not None:
                await self.set(Write(name, entry[0], ttl_ms))
                touched += 1
        return touched

    async def exists(self, names: Sequence[bytes]) -> list[bool]:
        """Whether each is there."""
        return [name in self._hashes or self._live(name) is not None for name in names]

    async def take(self, name: bytes, token: bytes, ms: int | None) -> bool:
        """Take a lock."""
        if self._live(name) is not None:
            return False
        await self.set(Write(name, token, ms))
        return True

    async def keep(self, name: bytes, token: bytes, ms: int) -> bool:
        """Hold a lock."""
        if await self.fetch(name) != token:
            return False
        await self.set(Write(name, token, ms))
        return True

    async def release(self, name: bytes, token: bytes, *, channel: bytes | None = None) -> bool:
        """Free a lock, and tell those who wait."""
        if await self.fetch(name) != token:
            return False
        await self.delete([name])
        await self.publish(channel or name, name)
        return True

    async def publish(self, channel: bytes, body: bytes) -> int:
        """Tell the subscribers, on whatever loops they are."""
        heard = [subscription for subscription in self._subscriptions if channel in subscription.channels]
        for subscription in heard:
            subscription.tell(Message(channel, body))
        return len(heard)

    async def listen(self, channels: Sequence[bytes]) -> _Subscription:
        """Subscribe."""
        subscription = _Subscription(channels)
        self._subscriptions.add(subscription)
        return subscription

    async def nodes(self, *, anew: bool = False) -> list[str]:
        """One, of no address."""
        return [self.address]

    async def line(self, node: str, *, protocol: int | None = None) -> Line:
        """There is no server that could be spoken to."""
        raise ForbiddenError(f"{node} is no server: there is no connection to it")

    async def scan(
        self, prefix: bytes, *, batch: int = 1000, pattern: bytes | None = None
    ) -> AsyncIterator[list[bytes]]:
        """All names that start with `prefix`, or match the pattern."""
        known = [*self._blobs, *self._hashes]
        names = [name for name in known if (is_match(pattern, name) if pattern else name.startswith(prefix))]
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

    async def server_time_us(self) -> int:
        """This process's clock."""
        return time.time_ns() // 1000

    async def info(self, section: str = "default") -> dict[str, dict[str, Any]]:
        """Nothing to say."""
        return {self.address: {}}

    async def slowlog(self, count: int = 128) -> list[SlowCall]:
        """A dict is never slow."""
        return []

    async def clients(self) -> dict[str, list[dict[str, str]]]:
        """It has no clients."""
        return {self.address: []}

    async def config(self, name: str) -> dict[str, str | None]:
        """It has no settings."""
        return {self.address: None}

    async def sample(self, count: int, *, pattern: bytes | None = None) -> list[KeyFacts]:
        """Keys at random."""
        known = [name for name in [*self._blobs, *self._hashes] if pattern is None or is_match(pattern, name)]
        facts = await self.describe(random.sample(known, min(count, len(known))))
        return [fact for fact in facts if fact is not None]

    async def describe(self, names: Sequence[bytes]) -> list[KeyFacts | None]:
        """Type, size and life."""
        sizes, ttls = await self.sizes(names), await self.ttls(names)
        return [
            None if ttl_ms == ABSENT else KeyFacts(name, "hash" if name in self._hashes else "string", size, ttl_ms)
            for name, size, ttl_ms in zip(names, sizes, ttls, strict=True)
        ]

    async def preview(self, name: bytes, kind: str, count: int) -> Preview:
        """The first bytes."""
        blob = (self._live(name) or (b"", None))[0]
        return Preview("memory", len(blob), blob[:4096])

    async def monitor(self, node: str, seconds: float) -> Mapping[bytes, int]:
        """Nobody else asks a dict."""
        return {}

    async def close(self) -> None:
        """Nothing to close; the content stays, as a server's would."""

    def _ttl_ms(self, name: bytes) -> int | None:
        entry = self._live(name)
        if entry is None:
            return None if name in self._hashes else ABSENT
        return None if entry[1] is None else max(1, round((entry[1] - self._now()) * 1000))

    def _live(self, name: bytes) -> tuple[bytes, float | None] | None:
        entry = self._blobs.get(name)
        if entry is not None and entry[1] is not None and entry[1] <= self._now():
            del self._blobs[name]
            return None
        return entry


class _Subscription:
    """A Listening: a queue on the loop of who subscribed."""

    def __init__(self, channels: Sequence[bytes]) -> None:
        self.channels = frozenset(channels)
        self._loop = asyncio.get_running_loop()
        self._messages: asyncio.Queue[Message] = asyncio.Queue()

    def tell(self, message: Message) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._messages.put_nowait, message)

    async def next(self) -> Message:
        """The next message."""
        return await self._messages.get()

    async def close(self) -> None:
        """Hear no more."""
        self.channels = frozenset()
