"""An application that shows its metrics to Prometheus: real pages, and pages of a server that means ill."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, Summary, generate_latest

from perfctl.errors import ConfigError, PerfctlError
from perfctl.metrics.collecting.prometheus.fetching import address_of, fetch
from perfctl.metrics.collecting.prometheus.scraping import prometheus_source
from perfctl.metrics.collecting.prometheus.text import Sample, read_page
from perfctl.metrics.collecting.source import Gathered
from perfctl.metrics.engine import MetricsEngine
from perfctl.metrics.reading import value_of
from perfctl.recording.frame import Frame

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> Any:
    """A server that reads a request and answers like this; its address."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def page(body: bytes | str, *head: str, status: str = "200 OK") -> Answer:
    """An answer with this body."""
    content = body.encode() if isinstance(body, str) else body
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *head)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()

    return answer


def pages(*bodies: str) -> Answer:
    """One after the other; the last one stays."""
    left = list(bodies)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await page(left.pop(0) if len(left) > 1 else left[0])(writer)

    return answer


def looks(*bodies: str, names: tuple[str, ...] = (), every: float = 10.0) -> list[Gathered]:
    """What comes of a look at each of the pages."""

    async def ask() -> list[Gathered]:
        async with serving(pages(*bodies)) as url:
            clock = iter(every * number for number in range(99))
            source = prometheus_source(url, names, clock=lambda: next(clock))
            return [await source.ask() for _ in bodies]

    return asyncio.run(ask())


def figures(gathered: Gathered) -> dict[str, float]:
    """The first value of each figure."""
    found: dict[str, float] = {}
    for reading in gathered.readings:
        if reading.value is not None:
            found.setdefault(reading.name, reading.value)
    return found


def frame(gathered: Gathered, seconds: float = 10.0) -> Frame:
    return Frame(0.0, seconds, dict(gathered.counters), {}, dict(gathered.histograms))


