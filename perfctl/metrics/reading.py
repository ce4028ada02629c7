"""Reading one figure out of what was recorded: a statistic of a metric, or the reason why there is none."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from perfctl.errors import UsageError
from perfctl.metrics.model.figures import FIGURES
from perfctl.metrics.model.values import Value

if TYPE_CHECKING:
    from perfctl.recording.catalogue import Metric
    from perfctl.recording.frame import Frame
    from perfctl.recording.histogram import Histogram
    from perfctl.recording.series import Series

PERCENTILES = ("p50", "p95", "p99")
ALIASES = {"ns": "namespace"}
"""Labels by a shorter name."""

Labels = Mapping[str, str]


def value_of(frame: Frame, name: str, labels: Labels | None = None, statistic: str | None = None) -> Value:
    """A metric, a ratio or one of the ten figures in this frame, over the series that have these labels.

    `statistic` is p50, p95, p99 or another pNN, mean, max, min, count, sum or rate (per second of the frame); None is
    what the metric is by itself: a ratio, a gauge's last value, a histogram's mean, a counter's count. What was not
    recorded is None with the reason, never 0. A name or a statistic that there is not is a UsageError.
    """
    wanted = _canonical(labels or {})
    if name in _SPECIFIED:
        return _specified(frame, name, wanted, statistic)
    if name in _RATIOS:
        return _ratio(frame, name, wanted, statistic)
    kinds = {"histogram": _of_histogram, "gauge": _of_gauge, "counter": _of_counter}
    return kinds[metric(name).kind](frame, name, wanted, statistic)


def grouped(
    frame: Frame, name: str, by: str = "namespace", statistic: str | None = None, labels: Labels | None = None
) -> dict[str, Value]:
    """The same for each value that a label has in this frame, sorted by it; empty where no series has it."""
    found = set(_label_values(frame, name, ALIASES.get(by, by), _canonical(labels or {})))
    return {value: value_of(frame, name, {**(labels or {}), by: value}, statistic) for value in sorted(found)}


def histogram_of(frame: Frame, name: str, labels: Labels | None = None) -> Histogram | None:
    """The durations of every series that has these labels, as one; None where none was recorded."""
    found = [frame.histograms[each] for each in _matching(frame.histograms, name, _canonical(labels or {}))]
    if not found:
        return None
    whole = found[0].copy()
    for other in found[1:]:
        whole.merge(other)
    return whole


def is_known(name: str) -> bool:
    """Whether a figure of this name can be asked for."""
    return name in _SPECIFIED or name in _RATIOS or name in _catalogue()


def names() -> tuple[str, ...]:
    """Every name that can be asked for: the catalogue's, and the ten of the specification."""
    return tuple(sorted({*_catalogue(), *_RATIOS, *_SPECIFIED}))


def metric(name: str) -> Metric:
    """The catalogue's row. UsageError where there is none."""
    known = _catalogue()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(names())}"
    raise UsageError(f"no metric is named {name!r}", hint=hint)


def unit_of(name: str, statistic: str | None = None) -> str:
    """The unit that `value_of` answers in: `s`, `bytes`, `1/s`, `ratio`, `ms`, `%`; empty for a count."""
    if name in _SPECIFIED:
        return _SPECIFIED[name].unit
    if name in _RATIOS:
        return _RATIOS[name].unit
    row = metric(name)
    if statistic == "count":
        return ""
    if statistic == "rate":
        return "1/s" if row.kind == "histogram" or row.unit in _COUNTS else f"{_unit(row.unit)}/s"
    return _unit(row.unit)


_COUNTS = ("", "1", "count")


def _unit(unit: str) -> str:
    return "" if unit in _COUNTS else unit


def _catalogue() -> dict[str, Metric]:
    from perfctl.recording.catalogue import METRICS

    return METRICS if isinstance(METRICS, dict) else {row.name: row for row in METRICS}


class _Specified(NamedTuple):
    """One of the ten: the metrics it is read from, in order; the first that was recorded counts."""

    unit: str
    scale: float
    metrics: tuple[str, ...]
    statistic: str | None = None


_UNITS = {figure.name: figure.unit for figure in FIGURES}
_SPECIFIED = {
    "api_response_time_ms": _Specified("ms", 1000.0, ("http.request.duration",), "mean"),
    "database_query_time_ms": _Specified("ms", 1000.0, ("db.query.duration", "db.statement.mean"), "mean"),
    "cache_hit_rate": _Specified("ratio", 1.0, ("cache.hit_ratio", "redis.hit_ratio")),
    "memory_usage_mb": _Specified("MB", 1e-6, ("host.memory.used",)),
    "cpu_usage_percent": _Specified("%", 100.0, ("host.cpu.utilization",)),
    "network_io_mb": _Specified("MB/s", 1e-6, ("host.network.io",), "rate"),
    "disk_io_mb": _Specified("MB/s", 1e-6, ("host.disk.io",), "rate"),
    "active_connections": _Specified("", 1.0, ("db.connections.active", "db.pool.size")),
    "requests_per_second": _Specified("1/s", 1.0, ("http.request.duration",), "rate"),
    "error_rate": _Specified("ratio", 1.0, ("http.error_ratio",)),
}


