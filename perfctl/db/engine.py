"""The database engine: the application's own statements through a pool, slow queries, plans, what is wrong."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from perfctl.db import doctor
from perfctl.db.asking import ask
from perfctl.db.model.executions import Execution
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.statements import SlowOrder, SlowQueries
from perfctl.db.parameters import Params, bound
from perfctl.db.plans import read_plan
from perfctl.db.pool import ConnectionPool
from perfctl.db.postgres import Record, Session, StatementError, address
from perfctl.db.querycache import QueryCache, key_of
from perfctl.db.sqltext import Statement, explainable, is_read
from perfctl.db.statements.counted import counted
from perfctl.db.statements.order import Wanted
from perfctl.db.statements.recorder import QueryOptimizer
from perfctl.diagnosis import Check, Diagnosis, diagnose
from perfctl.errors import PerfctlError, RefusedError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from perfctl.config import DatabaseConfig
    from perfctl.db.activity.sessions import Wanted as WantedSessions
    from perfctl.db.model.activity import Activity, Ending, LockTree, ServerSession, Vitals

ANALYZE_SECONDS = 30.0
"""How long an analyzed statement may run where nothing else is said."""
LOCK_TIMEOUT_MS = 100
"""A reader that waits for a lock makes all who come after it wait, too."""
IDLE_TIMEOUT_MS = 10_000
_GRACE_SECONDS = 5.0
"""The server stops a statement itself; only when it does not, so much later, the connection is given up."""
_READ_ONLY = "25006"
_PREPARED = "perfctl_generic_plan"
_TOO_MANY = "cannot insert multiple commands"


class DatabaseOptimizer:
    """One PostgreSQL server, asked well. Connects on first use.

    >>> async with DatabaseOptimizer(config) as database:  # doctest: +SKIP
    ...     rows = await database.execute_optimized_query("SELECT * FROM stocks WHERE symbol = %s", ("AAPL",))
    """

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        self._cache = QueryCache()
        self.query_optimizer = QueryOptimizer()
        self.pool = ConnectionPool(
            self._open,
            min_connections=config.min_connections,
            max_connections=config.max_connections,
            keep=config.enable_connection_pooling,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the pool's connections."""
        await self.pool.close()

    async def execute_optimized_query(
        self,
        query: str,
        params: Params = (),
        *,
        use_cache: bool = False,
        ttl: float | None = None,
        timeout: float | None = None,
    ) -> list[Record]:
        """Run the application's own statement, a write as well as a read; its rows as records.

        `%s` (or `$1`) stands for a parameter and is bound, never pasted into the text. With `use_cache` the rows of a
        read are kept in this process for `ttl` seconds (60 by default) and forgotten at the next write through here.
        `timeout` in seconds, by default the configured statement_timeout_ms.
        """
        text, arguments = bound(query, params)
        reads = is_read(text)
        key = key_of(text, arguments) if use_cache and reads and self._config.enable_query_cache else None
        started, version = time.perf_counter(), self._cache.version
        kept = self._cache.get(key) if key is not None else None
        if kept is not None:
            self._record(query, started, len(kept), was_cached=True)
            return kept
        try:
            rows = await self._run(query, text, arguments, timeout, started)
        finally:
            if not reads:  # also one that failed or was cancelled: it may have been done when we stopped waiting
                self._cache.forget()
        if key is not None:
            self._cache.put(key, rows, ttl_seconds=ttl, version=version)
        return rows

    async def analyze_query_performance(
        self, sql: str, *, allow_write: bool = False, run: bool = True, timeout: float | None = None
    ) -> PlanReport:
        """The plan of one statement, measured by running it in a transaction that is rolled back.

        The transaction is READ ONLY: a statement that writes is a RefusedError unless `allow_write`. Several
        statements are refused. One that runs longer than `timeout` seconds (30) is explained without running it,
        as with `run=False`: `analyzed` is then False. So is a text with `$1` in it, as pg_stat_statements has them:
        its plan is for any value.
        """
        statement = explainable(sql)
        if statement.makes_table and not allow_write:
            raise _refused("SELECT INTO makes a table")
        limit = ANALYZE_SECONDS if timeout is None else timeout
        async with self.pool.acquire(timeout=limit) as session:
            explain = _Explanation(session=session, statement=statement, sql=sql, allow_write=allow_write, limit=limit)
            if run and not statement.parameters:
                with suppress(TimedOutError):
                    return await explain.measured()
            return await explain.estimated()

    async def slow_queries(
        self, *, by: SlowOrder = "total", limit: int | None = 20, timeout: float | None = None
    ) -> SlowQueries:
        """The costliest shapes of query of this database, as pg_stat_statements counted them; perfctl's own left out.

        ServiceError, with the statement that mends it, where nothing is counted.
        """
        return await self.slow(Wanted(by=by, limit=limit), timeout=timeout)

    async def slow(self, wanted: Wanted | None = None, *, timeout: float | None = None) -> SlowQueries:
        """The costliest shapes of query, filtered and ordered as wanted: by default the first 20 by total time."""
        async with self.pool.acquire(timeout=timeout) as session:
            return await counted(session, wanted or Wanted(), timeout=timeout)

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
        """Can we connect, are there connections left; never raises."""
        if not self._config.is_configured:
            return [Check("postgres", "connect", "off", "no database is configured")]
        return await self._checks(deep=False)

    async def _checks(self, *, deep: bool) -> list[Check]:
        started, limit = time.perf_counter(), self._config.connect_timeout_seconds
        try:
            async with self.pool.acquire(timeout=limit) as session:
                facts = (await ask(session, "server_facts", timeout_seconds=limit))[0]
                announced_pid = session.announced_pid
        except PerfctlError as error:
            return [doctor.unconnected(error.message, error.hint)]
        took_ms = (time.perf_counter() - started) * 1000
        checks = [doctor.connected(facts, server=address(self._config), took_ms=took_ms), doctor.saturation(facts)]
        if deep:
            checks.append(doctor.pooler(backend_pid=facts["backend_pid"], announced_pid=announced_pid))
            checks += doctor.examine(facts, sslmode=self._config.effective_sslmode, is_local=self._config.is_local)
        return checks

    async def _open(self) -> Session:
        return await Session.open(self._config)

    async def _run(
        self, query: str, text: str, arguments: tuple[object, ...], timeout: float | None, started: float
    ) -> list[Record]:
        limit = self._config.statement_timeout_ms / 1000 or None if timeout is None else timeout
        try:
            rows = await self.pool.fetch(text, *arguments, timeout=limit)
        except StatementError as error:
            self._record(query, started, 0, failed=True)
            raise _located(error, text, 0) from error
        self._record(query, started, len(rows))
        return rows

    def _record(self, query: str, started: float, rows: int, *, was_cached: bool = False, failed: bool = False) -> None:
        took_ms = (time.perf_counter() - started) * 1000
        self.query_optimizer.record(Execution(query, took_ms, rows, was_cached=was_cached, failed=failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explanation:
    """EXPLAIN of one statement, each in a transaction of its own, which is rolled back whatever happens."""

    session: Session
    statement: Statement
    sql: str
    """The text as it was given, for the place of an error."""
    allow_write: bool
    limit: float

    async def measured(self) -> PlanReport:
        """Run it. RefusedError where it writes and may not, TimedOutError where it takes too long."""
        return await self._explained("EXPLAIN (ANALYZE, BUFFERS, SETTINGS, FORMAT JSON) ")

    async def estimated(self) -> PlanReport:
        """Plan it alone, for any value where it has parameters."""
        if self.statement.parameters:
            return await self._generic()
        return await self._explained("EXPLAIN (SETTINGS, FORMAT JSON) ")

    async def _explained(self, prefix: str) -> PlanReport:
        async with self._rolled_back(prefix):
            rows = await self._fetch(prefix + self.statement.text)
        return read_plan(rows[0]["QUERY PLAN"], sql=self.statement.text)

    async def _generic(self) -> PlanReport:
        # EXPLAIN (GENERIC_PLAN) would want its parameters bound, and plan for those; and there is none before 16.
        prefix, unknown = f"PREPARE {_PREPARED} AS ", ", ".join(["NULL"] * self.statement.parameters)
        try:
            async with self._rolled_back(prefix):
                await self._fetch(prefix + self.statement.text)
                await self.session.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                rows = await self._fetch(f"EXPLAIN (SETTINGS, FORMAT JSON) EXECUTE {_PREPARED} ({unknown})")
        finally:
            await self._forget()
        plan = read_plan(rows[0]["QUERY PLAN"], sql=self.statement.text, is_generic=True)
        return replace(plan, settings={n: v for n, v in plan.settings.items() if n != "plan_cache_mode"})

    async def _fetch(self, text: str) -> list[Record]:
        return await self.session.fetch(text, timeout=self.limit + _GRACE_SECONDS)

    async def _forget(self) -> None:
        """Prepared statements outlive a rollback; one that was refused is not there."""
        with suppress(StatementError):
            await self.session.execute(f"DEALLOCATE {_PREPARED}", timeout=_GRACE_SECONDS)

    @asynccontextmanager
    async def _rolled_back(self, prefix: str) -> AsyncIterator[None]:
        """A guarded transaction, undone at the end; errors as they look from outside, without our prefix."""
        try:
            await self.session.execute(_guard(self.limit, allow_write=self.allow_write))
            yield
        except StatementError as error:
            raise self._understood(error, len(prefix)) from error
        finally:
            await self.session.rollback()

    def _understood(self, error: StatementError, prefix: int) -> PerfctlError:
        if error.sqlstate == _READ_ONLY and not self.allow_write:
            return _refused(error.message.removeprefix("PostgreSQL: "))
        if _TOO_MANY in error.message:
            return RefusedError(error.message, hint="give one statement at a time")
        return _located(error, self.sql, self.statement.offset - prefix)


def _refused(reason: str) -> RefusedError:
    return RefusedError(
        f"the statement writes ({reason})",
        hint="--allow-write runs it in a transaction that is rolled back; --no-run shows the plan alone",
    )


def _guard(limit: float, *, allow_write: bool) -> str:
    milliseconds = max(int(limit * 1000), 1)
    return (
        f"BEGIN {'READ WRITE' if allow_write else 'READ ONLY'};"
        f" SET LOCAL statement_timeout = {milliseconds};"
        f" SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS};"
        f" SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}"
    )


def _located(error: StatementError, sql: str, shift: int) -> StatementError:
    """The error with the line and column of the caller's own text that it is about."""
    at = None if error.position is None else error.position + shift
    if at is None or not 0 < at <= len(sql) + 1:
        return error
    before = sql[: at - 1]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    message = f"{error.message} at line {line}, column {column}"
    return StatementError(message, sqlstate=error.sqlstate, position=at, hint=error.hint)
