"""Preloads: paced, tried again, redirected within their own names alone, over connections that are kept."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from perfctl.cdn.memory import VirtualClock
from perfctl.cdn.model.preloads import PreloadReport, Warmed
from perfctl.cdn.preloading.fetching import preload
from perfctl.cdn.preloading.pace import Pace
from perfctl.cdn.preloading.sources import sitemap_urls
from perfctl.cdn.viewer import Viewer
from perfctl.errors import ServiceError, UsageError

NAME = "www.example.com"


class Site:
    """Pages that redirect, fail once or for ever, or are nobody's to keep; what was cached before is a hit."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.connections = 0
        self.kept: set[tuple[str, str | None]] = set()
        self.url = ""
        self.hangs_up_after = 0
        self.pages: dict[str, bytes] = {}

    def answer(self, path: str, pop: str | None) -> tuple[int, dict[str, str]]:
        count = sum(1 for _, asked in self.asked if asked == path)
        places = {
            "/moved": f"http://{NAME}/ok",
            "/relative": "ok?a=b#c",
            "/in-utf-8": "/caf\u00e9".encode().decode("latin-1"),
            "/in-latin-1": "/caf\u00e9",
            "/away": "http://169.254.169.254/latest/meta-data/",
            "/smuggled": f"http://{NAME}@evil.example/",
            "/elsewhere": "//evil.example/x",
            "/odd-port": f"http://{NAME}:22/",
            "/round": "/round",
            "/1": "/2",
            "/2": "/3",
            "/3": "/ok",
        }
        if path in places:
            return 301, {"Location": places[path]}
        if path == "/flaky":
            return (503, {}) if count == 1 else (200, self._cache(path, pop))
        if path == "/me":
            return 200, {"X-Cache": "Miss from cloudfront", "Cache-Control": "private, no-store"}
        return (503, {}) if path == "/broken" else (200, self._cache(path, pop))

    def _cache(self, path: str, pop: str | None) -> dict[str, str]:
        state = "Hit" if (path, pop) in self.kept else "Miss"
        self.kept.add((path, pop))
        return {"X-Cache": f"{state} from cloudfront"}


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            made.connections += 1
            super().setup()
            self.served = 0

        def do_GET(self) -> None:
            made.asked.append((self.headers["Host"], self.path))
            status, headers = made.answer(self.path, self.headers.get("X-Perfctl-Pop"))
            self.send_response(status)
            body = made.pages.get(self.path, b"hello")
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.served += 1
            if made.hangs_up_after and self.served >= made.hangs_up_after:
                self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who hangs up is no news
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def _preloaded(site: Site, *urls: str, **asked: Any) -> PreloadReport:
    viewer = Viewer(site.url, (NAME,), stands_in=True, timeout_seconds=5)
    asked = {"encodings": ("br",), "concurrency": 1, "time": VirtualClock().time, **asked}
    return asyncio.run(preload(viewer, urls, asked.pop("encodings"), **asked))


def _row(site: Site, url: str) -> Warmed:
    (row,) = _preloaded(site, url).rows
    return row


@pytest.mark.parametrize(
    ("url", "onwards"), [("/moved", f"http://{NAME}/ok"), ("/relative", "/ok?a=b#c"), ("/2", "/ok")]
)
def test_redirects_within_the_distribution_are_followed(site: Site, url: str, onwards: str) -> None:
    row = _row(site, url)
    assert (row.status, row.is_warm, row.error) == (200, True, None)
    assert row.redirected_to == (onwards if "://" in onwards else site.url + onwards)


@pytest.mark.parametrize("url", ["/away", "/smuggled", "/elsewhere", "/odd-port"])
def test_a_redirect_to_a_stranger_is_told_and_not_followed(site: Site, url: str) -> None:
    row = _row(site, url)
    assert (row.status, row.is_warm) == (None, False)
    assert "was not followed" in (row.error or "")
    assert [path for _, path in site.asked] == [url]


@pytest.mark.parametrize(("url", "requests"), [("/round", 4), ("/1", 5)])
def test_a_chain_of_redirects_ends(site: Site, url: str, requests: int) -> None:
    report = _preloaded(site, url)
    assert report.requests == requests
    assert report.warmed == (1 if url == "/1" else 0)


def test_a_server_s_fault_is_tried_once_more(site: Site) -> None:
    report = _preloaded(site, "/flaky", "/broken")
    assert [(row.url, row.status, row.is_warm) for row in report.rows] == [
        ("/broken", 503, False),
        ("/flaky", 200, True),
    ]
    assert [path for _, path in site.asked].count("/broken") == 2


def test_what_no_cache_may_keep_says_so(site: Site) -> None:
    row = _row(site, "/me")
    assert (row.is_warm, row.error, row.why_not_kept) == (False, None, "Cache-Control: private, no-store")


def test_connections_are_kept(site: Site) -> None:
    _preloaded(site, *(f"/{number}.js" for number in range(40)), concurrency=3)
    assert len(site.asked) == 80
    assert site.connections <= 3


