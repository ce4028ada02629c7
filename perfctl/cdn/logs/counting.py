"""What all questions count alike: the facts of the reading, and measures by group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from perfctl.cdn.logs.arrays import Floats, Ints, Mask, Words, np
from perfctl.cdn.logs.columns import Block, read
from perfctl.cdn.logs.filtering import Filter
from perfctl.cdn.logs.inflating import Told
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.sketches import HeavyHitters, Histograms, buckets_of
from perfctl.cdn.logs.values import Coded, equals
from perfctl.cdn.model.logs import Counted, LogFacts, Quantiles

HITS = (b"Hit", b"RefreshHit")
_LARGEST = 10**15
"""A petabyte; a larger `sc-bytes` is no figure of a response."""
_LONGEST = 1e6
"""Seconds; twelve days."""


class Batch:
    """A block of requests with what several questions ask of it, made once."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.size = block.size

    @cached_property
    def sizes(self) -> Ints:
        """Bytes to the viewer; 0 where the log does not say."""
        sizes = self.block.int("sc-bytes")
        return np.where((sizes < 0) | (sizes > _LARGEST), 0, sizes)

    @cached_property
    def statuses(self) -> Ints:
        """HTTP statuses; 0 where there was no answer."""
        codes, labels = self.block.codes("sc-status")
        return np.array([int(label) if _is_status(label) else 0 for label in labels], dtype=np.int64)[codes]

    @cached_property
    def errors(self) -> Mask:
        """Answers of 400 and above."""
        return self.statuses >= 400

    @cached_property
    def hits(self) -> Mask:
        """Hit and RefreshHit."""
        return self.where("x-edge-result-type", *HITS)

    @cached_property
    def misses(self) -> Mask:
        """Miss."""
        return self.where("x-edge-result-type", b"Miss")

    @cached_property
    def seconds(self) -> Ints:
        """When, in seconds since 1970."""
        return self.block.seconds()

    @cached_property
    def taken(self) -> Floats:
        """How long, in seconds."""
        return self.block.float("time-taken")

    @cached_property
    def taken_buckets(self) -> Ints:
        """The buckets of those that say how long they took, for histograms."""
        return buckets_of(self.taken[self.timed])

    @cached_property
    def timed(self) -> Mask:
        """Which say how long they took."""
        return ~np.isnan(self.taken)

    @cached_property
    def weights(self) -> tuple[Floats, ...]:
        """What each request adds to the measures behind the first."""
        sizes, misses = self.sizes.astype(np.float64), self.misses.astype(np.float64)
        taken_us = np.rint(np.minimum(np.where(self.timed, self.taken, 0.0), _LONGEST) * 1e6)
        hits, errors = self.hits.astype(np.float64), self.errors.astype(np.float64)
        return sizes, hits, misses, sizes * misses, errors, taken_us, self.timed.astype(np.float64)

    def where(self, name: str, *values: bytes) -> Mask:
        """Where a field has one of these values."""
        if not self.block.is_coded(name):
            return equals(self.block.text(name), *values)
        codes, labels = self.block.codes(name)
        mask: Mask = np.array([label in values for label in labels], dtype=np.bool_)[codes]
        return mask


def _is_status(label: bytes) -> bool:
    return len(label) == 3 and label.isdigit()


class Measured(NamedTuple):
    """The measures of one group, summed up."""

    requests: int
    sent_bytes: int
    hits: int
    """-1 where no log says what was a hit."""
    misses: int
    miss_bytes: int
    errors: int
    taken_us: int
    timed: int
    """The requests that say how long they took."""
    decided: int
    """What rows are ordered by: never too low. The other measures count from when the label entered the table."""

    @property
    def hit_ratio(self) -> float | None:
        return ratio(self.hits, self.requests) if self.hits >= 0 else None

    @property
    def mean_ms(self) -> float | None:
        return self.taken_us / 1000 / self.timed if self.timed else None


_MEASURES = len(Measured._fields) - 1

BY = {"requests": "requests", "bytes": "sent_bytes", "misses": "misses", "time": "taken_us"}
"""What rows may be ordered by, and the measure that it is."""


class Groups:
    """Measures by label; `by` decides what is kept where there are too many."""

    def __init__(self, by: str = "requests") -> None:
        self._order = [Measured._fields.index(BY[by]), *range(_MEASURES)]
        self.table = HeavyHitters(len(self._order))
        self._has_results = False

    def add(self, batch: Batch, codes: Ints, labels: list[bytes]) -> None:
        """Count each request of a batch to the label of its code."""
        self._has_results |= batch.block.has("x-edge-result-type")
        self.table.add(labels, measures_of(batch, codes, len(labels))[:, self._order])

    def add_coded(self, batch: Batch, found: Coded) -> None:
        """The same by fingerprints: for labels that may be many."""
        self.add_keyed(batch, found.codes, found.keys, found.labels)

    def add_keyed(self, batch: Batch, codes: Ints, keys: Words, labels: Callable[[Ints], list[bytes]]) -> None:
        """The same; the labels of some keys are asked for once."""
        self._has_results |= batch.block.has("x-edge-result-type")
        self.table.add_keyed(keys, measures_of(batch, codes, len(keys))[:, self._order], labels)

    def rows(self, limit: int | None = None) -> list[tuple[bytes, Measured]]:
        """The labels with their measures, the greatest first."""
        rows = [(label, Measured._make((*counts, decided))) for label, (decided, *counts) in self.table.rows(limit)]
        return rows if self._has_results else [(label, one._replace(hits=-1)) for label, one in rows]


