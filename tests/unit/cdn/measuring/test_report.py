"""From CloudWatch's pages to an answer, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.measuring.report import Window, distribution_metrics, function_metrics, window_of
from perfctl.cdn.memory import MemoryCloudFront
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.measures import CdnMetrics, MetricPoint
from perfctl.cdn.services import Services
from perfctl.errors import AuthError, UsageError

WINDOW = Window(600, 900, 60)


class Pages:
    """CloudWatch of two pages: the values of `data` by metric and second, one half after the other."""

    def __init__(self, data: dict[str, dict[int, float]], status: str = "Complete") -> None:
        self.data = data
        self.status = status
        self.asked: list[dict[str, Any]] = []

    async def ask(self, service: str, asked: str, call: Callable[[Any], None]) -> None:
        assert service == "cloudwatch"
        call(self)

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        is_second = "NextToken" in asked
        results = [self._result(query, is_second) for query in asked["MetricDataQueries"]]
        return {"MetricDataResults": results, **({} if is_second else {"NextToken": "2"})}

    def _result(self, query: dict[str, Any], is_second: bool) -> dict[str, Any]:
        stat = query["MetricStat"]
        points = sorted(self.data.get(f"{stat['Metric']['MetricName']} {stat['Stat']}", {}).items())
        half = (len(points) + 1) // 2
        shown = points[half:] if is_second else points[:half]
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in shown],
            "Values": [value for _, value in shown],
            "StatusCode": self.status,
            "Messages": [{"Code": "Trouble", "Value": "try again"}] if self.status != "Complete" else [],
        }


class Closed(MemoryCloudFront):
    """Who may not ask for the monitoring subscription."""

    async def monitoring(self, distribution_id: str) -> bool:
        raise AuthError("not allowed")


def measured(pages: Pages, control: MemoryCloudFront | None = None) -> CdnMetrics:
    known = Distribution("E1", "d1.cloudfront.net", (), "Deployed", True)

    async def plane() -> ControlPlane:
        return control or MemoryCloudFront((known,), monitored=frozenset({"E1"}))

    return asyncio.run(distribution_metrics(cast(Services, pages), plane, "E1", WINDOW))


def test_pages_make_one_series_with_a_null_for_each_gap() -> None:
    pages = Pages({"Requests Sum": {600: 3.0, 720: 5.0, 840: 1.0}, "CacheHitRate Average": {660: 80.0, 720: 90.0}})
    requests, *_ = measured(pages).rows
    assert [point.value for point in requests.points] == [3.0, None, 5.0, None, 1.0]
    assert requests.points[0] == MetricPoint("1970-01-01T00:10:00+00:00", 3.0)
    assert (requests.latest, requests.lowest, requests.highest, requests.mean, requests.total) == (1, 1, 5, 3, 9)
    assert len(pages.asked) == 2


def test_percent_becomes_a_ratio_and_has_no_total() -> None:
    pages = Pages({"CacheHitRate Average": {660: 80.0, 720: 90.0}})
    found = next(row for row in measured(pages).rows if row.name == "cache_hit_ratio")
    assert (found.latest, found.mean, found.total) == (0.9, pytest.approx(0.85), None)


def test_what_was_not_measured_is_null_with_a_reason() -> None:
    found = measured(Pages({})).rows[0]
    assert (found.latest, found.total, found.points) == (None, None, ())
    assert found.reason == "CloudWatch has nothing of this time"


def test_trouble_of_cloudwatch_is_the_reason() -> None:
    found = measured(Pages({}, status="InternalError")).rows[0]
    assert found.reason == "CloudWatch: InternalError (try again)"


def test_additional_metrics_are_asked_for_where_nobody_may_say_whether_they_are_on() -> None:
    pages = Pages({"CacheHitRate Average": {660: 80.0}})
    result = measured(pages, Closed(()))
    assert result.has_additional is None
    assert next(row for row in result.rows if row.name == "cache_hit_ratio").latest == pytest.approx(0.8)


def test_a_function_is_asked_for_by_its_name_in_the_global_region() -> None:
    pages = Pages({"FunctionInvocations Sum": {600: 3.0}})
    result = asyncio.run(function_metrics(cast(Services, pages), "router", WINDOW))
    assert result.rows[0].total == 3.0
    metric = pages.asked[0]["MetricDataQueries"][0]["MetricStat"]["Metric"]
    assert metric["Namespace"] == "AWS/CloudFront"
    assert {one["Name"]: one["Value"] for one in metric["Dimensions"]} == {"FunctionName": "router", "Region": "Global"}


@pytest.mark.parametrize(
    ("since", "period", "seconds"),
    [(3 * 3600, None, 60), (86_400, None, 480), (20 * 86_400, None, 9_600), (400 * 86_400, 3_600, 3_600)],
)
def test_a_period_suits_the_time_and_what_cloudwatch_keeps(since: float, period: float | None, seconds: int) -> None:
    window = window_of(1_000_000_030.0, since, period)
    assert window.period_seconds == seconds
    assert window.since % seconds == window.until % seconds == 0
    assert window.since <= 1_000_000_030 - since + seconds
    assert window.until - seconds <= 1_000_000_030 < window.until


@pytest.mark.parametrize(
    ("since", "period"), [(10, None), (500 * 86_400, None), (3600, 90), (3600, 30), (30 * 86_400, 60), (3600, 0)]
)
def test_times_and_periods_that_cloudwatch_has_not_are_refused(since: float, period: float | None) -> None:
    with pytest.raises(UsageError):
        window_of(1_000_000_000.0, since, period)
