"""The engines as sources of figures: each is handed to the metrics as what it can count, not as what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perfctl.errors import AuthError, ServiceError
from perfctl.metrics.collecting import application, cdn_logs, order, postgres, redis_server
from perfctl.metrics.collecting.source import Source, off

if TYPE_CHECKING:
    from perfctl.cache.engine import AdvancedCache
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.config.settings import MetricsConfig
    from perfctl.db.engine import DatabaseOptimizer
    from perfctl.db.statements.reading import Reading
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame

_OUR_AGENT = "perfctl"
"""What perfctl's own requests to the edge say that they come from."""
_NO_DATABASE = "the database is not configured: no database.dsn or DB_HOST is set"


def application_source(here: Callable[[], Frame], history: History | None) -> Source:
    """What perfctl recorded in the application."""
    return application.application_source(here, history)


def cache_source(cache: AdvancedCache) -> Source:
    """The cache's counters of this process, and its server's."""

    def here() -> redis_server.Lookups:
        counted = cache.metrics()
        return redis_server.Lookups(counted.hits, counted.misses)

    return redis_server.redis_source(here, _CacheServer(cache) if cache.config.has_redis else None)


def database_source(database: DatabaseOptimizer | None) -> Source:
    """The database's counters, and this process's pool; None is a database that is not configured."""
    if database is None:
        return off(postgres.FIGURES, _NO_DATABASE, key=order.POSTGRES)
    pool, recorder = database.pool, database.query_optimizer

    def held() -> postgres.Pool:
        counted = pool.statistics()
        return postgres.Pool(counted.in_use, counted.idle, counted.in_use + counted.idle)

    def times_ms() -> list[float]:
        return [execution.took_ms for execution in recorder.executions if not execution.was_cached]

    async def fetch(sql: str) -> Sequence[Mapping[str, Any]]:
        from perfctl.db.questions import ours

        return await pool.fetch(ours(sql))

    return postgres.postgres_source(fetch, _Statements(database), pool=held, times_ms=times_ms)


def cdn_source(logs: AccessLogs) -> Source:
    """The access logs of the CDN."""

    async def look(since: float, until: float) -> cdn_logs.Logged:
        from perfctl.cdn.logs.filtering import Filter

        times = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)
        wanted = Filter(since=times[0], until=times[1], agents_but=(_OUR_AGENT,))
        found = await logs.stats(wanted=wanted)
        return cdn_logs.Logged(
            requests=found.requests,
            hits=None if found.hit_ratio is None else round(found.hit_ratio * found.requests),
            errors=found.errors_5xx,
            bytes=found.sent_bytes,
            mean_ms=found.time_taken.mean_ms,
            first_at=found.first_at.timestamp() if found.first_at else None,
            last_at=found.last_at.timestamp() if found.last_at else None,
        )

    return cdn_logs.cdn_source(look)


def prometheus_source(config: MetricsConfig) -> Source:
    """What an application shows to Prometheus. ConfigError where the address, or a name, is none."""
    from perfctl.metrics.collecting.prometheus.scraping import prometheus_source

    return prometheus_source(config.prometheus_url or "", config.prometheus_metrics, max_series=config.max_series)


_HASHES = "hgetall"
_LOOKS_WITH = (
    *(_HASHES, "pttl", "type", "strlen", "getrange"),
    *("object", "object|encoding", "object|freq", "object|idletime"),
)
"""What perfctl looks up by itself goes through these commands, but for one or two of others (INFO commandstats)."""


class _CacheServer:
    """The cache's server, as the metrics ask it."""

    def __init__(self, cache: AdvancedCache) -> None:
        self._cache = cache
        self._ours = redis_server.Lookups(0, 0)

    async def counted(self) -> redis_server.Lookups:
        from perfctl.cache.counters import by_namespace

        counters = await self._cache.store.counters(self._cache.layout.counters)
        found = bool(counters)  # the server counts this very look as one that found something, or not
        self._ours = redis_server.Lookups(self._ours.hits + found, self._ours.misses + (not found))
        counts = by_namespace(counters).values()
        hits = sum(count.hits_l1 + count.hits_l2 for count in counts)
        return redis_server.Lookups(hits, sum(count.misses for count in counts))

    async def server(self) -> redis_server.ServerCounts:
        facts = await self._cache.store.facts()
        hits, misses = facts.keyspace_hits, facts.keyspace_misses
        keyspace = None if hits is None or misses is None else redis_server.Lookups(hits, misses)
        calls = await self._calls() if keyspace is not None else None
        return redis_server.ServerCounts(
            keyspace,
            facts.used_memory_bytes,
            facts.runs,
            self._ours,
            None if calls is None else sum(calls.values()),
            0 if calls is None else calls[_HASHES],
        )

    async def _calls(self) -> Mapping[str, int] | None:
        """Of the commands that perfctl looks with; None where the server does not tell."""
        try:
            nodes = (await self._cache.store.info("commandstats")).values()
        except (AuthError, ServiceError):
            return None
        if not any(nodes):
            return None
        return {
            command: sum(node.get(f"cmdstat_{command}", {}).get("calls", 0) for node in nodes)
            for command in _LOOKS_WITH
        }


class _Statements:
    """pg_stat_statements between two looks, perfctl's own statements left out."""

    def __init__(self, database: DatabaseOptimizer) -> None:
        self._database = database
        self._before: Reading | None = None

    async def __call__(self) -> postgres.StatementsDone | None:
        from perfctl.db.statements.deltas import done_since, looked

        async with self._database.pool.acquire() as session:
            now = await looked(session)
            before, self._before = self._before, now.reading
            if before is None:
                return None
            done = await done_since(session, before, now)
        return postgres.StatementsDone(done.seconds, done.by_fingerprint, done.events)
