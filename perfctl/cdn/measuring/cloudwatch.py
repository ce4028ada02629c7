"""CloudWatch's GetMetricData, page by page: the one file that knows its shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from perfctl.cdn.measuring.metrics import NAMESPACE, Metric
from perfctl.cdn.services import Services


@dataclass(slots=True)
class Series:
    """What came of one metric: values by the second at which their period begins; and what went wrong, if anything."""

    values: dict[int, float] = field(default_factory=dict)
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Metrics of one subject (`DistributionId` or `FunctionName`) over a time in seconds since 1970."""

    metrics: tuple[Metric, ...]
    dimension: str
    subject: str
    since: int
    until: int
    period_seconds: int


async def metric_data(services: Services, asked: Asked) -> Mapping[str, Series]:
    """The series by the metric's own name. PerfctlError where CloudWatch refuses or cannot be reached."""
    found: dict[str, Series] = {metric.name: Series() for metric in asked.metrics}
    await services.ask(
        "cloudwatch", f"cloudwatch get-metric-data of {asked.subject}", lambda client: _read_pages(client, asked, found)
    )
    return found


def _read_pages(client: Any, asked: Asked, found: dict[str, Series]) -> None:
    """All pages into `found`. One call may ask for 500 metrics, and CloudFront has fewer."""
    names = {f"m{number}": metric.name for number, metric in enumerate(asked.metrics)}
    more: dict[str, str] = {}
    while True:
        answer = client.get_metric_data(
            MetricDataQueries=[_query(*pair, asked) for pair in zip(names, asked.metrics, strict=True)],
            StartTime=datetime.fromtimestamp(asked.since, UTC),
            EndTime=datetime.fromtimestamp(asked.until, UTC),
            ScanBy="TimestampAscending",
            **more,
        )
        for result in answer["MetricDataResults"]:
            _add(found[names[result["Id"]]], result)
        token = answer.get("NextToken")
        if not token or token == more.get("NextToken"):
            return
        more = {"NextToken": token}


def _query(identity: str, metric: Metric, asked: Asked) -> dict[str, Any]:
    return {
        "Id": identity,
        "ReturnData": True,
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": metric.metric,
                "Dimensions": [
                    {"Name": asked.dimension, "Value": asked.subject},
                    {"Name": "Region", "Value": "Global"},
                ],
            },
            "Period": asked.period_seconds,
            "Stat": metric.statistic,
        },
    }


def _add(series: Series, result: Mapping[str, Any]) -> None:
    for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
        series.values[int(moment.timestamp())] = float(value)
    if result.get("StatusCode") in ("InternalError", "Forbidden"):
        told = "; ".join(message.get("Value", "") for message in result.get("Messages", ()))
        series.trouble = f"CloudWatch: {result['StatusCode']}{f' ({told})' if told else ''}"
