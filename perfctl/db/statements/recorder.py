"""The application's own recorder: what it asked through perfctl, and what of that is slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import sqrt

from perfctl.db.model.executions import Execution
from perfctl.db.model.statements import SlowQuery
from perfctl.db.sqltext import fingerprint

KEPT = 1000
"""Executions that are remembered; the oldest goes first."""


class QueryOptimizer:
    """Remembers the last executions and says which shapes of query cost the most."""

    def __init__(self) -> None:
        self._executions: deque[Execution] = deque(maxlen=KEPT)

    @property
    def executions(self) -> tuple[Execution, ...]:
        """What was executed, the oldest first."""
        return tuple(self._executions)

    def record(self, execution: Execution) -> None:
        """Remember one."""
        self._executions.append(execution)

    def get_slow_queries(self, *, limit: int = 20, min_mean_ms: float = 0.0) -> tuple[SlowQuery, ...]:
        """The costliest shapes among the last 1,000 executions, by total time; what the cache answered is left out."""
        shapes: dict[str, list[Execution]] = {}
        for execution in self._executions:
            if not execution.was_cached:
                shapes.setdefault(fingerprint(execution.query), []).append(execution)
        total_ms = sum(execution.took_ms for shape in shapes.values() for execution in shape)
        rows = [_shape(key, shape, total_ms) for key, shape in shapes.items()]
        slow = sorted((row for row in rows if row.mean_ms >= min_mean_ms), key=lambda row: -row.total_ms)
        return tuple(slow[:limit])


def _shape(key: str, executions: list[Execution], all_ms: float) -> SlowQuery:
    times = [execution.took_ms for execution in executions]
    total_ms = sum(times)
    return SlowQuery(
        query=executions[-1].query,
        fingerprint=key,
        queryid=None,
        username=None,
        calls=len(times),
        total_ms=total_ms,
        share=total_ms / all_ms if all_ms else 0.0,
        mean_ms=total_ms / len(times),
        min_ms=min(times),
        max_ms=max(times),
        stddev_ms=_stddev(times),
        rows=sum(execution.rows for execution in executions),
    )


def _stddev(times: Iterable[float]) -> float:
    values = list(times)
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))
