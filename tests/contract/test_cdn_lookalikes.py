"""The CloudFront adapter against two look-alikes of other hands, where they cover it: MiniStack and moto."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perfctl.aws import AwsAccess
from perfctl.cdn.checking.reading import read_setup
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ChangedMeanwhileError, CloudFront
from perfctl.cdn.configuring.applying import apply, asked_for, compare
from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED
from perfctl.errors import UsageError
from tests.contract.edge_emulators import NAMES, SERVERS
from tests.unit.cdn.checking.checking_setups import behaviour, config, listed, origin

pytestmark = pytest.mark.servers

run = asyncio.run


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A server, the adapter on it, and a distribution there."""

    name: str
    control: CloudFront
    distribution_id: str


def _made(url: str) -> str:
    """A distribution of one origin, as the service's own client makes it."""
    from botocore.session import Session

    session = Session()
    session.set_credentials("test", "test-secret")
    client: Any = session.create_client("cloudfront", region_name="us-east-1", endpoint_url=url)
    plain = config(
        CallerReference=uuid.uuid4().hex,
        Origins=listed(origin("site")),
        OriginGroups=None,
        DefaultCacheBehavior=behaviour(TargetOriginId="site"),
        CacheBehaviors=listed(behaviour("/api/*", TargetOriginId="site")),
    )
    return str(client.create_distribution(DistributionConfig=plain)["Distribution"]["Id"])


@pytest.fixture(scope="module", params=NAMES[1:])
def there(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LookAlike]:
    access = AwsAccess(region="us-east-1", access_key_id="test", secret_access_key="test-secret")
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as url:
        control = CloudFront(access, endpoint_url=url)
        yield LookAlike(request.param, control, _made(url))
        run(control.close())


def test_a_configuration_is_read_and_its_setup_understood(there: LookAlike) -> None:
    if there.name == "moto":
        document = run(there.control.distribution_config(there.distribution_id))
        assert document.config["DefaultCacheBehavior"]["CachePolicyId"] == CACHING_OPTIMIZED
        return
    found = run(read_setup(there.control, there.distribution_id))
    assert [one.name for one in found.behaviours] == ["/api/*", "default"]
    assert (found.behaviours[-1].policy_name, found.origins[0].id) == ("CachingOptimized", "site")
    assert run(there.control.monitoring(there.distribution_id)) is False


def test_a_file_is_applied_and_is_then_no_difference(there: LookAlike, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path))
    asked = asked_for(there.distribution_id, "Comment: applied\nHttpVersion: http2\n", "cdn.yaml", replace=False)
    agreed = run(compare(there.control, asked))
    assert {change.path for change in agreed.changes} == {"Comment", "HttpVersion"}
    run(apply(there.control, asked, agreed, Time()))
    assert run(compare(there.control, asked)).changes == ()


def test_a_version_that_is_no_longer_is_refused(there: LookAlike) -> None:
    if there.name == "moto":
        pytest.skip("moto takes any version")
    before = run(there.control.distribution_config(there.distribution_id))
    run(there.control.update_distribution(there.distribution_id, {**before.config, "Comment": "a"}, before.etag))
    with pytest.raises(ChangedMeanwhileError):
        run(there.control.update_distribution(there.distribution_id, before.config, before.etag))


def test_an_invalidation_completes_and_is_listed(there: LookAlike) -> None:
    made = run(there.control.create_invalidation(there.distribution_id, ["/a", "/img/*"], uuid.uuid4().hex))
    found = run(there.control.invalidation(there.distribution_id, made.invalidation_id))
    assert (found.status, found.items, found.wildcards) == ("Completed", 2, 1)
    recent = run(there.control.recent_invalidations(there.distribution_id))
    assert made.invalidation_id in [one.invalidation_id for one in recent]


def test_what_does_not_exist_is_named(there: LookAlike) -> None:
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        run(there.control.distribution_config("E9NONE"))
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        run(there.control.distribution("E9NONE"))
