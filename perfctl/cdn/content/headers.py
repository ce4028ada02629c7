"""Which headers a response should carry (pure)."""

from __future__ import annotations

import hashlib
import re

_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


def content_headers(
    content: bytes,
    content_type: str,
    *,
    original: bytes,
    encoding: str | None,
    cache_ttl_seconds: int,
    user_location: str | None = None,
) -> dict[str, str]:
    """The headers of a response that may be cached at the edge and at the viewer.

    The ETag is strong: it names the content and its encoding, so that no cache takes one encoding for another.
    """
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(content)),
        "Cache-Control": cache_control(cache_ttl_seconds),
        "ETag": strong_etag(original, encoding),
        "Vary": "Accept-Encoding",
    }
    if encoding:
        headers["Content-Encoding"] = encoding
    if user_location and _REGION.fullmatch(user_location):
        headers["X-Region-Hint"] = user_location
    return headers


def cache_control(ttl_seconds: int) -> str:
    """The directive for a public response; 0 means that each use is checked with the origin."""
    return f"public, max-age={ttl_seconds}" if ttl_seconds > 0 else "public, max-age=0, must-revalidate"


def strong_etag(original: bytes, encoding: str | None) -> str:
    """A validator of the content's bytes in this encoding: 128 bits of SHA-256, and the encoding's name."""
    digest = hashlib.sha256(original).hexdigest()[:32]
    return f'"{digest}-{encoding}"' if encoding else f'"{digest}"'
