"""Content as it should go over the wire: compressed where that pays, with the headers that caches need (pure)."""

from __future__ import annotations

import gzip

from perfctl.cdn.content.headers import content_headers
from perfctl.errors import UsageError

BROTLI_QUALITY = 5
"""Smaller than gzip at its best level, at the CPU cost of gzip's default one."""
GZIP_LEVEL = 6
SMALLEST_BYTES = 256
"""Below, headers outweigh what is saved."""
LEAST_GAIN = 0.05

_COMPRESSIBLE_APPLICATIONS = frozenset(
    {
        "javascript", "json", "ld+json", "manifest+json", "rtf", "vnd.ms-fontobject", "wasm", "x-font-opentype",
        "x-font-truetype", "x-font-ttf", "x-javascript", "xhtml+xml", "xml", "x-ndjson", "graphql", "x-yaml", "yaml",
        "sql", "x-protobuf", "x-sh",
    }
)  # fmt: skip
_COMPRESSIBLE_OTHERS = frozenset({"image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"})


def optimize(
    content: bytes | str,
    content_type: str,
    *,
    encodings: tuple[str, ...],
    cache_ttl_seconds: int,
    user_location: str | None = None,
) -> tuple[bytes, dict[str, str]]:
    """The body to send and its headers; `encodings` are those allowed, the best first.

    The body is never larger than the content; it is left alone under 256 bytes and under 5 % of gain.
    """
    original = content.encode() if isinstance(content, str) else content
    if "\n" in content_type or "\r" in content_type:
        raise UsageError(f"content type {content_type!r} holds a line break", hint="pass a media type")
    body, encoding = original, None
    if is_compressible(content_type):
        body, encoding = _smallest(original, encodings)
    headers = content_headers(
        body,
        content_type,
        original=original,
        encoding=encoding,
        cache_ttl_seconds=cache_ttl_seconds,
        user_location=user_location,
    )
    return body, headers


def is_compressible(content_type: str) -> bool:
    """Whether the type is text-like; images, video, archives and WOFF are compressed already.

    >>> is_compressible("application/problem+json; charset=utf-8"), is_compressible("image/png")
    (True, False)
    """
    media = content_type.partition(";")[0].strip().lower()
    kind, _, subtype = media.partition("/")
    if kind == "text" or media in _COMPRESSIBLE_OTHERS:
        return subtype != "event-stream"
    if kind == "font":
        return subtype in ("ttf", "otf", "collection")
    return kind == "application" and (subtype in _COMPRESSIBLE_APPLICATIONS or subtype.endswith(("+json", "+xml")))


def allowed_encodings(
    *, compression_enabled: bool, brotli_enabled: bool, gzip_enabled: bool, accept_encoding: str | None = None
) -> tuple[str, ...]:
    """Which encodings may be used, the best first: the switches, and what the viewer accepts (None: everything)."""
    if not compression_enabled:
        return ()
    switched_on = [name for name, on in (("br", brotli_enabled), ("gzip", gzip_enabled)) if on]
    return tuple(name for name in switched_on if accept_encoding is None or accepts(accept_encoding, name))


def accepts(accept_encoding: str, name: str) -> bool:
    """Whether a viewer's Accept-Encoding takes this encoding (RFC 9110, 12.5.3); `q=0` refuses.

    >>> accepts("gzip;q=0, br", "gzip"), accepts("*", "br")
    (False, True)
    """
    weights = dict(_weight(part) for part in accept_encoding.lower().split(",") if part.strip())
    return weights.get(name, weights.get("*", 0.0)) > 0


def _weight(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    key, _, value = parameters.strip().partition("=")
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 1.0


def _smallest(original: bytes, encodings: tuple[str, ...]) -> tuple[bytes, str | None]:
    """The first allowed encoding that saves enough, else the content as it is."""
    if len(original) < SMALLEST_BYTES:
        return original, None
    for encoding in encodings:
        encoded = _compress(original, encoding)
        if len(encoded) <= len(original) * (1 - LEAST_GAIN):
            return encoded, encoding
    return original, None


def _compress(original: bytes, encoding: str) -> bytes:
    if encoding == "br":
        import brotli  # type: ignore[import-untyped]

        compressed: bytes = brotli.compress(original, quality=BROTLI_QUALITY)
        return compressed
    return gzip.compress(original, GZIP_LEVEL, mtime=0)
