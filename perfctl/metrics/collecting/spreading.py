"""What a source counted over more than one round, as a part for each round that it is of: no rate is too high."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram, bounds

if TYPE_CHECKING:
    from perfctl.metrics.collecting.source import Gathered
    from perfctl.recording.series import Series

MOST_ROUNDS = 360
"""So many rounds are remembered, and get a part of their own: an hour of ten seconds each."""
_MOST_PARTS = 50_000
"""Of a source with very many series fewer rounds do: values that one spreading makes, at most about."""
_NEGLIGIBLE = 0.1
"""Rounds are never just as long as the time between two looks: such a share of a round is left where it is."""
_GOLDEN = 0.6180339887498949


class Round(NamedTuple):
    """When a round ended, in Unix seconds, and how long it was."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Part:
    """The share, from `start` to `end` of 0..1, that belongs to a stretch of time."""

    round: Round
    start: float
    end: float


def spread(gathered: Gathered, now: Frame, rounds: Sequence[Round]) -> tuple[Frame, ...]:
    """Add to `now` what came in its time; give what came before it as frames of its rounds, the oldest first.

    `rounds` are those before `now`, in order. What came is taken as even over the time that it came in: counters get
    proportional parts, so that ratios and means are those of the whole in each part; a histogram's counts stay whole.
    All parts together are what was gathered (sums but for the last bits of a double), so totals, and percentiles of
    the whole, are what they were. What is older than the rounds that are known is one frame of its own length. In the
    first round nothing is older.
    """
    count = len(gathered.counters) + len(gathered.histograms)
    parts = _parts(gathered.seconds, now, rounds[-max(1, _MOST_PARTS // max(count, 1)) :])
    frames = [now, *(Frame(*part.round) for part in parts[1:])]
    for frame, part in zip(frames, parts, strict=True):
        for series, value in gathered.counters.items():
            frame.counters[series] = value * part.end - value * part.start
        frame.histograms.update(_of_histograms(gathered, part) if len(parts) > 1 else gathered.histograms)
    return tuple(reversed(frames[1:]))


def _parts(seconds: float | None, now: Frame, rounds: Sequence[Round]) -> list[_Part]:
    """From now back to when the counting began."""
    whole = Round(now.at, now.seconds)
    if seconds is None or not rounds or seconds - now.seconds <= _NEGLIGIBLE * now.seconds:
        return [_Part(whole, 0.0, 1.0)]
    taken, left = [whole], seconds - now.seconds
    for each in reversed(rounds):
        if left <= _NEGLIGIBLE * each.seconds:
            break
        taken.append(each)
        left -= each.seconds
    oldest = taken[-1]
    if left > _NEGLIGIBLE * oldest.seconds:
        taken.append(Round(oldest.at - oldest.seconds, left))
        left = 0.0
    edges = _edges([each.seconds for each in taken], left)
    return [_Part(each, start, end) for each, (start, end) in zip(taken, pairwise(edges), strict=True)]


def _edges(lengths: Sequence[float], left: float) -> list[float]:
    """Where each begins, as shares of their sum. Of the oldest only a piece may count, or a little more than all."""
    lengths = [*lengths[:-1], lengths[-1] + left]
    total, so_far = sum(lengths), 0.0
    edges = [0.0]
    for length in lengths:
        so_far += length
        edges.append(so_far / total)
    return [*edges[:-1], 1.0]


def _of_histograms(gathered: Gathered, part: _Part) -> Iterator[tuple[Series, Histogram]]:
    """Each bucket begins at another phase, or all that were met once would fall into the same part."""
    number = 0
    for series, histogram in gathered.histograms.items():
        made = _part_of(histogram, part, number)
        number += len(histogram.counts) + 1
        if made.count:
            yield series, made


def _part_of(histogram: Histogram, part: _Part, number: int) -> Histogram:
    def share(count: int, place: int) -> int:
        phase = (number + place) * _GOLDEN % 1.0
        return int(count * part.end + phase) - int(count * part.start + phase)

    made = Histogram()
    made.scale = histogram.scale
    made.zeros = share(histogram.zeros, 0)
    counts = ((index, share(histogram.counts[index], n)) for n, index in enumerate(sorted(histogram.counts), 1))
    made.counts = {index: count for index, count in counts if count}
    if made.count and histogram.minimum is not None and histogram.maximum is not None:
        made.sum = histogram.sum * made.count / histogram.count
        made.minimum = 0.0 if made.zeros else max(histogram.minimum, bounds(min(made.counts), made.scale)[0])
        top = bounds(max(made.counts), made.scale)[1] if made.counts else 0.0
        made.maximum = min(histogram.maximum, top)
    return made
