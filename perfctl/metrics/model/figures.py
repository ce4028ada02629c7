"""The ten figures, what they mean, and what is said of those that were not measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the ten: its name and its unit."""

    name: str
    unit: str


FIGURES = (
    Figure("api_response_time_ms", "ms"),
    Figure("database_query_time_ms", "ms"),
    Figure("cache_hit_rate", "0..1"),
    Figure("memory_usage_mb", "MB"),
    Figure("cpu_usage_percent", "%"),
    Figure("network_io_mb", "MB/s"),
    Figure("disk_io_mb", "MB/s"),
    Figure("active_connections", ""),
    Figure("requests_per_second", "1/s"),
    Figure("error_rate", "0..1"),
)

_NOT_ASKED = "nothing measures it here"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says of one figure: a value, or the reason why it has none."""

    name: str
    value: float | None
    source: str
    """Where it comes from and over what time; where there is no value, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetrics:
    """The ten figures as attributes, for programs.

    What was not measured keeps its default here, stands in `unmeasured` with the reason, and is None for
    `measured(name)`: compare through that where zero would read as a good answer.

    >>> metrics = PerformanceMetrics(cache_hit_rate=0.9, unmeasured={"error_rate": "no application reports it"})
    >>> metrics.measured("cache_hit_rate"), metrics.measured("error_rate")
    (0.9, None)
    """

    api_response_time_ms: float = 0.0
    """Mean time in which the application answers a request."""
    database_query_time_ms: float = 0.0
    """Mean time of a statement."""
    cache_hit_rate: float = 0.0
    """Hits / look-ups."""
    memory_usage_mb: float = 0.0
    """In use on the host, or in the container that has a limit; 1 MB is 1,000,000 bytes here and below."""
    cpu_usage_percent: float = 0.0
    """Busy share of all CPUs of the host, or of the container's quota."""
    network_io_mb: float = 0.0
    """Received and sent per second, without loopback."""
    disk_io_mb: float = 0.0
    """Read and written per second, all disks of the host."""
    active_connections: int = 0
    """Clients that are connected to the database."""
    requests_per_second: float = 0.0
    """Requests that the application answers."""
    error_rate: float = 0.0
    """Failed requests / requests."""
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Name -> why it was not measured."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Name -> where the value comes from."""

    def measured(self, name: str) -> float | None:
        """The figure, or None where it was not measured."""
        value: float = getattr(self, name)
        return None if name in self.unmeasured else value


def metrics_of(readings: Iterable[Reading]) -> PerformanceMetrics:
    """One value a figure: the first that was measured; else the first reason."""
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for reading in readings:
        if reading.value is None:
            reasons.setdefault(reading.name, reading.source)
        elif reading.name not in values:
            values[reading.name], sources[reading.name] = reading.value, reading.source
    missing = [figure.name for figure in FIGURES if figure.name not in values]
    whole = {name: int(values[name]) for name in ("active_connections",) if name in values}
    return PerformanceMetrics(
        **{**values, **whole},  # type: ignore[arg-type]
        unmeasured={name: reasons.get(name, _NOT_ASKED) for name in missing},
        sources={figure.name: sources[figure.name] for figure in FIGURES if figure.name in sources},
    )
