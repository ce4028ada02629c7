"""Every setting, with its type, its default and what it means: the one source for YAML, docs and schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfctl.config.secret import Secret

EvictionPolicy = Literal["lru", "lfu", "ttl"]
SerializationMethod = Literal["msgpack", "json", "pickle"]
SSLMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """The cache: an in-process tier, and Redis behind it where an address is given."""

    ttl_seconds: float = 3600
    max_size_mb: float = 100
    compression_enabled: bool = True
    serialization_method: SerializationMethod = "msgpack"
    eviction_policy: EvictionPolicy = "lru"
    cluster_enabled: bool = False
    sentinel_enabled: bool = False
    read_replicas: bool = True
    key_prefix: str = "perfctl"
    redis_url: str | None = None
    redis_host: str | None = None
    redis_port: int = 6379
    redis_database: int = 0
    redis_username: str | None = None
    redis_password: Secret | str | None = field(default=None, repr=False)
    sentinel_nodes: tuple[str, ...] = ()
    sentinel_service: str = "mymaster"
    cluster_nodes: tuple[str, ...] = ()
    replica_urls: tuple[str, ...] = ()
    tls_enabled: bool = False
    tls_ca: str | None = None
    encryption_key: Secret | str | None = field(default=None, repr=False)
    timeout_seconds: float = 2.0

    @property
    def has_redis(self) -> bool:
        """Whether there is a tier behind the process."""
        return bool(self.redis_url or self.redis_host or self.sentinel_nodes or self.cluster_nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CDNConfig:
    """CloudFront: the distribution, and how content is prepared for it."""

    distribution_id: str | None = None
    region: str = "us-east-1"
    cache_ttl: int = 86400
    compression_enabled: bool = True
    gzip_enabled: bool = True
    brotli_enabled: bool = True
    edge_locations: tuple[str, ...] | None = None
    origin_domain: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    edge_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0

    @property
    def is_configured(self) -> bool:
        """Whether there is a distribution, an edge or an origin to ask."""
        return bool(self.distribution_id or self.edge_url or self.origin_domain or self.endpoint_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """PostgreSQL: where it is, how to be let in, how many connections to hold."""

    host: str | None = None
    port: int = 5432
    database: str | None = None
    username: str | None = None
    password: Secret | str | None = field(default=None, repr=False)
    min_connections: int = 5
    max_connections: int = 20
    enable_query_cache: bool = True
    enable_connection_pooling: bool = True
    dsn: str | None = field(default=None, repr=False)
    replica_dsns: tuple[str, ...] = field(default=(), repr=False)
    sslmode: SSLMode | None = None
    """None: `prefer` on loopback and sockets, `require` elsewhere."""
    sslrootcert: str | None = None
    connect_timeout_seconds: float = 5.0
    statement_timeout_ms: int = 30_000
    trusted_functions: tuple[str, ...] = ()

    @property
    def is_configured(self) -> bool:
        """Whether there is a server to ask."""
        return bool(self.dsn or self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """What is measured and kept."""

    interval_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """How requests are spread over origins and replicas."""

    strategy: str = "latency"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """The HTTP API."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set: a file's line, a variable, a flag, or the default."""

    source: str
    """`default`, `/etc/app/perfctl.yaml:7:17`, `env REDIS_HOST`, `--dsn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration of one context."""

    context: str = "default"
    protected: bool = False
    read_only: bool = False
    cache: CacheConfig = field(default_factory=CacheConfig)
    cdn: CDNConfig = field(default_factory=CDNConfig)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    api: ApiConfig = field(default_factory=ApiConfig)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """`cache.redis_url` -> where it was set; keys at their default are absent."""
    warnings: tuple[str, ...] = ()
