"""A distribution to ask about, its control plane in memory, and an engine, all on one virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.distributions import Distribution
from perfctl.config import CDNConfig


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def shop() -> Distribution:
    return Distribution(
        id="E1SHOP",
        domain_name="d111.cloudfront.net",
        aliases=("www.example.com", "*.img.example.com"),
        status="Deployed",
        enabled=True,
        compresses=True,
        tag_header="Cache-Tag",
    )


@pytest.fixture
def blog() -> Distribution:
    return Distribution("E2BLOG", "d222.cloudfront.net", ("blog.example.com",), "InProgress", True, compresses=False)


@pytest.fixture
def control(clock: VirtualClock, shop: Distribution, blog: Distribution) -> MemoryCloudFront:
    return MemoryCloudFront((shop, blog), time=clock.time)


@pytest.fixture
def engine(control: MemoryCloudFront, clock: VirtualClock, edge: Edge) -> CloudFrontOptimizer:
    config = CDNConfig(distribution_id="E1SHOP", edge_url=edge.url)
    return CloudFrontOptimizer(config, control=control, time=clock.time)


class Edge:
    """An edge of a few lines: what was asked before is a hit, until `forget`."""

    def __init__(self) -> None:
        self.kept: set[tuple[str, str, str]] = set()
        self.asked: list[tuple[str, str, str]] = []
        self.forgets = False
        self.url = ""

    def answer(self, key: tuple[str, str, str]) -> tuple[int, str]:
        """Status and X-Cache for a host, path and Accept-Encoding."""
        self.asked.append(key)
        if key[1].startswith("/broken"):
            return 503, "Error from cloudfront"
        was_kept = key in self.kept and not self.forgets
        self.kept.add(key)
        return 200, "Hit from cloudfront" if was_kept else "Miss from cloudfront"


@pytest.fixture
def edge() -> Iterator[Edge]:
    """The edge over real HTTP."""
    made = Edge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, x_cache = made.answer((self.headers["Host"], self.path, self.headers.get("Accept-Encoding", "")))
            body = b"hello"
            self.send_response(status)
            headers = {"X-Cache": x_cache, "Content-Length": str(len(body)), "X-Amz-Cf-Pop": "FRA56-P1"}
            if x_cache.startswith("Hit"):
                headers["Age"] = "4000"
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
