"""One request on its way through the edge, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.delivery.behaviours import Behaviour, Delivery
from perfctl.cdn.delivery.cache_key import CacheKey, key_of
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.cache import Entry
from perfctl.sandbox.edge.http import Request, Response


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way: which distribution and behaviour, under which id."""

    request: Request
    delivery: Delivery
    behaviour: Behaviour
    path: str
    request_id: str

    @property
    def key(self) -> CacheKey:
        policy, request = self.behaviour.cache_policy, self.request
        return key_of(self.delivery.distribution_id, self.path, request.query, request.headers, policy)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, where it came from, and whether others may have it, too."""

    entry: Entry
    result: str
    detail: str
    is_stored: bool = False
    origin_seconds: float | None = None
    """How long the origin took, where it was asked."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A response with the words for it: in the access log, and in X-Cache."""

    response: Response
    result: str
    detail: str
    x_cache: str
    behaviour: Behaviour | None = None
    origin_seconds: float | None = None


def error_page(status: int, text: str) -> Response:
    """The page that the edge itself answers."""
    title = "ERROR: The request could not be satisfied"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY>{escaped}</BODY></HTML>\n"
    return Response(status, Headers((("Content-Type", "text/html"), ("Server", "CloudFront"))), body.encode())
