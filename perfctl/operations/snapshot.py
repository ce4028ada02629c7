"""What is measured now, asked of every engine that is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.metrics.model import MetricsSnapshot
    from perfctl.optimizer import PerformanceOptimizer


async def metrics_snapshot(optimizer: PerformanceOptimizer) -> MetricsSnapshot:
    """The ten figures now, asked of every engine that is configured."""
    return await optimizer.metrics.snapshot()
