"""What the middleware records of an application's requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from perfctl import PerformanceMiddleware, PerformanceOptimizer
from perfctl.recording.registry import Registry


class Recorded:
    """Stands where an optimizer does."""

    def __init__(self) -> None:
        self.recording = Registry(max_series=20)

    def requests(self) -> dict[str, int]:
        """Requests by method, route and status."""
        return {
            " ".join(value for _, value in series.labels): histogram.count
            for series, histogram in self.recording.collect().histograms.items()
        }


def asked(app: Any, *paths: str, method: str = "GET", **options: Any) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, **options)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return [await client.request(method, path) for path in paths]

    return asyncio.run(ask())


async def hello(request: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def broken(request: Any) -> PlainTextResponse:
    raise LookupError("broken")


async def stream(request: Any) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0.02)
        yield b"two"

    return StreamingResponse(parts())


async def cut(request: Any) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise LookupError("cut")

    return StreamingResponse(parts())


def application(*routes: Any) -> tuple[Any, Recorded]:
    recorded = Recorded()
    return PerformanceMiddleware(Starlette(routes=list(routes)), optimizer=recorded), recorded


def test_a_request_is_recorded_by_the_template_of_its_route() -> None:
    app, recorded = application(Route("/users/{id:int}", hello, methods=["GET", "POST"]))
    asked(app, "/users/1", "/users/2")
    asked(app, "/users/3", method="POST")
    assert recorded.requests() == {"GET /users/{id:int} 200": 2, "POST /users/{id:int} 200": 1}


def test_the_template_of_a_mounted_application_has_its_place_before_it() -> None:
    inner = Mount("/v1", routes=[Route("/items/{id}", hello)])
    app, recorded = application(Mount("/{tenant}/api", routes=[inner]))
    asked(app, "/acme/api/v1/items/7", "/other/api/v1/items/8")
    assert recorded.requests() == {"GET /{tenant}/api/v1/items/{id} 200": 2}


def test_a_mounted_application_without_routes_is_one_route() -> None:
    async def files(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("file")(scope, receive, send)

    app, recorded = application(Mount("/static", app=files))
    asked(app, "/static/a.css", "/static/b.css")
    assert recorded.requests() == {"GET /static 200": 2}


def test_an_error_is_recorded_and_goes_on_to_the_server() -> None:
    app, recorded = application(Route("/broken", broken))
    with pytest.raises(LookupError, match="broken"):
        asyncio.run(_called(app, "/broken"))
    assert recorded.requests() == {"GET /broken 500": 1}


def test_a_stream_lasts_until_its_last_byte_and_fails_where_it_is_cut() -> None:
    app, recorded = application(Route("/stream", stream), Route("/cut", cut))
    assert asked(app, "/stream")[0].text == "onetwo"
    with pytest.raises(LookupError):
        asyncio.run(_called(app, "/cut"))
    assert recorded.requests() == {"GET /stream 200": 1, "GET /cut error": 1}
    series = recorded.recording.collect().histograms
    assert max(histogram.maximum or 0 for histogram in series.values()) >= 0.02


def test_work_after_the_reply_is_not_counted() -> None:
    async def with_work(request: Any) -> PlainTextResponse:
        async def work() -> None:
            assert recorded.requests() == {"GET /work 200": 1}

        return PlainTextResponse("done", background=BackgroundTask(work))

    app, recorded = application(Route("/work", with_work))
    assert asked(app, "/work")[0].status_code == 200


def test_a_stream_of_events_is_recorded_when_it_begins() -> None:
    async def events(request: Any) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            assert recorded.requests() == {"GET /events 200": 1}

        return StreamingResponse(parts(), media_type="text/event-stream")

    app, recorded = application(Route("/events", events))
    asked(app, "/events")
    assert recorded.requests() == {"GET /events 200": 1}


def test_paths_that_nobody_routes_are_one_series() -> None:
    app, recorded = application(Route("/", hello))
    asked(app, *[f"/wp-admin/{number}.php" for number in range(50)])
    assert [name for name in recorded.requests() if "404" in name] == ["GET unmatched 404"]


def test_a_framework_that_names_no_route_has_so_many_paths_and_no_more() -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("ok")(scope, receive, send)

    recorded = Recorded()
    app = PerformanceMiddleware(bare, optimizer=recorded)
    asked(
        app,
        *[f"/users/{number}" for number in range(30)],
        *[f"/{chr(97 + n // 26)}x{chr(97 + n % 26)}" for n in range(150)],
    )
    counted = recorded.requests()
    assert counted["GET /users/{id} 200"] == 30
    assert len(counted) == 20
    assert sum(counted.values()) == 180


def test_a_method_that_is_made_up_has_no_series_of_its_own() -> None:
    app, recorded = application(Route("/", hello))
    asked(app, "/", method="SHOUT")
    assert recorded.requests() == {"other / 405": 1}


def test_requests_under_way_are_counted_and_a_client_that_left_is_told_apart() -> None:
    async def run() -> None:
        started = asyncio.Event()

        async def waits(request: Any) -> PlainTextResponse:
            started.set()
            await asyncio.sleep(60)
            return PlainTextResponse("late")

        app, recorded = application(Route("/waits", waits))
        task = asyncio.create_task(_called(app, "/waits"))
        await started.wait()
        active = recorded.recording.gauge("http.requests.active")
        assert active.value == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert active.value == 0
        assert recorded.requests() == {"GET /waits 499": 1}

    asyncio.run(run())


def test_an_application_that_answers_nothing_has_failed() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return None

    recorded = Recorded()
    asyncio.run(_called(PerformanceMiddleware(silent, optimizer=recorded), "/silent"))
    assert recorded.requests() == {"GET /silent 500": 1}


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_websockets_and_the_lifespan_pass_untouched(kind: str) -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.receive"}

    async def send(message: dict[str, Any]) -> None:
        return None

    recorded, scope = Recorded(), {"type": kind}
    asyncio.run(PerformanceMiddleware(app, optimizer=recorded)(scope, receive, send))
    assert seen == [scope, receive, send]
    assert recorded.recording.collect().is_empty


def test_the_middleware_is_added_as_frameworks_add_theirs() -> None:
    from fastapi import APIRouter, FastAPI

    optimizer = PerformanceOptimizer()
    app, router = FastAPI(), APIRouter(prefix="/orders")

    @router.get("/{order_id}")
    async def order(order_id: int) -> dict[str, int]:
        return {"order": order_id}

    app.include_router(router)
    app.add_middleware(PerformanceMiddleware, optimizer=optimizer)  # type: ignore[arg-type]
    assert asked(app, "/orders/7")[0].json() == {"order": 7}
    (series,) = optimizer.recording.collect().histograms
    assert str(series) == "http.request.duration{method=GET, route=/orders/{order_id}, status=200}"


async def _called(app: Callable[..., Any], path: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    is_read = False

    async def receive() -> dict[str, Any]:
        nonlocal is_read
        if is_read:
            await asyncio.sleep(60)
        is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
    await app(scope, receive, send)
    return sent
