"""PerformanceOptimizer: builds each engine on first use and closes them; the only place where engines meet."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never, Self, TypeVar, Unpack

from perfctl.config.settings import CacheConfig, CDNConfig, DatabaseConfig, Settings
from perfctl.errors import ConfigError, NotConfiguredError

if TYPE_CHECKING:
    import asyncio

    from perfctl.cache.engine import AdvancedCache
    from perfctl.cache.functions.decorator import Decorator, DecoratorOptions
    from perfctl.cache.model import CacheStats, Preloaded
    from perfctl.cdn.engine import CloudFrontOptimizer
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.db.engine import DatabaseOptimizer
    from perfctl.db.querycache import RowStore
    from perfctl.metrics.collecting.source import Source
    from perfctl.metrics.engine import MetricsEngine
    from perfctl.metrics.model import PerformanceMetrics
    from perfctl.metrics.publishing import Publisher
    from perfctl.recording.registry import Registry

_Value = TypeVar("_Value")

PUBLISH_SECONDS = 5.0
"""How long a process keeps its figures to itself at most: gauges of several processes add up where each has told in
the same 10 seconds of the history."""

METRICS_LIMIT_SECONDS = 5.0
"""How long one engine may take to say its figures; what it does not say in time is unmeasured."""


class PerformanceOptimizer:
    """The engines of a context, each built when it is first used and connected when it first asks.

    An engine without its configuration is off: to reach for it is a ConfigError that says what to set. The
    cache is never off: without an address of Redis it works within this process.

    >>> optimizer = PerformanceOptimizer(cache_config=CacheConfig(ttl_seconds=60))
    >>> @optimizer.cache_decorator(namespace="api")
    ... def answer() -> int:
    ...     return 42
    >>> answer()
    42
    """

    def __init__(
        self,
        *,
        cache_config: CacheConfig | None = None,
        cdn_config: CDNConfig | None = None,
        database_config: DatabaseConfig | None = None,
        settings: Settings | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Engines from `settings`; a configuration that is given by itself goes before the settings' own.

        `timeout_seconds` is the limit of each server call, over what the configurations say.
        """
        given = {"cache": cache_config, "cdn": cdn_config, "database": database_config}
        said: dict[str, Any] = {name: config for name, config in given.items() if config is not None}
        self.settings = replace(settings or Settings(), **said)
        self.has_cdn = cdn_config is not None or self.settings.cdn.is_configured
        self.has_database = database_config is not None or self.settings.database.is_configured
        self.timeout_seconds = timeout_seconds
        self._engines: dict[str, Any] = {}
        self._building = threading.RLock()
        self._recording: Registry | None = None
        self._publisher: Publisher | None = None
        self._pid = os.getpid()
        self._home: asyncio.AbstractEventLoop | None = None
        self._used_sync = False

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], context: str | None = None) -> PerformanceOptimizer:
        """The engines that a configuration file describes. ConfigError lists every fault with file:line:col."""
        from perfctl.config import load_settings

        return cls.from_settings(load_settings(context=context, config_file=os.fspath(path)))

    @classmethod
    def from_settings(cls, settings: Settings, *, timeout_seconds: float | None = None) -> PerformanceOptimizer:
        """The engines of settings that were already read."""
        return cls(settings=settings, timeout_seconds=timeout_seconds)

    @property
    def cache(self) -> AdvancedCache:
        """The cache: an in-process tier, with Redis behind it where an address is given."""
        cache: AdvancedCache = self._engine("cache", self._new_cache)
        return cache

    @property
    def cdn(self) -> CloudFrontOptimizer:
        """The CDN. ConfigError where nothing says which."""
        if not self.has_cdn:
            raise _off("cdn", "cdn.distribution_id", "CLOUDFRONT_DISTRIBUTION_ID")
        cdn: CloudFrontOptimizer = self._engine("cdn", self._new_cdn)
        return cdn

    @property
    def access_logs(self) -> AccessLogs:
        """The CDN's access logs; they need no distribution: files may be all that there is."""
        cdn: CloudFrontOptimizer = self._engine("cdn", self._new_cdn)
        return cdn.logs

    @property
    def database(self) -> DatabaseOptimizer:
        """The database. ConfigError where nothing says which."""
        if not self.has_database:
            raise _off("database", "database.dsn or database.host", "DB_HOST (or --dsn, DATABASE_URL)")
        database: DatabaseOptimizer = self._engine("database", self._new_database)
        return database

    @property
    def metrics(self) -> MetricsEngine:
        """What is measured: of this process, its host, and the engines that are on."""
        metrics: MetricsEngine = self._engine("metrics", self._new_metrics)
        return metrics

    @property
    def recording(self) -> Registry:
        """What the engines of this process record, and `PerformanceMiddleware`; kept when they are closed."""
        if self._recording is None:
            from perfctl.recording.registry import Registry

            with self._building:
                self._recording = self._recording or Registry(self.settings.metrics.max_series)
        if self.settings.metrics.publish and self._publisher is None:
            self._publish(self._recording)
        return self._recording

    def new_metrics(self) -> MetricsEngine:
        """Another one, whose rounds are its own: what one collects since its last round is not taken from the other."""
        return self._new_metrics()

    @property
    def sync(self) -> Any:
        """The same names for synchronous code: `optimizer.sync.cache.get("k")` blocks until it is answered.

        Works in any thread without an event loop of its own: a UsageError says so in one that has one. `with
        optimizer.sync as perf:` closes the engines at its end; else they are closed at exit.
        """
        from perfctl.blocking import Blocking

        return Blocking(self, "optimizer.sync", self._run)

    def cache_decorator(self, *bare: Never, **options: Unpack[DecoratorOptions]) -> Decorator:
        """Cache what a function returns: `ttl`, `namespace` and the other options of `AdvancedCache.cache_decorator`.

        Works at import time, on async and on plain functions; connects at the first call that misses.
        """
        return self.cache.cache_decorator(*bare, **options)

    async def preload_query(
        self,
        query: str,
        *,
        key: str,
        value: str = "row",
        namespace: str | None = None,
        ttl: float | None = None,
        start: int = 0,
        on_progress: Callable[[int], None] | None = None,
        on_stored: Callable[[int], None] | None = None,
    ) -> Preloaded:
        """Write the rows of a query into the cache: `key` is a template of its columns (`"user:{id}"`), `value` the
        column that is kept, or `row` for all of them.

        The rows come from a cursor, in a transaction that cannot write: memory stays flat. `start` rows are passed
        over; `on_stored` is told where another run may go on. Strict: what a server refuses is raised.
        """
        from perfctl.cache.operating.rows import RowReader
        from perfctl.db.streaming import streamed

        if not self.has_database:
            raise _off("database", "database.dsn or database.host", "DB_HOST (or --dsn, DATABASE_URL)")
        reader = RowReader(key, value, start=start)
        loader = self.cache.operator.loader(
            namespace=namespace, ttl=ttl, on_progress=on_progress, on_stored=on_stored, start=start
        )
        async for rows in streamed(self._database_config(), query, skip=start):
            await loader.take(reader.read(rows))
        return await loader.finished()

    def get_performance_metrics(self) -> PerformanceMetrics:
        """What this process has measured until now; asks no server and never blocks.

        `await optimizer.metrics.measure()` asks the servers, too.
        """
        return self.metrics.current()

    def get_cache_metrics(self) -> CacheStats:
        """The cache's counters of this process; `.hit_rate` is hits / lookups."""
        return self.cache.metrics()

    async def __aenter__(self) -> Self:
        import asyncio

        if self._used_sync:
            await self._leave_the_portal()
        self._home = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()
        self._home = None

    async def close(self) -> None:
        """Close every connection, also when closing one fails. What was decorated stays usable: it connects again."""
        if self._pid != os.getpid():
            return self._forget_the_parents()
        engines = dict(self._engines)
        self._engines = {name: engine for name, engine in engines.items() if name == "cache"}
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._stop_publishing)
            for engine in engines.values():
                closing.push_async_callback(engine.close)
        return None

    def _publish(self, registry: Registry) -> None:
        """Let this process's figures reach the history, until the engines are closed or the program ends."""
        from perfctl.metrics.history import open_history
        from perfctl.metrics.publishing import Publisher

        with self._building:
            if self._publisher is None:
                interval = min(self.settings.metrics.interval_seconds, PUBLISH_SECONDS)
                self._publisher = Publisher(registry, open_history(self.settings), interval)
                self._publisher.start()

    async def _stop_publishing(self) -> None:
        """After the engines: what they recorded last is written, too."""
        import asyncio

        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await asyncio.to_thread(publisher.close)

    def _run(self, start: Callable[[], Awaitable[_Value]], *, name: str) -> _Value:
        """Where `sync` has its coroutines awaited: on the loop that entered this optimizer, else on the portal's."""
        from perfctl.bridge import portal

        if self._pid != os.getpid():
            self._forget_the_parents()
        bridge = portal()
        home = self._home if self._home is not None and self._home.is_running() else None
        if home is None:
            self._used_sync = True
            bridge.closes(self)
        return bridge.run(start, name=name, loop=home)

    async def _leave_the_portal(self) -> None:
        """Connections belong to a loop: close those of the portal before another loop opens its own."""
        from perfctl.bridge import portal

        self._used_sync = False
        await portal().finish(self)

    def _engine(self, name: str, build: Callable[[], Any]) -> Any:
        if self._pid != os.getpid():
            self._forget_the_parents()
        engine = self._engines.get(name)
        if engine is not None:
            return engine
        with self._building:
            if name not in self._engines:
                self._engines[name] = build()
            return self._engines[name]

    def _forget_the_parents(self) -> None:
        """In a forked child the connections are the parent's: kept untouched, so that nothing closes them here.

        The cache stays: what it decorated holds it, and it connects once for each event loop.
        """
        _of_parents.append(self._engines)
        self._engines = {name: engine for name, engine in self._engines.items() if name == "cache"}
        self._building = threading.RLock()
        self._home, self._used_sync, self._pid = None, False, os.getpid()

    def _new_cache(self) -> AdvancedCache:
        from perfctl.cache.engine import AdvancedCache

        return AdvancedCache(self._limited(self.settings.cache), recorder=self.recording)

    def _new_cdn(self) -> CloudFrontOptimizer:
        from perfctl.cdn.engine import CloudFrontOptimizer

        return CloudFrontOptimizer(
            self._limited(self.settings.cdn), context=self.settings.context, recorder=self.recording
        )

    def _new_database(self) -> DatabaseOptimizer:
        from perfctl.db.engine import DatabaseOptimizer

        return DatabaseOptimizer(self._database_config(), row_store=self._new_row_store, recorder=self.recording)

    def _new_row_store(self) -> RowStore:
        from perfctl.row_store import CacheRowStore

        return CacheRowStore(self.cache)

    def _database_config(self) -> DatabaseConfig:
        config, limit = self.settings.database, self.timeout_seconds
        if limit is None:
            return config
        milliseconds = max(1, round(limit * 1000))
        return replace(config, connect_timeout_seconds=limit, statement_timeout_ms=milliseconds)

    def _new_metrics(self) -> MetricsEngine:
        from perfctl.metrics.engine import MetricsEngine

        limit = max(self.timeout_seconds or 0.0, METRICS_LIMIT_SECONDS)
        return MetricsEngine(tuple(self._sources()), limit_seconds=limit)

    def _sources(self) -> Iterator[Source]:
        from perfctl import measuring
        from perfctl.metrics.history import open_history

        metrics = self.settings.metrics
        yield measuring.application_source(self.recording.collect, open_history(self.settings))
        yield measuring.cache_source(self.cache)
        yield measuring.database_source(self.database if self.has_database else None)
        if metrics.prometheus_url:
            yield measuring.prometheus_source(metrics)
        if self.settings.cdn.logs:
            yield measuring.cdn_source(self.access_logs)

    def _limited(self, config: _Limited) -> _Limited:
        limit = self.timeout_seconds
        return config if limit is None else replace(config, timeout_seconds=limit)


_Limited = TypeVar("_Limited", CacheConfig, CDNConfig)

_of_parents: list[dict[str, Any]] = []


def _off(engine: str, keys: str, variable: str) -> ConfigError:
    return NotConfiguredError(f"the {engine} is not configured", hint=f"set {keys} in perfctl.yaml, or {variable}")
