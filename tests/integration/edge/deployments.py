"""A distribution of a test's own, and the engine that deploys to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perfctl.cdn.deploying.rolling_back import WantedRollback
from perfctl.cdn.deploying.wanted import WantedDeployment
from perfctl.cdn.edge.naming import Said, find_function
from perfctl.cdn.edge.packaging import pack
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.model.edge_deploys import EdgeDeployment
from perfctl.config import CDNConfig
from tests.integration.edge.lambdas import ROLE
from tests.integration.edge.process import KEY, EdgeProcess
from tests.integration.edge.sites import Site


@dataclass(frozen=True, slots=True)
class Deployer:
    """Deploys and rolls back at one site, as the commands do."""

    site: Site
    engine: CloudFrontOptimizer

    def deploy(self, function: str | Path, *, name: str | None = None, **chosen: Any) -> EdgeDeployment:
        return asyncio.run(self._deploy(self.wanted(function, name=name, **chosen)))

    def plan(self, function: str | Path, **chosen: Any) -> EdgeDeployment:
        return asyncio.run(self.engine.plan_edge_deployment(self.wanted(function, **chosen)))

    def roll_back(self, name: str, *, version: str | None = None) -> EdgeDeployment:
        return asyncio.run(self._roll_back(WantedRollback(name, None, self.site.identity, version)))

    def wanted(
        self,
        function: str | Path,
        *,
        name: str | None = None,
        settings: dict[str, str] | None = None,
        trigger: str | None = None,
        **more: Any,
    ) -> WantedDeployment:
        """Without what it requires: the local worker has that itself."""
        found = find_function(str(function), Said(trigger=trigger))
        packed = pack(found, settings=settings, with_requirements=False)
        role = {"role_arn": ROLE} if found.is_lambda else {}
        return WantedDeployment(found, packed, name or found.name, self.site.identity, **(role | more))

    async def _deploy(self, wanted: WantedDeployment) -> EdgeDeployment:
        return await self.engine.deploy_edge_function(wanted, await self.engine.plan_edge_deployment(wanted))

    async def _roll_back(self, wanted: WantedRollback) -> EdgeDeployment:
        return await self.engine.roll_back_edge_function(wanted, await self.engine.plan_edge_rollback(wanted))


@contextmanager
def engine_at(edge: EdgeProcess) -> Iterator[CloudFrontOptimizer]:
    """One for many tests: to make clients is most of what a deployment here takes."""
    config = CDNConfig(endpoint_url=edge.endpoint, access_key_id=KEY, secret_access_key="not-checked")
    engine = CloudFrontOptimizer(config)
    try:
        yield engine
    finally:
        asyncio.run(engine.close())


def as_planned(done: EdgeDeployment) -> EdgeDeployment:
    """What was done without what only the doing tells."""
    return replace(done, status="planned", dry_run=True, compute_utilization=None, kept=None, rollback=None)
