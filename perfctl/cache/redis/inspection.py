"""What an operator asks of the nodes themselves: figures, settings, clients, slow calls, keys drawn at random."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hiredis import ReplyError

from perfctl.cache.address import Address
from perfctl.cache.keys import is_match
from perfctl.cache.model import ServerFacts
from perfctl.cache.redis.channel import Channel, packed
from perfctl.cache.redis.connecting import connection_to, host_and_port
from perfctl.cache.redis.failures import translated
from perfctl.cache.redis.looking import monitor, preview_of, questions
from perfctl.cache.redis.routes import Routes
from perfctl.cache.store import KeyFacts, Preview, SlowCall
from perfctl.errors import AuthError, ServiceError


class Inspection:
    """The half of the store that looks and changes nothing."""

    _at: Address
    _routes: Routes

    async def sizes(self, names: Sequence[bytes]) -> list[int | None]:
        """MEMORY USAGE; where that is forbidden, the lengths of name and value."""
        replies = await self._routes.many(names, [packed("MEMORY", "USAGE", name) for name in names])
        if not any(type(reply) is ReplyError for reply in replies):
            return replies
        lengths = await self._each("STRLEN", names)
        return [len(name) + length if length else None for name, length in zip(names, lengths, strict=True)]

    async def ping(self) -> None:
        """PING, of every primary."""
        await self._of_primaries("PING")

    async def facts(self) -> ServerFacts:
        """INFO of every primary; nothing where INFO is forbidden."""
        nodes = await self._routes.primaries()
        try:
            answers = list((await self.info("default")).values())
        except (AuthError, ServiceError):
            return ServerFacts(mode=self._at.mode, nodes=len(nodes))
        return _server_facts(self._at.mode, answers)

    async def server_time_us(self) -> int:
        """TIME."""
        seconds, microseconds = (await self._of_primaries("TIME", of=1))[0][1]
        return int(seconds) * 1_000_000 + int(microseconds)

    async def info(self, section: str = "default") -> dict[str, dict[str, Any]]:
        """INFO of every primary."""
        return {node: _info(text) for node, text in await self._of_primaries("INFO", section)}

    async def slowlog(self, count: int = 128) -> list[SlowCall]:
        """SLOWLOG GET of every primary."""
        answers = await self._of_primaries("SLOWLOG", "GET", count)
        return [_slow_call(node, row) for node, rows in answers for row in rows]

    async def clients(self) -> dict[str, list[dict[str, str]]]:
        """CLIENT LIST of every primary."""
        answers = await self._of_primaries("CLIENT", "LIST")
        return {node: [_fields(line) for line in _text(reply).splitlines()] for node, reply in answers}

    async def config(self, name: str) -> dict[str, str | None]:
        """CONFIG GET of every primary."""
        answers = await self._of_primaries("CONFIG", "GET", name)
        return {node: next((_text(value) for value in _pairs(reply).values()), None) for node, reply in answers}

    async def sample(self, count: int, *, pattern: bytes | None = None) -> list[KeyFacts]:
        """RANDOMKEY, on each primary by its share of DBSIZE."""
        nodes = await self._routes.primaries()
        keys = [size for _, size in await self._of_primaries("DBSIZE")]
        if not sum(keys):
            return []
        shares = [-(-count * size // sum(keys)) for size in keys]
        drawn = await asyncio.gather(
            *[
                self._routes.of_all([node], [packed("RANDOMKEY")] * share)
                for node, share in zip(nodes, shares, strict=True)
            ]
        )
        replies = [reply for ((*of_node,),) in drawn for reply in of_node]
        self._routes.refuse(*replies)
        names = [name for name in dict.fromkeys(replies) if name is not None]
        chosen = [name for name in names if pattern is None or is_match(pattern, name)]
        return [facts for facts in await self.describe(chosen[:count]) if facts is not None]

    async def describe(self, names: Sequence[bytes]) -> list[KeyFacts | None]:
        """TYPE, PTTL, MEMORY USAGE, OBJECT FREQ and OBJECT IDLETIME of each; what is forbidden is None."""
        asked = [(words, name) for name in names for words in _ABOUT]
        replies = await self._routes.many([name for _, name in asked], [packed(*words, name) for words, name in asked])
        return [_key_facts(name, *of_name) for name, of_name in zip(names, _groups(replies, len(_ABOUT)), strict=True)]

    async def preview(self, name: bytes, kind: str, count: int) -> Preview:
        """OBJECT ENCODING, the type's length and its range."""
        asked = questions(name, kind, count)
        encoding, *rest = await self._routes.many([name] * len(asked), asked)
        self._routes.refuse(*rest)
        return preview_of(kind, count, encoding, *rest)

    async def monitor(self, node: str, seconds: float) -> Mapping[bytes, int]:
        """MONITOR, on a connection of its own."""
        channel = Channel(self._at.timeout_seconds)
        try:
            with translated(self._at, node, "MONITOR"):
                await channel.open(connection_to(self._at, *host_and_port(node)))
                return await monitor(channel, seconds)
        finally:
            channel.close()
            await channel.closed()

    async def _each(self, command: str, names: Sequence[bytes], *rest: bytes | str | int) -> list[Any]:
        """The replies to one command for each name; the first refusal is raised."""
        replies = await self._routes.many(names, [packed(command, name, *rest) for name in names])
        self._routes.refuse(*replies)
        return replies

    async def _of_primaries(self, *words: bytes | str | int, of: int | None = None) -> list[tuple[str, Any]]:
        nodes = (await self._routes.primaries())[:of]
        replies = [reply for (reply,) in await self._routes.of_all(nodes, [packed(*words)])]
        self._routes.refuse(*replies)
        return [(node.name, reply) for node, reply in zip(nodes, replies, strict=True)]


