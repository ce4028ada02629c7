"""The HTTP API as an ASGI application, for `perfctl serve` and for mounting into the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Endpoint

from perfctl.api import dashboard, endpoints, openapi, probes
from perfctl.api.dashboard.docs import documentation
from perfctl.api.faults import MethodError, NoSuchPathError
from perfctl.api.guard import Guard
from perfctl.api.negotiating import prefers_html
from perfctl.api.replies import GUARDING, failure
from perfctl.api.routes import ROUTES, Route
from perfctl.api.service import Service
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from perfctl.config.settings import Settings
    from perfctl.optimizer import PerformanceOptimizer

_CHAPTERS = ("/performance/cache/", "/performance/cdn/", "/performance/database/")
"""Where a browser finds the documentation of the routes below."""


def application(settings: Settings, *, optimizer: PerformanceOptimizer | None = None) -> Starlette:
    """The API of a context. Engines that are given stay open; else it has its own, and closes them at its end.

    Where it is mounted (`Mount("/", application(settings, optimizer=performance_optimizer))`) nobody runs its
    lifespan: it begins to ask at the first request, and `await app.state.service.close()` ends it.
    """
    service = Service(settings, optimizer)
    service.open_paths = frozenset((*dashboard.OPEN_PATHS, *_CHAPTERS, openapi.PATH))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await service.ready()
        try:
            yield
        finally:
            await service.close()

    app = Starlette(
        routes=_endpoints(),
        middleware=[Middleware(Guard, service=service)],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


def _endpoints() -> list[BaseRoute]:
    return [
        *(Endpoint(route.path, _endpoint(route), methods=[route.method]) for route in ROUTES),
        Endpoint(f"{endpoints.JOBS}{{job_id}}", endpoints.job, methods=["GET"]),
        Endpoint("/livez", probes.livez, methods=["GET"]),
        Endpoint("/readyz", probes.readyz, methods=["GET"]),
        Endpoint("/metrics", probes.scrape, methods=["GET"]),
        Endpoint(openapi.PATH, openapi.document, methods=["GET"]),
        Endpoint("/docs/performance", _documentation, methods=["GET"]),
        *(Endpoint(path, _chapter, methods=["GET"]) for path in _CHAPTERS),
        *dashboard.ROUTES,
    ]


def _endpoint(route: Route) -> endpoints.Endpoint:
    return endpoints.change_of(route) if route.method == "POST" else endpoints.read_of(route)


async def _documentation(request: Request) -> Response:
    """The page for a browser, the OpenAPI document for every other client."""
    if prefers_html(request.headers.get("accept", "")):
        return await documentation(request)
    return await openapi.document(request)


async def _chapter(request: Request) -> Response:
    if not prefers_html(request.headers.get("accept", "")):
        raise HTTPException(404)
    chapter = request.url.path.rstrip("/").rpartition("/")[2]
    return RedirectResponse(f"{endpoints.root_of(request)}/docs/performance#{chapter}", 303, dict(GUARDING))


async def _refused(request: Request, error: Exception) -> Response:
    """What the router does not know, in the form of every error."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class alone
    path = request.url.path[:200]
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        told = MethodError(f"{request.method} is not for {path}", hint=f"it knows {allowed}")
        return failure(told, headers={"allow": allowed})
    if error.status_code == 404:
        return failure(NoSuchPathError(f"nothing is at {path}", hint="GET /docs/performance lists what there is"))
    return failure(UsageError(str(error.detail)))
