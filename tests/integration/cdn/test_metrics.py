"""CloudWatch's metrics: of the sandbox's own edge, and as other doubles of CloudWatch answer for them."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perfctl import aws
from perfctl.aws import AwsAccess
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.measuring.cloudwatch import Asked, metric_data
from perfctl.cdn.measuring.metrics import metrics_of
from perfctl.cdn.measuring.report import NOT_ENABLED
from perfctl.cdn.model.measures import CdnMetric, CdnMetrics
from perfctl.cdn.services import Services
from perfctl.config import CDNConfig
from perfctl.errors import AuthError, ServiceError
from tests.cdn_edge import ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY, LocalEdge, local_edge
from tests.contract.test_edge_control_plane import SERVERS

ACCESS = AwsAccess(region="eu-central-1", access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    """It has answered five requests: a miss, two hits, a page that there is not, twice."""
    with local_edge(tmp_path_factory.mktemp("edge")) as made:
        _wait_for_a_minute_with_room()
        for path in ("/", "/", "/", "/never-was", "/never-was"):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(made.edge_url + path, timeout=10).read()
        yield made


def _wait_for_a_minute_with_room() -> None:
    """Ratios are those of a minute: all that is asked falls into one."""
    seconds = time.time() % 60
    if seconds > 55:
        time.sleep(60.1 - seconds)


def measured(edge: LocalEdge, **asked: Any) -> CdnMetrics:
    async def measure() -> CdnMetrics:
        async with CloudFrontOptimizer(config) as cdn:
            return await cdn.measure(**asked)

    config = CDNConfig(
        distribution_id=DISTRIBUTION_ID,
        endpoint_url=edge.control_url,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        region="eu-central-1",
    )
    return asyncio.run(measure())


def row(result: CdnMetrics, name: str) -> CdnMetric:
    return next(one for one in result.rows if one.name == name)


def test_what_the_edge_answered_is_measured(edge: LocalEdge) -> None:
    result = measured(edge)
    assert (result.distribution_id, result.period_seconds, result.has_additional) == (DISTRIBUTION_ID, 60, False)
    assert row(result, "requests").total == 5
    assert row(result, "error_ratio").highest == pytest.approx(0.4)
    assert row(result, "error_ratio_5xx").highest == 0.0
    assert (row(result, "downloaded").total or 0) > 1_000


def test_a_period_without_a_value_is_null_and_none_is_left_out(edge: LocalEdge) -> None:
    points = row(measured(edge, since_seconds=600), "requests").points
    assert len(points) == 10
    values = [point.value for point in points]
    assert values.count(None) >= 8
    assert 0 not in values


def test_additional_metrics_are_not_enabled_until_they_are_switched_on(edge: LocalEdge) -> None:
    off = row(measured(edge), "cache_hit_ratio")
    assert (off.latest, off.mean, off.points, off.reason) == (None, None, (), NOT_ENABLED)
    client = aws.client("cloudfront", ACCESS, endpoint_url=edge.control_url)
    switch = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}
    client.create_monitoring_subscription(DistributionId=DISTRIBUTION_ID, MonitoringSubscription=switch)
    try:
        result = measured(edge)
        assert result.has_additional is True
        assert row(result, "cache_hit_ratio").mean == pytest.approx(2 / 3)
        assert row(result, "error_ratio_404").highest == pytest.approx(0.4)
        low, high = row(result, "origin_latency_p50").highest, row(result, "origin_latency_p99").highest
        assert low is not None
        assert high is not None
        assert 0 < low <= high
    finally:
        client.delete_monitoring_subscription(DistributionId=DISTRIBUTION_ID)


def test_a_function_that_was_never_called_says_so(edge: LocalEdge) -> None:
    result = measured(edge, function="nobody")
    assert (result.function, result.distribution_id) == ("nobody", None)
    assert {one.reason for one in result.rows} == {"CloudWatch has nothing of this time"}
    assert result.rows[0].name == "invocations"


def test_a_stranger_is_refused(edge: LocalEdge) -> None:
    stranger = Services(AwsAccess(access_key_id="AKIDNOBODY", secret_access_key="x"), endpoint_url=edge.control_url)
    asked = Asked(metrics_of("default"), "DistributionId", DISTRIBUTION_ID, 0, 600, 60)
    with pytest.raises(AuthError, match="get-metric-data"):
        asyncio.run(metric_data(stranger, asked))


def test_another_action_of_cloudwatch_is_an_error_of_its_own(edge: LocalEdge) -> None:
    services = Services(ACCESS, endpoint_url=edge.control_url)
    with pytest.raises(ServiceError, match="UnknownOperation"):
        asyncio.run(services.ask("cloudwatch", "cloudwatch list-metrics", lambda client: client.list_metrics()))


def test_sts_still_answers_at_the_same_address(edge: LocalEdge) -> None:
    assert aws.caller_identity(ACCESS, endpoint_url=edge.control_url).arn.endswith("user/sandbox")


@pytest.mark.parametrize("name", ["ministack", pytest.param("moto", marks=pytest.mark.soak)])
def test_another_double_of_cloudwatch_is_read_alike(name: str, tmp_path: Path) -> None:
    with SERVERS[name](tmp_path) as endpoint:
        services = Services(ACCESS, endpoint_url=endpoint)
        now = int(time.time()) // 60 * 60
        client = aws.client("cloudwatch", replace(ACCESS, region="us-east-1"), endpoint_url=endpoint)
        client.put_metric_data(Namespace="AWS/CloudFront", MetricData=[datum("Requests", now - 120, 7.0)])
        client.put_metric_data(Namespace="AWS/CloudFront", MetricData=[datum("4xxErrorRate", now - 60, 25.0)])
        asked = Asked(metrics_of("default"), "DistributionId", DISTRIBUTION_ID, now - 600, now + 60, 60)
        found = asyncio.run(metric_data(services, asked))
    assert list(found["requests"].values.values()) == [7.0]
    assert list(found["error_ratio_4xx"].values.values()) == [25.0]
    assert found["uploaded"].values == {}


def datum(metric: str, at: int, value: float) -> dict[str, Any]:
    names = (("DistributionId", DISTRIBUTION_ID), ("Region", "Global"))
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in names],
        "Timestamp": datetime.fromtimestamp(at, UTC),
        "Value": value,
    }
