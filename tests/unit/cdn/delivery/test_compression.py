"""When and how the edge compresses."""

from __future__ import annotations

import gzip
from dataclasses import replace

import brotli  # type: ignore[import-untyped,unused-ignore]
import pytest

from perfctl.cdn.delivery.compression import Answer, coding_for, compressed, compressed_headers
from perfctl.cdn.delivery.headers import Headers

TEXT = Headers((("Content-Type", "text/css; charset=utf-8"),))
FITS = Answer(200, TEXT, b"a" * 1_000, had_length=True)


def test_brotli_is_preferred_where_the_viewer_takes_both() -> None:
    assert coding_for(FITS, ("br", "gzip"), compress=True, version="HTTP/1.1") == "br"


@pytest.mark.parametrize(
    "answer",
    [
        replace(FITS, body=b"a" * 999),
        replace(FITS, body=b"a" * 10_000_001),
        replace(FITS, had_length=False),
        replace(FITS, status=500),
        replace(FITS, status=206),
        replace(FITS, headers=TEXT.with_("Content-Encoding", "gzip")),
        replace(FITS, headers=Headers((("Content-Type", "image/jpeg"),))),
        replace(FITS, headers=Headers((("Content-Type", "font/woff2"),))),
        replace(FITS, headers=Headers()),
    ],
    ids=["small", "large", "no length", "500", "206", "encoded", "jpeg", "woff2", "no type"],
)
def test_one_condition_that_fails_leaves_the_answer_as_it_is(answer: Answer) -> None:
    assert coding_for(answer, ("br", "gzip"), compress=True, version="HTTP/1.1") is None


def test_neither_the_switch_nor_the_viewer_nor_an_old_protocol_is_overruled() -> None:
    assert coding_for(FITS, ("br",), compress=False, version="HTTP/1.1") is None
    assert coding_for(FITS, (), compress=True, version="HTTP/1.1") is None
    assert coding_for(FITS, ("br",), compress=True, version="HTTP/1.0") is None


@pytest.mark.parametrize("size", [1_000, 10_000_000])
def test_both_ends_of_the_window_are_inside(size: int) -> None:
    answer = replace(FITS, body=bytes(size))
    assert coding_for(answer, ("gzip",), compress=True, version="HTTP/1.1") == "gzip"


def test_what_was_compressed_unpacks_to_the_same() -> None:
    body = b"hello " * 500
    assert gzip.decompress(compressed(body, "gzip")) == body
    assert brotli.decompress(compressed(body, "br")) == body


@pytest.mark.parametrize(("etag", "expected"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"'), ("a", None), (None, None)])
def test_a_strong_etag_turns_weak_and_an_invalid_one_goes(etag: str | None, expected: str | None) -> None:
    headers = TEXT if etag is None else TEXT.with_("ETag", etag)
    changed = compressed_headers(headers, "br")
    assert (changed.get("etag"), changed.get("content-encoding"), changed.get("vary")) == (
        expected,
        "br",
        "Accept-Encoding",
    )
