"""InvalidationQueue: what is asked for is kept on disk until it was sent, once and within the limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.model.queue import QueueCancelled, Queued, QueuedItem, QueueRun, QueueStatus
from perfctl.cdn.paths import Items
from perfctl.cdn.queue import cancelling, status
from perfctl.cdn.queue.adding import Entry, place
from perfctl.cdn.queue.cancelling import Chosen
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.running import Runner, Tell, Warn
from perfctl.cdn.queue.store import Store


class InvalidationQueue:
    """The queue in one file of this host, shared by every process that opens it.

    `time` runs in seconds since 1970. The control plane is asked for when something is sent, and not before.
    """

    def __init__(
        self,
        path: Path,
        control: Callable[[], Awaitable[ControlPlane]],
        time: Time,
        limits: QueueLimits,
        *,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        self.limits = limits
        self._store = Store(path, on_commit=on_commit)
        self._control = control
        self.time = time
        self.on_sent: Callable[[int], None] | None = None
        """What is told of the paths and tags of each batch that is accepted."""

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        return self._store.path

    @property
    def store(self) -> Store:
        """The file as it is opened here."""
        return self._store

    def add(
        self, distribution_id: str, items: Items, *, within_seconds: float | None = None, priority: int = 0
    ) -> Queued:
        """Keep the items until they are sent; they are on the disk when this returns.

        What is queued already, or lies under a queued wildcard, is sent once. `within_seconds` is how soon
        they want to be sent; a higher `priority` goes first.
        """
        now = self.time.now()
        with self._store.writing() as connection:
            deadline = None if within_seconds is None else now + within_seconds
            entries = [Entry(item, now, deadline, priority) for item in items.all]
            placed = place(connection, distribution_id, entries)
            pending = status.number_of(connection, distribution_id, "state = 'queued'")
        return Queued(
            distribution_id=distribution_id,
            queued=tuple(placed.queued),
            repeated=tuple(placed.repeated),
            covered=tuple(placed.covered),
            absorbed=placed.absorbed,
            pending=pending,
        )

    async def run(
        self,
        *,
        distributions: Sequence[str] = (),
        for_seconds: float | None = None,
        every_seconds: float = 1.0,
        widens: bool = False,
        tell: Tell | None = None,
    ) -> QueueRun:
        """One pass: send what is due, as far as there is room, and note what has completed.

        With `for_seconds` it goes on that long, looking into the file every so often. `widens` allows to forget whole
        folders where more is queued than may be in progress at once. LockedError where another process sends.
        """
        runner = self._runner(distributions, widens, tell)
        if for_seconds is None:
            return await runner.pass_once()
        return await runner.stay(for_seconds, every_seconds=every_seconds)

    async def drain(
        self,
        *,
        distributions: Sequence[str] = (),
        timeout_seconds: float = 900.0,
        widens: bool = False,
        tell: Tell | None = None,
        warn: Warn | None = None,
    ) -> QueueRun:
        """Send until nothing is queued and all has completed. TimedOutError when that takes longer.

        UnreachableError where no server answers at all; `warn` is given what is tried again.
        """
        return await self._runner(distributions, widens, tell, warn).drain(timeout_seconds)

    def status(self) -> QueueStatus:
        """What waits, what is in progress, what failed and who sends. Asks no server, and makes no file."""
        window = self.limits.window_seconds
        if not self._store.is_there:
            return QueueStatus(str(self.path), (), 0, 0, 0, window, (), ())
        with self._store.reading() as connection:
            return status.status_of(connection, str(self.path), now=self.time.now(), window_seconds=window)

    def cancellable(self, chosen: Chosen) -> QueueCancelled:
        """What `cancel` would take out."""
        if not self._store.is_there:
            return QueueCancelled(str(self.path), (), 0, 0, len(chosen.ids), dry_run=True)
        now = self.time.now()
        with self._store.reading() as connection:
            rows = cancelling.choose(connection, chosen)
        return self._cancelled(chosen, [status.queued_item(row, now) for row in rows], 0, dry_run=True)

    def cancel(self, chosen: Chosen) -> QueueCancelled:
        """Take out what is still queued. What only went with a cancelled wildcard is queued by itself again."""
        if not self._store.is_there:
            return replace(self.cancellable(chosen), dry_run=False)
        now = self.time.now()
        with self._store.writing() as connection:
            rows = cancelling.choose(connection, chosen)
            restored = cancelling.cancel(connection, rows, now=now)
        items = [replace(status.queued_item(row, now), state="cancelled") for row in rows]
        return self._cancelled(chosen, items, restored, dry_run=False)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _runner(
        self, distributions: Sequence[str], widens: bool, tell: Tell | None, warn: Warn | None = None
    ) -> Runner:
        return Runner(
            self._store,
            self._control,
            time=self.time,
            limits=self.limits,
            wanted=distributions,
            widens=widens,
            tell=tell,
            warn=warn,
            on_sent=self.on_sent,
        )

    def _cancelled(
        self, chosen: Chosen, items: Sequence[QueuedItem], restored: int, *, dry_run: bool
    ) -> QueueCancelled:
        found = {item.id for item in items}
        missing = len(set(chosen.ids) - found)
        return QueueCancelled(str(self.path), tuple(items), len(items), restored, missing, dry_run)
