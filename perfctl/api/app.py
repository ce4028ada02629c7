"""The HTTP API as an ASGI application, for `perfctl serve` and for mounting into the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Endpoint

from perfctl.api.replies import document, reply, what_is_missing
from perfctl.api.routes import ROUTES, Route, service_of
from perfctl.api.service import Service

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from perfctl.config.settings import Settings
    from perfctl.optimizer import PerformanceOptimizer


def application(settings: Settings, *, optimizer: PerformanceOptimizer | None = None) -> Starlette:
    """The API of a context. Engines that are given stay open; else it has its own, and closes them at its end.

    Where it is mounted (`Mount("/", application(settings, optimizer=performance_optimizer))`) nobody runs its
    lifespan: it begins to ask at the first request.
    """
    service = Service(settings, optimizer)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.close()

    app = Starlette(
        routes=[Endpoint(route.path, _endpoint(route), methods=[route.method]) for route in ROUTES],
        middleware=[Middleware(_Serving, service=service)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


class _Serving:
    """Hands the service to every request."""

    def __init__(self, app: ASGIApp, *, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["perfctl.service"] = self._service
        await self._app(scope, receive, send)


def _endpoint(route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        service = service_of(request)
        known = await service.snapshot.settled(route.part)
        warnings = what_is_missing(known, route.part)
        content = document(
            route.words, known.value, context=service.settings.context, warnings=warnings, took_ms=known.took_ms
        )
        return reply(content)

    return answer