def test_a_connection_that_was_closed_while_idle_is_made_anew(site: Site) -> None:
    site.hangs_up_after = 3
    report = _preloaded(site, *(f"/{number}.js" for number in range(10)))
    assert (report.warmed, report.failed, len(site.asked)) == (10, 0, 20)


def test_every_url_is_fetched_in_each_encoding_at_each_location(site: Site) -> None:
    report = _preloaded(site, "/a", "/b", encodings=("br", "gzip"), locations=("FRA56-P3", "SIN2"), concurrency=2)
    assert (report.requested, report.warmed) == (8, 8)
    assert {row.location for row in report.rows} == {"FRA56-P3", "SIN2"}


@pytest.mark.parametrize("location", ["", "fra", "FRA56-P3.evil.example", "../x", "FRA\r\nX: y", "169.254.169.254"])
def test_what_is_no_edge_location_is_refused(site: Site, location: str) -> None:
    with pytest.raises(UsageError, match="edge location"):
        _preloaded(site, "/", locations=(location,))
    assert site.asked == []


@pytest.mark.parametrize(("url", "onwards"), [("/in-utf-8", "/caf%C3%A9"), ("/in-latin-1", "/caf%E9")])
def test_a_redirect_leads_to_the_bytes_that_it_holds(site: Site, url: str, onwards: str) -> None:
    assert _row(site, url).is_warm
    assert site.asked[1][1] == onwards


def test_progress_is_told_and_the_report_keeps_the_order(site: Site) -> None:
    told: list[int] = []
    report = _preloaded(site, *(f"/{number}" for number in range(10, 16)), concurrency=3, told=told.append)
    assert sorted(told) == [1, 2, 3, 4, 5, 6]
    assert [row.url for row in report.rows] == [f"/{number}" for number in range(10, 16)]


def test_a_body_without_end_is_not_read_to_it(site: Site) -> None:
    viewer = Viewer(site.url, timeout_seconds=5)
    assert asyncio.run(viewer.read("/ok", keep_bytes=3, most_bytes=5))[1] == b"hel"
    with pytest.raises(ServiceError, match="longer than 4 bytes"):
        asyncio.run(viewer.read("/ok", keep_bytes=3, most_bytes=4))


def test_requests_keep_their_distance() -> None:
    clock = VirtualClock()
    pace = Pace(4, clock.time)
    turns: list[float] = []

    async def take() -> None:
        for _ in range(5):
            await pace.turn()
            turns.append(clock.seconds - 1000)

    asyncio.run(take())
    assert turns == [0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_nobody_used_is_not_made_up_for() -> None:
    clock = VirtualClock()
    pace = Pace(4, clock.time)

    async def take() -> list[float]:
        await pace.turn()
        clock.seconds += 60
        started = clock.seconds
        await pace.turn()
        await pace.turn()
        return [clock.seconds - started]

    assert asyncio.run(take()) == [0.25]


def test_a_rate_bounds_every_request_that_is_sent(site: Site) -> None:
    clock = VirtualClock()
    report = _preloaded(site, "/a", "/b", "/c", requests_per_second=2, time=clock.time)
    assert report.requests == 6
    assert report.took_seconds == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.example.com:8443/",
        "http://www.example.com:443/",
        "https://user@www.example.com/",
        "https://:pw@www.example.com/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://www.example.com.evil.example/",
        "http://www.example.com\\@evil.example/",
        "http://evil.example/?http://www.example.com/",
        "gopher://www.example.com/",
        "//www.example.com",
        "www.example.com/a",
        "-f",
    ],
)
def test_no_stranger_is_spoken_to(site: Site, url: str) -> None:
    if url.startswith("/"):
        assert _row(site, url).url == url
        assert site.asked[0][0] in site.url
        return
    with pytest.raises(UsageError):
        _preloaded(site, "/fine", url)
    assert site.asked == []


@pytest.mark.parametrize("url", ["/a\r\nX-Smuggled: 1", f"http://{NAME}/\r\nHost: evil.example", "/a b\tc\0"])
def test_a_url_cannot_smuggle_a_header(site: Site, url: str) -> None:
    _preloaded(site, url)
    assert all("\r" not in path and " " not in path for _, path in site.asked)
    assert {host for host, _ in site.asked} <= {NAME, site.url.removeprefix("http://")}


def test_a_sitemap_is_read_through_the_edge_with_those_that_it_leads_to(site: Site) -> None:
    index = f"<sitemapindex><sitemap><loc>http://{NAME}/pages.xml.gz</loc></sitemap></sitemapindex>"
    site.pages["/sitemap.xml"] = index.encode()
    site.pages["/pages.xml.gz"] = gzip.compress(b"<urlset><url><loc>/a</loc></url></urlset>")
    viewer = Viewer(site.url, (NAME,), stands_in=True, timeout_seconds=5)
    assert asyncio.run(sitemap_urls("/sitemap.xml", viewer)) == ("/a",)
    assert site.asked[1] == (NAME, "/pages.xml.gz")
    with pytest.raises(ServiceError, match="answered 503"):
        asyncio.run(sitemap_urls("/broken", viewer))
    with pytest.raises(UsageError, match="not a name"):
        asyncio.run(sitemap_urls("http://169.254.169.254/sitemap.xml", viewer))
