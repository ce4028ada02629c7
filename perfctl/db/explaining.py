"""The plan of a foreign statement, measured or estimated, so that nothing of it stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfctl.db.guard.binding import bound_texts
from perfctl.db.guard.gate import vet, writes
from perfctl.db.places import located
from perfctl.db.plans import read_plan
from perfctl.db.postgres import StatementError
from perfctl.db.sqltext import Statement, explainable
from perfctl.db.transaction import GRACE_SECONDS, guarded
from perfctl.errors import AuthError, PerfctlError, RefusedError, ServiceError, TimedOutError

if TYPE_CHECKING:
    from perfctl.db.model.plans import Finding, PlanReport
    from perfctl.db.postgres import Record, Session

EXPLAIN_SECONDS = 30.0
"""How long an analyzed statement may run where nothing else is said."""
_READ_ONLY = "25006"
_PREPARED = "perfctl_generic_plan"
_TOO_MANY = "cannot insert multiple commands"


async def explain(
    session: Session,
    sql: str,
    *,
    run: bool = True,
    allow_write: bool = False,
    timeout_seconds: float = EXPLAIN_SECONDS,
    trusted: tuple[str, ...] = (),
    params: Sequence[object] | None = None,
    params_are_text: bool = False,
    verbose: bool = False,
) -> PlanReport:
    """The plan of one statement that passed the gate, with what is wrong with it.

    With `run` it is measured by running it, READ ONLY unless `allow_write`, and rolled back. One that takes longer
    than `timeout_seconds` is planned alone: `analyzed` is then False. So is a text with `$1` in it and no `params`:
    its plan is for any value (`is_generic`). RefusedError for what could do harm, also by being planned.
    """
    statement = explainable(sql)
    runs = run and (not statement.parameters or params is not None)
    try:
        await vet(session, statement.text, trusted=trusted, allow_write=allow_write, plans_only=not runs)
        if params and params_are_text:
            texts = [str(text) for text in params]
            params = await bound_texts(session, statement.text, texts, timeout_seconds=timeout_seconds, trusted=trusted)
    except StatementError as error:
        raise located(error, sql, statement.offset) from error
    explanation = _Explanation(session, statement, sql, allow_write, timeout_seconds, tuple(params or ()), verbose)
    report = await _report(explanation, run=runs)
    return replace(report, findings=await _findings(session, report))


async def _findings(session: Session, report: PlanReport) -> tuple[Finding, ...]:
    """What is wrong with the plan; by the plan alone where the catalog does not answer."""
    from perfctl.db.findings import examine
    from perfctl.db.findings.catalog import gather

    try:
        return examine(report, await gather(session, report))
    except (TimedOutError, ServiceError, AuthError):
        return examine(report)


async def _report(explanation: _Explanation, *, run: bool) -> PlanReport:
    if run:
        with suppress(TimedOutError):
            return await explanation.measured()
    return await explanation.estimated()


@dataclass(frozen=True, slots=True)
class _Explanation:
    """EXPLAIN of one statement, each in a transaction of its own, which is rolled back whatever happens."""

    session: Session
    statement: Statement
    sql: str
    """The text as it was given, for the place of an error."""
    allow_write: bool
    limit: float
    params: tuple[object, ...]
    verbose: bool

    async def measured(self) -> PlanReport:
        """Run it. RefusedError where it writes and may not, TimedOutError where it takes too long."""
        newer = ", MEMORY, SERIALIZE" if self.session.server_version >= (17, 0) else ""
        return await self._explained(f"ANALYZE, BUFFERS, WAL, SETTINGS{newer}")

    async def estimated(self) -> PlanReport:
        """Plan it alone, for any value where it has parameters without one."""
        if self.statement.parameters and not self.params:
            return await self._generic()
        return await self._explained(self._planned())

    async def _explained(self, options: str) -> PlanReport:
        prefix = self._prefix(options)
        async with self._rolled_back(prefix):
            rows = await self._fetch(prefix + self.statement.text, *self.params)
        return read_plan(rows[0]["QUERY PLAN"], sql=self.statement.text)

    async def _generic(self) -> PlanReport:
        # EXPLAIN (GENERIC_PLAN) would want its parameters bound, and plan for those; and there is none before 16.
        prefix, unknown = f"PREPARE {_PREPARED} AS ", ", ".join(["NULL"] * self.statement.parameters)
        try:
            async with self._rolled_back(prefix):
                await self._fetch(prefix + self.statement.text)
                await self.session.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                rows = await self._fetch(f"{self._prefix(self._planned())}EXECUTE {_PREPARED} ({unknown})")
        finally:
            await self._forget()
        plan = read_plan(rows[0]["QUERY PLAN"], sql=self.statement.text, is_generic=True)
        return replace(plan, settings={n: v for n, v in plan.settings.items() if n != "plan_cache_mode"})

    def _planned(self) -> str:
        return "SETTINGS, MEMORY" if self.session.server_version >= (17, 0) else "SETTINGS"

    def _prefix(self, options: str) -> str:
        return f"EXPLAIN ({options}{', VERBOSE' if self.verbose else ''}, FORMAT JSON) "

    async def _fetch(self, text: str, *arguments: object) -> list[Record]:
        return await self.session.fetch(text, *arguments, timeout=self.limit + GRACE_SECONDS)

    async def _forget(self) -> None:
        """Prepared statements outlive a rollback; one that was refused is not there."""
        with suppress(StatementError), self.session.leaving_nothing():
            await self.session.execute(f"DEALLOCATE {_PREPARED}", timeout=GRACE_SECONDS)

    @asynccontextmanager
    async def _rolled_back(self, prefix: str) -> AsyncIterator[None]:
        """A guarded transaction, undone at the end; errors as they look from outside, without our prefix."""
        try:
            async with guarded(self.session, timeout_seconds=self.limit, writes=self.allow_write):
                yield
        except StatementError as error:
            raise self._understood(error, len(prefix)) from error

    def _understood(self, error: StatementError, prefix: int) -> PerfctlError:
        if error.sqlstate == _READ_ONLY and not self.allow_write:
            return writes(error.message.removeprefix("PostgreSQL: "))
        if _TOO_MANY in error.message:
            return RefusedError(error.message, hint="give one statement at a time")
        return located(error, self.sql, self.statement.offset - prefix)
