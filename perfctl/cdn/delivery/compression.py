"""Whether and how the edge compresses an answer: CloudFront's rules ("Serving compressed files")."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from perfctl.cdn.delivery.headers import Headers

SMALLEST_BYTES = 1_000
LARGEST_BYTES = 10_000_000
STATUSES = frozenset((200, 403, 404))
GZIP_LEVEL = 6
BROTLI_QUALITY = 5  # smaller than gzip -9 at the CPU cost of gzip -6

_LISTED = """
    application/dash+xml application/eot application/font application/font-sfnt application/javascript
    application/json application/opentype application/otf application/pdf application/pkcs7-mime
    application/protobuf application/rss+xml application/truetype application/ttf application/vnd.apple.mpegurl
    application/vnd.mapbox-vector-tile application/vnd.ms-fontobject application/wasm application/xhtml+xml
    application/xml application/x-font-opentype application/x-font-truetype application/x-font-ttf
    application/x-httpd-cgi application/x-javascript application/x-mpegurl application/x-opentype application/x-otf
    application/x-perl application/x-ttf font/eot font/opentype font/otf font/ttf image/svg+xml text/css text/csv
    text/html text/javascript text/js text/plain text/richtext text/tab-separated-values text/xml
    text/x-component text/x-java-source text/x-script vnd.apple.mpegurl
"""
CONTENT_TYPES = frozenset(_LISTED.split())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the origin as it bears on compression."""

    status: int
    headers: Headers
    body: bytes
    had_length: bool
    """Whether the origin sent Content-Length; without it nothing is compressed."""


def coding_for(answer: Answer, encodings: tuple[str, ...], *, compress: bool, version: str) -> str | None:
    """The coding to apply, or None: the first of `encodings` when every condition holds."""
    kind = (answer.headers.get("content-type") or "").partition(";")[0].strip().lower()
    fits = (
        compress
        and encodings
        and version != "HTTP/1.0"
        and answer.had_length
        and answer.status in STATUSES
        and SMALLEST_BYTES <= len(answer.body) <= LARGEST_BYTES
        and answer.headers.get("content-encoding") is None
        and kind in CONTENT_TYPES
    )
    return encodings[0] if fits else None


def compressed(body: bytes, coding: str) -> bytes:
    """The body in this coding; deterministic."""
    if coding == "br":
        import brotli  # type: ignore[import-untyped,unused-ignore]

        encoded: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
        return encoded
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def compressed_headers(headers: Headers, coding: str) -> Headers:
    """The fields of the compressed form: named, varied, without Accept-Ranges, its strong ETag made weak."""
    etag = headers.get("etag")
    changed = headers.without("etag", "content-length", "accept-ranges").with_("Content-Encoding", coding)
    vary = headers.get("vary")
    if vary is None or "accept-encoding" not in vary.lower():
        changed = changed.with_("Vary", f"{vary}, Accept-Encoding" if vary else "Accept-Encoding")
    weak = weakened(etag)
    return changed if weak is None else changed.with_("ETag", weak)


def weakened(etag: str | None) -> str | None:
    """`"abc"` as `W/"abc"`; None for a value that is no ETag.

    >>> weakened('"abc"'), weakened('W/"abc"'), weakened("abc")
    ('W/"abc"', 'W/"abc"', None)
    """
    if etag is None:
        return None
    opaque = etag.removeprefix("W/")
    if len(opaque) < 2 or not (opaque.startswith('"') and opaque.endswith('"')):
        return None
    return f"W/{opaque}"
