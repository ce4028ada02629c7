"""A DistributionConfig's XML as the rules of delivery read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args
from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.behaviours import (
    DEFAULT_ERROR_TTL,
    MAX_BEHAVIOURS,
    SAFE_METHODS,
    Association,
    Behaviour,
    Delivery,
    ErrorPage,
    LogSettings,
    Origin,
    Target,
    ViewerProtocol,
)
from perfctl.cdn.delivery.policies import NOTHING_MORE, CachePolicy, OriginRequestPolicy
from perfctl.cdn.delivery.response_headers import ResponseHeadersPolicy
from perfctl.sandbox.edge.policies import legacy_policy_of
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import is_true, items_of, number_of, text_of, texts_of


@dataclass(frozen=True, slots=True)
class PolicyFinder:
    """Looks policies up by id, and functions; each raises the service's error for what does not exist."""

    cache: Callable[[str], CachePolicy]
    origin_request: Callable[[str], OriginRequestPolicy]
    response_headers: Callable[[str], ResponseHeadersPolicy]
    functions: Callable[[Element], tuple[Association, ...]]


def delivery_of(distribution_id: str, domain_name: str, config: Element, policies: PolicyFinder) -> Delivery:
    """Read a DistributionConfig; ServiceProblem for what the service would refuse."""
    origins = {origin.identity: Target(origin) for origin in map(_origin, items_of(config, "Origins"))}
    targets = origins | {text_of(group, "Id"): _group(group, origins) for group in items_of(config, "OriginGroups")}
    default = config.find("DefaultCacheBehavior")
    if not origins or default is None:
        raise ServiceProblem("InvalidArgument", "Origins and DefaultCacheBehavior are required.")
    listed = items_of(config, "CacheBehaviors")
    if len(listed) > MAX_BEHAVIOURS:
        raise ServiceProblem("TooManyCacheBehaviors", f"A distribution has at most {MAX_BEHAVIOURS} behaviors.")
    return Delivery(
        distribution_id=distribution_id,
        hosts=(domain_name.lower(), *(alias.lower() for alias in texts_of(config, "Aliases"))),
        enabled=is_true(config, "Enabled"),
        root_object=text_of(config, "DefaultRootObject").lstrip("/"),
        behaviours=tuple(_behaviour(item, targets, policies) for item in (*listed, default)),
        error_ttls=tuple(
            (number_of(item, "ErrorCode", 0), number_of(item, "ErrorCachingMinTTL", DEFAULT_ERROR_TTL))
            for item in items_of(config, "CustomErrorResponses")
        ),
        tag_header=text_of(config, "CacheTagConfig/HeaderName").lower() or None,
        error_pages=tuple(page for item in items_of(config, "CustomErrorResponses") for page in _error_pages(item)),
        logging=LogSettings(
            is_true(config, "Logging/Enabled"),
            is_true(config, "Logging/IncludeCookies"),
            text_of(config, "Logging/Prefix"),
        ),
    )


def _error_pages(item: Element) -> tuple[ErrorPage, ...]:
    """The page, where the entry names one and not a time alone."""
    status, path = number_of(item, "ErrorCode", 0), text_of(item, "ResponsePagePath")
    if bool(path) != bool(text_of(item, "ResponseCode")):
        raise ServiceProblem("InvalidArgument", "ResponsePagePath and ResponseCode go together.")
    if not path:
        return ()
    if not path.startswith("/"):
        raise ServiceProblem("InvalidArgument", f"ResponsePagePath begins with /, not {path[:80]!r}.")
    return (ErrorPage(status, path, number_of(item, "ResponseCode", status)),)


def _origin(item: Element) -> Origin:
    headers = items_of(item, "CustomHeaders")
    return Origin(
        identity=text_of(item, "Id"),
        domain=text_of(item, "DomainName"),
        port=number_of(item, "CustomOriginConfig/HTTPPort", 80),
        path=text_of(item, "OriginPath"),
        headers=tuple((text_of(header, "HeaderName"), text_of(header, "HeaderValue")) for header in headers),
        attempts=number_of(item, "ConnectionAttempts", 3),
        connect_seconds=number_of(item, "ConnectionTimeout", 10),
        read_seconds=number_of(item, "CustomOriginConfig/OriginReadTimeout", 30),
        is_https_only=text_of(item, "CustomOriginConfig/OriginProtocolPolicy") == "https-only",
        shield_region=text_of(item, "OriginShield/OriginShieldRegion") or None
        if is_true(item, "OriginShield/Enabled")
        else None,
    )


def _group(item: Element, origins: dict[str, Target]) -> Target:
    members = [_target(text_of(member, "OriginId"), origins) for member in items_of(item, "Members")]
    if len(members) != 2:
        raise ServiceProblem("InvalidArgument", "An origin group has two members.")
    statuses = texts_of(item, "FailoverCriteria/StatusCodes")
    return Target(members[0].first, members[1].first, tuple(int(status) for status in statuses if status.isdigit()))


def _target(identity: str, targets: dict[str, Target]) -> Target:
    if identity not in targets:
        raise ServiceProblem("NoSuchOrigin", f"One or more of your origins do not exist: {identity!r}.")
    return targets[identity]


def _behaviour(item: Element, targets: dict[str, Target], policies: PolicyFinder) -> Behaviour:
    target = _target(text_of(item, "TargetOriginId"), targets)
    cache_id, request_id = text_of(item, "CachePolicyId"), text_of(item, "OriginRequestPolicyId")
    headers_id = text_of(item, "ResponseHeadersPolicyId")
    return Behaviour(
        pattern=_pattern(item),
        origin=target.first,
        fallback=target.second,
        failover_statuses=target.statuses,
        cache_policy=policies.cache(cache_id) if cache_id else legacy_policy_of(item),
        request_policy=policies.origin_request(request_id) if request_id else NOTHING_MORE,
        compress=is_true(item, "Compress"),
        allowed_methods=texts_of(item, "AllowedMethods") or SAFE_METHODS,
        viewer_protocol=_viewer_protocol(item),
        associations=policies.functions(item),
        response_policy=policies.response_headers(headers_id) if headers_id else None,
    )


def _viewer_protocol(item: Element) -> ViewerProtocol:
    text = text_of(item, "ViewerProtocolPolicy", "allow-all")
    for known in get_args(ViewerProtocol):
        if text == known:
            found: ViewerProtocol = known
            return found
    raise ServiceProblem("InvalidArgument", f"{text[:40]!r} is not a ViewerProtocolPolicy.")


def _pattern(item: Element) -> str | None:
    if item.tag == "DefaultCacheBehavior":
        return None
    pattern = text_of(item, "PathPattern")
    if not pattern or len(pattern) > 255:
        raise ServiceProblem("InvalidArgument", "A cache behavior needs a PathPattern of 1 to 255 characters.")
    return pattern
