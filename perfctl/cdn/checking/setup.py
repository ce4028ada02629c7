"""A distribution's configuration as the checks read it: behaviours with their policies, origins, groups, switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from perfctl.cdn.delivery.behaviours import DEFAULT_ERROR_TTL
from perfctl.cdn.delivery.patterns import matches, without_dots
from perfctl.cdn.delivery.policies import (
    DAY_SECONDS,
    MANAGED_REQUESTS,
    YEAR_SECONDS,
    CachePolicy,
    OriginRequestPolicy,
    Selection,
)
from perfctl.cdn.model.configuration import NamedCachePolicy

Policies = Mapping[str, NamedCachePolicy | None]
"""The cache policies that behaviours name; None for one that may not be read."""


_LEAVES_CACHE_CONTROL = frozenset(
    (
        "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
        "60669652-455b-4ae9-85a4-c4c02393f86c",
        "67f7725c-6f97-4210-82d7-5512b31e9d03",
        "e61eb60c-9c35-4d20-a928-2b84e02af89c",
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
    )
)
"""The managed response headers policies: CORS and security, no Cache-Control."""


@dataclass(frozen=True, slots=True)
class OriginSetup:
    """Where the edge fetches from."""

    id: str
    domain: str
    is_s3: bool
    attempts: int
    connect_seconds: int
    read_seconds: int | None
    shield: str | None
    """The region of Origin Shield."""

    @property
    def give_up_seconds(self) -> int:
        """How long a viewer waits before an origin that cannot be reached is given up."""
        return self.attempts * self.connect_seconds


@dataclass(frozen=True, slots=True)
class GroupSetup:
    """Two origins, the second asked when the first fails."""

    id: str
    members: tuple[str, ...]
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Association:
    """A function at one of the four triggers."""

    trigger: str
    arn: str
    is_lambda: bool


@dataclass(frozen=True, slots=True)
class BehaviourSetup:
    """How the requests of one path pattern are treated; the default behaviour has no pattern."""

    pattern: str | None
    target: str
    kind: Literal["managed", "own", "legacy", "unknown"]
    policy: CachePolicy | None
    """None where it may not be read."""
    policy_id: str | None
    policy_name: str | None
    compresses: bool
    viewer_protocol: str
    methods: tuple[str, ...]
    request_policy: OriginRequestPolicy | None
    """What goes to the origin beside the cache key; None: nothing more, or not known."""
    response_headers_policy: str | None
    functions: tuple[Association, ...] = ()

    @property
    def name(self) -> str:
        """As the checks name it."""
        return self.pattern or "default"

    @property
    def changes_answers(self) -> bool:
        """Whether a viewer's headers may be others than those by which the edge kept the answer."""
        policy = self.response_headers_policy
        return self.has_function("viewer-response") or (policy is not None and policy not in _LEAVES_CACHE_CONTROL)

    def has_function(self, *triggers: str) -> bool:
        """Whether a function is attached at one of these triggers."""
        return any(one.trigger in triggers for one in self.functions)

    @property
    def caches(self) -> bool:
        """Whether it may keep anything."""
        return self.policy is not None and self.policy.caches


@dataclass(frozen=True, slots=True)
class Setup:
    """A distribution as it is configured."""

    distribution_id: str
    domain_name: str
    aliases: tuple[str, ...]
    behaviours: tuple[BehaviourSetup, ...]
    """In the order in which they are tried; the default behaviour is the last."""
    origins: tuple[OriginSetup, ...]
    groups: tuple[GroupSetup, ...]
    error_ttls: tuple[tuple[int, int], ...]
    """Status and the least time for which an error is kept."""
    root_object: str | None
    price_class: str
    http_version: str
    has_ipv6: bool
    logs_to: str | None
    """The bucket of standard logs (v1)."""
    tag_header: str | None
    min_tls: str | None
    has_own_certificate: bool
    realtime_logs: bool = False

    def behaviour_of(self, path: str) -> tuple[int, BehaviourSetup]:
        """The first behaviour whose pattern matches, and its position from 0."""
        path = without_dots(path)
        for position, behaviour in enumerate(self.behaviours):
            if behaviour.pattern is None or matches(behaviour.pattern, path):
                return position, behaviour
        raise LookupError(path)

    def first_origins(self, behaviour: BehaviourSetup) -> tuple[OriginSetup, ...]:
        """The origin of a behaviour, or those of its group."""
        group = next((group for group in self.groups if group.id == behaviour.target), None)
        wanted = group.members if group else (behaviour.target,)
        return tuple(origin for origin in self.origins if origin.id in wanted)

    def error_ttl(self, status: int) -> int:
        """The least time for which an error of the origin is kept."""
        return dict(self.error_ttls).get(status, DEFAULT_ERROR_TTL)


