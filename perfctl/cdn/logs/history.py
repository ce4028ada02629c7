"""Who asked for what before: a compact record of requests, of a sample of the paths where there are too many."""

from __future__ import annotations

from dataclasses import dataclass, fields

from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.counting import Batch
from perfctl.cdn.logs.values import fingerprints, mixed

MOST_REQUESTS = 1_000_000
"""36 MB; twice as much while the last batch is added."""
_ALL = 2**64


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Requests by column; texts are fingerprints."""

    paths: Words
    """Host and path."""
    urls: Words
    """With the query string."""
    spots: Words
    """With the edge location: what one cache holds."""
    cookies: Words
    seconds: Ints
    missed: Mask
    has_query: Mask

    def chosen(self, mask: Mask | Ints) -> _Rows:
        return _Rows(*(getattr(self, field.name)[mask] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Requests in order of time, each with what came before it."""

    paths: Words
    missed: Mask
    has_query: Mask
    path_before: Mask
    """Whether the path was asked before, under whichever query string, at whichever location."""
    url_before: Mask
    url_times: Ints
    """How often the URL was asked in all."""
    spot_before: Mask
    """Whether the URL was asked before at this location."""
    cookie_differs: Mask
    """Whether it came there with another cookie the last time, and has one now."""


class History:
    """Requests as they come; beyond a million those of half of the paths, again and again.

    All requests of a path stay or go together, by its fingerprint (spatial sampling, as in SHARDS: Waldspurger et
    al. 2015), so that what came before a request is known of every one that stays.
    """

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._limit = _ALL
        self._parts: list[_Rows] = []
        self._size = 0

    @property
    def sampled_ratio(self) -> float:
        """Of how much of the paths it is."""
        return self._limit / _ALL

    def add(self, batch: Batch, mask: Mask) -> None:
        """Remember those requests of a batch."""
        part = self._sample(_rows(batch, mask))
        self._parts.append(part)
        self._size += len(part.paths)
        while self._size > self._most and self._limit > 1:
            self._limit //= 2
            self._parts = [self._sample(part) for part in self._parts]
            self._size = sum(len(part.paths) for part in self._parts)

    def past(self) -> Past:
        """All of them in order of time, with what came before each; the record is empty afterwards."""
        rows = _in_order(self._parts)
        self._parts = []
        path_before, _ = _before(rows.paths)
        url_before, url_times = _before(rows.urls)
        spot_before, cookie_differs = _at_spots(rows)
        return Past(
            rows.paths, rows.missed, rows.has_query, path_before, url_before, url_times, spot_before, cookie_differs
        )

    def _sample(self, rows: _Rows) -> _Rows:
        if self._limit == _ALL:
            return rows
        return rows.chosen(rows.paths < np.uint64(self._limit))


def _rows(batch: Batch, mask: Mask) -> _Rows:
    block = batch.block

    def of(name: str) -> Words:
        return fingerprints(block.text(name).chosen(mask))

    paths = mixed(of("x-host-header"), of("cs-uri-stem"))
    urls = mixed(paths, of("cs-uri-query"))
    codes, labels = block.codes("cs-uri-query")
    has_query: Mask = np.array([label not in (b"-", b"") for label in labels], dtype=np.bool_)[codes]
    return _Rows(
        paths,
        urls,
        mixed(urls, of("x-edge-location")),
        of("cs(Cookie)"),
        batch.seconds[mask],
        batch.misses[mask],
        has_query[mask],
    )


def _in_order(parts: list[_Rows]) -> _Rows:
    """By time; what is of the same second stays in the order of the log."""
    if not parts:
        none, no = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.bool_)
        return _Rows(none, none, none, none, np.zeros(0, dtype=np.int64), no, no)
    columns = ([getattr(part, field.name) for part in parts] for field in fields(_Rows))
    rows = _Rows(*(np.concatenate(column) for column in columns))
    return rows.chosen(np.argsort(rows.seconds, kind="stable"))


def _before(keys: Words) -> tuple[Mask, Ints]:
    """Whether each key was there before, and how often it is there in all."""
    _, first, inverse, times = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return np.arange(len(keys)) > first[inverse], times[inverse]


def _at_spots(rows: _Rows) -> tuple[Mask, Mask]:
    """Whether the same was asked before at the same location, and whether with another cookie the last time."""
    order = np.argsort(rows.spots, kind="stable")
    spots, cookies = rows.spots[order], rows.cookies[order]
    same = np.zeros(len(order), dtype=np.bool_)
    same[1:] = spots[1:] == spots[:-1]
    differs = np.zeros(len(order), dtype=np.bool_)
    differs[1:] = same[1:] & (cookies[1:] != cookies[:-1]) & (cookies[1:] != _NO_COOKIE)
    before, other = np.zeros_like(same), np.zeros_like(same)
    before[order], other[order] = same, differs
    return before, other


_NO_COOKIE = np.uint64(ord("-") | 1 << 56)
"""The fingerprint of `-`."""