class Instrumented:
    """What prometheus-client makes of an application that is measured under the usual names."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.times = Histogram(
            "http_request_duration_seconds", "", ["method", "handler", "status"], registry=self.registry
        )

    def serve(self, count: int, seconds: float, status: str = "200", handler: str = "/a") -> None:
        for _ in range(count):
            self.times.labels("GET", handler, status).observe(seconds)

    def text(self) -> str:
        return generate_latest(self.registry).decode()


def _two_looks() -> tuple[str, str]:
    application = Instrumented()
    application.serve(1000, 2.0)
    before = application.text()
    application.serve(95, 0.02)
    application.serve(5, 0.4, status="503", handler="/b")
    return before, application.text()


def test_two_looks_tell_rate_mean_and_errors_of_what_came_in_between() -> None:
    second = looks(*_two_looks())[1]
    assert figures(second) == {
        "api_response_time_ms": pytest.approx((95 * 20 + 5 * 400) / 100),
        "requests_per_second": 10.0,
        "error_rate": 0.05,
    }


def test_one_look_tells_what_was_since_the_start_and_no_rate() -> None:
    first = looks(_two_looks()[0])[0]
    assert first.is_first
    assert figures(first) == {"api_response_time_ms": 2000.0, "error_rate": 0.0}
    assert not first.histograms
    assert "since it started" in next(each.source for each in first.readings if each.value is not None)


def test_the_frame_has_the_requests_by_route_with_percentiles_as_good_as_the_pages_buckets() -> None:
    second = frame(looks(*_two_looks())[1])
    assert value_of(second, "http.request.duration", {"route": "/a"}, "count").value == 95
    assert value_of(second, "error_rate").value == 0.05
    assert value_of(second, "api_response_time_ms").value == pytest.approx(39.0)
    p50 = value_of(second, "http.request.duration", {}, "p50").value
    assert p50 is not None
    assert 0.01 <= p50 <= 0.025, "0.02 s lies between these two bounds"


def test_an_application_that_began_anew_is_counted_from_its_start() -> None:
    before, after = Instrumented(), Instrumented()
    before.serve(1000, 0.1)
    after.serve(20, 0.3)
    assert figures(looks(before.text(), after.text())[1])["requests_per_second"] == 2.0
    assert figures(looks(before.text(), after.text())[1])["api_response_time_ms"] == pytest.approx(300.0)


def test_nothing_between_two_looks_is_a_rate_of_0_and_no_time() -> None:
    application = Instrumented()
    application.serve(4, 0.1)
    second = looks(application.text(), application.text())[1]
    assert figures(second)["requests_per_second"] == 0.0
    lately = [each for each in second.readings if each.name == "api_response_time_ms"]
    assert lately[0].value is None, "what came lately is not known ..."
    assert "since it started" in lately[1].source, "... and what stands in says what it is"
    assert not second.histograms


def test_a_counter_of_requests_tells_the_status_where_the_times_do_not() -> None:
    registry = CollectorRegistry()
    times = Histogram("http_request_duration_highr_seconds", "", registry=registry)
    requests = Counter("http_requests", "", ["handler", "status", "method"], registry=registry)
    first = generate_latest(registry).decode()
    for status in ("2xx", "2xx", "2xx", "5xx"):
        times.observe(0.1)
        requests.labels("/", status, "GET").inc()
    assert figures(looks(first, generate_latest(registry).decode())[1]) == {
        "api_response_time_ms": pytest.approx(100.0),
        "requests_per_second": 0.4,
        "error_rate": 0.25,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="500"} 4\n'
            'http_server_request_duration_seconds_sum{http_request_method="GET",http_response_status_code="500"} 2\n',
            {"api_response_time_ms": 500.0, "error_rate": 1.0},
        ),
        (
            'http_server_requests_seconds_count{outcome="SUCCESS",status="200",uri="/x"} 8\n'
            'http_server_requests_seconds_sum{outcome="SUCCESS",status="200",uri="/x"} 2\n',
            {"api_response_time_ms": 250.0, "error_rate": 0.0},
        ),
        (
            'http_server_duration_milliseconds_count{http_status_code="200"} 2\n'
            'http_server_duration_milliseconds_sum{http_status_code="200"} 30\n',
            {"api_response_time_ms": 15.0, "error_rate": 0.0},
        ),
        ("nginx_http_requests_total 77\n", {}),
        (
            'nginx_vts_server_requests_total{host="a",code="2xx"} 9\n'
            'nginx_vts_server_requests_total{host="a",code="5xx"} 1\n'
            'nginx_vts_server_requests_total{host="a",code="total"} 10\n',
            {"error_rate": 0.1},
        ),
    ],
)
def test_the_usual_names_are_known(text: str, expected: dict[str, float]) -> None:
    assert figures(looks(text)[0]) == pytest.approx(expected)


def test_a_summary_tells_its_mean() -> None:
    registry = CollectorRegistry()
    Summary("http_request_duration_seconds", "", registry=registry).observe(0.25)
    assert figures(looks(generate_latest(registry).decode())[0])["api_response_time_ms"] == 250.0


def test_names_of_ones_own_go_before_the_usual_ones() -> None:
    before = "app_hits_total 10\napp_errors_total 1\napp_ms_sum 100\napp_ms_count 10\napp_memory_bytes 5e6\n"
    after = "app_hits_total 30\napp_errors_total 2\napp_ms_sum 500\napp_ms_count 20\napp_memory_bytes 7e6\n"
    names = (
        "requests_per_second=app_hits_total",
        "error_rate=app_errors_total",
        "api_response_time_ms=app_ms",
        "memory_usage_mb=app_memory_bytes",
    )
    assert figures(looks(before, after, names=names)[1]) == {
        "requests_per_second": 2.0,
        "error_rate": 0.05,
        "api_response_time_ms": 40.0,
        "memory_usage_mb": 7.0,
    }


def test_numbers_that_say_nothing_are_left_out() -> None:
    pairs = {"/nan": ("NaN", "NaN"), "/inf": ("+Inf", "-5"), "/a": ("1", "4")}
    text = "".join(
        f'http_request_duration_seconds_sum{{handler="{route}"}} {total}\n'
        f'http_request_duration_seconds_count{{handler="{route}"}} {count}\n'
        for route, (total, count) in pairs.items()
    )
    assert figures(looks(text)[0]) == {"api_response_time_ms": 250.0}


def test_buckets_that_contradict_themselves_do_no_harm() -> None:
    text = "".join(
        f'http_request_duration_seconds_bucket{{le="{bound}"}} {count}\n'
        for bound, count in (("0.1", 50), ("0.2", 10), ("nonsense", 3), ("-1", 9), ("+Inf", 7))
    )
    body = text + "http_request_duration_seconds_count 20\nhttp_request_duration_seconds_sum -3\n"
    second = looks("http_request_duration_seconds_count 0\n", body)[1]
    assert value_of(frame(second), "http.request.duration", {}, "count").value == 20


def test_a_thousand_routes_are_kept_apart_and_the_rest_is_other() -> None:
    lines = "".join(f'http_request_duration_seconds_count{{handler="/{n}"}} 1\n' for n in range(1500))
    second = looks("http_request_duration_seconds_count 0\n", lines)[1]
    assert len(second.histograms) == 1000
    assert value_of(frame(second), "http.request.duration", {"route": "other"}, "count").value == 501
    assert value_of(frame(second), "perfctl.series.dropped").value == 501


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x_total 1\n" * 10_000)
        await writer.drain()


async def _drips(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n" * 1000)
        await writer.drain()


async def _breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhttp_requests_total 1\n")
    await writer.drain()


async def _bad_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhttp_requests_total 1\r\n")
    await writer.drain()


async def _says_nothing(writer: asyncio.StreamWriter) -> None:
    return


HOSTILE: dict[str, tuple[Answer, str]] = {
    "endless": (_endless, "more than 16 MB"),
    "drips": (_drips, "did not finish its page"),
    "endless head": (_endless_head, "endless head"),
    "breaks off": (_breaks_off, "ended in the middle"),
    "bad chunks": (_bad_chunks, "breaks off"),
    "says nothing": (_says_nothing, "ended in the middle"),
    "claims to be huge": (page("", "Content-Length: 99999999999"), "MB of metrics"),
    "not text": (page(b"\xff\xfe\x00\x80" * 50), "no text"),
    "html": (page("<html><body>200 OK</body></html>"), "not Prometheus's text"),
    "json": (page('{"http_requests_total": 1}'), "not Prometheus's text"),
    "empty": (page(""), "none of a known name"),
    "strange": (page("my_own_thing 3\n"), "none of a known name"),
    "redirects": (page("", "Location: http://169.254.169.254/", status="302 Found"), "not followed"),
    "forbidden": (page("", status="401 Unauthorized"), "answers 401"),
    "broken": (page("", status="500 Oops"), "answers 500"),
    "not http": (page("", status="200"), ""),
    "bomb": (page(gzip.compress(b"x_total 1\n" * 5_000_000), "Content-Encoding: gzip"), "MB of metrics"),
    "broken gzip": (page(b"\x1f\x8bnonsense", "Content-Encoding: gzip"), "broken gzip"),
    "other coding": (page("x 1\n", "Content-Encoding: br"), "not asked for"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_server_that_means_ill_is_a_reason_and_soon(name: str) -> None:
    answer, reason = HOSTILE[name]

    async def ask() -> Any:
        async with serving(answer) as url:
            engine = MetricsEngine([prometheus_source(url, limit_seconds=1.0)], limit_seconds=20.0)
            return await asyncio.wait_for(engine.snapshot(interval_seconds=0.05), 60.0)

    snapshot = asyncio.run(ask())
    assert snapshot.requests_per_second is None
    assert reason in snapshot.unmeasured["requests_per_second"]
    assert snapshot.memory_usage_mb is not None


def test_who_does_not_answer_is_named_and_who_answers_nonsense_is_not() -> None:
    async def unanswered(answer: Answer) -> tuple[str, ...]:
        async with serving(answer) as url:
            source = prometheus_source(url, limit_seconds=1.0)
            return (await MetricsEngine([source]).snapshot(interval_seconds=0.05)).unanswered

    assert asyncio.run(unanswered(HOSTILE["broken"][0])) == ("Prometheus",)
    assert asyncio.run(unanswered(HOSTILE["html"][0])) == ()


def test_a_page_in_chunks_and_a_packed_one_are_read() -> None:
    async def chunked(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n3;x=y\r\n\nb \r\n2\r\n2\n\r\n0\r\n\r\n"
        )
        await writer.drain()

    async def both() -> list[str]:
        found = []
        for answer in (chunked, page(gzip.compress(b"a 1\nb 2\n"), "Content-Encoding: gzip")):
            async with serving(answer) as url:
                found.append(await fetch(address_of(url), limit_seconds=10.0))
        return found

    assert asyncio.run(both()) == ["a 1\nb 2\n", "a 1\nb 2\n"]


def test_labels_are_read_as_they_were_written() -> None:
    text = 'x{a="q\\"uote",b="back\\\\slash", c="new\\nline",d="{,}=",} 3 1700000000\n'
    assert read_page(text, ["x"]).samples == (
        Sample("x", (("a", 'q"uote'), ("b", "back\\slash"), ("c", "new\nline"), ("d", "{,}=")), 3.0),
    )


def test_an_exemplar_of_openmetrics_is_no_part_of_the_value() -> None:
    text = '# TYPE x counter\nx_total{a="b"} 3.0 # {trace_id="abc"} 0.67 1700000000.0\n# EOF\n'
    assert read_page(text, ["x"]).samples == (Sample("x_total", (("a", "b"),), 3.0),)


@pytest.mark.parametrize(
    "url", ["ftp://h/metrics", "metrics", "http://", "http://h:99999/", "http://h/a b", "http://h/\n"]
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ConfigError):
        prometheus_source(url)


@pytest.mark.parametrize("name", ["requests_per_second", "rps=x", "=x", "error_rate="])
def test_what_is_no_pair_of_figure_and_metric_is_said_at_once(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        prometheus_source("http://h/metrics", (name,))
    assert raised.value.hint


def test_a_password_is_sent_and_not_said() -> None:
    seen: list[bytes] = []

    async def ask() -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            await page("", status="403 Forbidden")(writer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        try:
            port = server.sockets[0].getsockname()[1]
            await fetch(address_of(f"http://me:s3cret@127.0.0.1:{port}/metrics"), limit_seconds=10.0)
        except PerfctlError as error:
            return f"{error.message} {error.hint}"
        finally:
            server.close()
        return ""

    assert "s3cret" not in asyncio.run(ask())
    assert b"Authorization: Basic bWU6czNjcmV0" in seen[0]


def _noise() -> Iterator[str]:
    import random

    random.seed(20)
    alphabet = 'http_requests_total{}",=\\ \n#0123456789eE+-.NaInf\t"'
    for _ in range(300):
        yield "".join(random.choice(alphabet) for _ in range(random.randrange(80)))


def test_no_text_breaks_the_reader() -> None:
    for text in _noise():
        try:
            read_page("http_requests_total{" + text, ["http_requests"])
        except PerfctlError:
            continue
