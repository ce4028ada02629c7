"""The pools and the query cache of a configuration."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from perfctl.config.secret import has_password
from perfctl.db.pool.pool import ConnectionPool
from perfctl.db.pool.replicas import Replicas
from perfctl.db.postgres import Session
from perfctl.db.session.backstage import Backstage
from perfctl.db.session.login import address
from perfctl.db.session.prepared import Naming
from perfctl.db.statements.recorded import PoolObserver

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfctl.config import DatabaseConfig
    from perfctl.db.querycache import QueryCache, RowStore
    from perfctl.db.statements.recorder import QueryOptimizer
    from perfctl.recording.registry import Registry


def pool_of(config: DatabaseConfig, recording: Registry, name: str = "primary") -> ConnectionPool:
    """The pool of the server that a configuration names; under `name` its connections and waits are recorded."""
    naming = Naming(config.statement_cache_size if config.enable_connection_pooling else 0)

    backstage = Backstage()

    async def opened() -> Session:
        session = await Session.open(config, naming, backstage)
        session.on_write = pool.on_write
        return session

    pool = ConnectionPool(
        opened,
        server=f"PostgreSQL at {address(config)}",
        naming=naming,
        backstage=backstage,
        retry_reads=config.retry_reads,
        waited=recording.histogram("db.pool.wait.duration", pool=name),
        min_connections=config.min_connections,
        max_connections=config.max_connections,
        keep=config.enable_connection_pooling,
        idle_seconds=config.idle_connection_seconds,
        lifetime_seconds=config.max_connection_lifetime_seconds,
        patience_seconds=config.connect_timeout_seconds,
    )
    PoolObserver(pool, recording, name)
    return pool


def replicas_of(config: DatabaseConfig, primary: ConnectionPool, recording: Registry) -> Replicas:
    """The pools of its replicas; what a replica's address leaves open is as for the primary."""
    numbered = enumerate(config.replica_dsns, start=1)
    pools = [pool_of(replica_config(config, dsn), recording, f"replica-{number}") for number, dsn in numbered]
    return Replicas(pools, primary)


def query_cache_of(
    config: DatabaseConfig, pool: ConnectionPool, recorder: QueryOptimizer, make_store: Callable[[], RowStore] | None
) -> QueryCache:
    """The query cache, which from now on hears of the pool's writes."""
    from perfctl.db.querycache import LocalRowStore, QueryCache

    make_store = make_store or partial(LocalRowStore, int(config.query_cache_max_mb * 1_000_000))
    cache = QueryCache(pool, make_store, recorder, server=address(config), ttl_seconds=config.query_cache_ttl_seconds)
    pool.on_write = cache.wrote
    return cache


def replica_config(config: DatabaseConfig, dsn: str) -> DatabaseConfig:
    """How a replica is reached; what its address leaves open is as for the primary."""
    said = urlsplit(dsn)
    return replace(
        config,
        dsn=dsn,
        host=None,
        database=None if said.path.strip("/") else config.database,
        username=None if said.username else config.username,
        password=None if has_password(dsn) else config.password,
        replica_dsns=(),
    )
