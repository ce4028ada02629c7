"""A day of editors in virtual time: the queue against CloudFront's limits, with tags and with wildcards.

The events come as editors make them: bursts of publishing a few pages, in sections of a site, more by day than by
night. Each event invalidates five items: with tags those of the page and of what lists it, without tags a wildcard for
the page, its images, its API, its section and its listing. CloudFront completes a batch 25 s after it was accepted and
refuses what is over 3,000 paths and 15 wildcards. The queue runs as a service does, looking into its file each second.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfctl.aws import ThrottledError, UnavailableError
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import TooManyInProgressError
from perfctl.cdn.memory import MemoryCloudFront
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.paths import Items, plan
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.errors import TimedOutError
from tests.bench.measure import Figure

DAY_SECONDS = 86_400.0
EVENTS = 17_000
COMPLETION_SECONDS = 25.0
SITE = Distribution("E1SITE", "d1.cloudfront.net", (), "Deployed", True, tag_header="Cache-Tag")
_SECTIONS = ("news", "sport", "shop", "travel", "food", "culture", "tech", "money", "health")
_PAGES = 400
_START = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Event:
    """A page was saved."""

    at: float
    section: str
    page: int


def day(seed: int, events: int = EVENTS) -> list[Event]:
    """Bursts of editors: each publishes what was changed on a page or a few, twice a second."""
    dice = random.Random(seed)
    made: list[Event] = []
    while len(made) < events:
        start = DAY_SECONDS * min(0.999, max(0.0, dice.gauss(0.55, 0.18)))
        section = dice.choice(_SECTIONS)
        pages = [min(_PAGES - 1, int(dice.paretovariate(0.7))) for _ in range(dice.randint(1, 4))]
        at = start
        for _ in range(dice.randint(3, 60)):
            made.append(Event(_START + at, section, dice.choice(pages)))
            at += dice.expovariate(2.0)
            if at >= DAY_SECONDS:
                break
    return sorted(made[:events], key=lambda event: event.at)


def by_tags(event: Event) -> Items:
    """The page, its author's and its section's lists, the front page, a feed."""
    name = f"{event.section}-{event.page}"
    return plan((), (f"page-{name}", f"images-{name}", f"related-{name}", f"list-{event.section}", "front"))


def by_wildcards(event: Event) -> Items:
    """The same without tags."""
    folder, page = event.section, event.page
    return plan(
        (
            f"/{folder}/{page}*",
            f"/img/{folder}/{page}/*",
            f"/api/{folder}/{page}*",
            f"/list/{folder}/*",
            f"/feeds/{folder}/*",
        )
    )


@dataclass(slots=True)
class Calendar:
    """A clock at which the events happen while the queue sleeps: as if other processes had queued them."""

    events: Sequence[Event]
    items_of: object
    queue: InvalidationQueue | None = None
    seconds: float = _START
    added: list[tuple[float, str]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    _next: int = 0

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self._next < len(self.events) and self.events[self._next].at <= until:
            event = self.events[self._next]
            self._next += 1
            self.seconds = max(self.seconds, event.at)
            self._add(event)
        self.seconds = until

    def _add(self, event: Event) -> None:
        items: Items = self.items_of(event)  # type: ignore[operator]
        assert self.queue is not None
        self.queue.add(SITE.id, items)
        self.added += [(self.seconds, item) for item in items.all]

    @property
    def time(self) -> Time:
        return Time(now=lambda: self.seconds, sleep=self.sleep, jitter=self.dice.random)


@dataclass
class Counting(MemoryCloudFront):
    """CloudFront that remembers when each item was accepted, and how often it refused for room."""

    accepted: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    """By reference."""
    refused: int = 0
    dice: random.Random | None = None
    """Half of all calls are throttled then, a fifth fail, a tenth are late, before or after they took effect."""

    async def create_invalidation(
        self, distribution_id: str, items: Sequence[str], caller_reference: str
    ) -> Invalidation:
        before = self.items_paid
        self.is_accepted_first = self.dice is not None and self.dice.random() < 0.5
        try:
            return await super().create_invalidation(distribution_id, items, caller_reference)
        except TooManyInProgressError:
            self.refused += 1
            raise
        finally:
            if self.items_paid != before:
                self.accepted[caller_reference] = (self.time.now(), tuple(items))

    def _strike(self) -> None:
        if self.dice is None:
            return
        if self.dice.random() < 0.5:
            raise ThrottledError("Rate exceeded")
        if self.dice.random() < 0.2:
            raise UnavailableError("503")
        if self.dice.random() < 0.1:
            raise TimedOutError("late")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the day."""

    lost: int
    refused: int
    waits: list[float]
    paid: int
    batches: int
    asked: int
    sent: int
    """Items that the queue counts as sent: each of a distinct batch."""
    cpu_seconds: float

    def wait(self, quantile: float) -> float:
        """Seconds from an item's being queued to its acceptance."""
        return self.waits[min(len(self.waits) - 1, math.ceil(quantile * len(self.waits)) - 1)]


