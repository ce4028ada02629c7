"""What was recorded in one stretch of time: it is added up over time and over processes, and packed into bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perfctl.recording.histogram import Histogram
from perfctl.recording.series import Series

_VERSION = b"1"


class Gauged(NamedTuple):
    """What a gauge showed: the last value, and the least, greatest, sum and number of those that were seen."""

    last: float
    minimum: float
    maximum: float
    sum: float
    count: int  # type: ignore[assignment] # of a tuple it is a method, which nobody asks here
    at: float = 0.0
    """When the last one was seen, in unix seconds."""

    @property
    def mean(self) -> float:
        return self.sum / self.count if self.count else self.last

    @classmethod
    def of(cls, value: float, at: float = 0.0) -> Gauged:
        """One that was seen once."""
        return cls(value, value, value, value, 1, at)

    def merged(self, other: Gauged) -> Gauged:
        """Both, in either order: the last is that of the later one, the greater of two at the same moment."""
        last = max((self.at, self.last), (other.at, other.last))
        return Gauged(
            last[1],
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.sum + other.sum,
            self.count + other.count,
            last[0],
        )


@dataclass(slots=True)
class Frame:
    """What came in the `seconds` before `at` (unix seconds): counters as what they grew by, gauges, histograms.

    What was not measured is not in it: a series that is absent is unknown, never 0.
    """

    at: float
    seconds: float
    counters: dict[Series, float] = field(default_factory=dict)
    gauges: dict[Series, Gauged] = field(default_factory=dict)
    histograms: dict[Series, Histogram] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.counters or self.gauges or self.histograms)

    def names(self) -> set[str]:
        """The metrics that it knows something of."""
        return {series.name for part in (self.counters, self.gauges, self.histograms) for series in part}

    def gauge(self, series: Series, value: float) -> None:
        """Note what a gauge showed at its end."""
        self.gauges[series] = Gauged.of(value, self.at)

    def pack(self) -> bytes:
        """Its bytes: compressed MessagePack, the same for frames that are equal."""
        import msgpack

        fields = [
            self.at,
            self.seconds,
            [[*_named(series), value] for series, value in sorted(self.counters.items())],
            [[*_named(series), list(gauged)] for series, gauged in sorted(self.gauges.items())],
            [[*_named(series), self.histograms[series].to_fields()] for series in sorted(self.histograms)],
        ]
        return _VERSION + zlib.compress(msgpack.packb(fields), 1)

    @classmethod
    def unpack(cls, packed: bytes) -> Frame:
        """The frame that was packed. ValueError for bytes that no frame is packed to."""
        import msgpack

        if packed[:1] != _VERSION:
            raise ValueError(f"not a frame that this version reads: it begins with {packed[:1]!r}")
        try:
            at, seconds, counters, gauges, histograms = msgpack.unpackb(zlib.decompress(packed[1:]))
            return cls(
                float(at),
                float(seconds),
                {_series(name, labels): float(value) for name, labels, value in counters},
                {_series(name, labels): Gauged(*gauged) for name, labels, gauged in gauges},
                {_series(name, labels): Histogram.of_fields(fields) for name, labels, fields in histograms},
            )
        except (ValueError, TypeError, zlib.error, msgpack.UnpackException) as error:
            raise ValueError(f"not a frame: {error}") from error


def merge(frames: Iterable[Frame]) -> Frame:
    """One frame of all: from the start of the earliest to the end of the latest. An empty one of no frames.

    In any order and grouping the same (sums but for the last bits of a double): over time, and over processes.
    """
    made = Frame(0.0, 0.0)
    start, end = None, None
    for frame in frames:
        began = frame.at - frame.seconds
        start = began if start is None else min(start, began)
        end = frame.at if end is None else max(end, frame.at)
        _add(made, frame)
    if start is not None and end is not None:
        made.at, made.seconds = end, end - start
    return made


def _add(made: Frame, frame: Frame) -> None:
    for series, value in frame.counters.items():
        made.counters[series] = made.counters.get(series, 0.0) + value
    for series, gauged in frame.gauges.items():
        known = made.gauges.get(series)
        made.gauges[series] = gauged if known is None else known.merged(gauged)
    for series, histogram in frame.histograms.items():
        kept = made.histograms.get(series)
        if kept is None:
            made.histograms[series] = histogram.copy()
        else:
            kept.merge(histogram)


def _named(series: Series) -> list[Any]:
    return [series.name, [part for label in series.labels for part in label]]


def _series(name: str, labels: Sequence[str]) -> Series:
    return Series(name, tuple(zip(labels[::2], labels[1::2], strict=True)))
