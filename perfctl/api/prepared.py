"""Reads that are ready to be sent: the document of a part is written once each time that it is asked, not for each
reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.api.negotiating import prefers_html
from perfctl.api.replies import GUARDING, JSON
from perfctl.api.routes import READS, Route
from perfctl.api.shown import status_of, written

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from perfctl.api.snapshot import Known, Snapshot


class Reply:
    """Bytes with their head: an ASGI application that sends them."""

    __slots__ = ("_body", "_head", "known")

    def __init__(self, known: Known, content: bytes, status: int) -> None:
        self.known = known
        head = [*GUARDING, ("content-type", JSON), ("content-length", str(len(content))), ("vary", "Accept")]
        self._head = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in head],
        }
        self._body = {"type": "http.response.body", "body": content}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(self._head.copy())
        await send(_NOTHING if scope["method"] == "HEAD" else self._body)


_NOTHING: dict[str, Any] = {"type": "http.response.body", "body": b""}


class Prepared:
    """The replies of the reads without parameters."""

    def __init__(self, snapshot: Snapshot, context: str) -> None:
        self._snapshot, self._context = snapshot, context
        self._routes: dict[str, Route] = {route.path: route for route in READS}
        self._replies: dict[str, Reply] = {}

    def reply(self, method: str, path: str, accept: bytes) -> Reply | None:
        """The reply; None where nothing was asked yet, where the path is no read, and where a browser wants a page."""
        route = self._routes.get(path)
        if route is None or (b"text/html" in accept and route.section and prefers_html(accept)):
            return None
        known = self._snapshot.latest(route.part)
        kept = self._replies.get(path)
        if kept is not None and kept.known is known:
            return kept
        if not known.was_asked:
            return None
        content = written(route, known, context=self._context)
        kept = self._replies[path] = Reply(known, content, status_of(route, known))
        return kept
