"""What of a request is in its cache key, part by part, and what is dropped."""

from __future__ import annotations

from perfctl.cdn.delivery.cache_key import canonical, chosen_query, cookies_of, normalised_encodings
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import CachePolicy, Selection
from perfctl.cdn.model.checks import KeyPart


def key_parts(path: str, query: str, request: Headers, policy: CachePolicy) -> tuple[KeyPart, ...]:
    """Every part of this request that CloudFront could tell requests apart by."""
    return (
        KeyPart("path", "path", canonical(path), True, "always"),
        *_queries(query, policy.queries),
        *_headers(request, policy.headers),
        *_cookies(request, policy.cookies),
        _encoding(request, policy),
    )


def key_url(path: str, query: str, policy: CachePolicy) -> str:
    """Path and query as an invalidation would name the copy."""
    kept = chosen_query(query, policy.queries)
    return canonical(path) + (f"?{kept}" if kept else "")


def _queries(query: str, chosen: Selection) -> list[KeyPart]:
    found = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        kept = chosen.picks(name)
        found.append(KeyPart("query", name, value, kept, _why(chosen, kept, "query parameters")))
    return found


def _headers(request: Headers, chosen: Selection) -> list[KeyPart]:
    sent = {name.lower(): value for name, value in request if name.lower() not in ("accept-encoding", "cookie")}
    names = sorted({*sent, *(chosen.names if chosen.mode == "whitelist" else ())})
    return [
        KeyPart("header", name, sent.get(name), chosen.picks(name), _why(chosen, chosen.picks(name), "headers"))
        for name in names
    ]


def _cookies(request: Headers, chosen: Selection) -> list[KeyPart]:
    return [
        KeyPart("cookie", name, None, chosen.picks(name), _why(chosen, chosen.picks(name), "cookies"))
        for name, _ in cookies_of(request)
    ]


def _encoding(request: Headers, policy: CachePolicy) -> KeyPart:
    accepted = request.get("accept-encoding")
    if "accept-encoding" in policy.headers.names and policy.headers.mode == "whitelist":
        why = "listed as a header: each spelling is a key of its own, and the edge does not compress"
        return KeyPart("encoding", "accept-encoding", accepted, True, why)
    kept = normalised_encodings(accepted, policy)
    if kept:
        return KeyPart("encoding", "accept-encoding", ",".join(kept), True, f"{accepted!r} reduced to these")
    enabled = policy.gzip or policy.brotli
    why = "the viewer takes neither br nor gzip" if enabled else "the policy enables neither gzip nor brotli"
    return KeyPart("encoding", "accept-encoding", accepted, False, why)


def _why(chosen: Selection, kept: bool, noun: str) -> str:
    if chosen.mode == "all":
        return f"all {noun} are in the key"
    if chosen.mode == "none":
        return f"no {noun} are in the key"
    listed = chosen.mode == "whitelist"
    return "the policy lists it" if kept is listed else "the policy does not list it"
