"""CloudFront's control plane in memory: the same answers, quotas and refusals, for tests of one's own code."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any

from perfctl.aws import AwsCallError, Caller
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ChangedMeanwhileError, TooManyInProgressError
from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED, MANAGED
from perfctl.cdn.model.configuration import ConfigDocument, NamedCachePolicy
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.invalidations import Invalidation, InvalidationState
from perfctl.cdn.model.spending import InvalidationPage
from perfctl.cdn.paths import LONGEST_PATH, MOST_EXACT, MOST_WILDCARDS, is_wildcard
from perfctl.errors import UsageError

_PAGE = 100
"""The most that CloudFront lists at a time."""


@dataclass(slots=True)
class VirtualClock:
    """A clock that runs only while someone sleeps; every pause is remembered."""

    seconds: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    @property
    def time(self) -> Time:
        """For an engine and for the control plane that it asks; every jittered pause is the longest."""
        return Time(now=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 1.0)


@dataclass(slots=True)
class _Batch:
    identifier: str
    distribution_id: str
    items: tuple[str, ...]
    reference: str
    created: float
    created_at: str


@dataclass(slots=True)
class MemoryCloudFront:
    """Holds `known` distributions. `faults` are raised by the next calls, one each, in order; None lets one pass.

    With `is_accepted_first` a fault comes after the call took effect, as a time-out may. `configs` are the
    distributions' configurations by ID, made up where there is none; `policies` those beside the managed ones.
    """

    known: tuple[Distribution, ...]
    completion_seconds: float = 5.0
    time: Time = field(default_factory=Time)
    faults: deque[Exception | None] = field(default_factory=deque)
    is_accepted_first: bool = False
    items_paid: int = 0
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: tuple[NamedCachePolicy, ...] = ()
    monitored: frozenset[str] = frozenset()
    """The distributions whose additional metrics are switched on."""
    _versions: dict[str, int] = field(default_factory=dict)
    _updated: dict[str, float] = field(default_factory=dict)
    _batches: dict[str, list[_Batch]] = field(default_factory=dict)
    """By distribution, the oldest first."""
    _by_id: dict[str, _Batch] = field(default_factory=dict)
    _by_reference: dict[tuple[str, str], _Batch] = field(default_factory=dict)

    async def create_invalidation(
        self, distribution_id: str, items: Sequence[str], caller_reference: str
    ) -> Invalidation:
        if not self.is_accepted_first:
            self._strike()
        self._distribution(distribution_id)
        batch = self._known_reference(distribution_id, tuple(items), caller_reference)
        if batch is None:
            batch = self._accepted(distribution_id, tuple(items), caller_reference)
        if self.is_accepted_first:
            self._strike()
        return self._shown(batch)

    async def invalidation(self, distribution_id: str, invalidation_id: str) -> Invalidation:
        self._strike()
        self._distribution(distribution_id)
        batch = self._by_id.get(invalidation_id)
        if batch is not None and batch.distribution_id == distribution_id:
            return self._shown(batch)
        raise UsageError(f"cloudfront get-invalidation {invalidation_id} at {distribution_id}: NoSuchInvalidation")

    async def recent_invalidations(self, distribution_id: str, *, at_most: int = 100) -> tuple[Invalidation, ...]:
        self._strike()
        self._distribution(distribution_id)
        return tuple(self._listed(batch) for batch in islice(reversed(self._of(distribution_id)), at_most))

    async def invalidation_page(self, distribution_id: str, *, marker: str | None = None) -> InvalidationPage:
        self._strike()
        self._distribution(distribution_id)
        newest = list(reversed(self._of(distribution_id)))
        first = 1 + [batch.identifier for batch in newest].index(marker) if marker is not None else 0
        page = newest[first : first + _PAGE]
        is_last = first + _PAGE >= len(newest)
        return InvalidationPage(tuple(map(self._listed, page)), None if is_last else page[-1].identifier)

    async def distribution(self, distribution_id: str) -> Distribution:
        self._strike()
        return self._distribution(distribution_id)

    async def read_distribution_config(self, distribution_id: str) -> str:
        return (await self.distribution(distribution_id)).id

    async def distribution_config(self, distribution_id: str) -> ConfigDocument:
        self._strike()
        self._distribution(distribution_id)
        return self._document(distribution_id)

    async def update_distribution(self, distribution_id: str, config: dict[str, Any], etag: str) -> ConfigDocument:
        self._strike()
        self._distribution(distribution_id)
        if etag != self._document(distribution_id).etag:
            message = f"cloudfront update-distribution {distribution_id}: PreconditionFailed"
            raise ChangedMeanwhileError(message, hint="somebody else changed the distribution: try again")
        self.configs[distribution_id] = deepcopy(config)
        self._versions[distribution_id] = self._versions.get(distribution_id, 0) + 1
        self._updated[distribution_id] = self.time.now()
        return self._document(distribution_id)

    async def cache_policy(self, policy_id: str) -> NamedCachePolicy:
        self._strike()
        if managed := MANAGED.get(policy_id):
            return NamedCachePolicy(policy_id, managed.name, managed.policy)
        for policy in self.policies:
            if policy.id == policy_id:
                return policy
        raise UsageError(f"cloudfront get-cache-policy {policy_id}: NoSuchCachePolicy", hint="check CachePolicyId")

    async def monitoring(self, distribution_id: str) -> bool:
        self._strike()
        return self._distribution(distribution_id).id in self.monitored

    async def distributions(self) -> tuple[Distribution, ...]:
        self._strike()
        return self.known

    async def knows_tags(self) -> bool:
        return True

    async def caller(self) -> Caller:
        self._strike()
        return Caller("000000000000", "arn:aws:iam::000000000000:user/memory")

    async def close(self) -> None:
        return None

    @property
    def endpoint(self) -> str:
        return "memory"

    def _strike(self) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            raise fault

    def _distribution(self, distribution_id: str) -> Distribution:
        for one in self.known:
            if one.id == distribution_id:
                updated = self._updated.get(distribution_id)
                is_new = updated is not None and self.time.now() - updated < self.completion_seconds
                return replace(one, status="InProgress") if is_new else one
        raise UsageError(f"cloudfront: NoSuchDistribution: {distribution_id}", hint="check --distribution")

    def _document(self, distribution_id: str) -> ConfigDocument:
        config = self.configs.setdefault(distribution_id, _made_up(self._distribution(distribution_id)))
        return ConfigDocument(f"E{self._versions.get(distribution_id, 0):013d}", deepcopy(config))

    def _of(self, distribution_id: str) -> list[_Batch]:
        return self._batches.setdefault(distribution_id, [])

    def _known_reference(self, distribution_id: str, items: tuple[str, ...], reference: str) -> _Batch | None:
        batch = self._by_reference.get((distribution_id, reference))
        if batch is None or batch.items == items:
            return batch
        code = "InvalidationBatchAlreadyExists"
        raise AwsCallError(f"cloudfront: {code}: {reference} with other paths", code=code)

    def _accepted(self, distribution_id: str, items: tuple[str, ...], reference: str) -> _Batch:
        _check(items)
        newest = reversed(self._of(distribution_id))
        running = [batch.items for batch in takewhile(self._is_running, newest)]
        wildcards = [item for batch in (*running, items) for item in batch if is_wildcard(item)]
        total = sum(len(batch) for batch in (*running, items))
        if len(wildcards) > MOST_WILDCARDS or total - len(wildcards) > MOST_EXACT:
            hint = "add --wait, and perfctl waits for room"
            raise TooManyInProgressError("cloudfront: TooManyInvalidationsInProgress", hint=hint)
        identifier = f"I{len(self._by_id):013d}"
        now = self.time.now()
        created_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        batch = _Batch(identifier, distribution_id, items, reference, now, created_at)
        self._of(distribution_id).append(batch)
        self._by_id[identifier] = self._by_reference[distribution_id, reference] = batch
        self.items_paid += len(items)
        return batch

    def _is_running(self, batch: _Batch) -> bool:
        return self.time.now() - batch.created < self.completion_seconds

    def _listed(self, batch: _Batch) -> Invalidation:
        """Without its paths, as lists have it."""
        status: InvalidationState = "InProgress" if self._is_running(batch) else "Completed"
        return Invalidation(batch.distribution_id, batch.identifier, status, batch.created_at)

    def _shown(self, batch: _Batch) -> Invalidation:
        return replace(
            self._listed(batch),
            items=len(batch.items),
            wildcards=sum(map(is_wildcard, batch.items)),
            paths=batch.items,
        )


def _check(items: tuple[str, ...]) -> None:
    if len(items) > MOST_EXACT:
        raise AwsCallError(f"cloudfront: BatchTooLarge: {len(items)} paths", code="BatchTooLarge")
    for item in items:
        is_path = item.startswith("/") and "*" not in item[:-1] and len(item) <= LONGEST_PATH
        if not (is_path or item.startswith("#")) or not item.isascii() or " " in item:
            raise AwsCallError(f"cloudfront: InvalidArgument: {item[:100]!r}", code="InvalidArgument")
    if not items:
        raise AwsCallError("cloudfront: InvalidArgument: no paths", code="InvalidArgument")


def _made_up(known: Distribution) -> dict[str, Any]:
    """A plain configuration of a distribution: one origin, one behaviour."""
    origin = {"Id": "origin", "DomainName": "origin.example.com", "OriginPath": ""}
    aliases = {"Quantity": len(known.aliases), **({"Items": list(known.aliases)} if known.aliases else {})}
    return {
        "CallerReference": known.id,
        "Aliases": aliases,
        "DefaultRootObject": known.default_root_object or "",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": "redirect-to-https",
            "Compress": bool(known.compresses),
            "CachePolicyId": CACHING_OPTIMIZED,
        },
        "CacheBehaviors": {"Quantity": 0},
        "Comment": "",
        "Enabled": known.enabled,
        **({"CacheTagConfig": {"HeaderName": known.tag_header}} if known.tag_header else {}),
    }
