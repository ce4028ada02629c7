"""Response headers policies: what CloudFront adds to, replaces in and removes from every answer.

Source: CloudFront developer guide, "Understand response headers policies" and "Use managed response headers policies".
"""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.delivery.headers import Headers, tokens
from perfctl.cdn.delivery.patterns import matches

ALL_METHODS = ("GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class FixedHeader:
    """A header with its value: a security header or one of one's own."""

    name: str
    value: str
    override: bool = False
    """Whether it replaces the origin's; otherwise the origin's stays."""


@dataclass(frozen=True, slots=True)
class Cors:
    """Cross-origin resource sharing; `*` in a list allows anything."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    headers: tuple[str, ...] = ("*",)
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age_seconds: int | None = None
    override: bool = False
    """Whether it replaces the origin's; otherwise nothing is added where the origin sent any of these."""


@dataclass(frozen=True, slots=True)
class ResponseHeadersPolicy:
    """What happens to the headers of every answer of a behaviour."""

    cors: Cors | None = None
    fixed: tuple[FixedHeader, ...] = ()
    removed: tuple[str, ...] = ()
    server_timing_rate: float | None = None
    """Percent of the answers that carry Server-Timing; None: none, even where the viewer asks for it."""


def with_policy(policy: ResponseHeadersPolicy, asked: Headers, method: str, answer: Headers) -> Headers:
    """The answer's fields after the policy; `asked` are the viewer's. Server-Timing is the caller's."""
    changed = answer.without(*policy.removed)
    if policy.cors is not None:
        changed = _shared(policy.cors, asked, method, changed)
    for header in policy.fixed:
        if header.override or header.name not in changed:
            changed = changed.with_(header.name, header.value)
    return changed


def _shared(cors: Cors, asked: Headers, method: str, answer: Headers) -> Headers:
    origin = asked.get("origin")
    sent = [name for name, _ in answer if name.lower().startswith("access-control-")]
    if origin is None or (sent and not cors.override):
        return answer
    allowed = _allowed_origin(cors, origin)
    if allowed is None:
        return answer.without(*sent)
    fields = [("Access-Control-Allow-Origin", allowed)]
    if cors.credentials:
        fields.append(("Access-Control-Allow-Credentials", "true"))
    if method == "OPTIONS" and "access-control-request-method" in asked:
        fields += _preflight(cors)
    elif cors.exposed:
        fields.append(("Access-Control-Expose-Headers", ", ".join(cors.exposed)))
    changed = answer.without(*sent).overlaid(Headers(tuple(fields)))
    return changed if allowed == "*" else _varied(changed)


def _allowed_origin(cors: Cors, origin: str) -> str | None:
    if "*" in cors.origins:
        return origin if cors.credentials else "*"
    patterns = (pattern if "://" in pattern else f"*://{pattern}" for pattern in cors.origins)
    return origin if any(matches(f"/{pattern}", f"/{origin}") for pattern in patterns) else None


def _preflight(cors: Cors) -> list[tuple[str, str]]:
    methods = ALL_METHODS if "ALL" in cors.methods else cors.methods
    fields = [("Access-Control-Allow-Methods", ", ".join(methods))]
    if cors.headers:
        fields.append(("Access-Control-Allow-Headers", ", ".join(cors.headers)))
    if cors.max_age_seconds is not None:
        fields.append(("Access-Control-Max-Age", str(cors.max_age_seconds)))
    return fields


def _varied(headers: Headers) -> Headers:
    vary = headers.get("vary")
    if "origin" in tokens(vary):
        return headers
    return headers.with_("Vary", f"{vary}, Origin" if vary else "Origin")
