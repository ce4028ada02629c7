"""What one event loop's callers want from the server within one tick: one question, and one look at its answer."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from perfctl.cache.serving.patience import HELD_UP_SECONDS, MOST_EXTENSIONS
from perfctl.cache.serving.shared import UNANSWERED
from perfctl.cache.store import MOST_READS
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.shared import SharedTier

_LOG = logging.getLogger("perfctl.cache")

Asked = asyncio.Future[Any]
Judge = Callable[["Batch", Sequence[Any]], Sequence[Any]]


class Batch:
    """Names that are asked for together, and who waits for each."""

    __slots__ = ("asked_at", "generations", "is_over", "names", "states", "waiting")

    def __init__(self) -> None:
        self.names: list[bytes] = []
        self.states: list[NamespaceState] = []
        self.generations: list[int] = []
        """Those of the namespaces when the server was asked."""
        self.waiting: list[Asked] = []
        """Who waits is the ticket, too, in `Tiers.fetching`."""
        self.asked_at = 0.0
        self.is_over = False


class Gathering:
    """The reads of one event loop. For each there is one future and nothing else: no task, no timer, no coroutine.

    Who asked is given what `judge` says of the blobs, an exception in the place of a blob that must be fetched by
    itself, or UNANSWERED. Nothing is decoded here: each caller decodes his own value when he goes on. If the values
    of all lay about before the first is used, they would be out of the processor's cache, and the garbage collector
    would look at them: that takes as long as decoding them does (measured).
    """

    def __init__(self, shared: SharedTier, judge: Judge) -> None:
        self.loop = asyncio.get_running_loop()
        self._shared = shared
        self._judge = judge
        self._create_future = self.loop.create_future
        self._batch = Batch()
        self._under_way: deque[Batch] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._extensions = 0

    def ask(self, state: NamespaceState, name: bytes) -> Asked:
        """The answer for a name; asked at the end of the tick."""
        batch = self._batch
        waiting = batch.waiting
        if not waiting:
            self.loop.call_soon(self._send)
        elif len(waiting) == MOST_READS:
            self._send()
            return self.ask(state, name)
        future = self._create_future()
        waiting.append(future)
        batch.names.append(name)
        batch.states.append(state)
        return future

    def _send(self) -> None:
        batch = self._batch
        if not batch.waiting:
            return
        self._batch = Batch()
        batch.generations = [state.generation for state in batch.states]
        batch.asked_at = self.loop.time()
        try:
            is_asked = self._shared.fetch_together(batch.names, partial(self._answered, batch))
        except Exception as error:  # noqa: BLE001 - in a callback: each asks by himself, and is raised what there is
            _LOG.debug("not asked together: %r", error)
            is_asked = False
        if not is_asked:
            batch.is_over = True
            _resolve(batch, [_NOT_ASKED] * len(batch.waiting))
            return
        self._under_way.append(batch)
        if self._timer is None:
            self._watch(self._shared.patience_seconds)

    def _answered(self, batch: Batch, blobs: Sequence[Any], error: PerfctlError | None) -> None:
        if batch.is_over:
            return
        if error is not None:
            self._fail(batch, error)
            return
        batch.is_over = True
        if self._under_way and self._under_way[0] is batch:
            self._under_way.popleft()
        seconds = self.loop.time() - batch.asked_at
        self._tell(batch, blobs)
        self._shared.answered_together()
        _record(batch.states, seconds)

    def _watch(self, seconds: float) -> None:
        self._due_at = self.loop.time() + seconds
        self._timer = self.loop.call_at(self._due_at, self._look)

    def _look(self) -> None:
        """Give up those whose time is over. One timer watches them all, and none is set and cancelled for each. Where
        the loop was held up, the other side is not to blame for it: see `Patience`."""
        self._timer = None
        under_way, patience, now = self._under_way, self._shared.patience_seconds, self.loop.time()
        late = now - self._due_at
        if late > HELD_UP_SECONDS and self._extensions < MOST_EXTENSIONS:
            self._extensions += 1
            self._watch(min(late, patience))
            return
        self._extensions = 0
        while under_way and (under_way[0].is_over or under_way[0].asked_at + patience <= now):
            batch = under_way.popleft()
            if not batch.is_over:
                self._fail(batch, None)
        if under_way:
            self._watch(under_way[0].asked_at + patience - now)

    def _fail(self, batch: Batch, error: PerfctlError | None) -> None:
        batch.is_over = True
        try:
            self._shared.failed_together(batch.names, error)
        finally:
            self._tell(batch, [UNANSWERED] * len(batch.waiting))

    def _tell(self, batch: Batch, blobs: Sequence[Any]) -> None:
        """Give each his answer; where that fails, let each look by himself: nobody else would end his wait."""
        try:
            _resolve(batch, self._judge(batch, blobs))
        except Exception as error:  # noqa: BLE001 - in a callback
            _LOG.warning("what was read together is read again, one by one: %r", error)
            _resolve(batch, [_NOT_ASKED] * len(batch.waiting))


def _record(states: Sequence[NamespaceState], seconds: float) -> None:
    """So long each read took, by namespace: mostly there is one."""
    first = states[0]
    if states.count(first) == len(states):
        first.timings.reads.repeat(seconds, len(states))
        return
    for state, count in Counter(states).items():
        state.timings.reads.repeat(seconds, count)


_NOT_ASKED = LookupError("not asked together")


def _resolve(batch: Batch, answers: Sequence[Any]) -> None:
    """To each his own; who was cancelled meanwhile is passed over."""
    for future, answer in zip(batch.waiting, answers, strict=True):
        if not future.done():
            future.set_result(answer)
