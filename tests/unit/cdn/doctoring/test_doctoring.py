"""What the doctor makes of denied permissions, of callers, of log buckets; and the policy that it prescribes."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

import perfctl.cdn.doctoring as doctoring
from perfctl.aws import AwsCallError, Caller
from perfctl.cdn.doctoring.log_bucket import bucket_of
from perfctl.cdn.doctoring.rights import AREAS, chosen_areas, least_policy
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.memory import MemoryCloudFront
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.distributions import Distribution
from perfctl.config import CDNConfig
from perfctl.errors import AuthError, UsageError
from tests.unit.cdn.checking.checking_setups import config

CALLS = {
    "cloudfront.py": "cloudfront",
    "deploying/stages.py": "cloudfront",
    "deploying/lambdas.py": "lambda",
    "checking/log_places.py": "logs",
    "measuring/cloudwatch.py": "cloudwatch",
}
"""The files that call a service, each one service."""
NO_CALLS = ("get_paginator", "close")

ARN = "arn:aws:iam::123456789012:user/deploy"


class Denying(MemoryCloudFront):
    """Refuses some calls, as IAM does."""

    denied: frozenset[str] = frozenset()
    arn = ARN

    async def distribution_config(self, distribution_id: str) -> Any:
        self._refuse("GetDistributionConfig")
        return await super().distribution_config(distribution_id)

    async def cache_policy(self, policy_id: str) -> Any:
        self._refuse("GetCachePolicy")
        return await super().cache_policy(policy_id)

    async def distributions(self) -> Any:
        self._refuse("ListDistributions")
        return await super().distributions()

    async def caller(self) -> Caller:
        return Caller("123456789012", self.arn)

    def _refuse(self, name: str) -> None:
        if name in self.denied:
            raise AuthError(f"cloudfront: AccessDenied: not {name}")


def _diagnosed(
    edge_url: str, *, denied: tuple[str, ...] = (), arn: str = ARN, areas: tuple[str, ...] = (), **more: Any
) -> CdnDiagnosis:
    known = Distribution("E1SHOP", "d111.cloudfront.net", (), "Deployed", True, compresses=True)
    control = Denying((known,), configs={"E1SHOP": config()})
    control.denied, control.arn = frozenset(denied), arn
    engine = CloudFrontOptimizer(CDNConfig(distribution_id="E1SHOP", edge_url=edge_url, **more), control=control)
    return asyncio.run(engine.doctor(areas=areas))


def test_a_right_of_checks_is_vital_and_one_of_aliases_is_not(edge: Any) -> None:
    found = _diagnosed(edge.url, denied=("GetCachePolicy", "ListDistributions"))
    assert found.status == "fail"
    assert found.missing_permissions == ("cloudfront:GetCachePolicy", "cloudfront:ListDistributions")
    told = {one.check: one for one in found.rows}
    assert (told["permissions"].status, told["alias"].status) == ("fail", "warn")
    area = next(one for one in found.rights if one.area == "check")
    assert area.missing == ("cloudfront:GetCachePolicy",)
    assert area.granted == ("cloudfront:GetDistributionConfig", "cloudfront:GetMonitoringSubscription")


def test_what_changes_something_is_not_tried(edge: Any) -> None:
    found = _diagnosed(edge.url)
    untried = {action for area in found.rights for action in area.untried}
    assert {"cloudfront:CreateInvalidation", "cloudfront:UpdateDistribution", "lambda:CreateFunction"} <= untried


def test_only_the_areas_that_are_named_are_looked_at(edge: Any) -> None:
    found = _diagnosed(edge.url, denied=("GetDistributionConfig",), areas=("invalidate",))
    assert (found.missing_permissions, [one.area for one in found.rights]) == ((), ["invalidate"])
    assert "UpdateDistribution" not in json.dumps(found.policy)
    with pytest.raises(UsageError, match="no area 'invalidat'"):
        chosen_areas(["invalidat"])


def test_an_assumed_role_and_a_profile_are_told(edge: Any) -> None:
    arn = "arn:aws:sts::123456789012:assumed-role/deploy/ci-7"
    caller = next(one for one in _diagnosed(edge.url, arn=arn, profile="prod").rows if one.check == "caller")
    assert caller.observed == f"{arn} (profile prod, role deploy, session ci-7)"


def test_the_bucket_of_the_logs_is_told_and_granted(edge: Any) -> None:
    found = _diagnosed(edge.url)
    assert found.log_places == ("s3://logs/cdn/",)
    told = next(one for one in found.rows if one.component == "cdn.logs")
    assert "cdn.logs: [s3://logs/cdn/]" in str(told.fix)
    assert "arn:aws:s3:::logs/*" in json.dumps(found.policy)
    assert bucket_of("s3://logs") == ("logs", "")


def test_the_policy_is_of_the_callers_partition_and_names_no_more_than_is_needed() -> None:
    policy = least_policy("E1", "arn:aws-cn:iam::1:user/x", "1", areas=chosen_areas(["invalidate"]))
    statements: Any = policy["Statement"]
    assert [one["Resource"] for one in statements] == ["arn:aws-cn:cloudfront::1:distribution/E1"]
    assert len(statements[0]["Action"]) == 4


def test_every_statement_has_a_name_of_its_own_and_every_action_is_granted_once_an_area() -> None:
    policy = least_policy("E1", None, None, buckets=("logs",))
    names = [one["Sid"] for one in policy["Statement"]]  # type: ignore[attr-defined]
    assert len(names) == len(set(names))
    assert all(name.isalnum() for name in names)
    granted = {action for one in policy["Statement"] for action in one["Action"]}  # type: ignore[attr-defined]
    assert granted == {right.action for area in AREAS for right in area.rights}


@pytest.mark.parametrize(("file", "service"), CALLS.items())
def test_what_is_called_is_in_the_policy(file: str, service: str) -> None:
    text = (Path(str(doctoring.__file__)).parent.parent / file).read_text("utf-8")
    called = {*re.findall(r"\bclient\.([a-z_0-9]+)\(", text), *re.findall(r'get_paginator\("(\w+)"\)', text)}
    wanted = {f"{service}:{''.join(map(str.capitalize, name.split('_')))}" for name in called - {*NO_CALLS}}
    assert wanted
    assert wanted <= {right.action for area in AREAS for right in area.rights}


def test_a_service_that_answers_otherwise_tells_nothing_of_a_right(edge: Any) -> None:
    class Odd(Denying):
        async def monitoring(self, distribution_id: str) -> bool:
            raise AwsCallError("cloudfront: UnknownOperation", code="UnknownOperation")

    known = Distribution("E1SHOP", "d111.cloudfront.net", (), "Deployed", True, compresses=True)
    engine = CloudFrontOptimizer(
        CDNConfig(distribution_id="E1SHOP", edge_url=edge.url), control=Odd((known,), configs={"E1SHOP": config()})
    )
    found = asyncio.run(engine.doctor(areas=("check",)))
    assert "cloudfront:GetMonitoringSubscription" in found.rights[0].untried
