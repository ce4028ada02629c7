"""One request on its way through the edge, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.delivery.behaviours import Behaviour, Delivery
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, where it came from, and whether others may have it, too."""

    entry: Entry
    result: str
    detail: str
    is_stored: bool = False


def error_page(status: int, text: str) -> Response:
    """The page that the edge itself answers."""
    title = "ERROR: The request could not be satisfied"
    body = f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY>{text}</BODY></HTML>\n"
    return Response(status, Headers((("Content-Type", "text/html"), ("Server", "CloudFront"))), body.encode())
