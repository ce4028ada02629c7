"""The table of routes: each is a method, a path, and the command whose document it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from starlette.requests import Request

    from perfctl.api.service import Service

Scope = Literal["read", "operate"]
Call = Callable[["Service", Any], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row."""

    method: Literal["GET", "POST"]
    path: str
    words: tuple[str, ...]
    """The command whose document it answers."""
    answers: str
    """The result dataclass, as `module:Name`."""
    part: str = ""
    """Of a GET: the part of the snapshot that it shows."""
    call: Call | None = None
    """Of a POST: what it does, with its body."""
    scope: Scope = "read"


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/performance/metrics",
        words=("metrics", "show"),
        answers="perfctl.metrics.model:MetricsSnapshot",
        part="metrics",
    ),
    Route(
        method="GET",
        path="/performance/metrics/cache",
        words=("cache", "stats"),
        answers="perfctl.cache.model.shared:SharedStats",
        part="cache",
    ),
    Route(
        method="GET",
        path="/performance/metrics/cdn",
        words=("cdn", "stats"),
        answers="perfctl.cdn.model.logs:LogStats",
        part="cdn",
    ),
    Route(
        method="GET",
        path="/performance/metrics/database",
        words=("db", "stats"),
        answers="perfctl.db.model.stats:DatabaseStats",
        part="database",
    ),
    Route(
        method="GET",
        path="/performance/health",
        words=("health",),
        answers="perfctl.diagnosis:Diagnosis",
        part="health",
    ),
    Route(
        method="GET",
        path="/performance/database/slow-queries",
        words=("db", "slow"),
        answers="perfctl.db.model.statements:SlowQueries",
        part="slow-queries",
    ),
    Route(
        method="GET",
        path="/performance/database/query-metrics",
        words=("db", "stats"),
        answers="perfctl.db.model.stats:DatabaseStats",
        part="query-metrics",
    ),
)


def service_of(request: Request) -> Service:
    """The service that a request is answered by, also where the application is mounted in another."""
    service: Service = request.scope["perfctl.service"]
    return service
