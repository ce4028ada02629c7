"""A distribution of a test's own, and the engine that deploys to it."""

from __future__ import annotations

import asyncio
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
from tests.integration.edge.process import KEY
from tests.integration.edge.sites import Site


@dataclass(frozen=True, slots=True)
class Deployer:
    """Deploys and rolls back at one site, as the commands do."""

    site: Site

    def deploy(self, function: str | Path, *, name: str | None = None, **chosen: Any) -> EdgeDeployment:
        return asyncio.run(self._deploy(self.wanted(function, name=name, **chosen)))

    def plan(self, function: str | Path, **chosen: Any) -> EdgeDeployment:
        return asyncio.run(self._plan(self.wanted(function, **chosen)))

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

    def engine(self) -> CloudFrontOptimizer:
        config = CDNConfig(
            distribution_id=self.site.identity,
            endpoint_url=self.site.edge.endpoint,
            access_key_id=KEY,
            secret_access_key="not-checked",
        )
        return CloudFrontOptimizer(config)

    async def _deploy(self, wanted: WantedDeployment) -> EdgeDeployment:
        async with self.engine() as engine:
            return await engine.deploy_edge_function(wanted, await engine.plan_edge_deployment(wanted))

    async def _plan(self, wanted: WantedDeployment) -> EdgeDeployment:
        async with self.engine() as engine:
            return await engine.plan_edge_deployment(wanted)

    async def _roll_back(self, wanted: WantedRollback) -> EdgeDeployment:
        async with self.engine() as engine:
            return await engine.roll_back_edge_function(wanted, await engine.plan_edge_rollback(wanted))


def as_planned(done: EdgeDeployment) -> EdgeDeployment:
    """What was done without what only the doing tells."""
    return replace(done, status="planned", dry_run=True, compute_utilization=None, kept=None, rollback=None)
