"""What came between two pages of metrics, or since the application started: counters told apart, series by series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from perfctl.metrics.collecting.prometheus.names import STARTED, Family
from perfctl.metrics.collecting.prometheus.text import Page, Sample
from perfctl.recording.histogram import SCALE, Histogram, bucket

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Scraped:
    """A page, and when it was read, in seconds of a clock that only goes forward."""

    at: float
    values: Mapping[Key, float]
    kinds: Mapping[str, str]
    wall: float = 0.0
    """The same moment, in Unix seconds."""

    @property
    def started(self) -> float | None:
        """When the application began, in Unix seconds, if it says so."""
        return self.values.get((STARTED, ()))


def scraped(page: Page, at: float, wall: float = 0.0) -> Scraped:
    """The page by series; of a series that stands twice the last one counts, as with Prometheus."""
    return Scraped(at, {(sample.name, sample.labels): sample.value for sample in page.samples}, page.kinds, wall)


Who = Literal["same", "anew", "another"]
"""Whose page it is: of the process of the page before, of one that began since then in its place, or of another one
that was there all the time, behind the same address."""


def who(before: Scraped, now: Scraped) -> Who:
    """By when the process began, where it says so, and by the counters: those of one process never fall.

    Where it does not say so, a process that began since the page before has little of what was counted before, of
    everything; one that has more of some and less of other things is another one.
    """
    fell, rose = _moved(before, now)
    if before.started != now.started:
        is_new = now.started is not None and now.started >= before.wall - _CLOCKS_DIFFER_SECONDS
        return "anew" if is_new else "another"
    if not fell:
        return "same"
    if before.started is not None or rose:
        return "another"
    return "anew" if _counted(now) <= _LITTLE * _counted(before) else "another"


_CLOCKS_DIFFER_SECONDS = 2.0
_LITTLE = 0.1


def _moved(before: Scraped, now: Scraped) -> tuple[bool, bool]:
    """Whether a counter fell, and whether another one grew; one that is new, or gone, tells nothing."""
    pairs = [(before.values[key], now.values[key]) for key in _counters(now) if key in before.values]
    return any(new < old for old, new in pairs), any(new > old for old, new in pairs)


def _counters(page: Scraped) -> Iterator[Key]:
    """Series that count: not a value that goes up and down, nor a sum that may be of negative ones."""
    return (key for key in page.values if key[0].endswith(("_total", "_count")) and page.kinds.get(key[0]) != "gauge")


def _counted(page: Scraped) -> float:
    return sum(page.values[key] for key in _counters(page))


class Answered(NamedTuple):
    """Requests of one method, route and status."""

    method: str | None
    route: str | None
    status: str | None


class Durations(NamedTuple):
    """How often, how long altogether, and how many by upper bound (not cumulative), as the page has them."""

    number: float
    seconds: float
    buckets: tuple[tuple[float, float], ...]

    def histogram(self) -> Histogram | None:
        """The same as a histogram: count and sum are exact; within a bucket of the page values are taken as evenly
        spread, so that a percentile is no better than those buckets. None where nothing was counted."""
        points = list(_points(self))
        if not points:
            return None
        made = Histogram()
        for value, count in points:
            if value > 0:
                index = bucket(value, SCALE)
                made.counts[index] = made.counts.get(index, 0) + count
            else:
                made.zeros += count
        made.minimum, made.maximum = min(value for value, _ in points), max(value for value, _ in points)
        made.sum = max(self.seconds, 0.0)
        return made


def grown(before: Scraped | None, now: Scraped) -> dict[Key, float]:
    """What each series gained; since the start where there is no page before, or where the application began anew.

    A counter that fell began anew, and has what it has; so has a series that is new (rate() of Prometheus does the
    first alike, and misses the second). Of the page of another process (`who`) that says nothing.
    """
    if before is None or before.started != now.started:
        return dict(now.values)
    return {
        key: value - earlier if (earlier := before.values.get(key, 0.0)) <= value else value
        for key, value in now.values.items()
    }


def present(families: Iterable[Family], now: Scraped, *endings: str) -> Family | None:
    """The first family of which the page has a line that was ever counted; else the first of which it has any."""
    there = {name for name, _ in now.values}
    used = {name for (name, _), value in now.values.items() if value > 0}
    for names in (used, there):
        for family in families:
            if any(family.name + ending in names for ending in endings):
                return family
    return None


def durations_of(family: Family, gained: Mapping[Key, float]) -> dict[Answered, Durations]:
    """Those of a histogram or of a summary, by method, route and status."""
    counts: dict[Answered, float] = {}
    sums: dict[Answered, float] = {}
    buckets: dict[Answered, dict[float, float]] = {}
    for sample in _of(family, gained):
        whose = answered(family, sample)
        if sample.name.endswith("_count"):
            counts[whose] = counts.get(whose, 0.0) + sample.value
        elif sample.name.endswith("_sum"):
            sums[whose] = sums.get(whose, 0.0) + sample.value * family.scale
        elif sample.name.endswith("_bucket"):
            _add_bucket(buckets.setdefault(whose, {}), sample, family.scale)
    return {
        whose: Durations(count, sums.get(whose, 0.0), _apart(buckets.get(whose, {}), count))
        for whose, count in counts.items()
        if count > 0
    }


def requests_of(family: Family, gained: Mapping[Key, float]) -> dict[Answered, float]:
    """A counter of requests by method, route and status."""
    found: dict[Answered, float] = {}
    for sample in _of(family, gained):
        if sample.name in (family.name, f"{family.name}_total"):
            whose = answered(family, sample)
            if whose.status != "total":  # nginx-vts has the sum beside its parts
                found[whose] = found.get(whose, 0.0) + sample.value
    return found


def answered(family: Family, sample: Sample) -> Answered:
    """Which requests a sample is about."""
    labels = dict(sample.labels)
    status = _first(labels, family.status)
    if status is not None and len(status) == 1 and status.isdigit():
        status = f"{status}xx"
    return Answered(_first(labels, family.method), _first(labels, family.route), status)


def _of(family: Family, gained: Mapping[Key, float]) -> Iterator[Sample]:
    names = {family.name + ending for ending in ("", "_total", "_count", "_sum", "_bucket")}
    return (Sample(name, labels, value) for (name, labels), value in gained.items() if name in names)


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _add_bucket(buckets: dict[float, float], sample: Sample, scale: float) -> None:
    try:
        bound = float(dict(sample.labels).get("le", "")) * scale
    except ValueError:
        return
    buckets[bound] = buckets.get(bound, 0.0) + sample.value


def _apart(cumulative: Mapping[float, float], count: float) -> tuple[tuple[float, float], ...]:
    """Cumulative buckets as those between two bounds; never less than nothing, whatever the page says."""
    found, below = [], 0.0
    for bound, upto in sorted(cumulative.items()):
        upto = min(max(upto, below), count)
        found.append((bound, upto - below))
        below = upto
    return tuple(found)


_SPREAD = 8
"""Into so many values a bucket of the page is spread, at most."""


def _points(durations: Durations) -> Iterator[tuple[float, int]]:
    """Values and how often: those of each bucket evenly spread, the last bound for what lies above all bounds."""
    count = round(durations.number)
    if count <= 0:
        return
    finite = [(bound, number) for bound, number in durations.buckets if bound != float("inf")]
    if not finite:
        yield max(durations.seconds / count, 0.0), count
        return
    lower, left = 0.0, count
    for bound, number in finite:
        whole = min(round(number), left)  # a bucket that nobody fell into still begins the next one
        left -= whole
        yield from _spread(lower, bound, whole)
        lower = bound
    if left:
        yield lower, left


def _spread(lower: float, upper: float, count: int) -> Iterator[tuple[float, int]]:
    steps = min(_SPREAD, count)
    for step in range(steps):
        share = count // steps + (step < count % steps)
        yield lower + (upper - lower) * (step + 0.5) / steps, share
