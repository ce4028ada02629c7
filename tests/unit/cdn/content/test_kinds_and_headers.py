"""What content is, and for how long caches may keep it."""

from __future__ import annotations

import asyncio
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.content.headers import tag_header
from perfctl.cdn.content.kinds import is_hashed, kind_of
from perfctl.cdn.content.memo import Memo
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.config import CDNConfig
from perfctl.errors import UsageError
from tests.campaign import campaign

JSON = b'{"symbol": "AAPL", "history": [' + b", ".join(b'{"close": 1.0}' for _ in range(60)) + b"]}"
IMMUTABLE = "public, max-age=31536000, immutable"
ASSET = "public, max-age=300, s-maxage=86400, stale-while-revalidate=60, stale-if-error=86400"
HTML = "public, max-age=0, s-maxage=60, stale-while-revalidate=600, stale-if-error=86400"
CHECKED = "public, max-age=0, must-revalidate"
PRIVATE = "private, no-store"


def _headers(content_type: str = "text/css", body: bytes = JSON, **asked: Any) -> dict[str, str]:
    config = asked.pop("config", CDNConfig())
    return asyncio.run(CloudFrontOptimizer(config).optimize_content(body, content_type, **asked))[1]


@pytest.mark.parametrize(
    "path",
    [
        "/main.3f2a9c41.css",
        "/js/app-0a1b2c3d4e5f.min.js",
        "/static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
        "/_next/static/chunks/pages/index.js",
        "/_app/immutable/nodes/0.js",
        "/assets/index-BX3kP9qL.js",
        "/chunk-4YHLUJAS.js",
        "/0a1b2c3d4e5f60718293.js",
    ],
)
def test_a_hash_in_the_name_means_that_the_content_never_changes(path: str) -> None:
    assert is_hashed(path)


@pytest.mark.parametrize(
    "path",
    [
        "/report-20260115.csv",
        "/js/bootstrap-datepicker.js",
        "/v1.2.3/app.js",
        "/defaced.css",
        "/avatars/3f2504e0-4f89-11d3-9a0c-0305e82c3301.png",
        "/img/case-iPhone12.png",
        "/jquery-3.7.1.min.js",
        "/facade00",
        "/assets/" + "-" * 200_000,
        "/",
        "",
    ],
)
def test_what_only_looks_a_little_like_a_hash_is_none(path: str) -> None:
    assert not is_hashed(path)


@pytest.mark.parametrize(
    ("media", "path", "kind"),
    [
        ("text/html; charset=utf-8", "/a.3f2a9c41.html", "html"),
        ("text/html", None, "html"),
        ("text/css", None, "asset"),
        ("image/png", "/logo.png", "asset"),
        ("application/json", "/data/stocks.json", "asset"),
        ("application/json", "/stocks", "api"),
        ("application/json", "/api/stocks.json?at=1.css", "api"),
        ("application/problem+json", "/x", "api"),
        ("text/plain", "/graphql", "api"),
        ("application/json", None, "content"),
        ("application/json", "/account/me.json?x", "private"),
        ("", "/x", "asset"),
    ],
)
def test_content_is_classified_by_type_and_path(media: str, path: str | None, kind: str) -> None:
    assert kind_of(media, path=path, private_paths=("/account/*",)) == kind


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"path": "/main.3f2a9c41.css"}, IMMUTABLE),
        ({"path": "/main.css"}, ASSET),
        ({"path": "/main.css", "ttl": 60}, ASSET.replace("300", "60").replace("s-maxage=86400", "s-maxage=60")),
        ({"path": "/", "content_type": "text/html"}, HTML),
        ({"path": "/api/x"}, CHECKED),
        ({"path": "/api/x", "ttl": 9}, "public, max-age=0, s-maxage=9, stale-while-revalidate=9, stale-if-error=3600"),
        ({"path": "/main.css", "ttl": 0}, CHECKED),
        ({"path": "/main.3f2a9c41.css", "private": True}, PRIVATE),
        ({"path": "/main.css", "private": True, "ttl": 60}, PRIVATE),
        ({"path": "/main.css", "request_headers": {"cookie": "a=b"}}, PRIVATE),
        ({"path": "/main.css", "request_headers": {"AUTHORIZATION": "Bearer x"}}, PRIVATE),
        ({"path": "/main.css", "request_headers": {"Cookie": "a=b"}, "private": False}, ASSET),
        ({"path": "/main.css", "request_headers": {"Cookie": ""}}, ASSET),
        ({"path": "/me/x", "private": False, "config": CDNConfig(private_paths=("/me/*",))}, PRIVATE),
        ({"path": "/main.css", "config": CDNConfig(cache_ttl=0)}, CHECKED),
        ({"content_type": "application/json"}, "public, max-age=86400"),
    ],
)
def test_each_kind_has_its_cache_control(asked: dict[str, Any], wanted: str) -> None:
    assert _headers(**asked)["Cache-Control"] == wanted


