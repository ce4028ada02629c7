"""The page and the files that it consists of, under a policy that lets it run and fetch nothing else."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Scripts and styles from this server's files alone; the browser refuses to make HTML or a script of text."""

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
    "vary": "Accept-Encoding",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
STATIC = (
    "charts.js",
    "dashboard.css",
    "dashboard.js",
    "docs.css",
    "dom.js",
    "icon.svg",
    "live.js",
    "plan.js",
    "tables.js",
    "uplot/uPlot.iife.min.js",
    "uplot/uPlot.min.css",
)
"""The files that are served, and no other."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    content: bytes
    packed: bytes
    media_type: str
    etag: str


async def dashboard(request: Request) -> Response:
    """GET /performance/: the page. It holds no figure, and needs no token."""
    return sent(request, asset("index.html"))


async def static(request: Request) -> Response:
    """GET /performance/static/NAME: one of the page's files; 404 for any other name."""
    name = request.path_params["name"]
    return sent(request, asset(name)) if name in STATIC else Response(status_code=404, headers=_HEADERS)


async def to_the_dashboard(request: Request) -> Response:
    """GET /performance: the page's address has a slash at its end, which its own addresses start from."""
    return RedirectResponse("performance/", 308, headers=_HEADERS)


@cache
def asset(name: str) -> Asset:
    """A file of the package, read and compressed once."""
    content = files(__package__).joinpath("static", *name.split("/")).read_bytes()
    return made(content, _TYPES[name[name.rindex(".") :]])


def made(content: bytes, media_type: str) -> Asset:
    """Content with its compressed form, and the tag that changes with it."""
    packed = gzip.compress(content, 9, mtime=0)
    return Asset(content, packed, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def sent(request: Request, found: Asset) -> Response:
    """The reply: 304 where the browser has it already, gzip where it takes it."""
    headers = {**_HEADERS, "etag": found.etag}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(found.content, media_type=found.media_type, headers=headers)
