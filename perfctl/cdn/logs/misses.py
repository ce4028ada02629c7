"""Why requests missed: what the log shows of each URL before, at the same edge location and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.counting import Batch, Reading, fields_of, ratio, text_of
from perfctl.cdn.logs.history import History, Past
from perfctl.cdn.logs.lines import PAD
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.parameters import Parameters
from perfctl.cdn.logs.sketches import HeavyHitters
from perfctl.cdn.logs.values import Column, fingerprints, mixed
from perfctl.cdn.model.logs import LogMisses, MissReason

_CACHEABLE = (b"GET", b"HEAD", b"OPTIONS")
_FAILED = (b"Error", b"LimitExceeded", b"CapacityExceeded")
_CANDIDATES = 50


class _Reason(NamedTuple):
    name: str
    remedy: str


ERROR = _Reason("error", "errors are cached for their error caching TTL alone: perfctl cdn logs errors says which")
METHOD = _Reason("method not cacheable", "POST, PUT, PATCH and DELETE always go to the origin: use GET for what reads")
QUERY = _Reason(
    "another query string",
    "the path was asked before under another query string: leave parameters that change nothing out of the cache key",
)
ONCE = _Reason("never asked twice", "nothing else could have hit: a longer TTL changes nothing, preloading does")
FIRST = _Reason("first request in the log", "asked again later: perfctl cdn preload warms it ahead of the viewers")
ELSEWHERE = _Reason(
    "first at this edge location", "each location has a cache of its own: Origin Shield answers from one for all"
)
COOKIES = _Reason("another cookie", "the same URL with another cookie: leave cookies out of the cache key")
EXPIRED = _Reason(
    "asked again after it expired",
    "a longer TTL would have hit (perfctl cdn simulate --ttl); else a header of the cache key differs",
)
_OF_HISTORY = (QUERY, ONCE, FIRST, ELSEWHERE, COOKIES, EXPIRED)


def misses(reading: Reading, sources: Iterator[LogSource]) -> LogMisses:
    """The reasons, the most frequent first.

    A request that missed is told by what came before it in time: whether its URL was asked at the same edge location
    (it expired, or came with another cookie), at another one, its path under another query string, or nothing of it.
    The history is of all requests up to a million, beyond that of a random sample of the paths, scaled up.
    """
    looked = _Look()
    for batch in reading.batches(sources):
        looked.add(batch)
    facts = reading.facts()
    rows = looked.rows()
    missed = sum(row.requests for row in rows)
    return LogMisses(
        **fields_of(facts),
        misses=missed,
        miss_ratio=ratio(missed, facts.requests),
        sampled_ratio=looked.history.sampled_ratio,
        parameters=looked.parameters.rows(),
        rows=rows,
    )


class _Look:
    """What is gathered of every batch."""

    def __init__(self) -> None:
        self.history = History()
        self.parameters = Parameters()
        self._missed = 0
        self._paths = HeavyHitters(keep=20_000)
        self._others = {reason: HeavyHitters(keep=1_000) for reason in (ERROR, METHOD)}

    def add(self, batch: Batch) -> None:
        """Sort a batch: errors, methods that no cache answers, and what has a history."""
        failed = batch.where("x-edge-result-type", *_FAILED)
        cacheable = batch.where("cs-method", *_CACHEABLE, b"-")
        self._count(batch, failed, self._others[ERROR])
        self._count(batch, batch.misses & ~cacheable & ~failed, self._others[METHOD])
        rest = ~failed & cacheable
        missed = rest & batch.misses
        self._missed += int(missed.sum())
        self._count(batch, missed, self._paths)
        self.parameters.add(batch, missed)
        self.history.add(batch, rest)

    def rows(self) -> tuple[MissReason, ...]:
        """The reasons that there are, the most frequent first."""
        found = [(reason, *_whole(table)) for reason, table in self._others.items()]
        found += self._of_history()
        whole = sum(count for _, count, _ in found)
        return tuple(
            MissReason(reason.name, count, count / whole, example, reason.remedy)
            for reason, count, example in sorted(found, key=lambda row: -row[1])
            if count
        )

    def _of_history(self) -> list[tuple[_Reason, int, str | None]]:
        past = self.history.past()
        masks = _reasons(past)
        seen = sum(int(mask.sum()) for mask in masks)
        scale = self._missed / seen if seen else 0.0
        names = self._names()
        return [
            (reason, round(int(mask.sum()) * scale), _example(past.paths[mask], names))
            for reason, mask in zip(_OF_HISTORY, masks, strict=True)
        ]

    def _count(self, batch: Batch, mask: Mask, table: HeavyHitters) -> None:
        """Count requests by host and path."""
        if not mask.any():
            return
        hosts, host_labels = batch.block.codes("x-host-header")
        paths, path_labels = batch.block.codes("cs-uri-stem")
        pairs, times = np.unique(hosts[mask] * len(path_labels) + paths[mask], return_counts=True)
        width = len(path_labels)
        table.add(
            [host_labels[pair // width] + b"\t" + path_labels[pair % width] for pair in pairs.tolist()], times[:, None]
        )

    def _names(self) -> dict[int, str]:
        """The paths that missed most, by their fingerprint in the history."""
        rows = [label.partition(b"\t") for label, _ in self._paths.rows()]
        if not rows:
            return {}
        keys = mixed(_fingerprints([row[0] for row in rows]), _fingerprints([row[2] for row in rows]))
        return {key: text_of(row[2]) for key, row in zip(keys.tolist(), rows, strict=True)}


def _reasons(past: Past) -> tuple[Mask, ...]:
    """Where each reason of those with a history holds; exactly one does for each request that missed."""
    left = past.missed.copy()

    def taken(mask: Mask) -> Mask:
        here = left & mask
        np.logical_and(left, ~mask, out=left)
        return here

    new = ~past.url_before
    return (
        taken(new & past.path_before & past.has_query),
        taken(new & (past.url_times == 1)),
        taken(new),
        taken(~past.spot_before),
        taken(past.cookie_differs),
        left.copy(),
    )


def _whole(table: HeavyHitters) -> tuple[int, str | None]:
    rows = table.rows()
    return sum(counts[0] for _, counts in rows), text_of(rows[0][0].partition(b"\t")[2]) if rows else None


def _example(paths: Words, names: dict[int, str]) -> str | None:
    keys, times = np.unique(paths, return_counts=True)
    most = keys[np.argsort(-times, kind="stable")[:_CANDIDATES]].tolist()
    return next((names[key] for key in most if key in names), None)


def _fingerprints(labels: list[bytes]) -> Words:
    ends: Ints = np.cumsum([len(label) for label in labels])
    starts = ends - np.array([len(label) for label in labels], dtype=np.int64)
    return fingerprints(Column(b"".join(labels) + PAD, starts, ends))
