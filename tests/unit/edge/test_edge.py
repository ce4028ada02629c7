"""The edge before origins that answer as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.edge import Edge
from perfctl.sandbox.edge.http import HttpServer, Request, Response
from perfctl.sandbox.edge.places import home_of
from tests.unit.edge.samples import config_with

TEXT = "text/plain"
Page = Callable[[Request], Response]
Story = Callable[["Stage"], Coroutine[Any, Any, None]]


class Stage:
    """An edge, and an origin that answers with `page`."""

    def __init__(self, account: Account, edge: Edge) -> None:
        self.account = account
        self.edge = edge
        self.asked: list[Request] = []
        self.delay_seconds = 0.0
        self.page: Page = lambda _: Response(200)

    def answers(self, body: bytes = b"body", status: int = 200, **fields: str) -> None:
        """From now on the origin answers so; a field's `_` is a `-`."""
        headers = Headers(tuple((name.replace("_", "-"), value) for name, value in fields.items()))
        self.page = lambda _: Response(status, headers, body)

    async def origin(self, request: Request) -> Response:
        self.asked.append(request)
        await asyncio.sleep(self.delay_seconds)
        return self.page(request)

    async def get(self, path: str = "/a", method: str = "GET", **fields: str) -> Response:
        headers = Headers(tuple((name.replace("_", "-"), value) for name, value in fields.items()))
        if "host" not in headers:
            headers = headers.with_("Host", "stage.test")
        path, _, query = path.partition("?")
        return await self.edge.handle(Request(method, path, query, headers))

    async def x_cache(self, path: str = "/a", **fields: str) -> str:
        return (await self.get(path, **fields)).headers.get("x-cache") or ""


@pytest.fixture
def play(account: Account) -> Callable[[Story], None]:
    """Run a story on a stage."""

    def run(story: Story) -> None:
        async def started() -> None:
            edge = Edge(account, default_id="ESAMPLE", home=home_of("eu-central-1"))
            stage = Stage(account, edge)
            server = HttpServer(stage.origin, name="origin")
            port = await server.start(0)
            config = config_with(alias="stage.test", policy=CACHING_OPTIMIZED, origin_port=port)
            account.distributions.create(config)
            try:
                await story(stage)
            finally:
                await edge.close()
                await server.close()

        asyncio.run(started())

    return run


Play = Callable[[Story], None]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_stale_answer_is_served_while_a_fresh_one_is_fetched(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"old", Cache_Control="max-age=10, stale-while-revalidate=60")
        await stage.get()
        stage.answers(b"new", Cache_Control="max-age=10, stale-while-revalidate=60")
        stage.account.clock.advance(11)
        first = await stage.get()
        await until(lambda: stage.edge.figures()["fetching"] == 0)
        second = await stage.get()
        assert [first.body, second.body, len(stage.asked)] == [b"old", b"new", 2]

    play(story)


@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        ("max-age=10", [200, 200]),
        ("max-age=10, stale-if-error=0", [503, 503]),
        ("max-age=10, must-revalidate", [503, 503]),
        ("max-age=10, stale-if-error=60", [200, 503]),
    ],
)
def test_a_stale_answer_outlives_an_error_as_long_as_the_origin_said(
    play: Play, rules: str, statuses: list[int]
) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(Cache_Control=rules)
        await stage.get()
        stage.answers(status=503)
        seen = []
        for _ in range(2):
            stage.account.clock.advance(50)
            seen.append((await stage.get()).status)
        assert seen == statuses

    play(story)


def test_an_origin_that_failed_is_left_alone_as_long_as_an_error_is_kept(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"old", Cache_Control="max-age=10")
        await stage.get()
        stage.answers(status=503)
        stage.account.clock.advance(50)
        stale = [await stage.get() for _ in range(3)]
        stage.answers(b"new", Cache_Control="max-age=10")
        stage.account.clock.advance(9)
        resting = await stage.get()
        stage.account.clock.advance(2)
        assert [*(reply.body for reply in stale), resting.body, (await stage.get()).body] == [b"old"] * 4 + [b"new"]
        assert len(stage.asked) == 3

    play(story)


