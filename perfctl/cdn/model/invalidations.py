"""What became of invalidations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from perfctl.cdn.model.preloads import PreloadReport
from perfctl.cdn.model.queue import Queued

InvalidationState = Literal["planned", "queued", "InProgress", "Completed", "failed"]
"""`InProgress` and `Completed` are CloudFront's own words."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One batch of invalidations, as CloudFront keeps it."""

    distribution_id: str
    invalidation_id: str
    status: InvalidationState
    created_at: str | None = None
    """ISO 8601, UTC."""
    items: int | None = None
    wildcards: int | None = None
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SentInvalidation:
    """What became of one batch of a call."""

    distribution_id: str
    invalidation_id: str | None
    status: InvalidationState
    items: int
    wildcards: int
    waited_seconds: float = 0.0
    error: str | None = None
    """Why it was not sent."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a call is waiting for, told again and again while it waits."""

    done: int
    total: int
    waited_seconds: float
    for_room: bool = False
    """Whether it waits for others to complete before it can send."""
    ask_again: str | None = None
    """The command that asks about what was sent, for whoever stops waiting."""


@dataclass(frozen=True, slots=True)
class EdgeProof:
    """A URL at the edge before and after an invalidation."""

    url: str
    before: str
    """`hit`, `miss` ... as the edge answered before."""
    after: str
    """Likewise after it; `unreachable` or `timeout` where the edge no longer answered."""
    is_fresh: bool
    """Whether what the edge serves now was fetched after the invalidation."""
    before_age_seconds: int | None = None
    after_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class InvalidationReport:
    """What was asked to be forgotten, what it costs at most, and how far it is."""

    distribution_id: str
    """The first distribution; all of them are in `invalidations`."""
    invalidation_id: str | None
    """Of the first batch; None when nothing was sent."""
    status: InvalidationState
    """The least advanced of all batches."""
    paths: tuple[str, ...]
    """The items as they are sent to each distribution."""
    items: int
    """Items to pay for, over all distributions."""
    wildcards: int
    tags: int
    dropped: int
    """Paths that were given twice, or lie under a wildcard of the same call."""
    cost_usd: float
    """Beyond the account's 1,000 free items a month."""
    waited_seconds: float
    dry_run: bool
    invalidations: tuple[SentInvalidation, ...]
    verified: tuple[EdgeProof, ...] = ()
    strategy: Literal["exact", "cheapest"] = "exact"
    objects: int | None = None
    """Known URLs that are purged at each distribution; None where no inventory was given."""
    collateral_weight: float | None = None
    """The weight of those that were not asked for; likewise."""
    collateral_ratio: float | None = None
    """Of the inventory's whole weight."""
    skipped: int = 0
    """Paths left out since no viewer fetched them."""
    free_left: int | None = None
    """Of the month's free items, before this call; None where nobody counted."""
    rounds: int = 0
    """Batches that the limits make of it, for each distribution."""
    estimated_seconds: float = 0.0
    """Until all of it has completed: the service states 25 s for a batch."""
    preloaded: PreloadReport | None = None
    """What was warmed again afterwards."""
    queued: tuple[Queued, ...] = ()
    """What was put into the queue instead of being sent, for each distribution."""


@dataclass(frozen=True, slots=True)
class Invalidations:
    """Invalidations of a distribution: the one that was asked for, or those in progress."""

    listing: ClassVar[str] = "rows"

    distribution_id: str
    rows: tuple[Invalidation, ...]
    waited_seconds: float = 0.0
