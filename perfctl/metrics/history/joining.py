"""Many frames as one: those of one process follow each other, those of several stand side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from perfctl.metrics.history.levels import LEVELS, slot_of
from perfctl.recording.frame import Frame, Gauged, merge

if TYPE_CHECKING:
    from perfctl.recording.series import Series


def joined(frames: Sequence[Frame]) -> Frame:
    """Frames in the order of their time as one: counters and histograms added, gauges over time.

    Its `seconds` are those that any of the frames covers, each counted once: a counter over them is a rate.
    """
    together = merge(frames)
    together.seconds = covered(frames)
    return together


def side_by_side(written: Sequence[tuple[str, float, Frame]]) -> list[tuple[int, Frame]]:
    """Frames as processes wrote them (process, moment, frame), as one of all processes for each slot of ten seconds.

    Within a slot a process's frames follow each other; gauges of different processes are added up, so that two
    pools with three connections each are six. Gives (start of the slot, frame), oldest first.
    """
    width = LEVELS[0].seconds
    slots: dict[int, dict[str, list[Frame]]] = {}
    for source, moment, frame in written:
        slots.setdefault(slot_of(moment, width), {}).setdefault(source, []).append(frame)
    return [(slot, _added(sources.values())) for slot, sources in sorted(slots.items())]


def covered(frames: Iterable[Frame]) -> float:
    """The seconds that at least one of them covers."""
    total, until = 0.0, float("-inf")
    for start, end in sorted((frame.at - max(frame.seconds, 0.0), frame.at) for frame in frames):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def _added(sources: Iterable[Sequence[Frame]]) -> Frame:
    """Each source's frames over time, then all sources together: what adds is merged, gauges are summed up."""
    each = [joined(frames) if len(frames) > 1 else frames[0] for frames in sources]
    if len(each) == 1:
        return each[0]
    together = joined(each)
    together.gauges = _summed(each)
    return together


def _summed(frames: Sequence[Frame]) -> dict[Series, Gauged]:
    found: dict[Series, list[Gauged]] = {}
    for frame in frames:
        for series, gauged in frame.gauges.items():
            found.setdefault(series, []).append(gauged)
    return {series: _sum_of(gauges) for series, gauges in found.items()}


def _sum_of(gauges: Sequence[Gauged]) -> Gauged:
    """The sum of the means stays a mean; the sums of the extremes are bounds."""
    if len(gauges) == 1:
        return gauges[0]
    count = max(gauged.count for gauged in gauges)
    mean = sum(gauged.sum / gauged.count for gauged in gauges if gauged.count)
    return Gauged(
        last=sum(gauged.last for gauged in gauges),
        minimum=sum(gauged.minimum for gauged in gauges),
        maximum=sum(gauged.maximum for gauged in gauges),
        sum=mean * count,
        count=count,
        at=max(gauged.at for gauged in gauges),
    )
