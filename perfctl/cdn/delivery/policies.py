"""Cache policies: what of a request is in the cache key, and for how long an answer is kept; the managed ones too.

Names, ids, keys and times of the managed policies are those of the CloudFront developer guide ("Use managed cache
policies", "Use managed origin request policies").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

Mode = Literal["none", "whitelist", "allExcept", "all"]

YEAR_SECONDS = 31_536_000
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Selection:
    """Which headers, cookies or query strings count."""

    mode: Mode = "none"
    names: tuple[str, ...] = ()

    def picks(self, name: str) -> bool:
        """Whether `name` counts; header names compare in lower case, so give and keep those so."""
        if self.mode == "whitelist":
            return name in self.names
        return self.mode == "all" or (self.mode == "allExcept" and name not in self.names)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What the edge needs of a cache policy."""

    min_ttl: int = 0
    default_ttl: int = DAY_SECONDS
    max_ttl: int = YEAR_SECONDS
    gzip: bool = False
    brotli: bool = False
    headers: Selection = Selection()
    cookies: Selection = Selection()
    queries: Selection = Selection()

    @property
    def caches(self) -> bool:
        """Whether anything may be kept: not where ForwardedValues send all headers ("Headers: *") to the origin."""
        return self.max_ttl > 0 and self.headers.mode != "all"


@dataclass(frozen=True, slots=True)
class OriginRequestPolicy:
    """What goes to the origin beside the cache key."""

    headers: Selection = Selection()
    cookies: Selection = Selection()
    queries: Selection = Selection()


NOTHING_MORE = OriginRequestPolicy()


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A cache policy that every account has."""

    name: str
    policy: CachePolicy


@dataclass(frozen=True, slots=True)
class ManagedRequestPolicy:
    """An origin request policy that every account has."""

    name: str
    policy: OriginRequestPolicy


ALL = Selection("all")

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

_BY_ORIGIN = CachePolicy(
    default_ttl=0,
    gzip=True,
    brotli=True,
    headers=Selection("whitelist", ("host", "origin", "x-http-method-override", "x-http-method", "x-method-override")),
    cookies=ALL,
)

MANAGED: Mapping[str, ManagedPolicy] = MappingProxyType(
    {
        CACHING_OPTIMIZED: ManagedPolicy("CachingOptimized", CachePolicy(min_ttl=1, gzip=True, brotli=True)),
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": ManagedPolicy(
            "CachingOptimizedForUncompressedObjects", CachePolicy(min_ttl=1)
        ),
        CACHING_DISABLED: ManagedPolicy("CachingDisabled", CachePolicy(default_ttl=0, max_ttl=0)),
        "08627262-05a9-4f76-9ded-b50ca2e3a84f": ManagedPolicy(
            "Elemental-MediaPackage",
            CachePolicy(
                gzip=True,
                headers=Selection("whitelist", ("origin",)),
                queries=Selection("whitelist", ("aws.manifestfilter", "start", "end", "m")),
            ),
        ),
        "2e54312d-136d-493c-8eb9-b001f22f67d2": ManagedPolicy(
            "Amplify",
            CachePolicy(
                min_ttl=2,
                default_ttl=2,
                max_ttl=600,
                gzip=True,
                brotli=True,
                headers=Selection("whitelist", ("authorization", "cloudfront-viewer-country", "host")),
                cookies=ALL,
                queries=ALL,
            ),
        ),
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65": ManagedPolicy("UseOriginCacheControlHeaders", _BY_ORIGIN),
        USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS: ManagedPolicy(
            "UseOriginCacheControlHeaders-QueryStrings", replace(_BY_ORIGIN, queries=ALL)
        ),
    }
)
"""The managed cache policies by id."""

_CORS_S3 = ("origin", "access-control-request-headers", "access-control-request-method")

MANAGED_REQUESTS: Mapping[str, ManagedRequestPolicy] = MappingProxyType(
    {
        "216adef6-5c7f-47e4-b989-5492eafa07d3": ManagedRequestPolicy("AllViewer", OriginRequestPolicy(ALL, ALL, ALL)),
        "33f36d7e-f396-46d9-90e0-52428a34d9dc": ManagedRequestPolicy(
            "AllViewerAndCloudFrontHeaders-2022-06", OriginRequestPolicy(ALL, ALL, ALL)
        ),
        ALL_VIEWER_EXCEPT_HOST: ManagedRequestPolicy(
            "AllViewerExceptHostHeader", OriginRequestPolicy(Selection("allExcept", ("host",)), ALL, ALL)
        ),
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": ManagedRequestPolicy(
            "CORS-S3Origin", OriginRequestPolicy(Selection("whitelist", _CORS_S3))
        ),
        "59781a5b-3903-41f3-afcb-af62929ccde1": ManagedRequestPolicy(
            "CORS-CustomOrigin", OriginRequestPolicy(Selection("whitelist", ("origin",)))
        ),
        "bf0718e1-ba1e-49d1-88b1-f726733018ae": ManagedRequestPolicy(
            "HostHeaderOnly", OriginRequestPolicy(Selection("whitelist", ("host",)))
        ),
        "acba4595-bd28-49b8-b9fe-13317c0390fa": ManagedRequestPolicy(
            "UserAgentRefererHeaders", OriginRequestPolicy(Selection("whitelist", ("user-agent", "referer")))
        ),
    }
)
"""The managed origin request policies by id."""
