"""Drawing figures by namespace, tier, fingerprint or route."""

from __future__ import annotations

from perfctl.metrics.model.snapshots import MeasuredGroup
from perfctl.render.view import Cell, Column, Table
from perfctl.units import format_count

_NOTHING = {
    "namespace": "look-ups of the cache",
    "tier": "look-ups of the cache",
    "fingerprint": "queries",
    "route": "requests",
}


def groups_table(by: str, groups: tuple[MeasuredGroup, ...], *, when: str) -> Table:
    """A group on a line, in their order; a column that nobody measured is not there."""
    columns = [Column(by, wraps=True), Column("count", align="right"), Column("per s", align="right")]
    optional = [
        ("hit", "hit_ratio", _percent),
        ("errors", "error_ratio", _percent),
        ("mean ms", "mean_ms", _ms),
        ("p50 ms", "p50_ms", _ms),
        ("p95 ms", "p95_ms", _ms),
        ("p99 ms", "p99_ms", _ms),
    ]
    shown = [row for row in optional if any(getattr(group, row[1]) is not None for group in groups)]
    columns += [Column(title, align="right") for title, _, _ in shown]
    rows = tuple((*_counts(group), *(draw(getattr(group, name)) for _, name, draw in shown)) for group in groups)
    return Table(tuple(columns), rows, title=f"by {by}", empty=f"no {_NOTHING.get(by, by)} were recorded {when}")


def _counts(group: MeasuredGroup) -> tuple[Cell | str, ...]:
    rate = "-" if group.per_second is None else f"{group.per_second:.3g}"
    return (group.name, format_count(group.count), rate)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"
