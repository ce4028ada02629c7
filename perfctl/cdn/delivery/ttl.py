"""For how long an answer of the origin is served: CloudFront's rules for minimum, default and maximum TTL.

Source: CloudFront developer guide, "Managing how long content stays in the cache" and "How CloudFront processes
HTTP 3xx/4xx/5xx status codes from your origin"; "Serve stale (expired) content" bounds both by the maximum TTL.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from perfctl.cdn.delivery.headers import Headers, directives
from perfctl.cdn.delivery.policies import CachePolicy

ERRORS_ALWAYS_KEPT = frozenset((404, 414, 500, 501, 502, 503, 504))
ERRORS_KEPT_WHEN_ASKED = frozenset((400, 403, 405, 412, 415))
FOREVER_SECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Freshness:
    """What may be done with an answer, in seconds; not stored at all when `ttl` is None."""

    ttl: int | None
    while_revalidating: int = 0
    """For how long past its TTL it is served at once while a fresh one is fetched."""
    if_error: int = 0
    """For how long past its TTL it is served when the origin fails."""


NOT_STORED = Freshness(ttl=None)


def freshness(status: int, headers: Headers, policy: CachePolicy, *, now: float, error_ttl: int) -> Freshness:
    """How long an answer stays: at most `max_ttl`, at least `min_ttl`, even against `no-store` when that is > 0."""
    if not policy.caches:
        return NOT_STORED
    if status >= 400:
        return _error_freshness(status, headers, policy, now=now, error_ttl=error_ttl)
    if status < 200 or status in (206, 304):
        return NOT_STORED
    rules = directives(headers.get("cache-control"))
    if rules.keys() & {"no-store", "no-cache", "private"}:
        return _within(policy, policy.min_ttl, 0, _if_error(rules)) if policy.min_ttl > 0 else NOT_STORED
    while_revalidating = _seconds(rules, "stale-while-revalidate") or 0
    return _within(policy, _ttl(headers, policy, now), while_revalidating, _if_error(rules))


def _within(policy: CachePolicy, ttl: int, while_revalidating: int, if_error: int) -> Freshness:
    """Past the maximum TTL an answer is not served at all, however stale it might be."""
    room = max(policy.max_ttl - ttl, 0)
    return Freshness(ttl, min(while_revalidating, room), min(if_error, room))


def _error_freshness(status: int, headers: Headers, policy: CachePolicy, *, now: float, error_ttl: int) -> Freshness:
    asked = _asked(headers, now)
    if status not in ERRORS_ALWAYS_KEPT and (status not in ERRORS_KEPT_WHEN_ASKED or asked is None):
        return NOT_STORED
    ttl = max(min(asked or 0, policy.max_ttl), error_ttl)
    return Freshness(ttl) if ttl > 0 else NOT_STORED


def _ttl(headers: Headers, policy: CachePolicy, now: float) -> int:
    asked = _asked(headers, now)
    if asked is None:
        return max(policy.min_ttl, policy.default_ttl)
    return min(max(asked, policy.min_ttl), policy.max_ttl)


def _asked(headers: Headers, now: float) -> int | None:
    """What the origin asks for: s-maxage before max-age before Expires; an unreadable Expires is the past."""
    rules = directives(headers.get("cache-control"))
    for name in ("s-maxage", "max-age"):
        if (seconds := _seconds(rules, name)) is not None:
            return seconds
    expires = headers.get("expires")
    return None if expires is None else _until(expires, now)


def _until(date: str, now: float) -> int:
    try:
        return max(int(parsedate_to_datetime(date).timestamp() - now), 0)
    except (ValueError, TypeError, OverflowError):
        return 0


def _if_error(rules: dict[str, str | None]) -> int:
    """An expired object outlives the origin's failure unless the origin forbids it or bounds it."""
    if rules.keys() & {"must-revalidate", "proxy-revalidate"}:
        return 0
    bound = _seconds(rules, "stale-if-error")
    return FOREVER_SECONDS if bound is None else bound


def _seconds(rules: dict[str, str | None], name: str) -> int | None:
    text = rules.get(name)
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:12]), FOREVER_SECONDS)
