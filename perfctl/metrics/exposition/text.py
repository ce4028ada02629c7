"""The text formats: Prometheus 0.0.4, and OpenMetrics 1.0.

What was not measured has no line: a scraper takes a 0 for a figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from perfctl.metrics.exposition.buckets import bounds, cumulative
from perfctl.metrics.exposition.families import Family, Kind, family, letters

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame
    from perfctl.recording.histogram import Histogram
    from perfctl.recording.series import Series

OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A gauge that is in no frame: what the exposing program says of itself."""

    name: str
    """As in the catalogue: `collector.up`."""
    value: float
    labels: _Labels = ()
    help: str = ""


def openmetrics(frame: Frame, *, extra: Iterable[Point] = (), created: float | None = None) -> str:
    """The frame in OpenMetrics, with `# TYPE`, `# UNIT`, `# HELP` and `# EOF`; histograms in classic buckets.

    Gauges say their last value. `created` (unix seconds) is when the counters began, for a frame of totals: a scraper
    that knows it sees a restart.
    """
    return _written(frame, extra, _OpenMetrics(created)) + "# EOF\n"


def prometheus(frame: Frame, *, extra: Iterable[Point] = ()) -> str:
    """The same in Prometheus's text format."""
    return _written(frame, extra, _Prometheus())


class _Prometheus:
    """What the two formats do differently."""

    total_in_head = True
    """`# TYPE requests_total counter`, where OpenMetrics leaves out `_total`."""
    says_unit = False
    created: float | None = None

    def help(self, text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n")


class _OpenMetrics(_Prometheus):
    total_in_head = False
    says_unit = True

    def __init__(self, created: float | None) -> None:
        self.created = created

    def help(self, text: str) -> str:
        return super().help(text).replace('"', '\\"')


class _Sample(NamedTuple):
    """One series of a family."""

    name: str
    labels: _Labels
    value: float | Histogram


@dataclass(slots=True)
class _Group:
    family: Family
    samples: list[_Sample] = field(default_factory=list)


def _written(frame: Frame, extra: Iterable[Point], form: _Prometheus) -> str:
    lines: list[str] = []
    for _, group in sorted(_groups(frame, extra).items()):
        lines += _head(group.family, form)
        group.samples.sort(key=lambda sample: sample.labels)
        for sample in group.samples:
            lines += _lines(group.family, sample, form)
    return "\n".join([*lines, ""]) if lines else ""


def _groups(frame: Frame, extra: Iterable[Point]) -> dict[str, _Group]:
    """The lines of one name together, as both formats want it."""
    found: dict[str, _Group] = {}
    for series, kind, value in _values(frame):
        its = family(series.name, kind)
        found.setdefault(its.name, _Group(its)).samples.append(_Sample(series.name, series.labels, value))
    for point in extra:
        its = _family_of(point)
        found.setdefault(its.name, _Group(its)).samples.append(_Sample(point.name, point.labels, point.value))
    return found


def _values(frame: Frame) -> Iterator[tuple[Series, Kind, float | Histogram]]:
    for series, total in frame.counters.items():
        yield series, "counter", total
    for series, gauged in frame.gauges.items():
        yield series, "gauge", gauged.last
    for series, histogram in frame.histograms.items():
        yield series, "histogram", histogram


def _family_of(point: Point) -> Family:
    known = family(point.name, "gauge")
    return Family(known.name, "gauge", known.unit, point.help or known.help, known.labels, known.constant)


def _head(its: Family, form: _Prometheus) -> Iterator[str]:
    name = f"{its.name}_total" if its.kind == "counter" and form.total_in_head else its.name
    yield f"# TYPE {name} {its.kind}"
    if its.unit and form.says_unit:
        yield f"# UNIT {name} {its.unit}"
    if its.help:
        yield f"# HELP {name} {form.help(its.help)}"


def _lines(its: Family, sample: _Sample, form: _Prometheus) -> Iterator[str]:
    labels = _labels(sample.name, its.kind, sample.labels)
    if not isinstance(sample.value, (int, float)):
        yield from _bucket_lines(its, sample.name, labels, sample.value)
    elif its.kind == "counter":
        yield f"{its.name}_total{_braced(labels)} {number(sample.value)}"
    else:
        yield f"{its.name}{_braced(labels)} {number(sample.value)}"
    if form.created is not None and its.kind != "gauge":
        yield f"{its.name}_created{_braced(labels)} {number(form.created)}"


def _bucket_lines(its: Family, name: str, labels: str, histogram: Histogram) -> Iterator[str]:
    prefix = f'{its.name}_bucket{{{labels}{"," if labels else ""}le="'
    upper = bounds(name, its.unit)
    for bound, count in zip(_written_bounds(upper), cumulative(histogram, upper), strict=True):
        yield f'{prefix}{bound}"}} {count}'
    yield f'{prefix}+Inf"}} {histogram.count}'
    yield f"{its.name}_count{_braced(labels)} {histogram.count}"
    yield f"{its.name}_sum{_braced(labels)} {number(histogram.sum)}"


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


@lru_cache(maxsize=16_384)
def _labels(name: str, kind: Kind, labels: _Labels) -> str:
    """`a="b",c="d"`, escaped: the same for a series at each scrape."""
    its = family(name, kind)
    pairs = [(its.labels.get(label) or letters(label), value) for label, value in labels]
    return ",".join(f'{label}="{_escaped(value)}"' for label, value in [*its.constant.items(), *pairs])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@lru_cache(maxsize=64)
def _written_bounds(upper: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(number(bound) for bound in upper)


def number(value: float) -> str:
    """A number as both formats read it.

    >>> number(0.25), number(3.0), number(float("inf"))
    ('0.25', '3.0', '+Inf')
    """
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value))
