"""The small HTTP server: who is too slow, too much, or hits a bug."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge import http
from perfctl.sandbox.edge.http import HttpServer, Patience, Request, Response

IMPATIENT = Patience(idle_seconds=0.2, head_seconds=0.2, body_seconds=0.2, send_seconds=0.2)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


async def hello(request: Request) -> Response:
    if request.path == "/bug":
        raise RuntimeError("a bug")
    return Response(200, Headers((("X-Body", request.body.decode("latin-1")),)), b"hello")


def served(talk: Talk, patience: Patience | None = None) -> bytes:
    """What `talk` heard from a server that says hello."""

    async def run() -> bytes:
        server = HttpServer(hello, name="test", patience=patience)
        reader, writer = await asyncio.open_connection("127.0.0.1", await server.start(0))
        try:
            async with asyncio.timeout(10):
                return await talk(reader, writer)
        finally:
            writer.close()
            await server.close()

    return asyncio.run(run())


def saying(*texts: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for text in texts:
            writer.write(text)
            await asyncio.sleep(0.01)
        return await reader.read()

    return talk


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"", b""),
        (b"GET / HT", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 "),
    ],
)
def test_a_client_that_is_too_slow_is_told_and_left(said: bytes, answer: bytes) -> None:
    heard = served(saying(said), IMPATIENT)
    assert heard[: len(answer)] == answer
    assert bool(heard) == bool(answer)


def test_a_connection_serves_several_requests() -> None:
    heard = served(
        saying(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    )
    assert (heard.count(b"HTTP/1.1 200 OK"), heard.count(b"\r\n\r\nhello"), heard.count(b"Content-Length: 5")) == (
        2,
        1,
        2,
    )


def test_a_chunked_body_is_put_together() -> None:
    text = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n"
    assert b"X-Body: abcd\r\n" in served(saying(text, b"1\r\nd\r\n0\r\n\r\n"))


def test_a_bug_in_the_handler_is_a_500_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "perfctl.sandbox.edge"):
        heard = served(saying(b"GET /bug HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert "RuntimeError: a bug" in caplog.text


def test_more_connections_than_allowed_are_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 0)
    assert served(saying(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 503 ")


def test_a_body_beyond_the_limit_is_a_413_even_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 10)
    text = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n"
    )
    assert served(saying(text)).startswith(b"HTTP/1.1 413 ")


def test_an_answer_of_status_0_ends_the_connection_without_a_word() -> None:
    async def silent(_: Request) -> Response:
        return http.NO_ANSWER

    async def run() -> bytes:
        server = HttpServer(silent, name="test")
        reader, writer = await asyncio.open_connection("127.0.0.1", await server.start(0))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        heard = await reader.read()
        writer.close()
        await server.close()
        return heard

    assert asyncio.run(run()) == b""


def test_a_header_value_cannot_break_the_answer() -> None:
    head = http.response_head(Response(200, Headers((("X-A", "smile ☺"),))), keep=True)
    assert head.decode("latin-1").split("\r\n")[1] == "X-A: smile ?"
