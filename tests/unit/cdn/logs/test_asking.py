"""Asking the access logs: where they lie, which requests count, and what is said where there are none."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.logs.asking import AccessLogs
from perfctl.cdn.logs.filtering import Filter
from perfctl.cdn.logs.sketches import HeavyHitters
from perfctl.config import CDNConfig
from perfctl.errors import NotConfiguredError, PerfctlError, UsageError

FIELDS = (
    "date time x-edge-location sc-bytes cs-method x-host-header cs-uri-stem cs-uri-query sc-status x-edge-result-type"
)
LINES = (
    "2026-05-01 11:59:59 FRA56-P1 100 GET www.example.com /a - 200 Miss",
    "2026-05-01 12:00:00 FRA56-P1 200 GET www.example.com /img/b.webp v=1 200 Hit",
    "2026-05-01 12:59:59 IAD89-C1 300 GET api.example.com /api/v1 - 503 Error",
    "2026-05-01 13:00:00 IAD89-C1 400 GET www.example.com /img/c.webp - 404 Error",
)
LOG = f"#Version: 1.0\n#Fields: {FIELDS}\n" + "".join(line.replace(" ", "\t") + "\n" for line in LINES)


T = TypeVar("T")


def asked(config: CDNConfig, question: Callable[[AccessLogs], Awaitable[T]]) -> T:
    """The answer of an engine of this configuration."""

    async def answer() -> T:
        async with CloudFrontOptimizer(config) as cdn:
            return await question(cdn.logs)

    return asyncio.run(answer())


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A file of four requests."""
    path = tmp_path / "E1.2026-05-01-12.abcd.gz"
    path.write_bytes(gzip.compress(LOG.encode()))
    return str(path)


@pytest.mark.parametrize(
    ("wanted", "requests"),
    [
        (Filter(), 4),
        (Filter(since=datetime(2026, 5, 1, 12, tzinfo=UTC), until=datetime(2026, 5, 1, 13, tzinfo=UTC)), 2),
        (Filter(hosts=("API.example.com",)), 1),
        (Filter(paths=("/img/*", "/a")), 3),
        (Filter(paths=("/img/?.webp",), statuses=("2xx",)), 1),
        (Filter(statuses=("404", "5xx")), 2),
        (Filter(locations=("fra",)), 2),
        (Filter(since=datetime(2027, 1, 1, tzinfo=UTC)), 0),
    ],
)
def test_requests_are_counted_where_the_filter_wants_them(log: str, wanted: Filter, requests: int) -> None:
    answer = asked(CDNConfig(), lambda logs: logs.stats([log], wanted=wanted))
    assert answer.requests == requests
    assert answer.left_out == (4 - requests if answer.files else 0)


def test_requests_of_an_agent_that_does_not_count_are_left_out_and_all_count_where_no_agent_is_logged(
    log: str, tmp_path: Path
) -> None:
    agents = ("Mozilla/5.0", "perfctl", "perfctl-like/1.0", "-")
    lines = (f"{line} {agent}" for line, agent in zip(LINES, agents, strict=True))
    text = f"#Version: 1.0\n#Fields: {FIELDS} cs(User-Agent)\n" + "".join(
        line.replace(" ", "\t") + "\n" for line in lines
    )
    with_agents = tmp_path / "E1.2026-05-01-13.efgh.gz"
    with_agents.write_bytes(gzip.compress(text.encode()))
    wanted = Filter(agents_but=("perfctl",))
    assert asked(CDNConfig(), lambda logs: logs.stats([str(with_agents)], wanted=wanted)).requests == 3
    assert asked(CDNConfig(), lambda logs: logs.stats([log], wanted=wanted)).requests == 4


def test_edge_locations_of_the_configuration_are_those_that_count(log: str) -> None:
    config = CDNConfig(logs=(log,), edge_locations=("IAD",))
    assert asked(config, lambda logs: logs.stats()).requests == 2


def test_without_a_place_the_error_says_where_to_name_one() -> None:
    with pytest.raises(NotConfiguredError) as raised:
        asked(CDNConfig(), lambda logs: logs.stats())
    assert "cdn.logs" in str(raised.value.hint)


@pytest.mark.parametrize("status", ["4x", "banana", "6xx", "40", ""])
def test_a_status_that_is_none_is_refused(status: str) -> None:
    with pytest.raises(UsageError, match="status"):
        Filter(statuses=(status,))


