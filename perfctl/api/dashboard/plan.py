"""The drill-down: the plan of a statement that the server counted, estimated and never run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from perfctl.api.faults import StatementError
from perfctl.api.queries import PlanQuery
from perfctl.api.reading import query_of
from perfctl.api.replies import document, failure, reply
from perfctl.api.routes import service_of
from perfctl.errors import PerfctlError, ServiceError, TimedOutError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from perfctl.api.service import Service
    from perfctl.db.model.plans import PlanReport
    from perfctl.db.model.statements import SlowQuery

LIMIT_SECONDS = 5.0
_MOST_AT_ONCE = 2
"""Others wait for their turn, so that whoever may read cannot take all connections."""
_TURNS: WeakKeyDictionary[Service, asyncio.Semaphore] = WeakKeyDictionary()
_HINT = "GET /performance/database/slow-queries has the fingerprints and queryids"


async def plan(request: Request) -> Response:
    """GET /performance/database/plan?query=FINGERPRINT: what `db analyze --query FINGERPRINT --no-run` answers.

    Only a statement that the server counted can be named, by fingerprint or queryid; it is planned under the gate,
    for any value of its parameters, and not run.
    """
    service = service_of(request)
    try:
        report = await _planned(service, query_of(request, PlanQuery).query)
    except PerfctlError as error:
        return failure(error)
    return reply(document(("db", "analyze"), report, context=service.settings.context))


async def _planned(service: Service, named: str) -> PlanReport:
    counted = await _counted(service, named)
    try:
        async with asyncio.timeout(LIMIT_SECONDS), _turns(service):
            return await service.optimizer.database.analyze_query_performance(
                counted.query, run=False, timeout=LIMIT_SECONDS
            )
    except ServiceError as error:
        raise StatementError(error.message, hint=error.hint, where="query") from error
    except TimeoutError as error:
        raise TimedOutError(
            f"no plan within {LIMIT_SECONDS:g} s", hint="the database may be busy: try again, or perfctl health"
        ) from error


def _turns(service: Service) -> asyncio.Semaphore:
    return _TURNS.setdefault(service, asyncio.Semaphore(_MOST_AT_ONCE))


async def _counted(service: Service, named: str) -> SlowQuery:
    """The statement among those that the snapshot knows."""
    known = await service.snapshot.settled("slow-queries")
    rows: tuple[SlowQuery, ...] = getattr(known.value, "rows", ())
    found = next((row for row in rows if named in (row.fingerprint, row.queryid)), None)
    if found is not None:
        return found
    if known.error is not None:
        raise known.error
    raise UsageError(f"no statement with the fingerprint {named!r} is counted", hint=_HINT)
