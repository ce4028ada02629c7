"""Content made ready while a viewer waits: what the configuration and the request say, and the same thing once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfctl.cdn.background import in_background
from perfctl.cdn.content.encodings import switched_on
from perfctl.cdn.content.memo import Made, Memo, key_of
from perfctl.cdn.content.optimizing import Asked, ContentRules, as_bytes, optimize, private_by
from perfctl.cdn.content.pictures import is_picture
from perfctl.config import CDNConfig

IN_BACKGROUND_BYTES = 64_000
"""Compressing less than this takes under two milliseconds."""


def rules_of(config: CDNConfig) -> ContentRules:
    """What the configuration says of all content."""
    return ContentRules(
        encodings=switched_on(
            compression_enabled=config.compression_enabled,
            brotli_enabled=config.brotli_enabled,
            gzip_enabled=config.gzip_enabled,
        ),
        cache_ttl_seconds=config.cache_ttl,
        api_ttl_seconds=config.api_ttl_seconds,
        private_paths=tuple(config.private_paths),
    )


def asked_of(
    request_headers: Mapping[str, str] | None,
    *,
    path: str | None = None,
    accept_encoding: str | None = None,
    accept: str | None = None,
    cache_tags: Sequence[str] = (),
    private: bool | None = None,
    ttl: int | None = None,
    compact: bool | None = None,
    budget_ms: float | None = None,
    user_location: str | None = None,
) -> Asked:
    """What is known of a request: what is given, else what its headers say. A request without Accept-Encoding takes
    no coding; where there is no request at all, every coding is taken.
    """
    headers = {name.lower(): value for name, value in (request_headers or {}).items()}
    codings = headers.get("accept-encoding", "") if request_headers is not None else None
    return Asked(
        path=path,
        accept_encoding=codings if accept_encoding is None else accept_encoding,
        accept=headers.get("accept") if accept is None else accept,
        is_private=private_by(headers) if private is None else private,
        cache_tags=(cache_tags,) if isinstance(cache_tags, str) else tuple(cache_tags),
        ttl=None if ttl is None else int(ttl),
        compact=compact,
        budget_ms=budget_ms,
        user_location=user_location,
    )


async def optimized(
    content: bytes | str, content_type: str, rules: ContentRules, asked: Asked, memo: Memo
) -> tuple[bytes, dict[str, str]]:
    """What `optimize` makes of it, from the memo where it was made before, in the background where it takes long."""
    original = as_bytes(content, content_type)

    def made() -> Made:
        key = key_of(original, content_type, rules, asked)
        known = memo.get(key)
        if known is not None:
            return known
        fresh = optimize(original, content_type, rules, asked)
        memo.put(key, fresh)
        return fresh

    is_quick = len(original) < IN_BACKGROUND_BYTES and not (asked.accept and is_picture(content_type))
    return made() if is_quick else await in_background(made)
