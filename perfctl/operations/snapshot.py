"""What is measured now, or was in a window of the history; the same for the command and for the API."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfctl.metrics.budgets import Budget
    from perfctl.metrics.history import History
    from perfctl.metrics.model import MetricsSnapshot
    from perfctl.metrics.showing import By
    from perfctl.optimizer import PerformanceOptimizer


async def metrics_snapshot(
    optimizer: PerformanceOptimizer, *, since_seconds: float | None = None, by: By | None = None
) -> MetricsSnapshot:
    """The ten figures now, asked of every engine that is configured; or of the last `since_seconds` of the history.

    With trends where there is a history, the verdicts of the budgets that are configured, and the groups of `by`.
    UsageError for a window without a length.
    """
    from perfctl.metrics.history import open_history

    budgets = _budgets(optimizer)
    with closing(open_history(optimizer.settings)) as history:
        if since_seconds is not None:
            if since_seconds <= 0:
                raise UsageError("since: a window of 0 s holds nothing", hint="such as 1h", where="since")
            return await asyncio.to_thread(_past, history, budgets, since_seconds, by)
        now = await optimizer.metrics.snapshot()
        return await asyncio.to_thread(_completed, optimizer, now, history, budgets, by)


def _past(history: History, budgets: Sequence[Budget], seconds: float, by: By | None) -> MetricsSnapshot:
    from perfctl.metrics import showing

    now = time.time()
    frame = history.window(now - seconds, now)
    snapshot = showing.with_trends(showing.of_window(frame, seconds), history, now, seconds)
    snapshot = showing.with_budgets(snapshot, budgets)
    return showing.with_groups(snapshot, frame, by) if by else snapshot


def _completed(
    optimizer: PerformanceOptimizer,
    snapshot: MetricsSnapshot,
    history: History,
    budgets: Sequence[Budget],
    by: By | None,
) -> MetricsSnapshot:
    """A history that cannot be read takes trends away and nothing else; groups that are asked for need it."""
    from perfctl.metrics import showing

    now = time.time()
    snapshot = showing.with_budgets(snapshot, budgets)
    try:
        snapshot = showing.with_trends(snapshot, history, now, showing.TREND_SECONDS)
        if by is None:
            return snapshot
        frame = history.window(now - showing.TREND_SECONDS, now)
    except PerfctlError:
        if by is None:
            return snapshot
        raise
    if not showing.groups_of(frame, by):
        frame = optimizer.recording.collect()
    return showing.with_groups(snapshot, frame, by)


def _budgets(optimizer: PerformanceOptimizer) -> Sequence[Budget]:
    files = optimizer.settings.metrics.budgets
    if not files:
        return ()
    from perfctl.metrics.budgets import read_all

    return read_all(files).checks
