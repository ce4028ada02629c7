"""A Store on redis-py's connections: one server, a cluster or a sentinel set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hiredis import ReplyError

from perfctl.cache.address import Address
from perfctl.cache.keys import pattern_of
from perfctl.cache.redis import commands
from perfctl.cache.redis.channel import packed
from perfctl.cache.redis.inspection import Inspection
from perfctl.cache.redis.line import RedisLine, Subscription, opened, subscribed
from perfctl.cache.redis.node import is_no_string
from perfctl.cache.redis.routes import Routes
from perfctl.cache.store import HEAD_BYTES, SINCE, Dated, Fetched, ForbiddenError, Refusal, Write, created_ms_of

_NAMES = 1000
"""Names in one UNLINK."""


class RedisStore(Inspection):
    """A Store on Redis >= 6.2 or Valkey. Connects on first use, once for each event loop that asks: one connection to
    each node, over which the commands of all who ask follow each other.

    A call whose connection is lost on the way is made once more where that does no harm (never a count, a lock taken
    or a message), on whichever node answers for the name by then.
    """

    def __init__(self, address: Address) -> None:
        self.address = str(address)
        self.protocol = f"RESP{address.protocol}"
        self._at = address
        self._routes = Routes(address)
        self.fetch = self._routes.read  # type: ignore[method-assign]  # a coroutine less on the way
        self.fetch_together = self._routes.read_together

    async def get(self, name: bytes) -> Fetched | None:
        """GET and PTTL, in one round trip."""
        blob, ttl_ms = await self._routes.many([name, name], [packed("GET", name), packed("PTTL", name)])
        if is_no_string(blob) or blob is None:
            return None
        self._routes.refuse(blob, ttl_ms)
        return None if ttl_ms == -2 else Fetched(blob, ttl_ms if ttl_ms >= 0 else None)

    def place(self, name: bytes) -> str | None:
        """The node's address, where the topology is known."""
        return self._routes.place(name)

    async def fetch(self, name: bytes, *, patience_seconds: float | None = None) -> bytes | None:
        """MGET together with the tick's other reads; GETs on a cluster, which knows no MGET across slots."""
        blob: bytes | None = await self._routes.read(name, patience_seconds)
        return blob

    async def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """As `fetch`, for many."""
        return await self._routes.read_many(names)

    async def put(self, write: Write) -> None:
        """SET, with PX where it expires, in one go with the tick's others."""
        await self._routes.ask(write.name, commands.set_command(write))

    async def put_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """All in one go a node; a refusal of one does not stop the others. A service's error when it refuses all."""
        return await self.load([write.name for write in writes], [commands.set_command(write) for write in writes])

    async def load(self, names: Sequence[bytes], packs: Sequence[bytes]) -> list[Refusal]:
        """The commands as they are."""
        replies = await self._routes.many(names, packs)
        if replies.count(b"OK") == len(replies):
            return []
        refusals = [Refusal(place, str(reply)) for place, reply in enumerate(replies) if type(reply) is ReplyError]
        if names and len(refusals) == len(names):
            self._routes.refuse(*replies)
        return refusals

    async def put_newest(self, writes: Sequence[Dated]) -> list[bool]:
        """A script a name; where scripts are forbidden, a look and then a write."""
        try:
            return await self._put_newest(writes)
        except ForbiddenError:
            heads = await self.heads([dated.write.name for dated in writes])
            kept = [
                head is None or (created_ms_of(head) or 0) < dated.created_ms
                for head, dated in zip(heads, writes, strict=True)
            ]
            newer = [dated.write for dated, is_kept in zip(writes, kept, strict=True) if is_kept]
            refused = await self.put_many(newer) if newer else []
            self._routes.refuse(*[ReplyError(each.reason) for each in refused])
            return kept

    async def _put_newest(self, writes: Sequence[Dated]) -> list[bool]:
        names = [dated.write.name for dated in writes]
        replies = await self._routes.many(names, [commands.put_newest(dated) for dated in writes])
        self._routes.refuse(*replies)
        return [bool(reply) for reply in replies]

    async def swap(self, write: Write, old: bytes) -> bool:
        """A script, which knows the old blob by its header and its checksum; else a look and then a write."""
        try:
            return bool(await self._routes.ask(write.name, commands.swap(write, old), is_repeatable=False))
        except ForbiddenError:
            if await self.fetch(write.name) != old:
                return False
            await self.put(write)
            return True

    async def remove(self, names: Sequence[bytes]) -> int:
        """UNLINK: the memory is freed in the background."""
        if self._at.mode != "cluster" and names:
            goes = [names[start : start + _NAMES] for start in range(0, len(names), _NAMES)]
            return sum([await self._routes.ask(go[0], packed("UNLINK", *go)) for go in goes])
        return sum(await self._each("UNLINK", names))

    async def heads(self, names: Sequence[bytes], length: int = HEAD_BYTES) -> list[bytes | None]:
        """GETRANGE of each; no blob of ours is empty."""
        replies = await self._routes.many(names, [packed("GETRANGE", name, 0, length - 1) for name in names])
        heads = [None if is_no_string(reply) else reply or None for reply in replies]
        self._routes.refuse(*heads)
        return heads

    async def ttls(self, names: Sequence[bytes]) -> list[int | None]:
        """PTTL of each."""
        return [None if ttl_ms == -1 else ttl_ms for ttl_ms in await self._each("PTTL", names)]

    async def touch(self, names: Sequence[bytes], ttl_ms: int | None) -> int:
        """PEXPIRE of each; or PERSIST and, as that answers 0 for what never expired, EXISTS."""
        if ttl_ms is not None:
            return sum(await self._each("PEXPIRE", names, ttl_ms))
        await self._each("PERSIST", names)
        return sum(await self.exists(names))

    async def exists(self, names: Sequence[bytes]) -> list[bool]:
        """EXISTS of each."""
        return [bool(found) for found in await self._each("EXISTS", names)]

    async def take(self, name: bytes, token: bytes, ms: int | None) -> bool:
        """SET NX, with PX where it ends by itself."""
        life: tuple[str | int, ...] = () if ms is None else ("PX", ms)
        command = packed("SET", name, token, "NX", *life)
        return await self._routes.ask(name, command, is_repeatable=False) is not None

    async def keep(self, name: bytes, token: bytes, ms: int) -> bool:
        """A script: PEXPIRE if the token is ours; else a look and then that."""
        try:
            return bool(await self.evaluate(commands.KEEP, [name], [token, ms]))
        except ForbiddenError:
            return await self.fetch(name) == token and await self.touch([name], ms) == 1

    async def release(self, name: bytes, token: bytes, *, channel: bytes | None = None) -> bool:
        """A script: DEL and PUBLISH if the token is ours; else a look and then that."""
        try:
            return bool(await self.evaluate(commands.RELEASE, [name], [token, channel or name]))
        except ForbiddenError:
            if await self.fetch(name) != token:
                return False
            await self.remove([name])
            with suppress(ForbiddenError):
                await self.publish(channel or name, name)
            return True

    async def evaluate(self, script: str, names: Sequence[str | bytes], arguments: Sequence[str | bytes | int]) -> Any:
        """EVAL: the script runs as one step on the server, on the names that it is given."""
        first = names[0].encode() if isinstance(names[0], str) else names[0]
        command = packed("EVAL", script, len(names), *names, *arguments)
        return await self._routes.ask(first, command, is_repeatable=False)

    async def count(self, name: bytes, increments: Mapping[bytes, int], *, since: int) -> None:
        """HINCRBY of each field, in one go."""
        asked = [packed("HSETNX", name, SINCE, since)]
        asked += [packed("HINCRBY", name, field, increment) for field, increment in increments.items()]
        self._routes.refuse(*await self._routes.many([name] * len(asked), asked, is_repeatable=False))

    async def counters(self, name: bytes) -> dict[bytes, int]:
        """HGETALL; a field that is no number is left out."""
        reply = await self._routes.ask(name, packed("HGETALL", name))
        fields = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
        return {field: int(value) for field, value in fields.items() if value.lstrip(b"-").isdigit()}

    async def publish(self, channel: bytes, body: bytes) -> int:
        """PUBLISH; a cluster's bus carries it to every node."""
        return int(await self._routes.ask(channel, packed("PUBLISH", channel, body), is_repeatable=False))

    async def listen(self, channels: Sequence[bytes]) -> Subscription:
        """SUBSCRIBE, on one primary."""
        return await subscribed(await self.line((await self.nodes())[0]), channels)

    async def nodes(self, *, anew: bool = False) -> list[str]:
        """The primaries."""
        return [node.name for node in await self._routes.primaries(anew=anew)]

    async def line(self, node: str, *, protocol: int | None = None) -> RedisLine:
        """A connection of its own."""
        return await opened(self._at, node, protocol)

    set, set_many, delete = put, put_many, remove

    async def scan(
        self, prefix: bytes, *, batch: int = 1000, pattern: bytes | None = None
    ) -> AsyncIterator[list[bytes]]:
        """SCAN on every primary; COUNT 1000 keeps other clients' stalls in the noise, 10000 does not (measured)."""
        glob = pattern or pattern_of(prefix)
        for node in await self._routes.primaries():
            cursor = b"0"
            while True:
                cursor, names = await self._routes.of(node, packed("SCAN", cursor, "MATCH", glob, "COUNT", batch))
                yield names
                if cursor == b"0":
                    break

    async def close(self) -> None:
        """Close the connections of this event loop, and of every other that still runs."""
        await self._routes.close()
