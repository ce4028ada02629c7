"""Which headers a response goes out with (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfctl.cdn.content.kinds import ContentKind
from perfctl.errors import UsageError

YEAR_SECONDS = 31_536_000
VIEWER_SECONDS = 300
"""For how long a viewer keeps an asset that an invalidation cannot reach in its cache."""
HTML_SECONDS = 60
MOST_TAGS = 50
TAG_HEADER = "Cache-Tag"

_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_VALUE = re.compile(r"[ -~]*")
_TAG = re.compile(r"[!-+\--~]{1,256}")
"""Visible ASCII without the comma."""


def checked_type(content_type: str) -> str:
    """The content type as it is. UsageError where it cannot stand in a header."""
    if "\n" in content_type or "\r" in content_type:
        raise UsageError(f"content type {content_type!r} holds a line break", hint="pass a media type")
    if not _VALUE.fullmatch(content_type.replace("\t", " ")):
        raise UsageError(f"content type {content_type!r} cannot stand in a header", hint="pass a media type")
    return content_type


def content_headers(
    content_type: str,
    *,
    size_bytes: int,
    sha256: str,
    encoding: str | None,
    cache_control: str,
    varies_by_accept: bool = False,
    tags: str | None = None,
    user_location: str | None = None,
) -> dict[str, str]:
    """The headers of a response whose body is of this size and digest (hexadecimal).

    Always with its length, without which CloudFront compresses nothing.
    """
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(size_bytes),
        "Cache-Control": cache_control,
        "ETag": strong_etag(sha256, encoding),
        "Vary": "Accept-Encoding, Accept" if varies_by_accept else "Accept-Encoding",
    }
    if encoding:
        headers["Content-Encoding"] = encoding
    if tags:
        headers[TAG_HEADER] = tags
    if user_location and _REGION.fullmatch(user_location):
        headers["X-Region-Hint"] = user_location
    return headers


def cache_control(kind: ContentKind, *, cache_ttl_seconds: int, api_ttl_seconds: int, ttl: int | None = None) -> str:
    """What caches may do with content of this kind; `ttl` stands for the seconds that the kind would have.

    | kind | edge | viewer | while the origin is asked, or is down |
    |---|---|---|---|
    | hashed | a year | a year, never asked again | |
    | asset | cache_ttl | 5 minutes, for no invalidation reaches it | 1 minute, 1 day |
    | html | 1 minute | asks each time | 10 minutes, 1 day |
    | api | api_ttl_seconds | asks each time | as long again, 1 hour |
    | private | nothing | nothing | |
    | content | cache_ttl | cache_ttl | |
    """
    if kind == "private":
        return "private, no-store"
    if kind == "hashed" and ttl is None:
        return f"public, max-age={YEAR_SECONDS}, immutable"
    usual = {"html": min(HTML_SECONDS, cache_ttl_seconds), "api": api_ttl_seconds}
    seconds = usual.get(kind, cache_ttl_seconds) if ttl is None else ttl
    if seconds <= 0:
        return "public, max-age=0, must-revalidate"
    if kind in ("content", "hashed"):
        return f"public, max-age={seconds}"
    viewer, stale, broken = {"asset": (VIEWER_SECONDS, 60, 86_400), "html": (0, 600, 86_400)}.get(
        kind, (0, seconds, 3600)
    )
    return (
        f"public, max-age={min(viewer, seconds)}, s-maxage={seconds}, "
        f"stale-while-revalidate={stale}, stale-if-error={broken}"
    )


def strong_etag(sha256: str, encoding: str | None) -> str:
    """A validator of exactly these bytes in this encoding: 128 bits of their SHA-256, and the encoding's name.

    It is taken from what is sent, so that two builds of a compressor never share one.
    """
    return f'"{sha256[:32]}-{encoding}"' if encoding else f'"{sha256[:32]}"'


def tag_header(tags: Sequence[str]) -> str | None:
    """The cache tags as their header has them, each once: they know no case. UsageError for what CloudFront refuses.

    >>> tag_header(("stocks", "symbol-AAPL", "stocks"))
    'stocks,symbol-aapl'
    """
    unique = dict.fromkeys(tag.lower() for tag in tags)
    if len(unique) > MOST_TAGS:
        raise UsageError(f"{len(unique)} cache tags: CloudFront takes at most {MOST_TAGS} of an object")
    for tag in unique:
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"cache tag {tag[:60]!r}: 1 to 256 visible ASCII characters, no comma", hint="rename the tag"
            )
    return ",".join(unique) or None
