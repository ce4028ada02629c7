"""What `cdn headers`, `diff` and `apply` say, as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.cdn.checking.explaining.explain import explain
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.model.configuration import Change, ConfigApplied, ConfigDifference
from perfctl.cdn.model.edge import EdgeAnswer
from tests.cli.golden_files import drawn_as, golden_of
from tests.unit.cdn.checking.checking_setups import setup

_golden = golden_of("cdn")
NOW = 1_800_000_000.0
SENT = Headers((("Host", "www.example.com"), ("Accept-Encoding", "br, gzip"), ("User-Agent", "perfctl")))
HIT = EdgeAnswer(
    url="https://www.example.com/app.js?v=2",
    status=200,
    cache="hit",
    x_cache="Hit from cloudfront",
    age_seconds=4000,
    cache_control="public, max-age=600, s-maxage=86400",
    content_type="text/javascript",
    content_encoding="br",
    size_bytes=36520,
    etag='W/"058c09ea771889ff"',
    vary="Accept-Encoding",
    via_pop="FRA56-P1",
    took_ms=12.673,
    headers=(
        ("Date", "Fri, 15 Jan 2027 08:00:00 GMT"),
        ("Cache-Control", "public, max-age=600, s-maxage=86400"),
        ("ETag", 'W/"058c09ea771889ff"'),
        ("Vary", "Accept-Encoding"),
        ("Age", "4000"),
    ),
)
PRIVATE = EdgeAnswer(
    url="https://www.example.com/me",
    status=200,
    cache="miss",
    x_cache="Miss from cloudfront",
    age_seconds=None,
    cache_control="private",
    content_type="application/json",
    content_encoding=None,
    size_bytes=120,
    etag=None,
    vary=None,
    via_pop=None,
    took_ms=80.0,
    headers=(("Cache-Control", "private"), ("Set-Cookie", "session=1")),
)

CHANGES = (
    Change("changed", "DefaultCacheBehavior.ViewerProtocolPolicy", "allow-all", "redirect-to-https"),
    Change("added", "Aliases[www.example.com]", None, "www.example.com"),
    Change("removed", "CacheBehaviors[/old/*]", '{"PathPattern": "/old/*", "TargetOriginId": "site"}', None),
    Change("changed", "CacheBehaviors (order)", "/a/*, /b/*", "/b/*, /a/*"),
)
SAVED = "/home/deploy/.local/state/perfctl/cdn/E2QWRUHAPOMQZL-EGR5UDCLDHGNC7.json"
BACK = f"perfctl cdn apply {SAVED} --replace --distribution E2QWRUHAPOMQZL"

ANSWERS: dict[str, Any] = {
    "diff": ConfigDifference("E2QWRUHAPOMQZL", "cdn.yaml", "EGR5UDCLDHGNC7", True, CHANGES),
    "diff-none": ConfigDifference("E2QWRUHAPOMQZL", "cdn.yaml", "EGR5UDCLDHGNC7", False, ()),
    "apply": ConfigApplied(
        "E2QWRUHAPOMQZL", "cdn.yaml", "EMXRVTSIEFYAJU", "Deployed", False, 1, 184.0, SAVED, BACK, CHANGES
    ),
    "apply-planned": ConfigApplied(
        "E2QWRUHAPOMQZL", "cdn.yaml", "EGR5UDCLDHGNC7", "planned", True, 0, 0.0, None, None, CHANGES[:1]
    ),
    "headers": explain(HIT, SENT, setup(), now=NOW),
    "headers-private": explain(PRIVATE, SENT, setup(), now=NOW),
    "headers-unknown": explain(
        PRIVATE, SENT, None, now=NOW, unknown="cloudfront get-distribution-config: AccessDenied"
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert all(len(line) <= width for line in text.splitlines() if SAVED not in line)
    assert text == _golden(f"{name}-{width}.txt", text)


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", name.partition("-")[0]))
