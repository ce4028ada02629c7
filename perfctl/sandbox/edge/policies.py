"""Policies as XML: what a configuration says, and the configurations of the managed policies.

A policy of one's own is kept as the XML that was sent; what the managed ones say stands in `cdn/delivery`.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.policies import (
    DAY_SECONDS,
    MANAGED,
    MANAGED_REQUESTS,
    YEAR_SECONDS,
    CachePolicy,
    Mode,
    OriginRequestPolicy,
    Selection,
)
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import element, is_true, leaves, number_of, text_of, texts_of


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


def _cache_config(name: str, policy: CachePolicy) -> Element:
    parameters = leaves(EnableAcceptEncodingGzip=policy.gzip, EnableAcceptEncodingBrotli=policy.brotli)
    parameters += [
        _picked("Headers", "HeaderBehavior", policy.headers),
        _picked("Cookies", "CookieBehavior", policy.cookies),
        _picked("QueryStrings", "QueryStringBehavior", policy.queries),
    ]
    times = leaves(DefaultTTL=policy.default_ttl, MaxTTL=policy.max_ttl, MinTTL=policy.min_ttl)
    keyed = element("ParametersInCacheKeyAndForwardedToOrigin", children=parameters)
    return element("CachePolicyConfig", children=[*leaves(Comment="", Name=f"Managed-{name}"), *times, keyed])


def _request_config(name: str, policy: OriginRequestPolicy) -> Element:
    children = [
        *leaves(Comment="", Name=f"Managed-{name}"),
        _picked("Headers", "HeaderBehavior", policy.headers, everything="allViewer"),
        _picked("Cookies", "CookieBehavior", policy.cookies),
        _picked("QueryStrings", "QueryStringBehavior", policy.queries),
    ]
    return element("OriginRequestPolicyConfig", children=children)


def _picked(noun: str, behaviour: str, selection: Selection, *, everything: str = "all") -> Element:
    """`HeadersConfig`, `CookiesConfig` or `QueryStringsConfig`."""
    mode = element(behaviour, everything if selection.mode == "all" else selection.mode)
    if not selection.names:
        return element(f"{noun}Config", children=[mode])
    items = [element("Name", name) for name in selection.names]
    listed = element(noun, children=[element("Quantity", len(items)), element("Items", children=items)])
    return element(f"{noun}Config", children=[mode, listed])


MANAGED_CACHE_POLICIES = tuple(
    Managed(identity, _cache_config(managed.name, managed.policy)) for identity, managed in MANAGED.items()
)
MANAGED_ORIGIN_REQUEST_POLICIES = tuple(
    Managed(identity, _request_config(managed.name, managed.policy)) for identity, managed in MANAGED_REQUESTS.items()
)
