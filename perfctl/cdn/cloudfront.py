"""The CloudFront adapter: boto3's calls in, dataclasses out; the only file of the CDN that knows boto3's shapes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from perfctl import aws
from perfctl.aws import AwsAccess, AwsCallError, Caller
from perfctl.calls import asking, begun, ended
from perfctl.cdn.background import in_background
from perfctl.cdn.delivery.policies import DAY_SECONDS, YEAR_SECONDS, CachePolicy, Mode, Selection
from perfctl.cdn.model.configuration import ConfigDocument, NamedCachePolicy, Shape
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.invalidations import Invalidation, InvalidationState
from perfctl.cdn.model.spending import InvalidationPage
from perfctl.cdn.paths import is_wildcard
from perfctl.errors import PerfctlError, ServiceError, UsageError

T = TypeVar("T")


class TooManyInProgressError(ServiceError):
    """The distribution's quota of invalidations in progress is used up; there is room after the next completion."""

    http_status = 429
    retryable = True


class ChangedMeanwhileError(ServiceError):
    """The configuration is no longer the version that the change was made for; read it again."""

    retryable = True


class ControlPlane(Protocol):
    """What the engine asks of CloudFront's control plane."""

    async def create_invalidation(
        self, distribution_id: str, items: Sequence[str], caller_reference: str
    ) -> Invalidation:
        """Start one batch. The same reference with the same items returns the batch that there is."""

    async def invalidation(self, distribution_id: str, invalidation_id: str) -> Invalidation:
        """One batch with its paths. UsageError when there is none."""

    async def recent_invalidations(self, distribution_id: str, *, at_most: int = 100) -> tuple[Invalidation, ...]:
        """The newest batches first, without their paths."""

    async def invalidation_page(self, distribution_id: str, *, marker: str | None = None) -> InvalidationPage:
        """A page of all batches, the newest first; `marker` is that of the page before."""

    async def distribution(self, distribution_id: str) -> Distribution:
        """One distribution. UsageError when there is none."""

    async def read_distribution_config(self, distribution_id: str) -> str:
        """The ETag of a distribution's configuration, which needs a permission of its own."""

    async def distribution_config(self, distribution_id: str) -> ConfigDocument:
        """The whole configuration under CloudFront's own names. UsageError when there is no such distribution."""

    async def update_distribution(self, distribution_id: str, config: dict[str, Any], etag: str) -> ConfigDocument:
        """Put a configuration in the place of the version `etag`. ChangedMeanwhileError when there is a newer one."""

    async def cache_policy(self, policy_id: str) -> NamedCachePolicy:
        """A cache policy. UsageError when there is none."""

    async def monitoring(self, distribution_id: str) -> bool:
        """Whether the additional metrics (cache hit rate, origin latency, errors by status) are switched on."""

    async def distributions(self) -> tuple[Distribution, ...]:
        """All distributions of the account."""

    async def knows_tags(self) -> bool:
        """Whether the SDK that is installed can invalidate by cache tag."""

    async def caller(self) -> Caller:
        """Who the service says that we are."""

    async def close(self) -> None:
        """Let go of the connections."""

    @property
    def endpoint(self) -> str:
        """Where the calls go."""


