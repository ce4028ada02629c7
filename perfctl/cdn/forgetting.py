"""Having the edge forget: at once, or by the queue; what is under way, and what it cost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from perfctl.cdn.clock import WAIT_SECONDS
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.model.invalidations import (
    EdgeProof,
    Invalidation,
    InvalidationReport,
    Invalidations,
    SentInvalidation,
    Waiting,
)
from perfctl.cdn.warming import Warming
from perfctl.errors import PerfctlError, UsageError
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.cdn.invalidating.choosing import Choosing, Chosen
    from perfctl.cdn.invalidating.sending import Sender
    from perfctl.cdn.model.queue import Queued
    from perfctl.cdn.model.spending import InvalidationSpending
    from perfctl.cdn.paths import Asked, Items
    from perfctl.cdn.queue.queue import InvalidationQueue

Tell = Callable[[Waiting], None]

FREE_ITEMS_SECONDS = 5.0
"""How long to count the month's items for."""


class Forgetting(Warming):
    """The part of the engine that invalidates."""

    def plan_invalidation(self, paths: Iterable[Asked | str], *, tags: Iterable[str] = ()) -> Items:
        """What would be sent for these paths and tags, without any call. UsageError names what cannot be sent."""
        from perfctl.cdn.paths import plan

        return plan((paths,) if isinstance(paths, str) else paths, tags)

    async def invalidate_content(
        self,
        paths: Iterable[Asked | str],
        *,
        tags: Iterable[str] = (),
        wait: bool = False,
        wait_timeout_seconds: float = WAIT_SECONDS,
        distributions: Sequence[str] = (),
        verify: Sequence[str] = (),
        preload: bool = False,
        choosing: Choosing | None = None,
        dry_run: bool = False,
        tell: Tell | None = None,
    ) -> InvalidationReport:
        """Have the edge forget paths and tags, at the configured distribution or at others (by ID or alias).

        Returns when CloudFront has accepted it, with `wait` when it has completed. `verify` looks at URLs before and
        after, `preload` warms what was purged again; both wait. TimedOutError when that takes longer than
        `wait_timeout_seconds`: it goes on all the same. `choosing` says which items cover what was asked: by default
        those that were asked for, and no more. Nothing to forget is nothing to do: no call is made.
        """
        given = [paths] if isinstance(paths, str) else list(paths)
        tags = list(tags)
        self.plan_invalidation(given, tags=tags)
        targets = await self.distribution_ids(distributions)
        chosen = self.choose_invalidation(given, tags=tags, choosing=choosing, distributions=len(targets))
        return await self.send_invalidation(
            chosen,
            targets,
            wait=wait,
            wait_timeout_seconds=wait_timeout_seconds,
            verify=verify,
            preload=preload,
            dry_run=dry_run,
            tell=tell,
        )

    def choose_invalidation(
        self,
        paths: Iterable[Asked | str],
        *,
        tags: Iterable[str] = (),
        choosing: Choosing | None = None,
        distributions: int = 1,
    ) -> Chosen:
        """What would be sent to so many distributions, without any call."""
        from perfctl.cdn.invalidating.choosing import choose

        return choose(paths, tags, choosing or self.choosing(), distributions=distributions)

    async def send_invalidation(
        self,
        chosen: Chosen,
        targets: Sequence[str],
        *,
        wait: bool = False,
        wait_timeout_seconds: float = WAIT_SECONDS,
        verify: Sequence[str] = (),
        preload: bool = False,
        dry_run: bool = False,
        free_left: int | None = None,
        tell: Tell | None = None,
    ) -> InvalidationReport:
        """Send what was chosen to distributions by their IDs; as `invalidate_content` does."""
        from perfctl.cdn.invalidating.report import planned, report_of
        from perfctl.cdn.invalidating.sending import Sender

        items, price = chosen.items, self.config.invalidation_price_usd
        if dry_run or not items.all:
            sent = planned(targets, items)
            return report_of(chosen, sent, dry_run=dry_run, item_price_usd=price, free_left=free_left)
        if items.tags:
            await self._distributions.check_tags(targets)
        before = [await self.probe(url, distribution=targets[0]) for url in verify]
        sender = Sender(await self.control(), time=self._time, tell=tell)
        started = self._time.now()
        until = started + wait_timeout_seconds
        wait = wait or bool(verify) or preload
        sent = await self._send(sender, targets, items, wait=wait, until=until)
        self._invalidations_recorded.sent(sum(row.items for row in sent if row.error is None))
        if wait:
            sent = await _awaited(sender, sent, until)
            self._invalidations_recorded.completed(sent)
        waited = self._time.now() - started
        proofs = [
            await self._prove(answer, url, targets[0], started) for url, answer in zip(verify, before, strict=True)
        ]
        warmed = await self.preload_content(chosen.warms, distribution=targets[0]) if preload else None
        return report_of(
            chosen,
            sent,
            waited_seconds=waited if wait else 0.0,
            verified=proofs,
            item_price_usd=price,
            free_left=free_left,
            preloaded=warmed,
        )

    async def queue_invalidation(
        self,
        chosen: Chosen,
        targets: Sequence[str],
        *,
        within_seconds: float | None = None,
        free_left: int | None = None,
    ) -> InvalidationReport:
        """Put what was chosen into the queue of distributions by their IDs, instead of sending it."""
        from perfctl.cdn.invalidating.report import as_queued, report_of
        from perfctl.cdn.queue.enqueuing import enqueue

        queued = await enqueue(self.queue, self._distributions, targets, chosen.items, within_seconds)
        price = self.config.invalidation_price_usd
        return report_of(chosen, as_queued(queued), queued=queued, item_price_usd=price, free_left=free_left)

    def choosing(self, **options: Any) -> Choosing:
        """How items are chosen, at the configured prices and limits."""
        from perfctl.cdn.invalidating.choosing import Choosing
        from perfctl.cdn.planning.prices import Prices

        prices = Prices(self.config.invalidation_price_usd, self.config.miss_price_usd)
        return Choosing(prices=prices, max_wildcards=self.config.max_wildcards, **options)

    async def learns_tags(self, targets: Sequence[str]) -> bool:
        """Whether every one of the distributions learns cache tags."""
        try:
            await self._distributions.check_tags(targets)
        except UsageError:
            return False
        return True

    async def free_items_left(self) -> int | None:
        """How many of the month's free items are left; None where CloudFront does not say so in a few seconds, or where
        we may not see all of the account's distributions."""
        try:
            async with asyncio.timeout(FREE_ITEMS_SECONDS):
                spent = await self.invalidation_spending(with_items=True)
        except (PerfctlError, TimeoutError):
            return None
        if not spent.is_whole_account:
            return None
        return spent.months[0].free_left if spent.months else self.config.free_invalidations

    async def invalidation_status(
        self,
        invalidation_id: str | None = None,
        *,
        wait: bool = False,
        wait_timeout_seconds: float = WAIT_SECONDS,
        distribution: str | None = None,
        tell: Tell | None = None,
    ) -> Invalidations:
        """One invalidation, or all that are in progress; with `wait` when they have completed."""
        from perfctl.cdn.invalidating.report import as_sent
        from perfctl.cdn.invalidating.sending import Sender

        if invalidation_id == "":
            raise UsageError("the invalidation's ID is empty", hint="leave it out for those in progress")
        target = (await self.distribution_ids((distribution,) if distribution else ()))[0]
        sender = Sender(await self.control(), time=self._time, tell=tell)
        rows = await self._invalidations(sender, target, invalidation_id)
        if not wait or all(row.status == "Completed" for row in rows):
            return Invalidations(target, rows)
        started = self._time.now()
        waited = await sender.wait([as_sent(row) for row in rows], until=started + wait_timeout_seconds)
        done = tuple(replace(row, status=after.status) for row, after in zip(rows, waited, strict=True))
        return Invalidations(target, done, round(self._time.now() - started, 3))

    @property
    def queue(self) -> InvalidationQueue:
        """The queue of invalidations of this host and context, in its file."""
        if self._queue is None:
            from perfctl.cdn.queue.opening import queue_of

            self._queue = queue_of(self.config, self.control, context=self.context, clock=self._clock)
            self._queue.on_sent = self._invalidations_recorded.sent
        return self._queue

    async def enqueue_content(
        self,
        paths: Iterable[Asked | str],
        *,
        tags: Iterable[str] = (),
        distributions: Sequence[str] = (),
        within_seconds: float | None = None,
    ) -> tuple[Queued, ...]:
        """Put paths and tags into the queue, on the disk when this returns; `queue.run` sends them.

        `within_seconds` is how soon they want to be sent. Only an alias or a tag needs CloudFront to be asked, and a
        tag does without its answer.
        """
        from perfctl.cdn.queue.enqueuing import enqueue

        items = self.plan_invalidation(paths, tags=tags)
        targets = await self.distribution_ids(distributions)
        return await enqueue(self.queue, self._distributions, targets, items, within_seconds)

    async def invalidation_spending(
        self,
        *,
        since: datetime | None = None,
        with_items: bool = False,
        distributions: Sequence[str] = (),
        tell: Callable[[int, int], None] | None = None,
    ) -> InvalidationSpending:
        """The invalidations of all distributions since a moment, by default since the month began.

        `with_items` asks each for what it held, and so what they cost. Who may not list the account's distributions
        is told of the configured one.
        """
        from perfctl.cdn.queue.spending import spent

        named = await self.distribution_ids(distributions) if distributions else ()
        return await spent(self, named, since=since, with_items=with_items, tell=tell)

    async def _send(
        self, sender: Sender, targets: Sequence[str], items: Items, *, wait: bool, until: float
    ) -> list[SentInvalidation]:
        """To each distribution. An error is raised while nothing was sent, and afterwards is in the list."""
        run_id = uuid.uuid4().hex
        sent: list[SentInvalidation] = []
        for target in targets:
            try:
                sent += await sender.send(target, items, run_id=run_id, wait=wait, wait_until=until)
            except PerfctlError as error:
                if not sent:
                    raise
                sent.append(
                    SentInvalidation(target, None, "failed", len(items.all), len(items.wildcards), error=error.message)
                )
        return sent

    async def _prove(self, before: EdgeAnswer, url: str, distribution: str, sent_at: float) -> EdgeProof:
        """Look again, a few times if need be: fresh is what was fetched after the invalidation was sent."""
        from perfctl.cdn.invalidating.report import is_fresh

        for pause in (1.0, 1.0, 2.0, 3.0, None):
            try:
                after = await self.probe(url, distribution=distribution)
            except PerfctlError as error:
                return EdgeProof(before.url, before.cache, error.kind, False, before.age_seconds)
            fresh = is_fresh(after, self._time.now() - sent_at)
            if fresh or pause is None:
                break
            await self._time.sleep(pause)
        return EdgeProof(after.url, before.cache, after.cache, fresh, before.age_seconds, after.age_seconds)

    async def _invalidations(self, sender: Sender, target: str, one: str | None) -> tuple[Invalidation, ...]:
        control = await self.control()
        if one is not None:
            return (await sender.retried(lambda: control.invalidation(target, one)),)
        recent = await sender.retried(lambda: control.recent_invalidations(target))
        running = [row.invalidation_id for row in recent if row.status == "InProgress"]
        return tuple(await asyncio.gather(*(control.invalidation(target, row) for row in running)))


async def _awaited(sender: Sender, sent: Sequence[SentInvalidation], until: float) -> list[SentInvalidation]:
    """What was sent, when it has completed. An error names what was not sent, too: the list ends with it."""
    try:
        return await sender.wait(sent, until=until)
    except PerfctlError as error:
        for row in sent:
            if row.error:
                error.message += f"; {format_counted(row.items, 'item')} not sent to {row.distribution_id}: {row.error}"
        raise
