"""Drawing the ten figures as they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perfctl.metrics.model import FIGURES, MetricsSnapshot
from perfctl.metrics.model.snapshots import MeasuredGroup
from perfctl.metrics.model.watched import MetricsWatched, SortedBy
from perfctl.render.metrics import number, snapshot_view
from perfctl.render.view import Text, View, view

_LEAST = float("-inf")
_KEYS: dict[SortedBy, Callable[[MeasuredGroup], float]] = {
    "count": lambda group: group.count,
    "mean": lambda group: _or_least(group.mean_ms),
    "p95": lambda group: _or_least(group.p95_ms),
    "p99": lambda group: _or_least(group.p99_ms),
    "hit": lambda group: -group.hit_ratio if group.hit_ratio is not None else _LEAST,
    "errors": lambda group: _or_least(group.error_ratio),
}
"""The worst one first: the least hit ratio, the most of all else."""
_WORDS = {
    "api_response_time_ms": "api ms",
    "database_query_time_ms": "db ms",
    "cache_hit_rate": "hit rate",
    "memory_usage_mb": "memory MB",
    "cpu_usage_percent": "cpu %",
    "network_io_mb": "net MB/s",
    "disk_io_mb": "disk MB/s",
    "active_connections": "conns",
    "requests_per_second": "req/s",
    "error_rate": "errors",
}
"""Headers that leave a line at 100 columns."""


def watched_view(result: MetricsWatched) -> View:
    """The last moment, each figure with how it went in those before."""
    if not result.rows:
        return view(Text("nothing was measured yet"))
    last = result.rows[-1]
    trends = {figure.name: tuple(getattr(row, figure.name) for row in result.rows) for figure in FIGURES}
    shown = replace(last, trends=trends, groups=_ordered(last.groups, result.sorted_by))
    at = f"{last.at:%H:%M:%S}, " if last.at else ""
    hint = "keys: c n m 5 9 h e order the groups, " if last.by else ""
    head = Text(f"{at}every {result.interval_seconds:g} s; {hint}q ends", "dim")
    return view(*snapshot_view(shown).parts, head)


def moment_line(now: MetricsSnapshot, *, with_head: bool = False) -> str:
    """One moment as a line of plain columns; what was not measured is a dash."""
    cells = [("time", 8, f"{now.at:%H:%M:%S}" if now.at else "-")]
    for figure in FIGURES:
        value: float | None = getattr(now, figure.name)
        word = _WORDS[figure.name]
        cells.append((word, max(len(word), 7), "-" if value is None else number(value)))
    line = "  ".join(text.rjust(width) for _, width, text in cells)
    return line if not with_head else "  ".join(name.rjust(width) for name, width, _ in cells) + "\n" + line


def _ordered(groups: tuple[MeasuredGroup, ...], by: SortedBy) -> tuple[MeasuredGroup, ...]:
    if by == "name":
        return tuple(sorted(groups, key=lambda group: group.name))
    return tuple(sorted(groups, key=lambda group: (-_KEYS[by](group), group.name)))


def _or_least(value: float | None) -> float:
    return _LEAST if value is None else value
