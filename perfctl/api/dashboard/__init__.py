"""The dashboard at `/performance/`: one page, its live feed, and the documentation of the API as a page."""

from __future__ import annotations

from starlette.routing import Route

from perfctl.api.dashboard.docs import documentation
from perfctl.api.dashboard.page import dashboard, static, to_the_dashboard
from perfctl.api.dashboard.plan import plan
from perfctl.api.dashboard.stream import events

ROUTES: tuple[Route, ...] = (
    Route("/performance", to_the_dashboard, methods=["GET"]),
    Route("/performance/", dashboard, methods=["GET"]),
    Route("/performance/static/{name:path}", static, methods=["GET"]),
    Route("/performance/events", events, methods=["GET"]),
    Route("/performance/database/plan", plan, methods=["GET"]),
    Route("/docs/performance", documentation, methods=["GET"]),
)
"""What the application mounts beside its table: pages, and what only the dashboard asks for."""

OPEN_PATHS = ("/performance", "/performance/", "/performance/static/", "/docs/performance")
"""What holds no figure and is shown without a token, so that the page can ask for one; `/` at the end: all below."""
