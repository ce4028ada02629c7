"""How much the queue may have in progress: CloudFront's quotas, less what is left to other senders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perfctl.cdn.paths import MOST_EXACT, MOST_WILDCARDS


class Load(NamedTuple):
    """Items in progress, or room for some: the two kinds that CloudFront counts apart."""

    paths: int = 0
    """Exact paths and tags."""
    wildcards: int = 0

    def plus(self, other: Load) -> Load:
        """The sum of both kinds."""
        return Load(self.paths + other.paths, self.wildcards + other.wildcards)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The queue's settings."""

    window_seconds: float = 2.0
    """How long an item waits for others, so that they go in one batch, and what comes again in it goes once."""
    max_paths: int = MOST_EXACT
    max_wildcards: int = MOST_WILDCARDS
    headroom_paths: int = 300
    headroom_wildcards: int = 2
    lease_seconds: float = 120.0
    """How long a sender that says nothing keeps its lease; longer than a call may take with its repetitions."""


def room(limits: QueueLimits, own: Load, others: Load) -> Load:
    """What the queue may send now, while this much is in progress.

    The headroom is the others'; what they use beyond it is taken from the queue's part, so that the sum stays within
    the quota. The queue's part is at least one item of each kind.

    >>> room(QueueLimits(), own=Load(0, 3), others=Load(0, 5))
    Load(paths=2700, wildcards=7)
    """
    return Load(
        _room(limits.max_paths, limits.headroom_paths, own.paths, others.paths),
        _room(limits.max_wildcards, limits.headroom_wildcards, own.wildcards, others.wildcards),
    )


def _room(most: int, headroom: int, own: int, others: int) -> int:
    part = max(1, most - headroom)
    beyond = max(0, others - (most - part))
    return max(0, part - own - beyond)
