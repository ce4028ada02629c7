"""Every setting, with its type, its default and what it means: the one source for YAML, docs and schema."""

# `setting` makes a dataclass field, as `dataclasses.field` does:
# ruff: noqa: RUF009

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from perfctl.config.secret import Secret

EvictionPolicy = Literal["adaptive", "lru", "lfu", "ttl", "wtinylfu", "sieve", "s3fifo", "arc", "2q", "fifo"]
Compressor = Literal["zstd", "brotli", "gzip", "none"]
BackplaneMode = Literal["auto", "tracking", "pubsub", "off"]
SerializationMethod = Literal["msgpack", "json", "pickle"]
SSLMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SSL_MODES: tuple[SSLMode, ...] = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""From the weakest to the strongest."""

Role = Literal["plain", "address", "secret", "tls", "path", "account", "guard"]
"""What a setting decides: where we work, what we say there, how safely, which file, as whom, what may be changed."""

T = TypeVar("T")


def setting(
    default: T,
    doc: str,
    *,
    role: Role = "plain",
    low: float | None = None,
    high: float | None = None,
    shown: bool = True,
) -> T:
    """A field with what the documentation, the checks and the trust rule need to know of it."""
    metadata = {"doc": doc, "role": role, "low": low, "high": high}
    made: Any = field(default=default, repr=shown and role != "secret", metadata=metadata)
    return made  # type: ignore[no-any-return]


def is_local(host: str | None) -> bool:
    """Whether a host is this machine: a loopback address or a folder with a Unix socket.

    >>> is_local("127.0.0.1"), is_local("/run/postgresql"), is_local("127.evil.example")
    (True, True, False)
    """
    if not host or host.startswith(("/", "@")):
        return True
    return host.lower().rstrip(".") == "localhost" or host.strip("[]") == "::1" or bool(_LOOPBACK.fullmatch(host))


_LOOPBACK = re.compile(r"127(\.\d{1,3}){1,3}")


def hosts_of(url: str) -> tuple[str, ...]:
    """The hosts that a connection URL names; none where it names only a socket's default folder.

    A host in the query counts only where none stands in front, as asyncpg has it.

    >>> hosts_of("postgresql://app@db1:5432,db2/app?host=127.0.0.1")
    ('db1', 'db2')
    """
    from urllib.parse import parse_qs, urlsplit

    parts = urlsplit(url)
    named = parse_qs(parts.query).get("host", [])
    if parts.scheme == "unix":
        return (parts.path,)
    netloc = parts.netloc.rpartition("@")[2]
    places = netloc.split(",") if netloc or not named else named[-1].split(",")
    return tuple(host for host in (_host_of(place) for place in places) if host)


def _host_of(place: str) -> str:
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place if place.startswith("/") else place.partition(":")[0].replace("%2F", "/").replace("%2f", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSettings:
    """What one namespace of the cache has of its own; what is left out is as in the whole cache."""

    name: str = setting("", "The namespace.")
    ttl_seconds: float | None = setting(None, "How long a value lives.", low=0)
    serialization_method: SerializationMethod | None = setting(None, "How values become bytes.")
    compressor: Compressor | None = setting(None, "How bytes become fewer.")
    dictionaries: bool | None = setting(None, "Train zstd dictionaries.")
    encrypted: bool | None = setting(None, "Encrypt values at rest; needs cache.encryption_key.")
    fail_safe_seconds: float | None = setting(None, "How long past its TTL a value may stand in.", low=0)
    negative_ttl_seconds: float | None = setting(None, "How long a None lives.", low=0)
    eager_refresh_ratio: float | None = setting(
        None, "The share of the TTL after which a read refreshes.", high=1, low=0
    )
    local: bool | None = setting(None, "Keep values in the process, too.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """The cache: an in-process tier, and Redis behind it where an address is given."""

    ttl_seconds: float = setting(3600, "How long a value lives where the caller names no TTL.", low=0)
    max_size_mb: float = setting(100, "The limit of the in-process tier.", low=0)
    compression_enabled: bool = setting(True, "Compress values where it pays.")
    serialization_method: SerializationMethod = setting(
        "msgpack", "How values become bytes; pickle only together with encryption_key."
    )
    eviction_policy: EvictionPolicy = setting("adaptive", "Who leaves when the in-process tier is full.")
    copy_on_hit: bool = setting(False, "Give each caller a copy of its own; else a hit is the object that was put.")
    compressor: Compressor = setting("zstd", "How bytes become fewer.")
    dictionaries: bool = setting(True, "Train a zstd dictionary for each namespace whose small values it helps.")
    pickle_types: tuple[str, ...] = setting(
        (), "The classes that pickle may bring back, as module.Class.", role="guard"
    )
    fail_safe_seconds: float = setting(
        3600, "How long past its TTL a computed value may stand in when nothing better can be had; 0: never.", low=0
    )
    fail_safe_throttle_seconds: float = setting(5, "How long such a value is served before the next try.", low=0)
    soft_timeout_seconds: float = setting(
        0, "How long a caller waits for a factory when a stale value is there; 0: until it is done.", low=0
    )
    hard_timeout_seconds: float = setting(
        0, "How long a caller waits for a factory at most; 0: until it is done.", low=0
    )
    eager_refresh_ratio: float = setting(
        0, "The share of the TTL after which a read refreshes the value in the background; 0: never.", low=0, high=1
    )
    ttl_jitter: float = setting(
        0.05, "The share by which the TTL of a computed value is shortened, at random.", low=0, high=1
    )
    negative_ttl_seconds: float | None = setting(None, "How long a computed None lives; null: as any value.", low=0)
    cross_process_lock: bool = setting(True, "Let one process compute a missing value, and the others wait for it.")
    lock_seconds: float = setting(5, "How long the lock of a process that died holds the others up.", low=0.1)
    breaker_seconds: float = setting(1, "How long a node that failed is left alone.", low=0)
    patience_seconds: float = setting(
        0.25, "How long an application's call waits for Redis before it goes on without.", low=0.001
    )
    backplane: BackplaneMode = setting(
        "auto", "How processes hear of each other's writes; auto: tracking, else pubsub."
    )
    namespaces: tuple[NamespaceSettings, ...] = setting((), "Namespaces with settings of their own.")
    cluster_enabled: bool = setting(False, "The address belongs to a Redis Cluster.")
    sentinel_enabled: bool = setting(False, "The address belongs to Sentinels.")
    read_replicas: bool = setting(True, "Read from replicas where there are any.")
    key_prefix: str = setting("perfctl", "What every key in Redis begins with.", role="guard")
    redis_url: str | None = setting(None, "redis://, rediss:// (TLS) or unix:// address.", role="address", shown=False)
    redis_host: str | None = setting(None, "The host, where there is no redis_url.", role="address")
    redis_port: int = setting(6379, "Its port.", role="address", low=1, high=65535)
    redis_database: int = setting(0, "The number of the database.", role="address", low=0, high=1_000_000)
    redis_username: str | None = setting(None, "The ACL user.", role="guard")
    redis_password: Secret | str | None = setting(None, "Its password: a reference.", role="secret")
    sentinel_nodes: tuple[str, ...] = setting((), "The Sentinels, as host:port.", role="address")
    sentinel_service: str = setting("mymaster", "The name under which the Sentinels know the primary.", role="guard")
    cluster_nodes: tuple[str, ...] = setting((), "Some nodes of the cluster, as host:port.", role="address")
    replica_urls: tuple[str, ...] = setting((), "Replicas to read from.", role="address", shown=False)
    tls_enabled: bool = setting(False, "Talk TLS to redis_host, the Sentinels and the nodes.", role="tls")
    tls_ca: str | None = setting(None, "The file with the certificates to trust.", role="path")
    protocol: int = setting(2, "The version of Redis's protocol (RESP): 2 or 3.", low=2, high=3)
    encryption_key: Secret | str | None = setting(None, "Encrypts or signs values at rest: a reference.", role="secret")
    previous_encryption_key: Secret | str | None = setting(
        None, "The key before it: still read, never written.", role="secret"
    )
    elasticache_name: str | None = setting(None, "The cache's name at ElastiCache, for elasticache_iam.", role="guard")
    elasticache_serverless: bool = setting(False, "That cache is a serverless one.")
    region: str | None = setting(None, "The AWS region of secrets and tokens.")
    profile: str | None = setting(None, "The AWS profile for secrets and tokens.", role="account")
    role_arn: str | None = setting(None, "The AWS role to take on for them.", role="account")
    timeout_seconds: float = setting(2.0, "The limit of each call to Redis.", low=0.001)

    @property
    def uses_tls(self) -> bool:
        """Whether the connections to Redis are encrypted."""
        is_encrypted = self.redis_url is not None and self.redis_url.startswith(("rediss:", "valkeys:"))
        return self.tls_enabled or self.tls_ca is not None or is_encrypted

    @property
    def has_redis(self) -> bool:
        """Whether there is a tier behind the process."""
        return bool(self.redis_url or self.redis_host or self.sentinel_nodes or self.cluster_nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CDNConfig:
    """CloudFront: the distribution, and how content is prepared for it."""

    distribution_id: str | None = setting(None, "The distribution to work on.", role="guard")
    region: str = setting("us-east-1", "The AWS region.")
    cache_ttl: int = setting(86400, "For how long the edge keeps content, in seconds.", low=0)
    compression_enabled: bool = setting(True, "Compress content at all.")
    gzip_enabled: bool = setting(True, "Offer gzip.")
    brotli_enabled: bool = setting(True, "Offer brotli.")
    edge_locations: tuple[str, ...] | None = setting(None, "The POPs to look at; null is all.")
    origin_domain: str | None = setting(None, "The origin behind the distribution.")
    endpoint_url: str | None = setting(None, "Another address of the CloudFront API.", role="address")
    profile: str | None = setting(None, "The AWS profile.", role="account")
    role_arn: str | None = setting(None, "The AWS role to take on.", role="account")
    edge_url: str | None = setting(None, "Where the edge is asked; by default the distribution's own domain.")
    access_key_id: str | None = setting(None, "An explicit AWS key; by default the SDK's own chain.", role="account")
    secret_access_key: Secret | str | None = setting(None, "Its secret: a reference.", role="secret")
    timeout_seconds: float = setting(10.0, "The limit of each call.", low=0.001)
    logs: tuple[str, ...] = setting(
        (), "Where the access logs lie: files, folders, s3://bucket/prefix; for logs, stats, simulate, preload --top."
    )
    inventory: str | None = setting(
        None, "A file of the URLs that are known, JSON lines of {path, weight}; by default the logs."
    )
    invalidation_price_usd: float = setting(0.005, "What an item of an invalidation costs beyond the free ones.", low=0)
    free_invalidations: int = setting(1000, "The items of a month that cost nothing.", low=0)
    miss_price_usd: float = setting(0.00001, "What one more request to the origin costs, for the planner.", low=0)
    request_price_usd: float = setting(0.01, "What 10,000 requests of viewers cost, for simulate.", low=0)
    shield_price_usd: float = setting(0.009, "What 10,000 requests through Origin Shield cost, for simulate.", low=0)
    transfer_price_usd: float = setting(0.085, "What a GB to viewers costs, for simulate.", low=0)
    origin_transfer_price_usd: float = setting(0.0, "What a GB from the origin costs: 0 from AWS.", low=0)
    max_wildcards: int = setting(15, "Wildcards that may be in progress at once: CloudFront's quota.", low=0)
    max_paths: int = setting(3000, "Paths and tags that may be in progress at once: CloudFront's quota.", low=1)
    queue_file: str | None = setting(
        None, "The queue of invalidations; by default one in the state folder.", role="path"
    )
    queue_window_seconds: float = setting(2.0, "How long the queue waits for more before it sends.", low=0)
    queue_headroom_paths: int = setting(300, "Paths that the queue leaves to other senders.", low=0)
    queue_headroom_wildcards: int = setting(2, "Wildcards that the queue leaves to other senders.", low=0)
    preload_concurrency: int = setting(8, "Requests of a preload at once.", low=1, high=256)
    preload_requests_per_second: float = setting(0.0, "The most requests of a preload in a second; 0: no limit.", low=0)
    private_paths: tuple[str, ...] = setting(
        (), "Path patterns whose content is one visitor's own, for check and optimize: /account/*."
    )
    api_ttl_seconds: int = setting(0, "For how long the edge may keep public API answers.", low=0)
    edge_role_arn: str | None = setting(None, "The role that deployed Lambda@Edge functions run under.", role="account")

    @property
    def is_configured(self) -> bool:
        """Whether there is a distribution, an edge or an origin to ask."""
        return bool(self.distribution_id or self.edge_url or self.origin_domain or self.endpoint_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """What one check of the database has of its own; what is left out is as the check has it."""

    name: str = setting("", "The check, as `perfctl db check` names it.")
    warn: float | None = setting(None, "From this value on it warns, in the check's own unit.")
    fail: float | None = setting(None, "From this value on it fails.")
    enabled: bool = setting(True, "Whether it is run.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """PostgreSQL: where it is, how to be let in, how many connections to hold."""

    host: str | None = setting(None, "The host, or the folder of a Unix socket.", role="address")
    port: int = setting(5432, "Its port.", role="address", low=1, high=65535)
    database: str | None = setting(None, "The database.", role="guard")
    username: str | None = setting(None, "The user.", role="guard")
    password: Secret | str | None = setting(None, "Its password: a reference.", role="secret")
    min_connections: int = setting(5, "The pool holds at least so many.", low=0, high=10_000)
    max_connections: int = setting(20, "The pool holds at most so many.", low=1, high=10_000)
    enable_query_cache: bool = setting(True, "Let execute_optimized_query cache; false: never.")
    enable_connection_pooling: bool = setting(True, "Keep connections; false: one for each call.")
    dsn: str | None = setting(None, "postgresql:// address, in place of host.", role="address", shown=False)
    replica_dsns: tuple[str, ...] = setting((), "Replicas to read from.", role="address", shown=False)
    sslmode: SSLMode | None = setting(
        None, "TLS as libpq names it; null is prefer on this machine, require elsewhere.", role="tls"
    )
    sslrootcert: str | None = setting(None, "The file with the certificates to trust.", role="path")
    region: str | None = setting(None, "The AWS region of secrets and tokens; by default the host's.")
    profile: str | None = setting(None, "The AWS profile for secrets and tokens.", role="account")
    role_arn: str | None = setting(None, "The AWS role to take on for them.", role="account")
    connect_timeout_seconds: float = setting(5.0, "The limit of making a connection.", low=0.001)
    statement_timeout_ms: int = setting(30_000, "The limit of each statement; 0 is none.", low=0)
    trusted_functions: tuple[str, ...] = setting(
        (), "Functions that only read, whatever they are declared.", role="guard"
    )
    sslcert: str | None = setting(None, "The file with our certificate, where the server wants one.", role="path")
    sslkey: str | None = setting(None, "The file with its key.", role="path")
    application_name: str = setting("perfctl", "The name that the server shows for our connections.")
    idle_connection_seconds: float = setting(300.0, "How long a connection beyond min_connections may lie idle.", low=0)
    max_connection_lifetime_seconds: float = setting(
        3600.0, "How old a connection may become before another takes its place; 0: any age.", low=0
    )
    retry_reads: bool = setting(True, "Ask an idempotent read once more when its connection broke.")
    statement_cache_size: int = setting(
        100, "Prepared statements kept for each connection; 0: none, as behind a PgBouncer in transaction mode.", low=0
    )
    query_cache_ttl_seconds: float = setting(60.0, "How long cached rows live where the caller names no TTL.", low=0)
    query_cache_max_mb: float = setting(16.0, "The limit of the query cache within the process.", low=0)
    log_files: tuple[str, ...] = setting(
        (), "The server's log files, for db slow --source logs; patterns such as *.csv.gz are allowed."
    )
    log_line_prefix: str | None = setting(None, "Their log_line_prefix; by default it is asked of the server.")
    checks: tuple[CheckSettings, ...] = setting((), "Checks with limits of their own.")

    @property
    def is_configured(self) -> bool:
        """Whether there is a server to ask."""
        return bool(self.dsn or self.host)

    @property
    def is_local(self) -> bool:
        """Whether every server of the address is this machine."""
        return all(is_local(host) for host in (hosts_of(self.dsn) if self.dsn else (self.host,)))

    @property
    def effective_sslmode(self) -> SSLMode:
        """The mode that holds: the one given (also in the DSN), else `prefer` on this machine, `require` elsewhere."""
        if self.sslmode:
            return self.sslmode
        query = (self.dsn or "").partition("?")[2]
        found = next((mode for mode in SSL_MODES if f"sslmode={mode}" in query.split("&")), None)
        return found or ("prefer" if self.is_local else "require")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """What is measured and kept."""

    interval_seconds: float = setting(10.0, "How often to measure while recording.", low=0.1)
    publish: bool = setting(
        False,
        "Let this process write its figures to the history, where those of an application's processes are merged.",
    )
    history_file: str | None = setting(
        None, "Where figures are kept; by default a file a context in the state folder.", role="path"
    )
    history_days: float = setting(30.0, "How long they are kept.", low=0.01)
    max_series: int = setting(1000, "Series of one metric; what comes after is counted as one, named other.", low=1)
    prometheus_url: str | None = setting(
        None, "Where an application that is not ours shows its metrics to Prometheus.", role="address"
    )
    prometheus_metrics: tuple[str, ...] = setting(
        (), "Its names, where they are not the usual ones: figure=metric, such as requests_per_second=app_hits_total."
    )
    budgets: tuple[str, ...] = setting(
        (), "Files of budgets and objectives: what metrics check asks, and what alerts watch.", role="path"
    )
    alert_webhook: Secret | str | None = setting(
        None, "Where alerts are sent, in Alertmanager's form: a URL, or a reference to one.", role="secret"
    )
    alert_file: str | None = setting(None, "The file that alerts are appended to, a JSON line each.", role="path")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """How requests are spread over origins and replicas."""

    strategy: str = setting("latency", "What decides where a request goes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A caller of the HTTP API: its name, its token, what it may do."""

    name: str = setting("", "Who the token belongs to, as the audit log names it.")
    token: Secret | str | None = setting(None, "The token: a reference.", role="secret")
    scopes: tuple[Literal["read", "operate"], ...] = setting(("read",), "What it may do: read, operate.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """The HTTP API."""

    host: str = setting("127.0.0.1", "The address to listen on; another than this machine needs a token.")
    port: int = setting(8080, "Its port; 0 takes a free one.", low=0, high=65535)
    token: Secret | str | None = setting(None, "A token with both scopes: a reference.", role="secret")
    tokens: tuple[ApiToken, ...] = setting((), "Tokens, each with a name and its scopes.", role="secret")
    open_reads: bool = setting(True, "Whoever is on this machine may read without a token.", role="guard")
    allowed_hosts: tuple[str, ...] = setting(
        (), "Names under which the API may be called; by default those of this machine and of host.", role="guard"
    )
    requests_per_minute: int = setting(600, "What one client may ask for in a minute; 0 is no limit.", low=0)
    max_body_bytes: int = setting(1_000_000, "The largest body that is read.", low=1)
    job_after_seconds: float = setting(5.0, "What takes longer is answered with 202 and the address of a job.", low=0)
    refresh_seconds: float = setting(5.0, "How old a figure may be that a read answers with.", low=0.1)
    audit_file: str | None = setting(
        None, "The file that each change is noted in, a JSON line each; by default stderr.", role="path"
    )


class Origin(NamedTuple):
    """Where a value was set: a file's line, a variable, a flag, or the default."""

    source: str
    """`default`, `/etc/app/perfctl.yaml:7:17`, `env REDIS_HOST`, `--dsn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration of one context."""

    context: str = "default"
    protected: bool = setting(False, "What destroys asks for the context's name.")
    read_only: bool = setting(False, "Nothing is changed, whoever asks.")
    cache: CacheConfig = field(default_factory=CacheConfig)
    cdn: CDNConfig = field(default_factory=CDNConfig)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    api: ApiConfig = field(default_factory=ApiConfig)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """`cache.redis_url` -> where it was set; keys at their default are absent."""
    warnings: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    """The contexts that could have been chosen."""


SECTIONS: Mapping[str, type] = {
    "cache": CacheConfig,
    "cdn": CDNConfig,
    "database": DatabaseConfig,
    "metrics": MetricsConfig,
    "routing": RoutingConfig,
    "api": ApiConfig,
}
"""The sections of a file and of a context, in the order in which they are shown."""
