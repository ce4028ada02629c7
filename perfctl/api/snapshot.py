"""What reads answer from: each part of the stack asked in the background, with a limit of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perfctl.errors import PerfctlError, TimedOutError

_LOG = logging.getLogger("perfctl.api.snapshot")

Ask = Callable[[], Awaitable[object]]
"""Asks the engines one question; raises a PerfctlError where they cannot answer."""

WANTED_SECONDS = 60.0
"""How long a part that is costly to read is refreshed after somebody asked for it."""
FIRST_SECONDS = 1.0
"""How long a read waits for the very first answer of a part."""
_MOST_NARROWED = 64
"""Questions with parameters whose answers are kept."""
_SHARE = 10.0
"""A part that takes long is asked again after ten times as long: a tenth of the time at most."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one part: the last answer, and why there is no later one."""

    value: object | None = None
    """The result dataclass of the part's command; None where it never answered."""
    at: float | None = None
    """When the answer came, in Unix seconds."""
    error: PerfctlError | None = None
    """Why the last question had no answer; None where it had one."""
    since: float | None = None
    """Since when there has been none."""
    took_ms: float = 0.0

    @property
    def was_asked(self) -> bool:
        """Whether an answer, or none, has come at all."""
        return self.at is not None or self.error is not None


class Update(NamedTuple):
    """A part that was asked again, for those who subscribed."""

    part: str
    known: Known


@dataclass(frozen=True, slots=True)
class Part:
    """One question that is asked again and again."""

    name: str
    ask: Ask
    timeout_seconds: float = 5.0
    is_costly: bool = False
    """Asked only while somebody wants it: what reads files or costs money."""


@dataclass(slots=True)
class _Running:
    part: Part
    known: Known = field(default_factory=Known)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    wanted_at: float = 0.0
    task: asyncio.Task[Any] | None = None


