"""A distribution in good shape, as CloudFront describes it, for tests to break one thing of."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from perfctl.cdn.checking.setup import Setup, setup_of
from perfctl.cdn.delivery.policies import CACHING_DISABLED, CACHING_OPTIMIZED, MANAGED, CachePolicy, Selection
from perfctl.cdn.model.configuration import NamedCachePolicy

OWN_POLICY = "11111111-2222-3333-4444-555555555555"
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
API = CachePolicy(default_ttl=0, gzip=True, brotli=True, queries=Selection("all"))


def listed(*members: Any) -> dict[str, Any]:
    """CloudFront's form of a list."""
    return {"Quantity": len(members), **({"Items": list(members)} if members else {})}


def behaviour(pattern: str | None = None, policy: str = CACHING_OPTIMIZED, **more: Any) -> dict[str, Any]:
    """A behaviour in good shape."""
    return {
        **({"PathPattern": pattern} if pattern else {}),
        "TargetOriginId": "both",
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**listed("HEAD", "GET"), "CachedMethods": listed("HEAD", "GET")},
        "Compress": True,
        "CachePolicyId": policy,
        "ResponseHeadersPolicyId": SECURITY_HEADERS,
        **more,
    }


def origin(name: str, **more: Any) -> dict[str, Any]:
    """An origin in good shape."""
    return {
        "Id": name,
        "DomainName": f"{name}.example.com",
        "OriginPath": "",
        "CustomHeaders": listed(),
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
        },
        "ConnectionAttempts": 2,
        "ConnectionTimeout": 3,
        "OriginShield": {"Enabled": True, "OriginShieldRegion": "us-east-1"},
        **more,
    }


WELL: dict[str, Any] = {
    "CallerReference": "shop",
    "Aliases": listed("www.example.com"),
    "DefaultRootObject": "index.html",
    "Origins": listed(origin("first"), origin("second")),
    "OriginGroups": listed(
        {
            "Id": "both",
            "FailoverCriteria": {"StatusCodes": listed(500, 502, 503, 504)},
            "Members": listed({"OriginId": "first"}, {"OriginId": "second"}),
        }
    ),
    "DefaultCacheBehavior": behaviour(),
    "CacheBehaviors": listed(behaviour("/api/*", OWN_POLICY), behaviour("/account/*", CACHING_DISABLED)),
    "CustomErrorResponses": listed({"ErrorCode": 503, "ErrorCachingMinTTL": 5}),
    "Comment": "",
    "Logging": {"Enabled": True, "IncludeCookies": False, "Bucket": "logs.s3.amazonaws.com", "Prefix": "cdn/"},
    "PriceClass": "PriceClass_All",
    "Enabled": True,
    "ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:x", "MinimumProtocolVersion": "TLSv1.2_2021"},
    "HttpVersion": "http2and3",
    "IsIPV6Enabled": True,
    "CacheTagConfig": {"HeaderName": "Cache-Tag"},
}
"""A whole configuration with nothing to say about it."""


def config(**changes: Any) -> dict[str, Any]:
    """The good configuration with other values at its top level; None takes one away."""
    changed = {**deepcopy(WELL), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def setup(policies: dict[str, CachePolicy] | None = None, **changes: Any) -> Setup:
    """The good distribution, or one with other values."""
    own = {OWN_POLICY: API, **(policies or {})}
    named = {name: NamedCachePolicy(name, f"own-{name[:4]}", policy) for name, policy in own.items()}
    managed = {name: NamedCachePolicy(name, found.name, found.policy) for name, found in MANAGED.items()}
    return setup_of("E1SHOP", "d111.cloudfront.net", config(**changes), {**managed, **named})
