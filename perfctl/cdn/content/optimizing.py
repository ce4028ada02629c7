"""Content as it should go over the wire: what it is, made smaller where that pays, with its headers (pure)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from perfctl.cdn.content.encodings import ONLINE, is_compressible, levels_within, preferred, smallest
from perfctl.cdn.content.headers import cache_control, checked_type, content_headers, tag_header
from perfctl.cdn.content.json_text import compacted, is_json
from perfctl.cdn.content.kinds import kind_of
from perfctl.cdn.content.pictures import MEDIA_TYPES, is_picture, smallest_picture, wanted_formats
from perfctl.errors import UsageError

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRules:
    """What holds for all content: which codings may be used, the best first, and for how long caches keep it."""

    encodings: tuple[str, ...] = ("br", "gzip")
    cache_ttl_seconds: int = 86_400
    api_ttl_seconds: int = 0
    private_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of one request for the content; without any of it the content is what its type says."""

    path: str | None = None
    accept_encoding: str | None = None
    """The viewer's header; None takes everything."""
    accept: str | None = None
    """The viewer's header; a picture becomes WebP or AVIF where it is named there."""
    is_private: bool = False
    cache_tags: tuple[str, ...] = ()
    ttl: int | None = None
    """For how long the edge may keep it, in place of what its kind has; never makes private content public."""
    compact: bool | None = None
    """Whether JSON loses the blanks between its tokens; None where there is a path."""
    budget_ms: float | None = None
    """How much CPU it may take; None is brotli 5 or gzip 6, and 2 s for a picture."""
    user_location: str | None = None


def optimize(
    content: bytes | str, content_type: str, rules: ContentRules, asked: Asked | None = None
) -> tuple[bytes, dict[str, str]]:
    """The body to send and its headers, the same ones each time.

    The body is never larger than the content; it is left alone under 256 bytes and under 5 % of gain.
    """
    asked = asked or Asked()
    original = as_bytes(content, content_type)
    kind = kind_of(
        checked_type(content_type), path=asked.path, is_private=asked.is_private, private_paths=rules.private_paths
    )
    body, sent_type, encoding = _made(original, content_type, rules, asked)
    headers = content_headers(
        sent_type,
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        encoding=encoding,
        cache_control=cache_control(
            kind, cache_ttl_seconds=rules.cache_ttl_seconds, api_ttl_seconds=rules.api_ttl_seconds, ttl=asked.ttl
        ),
        varies_by_accept=asked.accept is not None and is_picture(content_type),
        tags=tag_header(asked.cache_tags),
        user_location=asked.user_location,
    )
    return body, headers


def as_bytes(content: bytes | str, content_type: str) -> bytes:
    """Text in the charset that its type names, else in UTF-8. UsageError where it has no bytes there."""
    if not isinstance(content, str):
        return bytes(content)
    named = _CHARSET.search(content_type)
    charset = named[1] if named else "UTF-8"
    try:
        return content.encode(charset)
    except (LookupError, UnicodeError) as error:
        raise UsageError(f"the content cannot be written in {charset}: {error}", hint="pass bytes") from error


def private_by(request_headers: Mapping[str, str]) -> bool:
    """Whether a request's headers say that its answer is for one visitor: cookies, or credentials."""
    return any(name.lower() in ("cookie", "authorization") and value for name, value in request_headers.items())


def _made(original: bytes, content_type: str, rules: ContentRules, asked: Asked) -> tuple[bytes, str, str | None]:
    """The body, its type, its coding."""
    if is_picture(content_type):
        formats = wanted_formats(asked.accept)
        made = smallest_picture(original, formats, budget_ms=asked.budget_ms) if formats and rules.encodings else None
        return (made.body, MEDIA_TYPES[made.format], None) if made else (original, content_type, None)
    if not is_compressible(content_type):
        return original, content_type, None
    compacts = asked.path is not None if asked.compact is None else asked.compact
    text = compacted(original) if compacts and is_json(content_type) else original
    body, encoding = smallest(text, preferred(rules.encodings, asked.accept_encoding), _levels(text, asked.budget_ms))
    return body, content_type, encoding


def _levels(text: bytes, budget_ms: float | None) -> Mapping[str, int]:
    return ONLINE if budget_ms is None else levels_within(budget_ms, len(text))
