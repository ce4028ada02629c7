"""For each of the ten figures the sources that can tell it, the best one first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

APPLICATION = "application"
REDIS = "redis"
POSTGRES = "postgres"
PROMETHEUS = "prometheus"
CDN = "cdn"
HOST = "host"

SOURCES: Mapping[str, tuple[str, ...]] = {
    "api_response_time_ms": (APPLICATION, PROMETHEUS, CDN),
    "database_query_time_ms": (APPLICATION, POSTGRES, PROMETHEUS),
    "cache_hit_rate": (APPLICATION, REDIS, PROMETHEUS),
    "memory_usage_mb": (HOST, PROMETHEUS),
    "cpu_usage_percent": (HOST, PROMETHEUS),
    "network_io_mb": (HOST, PROMETHEUS),
    "disk_io_mb": (HOST, PROMETHEUS),
    "active_connections": (POSTGRES, APPLICATION, PROMETHEUS),
    "requests_per_second": (APPLICATION, PROMETHEUS, CDN),
    "error_rate": (APPLICATION, PROMETHEUS, CDN),
}
"""`application`: perfctl's own middleware and engines, of this process or of all by the history. `cdn`: what the edge
logged of the application's answers. `prometheus`: what the application itself exposes."""


def ranked(figure: str, keys: Iterable[str]) -> list[str]:
    """Those sources that can tell the figure, in order; one that the table does not know comes last."""
    order = SOURCES.get(figure, ())
    return sorted(keys, key=lambda key: order.index(key) if key in order else len(order))