def live(
    events: Sequence[Event],
    items_of: object,
    *,
    window_seconds: float = 2.0,
    widens: bool = False,
    troubles: bool = False,
) -> Outcome:
    """The whole day through one queue."""
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder) as place:
        calendar = Calendar(events, items_of)
        control = Counting((SITE,), completion_seconds=COMPLETION_SECONDS, time=calendar.time)

        control.dice = random.Random(3) if troubles else None

        async def plane() -> MemoryCloudFront:
            return control

        queue = InvalidationQueue(
            Path(place) / "queue.sqlite", plane, calendar.time, QueueLimits(window_seconds=window_seconds)
        )
        calendar.queue = queue
        started = time.process_time()
        first = asyncio.run(queue.run(for_seconds=DAY_SECONDS + 120, every_seconds=1.0, widens=widens))
        rest = asyncio.run(queue.drain(widens=widens, timeout_seconds=DAY_SECONDS))
        cpu = time.process_time() - started
        queue.close()
    waits = sorted(_waits(calendar.added, control.accepted))
    return Outcome(
        lost=sum(math.isinf(wait) for wait in waits),
        refused=control.refused,
        waits=waits,
        paid=control.items_paid,
        batches=len(control.accepted),
        asked=len(calendar.added),
        sent=first.sent + rest.sent,
        cpu_seconds=cpu,
    )


def _waits(added: Sequence[tuple[float, str]], accepted: dict[str, tuple[float, tuple[str, ...]]]) -> list[float]:
    """From each adding to the first batch after it that holds the item, or a wildcard above it; infinite for none."""
    sent: dict[str, list[float]] = {}
    for at, items in accepted.values():
        for item in items:
            sent.setdefault(item, []).append(at)
    waits = []
    for at, item in added:
        moments = (moment for name in _above(item) for moment in sent.get(name, ()) if moment >= at)
        waits.append(min(moments, default=math.inf) - at)
    return waits


def _above(item: str) -> list[str]:
    """The item and every wildcard that covers it."""
    if item.startswith("#"):
        return [item]
    body = item.removesuffix("*")
    return [item, *(body[:end] + "*" for end in range(1, len(body) + 1))]


def run() -> list[Figure]:
    """The day with tags, and with wildcards where folders may be forgotten."""
    events = day(1)
    tags = live(events, by_tags)
    wide = live(events, by_wildcards, widens=True)
    return [
        *_figures("tags", tags, most_wait=3.0),
        *_figures("wildcards, widened", wide, most_wait=31.0),
        *_faulty(live(events[: EVENTS // 4], by_tags, troubles=True)),
    ]


def _faulty(day: Outcome) -> list[Figure]:
    """Half of the calls throttled, a fifth failing, a tenth late; before the service accepted or after."""
    name = "tags, 50 % throttled, 20 % failing"
    twice = day.paid - day.sent
    return [
        Figure(f"{name}: lost", day.lost, "items", 0),
        Figure(f"{name}: paid twice", twice, "items", 0, f"{day.paid:,} paid in {day.batches:,} batches"),
        Figure(f"{name}: refused for a limit", day.refused, "calls", 0),
        Figure(f"{name}: wait p99", day.wait(0.99), "s"),
    ]


def _figures(name: str, day: Outcome, *, most_wait: float) -> list[Figure]:
    saved = f"{day.asked:,} asked, {day.paid:,} paid in {day.batches:,} batches"
    return [
        Figure(f"{name}: lost", day.lost, "items", 0, saved),
        Figure(f"{name}: refused for a limit", day.refused, "calls", 0),
        Figure(f"{name}: wait p50", day.wait(0.5), "s"),
        Figure(f"{name}: wait p99", day.wait(0.99), "s", most_wait),
        Figure(f"{name}: longest wait", day.wait(1.0), "s"),
        Figure(f"{name}: paid of what was asked", day.paid / day.asked, "", 1.0),
        Figure(f"{name}: the day's CPU", day.cpu_seconds, "s"),
    ]
