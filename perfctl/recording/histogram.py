"""A histogram that is merged without losing precision: base-2 exponential buckets, as OpenTelemetry exports them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import exp2, floor, frexp, isfinite, log2
from typing import Any, NamedTuple

SCALE = 6
"""A bucket is 2**(1/64) = 1.0109 times its neighbour: an estimate is at most 0.55 % off."""

COARSEST_SCALE = 5
"""What a histogram of very many buckets is merged down to, and never further: at most 1.09 % off."""

MAX_BUCKETS = 1024
"""Buckets in use at `SCALE`: sixteen octaves without a gap, from a microsecond to a tenth of a second, say."""

_SAFE_LOW, _SAFE_HIGH = 1e-9, 1 - 1e-9
"""Where log2 is surely on the right side of a boundary: its error is under 1e-12 of a bucket for any double."""


class Buckets(NamedTuple):
    """The positive range of OTLP's ExponentialHistogramDataPoint: `bucket_counts[i]` is the number of values in
    (base**(offset+i), base**(offset+i+1)], where base is 2**(2**-scale)."""

    scale: int
    zero_count: int
    offset: int
    bucket_counts: tuple[int, ...]


class Histogram:
    """How values of one kind are spread: durations in seconds, sizes in bytes; zero or more.

    Any two are merged to what one would be that had seen the values of both, so a quantile of a merged one is as
    near as that of each: within 0.55 % of a value that was recorded at that rank (1.09 % where more than
    `MAX_BUCKETS` are in use). The buckets and their arithmetic are those of OpenTelemetry's exponential histogram
    (data model 1.0; Masson, Rim and Lee, "DDSketch", 2019, gives the bound); where a value lies on which side of a
    boundary is exact here, with integers where the logarithm is too near to say.

    What is negative, not finite or no number is not counted, but in `rejected`. Not safe for threads: `Registry` is.
    """

    __slots__ = ("counts", "maximum", "minimum", "rejected", "scale", "sum", "zeros")

    def __init__(self) -> None:
        self.scale = SCALE
        self.counts: dict[int, int] = {}
        """Bucket index (OTLP's) to the number of its values."""
        self.zeros = 0
        self.sum = 0.0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self.rejected = 0

    @property
    def count(self) -> int:
        """How many values it has seen, zeros too."""
        return self.zeros + sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """Their mean, exact; None where there are none."""
        count = self.count
        return self.sum / count if count else None

    def record(self, value: float, times: int = 1) -> None:
        """Count one value, once or so many times."""
        if times == 1:
            self.extend((value,))
            return
        one = Histogram()
        one.extend((value,))
        one.zeros, one.rejected, one.sum = one.zeros * times, one.rejected * times, one.sum * times
        one.counts = dict.fromkeys(one.counts, times)
        self.merge(one)

    def extend(self, values: Sequence[float]) -> None:
        """Count many values: as many `record`s, in a third of the time."""
        try:
            total, low, high = float(sum(values)), float(min(values)), float(max(values))
            is_plain = low > 0.0 and high <= _LARGEST and total == total  # of nothing but finite numbers over 0
        except (ValueError, TypeError, OverflowError):
            is_plain = False
        if not is_plain:
            values = self._usable(values)
            if not values:
                return
            total, low, high = sum(values), min(values), max(values)
        self._count(values if is_plain else [value for value in values if value])
        self._widen(low, high)
        self.sum = min(self.sum + total, _LARGEST)
        self._fit()

    def merge(self, other: Histogram) -> None:
        """Count what the other has counted, too."""
        mine, theirs = self.scale, other.scale
        counts = other.counts
        if mine > theirs:
            self._coarsen()
        elif theirs > mine:
            counts = _coarser(counts)
        own = self.counts
        for index, count in counts.items():
            own[index] = own.get(index, 0) + count
        self.zeros += other.zeros
        self.rejected += other.rejected
        self.sum = min(self.sum + other.sum, _LARGEST)
        if other.minimum is not None and other.maximum is not None:
            self._widen(other.minimum, other.maximum)
        self._fit()

    def quantile(self, q: float) -> float | None:
        """The value at rank q (0..1) of what was recorded, lower of two; None where nothing was."""
        if self.minimum is None or self.maximum is None:
            return None
        left = int(min(max(q, 0.0), 1.0) * (self.count - 1)) - self.zeros
        if left < 0:
            return 0.0
        if q >= 1.0:
            return self.maximum
        for index in sorted(self.counts):
            left -= self.counts[index]
            if left < 0:
                return min(max(_middle(index, self.scale), self.minimum), self.maximum)
        return self.maximum

    def share_below(self, value: float) -> float | None:
        """The share (0..1) of values that are `value` or less; within a bucket they count as evenly spread."""
        count = self.count
        if not count or self.minimum is None or self.maximum is None:
            return None
        if value >= self.maximum:
            return 1.0
        if value < self.minimum:
            return 0.0
        below = float(self.zeros)
        at = bucket(value, self.scale) if value > 0 else None
        for index, counted in self.counts.items() if at is not None else ():
            if at is not None and index < at:
                below += counted
            elif index == at:
                below += counted * _share_within(value, index, self.scale)
        return below / count

    def buckets(self) -> Buckets:
        """The same as OTLP carries it, and as a native histogram of Prometheus (schema = scale) does."""
        if not self.counts:
            return Buckets(self.scale, self.zeros, 0, ())
        low, high = min(self.counts), max(self.counts)
        return Buckets(self.scale, self.zeros, low, tuple(self.counts.get(index, 0) for index in range(low, high + 1)))

    def copy(self) -> Histogram:
        """Another one that has counted the same."""
        made = Histogram()
        made.merge(self)
        return made

    def to_fields(self) -> list[Any]:
        """Plain values, for MessagePack or JSON: scale, zeros, rejected, sum, minimum, maximum, the steps from one
        bucket in use to the next, their counts."""
        indexes = sorted(self.counts)
        steps = [index - before for index, before in zip(indexes, [0, *indexes], strict=False)]
        counts = [self.counts[index] for index in indexes]
        return [self.scale, self.zeros, self.rejected, self.sum, self.minimum, self.maximum, steps, counts]

    @classmethod
    def of_fields(cls, fields: Sequence[Any]) -> Histogram:
        """What `to_fields` gave. ValueError for what it cannot have given."""
        try:
            made = cls()
            made.scale, made.zeros, made.rejected, made.sum, made.minimum, made.maximum, steps, counts = fields
            made.counts = dict(zip(accumulate(steps), counts, strict=True))
            if not _is_sound(made):
                raise ValueError("no such histogram")
        except TypeError as error:
            raise ValueError("no such histogram") from error
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_fields() == other.to_fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Histogram of {self.count}: p50 {self.quantile(0.5)}, p95 {self.quantile(0.95)}, max {self.maximum}>"

    def _count(self, values: Iterable[float]) -> None:
        counts, scale, safe_low, safe_high = self.counts, self.scale, _SAFE_LOW, _SAFE_HIGH
        get, buckets_an_octave = counts.get, float(1 << scale)
        for value in values:
            place = log2(value) * buckets_an_octave
            index = floor(place)
            if not safe_low < place - index < safe_high:
                index = _exactly(value, scale)
            counts[index] = get(index, 0) + 1

    def _usable(self, values: Iterable[Any]) -> list[float]:
        """Those that can be counted; the zeros are counted here."""
        usable = []
        for value in values:
            if isinstance(value, (int, float)) and 0 <= value <= _LARGEST:
                usable.append(float(value))
            else:
                self.rejected += 1
        self.zeros += sum(not value for value in usable)
        return usable

    def _widen(self, low: float, high: float) -> None:
        self.minimum = low if self.minimum is None else min(self.minimum, low)
        self.maximum = high if self.maximum is None else max(self.maximum, high)

    def _fit(self) -> None:
        if len(self.counts) > MAX_BUCKETS and self.scale > COARSEST_SCALE:
            self._coarsen()

    def _coarsen(self) -> None:
        self.counts = _coarser(self.counts)
        self.scale -= 1


def bucket(value: float, scale: int = SCALE) -> int:
    """The index of the bucket that a value over 0 belongs to: base**index < value <= base**(index+1)."""
    place = log2(value) * (1 << scale)
    index = floor(place)
    return index if _SAFE_LOW < place - index < _SAFE_HIGH else _exactly(value, scale)


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """One that has counted what all of them have."""
    made = Histogram()
    for histogram in histograms:
        made.merge(histogram)
    return made


def bounds(index: int, scale: int) -> tuple[float, float]:
    """The lower (not included) and the upper limit of a bucket, as near as a double is."""
    return _power(index, scale), _power(index + 1, scale)


_LARGEST = 1.7976931348623157e308


def _last_double_up_to(step: int, steps: int) -> float:
    """The greatest double that is at most 2**(step/steps - 1), found with integers: no logarithm decides."""
    low, high = 1 << 52, 1 << 53
    while high - low > 1:
        middle = (low + high) // 2
        if (middle**steps) << steps <= 1 << (53 * steps + step):
            low = middle
        else:
            high = middle
    return low / (1 << 53)


_EDGES: dict[int, list[float]] = {}
"""By scale: the upper limits of the buckets of the octave 0.5..1, each the last double that belongs to it."""


def _edges(scale: int) -> list[float]:
    if scale not in _EDGES:
        steps = 1 << scale
        _EDGES[scale] = [0.5, *(_last_double_up_to(step, steps) for step in range(1, steps)), 1.0]
    return _EDGES[scale]


def _exactly(value: float, scale: int) -> int:
    mantissa, exponent = frexp(value)
    return ((exponent - 1) << scale) + bisect_left(_edges(scale), mantissa) - 1


def _coarser(counts: Mapping[int, int]) -> dict[int, int]:
    made: dict[int, int] = {}
    for index, count in counts.items():
        made[index >> 1] = made.get(index >> 1, 0) + count
    return made


def _power(index: int, scale: int) -> float:
    """base**index, without leaving the range of doubles."""
    return min(exp2(min(index / (1 << scale), 1023.9999)), _LARGEST)


def _middle(index: int, scale: int) -> float:
    """The estimate of a bucket's values with the least relative error: the harmonic mean of its limits."""
    base = exp2(1 / (1 << scale))
    return _power(index, scale) * (2 * base / (1 + base))


def _share_within(value: float, index: int, scale: int) -> float:
    place = log2(value) * (1 << scale) - index
    return min(max(place, 0.0), 1.0)


def _is_sound(made: Histogram) -> bool:
    numbers = (made.sum, *(limit for limit in (made.minimum, made.maximum) if limit is not None))
    counts = (made.zeros, made.rejected, *made.counts.values())
    return (
        made.scale in (SCALE, COARSEST_SCALE)
        and all(isinstance(number, (int, float)) and isfinite(number) and number >= 0 for number in numbers)
        and set(map(type, counts)) == {int}
        and min(counts) >= 0
        and set(map(type, made.counts)) <= {int}
        and (made.minimum is None) == (made.maximum is None) == (made.count == 0)
    )
