"""What an answer says to caches, one thing at a time, and what CloudFront makes of each."""

from __future__ import annotations

from collections.abc import Mapping

from perfctl.cdn.checking.setup import BehaviourSetup
from perfctl.cdn.delivery.headers import Headers, directives, tokens
from perfctl.cdn.model.checks import Said

_EFFECTS: Mapping[str, str] = {
    "s-maxage": "for shared caches: before max-age and Expires",
    "max-age": "for every cache, before Expires; behind s-maxage at the edge",
    "no-store": "the edge keeps it for the policy's min TTL, which is not at all where that is 0",
    "no-cache": "as no-store: not kept, but for the policy's min TTL where that is above 0",
    "private": "for the browser alone; the edge keeps it for a min TTL above 0 all the same",
    "public": "says no more than that it may be kept",
    "must-revalidate": "past its TTL it is not served while the origin fails",
    "proxy-revalidate": "past its TTL it is not served while the origin fails",
    "stale-while-revalidate": "for so long past its TTL it is served at once, and fetched anew beside that",
    "stale-if-error": "for so long past its TTL it is served while the origin fails",
    "immutable": "for browsers: not asked again on reload",
    "no-transform": "CloudFront compresses it all the same",
}


def said(headers: Headers, *, forwards_cookies: bool | None, is_kept: bool | None = None) -> tuple[Said, ...]:
    """Cache-Control directive by directive, then Expires, Date, Age, Vary, Set-Cookie, Pragma, ETag."""
    found = [
        Said(f"Cache-Control: {name}", value, _EFFECTS.get(name, "CloudFront makes nothing of it"))
        for name, value in directives(headers.get("cache-control")).items()
    ]
    if not found:
        found.append(Said("Cache-Control", None, "absent: Expires or the policy's default TTL decides"))
    if (expires := headers.get("expires")) is not None:
        found.append(Said("Expires", expires, "counts where there is no max-age and no s-maxage"))
    for name, effect in (
        ("Date", "when the origin made it"),
        ("Age", "seconds since the edge fetched it"),
        ("ETag", "lets the edge ask the origin whether it changed"),
        ("Last-Modified", "lets the edge ask the origin whether it changed"),
        ("Pragma", "CloudFront ignores it"),
    ):
        if (value := headers.get(name)) is not None:
            found.append(Said(name, value, effect))
    if (vary := headers.get("vary")) is not None:
        found.append(Said("Vary", vary, _vary(tokens(vary))))
    if cookies := len(headers.all("set-cookie")):
        found.append(Said("Set-Cookie", f"{cookies} (values not shown)", _set_cookie(forwards_cookies, is_kept)))
    return tuple(found)


def said_by_configuration(behaviour: BehaviourSetup | None) -> tuple[Said, ...]:
    """What beside the origin may have set these headers."""
    if behaviour is None:
        return ()
    found = []
    if behaviour.response_headers_policy:
        effect = "set for viewers after the edge has kept it: Cache-Control may be its own, not the origin's"
        found.append(Said("response headers policy", behaviour.response_headers_policy, effect))
    triggers = ", ".join(sorted({one.trigger for one in behaviour.functions}))
    if triggers:
        found.append(Said("functions", triggers, "may have changed the URL, these headers, or answered themselves"))
    return tuple(found)


def _vary(names: tuple[str, ...]) -> str:
    if names == ("accept-encoding",):
        return "as it should be for what is compressed"
    return "browsers split by it; CloudFront's key is the cache policy's alone"


def _set_cookie(forwards_cookies: bool | None, is_kept: bool | None) -> str:
    if forwards_cookies is False:
        return "CloudFront would take it away here, as no cookie goes to the origin"
    if is_kept is False:
        return "for this visitor alone: the answer is not kept"
    return "kept with the answer: every visitor of a hit gets the same cookie"