def _specified(frame: Frame, name: str, labels: Labels, statistic: str | None) -> Value:
    row = _SPECIFIED[name]
    reason = ""
    for metric_name in row.metrics:
        found = value_of(frame, metric_name, labels, statistic or row.statistic)
        if found.value is not None:
            return Value(found.value * row.scale, None, row.unit)
        reason = reason or found.reason or ""
    return Value(None, reason, row.unit)


class _Ratio(NamedTuple):
    """Two counts, and which of their labels do not narrow the whole: a miss has no tier."""

    part: Callable[[Frame, Labels], float | None]
    whole: Callable[[Frame, Labels], float | None]
    what: str
    unit: str = "ratio"


def _ratio(frame: Frame, name: str, labels: Labels, statistic: str | None) -> Value:
    if statistic not in (None, "mean"):
        raise UsageError(f"{statistic}({name}): a ratio is one number", hint=f"ask for {name} alone")
    row = _RATIOS[name]
    whole = row.whole(frame, labels)
    if not whole:
        return Value(None, f"{row.what}{_said(labels)}: none was recorded", row.unit)
    part = row.part(frame, labels)
    if part is None:
        return Value(None, f"{name}{_said(labels)}: its parts were not recorded", row.unit)
    share = part / whole
    return Value(min(max(share, 0.0), 1.0) if row.unit == "ratio" else share, None, row.unit)


def _cache_hits(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "cache.requests", labels, lambda each: _label(each, "result") in ("hit", "stale"))


def _cache_lookups(frame: Frame, labels: Labels) -> float | None:
    """Of every tier: what L1 had of all look-ups, not of those that L1 had."""
    return _sum(frame, "cache.requests", _without(labels, "tier", "result"), lambda each: True)


def _requests(frame: Frame, labels: Labels) -> float | None:
    return _count(frame, "http.request.duration", labels, lambda each: True)


def _failed_requests(frame: Frame, labels: Labels) -> float | None:
    return _count(frame, "http.request.duration", labels, lambda each: _is_failure(_label(each, "status")))


def _is_failure(status: str) -> bool:
    """A server's fault: 5xx, or an exception that became no answer. A 4xx is the caller's."""
    return status.startswith("5") or status in ("error", "exception")


def _queries(frame: Frame, labels: Labels) -> float | None:
    return _count(frame, "db.query.duration", labels, lambda each: True)


def _failed_queries(frame: Frame, labels: Labels) -> float | None:
    """A recorder that counts queries and not one error has seen none."""
    return _sum(frame, "db.query.errors", labels, lambda each: True) or 0.0


def _cdn_hits(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "cdn.requests", labels, lambda each: _label(each, "result") == "hit")


def _cdn_requests(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "cdn.requests", _without(labels, "result"), lambda each: True)


def _keyspace_hits(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "redis.keyspace.hits", labels, lambda each: True)


def _keyspace_lookups(frame: Frame, labels: Labels) -> float | None:
    hits, misses = _keyspace_hits(frame, labels), _sum(frame, "redis.keyspace.misses", labels, lambda each: True)
    return None if hits is None or misses is None else hits + misses


def _statement_seconds(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "db.statement.time", labels, lambda each: True)


def _statement_calls(frame: Frame, labels: Labels) -> float | None:
    return _sum(frame, "db.statement.calls", labels, lambda each: True)


_RATIOS = {
    "cache.hit_ratio": _Ratio(_cache_hits, _cache_lookups, "look-ups of the cache"),
    "redis.hit_ratio": _Ratio(_keyspace_hits, _keyspace_lookups, "look-ups on Redis"),
    "http.error_ratio": _Ratio(_failed_requests, _requests, "requests"),
    "db.error_ratio": _Ratio(_failed_queries, _queries, "queries"),
    "cdn.hit_ratio": _Ratio(_cdn_hits, _cdn_requests, "requests to the CDN"),
    "db.statement.mean": _Ratio(_statement_seconds, _statement_calls, "statements", "s"),
}


