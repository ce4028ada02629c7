"""Letting the senders of all distributions work: one pass, for a while, or until nothing is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.model.queue import QueueHolder, QueueProgress, QueueRun
from perfctl.cdn.queue import leases, turns
from perfctl.cdn.queue.leases import Holder
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.pruning import prune
from perfctl.cdn.queue.sender import LOOK_SECONDS, DistributionSender, Step
from perfctl.cdn.queue.status import busy
from perfctl.cdn.queue.store import Store
from perfctl.errors import LockedError

Tell = Callable[[QueueProgress], None]
Warn = Callable[[str], None]

PATIENCE_SECONDS = 5.0
"""A pass waits so long for windows to end, so that what was queued a moment ago goes, too."""
SHORTEST_PAUSE_SECONDS = 0.001
UNREACHED_SECONDS = 30.0
"""A drain gives up where no server has answered at all for so long since it began."""
_DRAIN_EVERY_SECONDS = 1.0
_PRUNE_EVERY_SECONDS = 3600.0


class Runner:
    """One run of the queue. Whatever ends it, the leases are given back."""

    def __init__(
        self,
        store: Store,
        control: Callable[[], Awaitable[ControlPlane]],
        *,
        time: Time,
        limits: QueueLimits,
        wanted: Sequence[str] = (),
        widens: bool = False,
        tell: Tell | None = None,
        warn: Warn | None = None,
        on_sent: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._control = control
        self._time = time
        self._limits = limits
        self._wanted = tuple(wanted)
        self._widens = widens
        self._tell = tell
        self._warn = warn
        self._on_sent = on_sent
        self._look_seconds = LOOK_SECONDS
        self._holder = Holder()
        self._senders: dict[str, DistributionSender] = {}
        self._steps: dict[str, Step] = {}
        self._held: dict[str, QueueHolder] = {}
        self._started = time.now()
        self._prune_at = 0.0

    async def pass_once(self) -> QueueRun:
        """Send what is due as far as there is room, and note what has completed.

        LockedError where other processes send for every distribution that has anything to send; where every
        distribution met an error and nothing was sent, that error.
        """
        try:
            while True:
                await self._round()
                now = self._time.now()
                waits = [wait for name in self._senders if (wait := self._worth_waiting(name, now)) is not None]
                if not waits:
                    break
                await self._sleep(max(0.0, min(waits) - now))
        finally:
            self._end()
        if self._held and not self._senders:
            name, holder = next(iter(self._held.items()))
            raise LockedError(
                f"process {holder.pid} on {holder.host} sends the queue of {name}",
                hint="perfctl cdn queue status shows how far it is; its lease passes on when it ends",
            )
        self._raise_where_all_failed()
        return self._result()

    async def stay(self, seconds: float, *, every_seconds: float) -> QueueRun:
        """Send for so long, looking into the file that often."""
        try:
            while True:
                await self._round()
                now, until = self._time.now(), self._started + seconds
                if now >= until:
                    return self._result()
                await self._sleep(max(0.0, min(self._again_at(now + every_seconds), until) - now))
        finally:
            self._end()

    async def drain(self, timeout_seconds: float) -> QueueRun:
        """Send until nothing is queued and nothing in progress, whoever sends it.

        TimedOutError when that takes longer, or the error of a distribution that will not take what is left; that of
        the network where nothing answered for UNREACHED_SECONDS since the start.
        """
        self._look_seconds = _DRAIN_EVERY_SECONDS
        try:
            while True:
                await self._round()
                now, until = self._time.now(), self._started + timeout_seconds
                left = self._left()
                if not left.pending + left.in_flight:
                    return self._result()
                self._raise_where_stuck()
                self._raise_where_unreached(now)
                if now >= until:
                    raise turns.overdue(left, self._senders.values(), now - self._started)
                await self._sleep(max(0.0, min(self._again_at(now + _DRAIN_EVERY_SECONDS), until) - now))
        finally:
            self._end()

    async def _round(self) -> None:
        """Let every distribution with work do what can be done now."""
        if not self._store.is_there:
            return
        with self._store.reading() as connection:
            names = [name for name in busy(connection) if not self._wanted or name in self._wanted]
        for name in names:
            sender = await self._sender(name)
            if sender is None:
                continue
            try:
                sender.keep_lease()
                step = await sender.step()
                while step.doing == "did":
                    self._say()
                    step = await sender.step()
            except LockedError:
                self._lose(name)
                continue
            self._steps[name] = step
            self._warn_of(sender)
        for name in set(self._senders) - set(names):
            self._steps[name] = Step("idle")
        self._say()
        self._prune()

    async def _sender(self, name: str) -> DistributionSender | None:
        """The sender that holds the distribution's lease; None where another process has it."""
        if name in self._senders:
            return self._senders[name]
        now = self._time.now()
        with self._store.reading() as connection:
            row = connection.execute("SELECT * FROM senders WHERE distribution = ?", (name,)).fetchone()
        holder = leases.holder_of(row, now=now)
        if holder is not None:
            self._held[name] = holder
            return None
        self._held.pop(name, None)
        sender = DistributionSender(
            name,
            self._store,
            await self._control(),
            holder=self._holder,
            time=self._time,
            limits=self._limits,
            widens=self._widens,
            look_seconds=self._look_seconds,
            on_sent=self._on_sent,
        )
        self._senders[name] = sender
        return sender

    def _lose(self, name: str) -> None:
        """Another process was quicker, or took over while we slept: leave it to that one."""
        self._senders.pop(name, None)
        self._steps.pop(name, None)

    def _worth_waiting(self, name: str, now: float) -> float | None:
        """The moment for which a single pass waits."""
        step = self._steps.get(name, Step("idle"))
        if step.again_at is None or step.doing not in ("later", "failing"):
            return None
        if step.doing == "failing":
            return None if self._senders[name].gives_up else step.again_at
        return step.again_at if step.again_at - now <= PATIENCE_SECONDS else None

    def _again_at(self, latest: float) -> float:
        """When a sender has something to do again, at the latest then."""
        return min([latest, *(step.again_at for step in self._steps.values() if step.again_at is not None)])

    def _raise_where_all_failed(self) -> None:
        tallies = [sender.tally for sender in self._senders.values()]
        errors = [tally.error for tally in tallies if tally.error is not None]
        if errors and len(errors) == len(tallies) and not self._held and not any(tally.sent for tally in tallies):
            raise errors[0]

    def _raise_where_stuck(self) -> None:
        """Where nothing moves but what will fail again, say why."""
        stuck = [sender for name, sender in self._senders.items() if self._steps[name].doing == "failing"]
        moving = len(self._held) + sum(step.doing not in ("failing", "idle") for step in self._steps.values())
        errors = [sender.tally.error for sender in stuck if sender.gives_up and not sender.may_recover]
        if errors and len(errors) == len(stuck) and not moving and errors[0] is not None:
            raise errors[0]

    def _raise_where_unreached(self, now: float) -> None:
        """Where no server ever answered in this run, say so; one that did answer may come back."""
        senders = self._senders.values()
        errors = [sender.tally.error for sender in senders if not sender.is_answered]
        if now - self._started < UNREACHED_SECONDS or self._held or len(errors) < len(senders):
            return
        if errors and errors[0] is not None:
            raise errors[0]

    def _warn_of(self, sender: DistributionSender) -> None:
        """Say at once, and of each error once (that is the caller's part), what is tried again."""
        if self._warn is not None and sender.tally.error is not None and sender.may_recover:
            self._warn(f"{sender.distribution}: {sender.tally.error.message}; trying again")

    async def _sleep(self, seconds: float) -> None:
        """Pause, in pieces that keep the leases alive; never for less than a clock of large numbers can tell.

        A clock that is set back ends the pause, and what this run may take is counted from that much earlier.
        """
        now = self._time.now()
        until = now + max(seconds, SHORTEST_PAUSE_SECONDS)
        longest = self._limits.lease_seconds / 4
        while (left := until - now) >= SHORTEST_PAUSE_SECONDS / 2:
            await self._time.sleep(min(left, longest))
            before, now = now, self._time.now()
            if now < before:
                self._started -= before - now
                until = now
            for name, sender in list(self._senders.items()):
                try:
                    sender.keep_lease()
                except LockedError:
                    self._lose(name)

    def _left(self) -> QueueProgress:
        return turns.left_of(self._store, self._wanted, self._senders.values(), now=self._time.now())

    def _say(self) -> None:
        if self._tell is not None:
            self._tell(self._left())

    def _result(self) -> QueueRun:
        return turns.run_of(
            self._store, self._senders, self._steps, self._held, started=self._started, now=self._time.now()
        )

    def _prune(self) -> None:
        now = self._time.now()
        if now >= self._prune_at and self._senders:
            self._prune_at = now + _PRUNE_EVERY_SECONDS
            with self._store.writing() as connection:
                prune(connection, now=now)

    def _end(self) -> None:
        if self._senders:
            with self._store.writing() as connection:
                leases.give_back(connection, self._holder)
