"""Who asked for what before: a compact record of requests, of a sample of the paths where there are too many."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.counting import Batch
from perfctl.cdn.logs.values import ABSENT, fingerprints, mixed

MOST_REQUESTS = 1_000_000
"""42 MB."""
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


_KINDS = {
    **dict.fromkeys(("paths", "urls", "spots", "cookies"), np.uint64),
    "seconds": np.int64,
    **dict.fromkeys(("missed", "has_query"), np.bool_),
}


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
        self._size = 0
        self._columns: dict[str, Any] = {name: np.empty(most, dtype=kind) for name, kind in _KINDS.items()}

    @property
    def sampled_ratio(self) -> float:
        """Of how much of the paths it is."""
        return self._limit / _ALL

    def add(self, batch: Batch, mask: Mask) -> None:
        """Remember those requests of a batch."""
        part = self._sample(_rows(batch, mask))
        while self._size + len(part.paths) > self._most and self._limit > 1:
            self._limit //= 2
            part = self._sample(part)
            self._shrink()
        for name, column in self._columns.items():
            column[self._size : self._size + len(part.paths)] = getattr(part, name)
        self._size += len(part.paths)

    def past(self) -> Past:
        """All of them in order of time, with what came before each; the record is empty afterwards."""
        rows = self._in_order()
        path_before, _ = _before(rows.paths)
        url_before, url_times = _before(rows.urls)
        spot_before, cookie_differs = _at_spots(rows)
        return Past(
            rows.paths, rows.missed, rows.has_query, path_before, url_before, url_times, spot_before, cookie_differs
        )

    def _sample(self, rows: _Rows) -> _Rows:
        return rows if self._limit == _ALL else rows.chosen(rows.paths < np.uint64(self._limit))

    def _shrink(self) -> None:
        kept = self._columns["paths"][: self._size] < np.uint64(self._limit)
        for column in self._columns.values():
            here = column[: self._size][kept]
            column[: len(here)] = here
        self._size = int(kept.sum())

    def _in_order(self) -> _Rows:
        """By time, and what is of the same second in the order of the log; a column is let go of as it is copied."""
        size, self._size = self._size, 0
        order = np.argsort(self._columns["seconds"][:size], kind="stable")
        return _Rows(**{name: self._columns.pop(name)[:size][order] for name in _KINDS})


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
    differs[1:] = same[1:] & (cookies[1:] != cookies[:-1]) & (cookies[1:] != ABSENT)
    before, other = np.zeros_like(same), np.zeros_like(same)
    before[order], other[order] = same, differs
    return before, other
