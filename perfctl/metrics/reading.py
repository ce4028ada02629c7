"""Reading one figure out of what was recorded: a statistic of a metric, or the reason why there is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from perfctl.errors import UsageError
from perfctl.metrics.model.figures import FIGURES
from perfctl.metrics.model.values import Value
from perfctl.recording.catalogue import BY_NAME, LABEL_ALIASES, Metric, Part

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame
    from perfctl.recording.histogram import Histogram
    from perfctl.recording.series import Series

PERCENTILES = ("p50", "p95", "p99")
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
    row = metric(name)
    if row.kind == "ratio":
        return _ratio(frame, row, wanted, statistic)
    return _KINDS[row.kind](frame, name, wanted, statistic)


def grouped(
    frame: Frame, name: str, by: str = "namespace", statistic: str | None = None, labels: Labels | None = None
) -> dict[str, Value]:
    """The same for each value that a label has in this frame, sorted by it; empty where no series has it."""
    found = set(_label_values(frame, name, LABEL_ALIASES.get(by, by), _canonical(labels or {})))
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


def whole_of(frame: Frame, name: str, labels: Labels | None = None) -> float | None:
    """How many events a ratio is a share of; None where none was recorded, or where it is no ratio of events."""
    if name in _SPECIFIED:
        known = (whole_of(frame, each, labels) for each in _SPECIFIED[name].metrics)
        return next((found for found in known if found), None)
    row = metric(name)
    if row.kind != "ratio" or row.unit != "ratio":
        return None
    narrowed = _without(_canonical(labels or {}), *_NARROWS_NOT.get(name, ()))
    return _total(frame, _parts(row)[1], narrowed) or None


def is_known(name: str) -> bool:
    """Whether a figure of this name can be asked for."""
    return name in _SPECIFIED or name in _OURS or name in BY_NAME


def names() -> tuple[str, ...]:
    """Every name that can be asked for: the catalogue's, and the ten of the specification."""
    return tuple(sorted({*BY_NAME, *_OURS, *_SPECIFIED}))


def metric(name: str) -> Metric:
    """The catalogue's row. UsageError where there is none."""
    row = BY_NAME.get(name) or (_OURS[name].row if name in _OURS else None)
    if row is not None:
        return row
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(names())}"
    raise UsageError(f"no metric is named {name!r}", hint=hint)


def unit_of(name: str, statistic: str | None = None) -> str:
    """The unit that `value_of` answers in: `s`, `bytes`, `1/s`, `ratio`, `ms`, `%`; empty for a count."""
    if name in _SPECIFIED:
        return _SPECIFIED[name].unit
    row = metric(name)
    own = row.unit if row.unit in _MEASURES else ""
    if statistic == "count":
        return ""
    if statistic == "rate":
        return f"{own}/s" if own and row.kind != "histogram" else "1/s"
    return own


_MEASURES = ("s", "bytes", "ratio")
"""What has a dimension; the rest are counts, of requests or of connections."""


class Figured(NamedTuple):
    """One of the ten, and what makes it of a value of the metric that was asked about."""

    name: str
    scale: float


def figure_of(name: str, statistic: str | None = None) -> Figured | None:
    """Which of the ten figures such a statistic of a metric is, if any: `cache.hit_ratio` is `cache_hit_rate`."""
    if name in _SPECIFIED:
        return Figured(name, 1.0) if statistic is None else None
    for figure, row in _SPECIFIED.items():
        if row.metrics[0] == name and row.statistic == statistic:
            return Figured(figure, row.scale)
    return None


class _Ours(NamedTuple):
    """A quotient that is read from several metrics of the catalogue."""

    row: Metric
    parts: tuple[Part, ...]
    wholes: tuple[Part, ...]


_HITS, _MISSES = Part("redis.keyspace.hits"), Part("redis.keyspace.misses")
_OURS = {
    "redis.hit_ratio": _Ours(
        Metric("redis.hit_ratio", "ratio", "ratio", "Hits over look-ups of all clients on Redis", good="high"),
        (_HITS,),
        (_HITS, _MISSES),
    ),
    "db.statement.mean": _Ours(
        Metric("db.statement.mean", "ratio", "s", "Mean time of a statement, as the server counts", ("fingerprint",)),
        (Part("db.statement.time"),),
        (Part("db.statement.calls"),),
    ),
}


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
    "active_connections": _Specified("", 1.0, ("db.connections.active", "db.pool.in_use")),
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


def _ratio(frame: Frame, row: Metric, labels: Labels, statistic: str | None) -> Value:
    """What is not in the numerator was not seen: a recorder that counts requests and no error has met none."""
    if statistic not in (None, "mean"):
        raise UsageError(f"{statistic}({row.name}): it is one number already", hint=f"ask for {row.name} alone")
    unit = unit_of(row.name)
    parts, wholes = _parts(row)
    whole = _total(frame, wholes, _without(labels, *_NARROWS_NOT.get(row.name, ())))
    if not whole:
        return _nothing(wholes[0].metric, labels, unit)
    share = (_total(frame, parts, labels) or 0.0) / whole
    return Value(min(share, 1.0) if unit == "ratio" else share, None, unit)


_NARROWS_NOT = {"cache.hit_ratio": ("tier",)}
"""Labels that the whole has not: a miss is of no tier, and what L1 had is a share of all look-ups."""


def _parts(row: Metric) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    if row.name in _OURS:
        return _OURS[row.name].parts, _OURS[row.name].wholes
    return (row.numerator,) if row.numerator else (), (row.denominator,) if row.denominator else ()


def _total(frame: Frame, parts: tuple[Part, ...], labels: Labels) -> float | None:
    """The sum of counters, or of the counts of histograms; None where no such series was recorded."""
    wanted = set(labels.items())
    counted = [
        frame.counters[each] if kept is frame.counters else float(frame.histograms[each].count)
        for kept in (frame.counters, frame.histograms)
        for each in kept
        for part in parts
        if part.holds(each) and wanted.issubset(each.labels)
    ]
    return sum(counted) if counted else None


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
    counted = _total(frame, (Part(name),), labels)
    if counted is None:
        return _nothing(name, labels, unit)
    return _per_second(counted, frame, unit) if statistic == "rate" else Value(counted, None, unit)


_KINDS = {"histogram": _of_histogram, "gauge": _of_gauge, "counter": _of_counter}


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
    return {LABEL_ALIASES.get(name, name): value for name, value in labels.items()}


def _without(labels: Labels, *dropped: str) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in dropped}


def _matching(kept: Iterable[Series], name: str, labels: Labels) -> list[Series]:
    wanted = set(labels.items())
    return [each for each in kept if each.name == name and wanted.issubset(each.labels)]


def _label_values(frame: Frame, name: str, label: str, labels: Labels) -> Iterable[str]:
    """The values of a label over the series that a figure is read from."""
    behind = set(_metrics_behind(name))
    wanted = set(labels.items())
    for kept in (frame.counters, frame.gauges, frame.histograms):
        for each in kept:
            if each.name in behind and wanted.issubset(each.labels):
                yield from (value for key, value in each.labels if key == label and (label, value) not in _NO_GROUPS)


_NO_GROUPS = (("tier", "none"),)
"""Where no tier had it: that is no tier."""


def _metrics_behind(name: str) -> Iterable[str]:
    for each in _SPECIFIED[name].metrics if name in _SPECIFIED else (name,):
        row = metric(each)
        parts, wholes = _parts(row) if row.kind == "ratio" else ((), ())
        yield from {part.metric for part in (*parts, *wholes)} or {each}
