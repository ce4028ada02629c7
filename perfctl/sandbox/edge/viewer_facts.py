"""What CloudFront adds to a request about its viewer, where a policy asks for it (`CloudFront-Viewer-Country` ...)."""

from __future__ import annotations

import re
from dataclasses import replace

from perfctl.cdn.delivery.behaviours import Behaviour
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request
from perfctl.sandbox.edge.places import Place

_TABLET = re.compile(r"ipad|tablet|android(?!.*mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone", re.IGNORECASE)
_TELEVISION = re.compile(r"smart-?tv|appletv|googletv|hbbtv", re.IGNORECASE)
_SPELT = {"cloudfront": "CloudFront", "http": "HTTP", "smarttv": "SmartTV"}


def with_facts(request: Request, behaviour: Behaviour, place: Place, *, secure: bool) -> Request:
    """The request with the facts that a policy of the behaviour names; what the viewer itself says of them stays.

    A viewer is taken to be in the country of its edge location.
    """
    policies = (behaviour.cache_policy.headers, behaviour.request_policy.headers)
    wanted = {name for chosen in policies if chosen.mode in ("whitelist", "all") for name in chosen.names}
    named = [name for name in sorted(wanted) if name.startswith("cloudfront-") and name not in request.headers]
    if not named:
        return request
    facts = _facts(request, place, secure=secure)
    added = Headers(tuple((_spelt(name), facts[name]) for name in named if name in facts))
    return replace(request, headers=request.headers.overlaid(added))


def _facts(request: Request, place: Place, *, secure: bool) -> dict[str, str]:
    agent = request.headers.get("user-agent") or ""
    tablet, television = bool(_TABLET.search(agent)), bool(_TELEVISION.search(agent))
    mobile = bool(_MOBILE.search(agent)) and not tablet
    kinds = {"desktop": not (tablet or television or mobile), "mobile": mobile, "smarttv": television, "tablet": tablet}
    return {
        "cloudfront-forwarded-proto": "https" if secure else "http",
        "cloudfront-viewer-address": f"{request.client[0]}:{request.client[1]}",
        "cloudfront-viewer-country": place.country,
        "cloudfront-viewer-http-version": request.version.removeprefix("HTTP/"),
        "cloudfront-viewer-latitude": f"{place.latitude:.5f}",
        "cloudfront-viewer-longitude": f"{place.longitude:.5f}",
        **{f"cloudfront-is-{kind}-viewer": str(holds).lower() for kind, holds in kinds.items()},
    }


def _spelt(name: str) -> str:
    return "-".join(_SPELT.get(word, word.title()) for word in name.split("-"))
