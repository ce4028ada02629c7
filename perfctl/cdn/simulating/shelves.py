"""Events by the path's fingerprint: in memory while they are few, else in files, so that memory does not grow.

Partitioning before grouping is that of the hybrid hash join (DeWitt et al., 1984).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from perfctl.cdn.logs.arrays import np
from perfctl.cdn.simulating.requests import EVENT

IN_MEMORY = 300_000
"""So many events (16 MB) are kept before files are made."""
SHELVES = 256


class Shelves:
    """Takes events in any order, gives them back in portions that share no path."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._waiting: list[np.ndarray] = []
        self._count = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: list[BinaryIO] = []
        self.total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, events: np.ndarray) -> None:
        """Keep some events."""
        self._waiting.append(events)
        self._count += len(events)
        self.total += len(events)
        if self._count > self._limit:
            self._spill()

    def portions(self) -> Iterator[np.ndarray]:
        """All events; those of one path are in one portion, in the order in which they came. Asked for repeatedly."""
        if self._folder is None:
            self._waiting = [np.concatenate(self._waiting)] if self._waiting else []
            yield from self._waiting
            return
        self._spill()
        for file in self._files:
            file.flush()
            yield np.fromfile(Path(file.name), EVENT)

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="perfctl-simulate-")
            self._files = [(Path(self._folder.name) / str(shelf)).open("ab") for shelf in range(SHELVES)]
        if not self._waiting:
            return
        events = np.concatenate(self._waiting)
        self._waiting, self._count = [], 0
        shelf = (events["path"] >> np.uint64(40)) % np.uint64(SHELVES)
        order = np.argsort(shelf, kind="stable")
        edges = np.searchsorted(shelf[order], np.arange(SHELVES + 1))
        for number, file in enumerate(self._files):
            events[order[edges[number] : edges[number + 1]]].tofile(file)
