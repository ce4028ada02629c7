"""The connection pool: do callers wait for a connection, or lie most of them idle?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.units import format_count, format_duration_ms

if TYPE_CHECKING:
    from perfctl.operations.optimizing.asked import Asked

WINDOW_SECONDS = 24 * 3600.0
LEAST_WAITS = 10
SLOW_WAIT_MS = 1.0
LEAST_IDLE, USED_SHARE = 10, 0.25


@dataclass(frozen=True, slots=True)
class _Use:
    """What was seen of the pool: of this process, or of those that publish their figures."""

    source: str
    peak_in_use: float | None
    waits: int
    mean_wait_ms: float | None
    p99_wait_ms: float | None


async def look(asked: Asked) -> Sequence[Found]:
    """`Skipped` where no process has told of its pool: perfctl's own says nothing about the application's."""
    use = await asyncio.to_thread(_published, asked) or _here(asked)
    if use is None:
        raise Skipped("no process told of its pool: set metrics.publish to true in the application's perfctl.yaml")
    config = asked.optimizer.settings.database
    if use.waits >= LEAST_WAITS and (use.p99_wait_ms or use.mean_wait_ms or 0.0) >= SLOW_WAIT_MS:
        return (_too_small(use, config.max_connections),)
    peak = use.peak_in_use
    if peak is not None and config.min_connections >= LEAST_IDLE and peak <= USED_SHARE * config.min_connections:
        return (_too_large(use, peak, config.min_connections),)
    return ()


def _published(asked: Asked) -> _Use | None:
    """Of the last day, from the history; None where nobody published anything of a pool."""
    from perfctl.errors import PerfctlError
    from perfctl.metrics.history.opening import open_history

    history = open_history(asked.optimizer.settings)
    try:
        now = time.time()
        frame = history.window(now - WINDOW_SECONDS, now)
    except PerfctlError:
        return None
    finally:
        history.close()
    used = [gauged for series, gauged in frame.gauges.items() if series.name == "db.pool.in_use"]
    waits = [each for series, each in frame.histograms.items() if series.name == "db.pool.wait.duration"]
    if not used and not waits:
        return None
    whole = waits[0].copy() if waits else None
    for each in waits[1:]:
        assert whole is not None  # noqa: S101 - there is a first one
        whole.merge(each)
    p99 = whole.quantile(0.99) if whole is not None else None
    return _Use(
        "the applications' history of 24 h",
        max((gauged.maximum for gauged in used), default=None),
        int(whole.count) if whole is not None else 0,
        whole.mean * 1000 if whole is not None and whole.mean is not None else None,
        None if p99 is None else p99 * 1000,
    )


def _here(asked: Asked) -> _Use | None:
    """Of this process, where its pool was used by more than this very pass."""
    statistics = asked.optimizer.database.pool.statistics()
    if statistics.waits < LEAST_WAITS:
        return None
    mean = statistics.wait_ms / statistics.waits
    return _Use("this process", None, statistics.waits, mean, None)


def _evidence(use: _Use, name: str, size: int) -> tuple[Evidence, ...]:
    wait = use.p99_wait_ms or use.mean_wait_ms
    told = (
        Evidence("seen in", use.source),
        Evidence(name, f"{size} connections", float(size), "count"),
        Evidence("waits", f"{format_count(use.waits)} for a connection", float(use.waits), "count"),
        None if use.peak_in_use is None else Evidence("peak", f"{use.peak_in_use:g} in use", use.peak_in_use, "count"),
        None
        if wait is None
        else Evidence("wait", f"{format_duration_ms(wait)} {'p99' if use.p99_wait_ms else 'mean'}", wait, "ms"),
    )
    return tuple(each for each in told if each is not None)


def _too_small(use: _Use, size: int) -> Found:
    wait = use.p99_wait_ms or use.mean_wait_ms or 0.0
    larger = size + max(5, size // 2)
    return Found(
        Finding(
            id="pool:small",
            source="pool",
            severity="warning" if wait >= 10 else "info",
            title=f"callers wait for one of {size} connections",
            subject="database.max_connections",
            evidence=_evidence(use, "database.max_connections", size),
            gain=Gain(
                f"up to {format_duration_ms(wait)} of the slowest hundredth of the waits"
                if use.p99_wait_ms
                else f"up to {format_duration_ms(wait)} of each wait",
                "the wait itself; where the server is the bottleneck, more connections gain nothing",
                wait,
                "ms",
            ),
            risk="medium",
            risk_why="the server must allow as many (perfctl db check connections), and has so many more at work",
            command=f"database: {{max_connections: {larger}}}",
            command_kind="yaml",
            reverse=f"database: {{max_connections: {size}}}",
            weight=min(wait / 100.0, 1.0),
        )
    )


def _too_large(use: _Use, peak: float, size: int) -> Found:
    fewer = max(int(peak) + 2, 2)
    return Found(
        Finding(
            id="pool:large",
            source="pool",
            severity="info",
            title=f"at most {peak:g} of {size} connections that are kept open were in use",
            subject="database.min_connections",
            evidence=_evidence(use, "database.min_connections", size),
            gain=Gain(
                f"{size - fewer} idle connections fewer in each process",
                "those that are kept open beyond the peak and two in reserve",
                float(size - fewer),
                "count",
            ),
            risk="low",
            risk_why="a sudden rush opens connections first",
            command=f"database: {{min_connections: {fewer}}}",
            command_kind="yaml",
            reverse=f"database: {{min_connections: {size}}}",
        )
    )
