"""Deploying asks another emulator of AWS the same questions: what it covers is done there as at our own edge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED
from perfctl.cdn.deploying.rolling_back import WantedRollback
from perfctl.cdn.deploying.wanted import WantedDeployment
from perfctl.cdn.edge.naming import find_function
from perfctl.cdn.edge.packaging import pack
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.model.edge_deploys import EdgeDeployment
from perfctl.config import CDNConfig
from tests.contract.edge_emulators import SERVERS
from tests.integration.edge.lambdas import ROLE
from tests.integration.edge.process import KEY, client

LARGE = "# perfctl: runtime=python trigger=origin-response\ndef lambda_handler(event, context):\n    return {!r}\n"
SMALL = "// perfctl: trigger=viewer-request\nfunction handler(event) {{ return event.request; }} // {}\n"


@dataclass(frozen=True, slots=True)
class Account:
    """An emulator with a distribution."""

    endpoint: str
    distribution_id: str

    def deploy(self, file: Path, name: str) -> EdgeDeployment:
        function = find_function(str(file))
        role = ROLE if function.is_lambda else None
        # no emulator but ours runs a CloudFront Function
        wanted = WantedDeployment(function, pack(function), name, self.distribution_id, role_arn=role, is_tested=False)

        async def deployed() -> EdgeDeployment:
            async with self._engine() as engine:
                return await engine.deploy_edge_function(wanted, await engine.plan_edge_deployment(wanted))

        return asyncio.run(deployed())

    def roll_back(self, name: str) -> EdgeDeployment:
        wanted = WantedRollback(name, None, self.distribution_id)

        async def rolled_back() -> EdgeDeployment:
            async with self._engine() as engine:
                return await engine.roll_back_edge_function(wanted, await engine.plan_edge_rollback(wanted))

        return asyncio.run(rolled_back())

    def associated(self) -> tuple[list[str], list[str]]:
        """The ARNs at the default behaviour: CloudFront Functions, Lambda@Edge."""
        told: Any = client("cloudfront", self.endpoint).get_distribution_config(Id=self.distribution_id)
        behaviour = told["DistributionConfig"]["DefaultCacheBehavior"]
        small = behaviour.get("FunctionAssociations", {}).get("Items", [])
        large = behaviour.get("LambdaFunctionAssociations", {}).get("Items", [])
        return [item["FunctionARN"] for item in small], [item["LambdaFunctionARN"] for item in large]

    def _engine(self) -> CloudFrontOptimizer:
        config = CDNConfig(
            distribution_id=self.distribution_id,
            endpoint_url=self.endpoint,
            access_key_id=KEY,
            secret_access_key="not-checked",
        )
        return CloudFrontOptimizer(config)


@pytest.fixture(scope="module", params=["perfctl", "ministack"])
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    name: str = request.param
    with SERVERS[name](tmp_path_factory.mktemp(name)) as endpoint:
        made = client("cloudfront", endpoint).create_distribution(DistributionConfig=_config())
        yield Account(endpoint, made["Distribution"]["Id"])


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))


def test_a_lambda_gets_versions_and_goes_back(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "large.py"
    numbers = []
    for text in ("one", "two", "two"):
        file.write_text(LARGE.format(text))
        numbers.append(account.deploy(file, "contract-large").version)
    _, there = account.associated()
    back = account.roll_back("contract-large")
    assert (numbers, back.version, back.replaced_version) == (["1", "2", "2"], "1", "2")
    assert [arn.rpartition(":")[2] for arn in (*there, *account.associated()[1])] == ["2", "1"]


def test_a_cloudfront_function_is_published_and_goes_back(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "small.js"
    done = []
    for text in ("one", "two", "two"):
        file.write_text(SMALL.format(text))
        done.append(account.deploy(file, "contract-small"))
    back = account.roll_back("contract-small")
    assert [each.status for each in done] == ["InProgress", "Deployed", "unchanged"]
    assert (back.version, back.replaced_version) == (done[0].version, done[1].version)
    assert account.associated()[0][0].endswith(":function/contract-small")


def _config() -> Any:
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    origin = {"Id": "main", "DomainName": "origin.example.com", "CustomOriginConfig": custom}
    behaviour = {
        "TargetOriginId": "main",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": CACHING_OPTIMIZED,
    }
    return {
        "CallerReference": "contract-deploying",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
        "Comment": "",
        "Enabled": True,
    }
