"""Cache policies: what of a request is in the cache key, and for how long an answer is kept; the managed ones too.

Names, ids and times of the managed policies are those of the CloudFront developer guide ("Using the managed cache
policies"); a policy of one's own is kept as the XML that was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import element, is_true, leaves, number_of, text_of, texts_of

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
        return self.max_ttl > 0


@dataclass(frozen=True, slots=True)
class OriginRequestPolicy:
    """What goes to the origin beside the cache key."""

    headers: Selection = Selection()
    cookies: Selection = Selection()
    queries: Selection = Selection()


NOTHING_MORE = OriginRequestPolicy()


def cache_policy_of(config: Element) -> CachePolicy:
    """The policy that a `CachePolicyConfig` describes. InvalidTTLOrder unless min <= default <= max."""
    parameters = config.find("ParametersInCacheKeyAndForwardedToOrigin")
    parameters = element("none") if parameters is None else parameters
    minimum = number_of(config, "MinTTL", 0)
    policy = CachePolicy(
        min_ttl=minimum,
        default_ttl=number_of(config, "DefaultTTL", max(DAY_SECONDS, minimum)),
        max_ttl=number_of(config, "MaxTTL", max(YEAR_SECONDS, minimum)),
        gzip=is_true(parameters, "EnableAcceptEncodingGzip"),
        brotli=is_true(parameters, "EnableAcceptEncodingBrotli"),
        headers=_selection(parameters, "HeadersConfig/HeaderBehavior", "HeadersConfig/Headers", lower=True),
        cookies=_selection(parameters, "CookiesConfig/CookieBehavior", "CookiesConfig/Cookies"),
        queries=_selection(parameters, "QueryStringsConfig/QueryStringBehavior", "QueryStringsConfig/QueryStrings"),
    )
    return _checked(policy)


def legacy_policy_of(behaviour: Element) -> CachePolicy:
    """The policy that a behaviour without a policy id describes: ForwardedValues and its own times."""
    forwarded = behaviour.find("ForwardedValues")
    forwarded = element("none") if forwarded is None else forwarded
    keys = texts_of(forwarded, "QueryStringCacheKeys")
    headers = tuple(name.lower() for name in texts_of(forwarded, "Headers"))
    queries = Selection("whitelist", keys) if keys else Selection("all")
    return _checked(
        CachePolicy(
            min_ttl=number_of(behaviour, "MinTTL", 0),
            default_ttl=number_of(behaviour, "DefaultTTL", DAY_SECONDS),
            max_ttl=number_of(behaviour, "MaxTTL", YEAR_SECONDS),
            gzip=True,
            headers=Selection("all") if "*" in headers else Selection("whitelist", headers),
            cookies=_selection(forwarded, "Cookies/Forward", "Cookies/WhitelistedNames"),
            queries=queries if is_true(forwarded, "QueryString") else Selection(),
        )
    )


def origin_request_policy_of(config: Element) -> OriginRequestPolicy:
    return OriginRequestPolicy(
        headers=_selection(config, "HeadersConfig/HeaderBehavior", "HeadersConfig/Headers", lower=True),
        cookies=_selection(config, "CookiesConfig/CookieBehavior", "CookiesConfig/Cookies"),
        queries=_selection(config, "QueryStringsConfig/QueryStringBehavior", "QueryStringsConfig/QueryStrings"),
    )


def _checked(policy: CachePolicy) -> CachePolicy:
    if not 0 <= policy.min_ttl <= policy.default_ttl <= policy.max_ttl:
        raise ServiceProblem(
            "InvalidTTLOrder",
            f"MinTTL {policy.min_ttl}, DefaultTTL {policy.default_ttl}, MaxTTL {policy.max_ttl} are not in order.",
        )
    return policy


_MODES: dict[str, Mode] = {
    "": "none",
    "none": "none",
    "whitelist": "whitelist",
    "allExcept": "allExcept",
    "all": "all",
    "allViewer": "all",
    "allViewerAndWhitelistCloudFront": "all",
}


def _selection(root: Element, mode_path: str, names_path: str, *, lower: bool = False) -> Selection:
    mode = _MODES.get(text_of(root, mode_path))
    if mode is None:
        raise ServiceProblem("InvalidArgument", f"{text_of(root, mode_path)!r} is not a value of {mode_path}.")
    names = texts_of(root, names_path)
    return Selection(mode, tuple(name.lower() for name in names) if lower else names)


# -- the managed policies, as configurations --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Managed:
    """A policy that every account has."""

    identity: str
    config: Element


def _picked(noun: str, behaviour: str, names: Iterable[str] | Literal["all", "none"]) -> Element:
    """`HeadersConfig`, `CookiesConfig` or `QueryStringsConfig`."""
    if isinstance(names, str):
        return element(f"{noun}Config", children=[element(behaviour, names)])
    items = [element("Name", name) for name in names]
    listed = element(noun, children=[element("Quantity", len(items)), element("Items", children=items)])
    return element(f"{noun}Config", children=[element(behaviour, "whitelist"), listed])


def _managed(
    name: str,
    identity: str,
    ttl: tuple[int, int, int],
    *,
    gzip: bool = False,
    brotli: bool = False,
    headers: Iterable[str] | Literal["none"] = "none",
    cookies: Literal["all", "none"] = "none",
    queries: Iterable[str] | Literal["all", "none"] = "none",
) -> Managed:
    parameters = leaves(EnableAcceptEncodingGzip=gzip, EnableAcceptEncodingBrotli=brotli)
    parameters += [
        _picked("Headers", "HeaderBehavior", headers),
        _picked("Cookies", "CookieBehavior", cookies),
        _picked("QueryStrings", "QueryStringBehavior", queries),
    ]
    minimum, default, maximum = ttl
    children = leaves(Comment="", Name=f"Managed-{name}", DefaultTTL=default, MaxTTL=maximum, MinTTL=minimum)
    children.append(element("ParametersInCacheKeyAndForwardedToOrigin", children=parameters))
    return Managed(identity, element("CachePolicyConfig", children=children))


CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

_ORIGIN_KEY = ("host", "origin", "x-http-method-override", "x-http-method", "x-method-override")

MANAGED_CACHE_POLICIES = (
    _managed("CachingOptimized", CACHING_OPTIMIZED, (1, DAY_SECONDS, YEAR_SECONDS), gzip=True, brotli=True),
    _managed(
        "CachingOptimizedForUncompressedObjects",
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
        (1, DAY_SECONDS, YEAR_SECONDS),
    ),
    _managed("CachingDisabled", CACHING_DISABLED, (0, 0, 0)),
    _managed(
        "Elemental-MediaPackage",
        "08627262-05a9-4f76-9ded-b50ca2e3a84f",
        (0, DAY_SECONDS, YEAR_SECONDS),
        gzip=True,
        headers=("origin",),
        queries=("aws.manifestfilter", "start", "end", "m"),
    ),
    _managed(
        "Amplify",
        "2e54312d-136d-493c-8eb9-b001f22f67d2",
        (2, 2, 600),
        gzip=True,
        brotli=True,
        headers=("Authorization", "CloudFront-Viewer-Country", "Host"),
        cookies="all",
        queries="all",
    ),
    _managed(
        "UseOriginCacheControlHeaders",
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        (0, 0, YEAR_SECONDS),
        gzip=True,
        brotli=True,
        headers=_ORIGIN_KEY,
        cookies="all",
    ),
    _managed(
        "UseOriginCacheControlHeaders-QueryStrings",
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
        (0, 0, YEAR_SECONDS),
        gzip=True,
        brotli=True,
        headers=_ORIGIN_KEY,
        cookies="all",
        queries="all",
    ),
)


def _managed_request(
    name: str,
    identity: str,
    headers: Iterable[str] | str,
    cookies: Literal["all", "none"],
    queries: Literal["all", "none"],
) -> Managed:
    if headers == "allExcept":
        listed = element("Headers", children=[*leaves(Quantity=1), element("Items", children=leaves(Name="host"))])
        chosen = element("HeadersConfig", children=[element("HeaderBehavior", "allExcept"), listed])
    elif isinstance(headers, str):
        chosen = element("HeadersConfig", children=[element("HeaderBehavior", headers)])
    else:
        chosen = _picked("Headers", "HeaderBehavior", headers)
    children = [
        *leaves(Comment="", Name=f"Managed-{name}"),
        chosen,
        _picked("Cookies", "CookieBehavior", cookies),
        _picked("QueryStrings", "QueryStringBehavior", queries),
    ]
    return Managed(identity, element("OriginRequestPolicyConfig", children=children))


_CORS_S3 = ("origin", "access-control-request-headers", "access-control-request-method")

MANAGED_ORIGIN_REQUEST_POLICIES = (
    _managed_request("AllViewer", "216adef6-5c7f-47e4-b989-5492eafa07d3", "allViewer", "all", "all"),
    _managed_request("AllViewerExceptHostHeader", "b689b0a8-53d0-40ab-baf2-68738e2966ac", "allExcept", "all", "all"),
    _managed_request("CORS-S3Origin", "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", _CORS_S3, "none", "none"),
    _managed_request("CORS-CustomOrigin", "59781a5b-3903-41f3-afcb-af62929ccde1", ("origin",), "none", "none"),
    _managed_request("HostHeaderOnly", "bf0718e1-ba1e-49d1-88b1-f726733018ae", ("host",), "none", "none"),
    _managed_request(
        "UserAgentRefererHeaders", "acba4595-bd28-49b8-b9fe-13317c0390fa", ("user-agent", "referer"), "none", "none"
    ),
)


def _managed_response(name: str, identity: str) -> Managed:
    return Managed(
        identity, element("ResponseHeadersPolicyConfig", children=leaves(Comment="", Name=f"Managed-{name}"))
    )


MANAGED_RESPONSE_HEADERS_POLICIES = (
    _managed_response("SimpleCORS", "60669652-455b-4ae9-85a4-c4c02393f86c"),
    _managed_response("CORS-With-Preflight", "5cc3b908-e619-4b99-88e5-2cf7f45965bd"),
    _managed_response("SecurityHeadersPolicy", "67f7725c-6f97-4210-82d7-5512b31e9d03"),
    _managed_response("CORS-and-SecurityHeadersPolicy", "e61eb60c-9c35-4d20-a928-2b84e02af89c"),
    _managed_response("CORS-with-preflight-and-SecurityHeadersPolicy", "eaab4381-ed33-4a86-88ca-d9558dc6cd63"),
)
