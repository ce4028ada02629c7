"""CloudFrontOptimizer: what the edge serves - forget it, warm it, look at it - and content made ready for it."""

from __future__ import annotations

import asyncio
import time as clocks
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from perfctl.aws import AwsAccess
from perfctl.cdn.cloudfront import CloudFront, ControlPlane
from perfctl.cdn.distributions import Distributions
from perfctl.cdn.invalidating.choosing import Choosing, Chosen, choose
from perfctl.cdn.invalidating.report import as_queued, as_sent, is_fresh, planned, report_of
from perfctl.cdn.invalidating.sending import WAIT_SECONDS, Sender, Time
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.model.invalidations import (
    EdgeProof,
    Invalidation,
    InvalidationReport,
    Invalidations,
    SentInvalidation,
    Waiting,
)
from perfctl.cdn.model.preloads import PreloadReport
from perfctl.cdn.paths import Asked, Items, plan
from perfctl.cdn.planning.prices import Prices
from perfctl.cdn.services import Services
from perfctl.config import CDNConfig
from perfctl.diagnosis import Check, Diagnosis
from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cdn.configuring.applying import Asked as AskedConfig
    from perfctl.cdn.content.memo import Memo
    from perfctl.cdn.content.optimizing import ContentRules
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.cdn.model.checks import CacheExplanation
    from perfctl.cdn.model.configuration import ConfigApplied, ConfigDifference
    from perfctl.cdn.model.measures import CdnMetrics
    from perfctl.cdn.model.queue import Queued
    from perfctl.cdn.model.simulation import CdnSimulation
    from perfctl.cdn.model.spending import InvalidationSpending
    from perfctl.cdn.queue.queue import InvalidationQueue
    from perfctl.cdn.simulating.wanted import Wanted
    from perfctl.cdn.viewer import Viewer

Tell = Callable[[Waiting], None]

FREE_ITEMS_SECONDS = 5.0
"""How long to count the month's items for."""


