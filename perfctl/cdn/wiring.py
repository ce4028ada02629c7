"""What every question about the CDN needs: the control plane, the services beside it, the distribution, its edge."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from perfctl.aws import AwsAccess
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import CloudFront, ControlPlane
from perfctl.cdn.distributions import Distributions
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.recorded import InvalidationTimes
from perfctl.cdn.services import Services
from perfctl.config import CDNConfig
from perfctl.recording.registry import Registry

if TYPE_CHECKING:
    from perfctl.cdn.queue.queue import InvalidationQueue
    from perfctl.cdn.viewer import Viewer


class Wiring:
    """Made at first use, closed together."""

    def __init__(
        self,
        config: CDNConfig,
        *,
        control: ControlPlane | None = None,
        time: Time | None = None,
        context: str = "default",
        recorder: Registry | None = None,
    ) -> None:
        """`recorder` is told what happens, else a registry of this engine's own."""
        self.config = config
        self.context = context
        self.recording = Registry() if recorder is None else recorder
        self._invalidations_recorded = InvalidationTimes(self.recording)
        self._time = time or Time()
        self._clock = time
        self._queue: InvalidationQueue | None = None
        self._given = control
        self._control = control
        self._services: Services | None = None
        self._distributions = Distributions(config.distribution_id, self.control)

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

    async def probe(
        self, url_or_path: str, *, accept_encoding: str = "br, gzip", distribution: str | None = None
    ) -> EdgeAnswer:
        """GET a path, or a URL of the distribution, through the edge, and say what the cache did."""
        viewer = await self._viewer(url_or_path, distribution)
        return await viewer.look(url_or_path, accept_encoding=accept_encoding)

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