def _of_histogram(frame: Frame, name: str, labels: Labels, statistic: str | None) -> Value:
    unit = unit_of(name, statistic)
    found = histogram_of(frame, name, labels)
    if found is None or found.count == 0:
        return _nothing(name, labels, unit)
    if statistic in (None, "mean"):
        return Value(found.mean, None, unit)
    if statistic in ("count", "sum"):
        return Value(float(getattr(found, statistic)), None, unit)
    if statistic in ("min", "max"):
        return Value(found.minimum if statistic == "min" else found.maximum, None, unit)
    if statistic == "rate":
        return _per_second(float(found.count), frame, unit)
    return Value(found.quantile(_share(name, statistic)), None, unit)


def _of_gauge(frame: Frame, name: str, labels: Labels, statistic: str | None) -> Value:
    """Several series of an amount are added up; of a share, their mean is taken."""
    if statistic in ("rate", "sum", "count") or (statistic or "").startswith("p"):
        raise UsageError(f"{statistic}({name}): it is a gauge", hint=f"mean, min, max, or {name} alone")
    unit = unit_of(name)
    found = [frame.gauges[each] for each in _matching(frame.gauges, name, labels)]
    if not found:
        return _nothing(name, labels, unit)
    if statistic in ("min", "max"):
        return Value(_together([getattr(each, f"{statistic}imum") for each in found], unit), None, unit)
    if statistic == "mean":
        return Value(_together([each.sum / each.count for each in found if each.count], unit), None, unit)
    return Value(_together([each.last for each in found], unit), None, unit)


def _of_counter(frame: Frame, name: str, labels: Labels, statistic: str | None) -> Value:
    if statistic not in (None, "count", "sum", "rate"):
        raise UsageError(f"{statistic}({name}): it is a counter", hint=f"rate({name}) or {name} alone")
    unit = unit_of(name, statistic if statistic == "rate" else None)
    counted = _sum(frame, name, labels, lambda each: True)
    if counted is None:
        return _nothing(name, labels, unit)
    return _per_second(counted, frame, unit) if statistic == "rate" else Value(counted, None, unit)


def _together(values: list[float], unit: str) -> float | None:
    if not values:
        return None
    return sum(values) / len(values) if unit == "ratio" else sum(values)


def _per_second(count: float, frame: Frame, unit: str) -> Value:
    if frame.seconds <= 0:
        return Value(None, "one look is no rate: it takes two", unit)
    return Value(count / frame.seconds, None, unit)


def _share(name: str, statistic: str | None) -> float:
    """0.95 of p95, 0.999 of p99.9."""
    try:
        percent = float((statistic or "")[1:])
    except ValueError:
        percent = -1.0
    if not (statistic or "").startswith("p") or not 0 <= percent <= 100:
        raise UsageError(
            f"{statistic}({name}): no statistic is named {statistic!r}",
            hint="p50, p95, p99, mean, min, max, rate, count",
        )
    return percent / 100


def _nothing(name: str, labels: Labels, unit: str) -> Value:
    return Value(None, f"nothing was recorded of {name}{_said(labels)}", unit)


def _said(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) + "}" if labels else ""


def _canonical(labels: Labels) -> dict[str, str]:
    return {ALIASES.get(name, name): value for name, value in labels.items()}


def _without(labels: Labels, *dropped: str) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in dropped}


def _matching(kept: Iterable[Series], name: str, labels: Labels) -> list[Series]:
    wanted = set(labels.items())
    return [each for each in kept if each.name == name and wanted.issubset(each.labels)]


def _sum(frame: Frame, name: str, labels: Labels, counts: Callable[[Series], bool]) -> float | None:
    """None where no such series was recorded; 0.0 where some were and none of them counts."""
    found = _matching(frame.counters, name, labels)
    return sum((frame.counters[each] for each in found if counts(each)), 0.0) if found else None


def _count(frame: Frame, name: str, labels: Labels, counts: Callable[[Series], bool]) -> float | None:
    found = _matching(frame.histograms, name, labels)
    return float(sum(frame.histograms[each].count for each in found if counts(each))) if found else None


def _label(each: Series, name: str) -> str:
    return next((value for label, value in each.labels if label == name), "")


_BEHIND = {
    "cache.hit_ratio": "cache.requests",
    "redis.hit_ratio": "redis.keyspace.hits",
    "http.error_ratio": "http.request.duration",
    "db.error_ratio": "db.query.duration",
    "cdn.hit_ratio": "cdn.requests",
    "db.statement.mean": "db.statement.calls",
}
"""What a ratio's labels are read from."""


def _label_values(frame: Frame, name: str, label: str, labels: Labels) -> Iterable[str]:
    behind = [_BEHIND.get(each, each) for each in (_SPECIFIED[name].metrics if name in _SPECIFIED else (name,))]
    for kept in (frame.counters, frame.gauges, frame.histograms):
        for each in kept:
            if each.name in behind and set(labels.items()).issubset(each.labels):
                yield from (value for key, value in each.labels if key == label)
