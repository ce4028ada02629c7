"""What functions see of a request, what goes on of what they return, and how many are kept ready."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from perfctl.cdn.delivery.behaviours import Association, Origin
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.sandbox.edge import edge_code
from perfctl.sandbox.edge.edge_code import EdgeCode
from perfctl.sandbox.edge.fetch import Ask, fetch
from perfctl.sandbox.edge.header_text import as_text, on_wire
from perfctl.sandbox.edge.http import HttpServer, Request, Response


def wire(text: str, coding: str = "utf-8") -> str:
    return text.encode(coding).decode("latin-1")


def test_functions_see_text_and_what_they_leave_alone_goes_on_as_it_came() -> None:
    came = Headers((("A", wire("é€")), ("B", wire("é", "latin-1")), ("C", "plain")))
    seen = as_text(came)
    assert seen == (("A", "é€"), ("B", "é"), ("C", "plain"))
    assert on_wire(seen, came) == came
    assert on_wire((*seen, ("D", "ü")), came).get("d") == wire("ü")


def test_a_uri_that_a_function_wrote_as_text_is_asked_for_in_utf_8() -> None:
    asked: list[Request] = []

    async def origin(request: Request) -> Response:
        asked.append(request)
        return Response(200)

    async def ran() -> int:
        server = HttpServer(origin, name="origin")
        port = await server.start(0)
        answer = await fetch(
            Origin("o", "127.0.0.1", port), Ask("GET", "/é€ b%2f", "q=ü&%zz", Headers((("Host", "h"),)))
        )
        await server.close()
        return answer.status

    assert asyncio.run(ran()) == 200
    assert (asked[0].path, asked[0].query) == ("/%C3%A9%E2%82%AC%20b%2f", "q=%C3%BC&%zz")


def test_only_so_many_functions_are_kept_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    running: set[str] = set()

    async def opened(function: EdgeFunction, **_: Any) -> Any:
        async def call(event: Any) -> str:
            return function.name

        async def close() -> None:
            running.discard(function.name)

        running.add(function.name)
        return SimpleNamespace(call=call, close=close)

    monkeypatch.setattr("perfctl.cdn.edge.running.open_runner", opened)
    monkeypatch.setattr(edge_code, "MOST_OPEN", 2)
    code: Any = EdgeCode(SimpleNamespace(), SimpleNamespace(by_arn=lambda arn: None))  # type: ignore[arg-type]

    async def called(*names: str) -> None:
        for name in names:
            ready = await code._opened(
                Association("viewer-request", name), EdgeFunction(name, "python", "viewer-request", b"")
            )
            await ready.call({})

    asyncio.run(called("a", "b", "a", "c"))
    assert running == {"a", "c"}