_ABOUT = (("TYPE",), ("PTTL",), ("MEMORY", "USAGE"), ("OBJECT", "FREQ"), ("OBJECT", "IDLETIME"))


def _key_facts(name: bytes, kind: Any, ttl_ms: Any, *counted: Any) -> KeyFacts | None:
    size, frequency, idle = (None if type(reply) is ReplyError else reply for reply in counted)
    if kind == b"none" or ttl_ms == -2:
        return None
    told = "unknown" if type(kind) is ReplyError else _text(kind)
    life = ttl_ms if type(ttl_ms) is int and ttl_ms >= 0 else None
    return KeyFacts(name, told, size, life, frequency, idle)


def _slow_call(node: str, row: Sequence[Any]) -> SlowCall:
    """One line of SLOWLOG GET: id, Unix seconds, microseconds, words, client's address, client's name."""
    client = _text(row[4]) if len(row) > 4 else ""
    return SlowCall(node, int(row[1]), int(row[2]), tuple(row[3]), client)


def _info(reply: Any) -> dict[str, Any]:
    """INFO's lines, `field:value`; `db0:keys=1,expires=0` and its like become dicts."""
    fields: dict[str, Any] = {}
    for line in _text(reply).splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            parts = [part.partition("=") for part in value.split(",")]
            is_listed = all(equals for _, equals, _ in parts) and "=" in value
            fields[name] = {key: _number(text) for key, _, text in parts} if is_listed else _number(value)
    return fields


def _number(text: str) -> int | float | str:
    """A number where the text is one.

    >>> _number("12"), _number("1.5"), _number("7.2.4")
    (12, 1.5, '7.2.4')
    """
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return text


def _fields(line: str) -> dict[str, str]:
    """One line of CLIENT LIST: `id=3 addr=127.0.0.1:5 name= ...`."""
    return {name: value for name, _, value in (part.partition("=") for part in line.split(" "))}


def _pairs(reply: Any) -> dict[Any, Any]:
    """A map as RESP3 or RESP2 says it."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


def _text(reply: Any) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)


def _groups(replies: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Replies, so many at a time."""
    for start in range(0, len(replies), size):
        yield replies[start : start + size]


def _server_facts(mode: str, answers: list[dict[str, Any]]) -> ServerFacts:
    """What the INFOs of all primaries say together."""
    first = answers[0]
    product = "Valkey" if "valkey_version" in first else "Redis"
    return ServerFacts(
        product=product,
        version=str(first.get("valkey_version") or first.get("redis_version") or "") or None,
        mode=mode,
        used_memory_bytes=sum(answer.get("used_memory", 0) for answer in answers),
        max_memory_bytes=sum(answer.get("maxmemory", 0) for answer in answers) or None,
        maxmemory_policy=first.get("maxmemory_policy"),
        replicas=sum(answer.get("connected_slaves", 0) for answer in answers),
        nodes=len(answers),
        keyspace_hits=sum(answer.get("keyspace_hits", 0) for answer in answers),
        keyspace_misses=sum(answer.get("keyspace_misses", 0) for answer in answers),
        runs=tuple(sorted(str(answer.get("run_id", "")) for answer in answers)),
    )
