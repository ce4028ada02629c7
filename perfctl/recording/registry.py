"""The figures of one process while they are recorded: counters, gauges and histograms, by series."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from perfctl.recording.frame import Frame, Gauged
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import Series, other, series

MAX_SERIES = 1000
"""Series of one metric; what comes after them is one, whose labels are `other`."""

FOLD_AT = 1024
"""Values that a recorder takes before it counts them: 150 microseconds of work, once in so many calls."""

DROPPED = "perfctl.series.dropped"


class Counter:
    """What only grows. Any thread may add to it."""

    __slots__ = ("_lock", "_taken", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self._taken = 0.0
        self._lock = threading.Lock()

    def add(self, n: float = 1) -> None:
        """Count n more; what is negative or not finite is not counted."""
        if 0 <= n < _INFINITE:
            with self._lock:
                self.value += n

    def take(self) -> float:
        """What came since it was last taken."""
        with self._lock:
            grown, self._taken = self.value - self._taken, self.value
            return grown

    def restart(self) -> None:
        self.value = self._taken = 0.0
        self._lock = threading.Lock()


class Gauge:
    """What goes up and down: its last value is kept, and the least, the greatest and the mean since the last take."""

    __slots__ = ("_lock", "_seen", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self._seen: Gauged | None = None
        self._lock = threading.Lock()

    def set(self, value: float) -> None:
        """Show this value from now on; one that is no number changes nothing."""
        if -_INFINITE < value < _INFINITE:
            with self._lock:
                self._set(value)

    def add(self, n: float = 1) -> None:
        """Show n more than before; of a gauge that showed nothing yet, n."""
        if -_INFINITE < n < _INFINITE:
            with self._lock:
                self._set((self.value or 0) + n)

    def forget(self) -> None:
        """Show nothing any more: what it measured is gone."""
        with self._lock:
            self.value = self._seen = None

    def seen(self, at: float, *, take: bool) -> Gauged | None:
        """What it showed since it was last taken; one that was not set since shows what it showed then."""
        with self._lock:
            value, seen = self.value, self._seen
            if take:
                self._seen = None
        if value is None:
            return None
        return (seen or Gauged.of(value))._replace(at=at)

    def restart(self) -> None:
        self.value, self._seen = None, None
        self._lock = threading.Lock()

    def _set(self, value: float) -> None:
        self.value = value
        seen = self._seen
        self._seen = (
            Gauged.of(value)
            if seen is None
            else Gauged(
                value,
                min(seen.minimum, value),
                max(seen.maximum, value),
                seen.sum + value,
                seen.count + 1,
            )
        )


class Recorder:
    """Takes values of one series for its histogram: a call is an append to a list, counted in batches.

    Any thread may record. What is negative, not finite or no number is rejected when it is counted, and harms none.
    """

    __slots__ = ("_fresh", "_lock", "_total", "_values")

    def __init__(self) -> None:
        self._values: list[float] = []
        self._fresh, self._total = Histogram(), Histogram()
        self._lock = threading.Lock()

    def record(self, value: float) -> None:
        """Take one value, in SI units: seconds, bytes."""
        values = self._values
        values.append(value)
        if len(values) >= FOLD_AT:
            self._fold()

    def repeat(self, value: float, times: int) -> None:
        """Take one value so many times, at the price of one."""
        if times == 1:
            self.record(value)
            return
        with self._lock:
            self._fresh.record(value, times)

    def total(self) -> Histogram:
        """Everything since the start."""
        self._fold()
        with self._lock:
            total = self._total.copy()
            total.merge(self._fresh)
        return total

    def take(self) -> Histogram:
        """What came since it was last taken."""
        self._fold()
        with self._lock:
            fresh, self._fresh = self._fresh, Histogram()
            self._total.merge(fresh)
        return fresh

    def restart(self) -> None:
        self._values.clear()
        self._fresh, self._total = Histogram(), Histogram()
        self._lock = threading.Lock()

    def _fold(self) -> None:
        """Count what was taken. Slicing and deleting are each one step: what another thread appends meanwhile stays."""
        with self._lock:
            taken = self._values[:]
            del self._values[: len(taken)]
            if taken:
                self._fresh.extend(taken)


_Kind = TypeVar("_Kind", Counter, Gauge, Recorder)


class Registry:
    """Counters, gauges and histograms by series. Bind one once, use it often:

    >>> registry = Registry()
    >>> hits = registry.counter("cache.requests", namespace="api", tier="l1", result="hit")
    >>> hits.add()
    >>> [(str(series), value) for series, value in registry.take().counters.items()]
    [('cache.requests{namespace=api, result=hit, tier=l1}', 1.0)]

    Safe for threads. A forked child starts at nothing, so that no figure is counted twice when those of all
    processes are added up; what was bound before the fork stays bound.
    """

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        self.max_series = max(1, max_series)
        self.counters: dict[Series, Counter] = {}
        self.gauges: dict[Series, Gauge] = {}
        self.recorders: dict[Series, Recorder] = {}
        self._sizes: dict[str, int] = {}
        self._observers: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._started_at = self._taken_at = time.time()
        _every.add(self)

    def counter(self, name: str, /, **labels: Any) -> Counter:
        """The counter of a series; the same one each time."""
        return self._bound(self.counters, series(name, **labels), Counter)

    def gauge(self, name: str, /, **labels: Any) -> Gauge:
        """The gauge of a series; the same one each time."""
        return self._bound(self.gauges, series(name, **labels), Gauge)

    def histogram(self, name: str, /, **labels: Any) -> Recorder:
        """The recorder of a series' histogram; the same one each time."""
        return self._bound(self.recorders, series(name, **labels), Recorder)

    def observe(self, observer: Callable[[], None]) -> None:
        """Call `observer` before each collect and take: it sets gauges and adds to counters from what an engine
        counts anyway, so that the engine's hot path pays nothing."""
        with self._lock:
            self._observers.append(observer)

    def unobserve(self, observer: Callable[[], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._observers = [known for known in self._observers if known != observer]

    def collect(self) -> Frame:
        """Everything since the start of this process."""
        with self._lock:
            self._look()
            now = time.time()
            return Frame(
                now,
                max(now - self._started_at, 0.0),
                {series: counter.value for series, counter in self.counters.items()},
                self._gauged(now, take=False),
                {series: total for series, recorder in self.recorders.items() if (total := recorder.total()).count},
            )

    def take(self) -> Frame:
        """What came since the last take: series that did not change are left out, gauges stay."""
        with self._lock:
            self._look()
            now = time.time()
            since, self._taken_at = self._taken_at, now
            return Frame(
                now,
                max(now - since, 0.0),
                {series: grown for series, counter in self.counters.items() if (grown := counter.take())},
                self._gauged(now, take=True),
                {series: fresh for series, recorder in self.recorders.items() if (fresh := recorder.take()).count},
            )

    def restart(self) -> None:
        """Start at nothing, as a forked child does; what was bound stays bound."""
        self._lock = threading.RLock()
        self._started_at = self._taken_at = time.time()
        kept: tuple[Counter | Gauge | Recorder, ...]
        kept = (*self.counters.values(), *self.gauges.values(), *self.recorders.values())
        for one in kept:
            one.restart()

    def _bound(self, part: dict[Series, _Kind], asked: Series, kind: type[_Kind]) -> _Kind:
        known = part.get(asked)
        if known is not None:
            return known
        with self._lock:
            if asked in part:
                return part[asked]
            if self._sizes.get(asked.name, 0) >= self.max_series - 1 and asked.labels:
                return self._overflow(part, asked, kind)
            self._sizes[asked.name] = self._sizes.get(asked.name, 0) + 1
            return part.setdefault(asked, kind())

    def _overflow(self, part: dict[Series, _Kind], asked: Series, kind: type[_Kind]) -> _Kind:
        if asked.name != DROPPED:
            self.counter(DROPPED, metric=asked.name).add()
        rest = other(asked)
        if rest not in part:
            part[rest] = kind()
        return part[rest]

    def _look(self) -> None:
        for observer in self._observers:
            observer()

    def _gauged(self, now: float, *, take: bool) -> dict[Series, Gauged]:
        seen = ((series, gauge.seen(now, take=take)) for series, gauge in self.gauges.items())
        return {series: gauged for series, gauged in seen if gauged is not None}


_INFINITE = float("inf")

_every: weakref.WeakSet[Registry] = weakref.WeakSet()


def _restart_in_child() -> None:
    for registry in list(_every):
        registry.restart()


os.register_at_fork(after_in_child=_restart_in_child)
