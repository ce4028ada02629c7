"""Access logs as CloudFront writes them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from perfctl.cdn.delivery.behaviours import LogSettings
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.access_forms import FIELDS, Record, escaped, line_of
from perfctl.sandbox.edge.access_log import AccessLog
from perfctl.sandbox.edge.http import Request

RECORD = Record(
    at=1_780_000_000.0,
    edge_location="FRA60-P1",
    distribution_id="E1",
    domain="d1.cloudfront.net",
    request=Request(
        "GET",
        "/a%20b",
        "q=1",
        Headers((("Host", "cdn.test"), ("User-Agent", "Mozilla/5.0 (X)"))),
        client=("10.0.0.1", 4711),
        head_bytes=80,
    ),
    status=206,
    headers=Headers((("Content-Type", "image/jpeg"), ("Content-Range", "bytes 0-99/500"))),
    sent_bytes=400,
    content_bytes=100,
    took_seconds=0.0123,
    result="Hit",
    detailed_result="Hit",
    request_id="id==",
    logging=LogSettings(enabled=True),
)


def test_a_line_has_the_33_fields_in_their_order() -> None:
    line = dict(zip(FIELDS.split(), line_of(RECORD).split("\t"), strict=True))
    assert line == {
        "date": "2026-05-28",
        "time": "20:26:40",
        "x-edge-location": "FRA60-P1",
        "sc-bytes": "400",
        "c-ip": "10.0.0.1",
        "cs-method": "GET",
        "cs(Host)": "d1.cloudfront.net",
        "cs-uri-stem": "/a%2520b",
        "sc-status": "206",
        "cs(Referer)": "-",
        "cs(User-Agent)": "Mozilla/5.0%20(X)",
        "cs-uri-query": "q=1",
        "cs(Cookie)": "-",
        "x-edge-result-type": "Hit",
        "x-edge-request-id": "id==",
        "x-host-header": "cdn.test",
        "cs-protocol": "http",
        "cs-bytes": "80",
        "time-taken": "0.012",
        "x-forwarded-for": "-",
        "ssl-protocol": "-",
        "ssl-cipher": "-",
        "x-edge-response-result-type": "Hit",
        "cs-protocol-version": "HTTP/1.1",
        "fle-status": "-",
        "fle-encrypted-fields": "-",
        "c-port": "4711",
        "time-to-first-byte": "0.012",
        "x-edge-detailed-result-type": "Hit",
        "sc-content-type": "image/jpeg",
        "sc-content-len": "100",
        "sc-range-start": "0",
        "sc-range-end": "99",
    }


@pytest.mark.parametrize(("value", "expected"), [("a\tb\n", "a%09b%0A"), ("é<", "%E9%3C"), ("", "-"), (0, "0")])
def test_no_value_breaks_the_line(value: object, expected: str) -> None:
    assert escaped(value) == expected


def test_a_file_has_two_header_lines_and_the_service_s_name(tmp_path: Path) -> None:
    log = AccessLog(tmp_path)
    log.add(RECORD)
    assert (log.flush(), log.flush()) == (1, 0)
    (path,) = tmp_path.iterdir()
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert path.name.startswith("E1.2026-05-28-20.")
    assert lines == ["#Version: 1.0", f"#Fields: {FIELDS}", line_of(RECORD)]
