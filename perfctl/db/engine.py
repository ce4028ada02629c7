"""The database engine: the application's own statements through a pool, slow queries, plans, what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from perfctl.db import doctor
from perfctl.db.asking import ASK_SECONDS, ask
from perfctl.db.building import pool_of, query_cache_of, replicas_of
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.rows import QueryRows
from perfctl.db.model.statements import SlowOrder, SlowQueries
from perfctl.db.parameters import Params, bound
from perfctl.db.postgres import Record, address
from perfctl.db.running import Runner
from perfctl.db.statements.order import Wanted
from perfctl.db.statements.recorder import QueryOptimizer
from perfctl.diagnosis import Check, Diagnosis, diagnose
from perfctl.errors import PerfctlError
from perfctl.recording.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from perfctl.config import DatabaseConfig
    from perfctl.db.activity.sessions import Wanted as WantedSessions
    from perfctl.db.model.activity import Activity, Ending, LockTree, ServerSession, Vitals
    from perfctl.db.model.baselines import Baseline
    from perfctl.db.model.history import Recording
    from perfctl.db.model.reports import DatabaseReport
    from perfctl.db.model.stats import DatabaseStats
    from perfctl.db.querycache import QueryCache, RowStore
    from perfctl.db.statements.sources import Look

QUERY_SECONDS = 30.0
"""How long a read may run where nothing else is said."""


class DatabaseOptimizer:
    """One PostgreSQL server, asked well. Connects on first use.

    >>> async with DatabaseOptimizer(config) as database:  # doctest: +SKIP
    ...     rows = await database.execute_optimized_query("SELECT * FROM stocks WHERE symbol = %s", ("AAPL",))
    """

    def __init__(
        self,
        config: DatabaseConfig,
        *,
        row_store: Callable[[], RowStore] | None = None,
        recorder: Registry | None = None,
    ) -> None:
        """`row_store` makes what keeps the rows of cached reads; else this process does, up to query_cache_max_mb.
        `recorder` is told what happens, else a registry of this engine's own."""
        self._config = config
        self.recording = Registry() if recorder is None else recorder
        self.query_optimizer = QueryOptimizer(self.recording)
        self.pool = pool_of(config, self.recording)
        self._replicas = replicas_of(config, self.pool, self.recording)
        self.query_cache: QueryCache | None = None
        if config.enable_query_cache:
            self.query_cache = query_cache_of(config, self.pool, self.query_optimizer, row_store)
        self._runner = Runner(config, self.pool, self._replicas, self.query_optimizer, self.query_cache)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the pool's connections."""
        await self._replicas.close()
        await self.pool.close()

    async def execute_optimized_query(
        self,
        query: str,
        params: Params = (),
        *,
        use_cache: bool = False,
        ttl: float | None = None,
        timeout: float | None = None,
        replica: bool = False,
    ) -> list[Record]:
        """Run the application's own statement, a write as well as a read; its rows as records.

        `%s`, `%(name)s` (with a mapping) or `$1` stands for a parameter and is bound, never pasted into the text.
        With `use_cache` the rows of a read are kept for `ttl` seconds (query_cache_ttl_seconds) and forgotten when a
        table behind it is written to through perfctl, in any process; what may change by itself is never kept.
        `timeout` in seconds covers the wait for a connection, too; by default statement_timeout_ms. A read with
        `replica` may be answered by a replica, which lags behind. A read whose connection breaks is asked once more.
        """
        if use_cache and self.query_cache is not None and (rows := self.query_cache.here(query, params)) is not None:
            return rows
        return await self._runner.run(query, params, use_cache=use_cache, ttl=ttl, timeout=timeout, replica=replica)

    async def execute_many(
        self, query: str, params_list: Iterable[Params], *, timeout: float | None = None
    ) -> list[Record]:
        """Run one statement for each set of parameters, sent without waiting in between; the rows of all, in order.

        On one connection, all or none: what the server refuses for one of them undoes all.
        """
        return await self._runner.many(query, params_list, timeout=timeout)

    async def gather_queries(
        self, queries: Iterable[str | tuple[str, Params]], *, timeout: float | None = None
    ) -> list[list[Record]]:
        """Run many statements at once over a few connections; the rows of each, in their order.

        `timeout` covers all of them together. The first error ends the batch; what was not begun is not sent.
        """
        return await self._runner.gather(queries, timeout=timeout)

    async def analyze_query_performance(
        self,
        sql: str,
        params: Params | None = None,
        *,
        allow_write: bool = False,
        run: bool = True,
        timeout: float | None = None,
        params_are_text: bool = False,
    ) -> PlanReport:
        """The plan of one statement and what is wrong with it, measured by running it and rolled back.

        A statement that writes is a RefusedError unless `allow_write`, and so is one that could do harm otherwise:
        with a function that nobody vouches for, with several statements. One that runs longer than `timeout` seconds
        (30) is explained without running it, as with `run=False`: `analyzed` is then False. So is a text with `$1` in
        it and no `params`, as pg_stat_statements has them: its plan is for any value. With `params_are_text` the
        server makes of each text the type that its place has.
        """
        from perfctl.db.explaining import EXPLAIN_SECONDS, explain

        text, arguments = (sql, None) if params is None else bound(sql, params)
        limit = EXPLAIN_SECONDS if timeout is None else timeout
        trusted = self._config.trusted_functions
        async with self.pool.acquire(timeout=limit) as session:
            return await explain(
                session,
                text,
                run=run,
                allow_write=allow_write,
                timeout_seconds=limit,
                trusted=trusted,
                params=arguments,
                params_are_text=params_are_text,
            )

    async def query(
        self,
        sql: str,
        params: Params = (),
        *,
        timeout: float | None = None,
        limit: int | None = None,
        params_are_text: bool = False,
    ) -> QueryRows:
        """The rows of one statement that only reads, at most `limit` of them; nothing that it does stays.

        RefusedError for anything that writes or could do harm; `timeout` in seconds, by default 30. With
        `params_are_text` the server makes of each text the type that its place has.
        """
        from perfctl.db.guard import read

        text, arguments = bound(sql, params)
        seconds = QUERY_SECONDS if timeout is None else timeout
        trusted = self._config.trusted_functions
        async with self.pool.acquire(timeout=seconds) as session:
            return await read(
                session,
                text,
                arguments,
                timeout_seconds=seconds,
                trusted=trusted,
                limit=limit,
                arguments_are_text=params_are_text,
            )

    async def slow_queries(
        self, *, by: SlowOrder = "total", limit: int | None = 20, timeout: float | None = None
    ) -> SlowQueries:
        """The costliest shapes of query of this database, as pg_stat_statements counted them; perfctl's own left out.

        ServiceError, with the statement that mends it, where nothing is counted.
        """
        return await self.slow(Wanted(by=by, limit=limit), timeout=timeout)

    async def slow(
        self, wanted: Wanted | None = None, look: Look | None = None, *, timeout: float | None = None
    ) -> SlowQueries:
        """The costliest shapes of query, filtered and ordered as wanted: by default the first 20 by total time.

        `look` says where: pg_stat_statements (also its next seconds), a live sample, log files, the history, or the
        recorder of this process.
        """
        from perfctl.db.statements import sources

        wanted, look = wanted or Wanted(), look or sources.Look()
        if look.needs_server:
            return await sources.online(self.pool, wanted, look, timeout=timeout)
        return await asyncio.to_thread(sources.offline, wanted, look, self.query_optimizer)

    async def log_line_prefix(self, *, timeout: float | None = None) -> str:
        """The server's setting of how it begins the lines of its log."""
        async with self.pool.acquire(timeout=timeout) as session:
            rows = await ask(session, "log_line_prefix", timeout_seconds=timeout or ASK_SECONDS)
        return str(rows[0]["log_line_prefix"])

    async def stats(
        self,
        *,
        all_databases: bool = False,
        for_seconds: float | None = None,
        queries: Wanted | None = None,
        timeout: float | None = None,
    ) -> DatabaseStats:
        """What the database counts of itself, or all do; of the next seconds, if wanted, and of each shape of query."""
        from perfctl.db.statements.stats import stats

        return await stats(
            self._config,
            self.pool,
            self.query_optimizer,
            all_databases=all_databases,
            for_seconds=for_seconds,
            queries=queries,
            timeout=timeout,
        )

    async def record_history(
        self, file: Path, *, keep_seconds: float | None = None, timeout: float | None = None
    ) -> Recording:
        """Add to a history what pg_stat_statements counted since the last time; what is older than 30 days goes."""
        from perfctl.db.statements.history.recording import KEEP_SECONDS, record

        keep = KEEP_SECONDS if keep_seconds is None else keep_seconds
        async with self.pool.acquire(timeout=timeout) as session:
            return await record(session, file, keep_seconds=keep, timeout=timeout)

    async def check(
        self, names: Sequence[str] = (), *, all_databases: bool = False, timeout: float | None = None
    ) -> Diagnosis:
        """The health checks of these areas or names, of this database or all; the worst first."""
        from perfctl.db.checking import checked

        return await checked(self._config, self.pool, names, all_databases=all_databases, timeout_seconds=timeout)

    async def record_baseline(
        self,
        queries: Sequence[str],
        *,
        run: bool,
        timeout: float | None = None,
        told: Callable[[int], None] | None = None,
    ) -> Baseline:
        """The plans of these statements, and the sizes of the tables that they read; with `run` also their buffers."""
        from perfctl.db.baselines.recording import EXPLAIN_SECONDS, record

        trusted, limit = self._config.trusted_functions, timeout or EXPLAIN_SECONDS
        async with self.pool.acquire(timeout=timeout) as session:
            return await record(session, queries, run=run, trusted=trusted, timeout_seconds=limit, told=told)

    async def check_baseline(
        self,
        baseline: Baseline,
        *,
        run: bool = True,
        timeout: float | None = None,
        told: Callable[[int], None] | None = None,
    ) -> Diagnosis:
        """The workload's plans against those of a stored baseline; a regression is a failed check."""
        from perfctl.db.baselines.checking import check_baseline
        from perfctl.db.baselines.recording import EXPLAIN_SECONDS

        trusted, limit = self._config.trusted_functions, timeout or EXPLAIN_SECONDS
        async with self.pool.acquire(timeout=timeout) as session:
            return diagnose(
                await check_baseline(session, baseline, run=run, trusted=trusted, timeout_seconds=limit, told=told)
            )

    async def report(
        self, wanted: Wanted, look: Look, *, timeout: float | None = None, told: Callable[[int], None] | None = None
    ) -> DatabaseReport:
        """Doctor, checks, slow queries with their plans, locks, activity and settings, in one result."""
        from perfctl.db.reporting.gathering import gather

        return await gather(self, wanted, look, timeout=timeout, told=told)

    @property
    def trusted_functions(self) -> tuple[str, ...]:
        """The user's functions that are trusted only to read."""
        return self._config.trusted_functions

    @property
    def server(self) -> str:
        """`host:port/database`, for messages: nothing secret is in it."""
        return address(self._config)

    async def activity(self, wanted: WantedSessions | None = None, *, timeout: float | None = None) -> Activity:
        """The sessions of the server that are at work, or those that are wanted; the longest transaction first."""
        from perfctl.db.activity import sessions

        async with self.pool.acquire(timeout=timeout) as session:
            return await sessions.activity(session, wanted or sessions.Wanted(), timeout_seconds=timeout)

    async def locks(self, *, timeout: float | None = None) -> LockTree:
        """Who waits for whom."""
        from perfctl.db.activity.locks import lock_tree

        async with self.pool.acquire(timeout=timeout) as session:
            return await lock_tree(session, timeout_seconds=timeout)

    async def end_sessions(self, rows: Sequence[ServerSession], action: Ending) -> tuple[ServerSession, ...]:
        """Cancel or terminate sessions that `activity` or `locks` showed, each only while it is still the same one."""
        from perfctl.db.activity.ending import end

        async with self.pool.acquire() as session:
            return await end(session, rows, action)

    async def watch(self, *, interval_seconds: float, count: int | None = None) -> AsyncGenerator[Vitals, None]:
        """The load as it moves: one moment after the other, `count` of them or without end."""
        from perfctl.db.activity.watching import watched

        async with self.pool.acquire() as session:
            async for moment in watched(session, interval_seconds=interval_seconds, count=count):
                yield moment

    async def doctor(self) -> Diagnosis:
        """Can perfctl connect, what may its role see, what is missing; each with the one thing that mends it."""
        return diagnose(await self._checks(deep=True))

    async def health(self) -> list[Check]:
        """Can we connect, is it a primary, are there connections left, does anybody wait for the pool, do the
        replicas keep up; never raises.
        """
        from perfctl.db.vitals import pool_check, replica_checks

        if not self._config.is_configured:
            return [Check("postgres", "connect", "off", "no database is configured")]
        pool = pool_check(self.pool.statistics(), self.pool.max_connections)  # before this question takes one
        limit = self._config.connect_timeout_seconds
        checks, replicas = await asyncio.gather(
            self._checks(deep=False), replica_checks(self._replicas.pools, timeout_seconds=limit)
        )
        return [*checks, pool, *replicas]

    async def _checks(self, *, deep: bool) -> list[Check]:
        started, limit = time.perf_counter(), self._config.connect_timeout_seconds
        try:
            async with self.pool.acquire(timeout=limit) as session:
                facts = (await ask(session, "server_facts", timeout_seconds=limit))[0]
                announced_pid = session.announced_pid
        except PerfctlError as error:
            return [doctor.unconnected(error.message, error.hint)]
        took_ms = (time.perf_counter() - started) * 1000
        checks = [
            doctor.connected(facts, server=address(self._config), took_ms=took_ms),
            doctor.role(facts),
            doctor.saturation(facts),
        ]
        if deep:
            checks.append(doctor.pooler(backend_pid=facts["backend_pid"], announced_pid=announced_pid))
            checks += doctor.examine(facts, sslmode=self._config.effective_sslmode, is_local=self._config.is_local)
        return checks
