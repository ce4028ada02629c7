"""The application's own statements: bound, run through the pool, cached where that was asked for, and remembered."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from perfctl.db.model.executions import Execution
from perfctl.db.parameters import Params, bound
from perfctl.db.places import located
from perfctl.db.postgres import StatementError
from perfctl.db.session.effects import effects
from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig
    from perfctl.db.pool import ConnectionPool
    from perfctl.db.pool.replicas import Replicas
    from perfctl.db.postgres import Record
    from perfctl.db.querycache import QueryCache
    from perfctl.db.statements.recorder import QueryOptimizer


class Runner:
    """Runs statements and tells the recorder."""

    def __init__(
        self,
        config: DatabaseConfig,
        pool: ConnectionPool,
        replicas: Replicas,
        recorder: QueryOptimizer,
        cache: QueryCache | None,
    ) -> None:
        self._pool, self._replicas, self._recorder, self._cache = pool, replicas, recorder, cache
        self._limit = config.statement_timeout_ms / 1000 or None

    async def run(
        self, query: str, params: Params, *, use_cache: bool, ttl: float | None, timeout: float | None, replica: bool
    ) -> list[Record]:
        """The rows of one statement."""
        limit = self._limit if timeout is None else timeout
        if use_cache and self._cache is not None and not replica:
            rows, was_cached = await self._cache.read(
                query, params, lambda: self._asked(query, params, limit), ttl=ttl, timeout=limit
            )
            if was_cached:
                self._recorder.record(Execution(query, 0.0, len(rows), was_cached=True, failed=False))
            return rows
        return await self._asked(query, params, limit, replica=replica)

    async def many(self, query: str, params_list: Iterable[Params], *, timeout: float | None) -> list[Record]:
        """The rows of one statement for each set of parameters; all or none."""
        sets = [bound(query, params) for params in params_list]
        if not sets:
            return []
        sql, started = sets[0][0], time.perf_counter()
        limit = self._limit if timeout is None else timeout
        try:
            rows = await self._pool.fetch_many(sql, [values for _, values in sets], timeout=limit)
        except StatementError as error:
            self._record(query, started, failed=True)
            raise located(error, sql) from error
        except PerfctlError:
            self._recorder.broke_off(query, time.perf_counter() - started)
            raise
        self._record(query, started, rows=len(rows))
        return rows

    async def gather(self, queries: Iterable[str | tuple[str, Params]], *, timeout: float | None) -> list[list[Record]]:
        """The rows of many statements, in their order."""
        asks = [bound(query) if isinstance(query, str) else bound(*query) for query in queries]
        started, limit = time.perf_counter(), self._limit if timeout is None else timeout
        found = await self._pool.gather(asks, timeout=limit)
        took_ms = (time.perf_counter() - started) * 1000 / max(len(asks), 1)
        for (sql, _), rows in zip(asks, found, strict=True):
            self._recorder.record(Execution(sql, took_ms, len(rows), was_cached=False, failed=False))
        return found

    async def _asked(self, query: str, params: Params, limit: float | None, *, replica: bool = False) -> list[Record]:
        started = time.perf_counter()
        sql, values = bound(query, params)
        fetch = self._replicas.fetch if replica and _reads(sql) else self._pool.fetch
        try:
            rows = await fetch(sql, *values, timeout=limit)
        except StatementError as error:
            self._record(query, started, failed=True)
            raise located(error, sql) from error
        except PerfctlError:
            self._recorder.broke_off(query, time.perf_counter() - started)
            raise
        self._record(query, started, rows=len(rows))
        return rows

    def _record(self, query: str, started: float, *, rows: int = 0, failed: bool = False) -> None:
        took_ms = (time.perf_counter() - started) * 1000
        self._recorder.record(Execution(query, took_ms, rows, was_cached=False, failed=failed))


def _reads(sql: str) -> bool:
    """True, or a UsageError: what may write has no place on a replica."""
    if not effects(sql).is_repeatable:
        raise UsageError(
            "only a statement that reads, through functions that perfctl knows, may go to a replica",
            hint="leave replica=True out",
        )
    return True
