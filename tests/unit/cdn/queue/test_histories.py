"""Whatever is added, sent, completed, refused, cancelled and cut off: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from perfctl.aws import ThrottledError, UnavailableError
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.paths import Items, is_wildcard, plan
from perfctl.cdn.queue.cancelling import Chosen
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.errors import PerfctlError, TimedOutError, UnreachableError
from tests.campaign import campaign

SITE = Distribution("E1SITE", "d1.cloudfront.net", (), "Deployed", True, tag_header="Cache-Tag")
ITEMS = [*(f"/{folder}/{name}" for folder in "abc" for name in ("1", "2", "x*", "*")), "/d", "/*"]
FAULTS = (
    None,
    ThrottledError("Rate exceeded"),
    UnavailableError("503"),
    TimedOutError("late"),
    UnreachableError("gone"),
)


class Killed(BaseException):
    """The process is gone: nothing of it runs on, and nothing that was not committed is in the file."""


@dataclass
class Recording(MemoryCloudFront):
    """CloudFront that remembers what it accepted and when."""

    accepted: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    moment: int = 0
    """Counts what happens, for the clock may stand still."""

    async def create_invalidation(
        self, distribution_id: str, items: Sequence[str], caller_reference: str
    ) -> Invalidation:
        before = self.items_paid
        try:
            return await super().create_invalidation(distribution_id, items, caller_reference)
        finally:
            if self.items_paid != before:
                self.moment += 1
                self.accepted[caller_reference] = (self.moment, tuple(items))


class Histories(RuleBasedStateMachine):
    """One queue against the simplest model: each item that was asked for, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.control = Recording((SITE,), completion_seconds=25.0, time=self.clock.time)
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.commits_left: int | None = None
        self.wanted: list[tuple[int, str]] = []
        self.asked: Counter[str] = Counter()
        self.widening_runs = 0
        self.queue = self._opened()

    def _opened(self) -> InvalidationQueue:
        async def plane() -> Recording:
            return self.control

        return InvalidationQueue(
            Path(self.folder.name) / "queue.sqlite",
            plane,
            self.clock.time,
            QueueLimits(max_wildcards=5),
            on_commit=self._on_commit,
        )

    def _on_commit(self) -> None:
        if self.commits_left is not None:
            self.commits_left -= 1
            if self.commits_left <= 0:
                raise Killed

    def _killable(self, kill_at: int | None, run: object) -> None:
        """Run until it ends, fails, or is cut off at a commit; who is cut off begins anew."""
        self.commits_left = kill_at
        try:
            asyncio.run(run())  # type: ignore[operator]
        except PerfctlError:
            pass
        except Killed:
            self.commits_left = None
            self.queue.close()
            self.clock.seconds += 200  # its lease runs out: in one process nobody is seen to be gone
            self.queue = self._opened()
        finally:
            self.commits_left = None

    @rule(
        items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6), tags=st.lists(st.sampled_from("tu"), max_size=1)
    )
    def add(self, items: list[str], tags: list[str]) -> None:
        asked: Items = plan(items, tags)
        self.queue.add(SITE.id, asked)
        self.control.moment += 1
        self.asked.update(asked.all)
        self.wanted += [(self.control.moment, item) for item in asked.all]

    @rule(
        seconds=st.floats(0, 40),
        faults=st.lists(st.sampled_from(FAULTS), max_size=6),
        is_accepted_first=st.booleans(),
        kill_at=st.one_of(st.none(), st.integers(1, 8)),
        widens=st.booleans(),
    )
    def run_once(
        self, seconds: float, faults: list[Exception | None], is_accepted_first: bool, kill_at: int | None, widens: bool
    ) -> None:
        self.clock.seconds += seconds
        self.widening_runs += widens
        self.control.faults = deque(faults)
        self.control.is_accepted_first = is_accepted_first
        self._killable(kill_at, lambda: self.queue.run(widens=widens))
        self.control.faults.clear()

    @rule(number=st.integers(1, 10))
    def others_send(self, number: int) -> None:
        self.control.faults.clear()
        try:
            items = [f"/others/{self.control.moment}/{index}*" for index in range(number)]
            asyncio.run(MemoryCloudFront.create_invalidation(self.control, SITE.id, items, f"o{self.control.moment}"))
        except PerfctlError:
            pass

    @rule(item=st.sampled_from(ITEMS))
    def cancel(self, item: str) -> None:
        """What is cancelled is wanted no more, as far as it was not sent; what went with it is."""
        rows = [row for row in self.queue.cancellable(Chosen(everything=True)).items if row.item == item]
        self.queue.cancel(Chosen(ids=tuple(row.id for row in rows)))
        if rows:
            self.wanted = [(moment, name) for moment, name in self.wanted if name != item]

    def may_widen(self, item: str) -> int:
        """How often a folder may have gone for the sake of what lies in it."""
        return self.widening_runs if item.endswith("/*") else 0

    def teardown(self) -> None:
        self.control.faults.clear()
        asyncio.run(self.queue.drain(timeout_seconds=100_000))
        mine = {
            reference: sent for reference, sent in self.control.accepted.items() if reference.startswith("perfctl-")
        }
        lost = [one for one in self.wanted if not any(_covers(sent, one) for sent in mine.values())]
        status = self.queue.status()
        self.queue.close()
        self.folder.cleanup()
        assert lost == []
        assert (status.pending, status.in_flight, status.failed) == (0, 0, 0)
        sent = Counter(item for _, items in mine.values() for item in items)
        assert not {item: number for item, number in sent.items() if number > self.asked[item] + self.may_widen(item)}


def _covers(sent: tuple[int, tuple[str, ...]], wanted: tuple[int, str]) -> bool:
    """Whether a batch was accepted after the item was asked for, and holds it or a wildcard above it."""
    moment, items = sent
    after, item = wanted
    above = (name for name in items if is_wildcard(name) and item.startswith(name[:-1]))
    return moment > after and (item in items or any(above))


TestHistories = Histories.TestCase
TestHistories.settings = campaign(60, 3000, steps=25)
