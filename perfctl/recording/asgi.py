"""What an ASGI application's requests took, how many failed, how many are under way: measured by a middleware."""

from __future__ import annotations

import re
import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from perfctl.recording.registry import Recorder, Registry
from perfctl.recording.series import OTHER

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED = "unmatched"
"""The route of a request that no route answers: what is guessed at has no series of its own."""
CLIENT_LEFT = "499"
"""The status of a request whose client left before it was answered, as nginx counts it."""
CUT_OFF = "error"
"""The status of a reply that failed after its first bytes: its client saw a status, and not all of the body."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_MOST_PATHS = 100
"""Routes that are made of paths where the framework names none; what comes after them is `other`."""
_MOST_BOUND = 2000


class HasRecording(Protocol):
    """What has a registry: a `PerformanceOptimizer`, or one of its engines."""

    @property
    def recording(self) -> Registry: ...


class PerformanceMiddleware:
    """Measures each HTTP request of an ASGI application: `http.request.duration` by method, route and status, and
    `http.requests.active`.

        app.add_middleware(PerformanceMiddleware, optimizer=performance_optimizer)

    A request lasts until the last byte of its reply was handed over; work in the background afterwards is not
    counted, and of a stream of events the time until it began. The route is the template that the framework matched
    (`/users/{id}`); of a framework that names none, the path with its numbers and ids taken out, up to 100 different
    ones. Errors go on to the server as they came. WebSockets and the application's lifespan pass untouched.
    """

    def __init__(self, app: Application, optimizer: HasRecording) -> None:
        self.app = app
        self._optimizer = optimizer
        self._bound: dict[tuple[str, str, str], Recorder] = {}
        self._of: Registry | None = None
        self._paths: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        active = self._optimizer.recording.gauge("http.requests.active")
        active.add(1)
        request = _Request(self, scope, send)
        try:
            await self.app(scope, receive, request.send)
        except CancelledError:
            request.failed(CLIENT_LEFT)
            raise
        except BaseException:
            request.failed("500")
            raise
        else:
            request.failed("500")  # no error, and no reply either: the server answers in its place
        finally:
            active.add(-1)
        return None

    def recorded(self, scope: Scope, prefix: str, status: str, seconds: float) -> None:
        """Count a request that is over."""
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        recorder = self._recorder(method, self._route(scope, prefix, status), status)
        recorder.record(seconds)

    def _recorder(self, method: str, route: str, status: str) -> Recorder:
        registry, key = self._optimizer.recording, (method, route, status)
        if registry is not self._of:
            self._of, self._bound = registry, {}
        known = self._bound.get(key)
        if known is None:
            known = registry.histogram("http.request.duration", method=method, route=route, status=status)
            if len(self._bound) < _MOST_BOUND:
                self._bound[key] = known
        return known

    def _route(self, scope: Scope, prefix: str, status: str) -> str:
        matched = getattr(scope.get("route"), "path", None)
        if isinstance(matched, str):
            return _template(scope, prefix, matched)
        if status == "404":
            return UNMATCHED
        route = _without_ids(str(scope.get("path", "")))
        if route not in self._paths:
            if len(self._paths) >= _MOST_PATHS:
                return OTHER
            self._paths.add(route)
        return route


class _Request:
    """One request while it is answered."""

    __slots__ = ("_is_over", "_is_stream", "_middleware", "_prefix", "_scope", "_send", "_started", "_status")

    def __init__(self, middleware: PerformanceMiddleware, scope: Scope, send: Send) -> None:
        self._middleware, self._scope, self._send = middleware, scope, send
        self._prefix = scope.get("root_path", "")
        self._status: str | None = None
        self._is_stream = self._is_over = False
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Hand a message over, and see whether it is the last."""
        kind = message["type"]
        if kind == "http.response.start":
            self._status = str(message["status"])
            self._is_stream = _is_event_stream(message)
        await self._send(message)
        if kind == "http.response.body":
            if self._is_stream or not message.get("more_body", False):
                self._over()
        elif kind == "http.response.pathsend":
            self._over()

    def failed(self, status: str) -> None:
        """The application is done: a request that is not over by now failed."""
        if not self._is_over:
            self._status = status if self._status is None or status == CLIENT_LEFT else CUT_OFF
            self._over()

    def _over(self) -> None:
        if not self._is_over:
            self._is_over = True
            seconds = time.perf_counter() - self._started
            self._middleware.recorded(self._scope, self._prefix, self._status or "500", seconds)


def _is_event_stream(message: Message) -> bool:
    """Whether a reply goes on until its client has enough."""
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )


def _template(scope: Scope, prefix: str, path: str) -> str:
    """The template of a matched route, below those of the applications that it is mounted in."""
    mounted = str(scope.get("root_path", ""))
    mounted = mounted[len(prefix) :] if mounted.startswith(prefix) else ""
    if not mounted:
        return path or "/"
    named = {str(value): name for name, value in scope.get("path_params", {}).items()}
    above = "/".join(f"{{{named[part]}}}" if part in named else part for part in mounted.split("/"))
    is_mount = hasattr(scope.get("route"), "routes")  # the last that matched is the mount itself
    return above if is_mount else above + path


_ID = re.compile(r"[0-9]+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|.{40,}")


def _without_ids(path: str) -> str:
    """A path as a route: its numbers, hashes and long words as `{id}`.

    >>> _without_ids("/users/4711/orders/8d3e4f4a-52a8-4f0a-9c0e-0d3a4b0ea7a1")
    '/users/{id}/orders/{id}'
    """
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in path.split("/")[:8])
