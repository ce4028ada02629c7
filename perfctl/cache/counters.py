"""Hits, misses and sets by namespace: counted in each process, added up on the server for `cache stats`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from perfctl.cache.model import TierStats

COUNTED = (
    "hits_l1",
    "hits_l2",
    "misses",
    "sets",
    "stale",
    "evictions",
    "undecodable",
    "decoded_bytes",
    "encoded_bytes",
)


@dataclass(slots=True)
class NamespaceCounts:
    """What was counted in one namespace. An increment may be lost when two threads meet; none is made up."""

    hits_l1: int = 0
    hits_l2: int = 0
    misses: int = 0
    sets: int = 0
    stale: int = 0
    """Values past their TTL that stood in."""
    evictions: int = 0
    undecodable: int = 0
    decoded_bytes: int = 0
    """Of a sample of the writes: what they were before compression ..."""
    encoded_bytes: int = 0
    """... and what went to the server."""

    def frozen(self) -> TierStats:
        """The counts as they are now."""
        return TierStats(**{name: getattr(self, name) for name in COUNTED})


class Counters:
    """One process's counts since it started, and which of them the server has not been told yet."""

    def __init__(self) -> None:
        self._counts: dict[str, NamespaceCounts] = {}
        self._told: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def of(self, namespace: str) -> NamespaceCounts:
        """The counts of a namespace, to be incremented in place."""
        counts = self._counts.get(namespace)
        return counts if counts is not None else self._counts.setdefault(namespace, NamespaceCounts())

    def snapshot(self) -> dict[str, TierStats]:
        """All counts, frozen."""
        return {namespace: counts.frozen() for namespace, counts in list(self._counts.items())}

    def take(self) -> dict[bytes, int]:
        """What was counted since the last `take`, by field; `give_back` what could not be told."""
        with self._lock:
            now = {
                _field(namespace, name): getattr(counts, name)
                for namespace, counts in list(self._counts.items())
                for name in COUNTED
            }
            fresh = {field: count - self._told.get(field, 0) for field, count in now.items()}
            self._told = now
        return {field: increment for field, increment in fresh.items() if increment}

    def forget(self) -> None:
        """In a forked child: what was counted so far is told by the parent."""
        self._lock = threading.Lock()
        self.take()

    def give_back(self, increments: Mapping[bytes, int]) -> None:
        """The server did not hear of these: take them again next time."""
        with self._lock:
            for field, increment in increments.items():
                self._told[field] = self._told.get(field, 0) - increment


def by_namespace(counters: Mapping[bytes, int]) -> dict[str, NamespaceCounts]:
    """The fields of the server's hash, by namespace; a field of another version is left out."""
    found: dict[str, NamespaceCounts] = {}
    for field, count in counters.items():
        namespace, _, name = field.decode("utf-8", "surrogateescape").rpartition(":")
        if name in COUNTED and namespace:
            setattr(found.setdefault(namespace, NamespaceCounts()), name, count)
    return found


def _field(namespace: str, name: str) -> bytes:
    return f"{namespace}:{name}".encode("utf-8", "surrogateescape")
