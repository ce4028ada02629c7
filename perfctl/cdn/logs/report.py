"""The access logs at a glance: hit ratios by every name they have, times, places, hours, URLs."""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.cdn.logs.arrays import np
from perfctl.cdn.logs.counting import (
    Batch,
    Groups,
    Latencies,
    Measured,
    Reading,
    counted,
    fields_of,
    moment_of,
    quantiles_of,
    ratio,
    text_of,
)
from perfctl.cdn.logs.edges import UNKNOWN, place_of
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.sketches import HeavyHitters, Histograms
from perfctl.cdn.model.logs import HourRow, LogReport, LogStats, OfficialRatios, PlaceRow, TopRow

_UNCACHEABLE = (b"POST", b"PUT", b"PATCH", b"DELETE")
_NO_CONTENT = (b"Error", b"LimitExceeded", b"CapacityExceeded")
_NOT_ORIGINS = (b"Client", b"Invalid", b"Function", b"Lambda", b"ViewerProtocol", b"Abort")
"""How detailed result types begin that are errors of the viewer, of the request, or of a function at the edge."""


_MOST_LOCATIONS = 10_000
_MOST_HOURS = 100
"""Of one block, in a row."""


class _Totals:
    """Sums over all requests."""

    def __init__(self) -> None:
        self.requests = self.sent = self.hits = self.hit_bytes = self.miss_bytes = self.origin = 0
        self.console_hits = self.cacheable = self.cache_hits = self.client_errors = self.server_errors = 0
        self.has_results = self.has_responses = self.has_statuses = False
        self.taken, self.first_byte = Histograms(), Histograms()

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        block, sizes = batch.block, batch.sizes
        block.codes("x-edge-result-type")
        self.requests += batch.size
        self.sent += int(sizes.sum())
        self.hits += int(batch.hits.sum())
        self.hit_bytes += int(sizes[batch.hits].sum())
        self.miss_bytes += int(sizes[batch.misses].sum())
        self.origin += _to_origin(batch)
        self.console_hits += int(batch.where("x-edge-response-result-type", b"Hit").sum())
        cacheable = ~(batch.where("cs-method", *_UNCACHEABLE) | batch.where("x-edge-result-type", *_NO_CONTENT))
        cacheable &= ~batch.errors
        self.cacheable += int(cacheable.sum())
        self.cache_hits += int((cacheable & batch.hits).sum())
        self.client_errors += int((batch.errors & (batch.statuses < 500)).sum())
        self.server_errors += int((batch.statuses >= 500).sum())
        self.has_results |= block.has("x-edge-result-type")
        self.has_responses |= block.has("x-edge-response-result-type")
        self.has_statuses |= block.has("sc-status")
        self.taken.add(batch.taken, buckets=batch.taken_buckets)
        self.first_byte.add(block.float("time-to-first-byte"))

    def official(self) -> OfficialRatios:
        """The three figures of AWS."""
        return OfficialRatios(
            console_hit_ratio=ratio(self.console_hits, self.requests) if self.has_responses else None,
            bytes_from_misses=self.miss_bytes,
            bytes_from_misses_ratio=ratio(self.miss_bytes, self.sent) if self.has_results else None,
            cache_hit_rate=ratio(self.cache_hits, self.cacheable) if self.has_results else None,
        )


def _to_origin(batch: Batch) -> int:
    """How many requests CloudFront asked the origin for, as far as a log says."""
    asked = int(batch.where("x-edge-result-type", b"Miss", b"RefreshHit").sum())
    failed = np.flatnonzero(batch.where("x-edge-result-type", b"Error"))
    reasons = batch.block.text("x-edge-detailed-result-type").chosen(failed).values()
    return asked + sum(not reason.startswith(_NOT_ORIGINS) for reason in reasons)


def stats(reading: Reading, sources: Iterator[LogSource]) -> LogStats:
    """The short figures."""
    totals = _Totals()
    for batch in reading.batches(sources):
        totals.add(batch)
    return _stats(reading, totals)


def report(reading: Reading, sources: Iterator[LogSource], *, limit: int | None = None) -> LogReport:
    """The short figures, and what they are by result, status, region, hour and URL."""
    totals, urls, hours, places = _Totals(), Groups(), Hours(), Places("region")
    results, statuses = HeavyHitters(), HeavyHitters()
    for batch in reading.batches(sources):
        totals.add(batch)
        hours.add(batch)
        places.add(batch)
        urls.add_coded(batch, batch.block.coded("cs-uri-stem"))
        for table, name in ((results, "x-edge-result-type"), (statuses, "sc-status")):
            codes, labels = batch.block.codes(name)
            table.add(labels, np.bincount(codes, minlength=len(labels))[:, None])
    return LogReport(
        **fields_of(_stats(reading, totals)),
        results=counted(results.rows(20), totals.requests),
        statuses=counted(statuses.rows(30), totals.requests),
        regions=places.rows(),
        hours=hours.rows(),
        at_most_too_high=urls.table.error,
        total=len(urls.table),
        rows=top_rows(urls, "requests", totals.requests, limit),
    )


