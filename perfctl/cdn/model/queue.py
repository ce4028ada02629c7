"""What waits in the queue of invalidations, what became of it, and who sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

ItemState = Literal["queued", "covered", "sending", "sent", "completed", "failed", "cancelled"]
"""`covered`: it goes with a queued wildcard; `sending`: in a batch whose acceptance is not yet known."""
Outcome = Literal["sent", "idle", "not due", "no room", "held", "error"]
"""`no room`: the rest waits for others to complete; `held`: another process sends for this distribution."""


@dataclass(frozen=True, slots=True)
class Queued:
    """What adding to the queue of one distribution did."""

    distribution_id: str
    queued: tuple[str, ...]
    """Items that were not in the queue."""
    repeated: tuple[str, ...]
    """Items that were queued already: they are sent once."""
    covered: tuple[str, ...]
    """Items that lie under a queued wildcard, and go with it."""
    absorbed: int
    """Items that were queued before, and now go with a wildcard of this call."""
    pending: int
    """What is queued for the distribution now."""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """One item of the queue."""

    id: int
    distribution_id: str
    item: str
    state: ItemState
    waiting_seconds: float
    """Since it was first queued."""
    asked: int
    """How often it was asked for while it was queued."""
    deadline_at: str | None = None
    """When it wants to be sent: ISO 8601, UTC."""
    error: str | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class QueueHolder:
    """The process that sends for a distribution."""

    host: str
    pid: int
    since: str
    """ISO 8601, UTC."""
    beat_seconds: float
    """Since it last said that it is alive."""


@dataclass(frozen=True, slots=True)
class QueuedDistribution:
    """The queue of one distribution."""

    distribution_id: str
    pending: int
    """Items to send; those that go with a wildcard are counted in `covered`."""
    pending_wildcards: int
    pending_tags: int
    covered: int
    oldest_wait_seconds: float | None
    overdue: int
    """Pending items whose deadline has passed."""
    in_flight: int
    """Items of batches that CloudFront has not completed."""
    in_flight_wildcards: int
    in_flight_batches: int
    unconfirmed_batches: int
    """Batches of which it is not known whether they were accepted; they are sent again under the same reference."""
    oldest_flight_seconds: float | None
    completed: int
    """Items that were completed in the last 24 hours."""
    failed: int
    holder: QueueHolder | None
    error: str | None
    """What the last attempt met, where it failed."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The whole queue of this host and context, the longest wait first."""

    listing: ClassVar[str] = "rows"

    file: str
    rows: tuple[QueuedDistribution, ...]
    pending: int
    in_flight: int
    failed: int
    window_seconds: float
    items: tuple[QueuedItem, ...]
    """The pending items that go out next."""
    failures: tuple[QueuedItem, ...]
    """The items that failed last."""


@dataclass(frozen=True, slots=True)
class QueueTurn:
    """What a run of the queue did for one distribution."""

    distribution_id: str
    outcome: Outcome
    sent_batches: int
    sent: int
    completed: int
    failed: int
    widened: int
    """Items that went with a folder's wildcard, for `--widen` allowed it."""
    pending: int
    in_flight: int
    overdue: int
    resent_batches: int = 0
    """Batches of a run before, sent again under their reference: it was not known whether they were accepted."""
    error: str | None = None
    holder: QueueHolder | None = None


@dataclass(frozen=True, slots=True)
class QueueRun:
    """What a run of the queue did."""

    listing: ClassVar[str] = "rows"

    file: str
    rows: tuple[QueueTurn, ...]
    sent: int
    completed: int
    failed: int
    pending: int
    in_flight: int
    took_seconds: float
    failures: tuple[QueuedItem, ...]
    """Items that CloudFront refused."""


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a run is, told again and again."""

    pending: int
    in_flight: int
    sent: int
    completed: int


@dataclass(frozen=True, slots=True)
class QueueCancelled:
    """What was taken out of the queue, or would be."""

    listing: ClassVar[str] = "items"

    file: str
    items: tuple[QueuedItem, ...]
    total: int
    restored: int
    """Items that went with a cancelled wildcard, and are queued by themselves again."""
    not_cancelled: int
    """Items that were asked for by ID and are no longer queued: what was sent cannot be taken back."""
    dry_run: bool