class CloudFrontOptimizer:
    """One distribution of CloudFront, or several by name. Connects on first use."""

    def __init__(
        self,
        config: CDNConfig,
        *,
        control: ControlPlane | None = None,
        time: Time | None = None,
        context: str = "default",
    ) -> None:
        self.config = config
        self.context = context
        self._time = time or Time()
        self._clock = time
        self._queue: InvalidationQueue | None = None
        self._given = control
        self._control = control
        self._services: Services | None = None
        self._distributions = Distributions(config.distribution_id, self.control)
        self._made: Memo | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections; the next call makes new ones, with the secret as it is then."""
        control, self._control = self._control, self._given
        if control is not None:
            await control.close()
        services, self._services = self._services, None
        if services is not None:
            await services.close()
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()

    # Forgetting

    def plan_invalidation(self, paths: Iterable[Asked | str], *, tags: Iterable[str] = ()) -> Items:
        """What would be sent for these paths and tags, without any call. UsageError names what cannot be sent."""
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
        if wait:
            sent = await sender.wait(sent, until=until)
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
        from perfctl.cdn.queue.enqueuing import enqueue

        queued = await enqueue(self.queue, self._distributions, targets, chosen.items, within_seconds)
        price = self.config.invalidation_price_usd
        return report_of(chosen, as_queued(queued), queued=queued, item_price_usd=price, free_left=free_left)

    def choosing(self, **options: Any) -> Choosing:
        """How items are chosen, at the configured prices and limits."""
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
        """How many of the month's free items are left, as far as CloudFront says so in a few seconds."""
        try:
            async with asyncio.timeout(FREE_ITEMS_SECONDS):
                months = (await self.invalidation_spending(with_items=True)).months
        except (PerfctlError, TimeoutError):
            return None
        return months[-1].free_left if months else self.config.free_invalidations

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
    def logs(self) -> AccessLogs:
        """The access logs: report, top, misses, errors, locations, latency, the short figures."""
        from perfctl.cdn.logs.asking import AccessLogs

        return AccessLogs(self.config, self.services)

    @property
    def queue(self) -> InvalidationQueue:
        """The queue of invalidations of this host and context, in its file."""
        if self._queue is None:
            from perfctl.cdn.queue.opening import queue_of

            self._queue = queue_of(self.config, self.control, context=self.context, clock=self._clock)
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

    # Looking and warming

    async def probe(
        self, url_or_path: str, *, accept_encoding: str = "br, gzip", distribution: str | None = None
    ) -> EdgeAnswer:
        """GET a path, or a URL of the distribution, through the edge, and say what the cache did."""
        viewer = await self._viewer(url_or_path, distribution)
        return await viewer.look(url_or_path, accept_encoding=accept_encoding)

    async def explain(
        self,
        url_or_path: str,
        *,
        accept_encoding: str = "br, gzip",
        headers: Mapping[str, str] | None = None,
        distribution: str | None = None,
    ) -> CacheExplanation:
        """GET it through the edge, and say which behaviour, policy and rule make it cached or not.

        Where the configuration may not be read, the policy is unknown, and that is said.
        """
        from perfctl.cdn.checking.looking import explained, known_setup

        viewer = await self._viewer(url_or_path, distribution)
        return await explained(
            viewer,
            url_or_path,
            accept_encoding=accept_encoding,
            headers=headers or {},
            known=lambda: known_setup(self._distributions, self.control, distribution),
        )

    async def preload_content(
        self,
        paths: Iterable[str],
        *,
        encodings: Sequence[str] | None = None,
        concurrency: int | None = None,
        requests_per_second: float | None = None,
        locations: Sequence[str] | None = None,
        distribution: str | None = None,
        told: Callable[[int], None] | None = None,
    ) -> PreloadReport:
        """Fetch paths (or URLs of the distribution) through the edge in each encoding, and verify by `X-Cache`.

        At the nearest edge location, or at each of `locations` (by default cdn.edge_locations). The bounds are those
        of the configuration where none are given. UsageError, before anything is sent, for a URL of somebody else's.
        """
        from perfctl.cdn.preloading.fetching import preload

        config = self.config
        wanted = tuple(dict.fromkeys((paths,) if isinstance(paths, str) else paths))
        rate = config.preload_requests_per_second if requests_per_second is None else requests_per_second
        return await preload(
            await self._viewer(self._stranger(wanted), distribution),
            wanted,
            encodings or self._encodings(),
            concurrency=config.preload_concurrency if concurrency is None else concurrency,
            requests_per_second=rate,
            locations=(config.edge_locations or ()) if locations is None else locations,
            time=self._time,
            told=told,
        )

    async def sitemap_urls(self, source: str, *, distribution: str | None = None) -> tuple[str, ...]:
        """The URLs that a sitemap lists: a file, or a URL or path of the distribution, read through the edge."""
        from perfctl.cdn.preloading.sources import is_file, sitemap_urls

        asked = "/" if is_file(source) else source
        return await sitemap_urls(source, await self._viewer(asked, distribution))

    async def popular_urls(self, top: int, *, places: Sequence[str] = ()) -> tuple[str, ...]:
        """What the access logs (by default those of cdn.logs) say is asked for most, without what is private."""
        from perfctl.cdn.preloading.sources import popular

        return await popular(self.logs, places, top=top, without=self.config.private_paths)

    async def optimize_content(
        self,
        content: bytes | str,
        content_type: str,
        user_location: str | None = None,
        *,
        path: str | None = None,
        accept_encoding: str | None = None,
        accept: str | None = None,
        request_headers: Mapping[str, str] | None = None,
        cache_tags: Sequence[str] = (),
        private: bool | None = None,
        ttl: int | None = None,
        compact: bool | None = None,
        budget_ms: float | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """The content made as small as pays, and the headers to send it with; never larger than it was.

        `path` tells what it is: a hashed asset, an asset, HTML, an API's answer, private (cdn.private_paths). It is
        private, too, with `private`, and where `request_headers` hold cookies or credentials and `private` is not
        False; Accept and Accept-Encoding are read from them where they are not given. Pictures become WebP or AVIF
        where `accept` names them. `ttl` is the edge's, in seconds; `user_location` goes out as a region hint.
        """
        from perfctl.cdn.content.serving import asked_of, optimized

        asked = asked_of(
            request_headers,
            path=path,
            accept_encoding=accept_encoding,
            accept=accept,
            cache_tags=cache_tags,
            private=private,
            ttl=ttl,
            compact=compact,
            budget_ms=budget_ms,
            user_location=user_location,
        )
        return await optimized(content, content_type, self._content_rules(), asked, self._memo())

    async def simulate(
        self,
        places: Sequence[str] = (),
        wanted: Wanted | None = None,
        *,
        read: Callable[[int], None] | None = None,
        replaying: Callable[[int, int], None] | None = None,
    ) -> CdnSimulation:
        """What other TTLs, another cache key or Origin Shield would have hit, replayed from access logs.

        `places` are files, folders, patterns and s3:// addresses, by default those of the configuration. `read` hears
        of bytes, `replaying` of requests and of all of them.
        """
        from perfctl.cdn.background import in_background
        from perfctl.cdn.simulating.asking import simulate
        from perfctl.cdn.simulating.wanted import Wanted

        where = tuple(places) or self.config.logs
        services = await self.services() if any(place.startswith("s3://") for place in where) else None
        asked = wanted or Wanted()
        return await in_background(
            lambda: simulate(where, asked, self.config, services, told_read=read, told_replayed=replaying)
        )

    async def measure(
        self,
        *,
        since_seconds: float = 10_800.0,
        period_seconds: float | None = None,
        function: str | None = None,
        distribution: str | None = None,
    ) -> CdnMetrics:
        """What CloudWatch has measured of the distribution, or of a CloudFront Function by its name.

        A metric without a value says why. UsageError for a time or a period that CloudWatch has not.
        """
        from perfctl.cdn.measuring.report import distribution_metrics, function_metrics, window_of

        window = window_of(clocks.time(), since_seconds, period_seconds)
        services = await self.services()
        if function is not None:
            return await function_metrics(services, function, window)
        target = (await self.distribution_ids((distribution,) if distribution else ()))[0]
        return await distribution_metrics(services, self.control, target, window)

    # Being well

    async def doctor(self, *, distribution: str | None = None, areas: Sequence[str] = ()) -> CdnDiagnosis:
        """Who we are there, what we may do in which area of commands, is all well, and the least policy for that."""
        from perfctl.cdn.doctoring.examining import Access, examine
        from perfctl.cdn.doctoring.rights import chosen_areas

        config = self.config
        return await examine(
            self._distributions,
            self.control,
            self.services,
            self.probe,
            distribution,
            areas=chosen_areas(areas),
            access=Access(config.profile, config.role_arn, config.edge_role_arn),
            logs=config.logs,
        )

    async def check_url(self, url_or_path: str, *, distribution: str | None = None) -> Diagnosis:
        """What one URL's answer says to caches, and what the edge made of it."""
        from perfctl.cdn.checking.examining import examine_url
        from perfctl.cdn.checking.looking import known_setup

        viewer = await self._viewer(url_or_path, distribution)
        return await examine_url(
            viewer, url_or_path, lambda: known_setup(self._distributions, self.control, distribution)
        )

    async def check_distribution(
        self, *, distribution: str | None = None, urls: Sequence[str] = (), pages: int = 10
    ) -> Diagnosis:
        """A distribution's configuration, and up to `pages` of its pages through the edge beside the `urls`."""
        from perfctl.cdn.checking.examining import examine_distribution

        (target,) = await self.distribution_ids((distribution,) if distribution else ())
        looks = pages > 0 or urls
        return await examine_distribution(
            await self.control(),
            target,
            viewer=await self._viewer(next(iter(urls), "/"), target) if looks else None,
            services=self.services,
            urls=urls,
            pages=pages,
            private_paths=self.config.private_paths,
            logs=self.config.logs,
        )

    async def config_difference(self, asked: AskedConfig) -> ConfigDifference:
        """What a file (`configuring.applying.asked_for`) would change at its distribution."""
        from perfctl.cdn.configuring.applying import compare

        return await compare(await self.control(), asked)

    async def apply_config(self, asked: AskedConfig, agreed: ConfigDifference) -> ConfigApplied:
        """Make those changes and no others, under the version that was read; what was there is saved first."""
        from perfctl.cdn.configuring.applying import apply

        return await apply(await self.control(), asked, agreed, self._time)

    async def wait_until_deployed(
        self, distribution_id: str, *, seconds: float, told: Callable[[int], None] | None = None
    ) -> float:
        """Return when every edge location has the configuration, with the seconds that it took."""
        from perfctl.cdn.configuring.applying import wait_until_deployed

        return await wait_until_deployed(await self.control(), distribution_id, self._time, seconds=seconds, told=told)

    async def health(self) -> list[Check]:
        """Whether the distribution is deployed and the edge answers. Never raises."""
        from perfctl.cdn.doctoring.examining import quick_checks

        return await quick_checks(self._distributions, self.probe)

    # What the parts above ask for

    async def control(self) -> ControlPlane:
        """The control plane, made at first use; its secret is looked up then."""
        if self._control is None:
            self._control = CloudFront(await self._access(), endpoint_url=self.config.endpoint_url)
        return self._control

    async def services(self) -> Services:
        """S3, Lambda and CloudWatch of the same account, made at first use."""
        if self._services is None:
            self._services = Services(await self._access(), endpoint_url=self.config.endpoint_url)
        return self._services

    async def distribution_ids(self, named: Sequence[str] = ()) -> tuple[str, ...]:
        """The IDs of those named by ID or alias, else the configured one.

        ConfigError where nothing is configured, UsageError where a name matches nothing.
        """
        return await self._distributions.ids(named)

    async def distribution(self, distribution_id: str) -> Distribution:
        """The distribution, asked for once."""
        return await self._distributions.get(distribution_id)

    def _stranger(self, wanted: Sequence[str]) -> str:
        """One for which the distribution's names must be known, where there is one."""
        from perfctl.cdn.viewer import is_url

        own = (self.config.edge_url or "").rstrip("/") + "/"
        return next((path for path in wanted if is_url(path) and (own == "/" or not path.startswith(own))), "/")

    def _encodings(self) -> tuple[str, ...]:
        return (*self._content_rules().encodings, "identity")

    def _memo(self) -> Memo:
        from perfctl.cdn.content.memo import Memo

        if self._made is None:
            self._made = Memo()
        return self._made

    def _content_rules(self) -> ContentRules:
        from perfctl.cdn.content.serving import rules_of

        return rules_of(self.config)

    async def _access(self) -> AwsAccess:
        from perfctl.credentials import Login, resolve

        config = self.config
        login = Login(region=config.region, profile=config.profile, role_arn=config.role_arn)
        return AwsAccess(
            region=self.config.region,
            profile=self.config.profile,
            role_arn=self.config.role_arn,
            access_key_id=self.config.access_key_id,
            secret_access_key=await resolve(config.secret_access_key, login),
            timeout_seconds=self.config.timeout_seconds,
        )

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

    async def _viewer(self, url_or_path: str, distribution: str | None) -> Viewer:
        """The edge to look at. The distribution is asked for its names only where that is needed."""
        from perfctl.cdn.viewer import Viewer, is_url

        edge_url = self.config.edge_url
        timeout = self.config.timeout_seconds
        if edge_url and (not is_url(url_or_path) or url_or_path.startswith(edge_url.rstrip("/") + "/")):
            return Viewer(edge_url, (), True, timeout)
        target = (await self.distribution_ids((distribution,) if distribution else ()))[0]
        found = await self.distribution(target)
        is_given = edge_url is not None
        url = edge_url or f"https://{found.domain_name}"
        return Viewer(url, found.names, stands_in=is_given, timeout_seconds=timeout, is_edge_given=is_given)
