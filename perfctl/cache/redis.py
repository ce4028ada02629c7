"""The only importer of redis-py: one server, a cluster or a sentinel set behind the seam of `store.py`."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from redis import exceptions as failures
from redis.asyncio import Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from perfctl.cache.address import Address
from perfctl.cache.keys import pattern_of
from perfctl.cache.model import ServerFacts
from perfctl.cache.store import SINCE, Fetched, ForbiddenError, Refusal, Write
from perfctl.calls import asking, begun, ended
from perfctl.credentials import resolve
from perfctl.errors import AuthError, PerfctlError, ServiceError, TimedOutError, UnreachableError

_PROTOCOL = 2
"""RESP2: no HELLO, so a connection is ready sooner, and it works where HELLO and CLIENT are forbidden."""


class RedisStore:
    """A Store on Redis >= 6.2 or Valkey. Connects on first use, once for each event loop that asks."""

    protocol = f"RESP{_PROTOCOL}"

    def __init__(self, address: Address) -> None:
        self.address = str(address)
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
            raise _refusal(refusals[0].reason, self._at)
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

    async def scan(self, prefix: bytes, *, batch: int = 1000) -> AsyncIterator[list[bytes]]:
        """SCAN on every primary; COUNT 1000 keeps other clients' stalls in the noise, 10000 does not (measured)."""
        pattern = pattern_of(prefix)
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

    async def evaluate(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any:
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
        return _facts(self._at.mode, answers)

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
            client = self._clients[loop] = _OPENERS[self._at.mode](self._at)
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

    @contextmanager
    def _translated(self, call: str) -> Iterator[None]:
        since = begun()
        try:
            yield
        except (failures.RedisError, failures.RedisClusterException, OSError) as error:
            raise _translation(error, self._at) from error
        finally:
            ended(f"Redis at {self.address}" if since else "", call, since)


class _Credentials(CredentialProvider):
    """Asks for the password again at each new connection: a token lives 15 minutes."""

    def __init__(self, address: Address) -> None:
        self._at = address

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """(password,) or (user, password)."""
        password = await resolve(self._at.password, self._at.login) or ""
        return (self._at.username, password) if self._at.username else (password,)


def _standalone(address: Address) -> Any:
    options = _options(address)
    if address.path:
        return Redis(unix_socket_path=address.path, **options)
    host, port = address.nodes[0]
    return Redis(host=host, port=port, db=address.database, **options)


def _cluster(address: Address) -> Any:
    from redis.asyncio.cluster import ClusterNode, RedisCluster

    nodes = [ClusterNode(host, port) for host, port in address.nodes]
    return RedisCluster(startup_nodes=nodes, **_options(address))


def _sentinel(address: Address) -> Any:
    from redis.asyncio.sentinel import Sentinel

    options = _options(address)
    sentinel: Any = Sentinel([])  # type: ignore[no-untyped-call]
    sentinel.sentinels = [_sentinel_client(host, port, address, options) for host, port in address.nodes]
    return _ClosingSentinels(sentinel, sentinel.master_for(address.service, db=address.database, **options))


def _sentinel_client(host: str, port: int, address: Address, options: dict[str, Any]) -> Any:
    from redis.asyncio import ConnectionPool

    kind = _TlsSentinelConnection if address.tls else _SentinelConnection
    plain = {name: value for name, value in options.items() if name != "ssl"}
    return Redis(connection_pool=ConnectionPool(kind, host=host, port=port, **plain))


class _AuthenticatesWhereAsked:
    """Gives a sentinel the server's password; goes on without where the sentinel wants none."""

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        try:
            await super().on_connect_check_health(check_health=check_health)  # type: ignore[misc]
        except failures.AuthenticationError as error:
            if "without any password configured" not in str(error):
                raise


class _SentinelConnection(_AuthenticatesWhereAsked, Connection):
    """To a sentinel."""


class _TlsSentinelConnection(_AuthenticatesWhereAsked, SSLConnection):
    """To a sentinel, by TLS."""


class _ClosingSentinels:
    """The primary's client, which closes the sentinels' connections with its own."""

    def __init__(self, sentinel: Any, primary: Any) -> None:
        self._sentinel = sentinel
        self._primary = primary

    def __getattr__(self, name: str) -> Any:
        return getattr(self._primary, name)

    async def aclose(self) -> None:
        """Close the primary's connections, then the sentinels'."""
        await self._primary.aclose()
        await self._primary.connection_pool.disconnect()
        for sentinel in self._sentinel.sentinels:
            await sentinel.aclose(close_connection_pool=True)


_OPENERS: Mapping[str, Callable[[Address], Any]] = {
    "standalone": _standalone,
    "cluster": _cluster,
    "sentinel": _sentinel,
}


def _options(address: Address) -> dict[str, Any]:
    """What all connections share. A lost connection is tried once more, a time-out is not: it was waited for."""
    options: dict[str, Any] = {
        "protocol": _PROTOCOL,
        "socket_timeout": address.timeout_seconds,
        "socket_connect_timeout": address.timeout_seconds,
        "retry": Retry(NoBackoff(), 1, supported_errors=(failures.ConnectionError,)),
        **_NAMELESS,
    }
    if address.username or address.password:
        options["credential_provider"] = _Credentials(address)
    if address.tls:
        options |= {"ssl": True, "ssl_ca_certs": address.tls_ca, "ssl_check_hostname": True}
    return options


_NAMELESS: dict[str, Any] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(Redis.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)
"""No CLIENT SETINFO at each connection: two commands that no server needs and some forbid. The old names of the
option are deprecated from redis-py 7.2 on."""


def _raise_first(*replies: Any) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply


def _translation(error: Exception, at: Address) -> PerfctlError:
    """A driver's error in perfctl's words."""
    if isinstance(error, (failures.AuthenticationError, failures.AuthorizationError)) or _sentinels_refuse(error):
        reason = "the sentinels want another password" if _sentinels_refuse(error) else error
        return AuthError(f"Redis at {at} does not let us in: {reason}", hint=_AUTH_HINT)
    if isinstance(error, (failures.TimeoutError, TimeoutError)):
        return TimedOutError(
            f"Redis at {at} did not answer within {at.timeout_seconds:g} s",
            hint="is it overloaded? --timeout waits longer",
        )
    if isinstance(error, failures.BusyLoadingError):
        return ServiceError(f"Redis at {at} is loading its data: {error}", hint="try again when it has started")
    if isinstance(error, (failures.ConnectionError, failures.RedisClusterException, OSError)):
        return UnreachableError(f"cannot reach Redis at {at}: {_reason(error)}", hint=_UNREACHABLE_HINT)
    return _refusal(str(error), at)


_AUTH_HINT = "check cache.redis_username and cache.redis_password, or REDIS_PASSWORD"
_RIGHTS_HINT = "perfctl cache doctor lists the rights that are missing"
_UNREACHABLE_HINT = "is it running there? perfctl config show --origin says where its address was set"


def _refusal(reason: str, at: Address) -> PerfctlError:
    if "NOPERM" in reason or "no permissions" in reason.lower():
        return ForbiddenError(f"Redis at {at} forbids it: {reason}", hint=_RIGHTS_HINT)
    return ServiceError(f"Redis at {at} refused: {reason}", hint=_hint_for(reason))


def _hint_for(reason: str) -> str | None:
    """What to do about a refusal, by the server's words; redis-py leaves the code out of some."""
    if "READONLY" in reason or "read only replica" in reason:
        return "this is a replica: write to its primary, or list the sentinels"
    if "OOM" in reason or "maxmemory" in reason:
        return "set maxmemory-policy to allkeys-lru, or raise maxmemory"
    return None


def _sentinels_refuse(error: Exception) -> bool:
    """Whether nobody named the primary because nobody let us ask: redis-py hides that in its error's text."""
    return type(error).__name__ == "MasterNotFoundError" and "auth" in str(error).lower().partition(" - ")[2]


def _reason(error: BaseException) -> str:
    """The driver's words without its address, which the message has already."""
    if type(error).__name__ == "MasterNotFoundError":
        return "no sentinel answers with a primary of that name"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionError) and cause.errno:  # asyncio puts the address in place of the reason
        return os.strerror(cause.errno).lower()
    text = str(error).strip().rstrip(".")
    return text.rpartition(". ")[2] or type(error).__name__


def _facts(mode: str, answers: list[dict[str, Any]]) -> ServerFacts:
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
    )
