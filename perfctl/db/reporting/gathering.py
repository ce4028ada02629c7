"""Gathering a report: each part asked for by itself, so that one that cannot be had leaves the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from perfctl.db.asking import ask
from perfctl.db.explaining import explain
from perfctl.db.model.reports import DatabaseReport, ExplainedQuery, MissingSection, ServerSetting, ServerSettings
from perfctl.db.sqltext import is_read
from perfctl.errors import PerfctlError, UnreachableError

if TYPE_CHECKING:
    from perfctl.db.engine import DatabaseOptimizer
    from perfctl.db.model.statements import SlowQueries, SlowQuery
    from perfctl.db.postgres import Session
    from perfctl.db.statements.order import Wanted
    from perfctl.db.statements.sources import Look
    from perfctl.diagnosis import Diagnosis

_Part = TypeVar("_Part")
Told = Callable[[int], None]

EXPLAINED = 10
"""Slow queries whose plans are shown, where nothing else is said."""
EXPLAIN_SECONDS = 10.0


async def gather(
    engine: DatabaseOptimizer,
    wanted: Wanted,
    look: Look,
    *,
    explained: int = EXPLAINED,
    timeout: float | None = None,
    told: Told | None = None,
) -> DatabaseReport:
    """The report. AuthError and UnreachableError where there is no server to report of.

    Slow queries are planned, never run. `told` hears how many parts are done.
    """
    gathering = _Gathering(told)
    doctor = await engine.doctor()
    gathering.done()
    check = await gathering.part("checks", lambda: engine.check(timeout=timeout))
    slow = await gathering.part("slow queries", lambda: engine.slow(wanted, look, timeout=timeout))
    queries = await gathering.part("plans", lambda: _explained(engine, slow, explained, timeout))
    locks = await gathering.part("locks", lambda: engine.locks(timeout=timeout))
    activity = await gathering.part("activity", lambda: engine.activity(timeout=timeout))
    settings = await gathering.part("settings", lambda: _settings(engine, timeout))
    return DatabaseReport(
        server=engine.server,
        made_at=datetime.now(UTC),
        status=_worse(doctor, check),
        doctor=doctor,
        check=check,
        slow=slow,
        queries=queries or (),
        locks=locks,
        activity=activity,
        settings=settings,
        missing=tuple(gathering.missing),
    )


class _Gathering:
    """What is done, and what could not be."""

    def __init__(self, told: Told | None) -> None:
        self.missing: list[MissingSection] = []
        self._told, self._count = told, 0

    async def part(self, section: str, question: Callable[[], Awaitable[_Part]]) -> _Part | None:
        """The answer; None, with a note of why, where there is none. A server that is gone ends it all."""
        try:
            return await question()
        except UnreachableError:
            raise
        except PerfctlError as error:
            self.missing.append(MissingSection(section=section, reason=error.message, hint=error.hint))
            return None
        finally:
            self.done()

    def done(self) -> None:
        self._count += 1
        if self._told is not None:
            self._told(self._count)


async def _explained(
    engine: DatabaseOptimizer, slow: SlowQueries | None, count: int, timeout: float | None
) -> tuple[ExplainedQuery, ...]:
    if slow is None:
        return ()
    chosen = [row for row in slow.rows if is_read(row.query)][:count]
    async with engine.pool.acquire(timeout=timeout) as session:
        return tuple([await _plan_of(session, row, engine.trusted_functions, timeout) for row in chosen])


async def _plan_of(session: Session, row: SlowQuery, trusted: tuple[str, ...], timeout: float | None) -> ExplainedQuery:
    plan, reason = row.plan, None
    if plan is None:
        try:
            plan = await explain(
                session, row.query, run=False, trusted=trusted, timeout_seconds=timeout or EXPLAIN_SECONDS
            )
        except UnreachableError:
            raise
        except PerfctlError as error:
            reason = error.message
    return ExplainedQuery(query=row.query, fingerprint=row.fingerprint, total_ms=row.total_ms, plan=plan, reason=reason)


async def _settings(engine: DatabaseOptimizer, timeout: float | None) -> ServerSettings:
    async with engine.pool.acquire(timeout=timeout) as session:
        rows = await ask(session, "changed_settings")
    return ServerSettings(
        rows=tuple(
            ServerSetting(name=row["name"], setting=row["setting"], default=row["default_value"], source=row["source"])
            for row in rows
        )
    )


def _worse(doctor: Diagnosis, check: Diagnosis | None) -> Literal["pass", "warn", "fail"]:
    states = {doctor.status, check.status if check else "pass"}
    return "fail" if "fail" in states else "warn" if "warn" in states else "pass"
