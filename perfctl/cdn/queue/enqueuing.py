"""Putting what a call asks for into the queue, whether CloudFront answers at the moment or not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from perfctl.cdn.background import in_background
from perfctl.cdn.distributions import Distributions
from perfctl.cdn.model.queue import Queued
from perfctl.cdn.paths import Items
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.errors import UnreachableError


async def enqueue(
    queue: InvalidationQueue,
    distributions: Distributions,
    targets: Sequence[str],
    items: Items,
    within_seconds: float | None,
) -> tuple[Queued, ...]:
    """Add the items for each distribution. UsageError where a distribution is known to learn no tags."""
    if items.tags:
        with suppress(UnreachableError):
            await distributions.check_tags(targets)

    def added() -> tuple[Queued, ...]:
        return tuple(queue.add(target, items, within_seconds=within_seconds) for target in targets)

    return await in_background(added)