def test_viewers_who_waited_for_what_may_not_be_shared_ask_for_themselves(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.delay_seconds = 0.1
        stage.answers(status=403)
        replies = await asyncio.gather(*(stage.get() for _ in range(5)))
        assert ([reply.status for reply in replies], len(stage.asked)) == ([403] * 5, 5)

    play(story)


def test_the_origin_sees_no_more_of_the_viewer_than_the_policy_says(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(Set_Cookie="a=1")
        reply = await stage.get(
            "/a?x=1", cookie="s=1", authorization="Basic x", user_agent="me", accept_encoding="gzip, br", x_other="1"
        )
        (asked,) = stage.asked
        names = {name.lower() for name, _ in asked.headers}
        assert names == {"host", "user-agent", "accept-encoding", "via", "x-amz-cf-id", "x-forwarded-for", "connection"}
        assert (asked.query, asked.headers.get("accept-encoding"), asked.headers.get("user-agent")) == (
            "",
            "br,gzip",
            "Amazon CloudFront",
        )
        assert "set-cookie" not in reply.headers

    play(story)


def test_what_the_origin_has_compressed_stays_as_it_is(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"z" * 5_000, Content_Type=TEXT, Content_Encoding="gzip", ETag='"v"')
        reply = await stage.get(accept_encoding="br, gzip")
        assert (reply.body, reply.headers.get("content-encoding"), reply.headers.get("etag")) == (
            b"z" * 5_000,
            "gzip",
            '"v"',
        )

    play(story)


def test_an_old_form_that_was_refreshed_is_served_with_the_newer_headers(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"body", Cache_Control="max-age=10", ETag='"v"', X_Version="1")
        await stage.get()
        stage.answers(b"", 304, Cache_Control="max-age=100", ETag='"v"', X_Version="2")
        stage.account.clock.advance(11)
        refreshed = await stage.get()
        stage.account.clock.advance(90)
        assert (refreshed.headers.get("x-cache"), refreshed.body, refreshed.headers.get("x-version")) == (
            "RefreshHit from cloudfront",
            b"body",
            "2",
        )
        assert (stage.asked[1].headers.get("if-none-match"), await stage.x_cache()) == ('"v"', "Hit from cloudfront")

    play(story)


def test_a_conditional_viewer_fills_the_cache_for_all(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"body", ETag='"v"')
        first = await stage.get(if_none_match='"v"')
        assert (first.status, "if-none-match" in stage.asked[0].headers) == (304, False)
        assert (await stage.get()).body == b"body"

    play(story)


def test_one_viewer_without_a_right_is_not_answered_for_another_distribution(play: Play) -> None:
    async def story(stage: Stage) -> None:
        stage.answers(b"of the stage")
        await stage.get()
        assert (await stage.get(host="cdn.sandbox.test")).status == 502

    play(story)


def test_a_disabled_distribution_does_not_answer(play: Play) -> None:
    async def story(stage: Stage) -> None:
        made = stage.account.distributions.create(config_with(alias="off.test", enabled=False))
        assert (made.domain.endswith(".cloudfront.net"), (await stage.get(host="off.test")).status) == (True, 403)

    play(story)


LYING: dict[str, bytes] = {
    "nothing": b"",
    "no http": b"hello\r\n\r\n",
    "short body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    "too large": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "bad field": b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("what", LYING)
def test_an_origin_that_speaks_no_http_is_a_502(account: Account, what: str) -> None:
    async def run() -> int:
        async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(LYING[what])
            writer.close()

        server = await asyncio.start_server(lie, "127.0.0.1", 0)
        config = config_with(alias="liar.test", origin_port=server.sockets[0].getsockname()[1])
        account.distributions.create(config)
        edge = Edge(account, default_id="ESAMPLE", home=home_of("eu-central-1"))
        reply = await edge.handle(Request("GET", "/", headers=Headers((("Host", "liar.test"),))))
        server.close()
        return reply.status

    assert asyncio.run(run()) == 502


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.0 200\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_an_origin_may_end_its_body_in_three_ways(account: Account, answer: bytes, body: bytes) -> None:
    async def run() -> Response:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        account.distributions.create(config_with(alias="o.test", origin_port=server.sockets[0].getsockname()[1]))
        edge = Edge(account, default_id="ESAMPLE", home=home_of("eu-central-1"))
        reply = await edge.handle(Request("GET", "/", headers=Headers((("Host", "o.test"),))))
        server.close()
        return reply

    reply = asyncio.run(run())
    assert (reply.status, reply.body) == (200, body)
