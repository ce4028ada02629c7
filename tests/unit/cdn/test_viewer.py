"""The viewer's side: only the distribution's own names, and every failure has its kind."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from threading import Thread
from typing import Any

import pytest

from perfctl.cdn import connecting
from perfctl.cdn.connecting import Target
from perfctl.cdn.edge_words import age_seconds, cache_state
from perfctl.cdn.viewer import Viewer
from perfctl.errors import PerfctlError, ServiceError, TimedOutError, UnreachableError, UsageError

VIEWER = Viewer("https://d111.cloudfront.net", ("d111.cloudfront.net", "www.example.com", "*.img.example.com"))


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("/a b~é%20", "https://d111.cloudfront.net/a%20b~%C3%A9%20"),
        ("//evil.org/a", "https://d111.cloudfront.net//evil.org/a"),
        ("/a*b*", "https://d111.cloudfront.net/a*b*"),
        ("https://WWW.example.com", "https://www.example.com/"),
        ("http://x.img.example.com/a?b=c#d", "http://x.img.example.com/a?b=c"),
    ],
)
def test_own_names_are_looked_at(asked: str, url: str) -> None:
    assert VIEWER.target(asked).url == url


@pytest.mark.parametrize(
    "asked",
    [
        "https://example.com/",
        "https://a.b.img.example.com/",
        "http://169.254.169.254/",
        "https://www.example.com@evil.org/",
        "https://www.example.com.evil.org/",
        "ftp://www.example.com/",
        "file:///etc/passwd",
        "https://[::1/",
        "https://www.example.com:99999/",
        "",
        "a",
    ],
)
def test_strangers_are_refused(asked: str) -> None:
    with pytest.raises(UsageError):
        VIEWER.target(asked)


def test_an_edge_may_lie_under_a_path() -> None:
    assert Viewer("http://proxy:8080/cdn/").target("/a").url == "http://proxy:8080/cdn/a"


@pytest.mark.parametrize("value", ["a\nb", "br\r\nX: y", "é"])
def test_a_header_value_cannot_smuggle_a_header(edge: Any, value: str) -> None:
    with pytest.raises(UsageError):
        asyncio.run(Viewer(edge.url).look("/", accept_encoding=value))
    assert edge.asked == []


def test_an_edge_that_stands_in_is_spoken_to_in_the_names_of_others() -> None:
    viewer = Viewer("http://127.0.0.1:8080", ("www.example.com",), stands_in=True)
    assert viewer.target("https://www.example.com/a") == Target("http", "127.0.0.1", 8080, "www.example.com", "/a")


def _server(reply: bytes | None, drops: Sequence[bytes] = ()) -> tuple[socket.socket, int]:
    """A server that answers a connection with these bytes and then drop by drop, or with nothing at all."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            if reply is not None:
                connection.recv(4096)
                with contextlib.suppress(OSError):
                    connection.sendall(reply)
                    for drop in drops:
                        time.sleep(0.05)
                        connection.sendall(drop)
            else:
                connection.recv(4096)
                connection.recv(1)

    Thread(target=serve, daemon=True).start()
    return listening, listening.getsockname()[1]


@pytest.fixture(params=[(None, TimedOutError), (b"", ServiceError), (b"nonsense\r\n\r\n", ServiceError)])
def failing(request: pytest.FixtureRequest) -> Iterator[tuple[int, type[PerfctlError]]]:
    reply, kind = request.param
    listening, port = _server(reply)
    yield port, kind
    listening.close()


def test_an_edge_that_fails_is_told_by_kind(failing: tuple[int, type[PerfctlError]]) -> None:
    port, kind = failing
    with pytest.raises((kind, UnreachableError)):
        asyncio.run(Viewer(f"http://127.0.0.1:{port}", timeout_seconds=0.3).look("/"))


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nX-Cache: Hit from cloudfront\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_none(reply: bytes) -> None:
    listening, port = _server(reply)
    with listening, pytest.raises(ServiceError):
        asyncio.run(Viewer(f"http://127.0.0.1:{port}", timeout_seconds=5).look("/"))


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_answer_that_trickles_is_not_waited_for_for_ever(
    head: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_PATIENCE", 0.01)
    listening, port = _server(head, drops=[drop] * 60)
    with listening, pytest.raises(TimedOutError):
        asyncio.run(Viewer(f"http://127.0.0.1:{port}", timeout_seconds=5).look("/"))


def test_an_edge_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="Connection refused"):
        asyncio.run(Viewer("http://127.0.0.1:1").look("/"))


def test_an_error_answer_is_an_answer(edge: Any) -> None:
    answer = asyncio.run(Viewer(edge.url).look("/broken"))
    assert (answer.status, answer.cache) == (503, "error")


@pytest.mark.parametrize(
    ("header", "state"),
    [
        ("Hit from cloudfront", "hit"),
        ("RefreshHit from cloudfront", "refresh-hit"),
        ("Miss from cloudfront", "miss"),
        ("Error from cloudfront", "error"),
        ("LambdaGeneratedResponse from cloudfront", "unknown"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_x_cache_is_one_word(header: str | None, state: str) -> None:
    assert cache_state(header) == state


@pytest.mark.parametrize(
    ("header", "age"), [("12", 12), (None, None), ("", None), ("-1", None), ("１", None), ("1.5", None)]
)
def test_an_age_is_whole_seconds_or_none(header: str | None, age: int | None) -> None:
    assert age_seconds(header) == age
