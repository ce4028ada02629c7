"""Which pages a check looks at, and what it does where something may not be read or does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from perfctl.cdn.checking.log_places import viewers_of
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.memory import MemoryCloudFront
from perfctl.cdn.model.configuration import NamedCachePolicy
from perfctl.cdn.model.distributions import Distribution
from perfctl.config import CDNConfig
from perfctl.diagnosis import Diagnosis
from perfctl.errors import UnreachableError
from tests.unit.cdn.checking.checking_setups import API, OWN_POLICY, config

PAGE = b"""<html><head><link rel="stylesheet" href="/site.css"><script src="app.js?v=2#x"></script></head>
<body><a href="/about">about</a><a href="/logout">out</a><a href="https://elsewhere.example/x">far</a>
<a href="mailto:a@b">mail</a><a href="/about">again</a><img src="http://[bad"></body></html>"""


class Site:
    """A page with links; everything that is asked for is remembered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self.broken = ""


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if self.path == made.broken:
                self.close_connection = True
                return
            body, kind = (PAGE, "text/html") if self.path == "/" else (b"x", "text/plain")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
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


def _checked(edge_url: str, *, pages: int = 10, urls: tuple[str, ...] = ()) -> Diagnosis:
    known = Distribution("E1SHOP", "d111.cloudfront.net", (), "Deployed", True)
    own = NamedCachePolicy(OWN_POLICY, "api", API)
    control = MemoryCloudFront((known,), configs={"E1SHOP": config()}, policies=(own,))
    engine = CloudFrontOptimizer(CDNConfig(distribution_id="E1SHOP", edge_url=edge_url), control=control)
    return asyncio.run(engine.check_distribution(urls=urls, pages=pages))


def test_the_root_and_what_it_links_to_here_are_looked_at_twice(site: Site) -> None:
    _checked(site.url)
    assert sorted(site.asked) == [
        "/",
        "/",
        "/",
        "/about",
        "/about",
        "/app.js?v=2",
        "/app.js?v=2",
        "/site.css",
        "/site.css",
    ]


def test_no_more_pages_than_are_allowed_are_asked_for(site: Site) -> None:
    _checked(site.url, pages=2, urls=("/named",))
    assert sorted(set(site.asked)) == ["/", "/named", "/site.css"]


def test_without_pages_no_edge_is_asked(site: Site) -> None:
    found = _checked(site.url, pages=0)
    assert site.asked == []
    assert "cdn.answer" not in {one.component for one in found.rows}


def test_an_edge_that_does_not_answer_is_a_finding_beside_the_configurations(site: Site) -> None:
    found = _checked("http://127.0.0.1:9")
    told = {(one.component, one.check): one.status for one in found.rows}
    assert (found.status, told[("cdn.answer", "reachable")]) == ("fail", "fail")
    assert told[("cdn.viewer", "https")] == "pass"


def test_a_page_that_does_not_answer_does_not_hide_the_others(site: Site) -> None:
    site.broken = "/site.css"
    found = _checked(site.url)
    told = {(one.component, one.check): one for one in found.rows}
    assert "/site.css" in told[("cdn.answer", "reachable")].observed
    assert told[("cdn.viewer", "security headers")].objects[0].startswith("/:")


def test_one_url_that_does_not_answer_is_an_error() -> None:
    engine = CloudFrontOptimizer(CDNConfig(edge_url="http://127.0.0.1:9"))
    with pytest.raises(UnreachableError):
        asyncio.run(engine.check_url("/"))


def test_viewers_are_counted_by_country_else_by_edge_location(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    log = tmp_path / "a.log"
    log.write_text("#Fields: date time x-edge-location\n" + "".join(
        f"2026-05-01\t10:00:00\t{pop}\n" for pop in ("FRA56-P3", "NRT12-C1", "SYD1-C1", "IAD89-P1")
    ))  # fmt: skip

    async def nobody() -> object:
        raise AssertionError("S3 is not asked")

    found = asyncio.run(viewers_of([str(log)], nobody))  # type: ignore[arg-type]
    assert found == {"100": 2.0, "200": 1.0, "All": 1.0}
    assert asyncio.run(viewers_of([str(tmp_path / "none")], nobody)) is None  # type: ignore[arg-type]
