"""Where alerts are told: one file a kind of place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from perfctl.metrics.alerts.model import Notice


class Sink(Protocol):
    """A place that is told of changes. Synchronous: it is called in a thread.

    It raises a PerfctlError where it was not told: a ServiceError where it refuses this one for good, any other
    where it may be tried again.
    """

    name: ClassVar[str]
    """Under which its queue is kept."""
    renews: bool
    """Whether it has to hear again and again of what fires."""

    def tell(self, notice: Notice) -> None:
        """One change. Returns when the place has it."""

    def renew(self, notices: Sequence[Notice], until: float) -> None:
        """What still fires, which holds until then unless it is renewed before."""