def measures_of(batch: Batch, codes: Ints, groups: int) -> Ints:
    """A row of measures for each code, in the order of Measured."""
    counts = np.empty((groups, _MEASURES), dtype=np.int64)
    counts[:, 0] = np.bincount(codes, minlength=groups)
    for place, weights in enumerate(batch.weights, 1):
        counts[:, place] = np.bincount(codes, weights, groups)
    return counts


class Latencies:
    """A histogram for each label, of the first thousand labels; the others are one."""

    MOST = 1000
    OTHERS = b"(others)"

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self.histograms = Histograms(0)

    def add(self, values: Floats, codes: Ints, labels: list[bytes], buckets: Ints | None = None) -> None:
        """Count each value to the label of its code; with the buckets of its numbers where they are known."""
        places = np.array([self._place(label) for label in labels], dtype=np.int64)
        self.histograms.grow(len(self._places))
        if len(codes):
            self.histograms.add(values, places[codes], buckets)

    def of(self, label: bytes) -> Quantiles:
        """The quantiles of a label."""
        place = self._places.get(label)
        return quantiles_of(self.histograms, place) if place is not None else Quantiles(0, None, None, None, None)

    def labels(self) -> list[bytes]:
        """Those that have a histogram."""
        return list(self._places)

    def _place(self, label: bytes) -> int:
        known = self._places
        if label not in known and len(known) >= self.MOST:
            label = self.OTHERS
        return known.setdefault(label, len(known))


def quantiles_of(histograms: Histograms, group: int = 0) -> Quantiles:
    """How long, in milliseconds, of seconds."""
    count = int(histograms.counts[group].sum())
    mean = float(histograms.sums[group]) / count if count else None
    shares = histograms.quantiles((0.5, 0.95, 0.99), group)
    return Quantiles(count, *(None if value is None else round(value * 1000, 3) for value in (mean, *shares)))


@dataclass(slots=True)
class Reading:
    """Reads sources block by block and keeps the facts of it."""

    wanted: Filter = field(default_factory=Filter)
    told: Told | None = None
    requests: int = 0
    malformed: int = 0
    left_out: int = 0
    files: int = 0
    truncated_files: int = 0
    bytes_read: int = 0
    first: int = -1
    last: int = -1

    def batches(self, sources: Iterator[LogSource]) -> Iterator[Batch]:
        """The requests that are wanted."""
        for source in sources:
            self.files += 1
            for block in read(source, self._tell):
                self.malformed += block.malformed
                self.truncated_files += block.is_truncated
                chosen = self.wanted.apply(block)
                self.left_out += block.size - chosen.size
                if chosen.size:
                    yield self._noted(Batch(chosen))

    def facts(self) -> LogFacts:
        """What was read."""
        return LogFacts(
            requests=self.requests,
            malformed=self.malformed,
            left_out=self.left_out,
            files=self.files,
            truncated_files=self.truncated_files,
            bytes_read=self.bytes_read,
            first_at=moment_of(self.first) if self.first >= 0 else None,
            last_at=moment_of(self.last) if self.last >= 0 else None,
        )

    def _noted(self, batch: Batch) -> Batch:
        self.requests += batch.size
        said = batch.seconds[batch.seconds >= 0]
        if len(said):
            self.first = int(said.min()) if self.first < 0 else min(self.first, int(said.min()))
            self.last = max(self.last, int(said.max()))
        return batch

    def _tell(self, more: int) -> None:
        self.bytes_read += more
        if self.told is not None:
            self.told(more)


def moment_of(seconds: int) -> datetime:
    """A time in UTC."""
    return datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC)


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None


def text_of(label: bytes) -> str:
    """A label as text; bytes that are no UTF-8 are escaped."""
    return label.decode("utf-8", "backslashreplace")


def counted(rows: list[tuple[bytes, list[int]]], whole: int) -> tuple[Counted, ...]:
    """Labels with how often and how much of the whole."""
    return tuple(Counted(text_of(label), counts[0], counts[0] / whole if whole else 0.0) for label, counts in rows)


def fields_of(facts: LogFacts) -> dict[str, Any]:
    """A result's fields, for a larger result that has them, too."""
    return {one.name: getattr(facts, one.name) for one in fields(facts)}
