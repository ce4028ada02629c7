"""What the server was not told while it was away: the newest word on each key, told when it is back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MAX_KEYS = 20_000
MAX_BYTES = 32_000_000
"""Beyond these the oldest writes are remembered as deletions, and beyond the former the oldest are forgotten."""


@dataclass(slots=True, frozen=True)
class Missed:
    """A write, or without a blob a deletion, that the server does not know of."""

    name: bytes
    namespace: str
    created_ms: int
    blob: bytes | None = None
    ttl_ms: int | None = None
    """The blob's whole life on the server, from `created_ms` on."""

    def left_ms(self, now_ms: int) -> int | None:
        """What is left of that life; 0 when it is over, None when it never is."""
        return None if self.ttl_ms is None else max(0, self.ttl_ms - max(0, now_ms - self.created_ms))


class Recovery:
    """Bounded; safe under threads."""

    def __init__(self, *, max_keys: int = MAX_KEYS, max_bytes: int = MAX_BYTES) -> None:
        self.missed: dict[bytes, Missed] = {}
        """By name; for hot paths, which ask whether there is any: one object for ever."""
        self._size_bytes = 0
        self._max_keys = max_keys
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._telling: dict[bytes, Missed] = {}
        self._told_on: asyncio.AbstractEventLoop | None = None
        self.is_wanted_again = False
        """Whether more was missed since that one began."""

    def add(self, missed: Missed) -> None:
        """The newest word on a key takes the place of the one before."""
        with self._lock:
            self._drop(missed.name)
            self._put(missed)
            self._shrink()

    def clear(self, namespace: str) -> None:
        """The namespace was cleared: what was written to it is to be deleted."""
        if self.missed:
            with self._lock:
                for missed in list(self.missed.values()):
                    if missed.namespace == namespace:
                        self._forget_value(missed)

    def of(self, name: bytes) -> Missed | None:
        """What the server was not told of a key."""
        return self.missed.get(name)

    def settle(self, name: bytes) -> None:
        """The server has heard newer word of the key."""
        if name in self.missed:
            with self._lock:
                self._drop(name)

    def listed(self) -> list[Missed]:
        """Everything, the oldest first. It stays until it is settled."""
        with self._lock:
            return list(self.missed.values())

    def settle_all(self, told: Iterable[Missed]) -> None:
        """These were told; newer word on the same keys stays."""
        with self._lock:
            for each in told:
                if self.missed.get(each.name) is each:
                    self._drop(each.name)

    @property
    def is_under_way(self) -> bool:
        """Whether somebody tells the server now. Not where its event loop was stopped under it."""
        return self._told_on is not None and self._told_on.is_running()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Within it, the caller tells the server."""
        own = self._told_on = asyncio.get_running_loop()
        try:
            yield
        finally:
            if self._told_on is own:
                self._told_on = None

    def begin_to_tell(self, wanted: Iterable[Missed]) -> list[Missed]:
        """Those of them that are still the newest word: they are on their way to the server from now on."""
        with self._lock:
            told = [each for each in wanted if self.missed.get(each.name) is each]
            self._telling = {each.name: each for each in told}
        return told

    def end_to_tell(self) -> None:
        """They arrived, or did not."""
        self._telling = {}

    def is_telling(self, names: Iterable[bytes]) -> bool:
        """Whether older word on one of these keys is on its way to the server: what is said now may be overtaken."""
        return bool(self._telling) and self.is_under_way and any(name in self._telling for name in names)

    def forget(self) -> None:
        """In a forked child: the parent tells what it missed."""
        self._lock = threading.Lock()
        self.missed.clear()
        self._size_bytes, self._telling = 0, {}
        self._told_on, self.is_wanted_again = None, False

    def __len__(self) -> int:
        return len(self.missed)

    def _put(self, missed: Missed) -> None:
        self.missed[missed.name] = missed
        self._size_bytes += len(missed.blob or b"")

    def _drop(self, name: bytes) -> None:
        known = self.missed.pop(name, None)
        if known is not None:
            self._size_bytes -= len(known.blob or b"")

    def _forget_value(self, missed: Missed) -> None:
        self._size_bytes -= len(missed.blob or b"")
        self.missed[missed.name] = Missed(missed.name, missed.namespace, missed.created_ms)

    def _shrink(self) -> None:
        while len(self.missed) > self._max_keys:
            self._drop(next(iter(self.missed)))
        if self._size_bytes <= self._max_bytes:
            return
        for missed in list(self.missed.values()):
            self._forget_value(missed)
            if self._size_bytes <= self._max_bytes:
                return
