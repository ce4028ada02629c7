"""The host, or the container with limits: two samples of its counters, and the figures between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.metrics import system
from perfctl.metrics.collecting.source import Gathered
from perfctl.recording.series import Series

if TYPE_CHECKING:
    from perfctl.metrics.system import Sample

FIGURES = ("memory_usage_mb", "cpu_usage_percent", "network_io_mb", "disk_io_mb")


def host_between(before: Sample, after: Sample) -> Gathered:
    """Memory now, CPU, network and disk since `before`."""
    readings = (system.memory(), *system.rates(before, after))
    values = {reading.name: reading.value for reading in readings}
    gauges: dict[Series, float] = {}
    memory, processor = values["memory_usage_mb"], values["cpu_usage_percent"]
    if memory is not None:
        gauges[Series("host.memory.used")] = memory * system.MB
    if processor is not None:
        gauges[Series("host.cpu.utilization")] = processor / 100
    return Gathered(readings=readings, gauges=gauges, counters=_counted(before, after))


def _counted(before: Sample, after: Sample) -> dict[Series, float]:
    pairs = (
        ("host.network.io", before.network_bytes, after.network_bytes),
        ("host.disk.io", before.disk_bytes, after.disk_bytes),
    )
    return {
        Series(name): float(now - then)
        for name, then, now in pairs
        if now is not None and then is not None and now >= then
    }
