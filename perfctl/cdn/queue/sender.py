"""Sending the queue of one distribution: one thing at a time, never over a limit, never the same thing twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from perfctl.aws import AwsCallError, ThrottledError, UnavailableError, was_repeated
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane, TooManyInProgressError
from perfctl.cdn.invalidating.sending import ATTEMPTS, LATE_ATTEMPTS, LONGEST_PAUSE_SECONDS
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.queue import batches, leases
from perfctl.cdn.queue.adding import Entry, place
from perfctl.cdn.queue.batches import Batch, Flying, Pending
from perfctl.cdn.queue.leases import Holder
from perfctl.cdn.queue.limits import Load, QueueLimits, room
from perfctl.cdn.queue.store import Store
from perfctl.cdn.queue.traffic import Traffic
from perfctl.cdn.queue.widening import folders_instead
from perfctl.errors import AuthError, LockedError, PerfctlError, TimedOutError, UnreachableError, UsageError

LOOK_SECONDS = 5.0
"""Between two looks while nothing waits for room."""
_LOOK_FOR_ROOM_SECONDS = 1.0
_BLOCKED_SECONDS = 60.0
_REST_SECONDS = 60.0
"""After an error that will not pass by itself."""
_REFUSED_ITEMS = frozenset(("InvalidArgument", "BatchTooLarge", "InvalidInput", "MalformedInput", "ValidationError"))
"""Answers that blame what a batch holds; others blame the call."""

_REFUSALS = (TooManyInProgressError, AwsCallError, AuthError, UsageError)
"""Answers that say for certain that a call had no effect, where it was made but once."""

Doing = Literal["did", "later", "no room", "in flight", "idle", "failing"]


class Step(NamedTuple):
    """What was done, and when there is something to do again, as far as the file is not added to."""

    doing: Doing
    again_at: float | None = None


@dataclass(slots=True)
class Tally:
    """What a sender did."""

    sent_batches: int = 0
    resent_batches: int = 0
    sent: int = 0
    completed: int = 0
    failed: int = 0
    widened: int = 0
    refused_for_room: int = 0
    error: PerfctlError | None = None


class DistributionSender:
    """Sends for one distribution while it holds the lease."""

    def __init__(
        self,
        distribution: str,
        store: Store,
        control: ControlPlane,
        *,
        holder: Holder,
        time: Time,
        limits: QueueLimits,
        widens: bool = False,
        look_seconds: float = LOOK_SECONDS,
        on_sent: Callable[[int], None] | None = None,
    ) -> None:
        self.distribution = distribution
        self.tally = Tally()
        self._store = store
        self._control = control
        self._holder = holder
        self._time = time
        self._limits = limits
        self._widens = widens
        self._look_seconds = look_seconds
        self._on_sent = on_sent
        self._traffic = Traffic(distribution, control)
        self._made: set[int] = set()
        self._doubtful: set[int] = set()
        """Batches of which an answer did not tell whether they were accepted."""
        self._look_at = 0.0
        self._blocked_until = 0.0
        """Refused for room: until something completes, or then."""
        self.is_answered = False
        """Whether the service ever answered, be it with an error."""
        self._failures = 0
        self._not_before = 0.0
        self._beat_at = 0.0
        self._before = 0.0
        """The clock, when it was looked at last."""

    def keep_lease(self) -> None:
        """Say that we are alive, where that is due. LockedError where another process sends for the distribution."""
        now = self._moment()
        if now >= self._beat_at:
            with self._store.writing() as connection:
                self._keep_lease(connection, now)

    async def step(self) -> Step:
        """Do the next thing that can be done now: send again what is in doubt, see what has completed, or send.

        Failures of the service are met with pauses that grow; the last one is in the tally. LockedError where the
        lease was lost, ConfigError and ServiceError where the file cannot be used.
        """
        now = self._moment()
        if now < self._not_before:
            return Step("failing", self._not_before)
        try:
            return await self._step(now)
        except LockedError:
            raise
        except PerfctlError as error:
            return self._failed(error)

    @property
    def gives_up(self) -> bool:
        """Whether it failed so often, or so surely, that a run which is not meant to last should end."""
        error = self.tally.error
        if isinstance(error, (ThrottledError, UnavailableError)):
            return self._failures >= ATTEMPTS
        return self._failures >= (LATE_ATTEMPTS if isinstance(error, TimedOutError) else 1)

    @property
    def may_recover(self) -> bool:
        """Whether what it met may pass by itself."""
        return _may_pass(self.tally.error)

    def _moment(self) -> float:
        """Now. Once the clock was set back, what was to wait until a moment that lies far ahead waits no more."""
        now, before = self._time.now(), self._before
        self._before = now
        if now < before:
            self._look_at = min(self._look_at, now)
            self._blocked_until = self._not_before = self._beat_at = 0.0
        return now

    async def _step(self, now: float) -> Step:
        with self._store.reading() as connection:
            doubtful = batches.intended(connection, self.distribution)
            flying = batches.sent(connection, self.distribution)
        if (flying or self._traffic.has_others or not self._look_at) and self._look_at <= now:
            return await self._look(flying, now)
        if now < self._blocked_until:
            return Step("no room", self._look_at)
        if doubtful is not None:
            return await self._send(doubtful)
        return await self._send_due(now, is_flying=bool(flying))

    async def _send_due(self, now: float, *, is_flying: bool) -> Step:
        with self._store.reading() as connection:
            pending = self._pending(connection, now)
            free = self._room(connection)
        if pending is None:
            return Step("in flight", self._look_at) if is_flying else Step("idle")
        if pending.due_at > now:
            return Step("later", min(pending.due_at, self._look_at) if is_flying else pending.due_at)
        if not (min(pending.load.paths, free.paths) or min(pending.load.wildcards, free.wildcards)):
            self._look_at = min(self._look_at, now + _LOOK_FOR_ROOM_SECONDS)
            return Step("no room", self._look_at)
        with self._store.writing() as connection:
            self._keep_lease(connection, now)
            if self._widens:
                self._widen(connection, pending.load)
            batch = batches.intend(connection, self.distribution, self._room(connection), now=now)
        if batch is None:
            return self._did()
        self._made.add(batch.id)
        return await self._send(batch)

    async def _send(self, batch: Batch) -> Step:
        """Ask for a batch that is written down, and write down the answer."""
        try:
            made = await self._asked_for(batch)
        except TooManyInProgressError as error:
            return await self._refused_for_room(batch, error)
        except AwsCallError as error:
            if error.code not in _REFUSED_ITEMS:
                self._give_back(batch)
                raise
            return self._refused_for_its_items(batch, error)
        except (AuthError, UsageError):
            self._give_back(batch)
            raise
        now = self._time.now()
        with self._store.writing() as connection:
            batches.submitted(connection, batch, made.invalidation_id, now=now)
            self._keep_lease(connection, now)
        self.tally.sent_batches += 1
        self.tally.resent_batches += batch.id not in self._made
        self.tally.sent += len(batch.items)
        if self._on_sent is not None:
            self._on_sent(len(batch.items))
        next_look = now + self._look_seconds
        self._look_at = min(self._look_at, next_look) if self._look_at > now else next_look
        return self._did()

    async def _asked_for(self, batch: Batch) -> Invalidation:
        """The call; where its answer does not tell whether it was accepted, the batch keeps its reference."""
        try:
            return await self._control.create_invalidation(self.distribution, batch.items, batch.reference)
        except PerfctlError as error:
            if not isinstance(error, _REFUSALS) or was_repeated(error):
                self._doubtful.add(batch.id)
            raise

    def _give_back(self, batch: Batch) -> None:
        """Into the queue again with a batch that was certainly not accepted; any other keeps its reference."""
        if batch.id in self._made and batch.id not in self._doubtful:
            with self._store.writing() as connection:
                self._keep_lease(connection, self._time.now())
                batches.dissolve(connection, batch)

    async def _refused_for_room(self, batch: Batch, error: TooManyInProgressError) -> Step:
        """Others use what was left to them, and more: count them, and wait for the next completion."""
        self._give_back(batch)
        self.tally.refused_for_room += 1
        with self._store.reading() as connection:
            flying = batches.sent(connection, self.distribution)
        now = self._time.now()
        await self._look(flying, now)
        is_seen = bool(flying or self._traffic.has_others)
        self._blocked_until = now + (_BLOCKED_SECONDS if is_seen else LOOK_SECONDS)
        self._look_at = now + (_LOOK_FOR_ROOM_SECONDS if is_seen else LOOK_SECONDS)
        return Step("no room", self._look_at)

    def _refused_for_its_items(self, batch: Batch, error: AwsCallError) -> Step:
        """Halve it until the item is found that is refused: the others go."""
        now = self._time.now()
        with self._store.writing() as connection:
            self._keep_lease(connection, now)
            if len(batch.items) > 1:
                self._made |= batches.split(connection, batch, now=now)
            else:
                self.tally.failed += batches.failed(connection, batch, error.message, now=now)
        return self._did()

    async def _look(self, flying: list[Flying], now: float) -> Step:
        """See what has completed, and what others have in progress."""
        seen = await self._traffic.look(flying)
        if seen.done:
            with self._store.writing() as connection:
                self._keep_lease(connection, now)
                self.tally.completed += sum(batches.completed(connection, batch, now=now) for batch in seen.done)
        if seen.done or seen.is_less:
            self._blocked_until = 0.0
        self._look_at = now + (_LOOK_FOR_ROOM_SECONDS if now < self._blocked_until else self._look_seconds)
        return self._did()

    def _pending(self, connection: sqlite3.Connection, now: float) -> Pending | None:
        window = self._limits.window_seconds
        return batches.pending(connection, self.distribution, now=now, window_seconds=window)

    def _room(self, connection: sqlite3.Connection) -> Load:
        return room(self._limits, batches.load(connection, self.distribution), self._traffic.of_others)

    def _widen(self, connection: sqlite3.Connection, pending: Load) -> None:
        """Where more is queued than may be in progress at once: folders instead of what is under them."""
        part = room(self._limits, Load(), self._traffic.of_others)
        if pending.paths <= part.paths and pending.wildcards <= part.wildcards:
            return
        waiting = batches.pending_items(connection, self.distribution)
        folders = folders_instead(waiting, part)
        entries = [Entry(folder, self._time.now(), asked=0) for folder in folders]
        self.tally.widened += place(connection, self.distribution, entries).absorbed

    def _keep_lease(self, connection: sqlite3.Connection, now: float) -> None:
        seconds = self._limits.lease_seconds
        held = leases.take(connection, self.distribution, self._holder, now=now, seconds=seconds)
        if held is not None:
            raise LockedError(
                f"process {held['pid']} on {held['host']} sends the queue of {self.distribution}",
                hint="perfctl cdn queue status shows how far it is; its lease passes on when it ends",
            )
        self._beat_at = now + seconds / 4

    def _did(self) -> Step:
        """Something was done: what was wrong before is over."""
        self.is_answered = True
        self._failures, self._not_before = 0, 0.0
        if self.tally.error is not None:
            self.tally.error = None
            self._note(None)
        return Step("did")

    def _failed(self, error: PerfctlError) -> Step:
        """Remember it, and pause: with full jitter and ever longer where it may pass by itself."""
        is_new = self.tally.error is None or self.tally.error.message != error.message
        self.is_answered |= not isinstance(error, UnreachableError)
        self.tally.error = error
        self._failures += 1
        if is_new:
            self._note(error.message)
        longest = min(LONGEST_PAUSE_SECONDS, 2.0**self._failures)
        pause = self._time.jitter() * longest if _may_pass(error) else _REST_SECONDS
        self._not_before = self._time.now() + pause
        return Step("failing", self._not_before)

    def _note(self, message: str | None) -> None:
        with self._store.writing() as connection:
            leases.note_error(connection, self.distribution, message)


def _may_pass(error: PerfctlError | None) -> bool:
    """Whether the same call may succeed later."""
    return isinstance(error, (ThrottledError, UnavailableError, UnreachableError))
