"""The live feed: server-sent events with what changed in the snapshot, and the charts of a window of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from starlette.responses import StreamingResponse

from perfctl.api.dashboard.charts import WINDOWS, Charts
from perfctl.api.dashboard.shown import PARTS, shown
from perfctl.api.replies import encoded, failure
from perfctl.api.routes import service_of
from perfctl.document.failure import error_fields
from perfctl.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from perfctl.api.service import Service
    from perfctl.api.snapshot import Known, Snapshot, Update

MOST_FEEDS = 50
"""Pages that are fed at once; each holds a connection."""
BEAT_SECONDS = 5.0
"""How often a page hears that the server is there, also where nothing changed."""

_HEADERS = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
_CHARTS: WeakKeyDictionary[Service, Charts] = WeakKeyDictionary()
_FEEDS: WeakKeyDictionary[Service, int] = WeakKeyDictionary()


async def events(request: Request) -> Response:
    """GET /performance/events?window=1h: `text/event-stream` until the reader or the server leaves.

    `hello` once; `part` for each part of the snapshot, now and whenever its answer is another; `charts` now and at
    each step of the window; `beat` every few seconds with the times at which the parts answered.
    """
    service = service_of(request)
    window = request.query_params.get("window", "1h")
    if window not in WINDOWS:
        return failure(UsageError(f"no window is named {window!r}", hint=f"one of {', '.join(WINDOWS)}"))
    if _FEEDS.get(service, 0) >= MOST_FEEDS:
        return failure(UnreachableError(f"{MOST_FEEDS} pages are fed already", hint="close one, and try again"))
    service.start()
    return StreamingResponse(_feed(service, window), media_type="text/event-stream", headers=_HEADERS)


async def _feed(service: Service, window: str) -> AsyncGenerator[bytes, None]:
    _FEEDS[service] = _FEEDS.get(service, 0) + 1
    try:
        async for name, value in _told(service, window):
            yield b"event: %s\ndata: %s\n\n" % (name.encode(), encoded(value))
    finally:
        _FEEDS[service] -= 1


async def _told(service: Service, window: str) -> AsyncIterator[tuple[str, Any]]:
    """The events as names and plain values."""
    snapshot, charts = service.snapshot, _charts_of(service)
    last: dict[str, bytes] = {}
    next_charts = 0.0
    async with _updates(snapshot) as update:
        yield "hello", _hello(service, window)
        for part in _parts(snapshot):
            for event in _changed(last, part, snapshot.latest(part)):
                yield event
        while True:
            if time.time() >= next_charts:
                drawn = await charts.of(window)
                next_charts = drawn.next_at
                yield "charts", drawn.shown
            arrived, is_over = await update(min(BEAT_SECONDS, max(0.05, next_charts - time.time())))
            if is_over:
                return
            if arrived is None:
                yield "beat", _beat(snapshot)
                continue
            if arrived.part in PARTS:
                for event in _changed(last, arrived.part, arrived.known):
                    yield event


def _changed(last: dict[str, bytes], part: str, known: Known) -> list[tuple[str, Any]]:
    """The event of a part, unless the page has just that already."""
    told = {
        "part": part,
        "error": None if known.error is None else error_fields(known.error),
        "since": known.since,
        "data": None if known.value is None else shown(part, known.value),
    }
    content = encoded(told)
    if not known.was_asked or last.get(part) == content:
        return []
    last[part] = content
    return [("part", {**told, "at": known.at})]


def _hello(service: Service, window: str) -> dict[str, Any]:
    return {
        "context": service.settings.context,
        "is_protected": service.settings.protected,
        "is_read_only": service.settings.read_only,
        "refresh_seconds": service.settings.api.refresh_seconds,
        "beat_seconds": BEAT_SECONDS,
        "window": window,
        "windows": list(WINDOWS),
        "parts": _parts(service.snapshot),
        "now": time.time(),
    }


def _beat(snapshot: Snapshot) -> dict[str, Any]:
    """When each part answered last. Asking for a part keeps what is costly to read in use."""
    return {"now": time.time(), "at": {part: snapshot.latest(part).at for part in _parts(snapshot)}}


def _parts(snapshot: Snapshot) -> list[str]:
    return [part for part in PARTS if part in snapshot.parts]


@asynccontextmanager
async def _updates(snapshot: Snapshot) -> AsyncIterator[Any]:
    """Waiting for the next update with a limit, which the snapshot's own iterator has not."""
    source = cast("AsyncGenerator[Update, None]", snapshot.subscribe())
    waiting: asyncio.Task[Update] | None = None

    async def update(limit_seconds: float) -> tuple[Update | None, bool]:
        nonlocal waiting
        waiting = waiting or asyncio.ensure_future(anext(source))
        await asyncio.wait({waiting}, timeout=limit_seconds)
        if not waiting.done():
            return None, False
        done, waiting = waiting, None
        try:
            return done.result(), False
        except StopAsyncIteration:
            return None, True

    try:
        yield update
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait({waiting})
        await source.aclose()


def _charts_of(service: Service) -> Charts:
    if service not in _CHARTS:
        from perfctl.metrics.history.opening import open_history

        _CHARTS[service] = Charts(open_history(service.settings))
    return _CHARTS[service]
