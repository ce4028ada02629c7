"""What time it is for the local CloudFront: the host's clock, moved forward on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Seconds since the epoch; a test moves it forward instead of waiting."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead_seconds = 0.0

    def now(self) -> float:
        return self._source() + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Move time forward; never backward."""
        self._ahead_seconds += max(seconds, 0.0)


def iso(moment: float) -> str:
    """The service's timestamp: `2026-11-23T09:04:40.123Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def http_date(moment: float) -> str:
    """HTTP's timestamp: `Mon, 23 Nov 2026 09:04:40 GMT`."""
    return formatdate(moment, usegmt=True)
