"""Observer: measures what every process would see (servers, the host), into the history, and only one at a time."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from perfctl.errors import LockedError, PerfctlError
from perfctl.metrics.history.joining import covered, joined

if TYPE_CHECKING:
    from perfctl.metrics.alerts.model import Alert
    from perfctl.metrics.history import History
    from perfctl.metrics.model import MetricsSnapshot
    from perfctl.recording.frame import Frame

    Evaluate = Callable[[], Awaitable[tuple[Alert, ...]]]

LEASE = "observe"
SOURCE = "observer"
_SHORTEST_LEASE_SECONDS = 30.0


class Measured(Protocol):
    """What one look at every source came to."""

    @property
    def frame(self) -> Frame:
        """What came since the look before."""
        ...

    @property
    def earlier(self) -> Sequence[Frame]:
        """What is known only now of the looks before."""
        ...

    @property
    def snapshot(self) -> MetricsSnapshot:
        """The ten figures, and who did not answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one interval came to."""

    at: datetime
    seconds: float
    """The time that its counters are of."""
    series: int
    snapshot: MetricsSnapshot
    alerts: tuple[Alert, ...]
    """Those that are pending or firing, and those that were just resolved."""
    trouble: str | None
    """Why it is not in the history yet; it goes there with the next one."""


class Observer:
    """Looks at all sources when it is told to, appends what came, and has the alerts evaluated.

    Only one observes a history at a time: what a server counts would count twice. What cannot be written is kept,
    and goes with the next look.
    """

    def __init__(
        self,
        collect: Callable[[], Awaitable[Measured]],
        history: History,
        *,
        interval_seconds: float,
        evaluate: Evaluate | None = None,
    ) -> None:
        self._collect = collect
        self._history = history
        self._lease_seconds = max(3 * interval_seconds, _SHORTEST_LEASE_SECONDS)
        self._evaluate = evaluate
        self._holder = f"{os.getpid()}.{secrets.token_hex(3)}"
        self._kept: list[Frame] = []
        self._appending = threading.Lock()

    @property
    def kept_seconds(self) -> float:
        """How much measured time is not in the history."""
        return covered(self._kept)

    async def begin(self) -> None:
        """Take the history for this observer, and look for the first time: later looks count from here.

        LockedError where another one observes it; ConfigError or ServiceError where it cannot be written.
        """
        await self._lease()
        await self._collect()

    async def look(self) -> Look:
        """What came since the last look, written to the history; trouble with that is told, not raised."""
        measured = await self._collect()
        trouble = await self._write((*measured.earlier, measured.frame))
        alerts: tuple[Alert, ...] = ()
        if self._evaluate is not None:
            try:
                alerts = await self._evaluate()
            except PerfctlError as error:
                trouble = trouble or error.message
        frame = measured.frame
        return Look(
            at=datetime.fromtimestamp(frame.at, UTC),
            seconds=round(frame.seconds, 3),
            series=len(frame.counters) + len(frame.gauges) + len(frame.histograms),
            snapshot=measured.snapshot,
            alerts=tuple(alert for alert in alerts if alert.state != "inactive"),
            trouble=trouble,
        )

    async def end(self) -> None:
        """Give the history back to who wants to observe it next. What was kept is tried once more."""
        try:
            await asyncio.to_thread(self._append)
            await asyncio.to_thread(self._history.release, LEASE, holder=self._holder)
        except PerfctlError:
            pass  # who looks at `kept_seconds` knows; the lease ends by itself
        finally:
            await asyncio.to_thread(self._history.close)

    async def _lease(self) -> None:
        other = await asyncio.to_thread(self._history.lease, LEASE, holder=self._holder, seconds=self._lease_seconds)
        if other is not None:
            raise LockedError(
                f"process {other.partition('.')[0]} records into the history {self._history.path} already",
                hint=f"one is enough; if it was killed, try again in {self._lease_seconds:.0f} s",
            )

    async def _write(self, frames: Sequence[Frame]) -> str | None:
        self._kept += frames
        try:
            await self._lease()
            await asyncio.to_thread(self._append)
        except PerfctlError as error:
            return error.message
        return None

    def _append(self) -> None:
        """In a thread that may outlive a cancelled look: one at a time, and what is new meanwhile stays.

        What cannot be written becomes one frame, or it would grow for as long as that lasts.
        """
        with self._appending:
            taken = self._kept[:]
            for number, frame in enumerate(taken):
                try:
                    self._history.append(frame, source=SOURCE)
                except PerfctlError:
                    self._kept[: len(taken) - number] = [joined(taken[number:])]
                    raise
                del self._kept[0]