def _stats(reading: Reading, totals: _Totals) -> LogStats:
    known = totals.requests if totals.has_results else 0
    lasted = reading.last - reading.first
    return LogStats(
        **fields_of(reading.facts()),
        hit_ratio=ratio(totals.hits, known),
        origin_request_ratio=ratio(totals.origin, known),
        bandwidth_saved_ratio=ratio(totals.hit_bytes, totals.sent) if known else None,
        sent_bytes=totals.sent,
        requests_per_second=ratio(totals.requests, lasted),
        errors_4xx=totals.client_errors,
        errors_5xx=totals.server_errors,
        error_ratio=ratio(totals.client_errors + totals.server_errors, totals.requests * totals.has_statuses),
        official=totals.official(),
        time_taken=quantiles_of(totals.taken),
        time_to_first_byte=quantiles_of(totals.first_byte),
    )


class Hours:
    """Measures by hour."""

    def __init__(self) -> None:
        self._groups = Groups()

    def add(self, batch: Batch) -> None:
        """Count a batch; what has no time is in no hour."""
        hours = np.where(batch.seconds >= 0, batch.seconds // 3600, -1)
        first = int(hours.min())
        if int(hours.max()) - first < _MOST_HOURS:
            labels, codes = range(first, int(hours.max()) + 1), hours - first
        else:
            found, codes = np.unique(hours, return_inverse=True)
            labels = found.tolist()
        self._groups.add(batch, codes, [b"%d" % hour for hour in labels])

    def rows(self) -> tuple[HourRow, ...]:
        """In order of time; hours without a request are left out."""
        rows = sorted((int(label), one) for label, one in self._groups.rows() if int(label) >= 0 and one.requests)
        return tuple(
            HourRow(moment_of(hour * 3600), one.requests, one.hit_ratio, one.errors, one.sent_bytes)
            for hour, one in rows
        )


class Places:
    """Measures and times by edge location (`FRA56-P1`), city or region."""

    def __init__(self, by: str) -> None:
        self._by = by
        self._names: dict[bytes, bytes] = {}
        self._groups = Groups()
        self._times = Latencies()

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        codes, labels = batch.block.codes("x-edge-location")
        names = [self._name_of(label) for label in labels]
        known = {name: place for place, name in enumerate(dict.fromkeys(names))}
        merged = np.array([known[name] for name in names], dtype=np.int64)[codes]
        self._groups.add(batch, merged, list(known))
        self._times.add(batch.taken, merged, list(known), batch.taken_buckets)

    def rows(self) -> tuple[PlaceRow, ...]:
        """The busiest first."""
        rows = self._groups.rows()
        whole = sum(one.requests for _, one in rows)
        return tuple(self._row(label, one, whole) for label, one in rows)

    def _name_of(self, label: bytes) -> bytes:
        if label not in self._names:
            if len(self._names) > _MOST_LOCATIONS:
                self._names.clear()
            self._names[label] = self._named(label)
        return self._names[label]

    def _named(self, label: bytes) -> bytes:
        if self._by == "pop":
            return label
        found = place_of(label.decode("ascii", "replace"))
        if self._by == "region":
            return (found.region if found else UNKNOWN).encode()
        return label[:3].upper() if found else label

    def _row(self, label: bytes, one: Measured, whole: int) -> PlaceRow:
        name = text_of(label)
        found = None if self._by == "region" else place_of(name)
        times = self._times.of(label)
        return PlaceRow(
            place=name,
            city=found.city if found else None,
            region=name if self._by == "region" else found.region if found else UNKNOWN,
            requests=one.requests,
            share=one.requests / whole,
            hit_ratio=one.hit_ratio,
            errors=one.errors,
            sent_bytes=one.sent_bytes,
            p50_ms=times.p50_ms,
            p95_ms=times.p95_ms,
            p99_ms=times.p99_ms,
        )


def top_rows(groups: Groups, measure: str, whole: int, limit: int | None) -> tuple[TopRow, ...]:
    """The labels with what they stand for; `whole` is the sum of the measure over all requests."""
    return tuple(_top_row(label, one, measure, whole) for label, one in groups.rows(limit))


def _top_row(label: bytes, one: Measured, measure: str, whole: int) -> TopRow:
    told = one._replace(**{measure: one.decided})
    return TopRow(
        name=text_of(label),
        requests=told.requests,
        share=one.decided / whole if whole else 0.0,
        hit_ratio=one.hit_ratio,
        misses=told.misses,
        miss_bytes=told.miss_bytes,
        errors=told.errors,
        sent_bytes=told.sent_bytes,
        mean_ms=None if one.mean_ms is None else round(one.mean_ms, 3),
    )