class CloudFront:
    """CloudFront over boto3. The client is made at the first call, in the background."""

    def __init__(self, access: AwsAccess, *, endpoint_url: str | None = None) -> None:
        self._access = access
        self._endpoint_url = endpoint_url
        self._client: Any = None

    async def create_invalidation(
        self, distribution_id: str, items: Sequence[str], caller_reference: str
    ) -> Invalidation:
        batch = {"Paths": {"Quantity": len(items), "Items": list(items)}, "CallerReference": caller_reference}

        def create(client: Any) -> Invalidation:
            answer = client.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch)
            return _invalidation(distribution_id, answer["Invalidation"])

        return await self._ask(f"cloudfront create-invalidation at {distribution_id}", create)

    async def invalidation(self, distribution_id: str, invalidation_id: str) -> Invalidation:
        def get(client: Any) -> Invalidation:
            answer = client.get_invalidation(DistributionId=distribution_id, Id=invalidation_id)
            return _invalidation(distribution_id, answer["Invalidation"])

        return await self._ask(f"cloudfront get-invalidation {invalidation_id} at {distribution_id}", get)

    async def recent_invalidations(self, distribution_id: str, *, at_most: int = 100) -> tuple[Invalidation, ...]:
        def listed(client: Any) -> tuple[Invalidation, ...]:
            answer = client.list_invalidations(DistributionId=distribution_id, MaxItems=str(at_most))
            rows = answer.get("InvalidationList", {}).get("Items", [])
            return tuple(_invalidation(distribution_id, row) for row in rows[:at_most])

        return await self._ask(f"cloudfront list-invalidations at {distribution_id}", listed)

    async def invalidation_page(self, distribution_id: str, *, marker: str | None = None) -> InvalidationPage:
        def listed(client: Any) -> InvalidationPage:
            after = {} if marker is None else {"Marker": marker}
            answer = client.list_invalidations(DistributionId=distribution_id, **after).get("InvalidationList", {})
            rows = tuple(_invalidation(distribution_id, row) for row in answer.get("Items", []))
            return InvalidationPage(rows, (answer.get("NextMarker") or None) if answer.get("IsTruncated") else None)

        return await self._ask(f"cloudfront list-invalidations at {distribution_id}", listed)

    async def distribution(self, distribution_id: str) -> Distribution:
        return await self._ask(
            f"cloudfront get-distribution {distribution_id}",
            lambda client: _distribution(client.get_distribution(Id=distribution_id)["Distribution"]),
        )

    async def distributions(self) -> tuple[Distribution, ...]:
        def listed(client: Any) -> tuple[Distribution, ...]:
            pages = client.get_paginator("list_distributions").paginate()
            rows = (row for page in pages for row in page.get("DistributionList", {}).get("Items", []))
            return tuple(_summary(row) for row in rows)

        return await self._ask("cloudfront list-distributions", listed)

    async def read_distribution_config(self, distribution_id: str) -> str:
        return await self._ask(
            f"cloudfront get-distribution-config {distribution_id}",
            lambda client: str(client.get_distribution_config(Id=distribution_id)["ETag"]),
        )

    async def distribution_config(self, distribution_id: str) -> ConfigDocument:
        def get(client: Any) -> ConfigDocument:
            answer = client.get_distribution_config(Id=distribution_id)
            return ConfigDocument(str(answer["ETag"]), answer["DistributionConfig"])

        return await self._ask(f"cloudfront get-distribution-config {distribution_id}", get)

    async def update_distribution(self, distribution_id: str, config: dict[str, Any], etag: str) -> ConfigDocument:
        def update(client: Any) -> ConfigDocument:
            answer = client.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=etag)
            return ConfigDocument(str(answer["ETag"]), answer["Distribution"]["DistributionConfig"])

        return await self._ask(f"cloudfront update-distribution {distribution_id}", update)

    async def cache_policy(self, policy_id: str) -> NamedCachePolicy:
        return await self._ask(
            f"cloudfront get-cache-policy {policy_id}",
            lambda client: _cache_policy(client.get_cache_policy(Id=policy_id)["CachePolicy"]),
        )

    async def monitoring(self, distribution_id: str) -> bool:
        def get(client: Any) -> bool:
            found = client.get_monitoring_subscription(DistributionId=distribution_id)["MonitoringSubscription"]
            config = found.get("RealtimeMetricsSubscriptionConfig", {})
            return bool(config.get("RealtimeMetricsSubscriptionStatus") == "Enabled")

        try:
            return await self._ask(f"cloudfront get-monitoring-subscription {distribution_id}", get)
        except AwsCallError as error:
            if error.code == "NoSuchMonitoringSubscription":
                return False
            raise

    async def knows_tags(self) -> bool:
        return await self._ask("cloudfront", lambda client: "CacheTagConfig" in client.meta.service_model.shape_names)

    async def caller(self) -> Caller:
        """Asked of STS; of CloudFront's own endpoint where that is not AWS's and STS has none: it has its accounts."""
        await self._ask("cloudfront", lambda client: client)
        is_placed = is_aws(self.endpoint) or "AWS_ENDPOINT_URL_STS" in os.environ
        custom = None if is_placed else self.endpoint
        return await in_background(lambda: aws.caller_identity(self._access, endpoint_url=custom))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def endpoint(self) -> str:
        return str(self._client.meta.endpoint_url) if self._client else self._endpoint_url or "cloudfront"

    async def _ask(self, asked: str, call: Callable[[Any], T]) -> T:
        return await in_background(lambda: self._translated(asked, call))

    def _translated(self, asked: str, call: Callable[[Any], T]) -> T:
        since = begun()
        try:
            with aws.translated(asked):
                if self._client is None:
                    self._client = aws.client("cloudfront", self._access, endpoint_url=self._endpoint_url)
                    asking(f"CloudFront at {self.endpoint}")
                return call(self._client)
        except AwsCallError as error:
            raise _told_apart(error) from error
        except (KeyError, TypeError) as error:
            hint = f"does {self.endpoint} answer for CloudFront?"
            raise ServiceError(f"{asked}: the answer lacks {error}", hint=hint) from error
        finally:
            ended(self.endpoint if since else "", asked, since)


