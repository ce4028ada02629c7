"""What the edge asks of the origin: which of the viewer's headers, cookies and parameters go along."""

from __future__ import annotations

from perfctl.cdn.delivery.behaviours import Behaviour, Origin
from perfctl.cdn.delivery.cache_key import cookies_of, normalised_encodings
from perfctl.cdn.delivery.headers import Headers, tokens
from perfctl.cdn.delivery.policies import Selection
from perfctl.sandbox.edge.fetch import Ask
from perfctl.sandbox.edge.http import Request

HOP_BY_HOP = (
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
_OURS = (
    *HOP_BY_HOP,
    "accept-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "user-agent",
    "via",
    "x-amz-cf-id",
    "x-forwarded-for",
)
_CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")


def ask_of(request: Request, behaviour: Behaviour, origin: Origin, path: str, *, via: str, caches: bool) -> Ask:
    """The request for the origin. `caches`: it is for the cache, so it asks for the whole, unconditionally."""
    headers = _chosen(request, behaviour)
    headers = headers.without(*_CONDITIONS) if caches else headers
    forwarded = request.headers.get("x-forwarded-for")
    client = request.client[0]
    headers = headers.with_("Host", _host(request, behaviour, origin)).with_("Via", via)
    headers = headers.with_("X-Forwarded-For", f"{forwarded}, {client}" if forwarded else client)
    return Ask(request.method, path, _query(request, behaviour), headers, request.body)


def forwards_cookies(behaviour: Behaviour) -> bool:
    """Whether any cookie goes to the origin; if none does, its Set-Cookie does not come back."""
    return behaviour.cache_policy.cookies.mode != "none" or behaviour.request_policy.cookies.mode != "none"


def _chosen(request: Request, behaviour: Behaviour) -> Headers:
    cached, more = behaviour.cache_policy.headers, behaviour.request_policy.headers
    always = {"content-type"} | (set(_CONDITIONS) if request.method in ("GET", "HEAD") else {"authorization"})
    named_hops = tokens(request.headers.get("connection"))
    picked = [
        (name, value)
        for name, value in request.headers.without(*_OURS, *named_hops)
        if name.lower() in always or _picks(cached, more, name.lower())
    ]
    headers = Headers(tuple(picked)).with_("User-Agent", _user_agent(request, cached, more))
    if encodings := _encodings(request, behaviour):
        headers = headers.with_("Accept-Encoding", encodings)
    pairs = [f"{name}={value}" for name, value in cookies_of(request.headers) if _picks_cookie(behaviour, name)]
    return headers.with_("Cookie", "; ".join(pairs)) if pairs else headers


def _picks(cached: Selection, more: Selection, name: str) -> bool:
    return cached.picks(name) or more.picks(name)


def _picks_cookie(behaviour: Behaviour, name: str) -> bool:
    return behaviour.cache_policy.cookies.picks(name) or behaviour.request_policy.cookies.picks(name)


def _user_agent(request: Request, cached: Selection, more: Selection) -> str:
    sent = request.headers.get("user-agent")
    return sent if sent and _picks(cached, more, "user-agent") else "Amazon CloudFront"


def _encodings(request: Request, behaviour: Behaviour) -> str | None:
    policy, sent = behaviour.cache_policy, request.headers.get("accept-encoding")
    if policy.gzip or policy.brotli:
        return ",".join(normalised_encodings(sent, policy)) or None
    return sent if _picks(policy.headers, behaviour.request_policy.headers, "accept-encoding") else None


def _host(request: Request, behaviour: Behaviour, origin: Origin) -> str:
    sent = request.headers.get("host")
    if sent and _picks(behaviour.cache_policy.headers, behaviour.request_policy.headers, "host"):
        return sent
    return origin.domain if origin.port == 80 else f"{origin.domain}:{origin.port}"


def _query(request: Request, behaviour: Behaviour) -> str:
    cached, more = behaviour.cache_policy.queries, behaviour.request_policy.queries
    parts = [part for part in request.query.split("&") if part]
    return "&".join(part for part in parts if _picks(cached, more, part.partition("=")[0]))