class Snapshot:
    """The background collector. A dead server makes its own part old, and holds no other up."""

    def __init__(self, parts: Sequence[Part], *, refresh_seconds: float) -> None:
        self._refresh_seconds = refresh_seconds
        self._running = {part.name: _Running(part) for part in parts}
        self._narrowed: OrderedDict[Hashable, _Running] = OrderedDict()
        self._subscribers: set[_Subscriber] = set()
        self._is_started = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(self._running)

    def start(self) -> None:
        """Begin to ask; a second call changes nothing."""
        if self._is_started:
            return
        self._is_started = True
        for running in self._running.values():
            running.task = asyncio.create_task(self._refresh(running))

    async def close(self) -> None:
        """Stop asking; those who subscribed are told that it is over."""
        tasks = [one.task for one in (*self._running.values(), *self._narrowed.values()) if one.task is not None]
        for task in tasks:
            task.cancel()
        self.end_streams()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)
        self._is_started = False

    def end_streams(self) -> None:
        """Tell those who subscribed that it is over, so that nobody waits for their streams."""
        for subscriber in tuple(self._subscribers):
            subscriber.end()

    def latest(self, part: str) -> Known:
        """What is known of a part now; never waits. KeyError where there is no such part."""
        running = self._running[part]
        self._want(running)
        return running.known

    def peek(self, part: str) -> Known:
        """The same, without keeping in use what is costly to read."""
        return self._running[part].known

    async def settled(self, part: str, *, limit_seconds: float = FIRST_SECONDS) -> Known:
        """The same; waits for the part's very first answer, no longer than the limit."""
        known = self.latest(part)
        if known.was_asked:
            return known
        self.start()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._running[part].asked.wait(), limit_seconds)
        return self._running[part].known

    async def narrowed(self, part: str, key: Hashable, ask: Ask) -> Known:
        """A part's question with parameters: asked now where its answer is older than `refresh_seconds`.

        Waits no longer than a first answer may take, and not at all where the part itself does not answer.
        """
        running = self._of_key((part, key), Part(part, ask, self._running[part].part.timeout_seconds))
        if not self._is_fresh(running.known) and (running.task is None or running.task.done()):
            running.asked.clear()
            running.task = asyncio.create_task(self._ask(running, tells=False))
        is_dead = self._running[part].known.error is not None
        if not self._is_fresh(running.known) and not is_dead:
            with suppress(TimeoutError):
                await asyncio.wait_for(running.asked.wait(), FIRST_SECONDS)
        if is_dead and not running.known.was_asked:
            return Known(error=self._running[part].known.error, since=self._running[part].known.since)
        return running.known

    async def subscribe(self) -> AsyncIterator[Update]:
        """Every part that was asked again, from now on; a slow reader gets the latest of each part and no backlog."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            async for update in subscriber.updates():
                yield update
        finally:
            self._subscribers.discard(subscriber)

    def publish(self, part: str, known: Known) -> None:
        """Tell those who subscribed; also for what is no part, such as `alerts`."""
        for subscriber in self._subscribers:
            subscriber.tell(Update(part, known))

    def _is_fresh(self, known: Known) -> bool:
        return known.error is None and known.at is not None and time.time() - known.at < self._refresh_seconds

    def _of_key(self, key: Hashable, part: Part) -> _Running:
        running = self._narrowed.get(key)
        if running is None:
            running = self._narrowed[key] = _Running(part)
            while len(self._narrowed) > _MOST_NARROWED:
                _, oldest = self._narrowed.popitem(last=False)
                if oldest.task is not None:
                    oldest.task.cancel()
        self._narrowed.move_to_end(key)
        return running

    def _want(self, running: _Running) -> None:
        if running.part.is_costly:
            running.wanted_at = time.monotonic()
            running.wanted.set()

    async def _refresh(self, running: _Running) -> None:
        while True:
            if running.part.is_costly and time.monotonic() - running.wanted_at > WANTED_SECONDS:
                running.wanted.clear()
                await running.wanted.wait()
            took_seconds = await self._ask(running)
            await asyncio.sleep(max(self._refresh_seconds, _SHARE * took_seconds if running.known.error is None else 0))

    async def _ask(self, running: _Running, *, tells: bool = True) -> float:
        started = time.perf_counter()
        value, error = await _answered(running.part)
        took_seconds = time.perf_counter() - started
        before, now = running.known, time.time()
        if error is None:
            running.known = Known(value, now, took_ms=round(took_seconds * 1000, 3))
        else:
            since = now if before.error is None else before.since
            running.known = Known(before.value, before.at, error, since, before.took_ms)
        running.asked.set()
        if tells:
            self.publish(running.part.name, running.known)
        return took_seconds


async def _answered(part: Part) -> tuple[object | None, PerfctlError | None]:
    try:
        async with asyncio.timeout(part.timeout_seconds):
            return await part.ask(), None
    except TimeoutError:
        return None, TimedOutError(f"no answer within {part.timeout_seconds:g} s")
    except PerfctlError as error:
        return None, error
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        return None, PerfctlError(f"{part.name} cannot be read: the question was cancelled")
    except Exception as error:  # noqa: BLE001 - the background goes on, whatever breaks in one part
        _LOG.exception("%s cannot be read", part.name)
        return None, PerfctlError(f"{part.name} cannot be read: {type(error).__name__}")


class _Subscriber:
    """The latest of each part that was not fetched yet."""

    def __init__(self) -> None:
        self._waiting: dict[str, Known] = {}
        self._told = asyncio.Event()
        self._is_over = False

    def tell(self, update: Update) -> None:
        self._waiting[update.part] = update.known
        self._told.set()

    def end(self) -> None:
        self._is_over = True
        self._told.set()

    async def updates(self) -> AsyncIterator[Update]:
        while not self._is_over:
            await self._told.wait()
            self._told.clear()
            waiting, self._waiting = self._waiting, {}
            for part, known in waiting.items():
                yield Update(part, known)
