"""What stands for most of something: URLs, edge locations, errors, slow groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Literal

from perfctl.cdn.logs.arrays import Floats, Ints, Words, np
from perfctl.cdn.logs.counting import (
    BY,
    Batch,
    Groups,
    Latencies,
    Reading,
    counted,
    fields_of,
    quantiles_of,
    ratio,
    text_of,
)
from perfctl.cdn.logs.edges import UNKNOWN, place_of
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.report import Hours, Places, top_rows
from perfctl.cdn.logs.sketches import HeavyHitters, Histograms
from perfctl.cdn.logs.values import ABSENT, NO_VALUE, grouped, mixed
from perfctl.cdn.model.logs import (
    Counted,
    ErrorRow,
    LatencyBucket,
    LatencyRow,
    LogErrors,
    LogLatency,
    LogPlaces,
    LogTop,
    Quantiles,
)

TopBy = Literal["requests", "bytes", "misses", "time"]
TopOf = Literal["path", "url", "host", "referer", "agent", "ip", "type", "query"]
PlaceBy = Literal["pop", "city", "region"]
LatencyOf = Literal["time-taken", "time-to-first-byte"]
LatencyBy = Literal["region", "pop", "path", "status", "result", "method", "host"]

_FIELDS = {
    "path": "cs-uri-stem",
    "host": "x-host-header",
    "referer": "cs(Referer)",
    "agent": "cs(User-Agent)",
    "ip": "c-ip",
    "type": "sc-content-type",
    "query": "cs-uri-query",
    "pop": "x-edge-location",
    "status": "sc-status",
    "result": "x-edge-result-type",
    "method": "cs-method",
}
_STEPS_US = 1000 * 2 ** np.arange(32)
_BESIDE = ("x-edge-detailed-result-type", "cs-uri-stem", "x-edge-location")
_FEW = 3
_INCOMPLETE = b"incomplete"
_NO_ANSWER = "the viewer left before an answer"


def top(
    reading: Reading,
    sources: Iterator[LogSource],
    *,
    by: TopBy = "requests",
    of: TopOf = "path",
    limit: int | None = None,
) -> LogTop:
    """The labels that stand for most requests, bytes, misses or time."""
    groups, whole = Groups(by), 0
    for batch in reading.batches(sources):
        if of == "url":
            groups.add_keyed(batch, *_urls(batch))
        else:
            groups.add_coded(batch, batch.block.coded(_FIELDS[of]))
        whole += _sum_of(batch, by)
    return LogTop(
        **fields_of(reading.facts()),
        by=by,
        of=of,
        at_most_too_high=groups.table.error,
        total=len(groups.table),
        has_more=not groups.table.is_exact,
        rows=top_rows(groups, BY[by], whole, limit),
    )


def pops(reading: Reading, sources: Iterator[LogSource], *, by: PlaceBy = "pop", limit: int | None = None) -> LogPlaces:
    """What each edge location, city or region served."""
    places = Places(by)
    for batch in reading.batches(sources):
        places.add(batch)
    rows = places.rows()
    return LogPlaces(**fields_of(reading.facts()), by=by, total=len(rows), rows=rows[:limit])


def errors(reading: Reading, sources: Iterator[LogSource]) -> LogErrors:
    """The answers of 400 and above, those that the viewer left, and those that broke off: by status."""
    found, hours = _Errors(), Hours()
    for batch in reading.batches(sources):
        hours.add(batch)
        found.add(batch)
    return LogErrors(
        **fields_of(reading.facts()),
        errors=found.errors,
        error_ratio=ratio(found.errors, reading.requests),
        hours=hours.rows(),
        rows=found.rows(reading.requests),
    )


def latency(
    reading: Reading,
    sources: Iterator[LogSource],
    *,
    of: LatencyOf = "time-taken",
    by: LatencyBy = "region",
    limit: int | None = None,
) -> LogLatency:
    """How long requests took, in all and by group."""
    overall, picture, groups = Histograms(), _Doubling(), Latencies()
    for batch in reading.batches(sources):
        values = batch.taken if of == "time-taken" else batch.block.float(of)
        overall.add(values)
        picture.add(values)
        groups.add(values, *_groups(batch, by))
    times = quantiles_of(overall)
    rows = ((label, groups.of(label)) for label in groups.labels())
    timed = sorted((row for row in rows if row[1].requests), key=lambda row: (-row[1].requests, row[0]))
    return LogLatency(
        **fields_of(reading.facts()),
        of=of,
        by=by,
        overall=times,
        buckets=picture.buckets(),
        total=len(timed),
        rows=tuple(_latency_row(label, one, times.requests) for label, one in timed[:limit]),
    )


def _latency_row(label: bytes, one: Quantiles, whole: int) -> LatencyRow:
    return LatencyRow(
        text_of(label), one.requests, one.requests / whole, one.mean_ms, one.p50_ms, one.p95_ms, one.p99_ms
    )


class _Errors:
    """Statuses with what the edge says of them and where they happened."""

    def __init__(self) -> None:
        self.errors = 0
        self._statuses = HeavyHitters()
        self._beside = {name: HeavyHitters() for name in _BESIDE}

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        broken = ~batch.errors & (batch.statuses >= 200) & batch.where("x-edge-result-type", b"Error")
        wrong = batch.errors | (batch.statuses < 100) | broken
        if not wrong.any():
            return
        self.errors += int(batch.errors.sum())
        codes, labels = batch.block.codes("sc-status")
        names = [*labels, *(_INCOMPLETE + b" " + label for label in labels)]
        codes = np.where(broken, codes + len(labels), codes)[wrong]
        self._statuses.add(names, np.bincount(codes, minlength=len(names))[:, None])
        for field, table in self._beside.items():
            others, values = batch.block.codes(field)
            _add_pairs(table, codes, names, others[wrong], values)

    def rows(self, requests: int) -> tuple[ErrorRow, ...]:
        """The most frequent status first."""
        beside = {field: _by_first(table) for field, table in self._beside.items()}
        return tuple(
            ErrorRow(
                text_of(label),
                count,
                count / requests,
                _meaning(text_of(label)),
                *(_first_few(found.get(label, []), count) for found in beside.values()),
            )
            for label, (count,) in self._statuses.rows()
            if count
        )


def _add_pairs(table: HeavyHitters, codes: Ints, names: list[bytes], others: Ints, values: list[bytes]) -> None:
    pairs, times = np.unique(codes * len(values) + others, return_counts=True)
    labels = [names[pair // len(values)] + b"\t" + values[pair % len(values)] for pair in pairs.tolist()]
    table.add(labels, times[:, None])


def _by_first(table: HeavyHitters) -> dict[bytes, list[tuple[bytes, list[int]]]]:
    found: dict[bytes, list[tuple[bytes, list[int]]]] = {}
    for label, counts in table.rows():
        first, _, second = label.partition(b"\t")
        found.setdefault(first, []).append((second, counts))
    return found


def _first_few(rows: list[tuple[bytes, list[int]]], whole: int) -> tuple[Counted, ...]:
    return counted(rows[:_FEW], whole)


def _meaning(status: str) -> str:
    """What a status says, in a few words."""
    if status.startswith(_INCOMPLETE.decode()):
        return "answered, and broken off before the last byte"
    try:
        return HTTPStatus(int(status)).phrase.lower()
    except ValueError:
        return _NO_ANSWER if status in ("000", "0", "-") else "not a status of HTTP"


def _sum_of(batch: Batch, by: TopBy) -> int:
    if by == "bytes":
        return int(batch.sizes.sum())
    if by == "time":
        return int(np.rint(np.minimum(np.nan_to_num(batch.taken), 1e6) * 1e6).sum())
    return batch.size if by == "requests" else int(batch.misses.sum())


def _urls(batch: Batch) -> tuple[Ints, Words, Callable[[Ints], list[bytes]]]:
    """Paths with their query strings: of each request which, the fingerprint of each, and what asks for them."""
    stems, queries = batch.block.coded("cs-uri-stem"), batch.block.coded("cs-uri-query")
    queried = np.where(queries.keys == NO_VALUE, ABSENT, queries.keys)[queries.codes]
    keys = mixed(stems.keys[stems.codes], queried)
    codes, examples = grouped(keys)

    def labels(places: Ints) -> list[bytes]:
        lines = examples[places]
        paths, others = stems.labels(stems.codes[lines]), queries.labels(queries.codes[lines])
        return [_url(path, query) for path, query in zip(paths, others, strict=True)]

    return codes, keys[examples], labels


def _url(stem: bytes, query: bytes) -> bytes:
    return stem if query in (b"-", b"") else stem + b"?" + query


def _groups(batch: Batch, by: LatencyBy) -> tuple[Ints, list[bytes]]:
    codes, labels = batch.block.codes(_FIELDS["pop" if by == "region" else by])
    if by == "region":
        return codes, [_region(label) for label in labels]
    return codes, [_pattern(label) for label in labels] if by == "path" else labels


def _region(label: bytes) -> bytes:
    found = place_of(label.decode("ascii", "replace"))
    return (found.region if found else UNKNOWN).encode()


def _pattern(path: bytes) -> bytes:
    """The folder at the root that a path is in; a file there by its ending.

    >>> _pattern(b"/api/users/7"), _pattern(b"/app.js"), _pattern(b"/")
    (b'/api/*', b'/*.js', b'/')
    """
    first, slash, _ = path[1:].partition(b"/")
    if slash:
        return b"/" + first + b"/*"
    _, dot, ending = first.rpartition(b".")
    return b"/*." + ending if dot else path


class _Doubling:
    """Exact counts in buckets from a millisecond on, each twice as wide as the one before."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(_STEPS_US) + 1, dtype=np.int64)

    def add(self, values: Floats) -> None:
        """Count seconds."""
        microseconds = np.rint(values[~np.isnan(values)] * 1e6)
        places = np.searchsorted(_STEPS_US, microseconds, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))

    def buckets(self) -> tuple[LatencyBucket, ...]:
        """From the first that holds a request to the last."""
        held = np.flatnonzero(self._counts).tolist()
        return tuple(
            LatencyBucket(0.0 if step == 0 else 2.0 ** (step - 1), 2.0**step, int(self._counts[step]))
            for step in range(held[0] if held else 0, held[-1] + 1 if held else 0)
        )
