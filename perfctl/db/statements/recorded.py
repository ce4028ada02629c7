"""What the registry hears of queries and of pools: durations by fingerprint, waits, connections."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from perfctl.db.sqltext import fingerprint

if TYPE_CHECKING:
    from perfctl.db.pool.pool import ConnectionPool
    from perfctl.recording.registry import Recorder, Registry

_MOST_TEXTS = 2048
_GAUGES = ("db.pool.in_use", "db.pool.idle", "db.pool.size", "db.pool.limit")


class QueryTimes:
    """`db.query.duration` and `db.query.errors` by fingerprint: the text of a query is in no label."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._of_text: dict[str, tuple[str, Recorder]] = {}

    def record(self, query: str, seconds: float, *, failed: bool) -> None:
        """Count one execution; one that failed is in the durations, too."""
        known = self._of_text.get(query) or self._bind(query)
        known[1].record(seconds)
        if failed:
            self._registry.counter("db.query.errors", fingerprint=known[0]).add()

    def _bind(self, query: str) -> tuple[str, Recorder]:
        """Texts with values in them come once each: what is known of texts starts anew when it is full."""
        if len(self._of_text) >= _MOST_TEXTS:
            self._of_text = {}
        shape = fingerprint(query)
        bound = shape, self._registry.histogram("db.query.duration", fingerprint=shape)
        self._of_text[query] = bound
        return bound


class PoolObserver:
    """Shows how many connections of a pool are lent, idle, open and allowed, whenever somebody looks."""

    def __init__(self, pool: ConnectionPool, registry: Registry, name: str) -> None:
        self._pool = weakref.ref(pool)
        self._registry = registry
        self._gauges = [registry.gauge(gauge, pool=name) for gauge in _GAUGES]
        registry.observe(self)

    def __call__(self) -> None:
        """Look. A pool that is gone shows nothing any more."""
        pool = self._pool()
        if pool is None:
            for gauge in self._gauges:
                gauge.forget()
            return self._registry.unobserve(self)
        now = pool.statistics()
        values = (now.in_use, now.idle, now.in_use + now.idle, pool.max_connections)
        for gauge, value in zip(self._gauges, values, strict=True):
            gauge.set(value)
        return None
