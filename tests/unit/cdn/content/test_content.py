"""Content is compressed where that pays, never larger, and carries the headers that caches need."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.content.encodings import accepts, is_compressible
from perfctl.cdn.content.optimizing import ContentRules, optimize
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.config import CDNConfig
from perfctl.errors import UsageError

STOCKS = json.dumps([{"symbol": f"S{number}", "price": number * 1.5} for number in range(400)])


def _optimized(
    content: bytes | str, content_type: str = "application/json", **config: object
) -> tuple[bytes, dict[str, str]]:
    engine = CloudFrontOptimizer(CDNConfig(**config))  # type: ignore[arg-type]
    return asyncio.run(engine.optimize_content(content, content_type))


def test_the_documented_example_returns_content_and_headers() -> None:
    async def example() -> tuple[bytes, dict[str, str]]:
        async with CloudFrontOptimizer(CDNConfig(distribution_id="E1234567890ABC")) as cdn:
            return await cdn.optimize_content(
                content=STOCKS, content_type="application/json", user_location="us-west-2"
            )

    content, headers = asyncio.run(example())
    assert brotli.decompress(content).decode() == STOCKS
    etag = headers.pop("ETag")
    assert etag.startswith('"')
    assert etag.endswith('-br"')
    assert headers == {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Cache-Control": "public, max-age=86400",
        "Vary": "Accept-Encoding",
        "Content-Encoding": "br",
        "X-Region-Hint": "us-west-2",
    }


def test_gzip_is_the_fallback_where_brotli_is_off() -> None:
    content, headers = _optimized(STOCKS, brotli_enabled=False)
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(content).decode() == STOCKS
    assert content == _optimized(STOCKS, brotli_enabled=False)[0]


@pytest.mark.parametrize("off", [{"compression_enabled": False}, {"brotli_enabled": False, "gzip_enabled": False}])
def test_content_stays_as_it_is_where_compression_is_off(off: dict[str, Any]) -> None:
    content, headers = _optimized(STOCKS, **off)
    assert content == STOCKS.encode()
    assert "Content-Encoding" not in headers


def test_the_viewer_decides_what_it_takes() -> None:
    engine = CloudFrontOptimizer(CDNConfig())
    content, headers = asyncio.run(engine.optimize_content(STOCKS, "text/html", accept_encoding="gzip, br;q=0"))
    assert headers["Content-Encoding"] == "gzip"
    assert asyncio.run(engine.optimize_content(STOCKS, "text/html", accept_encoding=""))[0] == STOCKS.encode()
    assert gzip.decompress(content).decode() == STOCKS


@pytest.mark.parametrize("content", [b"", b"a" * 255, os.urandom(4000)])
def test_what_gains_nothing_is_left_alone(content: bytes) -> None:
    body, headers = _optimized(content, "text/plain")
    assert body == content
    assert "Content-Encoding" not in headers
    assert headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize("media", ["image/png", "video/mp4", "font/woff2", "application/zip", "text/event-stream"])
def test_types_that_are_compressed_or_streamed_are_left_alone(media: str) -> None:
    assert not is_compressible(media)


@pytest.mark.parametrize(
    "media", ["text/html; charset=utf-8", "application/ld+json", "image/svg+xml", "font/ttf", "APPLICATION/WASM"]
)
def test_text_like_types_are_compressed(media: str) -> None:
    assert is_compressible(media)


def test_the_etag_tells_encodings_and_contents_apart() -> None:
    etags = {
        _optimized(STOCKS)[1]["ETag"],
        _optimized(STOCKS, brotli_enabled=False)[1]["ETag"],
        _optimized(STOCKS, compression_enabled=False)[1]["ETag"],
        _optimized(STOCKS + " ")[1]["ETag"],
    }
    assert len(etags) == 4
    assert not any(etag.startswith("W/") for etag in etags)


def test_the_time_to_live_is_the_configured_one() -> None:
    assert _optimized(STOCKS, cache_ttl=60)[1]["Cache-Control"] == "public, max-age=60"
    assert _optimized(STOCKS, cache_ttl=0)[1]["Cache-Control"] == "public, max-age=0, must-revalidate"


@pytest.mark.parametrize("location", ["us-west-2\r\nX: y", "", "a" * 40, "é"])
def test_a_location_that_is_no_region_goes_into_no_header(location: str) -> None:
    engine = CloudFrontOptimizer(CDNConfig())
    assert "X-Region-Hint" not in asyncio.run(engine.optimize_content("x", "text/plain", location))[1]


def test_a_content_type_cannot_smuggle_a_header() -> None:
    with pytest.raises(UsageError):
        _optimized("x", "text/plain\r\nSet-Cookie: a=b")


def test_large_content_is_compressed_beside_the_event_loop() -> None:
    content, headers = _optimized("abc" * 100_000, "text/css")
    assert brotli.decompress(content) == b"abc" * 100_000
    assert headers["Content-Encoding"] == "br"


@pytest.mark.parametrize(
    ("header", "name", "taken"),
    [
        ("br", "br", True),
        ("gzip;q=0", "gzip", False),
        ("*", "br", True),
        ("*;q=0, br", "br", True),
        ("gzip;q=x", "gzip", True),
        ("", "br", False),
    ],
)
def test_accept_encoding_is_read_as_its_standard_says(header: str, name: str, taken: bool) -> None:
    assert accepts(header, name) is taken


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(["text/html", "application/json", "image/png", "x/y"]))
def test_content_comes_back_and_is_never_larger(content: bytes, media: str) -> None:
    body, headers = optimize(content, media, ContentRules())
    assert len(body) <= len(content)
    decode = {"br": brotli.decompress, "gzip": gzip.decompress}.get(headers.get("Content-Encoding", ""), bytes)
    assert decode(body) == content
