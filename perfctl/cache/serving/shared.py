"""The tier behind the process, as applications meet it: a server that is down is a miss and one warning."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final, TypeVar

from perfctl.cache.clock import Clock
from perfctl.cache.serving.background import Background
from perfctl.cache.serving.patience import Patience
from perfctl.cache.store import ForbiddenError, Store, Told, node_of
from perfctl.errors import PerfctlError, ServiceError, TimedOutError
from perfctl.recording.registry import Recorder

_LOG = logging.getLogger("perfctl.cache")

_Answer = TypeVar("_Answer")
_counted = time.perf_counter

REFUSALS_SECONDS = 60.0
"""How often it is said that a server refuses."""
PROBE_SECONDS = 1.0
"""How long a probe of a node that was away waits for its answer."""


class _Unanswered:
    """In place of an answer: nobody gave one."""

    def __repr__(self) -> str:
        return "UNANSWERED"

    def __bool__(self) -> bool:
        return False


UNANSWERED: Final[Any] = _Unanswered()


@dataclass(slots=True)
class _Breaker:
    """A node that failed: left alone until then, and probed by nobody's caller."""

    rests_until: float
    probes_until: float = 0.0


class SharedTier:
    """Asks a Store, patiently for so long, and never raises for its sake.

    A node that does not answer is left alone (the circuit is open): callers go on at once, while a probe in the
    background asks every `breaker_seconds` whether it is back. A node that refuses is not left alone.
    """

    def __init__(
        self,
        store: Store,
        background: Background,
        *,
        clock: Clock,
        patience_seconds: float,
        breaker_seconds: float,
        on_return: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """`on_return` is awaited in the background when a node answers again."""
        self.store = store
        self._background = background
        self._now = clock.monotonic
        self.patience_seconds = self._patience = patience_seconds
        self._breaker_seconds = breaker_seconds
        self._on_return = on_return
        self._breakers: dict[str | None, _Breaker] = {}
        self._is_well = True
        self._quiet_until = -inf

    async def fetch(self, name: bytes, took: Recorder) -> bytes | None:
        """The blob under a name; UNANSWERED when nobody answers. `took` is told how long an answer took."""
        if self._breakers and self._rests(name):
            return UNANSWERED  # type: ignore[no-any-return]
        started = _counted()
        try:
            blob = await self.store.fetch(name, patience_seconds=self._patience)
        except PerfctlError as error:
            self._failed(node_of(error) or self._node_of(name), error)
            return UNANSWERED  # type: ignore[no-any-return]
        if not self._is_well:
            self._answered()
        took.record(_counted() - started)
        return blob

    def fetch_together(self, names: Sequence[bytes], answer: Told) -> bool:
        """Ask for the blobs under names without waiting, as `Store.fetch_together`; False, too, while some node is
        left alone. Whoever asks is patient himself, and says here what came of it."""
        return not self._breakers and self.store.fetch_together(names, answer)

    def answered_together(self) -> None:
        """Reads were answered."""
        if not self._is_well:
            self._answered()

    def failed_together(self, names: Sequence[bytes], error: PerfctlError | None) -> None:
        """Reads failed, or without an error were not answered in time."""
        place = self._node_of(names[0])
        self._failed((node_of(error) if error else None) or place, error or self._too_late())

    async def fetch_many(self, names: Sequence[bytes], took: Recorder) -> list[bytes | None]:
        """The blobs under names; UNANSWERED in place of each when nobody answers. `took` as in `fetch`."""
        started = time.perf_counter()
        nothing: list[bytes | None] = [UNANSWERED] * len(names)
        blobs = await self.ask(lambda: self.store.get_many(names), nothing)
        if blobs is not nothing:
            took.record(time.perf_counter() - started)
        return blobs

    async def ask(
        self,
        call: Callable[[], Awaitable[_Answer]],
        otherwise: _Answer,
        /,
        *,
        name: bytes | None = None,
        is_long: bool = False,
    ) -> _Answer:
        """The answer of any call to the store, or `otherwise`. `name` says whose node it asks; what `is_long` is
        waited for as long as the store itself waits."""
        if self._breakers and self._rests(name):
            return otherwise
        try:
            async with Patience(None if is_long else self._patience):
                answer = await call()
        except TimeoutError:
            self._failed(self._node_of(name), self._too_late())
            return otherwise
        except PerfctlError as error:
            self._failed(node_of(error) or self._node_of(name), error)
            return otherwise
        self._answered()
        return answer

    @property
    def is_away(self) -> bool:
        """Whether some node is left alone."""
        return bool(self._breakers)

    def forget(self) -> None:
        """In a forked child: its connections are new ones."""
        self._breakers = {}

    def _node_of(self, name: bytes | None) -> str | None:
        """The node of a name; None where that is not known, or there is one only."""
        return None if name is None else self.store.place(name)

    def _rests(self, name: bytes | None) -> bool:
        """Whether the node of a name is left alone; without a name, whether any is. A probe may be due."""
        node = self._node_of(name)
        concerned = [
            breaker for each, breaker in list(self._breakers.items()) if node is None or each is None or each == node
        ]
        now = self._now()
        for breaker in concerned:
            if now >= breaker.rests_until and now >= breaker.probes_until:
                breaker.probes_until = now + PROBE_SECONDS + self._breaker_seconds
                self._background.spawn(self._probe(), is_idle=True)
        return bool(concerned)

    def _failed(self, node: str | None, error: PerfctlError) -> None:
        if isinstance(error, (ServiceError, ForbiddenError)):
            self._refused(error)
            return
        if self._is_well:
            self._is_well = False
            _LOG.warning("the cache goes on without Redis: %s", error.message)
        is_news = node not in self._breakers
        self._breakers[node] = _Breaker(self._now() + self._breaker_seconds)
        if is_news:
            self._background.later(self._breaker_seconds, self._probe_until_back)

    def _too_late(self) -> PerfctlError:
        return TimedOutError(f"Redis at {self.store.address} did not answer in {self._patience:g} s")

    def _refused(self, error: PerfctlError) -> None:
        """It answers, and it may refuse this call alone: said once a minute."""
        if self._now() >= self._quiet_until:
            self._quiet_until = self._now() + REFUSALS_SECONDS
            _LOG.warning("the cache goes on without what Redis refused: %s", error.message)

    def _answered(self) -> None:
        if not self._is_well and not self._breakers:
            self._is_well = True
            _LOG.warning("Redis at %s answers again", self.store.address)

    async def _probe_until_back(self) -> None:
        """On the portal, so that a process that asks nothing finds the server again, too."""
        while self._breakers:
            started = time.monotonic()
            await self._probe()
            if self._breakers:
                await asyncio.sleep(max(0.0, self._breaker_seconds - (time.monotonic() - started)))

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self.store.ping()
        except (TimeoutError, PerfctlError) as error:
            still_away = {node_of(error)}
        else:
            still_away = set()
        self._close(still_away)
        if not self._breakers and not self._is_well:
            self._answered()
            await self._on_return()

    def _close(self, still_away: set[str | None]) -> None:
        """Close the circuits of all nodes but those; one that nobody names may be any."""
        for node in list(self._breakers):
            if node in still_away or None in still_away or (node is None and still_away):
                self._breakers[node] = _Breaker(self._now() + self._breaker_seconds)
            else:
                self._breakers.pop(node, None)
