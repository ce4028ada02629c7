"""CloudFrontOptimizer: what the edge serves - forget it, warm it, look at it - and content made ready for it."""

from __future__ import annotations

import asyncio
import time as clocks
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from perfctl.cdn.forgetting import Forgetting
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.diagnosis import Check, Diagnosis

if TYPE_CHECKING:
    from perfctl.cdn.configuring.applying import Asked as AskedConfig
    from perfctl.cdn.content.memo import Memo
    from perfctl.cdn.deploying.rolling_back import WantedRollback
    from perfctl.cdn.deploying.wanted import Room as DeployingRoom
    from perfctl.cdn.deploying.wanted import WantedDeployment
    from perfctl.cdn.edge.model import EdgeFunction
    from perfctl.cdn.model.checks import CacheExplanation
    from perfctl.cdn.model.configuration import ConfigApplied, ConfigDifference
    from perfctl.cdn.model.edge_deploys import EdgeDeployment
    from perfctl.cdn.model.measures import CdnMetrics
    from perfctl.cdn.model.simulation import CdnSimulation
    from perfctl.cdn.simulating.wanted import Wanted


class CloudFrontOptimizer(Forgetting):
    """One distribution of CloudFront, or several by name. Connects on first use."""

    _made: Memo | None = None

    # Looking

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
        from perfctl.cdn.logs.asking import places_of
        from perfctl.cdn.simulating.asking import simulate
        from perfctl.cdn.simulating.wanted import Wanted

        where = places_of(places, self.config)
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

    async def edge_runtime(self, function: EdgeFunction) -> str | None:
        """The Lambda runtime to pack a function for; None is the usual one. A stand-in of AWS has this Python."""
        from perfctl.cdn.deploying.wanted import usual_runtime

        return await usual_runtime(function, await self.services())

    async def plan_edge_deployment(self, wanted: WantedDeployment) -> EdgeDeployment:
        """What deploying an edge function would do, from what is there."""
        from perfctl.cdn.deploying.deploying import planned_deployment

        return await planned_deployment(wanted, await self._deploying())

    async def deploy_edge_function(self, wanted: WantedDeployment, agreed: EdgeDeployment) -> EdgeDeployment:
        """Do that, and nothing else; what was cut off is finished by the next run."""
        from perfctl.cdn.deploying.deploying import deploy

        return await deploy(wanted, agreed, await self._deploying())

    async def plan_edge_rollback(self, wanted: WantedRollback) -> EdgeDeployment:
        """What putting an edge function's version before back would do."""
        from perfctl.cdn.deploying.rolling_back import planned_rollback

        return await planned_rollback(wanted, await self._deploying())

    async def roll_back_edge_function(self, wanted: WantedRollback, agreed: EdgeDeployment) -> EdgeDeployment:
        """Do that, and nothing else."""
        from perfctl.cdn.deploying.rolling_back import roll_back

        return await roll_back(wanted, agreed, await self._deploying())

    async def health(self) -> list[Check]:
        """Whether the distribution is deployed, edge and origin answer, their certificates last. Never raises."""
        from perfctl.cdn.doctoring.examining import quick_checks
        from perfctl.cdn.doctoring.reaching import certificate_checks, origin_checks

        checks = await asyncio.gather(
            quick_checks(self._distributions, self.probe),
            origin_checks(self.config.origin_domain),
            certificate_checks("cdn.edge", self.config.edge_url),
        )
        return [check for found in checks for check in found]

    def _memo(self) -> Memo:
        from perfctl.cdn.content.memo import Memo

        if self._made is None:
            self._made = Memo()
        return self._made

    async def _deploying(self) -> DeployingRoom:
        from perfctl.cdn.deploying.wanted import Room

        return Room.of(await self.control(), await self.services(), self._time)
