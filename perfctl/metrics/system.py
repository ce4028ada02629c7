"""The host, or the container that has limits, as psutil and its control group count it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from perfctl.metrics import cgroup
from perfctl.metrics.model import Reading

MB = 1_000_000
_Count = TypeVar("_Count")
_LOOPBACK = ("lo", "lo0")
SHORTEST_SECONDS = 0.05
"""Below this the kernel's clock ticks (10 ms) are too coarse to give a share of CPU time."""

_JITTER_SECONDS = 0.5
"""So far the kernel's CPU time may go back: what a CPU waited for is corrected later."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters at one moment; None where this system does not count it."""

    at: float
    busy_seconds: float | None
    """CPU time that was not idle, over all CPUs."""
    cpus: float
    is_container: bool
    network_bytes: int | None
    disk_bytes: int | None


def sample() -> Sample:
    """The counters now. Costs a millisecond or two."""
    processor = cgroup.processor()
    return Sample(
        at=time.monotonic(),
        busy_seconds=processor.used_seconds if processor else _counted(_busy_seconds),
        cpus=processor.cpus if processor else float(psutil.cpu_count() or 1),
        is_container=processor is not None,
        network_bytes=_counted(_network_bytes),
        disk_bytes=_counted(_disk_bytes),
    )


def rates(before: Sample, after: Sample) -> list[Reading]:
    """CPU, network and disk between two moments."""
    seconds = after.at - before.at
    if seconds < SHORTEST_SECONDS:
        reason = f"measured over less than {SHORTEST_SECONDS * 1000:.0f} ms; ask again"
        return [Reading(name, None, reason) for name in ("cpu_usage_percent", "network_io_mb", "disk_io_mb")]
    return [
        _processor(before, after, seconds),
        _rate("network_io_mb", before.network_bytes, after.network_bytes, seconds, "network interfaces"),
        _rate("disk_io_mb", before.disk_bytes, after.disk_bytes, seconds, "disks of the host"),
    ]


def memory() -> Reading:
    """Memory in use: of the container where it has a limit, else of the host."""
    limited, host = cgroup.memory(), _counted(psutil.virtual_memory)
    if host is None:
        return Reading("memory_usage_mb", None, "not counted on this system: memory")
    if limited and limited.limit_bytes < host.total:
        source = f"container, limit {limited.limit_bytes / MB:.0f} MB"
        return Reading("memory_usage_mb", round(limited.used_bytes / MB, 1), source)
    used = (host.total - host.available) / MB
    return Reading("memory_usage_mb", round(used, 1), f"host, of {host.total / MB:.0f} MB")


def _processor(before: Sample, after: Sample, seconds: float) -> Reading:
    if before.busy_seconds is None or after.busy_seconds is None:
        return Reading("cpu_usage_percent", None, "not counted on this system: CPU time")
    if after.busy_seconds < before.busy_seconds - _JITTER_SECONDS:
        return Reading("cpu_usage_percent", None, "CPU time: the counters began anew in between")
    share = (after.busy_seconds - before.busy_seconds) / (seconds * after.cpus)
    where = f"container's quota of {after.cpus:g} CPU" if after.is_container else f"host, {after.cpus:g} CPU"
    return Reading("cpu_usage_percent", round(min(max(share, 0.0), 1.0) * 100, 1), f"{where}, {_window(seconds)}")


def _rate(name: str, before: int | None, after: int | None, seconds: float, what: str) -> Reading:
    if before is None or after is None:
        return Reading(name, None, f"not counted on this system: {what}")
    if after < before:
        return Reading(name, None, f"{what}: the counters began anew in between")
    return Reading(name, round((after - before) / MB / seconds, 3), f"{what}, {_window(seconds)}")


def _window(seconds: float) -> str:
    return f"over {seconds * 1000:.0f} ms" if seconds < 10 else f"over {seconds:.0f} s"


def _busy_seconds() -> float:
    """`guest` is counted in `user` already; a system without `iowait` has none."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - guests)


def _counted(count: Callable[[], _Count]) -> _Count | None:
    """None where the system does not tell: /proc may be masked, a counter may not exist."""
    try:
        return count()
    except (OSError, NotImplementedError, RuntimeError, psutil.Error):
        return None


def _network_bytes() -> int | None:
    interfaces = psutil.net_io_counters(pernic=True)
    outward = [counters for name, counters in interfaces.items() if name not in _LOOPBACK]
    return sum(counters.bytes_recv + counters.bytes_sent for counters in outward) if interfaces else None


def _disk_bytes() -> int | None:
    counters = psutil.disk_io_counters()
    return None if counters is None else counters.read_bytes + counters.write_bytes
