"""What the registry hears of invalidations: how many paths and tags were sent, and how long they took to complete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.cdn.model.invalidations import SentInvalidation
    from perfctl.recording.registry import Registry


class InvalidationTimes:
    """`cdn.invalidations` and `cdn.invalidation.duration`."""

    def __init__(self, registry: Registry) -> None:
        self._items = registry.counter("cdn.invalidations")
        self._seconds = registry.histogram("cdn.invalidation.duration")

    def sent(self, items: int) -> None:
        """So many paths and tags were accepted."""
        self._items.add(items)

    def completed(self, rows: Iterable[SentInvalidation]) -> None:
        """Those of them that are done were waited for; the others nobody waited for."""
        for row in rows:
            if row.status == "Completed" and row.error is None:
                self._seconds.record(row.waited_seconds)
