"""What orchestrators and scrapers ask: is the process alive, is it ready, what has it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from perfctl.api.replies import GUARDING
from perfctl.diagnosis import Diagnosis

if TYPE_CHECKING:
    from starlette.requests import Request

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


async def livez(_request: Request) -> Response:
    """200 while the process answers; touches nothing."""
    return _text("ok\n")


async def readyz(request: Request) -> Response:
    """200 when the last look at every configured part found nothing that fails; else 503. Never waits."""
    service = request.scope["perfctl.service"]
    await service.ready()
    known = service.snapshot.latest("health")
    is_well = isinstance(known.value, Diagnosis) and known.value.status != "fail" and known.error is None
    return _text("ready\n") if is_well else _text("not ready\n", 503)


async def scrape(request: Request) -> Response:
    """GET /metrics: what is known now, as Prometheus or OpenMetrics reads it. Asks nobody and never waits."""
    from perfctl.metrics.exposition.text import openmetrics, prometheus

    service = request.scope["perfctl.service"]
    frame, extra = service.exposed()
    if "application/openmetrics-text" in request.headers.get("accept", ""):
        return _text(openmetrics(frame, extra=extra), kind=OPENMETRICS)
    return _text(prometheus(frame, extra=extra), kind=PROMETHEUS)


def _text(content: str, status: int = 200, *, kind: str = "text/plain; charset=utf-8") -> Response:
    return Response(content, status, {**dict(GUARDING), "content-type": kind})
