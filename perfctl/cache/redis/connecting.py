"""How redis-py is let in: credentials asked at each new connection, TLS, the protocol's version."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from redis import exceptions as failures
from redis.asyncio import Connection, Redis, SSLConnection
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from perfctl.cache.address import Address
from perfctl.credentials import resolve


def connection_to(address: Address, host: str, port: int, *, protocol: int | None = None) -> Any:
    """A connection of redis-py to one node, not yet open."""
    options = _options(address)
    if protocol is not None:
        options["protocol"] = protocol
    if address.path:
        return UnixDomainSocketConnection(path=address.path, db=address.database, **options)
    is_tls = options.pop("ssl", False)
    kind: Any = SSLConnection if is_tls else Connection
    database: dict[str, Any] = {} if address.mode == "cluster" else {"db": address.database}
    return kind(host=host, port=port, **database, **options)


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


OPENERS: Mapping[str, Callable[[Address], Any]] = {
    "standalone": _standalone,
    "cluster": _cluster,
    "sentinel": _sentinel,
}


def _options(address: Address) -> dict[str, Any]:
    """What all connections share. A lost connection is tried once more, a time-out is not: it was waited for."""
    options: dict[str, Any] = {
        "protocol": address.protocol,
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