def test_a_public_api_is_kept_for_as_long_as_is_configured() -> None:
    headers = _headers("application/json", path="/api/x", config=CDNConfig(api_ttl_seconds=30))
    assert headers["Cache-Control"].startswith("public, max-age=0, s-maxage=30, ")


def test_request_headers_decide_the_coding_where_nothing_else_does() -> None:
    assert _headers(request_headers={"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in _headers(request_headers={})
    assert _headers(request_headers={}, accept_encoding="br")["Content-Encoding"] == "br"


def test_json_of_a_known_path_is_compact_and_of_an_unknown_one_stays() -> None:
    async def made(**asked: Any) -> bytes:
        return brotli.decompress(
            (await CloudFrontOptimizer(CDNConfig()).optimize_content(JSON, "text/json", **asked))[0]
        )

    assert asyncio.run(made(path="/api/x")) == JSON.replace(b" ", b"")
    assert asyncio.run(made(compact=True)) == JSON.replace(b" ", b"")
    assert asyncio.run(made(path="/api/x", compact=False)) == asyncio.run(made()) == JSON


def test_cache_tags_go_out_in_one_header() -> None:
    assert _headers(cache_tags=("Stocks", "symbol-aapl", "stocks"))["Cache-Tag"] == "stocks,symbol-aapl"
    assert _headers(cache_tags="stocks")["Cache-Tag"] == "stocks"
    assert "Cache-Tag" not in _headers()


@pytest.mark.parametrize(
    "tags", [("",), ("a,b",), ("a b",), ("a\r\nX: y",), ("é",), ("a" * 257,), tuple(map(str, range(51)))]
)
def test_tags_that_cloudfront_refuses_are_refused(tags: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="tag"):
        tag_header(tags)


@pytest.mark.parametrize("media", ["text/html\x00", "text/html\x7f", "é/x", "text/html\nX: y", "text/\u2028html"])
def test_a_content_type_that_no_header_can_hold_is_refused(media: str) -> None:
    with pytest.raises(UsageError):
        _headers(media)


@campaign(60, 5_000)
@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60))
def test_any_other_content_type_goes_out_as_it_is(media: str) -> None:
    headers = _headers(media, path="/x")
    assert headers["Content-Type"] == media
    assert int(headers["Content-Length"]) <= len(JSON)


@campaign(40, 2_000)
@given(st.binary(max_size=600), st.binary(max_size=600))
def test_the_etag_changes_if_and_only_if_bytes_or_coding_do(first: bytes, second: bytes) -> None:
    made = [
        (body, coding, _headers("text/plain", body * 3, accept_encoding=coding))
        for body in (first, second)
        for coding in ("br", "gzip", "")
    ]
    for body, coding, headers in made:
        for other, other_coding, other_headers in made:
            same_coding = headers.get("Content-Encoding") == other_headers.get("Content-Encoding")
            assert (headers["ETag"] == other_headers["ETag"]) == (body == other and same_coding), (coding, other_coding)


def test_what_was_made_once_is_not_made_again_and_its_headers_are_the_caller_s_own() -> None:
    async def twice() -> None:
        engine = CloudFrontOptimizer(CDNConfig())
        body, headers = await engine.optimize_content(JSON, "text/css")
        headers["ETag"] = "changed"
        again, fresh = await engine.optimize_content(JSON, "text/css")
        assert again is body
        assert fresh["ETag"] != "changed"

    asyncio.run(twice())


def test_results_without_a_body_take_room_as_well() -> None:
    memo = Memo(most_bytes=100_000)
    for number in range(1_000):
        memo.put(b"%d" % number, (b"", {}))
    assert memo.get(b"0") is None
    assert memo.get(b"999") == (b"", {})


@pytest.mark.parametrize(
    "path",
    ["/account/me", "/account/me?a=b", "/%61ccount%2Fme", "account/me", "https://www.example.com/account/me#x"],
)
def test_a_private_path_is_private_however_it_is_written(path: str) -> None:
    assert kind_of("text/css", path=path, private_paths=("/account/*",)) == "private"


def test_text_goes_out_in_the_charset_that_its_type_names() -> None:
    engine = CloudFrontOptimizer(CDNConfig())
    body, _ = asyncio.run(engine.optimize_content("\u00e9", "text/plain; charset=ISO-8859-1"))
    assert body == b"\xe9"
    for text, charset in (("\u20ac", "iso-8859-1"), ("a", "nonsense"), ("a", "rot13")):
        with pytest.raises(UsageError, match=charset):
            asyncio.run(engine.optimize_content(text, f"text/plain; charset={charset}"))


def test_text_without_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        asyncio.run(CloudFrontOptimizer(CDNConfig()).optimize_content("\ud800", "text/plain"))