def test_a_log_of_nothing_but_garbage_is_counted_and_answered(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_bytes(bytes(range(256)) * 40)
    answer = asked(CDNConfig(), lambda logs: logs.report([str(tmp_path)]))
    assert answer.requests == 0
    assert answer.malformed > 0
    assert answer.hit_ratio is None


def test_objects_of_s3_are_listed_page_by_page_and_read(s3: _Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_at(s3, monkeypatch)
    place, config = "s3://logs/cdn/", CDNConfig()
    answer = asked(config, lambda logs: logs.report([place]))
    assert (answer.files, answer.requests, answer.malformed, s3.pages) == (3, 12, 0, 2)
    later = Filter(since=datetime(2026, 5, 1, 19, tzinfo=UTC))
    assert asked(config, lambda logs: logs.stats([place], wanted=later)).files == 1
    with pytest.raises(UsageError, match="no object"):
        asked(config, lambda logs: logs.stats(["s3://logs/absent/"]))


def test_a_bucket_that_is_not_there_is_an_error_of_ours(s3: _Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_at(s3, monkeypatch)
    with pytest.raises(PerfctlError, match="s3://absent/"):
        asked(CDNConfig(), lambda logs: logs.stats(["s3://absent/"]))


class _Bucket(ThreadingHTTPServer):
    """The two operations of S3 that are asked for; two objects a page."""

    daemon_threads = True
    pages = 0
    objects: ClassVar = {
        f"cdn/E1.2026-05-01-{hour}.{hour}.gz": (gzip.compress(LOG.encode()), f"2026-05-01T{hour}:30:00.000Z")
        for hour in (11, 12, 19)
    }


class _Handler(BaseHTTPRequestHandler):
    server: _Bucket

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        _, bucket, *rest = unquote(url.path).split("/", 2)
        if bucket != "logs":
            self._answer(404, b"<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>")
        elif rest and rest[0]:
            self._answer(200, self.server.objects[rest[0]][0])
        else:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._answer(200, self._page(query.get("prefix", ""), int(query.get("continuation-token", "0"))))

    def _page(self, prefix: str, begin: int) -> bytes:
        self.server.pages += 1
        rows = [(key, *row) for key, row in self.server.objects.items() if key.startswith(prefix)]
        listed = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{changed}</LastModified><Size>{len(body)}</Size></Contents>"
            for key, body, changed in rows[begin : begin + 2]
        )
        is_cut = len(rows) > begin + 2
        more = f"<NextContinuationToken>{begin + 2}</NextContinuationToken>" if is_cut else ""
        cut = f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>"
        return f"<ListBucketResult>{cut}{more}{listed}</ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@pytest.fixture
def s3() -> Iterator[_Bucket]:
    """A bucket on this machine."""
    with _Bucket(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _point_at(s3: _Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{s3.server_address[1]}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDMADEUP")


def test_the_hit_ratio_of_a_url_that_entered_a_full_table_is_of_the_requests_seen_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeavyHitters.__init__, "__kwdefaults__", {"keep": 1, "key_bytes": 1 << 20})
    path = tmp_path / "log.tsv"
    hit = "2026-05-01 12:00:00 FRA56-P1 200 GET www.example.com {} - 200 Hit"
    for name, mode in (("/x /y /z", "w"), ("/d", "a")):
        with path.open(mode) as file:
            file.writelines(hit.format(one).replace(" ", "\t") + "\n" for one in name.split())
    first = tmp_path / "first.tsv"
    path.write_text(f"#Fields: {FIELDS}\n" + path.read_text())
    first.write_text(LOG)
    told = asked(CDNConfig(logs=(str(first), str(path))), lambda logs: logs.top(of="path"))
    assert told.at_most_too_high
    assert {row.hit_ratio for row in told.rows} <= {0, 1}


def test_a_url_without_and_with_an_empty_query_string_is_one(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv"
    lines = (f"2026-05-01 12:00:00 FRA56-P1 200 GET www.example.com /a {q} 200 Hit" for q in ("-", "!", "v=1"))
    path.write_text(f"#Fields: {FIELDS}\n" + "".join(one.replace(" ", "\t").replace("!", "") + "\n" for one in lines))
    told = asked(CDNConfig(logs=(str(path),)), lambda logs: logs.top(of="url"))
    assert [(row.name, row.requests) for row in told.rows] == [("/a", 2), ("/a?v=1", 1)]
