"""Where Redis is, by the configuration: one server, a cluster or a sentinel set; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from perfctl.config.secret import Secret
from perfctl.config.settings import CacheConfig
from perfctl.credentials import Login
from perfctl.errors import ConfigError

_SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")
_DEFAULT_PORT = 6379
_SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Address:
    """Everything that a connection needs to know; the password is still a reference."""

    mode: Literal["standalone", "cluster", "sentinel"]
    nodes: tuple[tuple[str, int], ...]
    """Where to ask first: the server, some of the cluster's nodes, the sentinels."""
    path: str | None = None
    """The socket's file, instead of `nodes`."""
    database: int = 0
    username: str | None = None
    password: Secret | str | None = field(default=None, repr=False)
    tls: bool = False
    tls_ca: str | None = None
    service: str = "mymaster"
    """The name under which sentinels know the primary."""
    timeout_seconds: float = 2.0
    protocol: int = 2
    """RESP2 needs no HELLO: it works where that is forbidden."""
    replicas: tuple[tuple[str, int], ...] = ()
    """Of a single server: who else may be read from."""
    reads_replicas: bool = True
    login: Login = field(default_factory=Login)
    """What a rotating token is made for."""

    def __str__(self) -> str:
        more = f" (+{len(self.nodes) - 1})" if len(self.nodes) > 1 else ""
        where = self.path or "".join(f"{host}:{port}" for host, port in self.nodes[:1]) + more
        return f"{self.service}@{where}" if self.mode == "sentinel" else where


def address_of(config: CacheConfig) -> Address:
    """The address that the configuration gives. ConfigError where it gives none, or contradicts itself."""
    address = _of_mode(config)
    host, port = address.nodes[0] if address.nodes else (None, None)
    login = Login(
        host=host,
        port=port,
        username=address.username,
        elasticache_name=config.elasticache_name,
        elasticache_serverless=config.elasticache_serverless,
        region=config.region,
        profile=config.profile,
        role_arn=config.role_arn,
    )
    return replace(address, login=login)


def _of_mode(config: CacheConfig) -> Address:
    if config.cluster_enabled and config.sentinel_enabled:
        raise ConfigError(
            "cache: both cluster_enabled and sentinel_enabled", hint="a cluster fails over by itself: switch one off"
        )
    base = _from_url(config) if config.redis_url else _from_fields(config)
    if config.sentinel_enabled or (config.sentinel_nodes and not config.cluster_enabled):
        return replace(base, mode="sentinel", nodes=_nodes(config.sentinel_nodes, base, "sentinel", _SENTINEL_PORT))
    if config.cluster_enabled or config.cluster_nodes:
        return replace(base, mode="cluster", nodes=_nodes(config.cluster_nodes, base, "cluster", _DEFAULT_PORT))
    if not base.nodes and not base.path:
        raise ConfigError("no Redis is configured", hint="set cache.redis_url, REDIS_HOST or --redis-url redis://HOST")
    return base


def _from_fields(config: CacheConfig) -> Address:
    return Address(
        mode="standalone",
        nodes=((config.redis_host, config.redis_port),) if config.redis_host else (),
        database=config.redis_database,
        username=config.redis_username,
        password=config.redis_password,
        tls=config.tls_enabled or config.tls_ca is not None,
        tls_ca=config.tls_ca,
        service=config.sentinel_service,
        timeout_seconds=config.timeout_seconds,
        protocol=config.protocol,
        replicas=tuple(_replica(url) for url in config.replica_urls),
        reads_replicas=config.read_replicas,
    )


def _from_url(config: CacheConfig) -> Address:
    """What the URL says goes before the fields; what it leaves out comes from them."""
    url = urlsplit(config.redis_url or "")
    if url.scheme not in _SCHEMES:
        raise ConfigError(
            f"redis_url: {_without_password(url)!r} does not start with one of {', '.join(_SCHEMES)}",
            hint="write redis://HOST:6379/0, or rediss:// for TLS",
        )
    fields = _from_fields(config)
    is_socket = url.scheme == "unix"
    return replace(
        fields,
        nodes=() if is_socket else ((url.hostname or "127.0.0.1", _port(url)),),
        path=unquote(url.path) if is_socket else None,
        database=_database(url, fields.database),
        username=unquote(url.username) if url.username else fields.username,
        password=unquote(url.password) if url.password else fields.password,
        tls=fields.tls or url.scheme in ("rediss", "valkeys"),
    )


def _replica(text: str) -> tuple[str, int]:
    """Where a replica is; who we are, and whether by TLS, is as for its primary."""
    url = urlsplit(text)
    if url.scheme not in _SCHEMES or not url.hostname:
        raise ConfigError(f"replica_urls: {_without_password(url)!r} is no address", hint="write redis://HOST:6379")
    return url.hostname, _port(url)


def _port(url: SplitResult) -> int:
    try:
        return url.port or _DEFAULT_PORT
    except ValueError as error:
        raise ConfigError(f"redis_url: the port of {_without_password(url)!r} is not 1 to 65535") from error


def _database(url: SplitResult, default: int) -> int:
    query = dict(parse_qsl(url.query))
    unknown = [name for name in query if name != "db"]
    if unknown:
        raise ConfigError(f"redis_url: parameter {unknown[0]!r} is not known", hint="TLS: cache.tls_ca; only db= is")
    text = query.get("db", url.path.strip("/") if url.scheme != "unix" else "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"redis_url: database {text!r} is not a number", hint="write redis://HOST:6379/0")
    return int(text)


def _nodes(listed: tuple[str, ...], base: Address, what: str, default_port: int) -> tuple[tuple[str, int], ...]:
    if listed:
        return tuple(_node(text, what, default_port) for text in listed)
    if base.nodes:
        return base.nodes
    raise ConfigError(
        f"cache.{what}_enabled without an address", hint=f"list cache.{what}_nodes as HOST:PORT, or set REDIS_HOST"
    )


def _node(text: str, what: str, default_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or host.endswith(":") or text.endswith("]"):
        host, port = text, str(default_port)
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"cache.{what}_nodes: {text!r} is not HOST:PORT", hint="for example 10.0.0.1:6379")
    return host.strip("[]"), int(port)


def _without_password(url: SplitResult) -> str:
    return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