def is_aws(endpoint: str) -> bool:
    """Whether an endpoint is AWS's own, rather than one that stands in for it."""
    return endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def _told_apart(error: AwsCallError) -> PerfctlError:
    """CloudFront's own codes that deserve their own kind."""
    if error.code == "NoSuchDistribution":
        return UsageError(error.message, hint="check --distribution, cdn.distribution_id or CLOUDFRONT_DISTRIBUTION_ID")
    if error.code == "NoSuchCachePolicy":
        return UsageError(error.message, hint="check CachePolicyId; aws cloudfront list-cache-policies shows them")
    if error.code == "PreconditionFailed":
        return ChangedMeanwhileError(error.message, hint="somebody else changed the distribution: try again")
    if error.code == "NoSuchInvalidation":
        return UsageError(error.message, hint="perfctl cdn status lists those that there are")
    if error.code == "TooManyInvalidationsInProgress":
        return TooManyInProgressError(error.message, hint="add --wait, and perfctl waits for room")
    return error


def _invalidation(distribution_id: str, row: Any) -> Invalidation:
    batch = row.get("InvalidationBatch")
    paths = tuple(batch["Paths"].get("Items", [])) if batch else ()
    wildcards = sum(1 for path in paths if is_wildcard(path))
    return Invalidation(
        distribution_id=distribution_id,
        invalidation_id=row["Id"],
        status=_state(row["Status"]),
        created_at=_iso(row.get("CreateTime")),
        items=len(paths) if batch else None,
        wildcards=wildcards if batch else None,
        paths=paths,
    )


def _state(status: str) -> InvalidationState:
    """CloudFront says `InProgress` and `Completed`; look-alikes spell the latter in capitals."""
    return "Completed" if status.lower() == "completed" else "InProgress"


def _iso(moment: Any) -> str | None:
    if not isinstance(moment, datetime):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def _distribution(row: Any) -> Distribution:
    config = row["DistributionConfig"]
    behaviours = config.get("CacheBehaviors", {}).get("Items", [])
    return Distribution(
        id=row["Id"],
        domain_name=row["DomainName"],
        aliases=tuple(config.get("Aliases", {}).get("Items", [])),
        status=row["Status"],
        enabled=bool(config["Enabled"]),
        in_progress_invalidations=row.get("InProgressInvalidationBatches"),
        compresses=config["DefaultCacheBehavior"].get("Compress"),
        uncompressed_behaviours=tuple(item["PathPattern"] for item in behaviours if not item.get("Compress")),
        tag_header=config.get("CacheTagConfig", {}).get("HeaderName") or None,
        default_root_object=config.get("DefaultRootObject") or None,
    )


def _summary(row: Any) -> Distribution:
    return Distribution(
        id=row["Id"],
        domain_name=row["DomainName"],
        aliases=tuple(row.get("Aliases", {}).get("Items", [])),
        status=row["Status"],
        enabled=bool(row["Enabled"]),
    )


def _cache_policy(row: Any) -> NamedCachePolicy:
    config = row["CachePolicyConfig"]
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin", {})
    minimum = int(config.get("MinTTL", 0))
    policy = CachePolicy(
        min_ttl=minimum,
        default_ttl=int(config.get("DefaultTTL", max(DAY_SECONDS, minimum))),
        max_ttl=int(config.get("MaxTTL", max(YEAR_SECONDS, minimum))),
        gzip=bool(parameters.get("EnableAcceptEncodingGzip")),
        brotli=bool(parameters.get("EnableAcceptEncodingBrotli")),
        headers=_selection(parameters.get("HeadersConfig", {}), "HeaderBehavior", "Headers", lower=True),
        cookies=_selection(parameters.get("CookiesConfig", {}), "CookieBehavior", "Cookies"),
        queries=_selection(parameters.get("QueryStringsConfig", {}), "QueryStringBehavior", "QueryStrings"),
    )
    return NamedCachePolicy(row["Id"], str(config["Name"]).removeprefix("Managed-"), policy)


_MODES: dict[str, Mode] = {"whitelist": "whitelist", "allExcept": "allExcept", "all": "all"}


def _selection(config: Any, mode: str, names: str, *, lower: bool = False) -> Selection:
    listed = config.get(names, {}).get("Items", [])
    chosen = tuple(str(name).lower() if lower else str(name) for name in listed)
    return Selection(_MODES.get(config.get(mode, "none"), "none"), chosen)


def config_shape() -> Shape:
    """What a DistributionConfig may hold, by the service model of the SDK that is installed; no call is made."""
    from botocore.session import Session

    return _shape(Session().get_service_model("cloudfront").shape_for("DistributionConfig"))


def _shape(found: Any) -> Shape:
    if found.type_name == "structure":
        members = {name: _shape(member) for name, member in found.members.items()}
        return Shape("structure", members, tuple(found.required_members))
    if found.type_name == "list":
        return Shape("list", member=_shape(found.member))
    if found.type_name in ("integer", "long"):
        return Shape("integer")
    return Shape("boolean") if found.type_name == "boolean" else Shape("string", values=tuple(found.enum))
