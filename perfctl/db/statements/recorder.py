"""The application's own recorder: what it asked through perfctl, and what of that is slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from math import ceil, sqrt

from perfctl.db.model.executions import Execution
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.sqltext import fingerprint
from perfctl.db.statements.recorded import QueryTimes
from perfctl.recording.registry import Registry

KEPT = 1000
"""Executions that are remembered; the oldest goes first."""


class QueryOptimizer:
    """Remembers the last executions of its process and says which shapes of query cost the most. For any thread."""

    def __init__(self, recording: Registry | None = None) -> None:
        """`recording` is told how long each execution took."""
        self._executions: deque[Execution] = deque(maxlen=KEPT)
        self._times = None if recording is None else QueryTimes(recording)

    @property
    def executions(self) -> tuple[Execution, ...]:
        """What was executed, the oldest first."""
        while True:
            try:
                return tuple(self._executions)
            except RuntimeError:  # another thread added one meanwhile: a deque refuses to be read while it changes
                continue

    def record(self, execution: Execution) -> None:
        """Remember one."""
        self._executions.append(execution)
        if self._times is not None and not execution.was_cached:
            self._times.record(execution.query, execution.took_ms / 1000, failed=execution.failed)

    def broke_off(self, query: str, seconds: float) -> None:
        """A query got no answer: too late, or its connection broke. In the figures, not among the executions."""
        if self._times is not None:
            self._times.record(query, seconds, failed=True)

    def get_slow_queries(self, *, limit: int = 20, min_mean_ms: float = 0.0) -> tuple[SlowQuery, ...]:
        """The costliest shapes among the last 1,000 executions, by total time; what the cache answered is left out."""
        rows = [row for row in self.summary().rows if row.mean_ms >= min_mean_ms]
        return tuple(sorted(rows, key=lambda row: -row.total_ms)[:limit])

    def summary(self) -> SlowQueries:
        """All shapes among them, with what failed and what the cache answered counted apart."""
        shapes: dict[str, list[Execution]] = {}
        for execution in self.executions:
            shapes.setdefault(fingerprint(execution.query), []).append(execution)
        asked = {key: [run for run in shape if not run.was_cached] for key, shape in shapes.items()}
        total_ms = sum(run.took_ms for runs in asked.values() for run in runs)
        rows = tuple(_shape(key, runs, shapes[key], total_ms) for key, runs in asked.items() if runs)
        return SlowQueries(
            rows=rows,
            total=len(rows),
            by="total",
            database="",
            source="recorder",
            server="this process",
            method=f"the last {KEPT} executions through perfctl in this process",
            total_ms=total_ms,
        )


def _shape(key: str, runs: Sequence[Execution], all_runs: Sequence[Execution], all_ms: float) -> SlowQuery:
    times = sorted(run.took_ms for run in runs)
    total_ms = sum(times)
    return SlowQuery(
        query=runs[-1].query,
        fingerprint=key,
        calls=len(times),
        total_ms=total_ms,
        share=total_ms / all_ms if all_ms else 0.0,
        mean_ms=total_ms / len(times),
        min_ms=times[0],
        max_ms=times[-1],
        stddev_ms=_stddev(times),
        p95_ms=times[ceil(len(times) * 0.95) - 1],
        rows=sum(run.rows for run in runs),
        failed=sum(run.failed for run in runs),
        cached=len(all_runs) - len(runs),
    )


def _stddev(times: Iterable[float]) -> float:
    values = list(times)
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))
