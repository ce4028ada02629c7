"""How redis-py is let in: credentials asked at each new connection, TLS, the protocol's version."""

from __future__ import annotations

import inspect
import os
from typing import Any

from redis import exceptions as failures
from redis.asyncio import Connection, Redis, SSLConnection
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from perfctl.cache.address import Address
from perfctl.credentials import resolve
from perfctl.errors import ConfigError


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


def host_and_port(node: str) -> tuple[str, int]:
    """Of a node's name, `127.0.0.1:6379`; a socket's file has neither."""
    host, _, port = node.rpartition(":")
    return (host, int(port)) if port.isdigit() else (node, 0)


def sentinel_connection_to(address: Address, host: str, port: int) -> Any:
    """A connection to a sentinel, not yet open."""
    options = _options(address) | {"protocol": 2}
    kind: Any = _TlsSentinelConnection if options.pop("ssl", False) else _SentinelConnection
    return kind(host=host, port=port, **options)


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
        _refuse_unreadable(address.tls_ca)
        options |= {"ssl": True, "ssl_ca_certs": address.tls_ca, "ssl_check_hostname": True}
    return options


def _refuse_unreadable(file: str | None) -> None:
    if file is not None and not os.access(file, os.R_OK):
        raise ConfigError(f"cache.tls_ca: {file} cannot be read", hint="name a PEM file of certificates to trust")


_NAMELESS: dict[str, Any] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(Redis.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)
"""No CLIENT SETINFO at each connection: two commands that no server needs and some forbid. The old names of the
option are deprecated from redis-py 7.2 on."""
