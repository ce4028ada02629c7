"""The endpoints of the table: a read from the snapshot, a change that may become a job, a job's reply."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from perfctl.api.changes import Answer, Intent
from perfctl.api.faults import BrokenError, NoSuchPathError
from perfctl.api.negotiating import prefers_html
from perfctl.api.reading import body_of, query_of
from perfctl.api.replies import GUARDING, document, failure, reply
from perfctl.api.routes import Route, service_of
from perfctl.api.shown import status_of, written
from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from perfctl.api.jobs import Job
    from perfctl.api.service import Service

_LOG = logging.getLogger("perfctl.api")

Endpoint = Callable[["Request"], Awaitable[Response]]
JOBS = "/performance/jobs/"
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


def read_of(route: Route) -> Endpoint:
    """The endpoint of a GET; a browser is led to the dashboard's section."""

    async def answer(request: Request) -> Response:
        if route.section and prefers_html(request.headers.get("accept", "")):
            return _varying(RedirectResponse(f"{root_of(request)}/performance/#{route.section}", 303, dict(GUARDING)))
        service = service_of(request)
        query = query_of(request, route.query)
        if query == route.query():
            known = await service.snapshot.settled(route.part)
        else:
            known = await service.snapshot.narrowed(route.part, query, lambda: route.read(service.optimizer, query))
            if isinstance(known.error, UsageError):
                raise known.error
        limit = getattr(query, "limit", None)
        content = written(route, known, context=service.settings.context, limit=limit)
        return _varying(reply(content, status_of(route, known)))

    return answer


def change_of(route: Route) -> Endpoint:
    """The endpoint of a POST."""

    async def answer(request: Request) -> Response:
        service = service_of(request)
        request.scope["perfctl.caller"].require(route.scope)
        body, content = await body_of(request, route.body, at_most=service.settings.api.max_body_bytes)
        intent = route.meant(body)
        service.permit(intent, body.confirm, request.scope["perfctl.caller"])
        digest = hashlib.sha256(route.path.encode() + b"\0" + content).hexdigest()

        async def work() -> Response:
            return await _worked(service, request, route, intent, body)

        job = await service.jobs.run(work, route=route.path, key=_key(request), digest=digest)
        return job.reply or _accepted(service, request, job)

    return answer


async def job(request: Request) -> Response:
    """GET /performance/jobs/{id}: the reply of what took long, or how far it is."""
    service = service_of(request)
    found = service.jobs.get(request.path_params["job_id"])
    if found is None:
        raise NoSuchPathError("there is no such job, or no more", hint="a job's reply is kept for an hour")
    return found.reply or _accepted(service, request, found)


async def _worked(service: Service, request: Request, route: Route, intent: Intent, body: object) -> Response:
    """Do it, make the reply, write the audit's line: also where it failed or was stopped."""
    started, outcome, status = time.perf_counter(), "stopped", 500
    try:
        answer = await route.call(service.optimizer, body)
        made = _made(service, answer, (time.perf_counter() - started) * 1000)
        outcome, status = "partly done" if answer.is_partly_done else "done", made.status_code
    except PerfctlError as error:
        made = failure(error)
        outcome, status = "refused" if error.kind in ("refused", "usage") else "failed", made.status_code
    except Exception as error:  # noqa: BLE001 - a bug is told without what it was working on
        _LOG.exception("POST %s broke", route.path)
        made = failure(
            BrokenError(f"a bug in perfctl: {type(error).__name__}", hint="the log of serve has the details")
        )
        outcome = "failed"
    finally:
        took_ms = (time.perf_counter() - started) * 1000
        service.note_change(request.scope, route, intent, outcome, status, took_ms)
    return made


def _made(service: Service, answer: Answer, took_ms: float) -> Response:
    context = service.settings.context
    return reply(document(answer.words, answer.result, context=context, warnings=answer.warnings, took_ms=took_ms))


def _accepted(service: Service, request: Request, job: Job) -> Response:
    """202 with the address at which the reply will be."""
    url = f"{root_of(request)}{JOBS}{job.id}"
    state = job.state(url)
    content = document(state.words, state, context=service.settings.context, took_ms=state.took_seconds * 1000)
    return reply(content, 202, headers={"location": url, "retry-after": "1"})


def _key(request: Request) -> tuple[str, str] | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise UsageError("Idempotency-Key has 1 to 200 visible characters of ASCII", hint="such as a UUID")
    return request.scope["perfctl.caller"].name, key


def root_of(request: Request) -> str:
    """Where the application is mounted."""
    return str(request.scope.get("root_path", ""))


def _varying(made: Response) -> Response:
    made.headers["vary"] = "Accept"
    return made