def policy_ids(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The cache policies that a configuration names, each once."""
    named = (behaviour.get("CachePolicyId") for behaviour in _behaviours(config))
    return tuple(dict.fromkeys(str(name) for name in named if name))


def setup_of(distribution_id: str, domain_name: str, config: Mapping[str, Any], policies: Policies) -> Setup:
    """Read a DistributionConfig under CloudFront's own names; what is absent is as CloudFront's default is."""
    certificate = config.get("ViewerCertificate") or {}
    logging = config.get("Logging") or {}
    is_own = bool(certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId"))
    return Setup(
        distribution_id=distribution_id,
        domain_name=domain_name,
        aliases=tuple(items(config.get("Aliases"))),
        behaviours=tuple(_behaviour(one, policies) for one in _behaviours(config)),
        origins=tuple(_origin(one) for one in items(config.get("Origins"))),
        groups=tuple(_group(one) for one in items(config.get("OriginGroups"))),
        error_ttls=tuple(
            (int(one["ErrorCode"]), int(one.get("ErrorCachingMinTTL", DEFAULT_ERROR_TTL)))
            for one in items(config.get("CustomErrorResponses"))
        ),
        root_object=config.get("DefaultRootObject") or None,
        price_class=config.get("PriceClass") or "PriceClass_All",
        http_version=str(config.get("HttpVersion") or "http2").lower(),
        has_ipv6=bool(config.get("IsIPV6Enabled")),
        logs_to=(logging.get("Bucket") or None) if logging.get("Enabled", bool(logging.get("Bucket"))) else None,
        tag_header=(config.get("CacheTagConfig") or {}).get("HeaderName") or None,
        min_tls=certificate.get("MinimumProtocolVersion") or None,
        has_own_certificate=is_own,
        realtime_logs=any(one.get("RealtimeLogConfigArn") for one in _behaviours(config)),
    )


def items(listed: Any) -> list[Any]:
    """The members of CloudFront's `{Quantity, Items}`."""
    return list((listed or {}).get("Items") or [])


def _behaviours(config: Mapping[str, Any]) -> list[Any]:
    return [*items(config.get("CacheBehaviors")), config["DefaultCacheBehavior"]]


def _behaviour(one: Mapping[str, Any], policies: Policies) -> BehaviourSetup:
    policy_id = one.get("CachePolicyId") or None
    named = policies.get(policy_id) if policy_id else None
    request = MANAGED_REQUESTS.get(one.get("OriginRequestPolicyId") or "")
    return BehaviourSetup(
        pattern=one.get("PathPattern") or None,
        target=one["TargetOriginId"],
        kind="legacy"
        if policy_id is None
        else "unknown"
        if named is None
        else "managed"
        if named.is_managed
        else "own",
        policy=_legacy(one) if policy_id is None else named.policy if named else None,
        policy_id=policy_id,
        policy_name=named.name if named else None,
        compresses=bool(one.get("Compress")),
        viewer_protocol=one.get("ViewerProtocolPolicy", "allow-all"),
        methods=tuple(items(one.get("AllowedMethods"))) or ("GET", "HEAD"),
        request_policy=request.policy if request else None,
        response_headers_policy=one.get("ResponseHeadersPolicyId") or None,
        functions=(
            *(_associated(each, "FunctionARN") for each in items(one.get("FunctionAssociations"))),
            *(_associated(each, "LambdaFunctionARN") for each in items(one.get("LambdaFunctionAssociations"))),
        ),
    )


def _associated(one: Mapping[str, Any], arn: str) -> Association:
    return Association(one.get("EventType", ""), one.get(arn, ""), arn == "LambdaFunctionARN")


def _legacy(one: Mapping[str, Any]) -> CachePolicy:
    """The policy that ForwardedValues and the behaviour's own times come to: gzip only."""
    forwarded = one.get("ForwardedValues") or {}
    headers = tuple(str(name).lower() for name in items(forwarded.get("Headers")))
    cookies = forwarded.get("Cookies") or {}
    names = tuple(items(cookies.get("WhitelistedNames")))
    keys = tuple(items(forwarded.get("QueryStringCacheKeys")))
    queries = Selection("whitelist", keys) if keys else Selection("all")
    forward = cookies.get("Forward", "none")
    return CachePolicy(
        min_ttl=int(one.get("MinTTL", 0)),
        default_ttl=int(one.get("DefaultTTL", DAY_SECONDS)),
        max_ttl=int(one.get("MaxTTL", YEAR_SECONDS)),
        gzip=True,
        headers=Selection("all") if "*" in headers else Selection("whitelist" if headers else "none", headers),
        cookies=Selection("whitelist", names)
        if forward == "whitelist"
        else Selection("all" if forward == "all" else "none"),
        queries=queries if forwarded.get("QueryString") else Selection(),
    )


def _origin(one: Mapping[str, Any]) -> OriginSetup:
    custom = one.get("CustomOriginConfig") or one.get("VpcOriginConfig") or {}
    shield = one.get("OriginShield") or {}
    read = custom.get("OriginReadTimeout") or (one.get("S3OriginConfig") or {}).get("OriginReadTimeout")
    return OriginSetup(
        id=one["Id"],
        domain=one["DomainName"],
        is_s3="S3OriginConfig" in one and "CustomOriginConfig" not in one,
        attempts=int(one.get("ConnectionAttempts") or 3),
        connect_seconds=int(one.get("ConnectionTimeout") or 10),
        read_seconds=int(read) if read else None,
        shield=(shield.get("OriginShieldRegion") or "on") if shield.get("Enabled") else None,
    )


def _group(one: Mapping[str, Any]) -> GroupSetup:
    criteria = one.get("FailoverCriteria") or {}
    return GroupSetup(
        id=one["Id"],
        members=tuple(member["OriginId"] for member in items(one.get("Members"))),
        statuses=tuple(int(status) for status in items(criteria.get("StatusCodes"))),
    )
