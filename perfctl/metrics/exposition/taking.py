"""What is exposed of a history: everything since it began, or a window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfctl.recording.frame import Frame

if TYPE_CHECKING:
    from perfctl.metrics.history import History

STALE_SECONDS = 300.0
"""A gauge that was not seen for so long says nothing of now; Prometheus forgets a series after as long."""
FRESH_SECONDS = 60.0
"""Where nothing was written for so long, nothing records."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame to expose, and when its counters began (unix seconds)."""

    frame: Frame
    since: float
    is_fresh: bool
    """Whether something records into the history."""


def everything(history: History, now: float) -> Taken:
    """Counters and histograms since the history began, which only grow; gauges as they are now."""
    frame, began = history.totals(), history.began()
    if frame is None or began is None:
        return Taken(Frame(now, 0.0), now, False)
    is_fresh = abs(now - frame.at) <= FRESH_SECONDS
    return Taken(_without_stale(frame, now), min(began, now), is_fresh)


def within(history: History, start: float, end: float) -> Taken:
    """What was measured in a window."""
    return Taken(history.window(start, end), start, True)


def with_gauges_of(taken: Taken, measured: Frame) -> Taken:
    """The same with gauges that were measured just now."""
    frame = replace(taken.frame, at=measured.at, gauges={**taken.frame.gauges, **measured.gauges})
    return replace(taken, frame=frame)


def _without_stale(frame: Frame, now: float) -> Frame:
    fresh = {series: gauged for series, gauged in frame.gauges.items() if abs(now - gauged.at) <= STALE_SECONDS}
    return replace(frame, gauges=fresh)
