"""A Store on redis-py: one server, a cluster or a sentinel set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

from redis import exceptions as failures

from perfctl.cache.address import Address
from perfctl.cache.keys import is_match, pattern_of
from perfctl.cache.model import ServerFacts
from perfctl.cache.redis import scripts
from perfctl.cache.redis.connecting import OPENERS, connection_to
from perfctl.cache.redis.failures import refusal, translated
from perfctl.cache.redis.inspection import server_facts, slow_call
from perfctl.cache.redis.line import RedisLine, Subscription, subscribed
from perfctl.cache.store import (
    HEAD_BYTES,
    SINCE,
    Dated,
    Fetched,
    KeyFacts,
    Refusal,
    SlowCall,
    Write,
    created_ms_of,
)
from perfctl.calls import asking
from perfctl.errors import AuthError, ServiceError


class RedisStore:
    """A Store on Redis >= 6.2 or Valkey. Connects on first use, once for each event loop that asks."""

    def __init__(self, address: Address) -> None:
        self.address = str(address)
        self.protocol = f"RESP{address.protocol}"
        self._at = address
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def get(self, name: bytes) -> Fetched | None:
        """The blob and its remaining life, in one round trip."""
        with self._translated("GET, PTTL"):
            pipeline = self._client.pipeline(transaction=False)
            blob, ttl_ms = await pipeline.get(name).pttl(name).execute(raise_on_error=False)
            if isinstance(blob, failures.ResponseError) and str(blob).startswith("WRONGTYPE"):
                return None
            _raise_first(blob, ttl_ms)
        return None if blob is None or ttl_ms == -2 else Fetched(blob, ttl_ms if ttl_ms >= 0 else None)

    async def set(self, write: Write) -> None:
        """SET, with PX where it expires."""
        with self._translated("SET"):
            await self._client.set(write.name, write.blob, px=write.ttl_ms)

    async def set_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """All in one go (on a cluster, in one pipeline a node); a refusal of one does not stop the others."""
        with self._translated(f"SET of {len(writes)} keys"):
            refusals = await (self._set_by_node(writes) if self._at.mode == "cluster" else self._set_all(writes))
        if writes and len(refusals) == len(writes):
            raise refusal(refusals[0].reason, self._at, self.address)
        return refusals

    async def delete(self, names: Sequence[bytes]) -> int:
        """UNLINK: the memory is freed in the background."""
        if not names:
            return 0
        with self._translated(f"UNLINK of {len(names)} keys"):
            if self._at.mode != "cluster":
                return int(await self._client.unlink(*names))
            pipeline = self._client.pipeline(transaction=False)
            for name in names:
                pipeline.execute_command("UNLINK", name)
            return sum(await pipeline.execute())

    async def fetch(self, name: bytes) -> bytes | None:
        """GET."""
        return (await self.get_many([name]))[0]

    async def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """A GET of each, in one pipeline."""
        return await self._strings("GET", names)

    async def put(self, write: Write) -> None:
        """SET."""
        await self.set(write)

    async def put_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """All in one pipeline a node."""
        return await self.set_many(writes)

    async def put_newest(self, writes: Sequence[Dated]) -> list[bool]:
        """Looks first, then writes: between the two another may write."""
        found = await self.heads([dated.write.name for dated in writes])
        is_newest = [
            not head or (created_ms_of(head) or 0) < dated.created_ms for head, dated in zip(found, writes, strict=True)
        ]
        await self.set_many([dated.write for dated, keep in zip(writes, is_newest, strict=True) if keep])
        return is_newest

    async def remove(self, names: Sequence[bytes]) -> int:
        """UNLINK."""
        return await self.delete(names)

    async def heads(self, names: Sequence[bytes], length: int = HEAD_BYTES) -> list[bytes | None]:
        """GETRANGE of each; empty is absent."""
        return [head or None for head in await self._strings("GETRANGE", names, 0, length - 1)]

    async def ttls(self, names: Sequence[bytes]) -> list[int | None]:
        """PTTL of each."""
        return [None if ttl == -1 else ttl for ttl in await self._each("PTTL", names)]

    async def touch(self, names: Sequence[bytes], ttl_ms: int | None) -> int:
        """PEXPIRE, or PERSIST and, since that answers 0 for what never expired, EXISTS."""
        if ttl_ms is not None:
            return sum(await self._each("PEXPIRE", names, ttl_ms))
        await self._each("PERSIST", names)
        return sum(await self.exists(names))

    async def exists(self, names: Sequence[bytes]) -> list[bool]:
        """EXISTS of each."""
        return [bool(found) for found in await self._each("EXISTS", names)]

    async def take(self, name: bytes, token: bytes, ms: int | None) -> bool:
        """SET NX, with PX where it ends by itself."""
        life = () if ms is None else ("PX", ms)
        return bool((await self._each("SET", [name], token, "NX", *life))[0])

    async def keep(self, name: bytes, token: bytes, ms: int) -> bool:
        """A script: PEXPIRE if the token is ours."""
        return bool(await self.evaluate(scripts.KEEP, [name], [token, ms]))

    async def release(self, name: bytes, token: bytes, *, channel: bytes | None = None) -> bool:
        """A script: DEL and PUBLISH if the token is ours."""
        return bool(await self.evaluate(scripts.RELEASE, [name], [token, channel or name]))

    async def publish(self, channel: bytes, body: bytes) -> int:
        """PUBLISH; a cluster's bus carries it to every node."""
        with self._translated("PUBLISH"):
            return int(await self._client.execute_command("PUBLISH", channel, body))

    async def listen(self, channels: Sequence[bytes]) -> Subscription:
        """SUBSCRIBE, on one primary."""
        return await subscribed(await self.line((await self.nodes())[0]), channels)

    async def nodes(self) -> list[str]:
        """The primaries."""
        if self._at.mode == "standalone":
            return [self.address]
        if self._at.mode == "sentinel":
            with self._translated("SENTINEL GET-MASTER-ADDR-BY-NAME"):
                host, port = await self._client.connection_pool.get_master_address()
            return [f"{host}:{port}"]
        return [node.name for node in await self._primaries()]

    async def line(self, node: str, *, protocol: int | None = None) -> RedisLine:
        """A connection outside of the pool."""
        host, _, port = node.rpartition(":")
        connection = connection_to(self._at, host, int(port or 0), protocol=protocol)
        return await RedisLine(self._at, node, connection.protocol).open(connection)

    async def scan(
        self, prefix: bytes, *, batch: int = 1000, pattern: bytes | None = None
    ) -> AsyncIterator[list[bytes]]:
        """SCAN on every primary; COUNT 1000 keeps other clients' stalls in the noise, 10000 does not (measured)."""
        pattern = pattern or pattern_of(prefix)
        for node in await self._primaries():
            cursor: Any = 0
            while True:
                with self._translated("SCAN"):
                    cursor, names = await node.execute_command("SCAN", cursor, "MATCH", pattern, "COUNT", batch)
                yield names
                if not int(cursor):
                    break

    async def sizes(self, names: Sequence[bytes]) -> list[int | None]:
        """MEMORY USAGE; where that is forbidden, the lengths of name and value."""
        with self._translated(f"MEMORY USAGE of {len(names)} keys"):
            replies = await self._about_each(names, lambda pipeline, name: pipeline.memory_usage(name))
            if not any(isinstance(reply, failures.ResponseError) for reply in replies):
                return replies
            lengths = await self._about_each(names, lambda pipeline, name: pipeline.strlen(name))
            _raise_first(*lengths)
        return [len(name) + length if length else None for name, length in zip(names, lengths, strict=True)]

    async def count(self, name: bytes, increments: Mapping[bytes, int], *, since: int) -> None:
        """HINCRBY of each field, in one pipeline."""
        with self._translated("HINCRBY"):
            pipeline = self._client.pipeline(transaction=False).hsetnx(name, SINCE, since)
            for field, increment in increments.items():
                pipeline.hincrby(name, field, increment)
            await pipeline.execute()

    async def counters(self, name: bytes) -> dict[bytes, int]:
        """HGETALL; a field that is no number is left out."""
        with self._translated("HGETALL"):
            fields = await self._client.hgetall(name)
        return {field: int(value) for field, value in fields.items() if value.lstrip(b"-").isdigit()}

    async def evaluate(self, script: str, names: Sequence[str | bytes], arguments: Sequence[str | bytes | int]) -> Any:
        """EVAL: the script runs as one step on the server, on the names that it is given."""
        with self._translated("EVAL"):
            return await self._client.eval(script, len(names), *names, *arguments)

    async def ping(self) -> None:
        """PING, of every node of a cluster that redis-py asks."""
        with self._translated("PING"):
            await self._client.ping()

    async def facts(self) -> ServerFacts:
        """INFO of every primary; nothing where INFO is forbidden."""
        nodes = await self._primaries()
        try:
            with self._translated("INFO"):
                answers = [await node.execute_command("INFO") for node in nodes]
        except (AuthError, ServiceError):
            return ServerFacts(mode=self._at.mode, nodes=len(nodes))
        return server_facts(self._at.mode, answers)

    async def server_time_us(self) -> int:
        """TIME."""
        (answer, *_) = (await self._of_nodes("TIME")).values()
        return int(answer[0]) * 1_000_000 + int(answer[1])

    async def info(self, section: str = "default") -> dict[str, dict[str, Any]]:
        """INFO of every primary."""
        return await self._of_nodes("INFO", section)

    async def slowlog(self, count: int = 128) -> list[SlowCall]:
        """SLOWLOG GET of every primary."""
        answers = await self._of_nodes("SLOWLOG GET", count)
        return [slow_call(node, row) for node, rows in answers.items() for row in rows]

    async def clients(self) -> dict[str, list[dict[str, str]]]:
        """CLIENT LIST of every primary."""
        return await self._of_nodes("CLIENT LIST")

    async def config(self, name: str) -> dict[str, str | None]:
        """CONFIG GET of every primary."""
        answers = await self._of_nodes("CONFIG GET", name)
        return {node: settings.get(name) for node, settings in answers.items()}

    async def sample(self, count: int, *, pattern: bytes | None = None) -> list[KeyFacts]:
        """RANDOMKEY, so often."""
        drawn: set[bytes] = set()
        for node in await self._primaries():
            with self._translated("RANDOMKEY"):
                pipeline = node.pipeline(transaction=False)
                for _ in range(count):
                    pipeline.execute_command("RANDOMKEY")
                drawn |= {name for name in await pipeline.execute() if name is not None}
        names = [name for name in drawn if pattern is None or is_match(pattern, name)]
        return [facts for facts in await self.describe(names) if facts is not None]

    async def describe(self, names: Sequence[bytes]) -> list[KeyFacts | None]:
        """TYPE, PTTL, MEMORY USAGE and OBJECT of each."""
        kinds, ttls = await self._each("TYPE", names), await self.ttls(names)
        sizes = await self.sizes(names)
        return [
            None if kind == b"none" else KeyFacts(name, kind.decode(), size, ttl)
            for name, kind, size, ttl in zip(names, kinds, sizes, ttls, strict=True)
        ]

    async def close(self) -> None:
        """Close the connections of this event loop, and of every other that still runs."""
        here = asyncio.get_running_loop()
        for loop, client in list(self._clients.items()):
            if loop is here:
                await client.aclose()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.aclose(), loop))
        self._clients.clear()

    @property
    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = OPENERS[self._at.mode](self._at)
            asking(f"Redis at {self.address}")
        return client

    async def _primaries(self) -> list[Any]:
        if self._at.mode != "cluster":
            return [self._client]
        with self._translated("CLUSTER SLOTS"):
            await self._client.initialize()
        primaries: list[Any] = self._client.get_primaries()
        return primaries

    async def _set_all(self, writes: Sequence[Write]) -> list[Refusal]:
        from perfctl.cache.bulk import set_all

        pool = self._client.connection_pool
        connection = await pool.get_connection()
        try:
            return await set_all(connection, writes, timeout_seconds=self._at.timeout_seconds)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _set_by_node(self, writes: Sequence[Write]) -> list[Refusal]:
        pipeline = self._client.pipeline(transaction=False)
        for write in writes:
            pipeline.set(write.name, write.blob, px=write.ttl_ms)
        replies = await pipeline.execute(raise_on_error=False)
        _raise_first(*[reply for reply in replies if not isinstance(reply, failures.ResponseError)])
        return [Refusal(index, str(reply)) for index, reply in enumerate(replies) if isinstance(reply, Exception)]

    async def _about_each(self, names: Sequence[bytes], ask: Callable[[Any, bytes], Any]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for name in names:
            ask(pipeline, name)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def _each(self, command: str, names: Sequence[bytes], *rest: Any) -> list[Any]:
        """The replies to one command for each name, in one pipeline a node."""
        if not names:
            return []
        with self._translated(f"{command} of {len(names)} keys"):
            replies = await self._about_each(
                names, lambda pipeline, name: pipeline.execute_command(command, name, *rest)
            )
            _raise_first(*replies)
        return replies

    async def _strings(self, command: str, names: Sequence[bytes], *rest: Any) -> list[bytes | None]:
        """Likewise; None where a name holds no string."""
        if not names:
            return []
        with self._translated(f"{command} of {len(names)} keys"):
            replies = await self._about_each(
                names, lambda pipeline, name: pipeline.execute_command(command, name, *rest)
            )
            strings = [None if _is_no_string(reply) else reply for reply in replies]
            _raise_first(*strings)
        return strings

    async def _replies(self, command: str, names: Sequence[bytes], *rest: Any) -> list[Any]:
        return await self._about_each(names, lambda pipeline, name: pipeline.execute_command(command, name, *rest))

    async def _of_nodes(self, command: str, *words: Any) -> dict[str, Any]:
        """The answer of every primary."""
        nodes, names = await self._primaries(), await self.nodes()
        with self._translated(command):
            return {name: await node.execute_command(command, *words) for name, node in zip(names, nodes, strict=True)}

    def _translated(self, call: str) -> AbstractContextManager[None]:
        return translated(self._at, self.address, call)


def _is_no_string(reply: Any) -> bool:
    return isinstance(reply, failures.ResponseError) and str(reply).startswith("WRONGTYPE")


def _raise_first(*replies: Any) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
