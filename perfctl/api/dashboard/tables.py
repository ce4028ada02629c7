"""The tables of a window of time: what was recorded by namespace, by route, and of the CDN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.metrics.reading import grouped, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfctl.recording.frame import Frame

MOST_ROWS = 30
_PERCENTILES = ("p50", "p95", "p99")


def tables_of(frame: Frame | None) -> dict[str, Any]:
    """The tables of a window's frame; empty where nothing was recorded."""
    if frame is None:
        return {"namespaces": [], "routes": [], "cdn": {}}
    return {"namespaces": _namespaces(frame), "routes": _routes(frame), "cdn": _cdn(frame)}


def _namespaces(frame: Frame) -> list[dict[str, Any]]:
    """By namespace, the most asked first."""
    found = grouped(frame, "cache.requests", "namespace")
    ordered = sorted(found, key=lambda name: -(found[name].value or 0.0))[:MOST_ROWS]
    return [_namespace(frame, name) for name in ordered]


def _namespace(frame: Frame, name: str) -> dict[str, Any]:
    labels = {"namespace": name}
    return {
        "namespace": name,
        "lookups": value_of(frame, "cache.requests", labels).value,
        "hit_ratio": value_of(frame, "cache.hit_ratio", labels).value,
        "l1_ratio": value_of(frame, "cache.hit_ratio", {**labels, "tier": "l1"}).value,
        "l2_ratio": value_of(frame, "cache.hit_ratio", {**labels, "tier": "l2"}).value,
        **_times(frame, "cache.operation.duration", labels),
    }


def _routes(frame: Frame) -> list[dict[str, Any]]:
    """By method and route, the most time first."""
    rows = [_route(frame, *pair) for pair in _pairs(frame)]
    return sorted(rows, key=lambda row: -(row["total_seconds"] or 0.0))[:MOST_ROWS]


def _pairs(frame: Frame) -> list[tuple[str, str]]:
    labels = [dict(each.labels) for each in frame.histograms if each.name == "http.request.duration"]
    return sorted({(one.get("method", ""), one.get("route", "")) for one in labels})


def _route(frame: Frame, method: str, route: str) -> dict[str, Any]:
    labels = {"method": method, "route": route}
    return {
        "method": method,
        "route": route,
        "requests": value_of(frame, "http.request.duration", labels, "count").value,
        "error_ratio": value_of(frame, "http.error_ratio", labels).value,
        "total_seconds": value_of(frame, "http.request.duration", labels, "sum").value,
        **_times(frame, "http.request.duration", labels),
    }


def _cdn(frame: Frame) -> dict[str, Any]:
    results = grouped(frame, "cdn.requests", "result")
    return {
        "requests": value_of(frame, "cdn.requests").value,
        "hit_ratio": value_of(frame, "cdn.hit_ratio").value,
        "bytes": value_of(frame, "cdn.bytes").value,
        "invalidations": value_of(frame, "cdn.invalidations").value,
        "invalidation_p95_seconds": value_of(frame, "cdn.invalidation.duration", None, "p95").value,
        "results": {name: value.value for name, value in results.items()},
    }


def _times(frame: Frame, metric: str, labels: Mapping[str, str]) -> dict[str, float | None]:
    """Percentiles in seconds."""
    return {f"{name}_seconds": value_of(frame, metric, labels, name).value for name in _PERCENTILES}
