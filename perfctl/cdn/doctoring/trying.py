"""Trying permissions by real calls that cost and change nothing: granted, denied, or nobody there to tell."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perfctl.cdn.cloudfront import ControlPlane, is_aws
from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED
from perfctl.errors import AuthError, PerfctlError

if TYPE_CHECKING:
    from perfctl.cdn.services import Services

Try = Callable[[], Awaitable[object]]
_NO_SUCH_INVALIDATION = "IPERFCTLDOCTOR"
_NO_SUCH_FUNCTION = "perfctl-doctor"


async def found_rights(
    control: ControlPlane,
    services: Callable[[], Awaitable[Services]],
    distribution_id: str,
    actions: tuple[str, ...],
    bucket: tuple[str, str] | None,
) -> Mapping[str, bool | None]:
    """Whether each action is granted; None where nothing answers for its service. `bucket`: name and prefix of logs."""
    tries: dict[str, Try] = {
        **_of_cloudfront(control, distribution_id),
        **_of_services(services, control, distribution_id, bucket),
    }
    return {action: await _is_granted(tries[action]) for action in actions if action in tries}


async def _is_granted(call: Try) -> bool | None:
    """Denied is False; a thing that is not there was looked for, so it is True; what else goes wrong tells nothing."""
    try:
        await call()
    except AuthError as error:
        if "AccessDenied" not in error.message and "Unauthorized" not in error.message:
            raise
        return False
    except PerfctlError as error:
        return True if any(word in error.message for word in ("NoSuch", "ResourceNotFound")) else None
    return True


def _of_cloudfront(control: ControlPlane, target: str) -> dict[str, Try]:
    return {
        "cloudfront:GetDistribution": lambda: control.distribution(target),
        "cloudfront:GetDistributionConfig": lambda: control.distribution_config(target),
        "cloudfront:ListInvalidations": lambda: control.recent_invalidations(target, at_most=1),
        "cloudfront:GetInvalidation": lambda: control.invalidation(target, _NO_SUCH_INVALIDATION),
        "cloudfront:ListDistributions": control.distributions,
        "cloudfront:GetCachePolicy": lambda: control.cache_policy(CACHING_OPTIMIZED),
        "cloudfront:GetMonitoringSubscription": lambda: control.monitoring(target),
    }


def _of_services(
    services: Callable[[], Awaitable[Services]], control: ControlPlane, target: str, bucket: tuple[str, str] | None
) -> dict[str, Try]:
    """Those of the services that there are: AWS's own, or one that an AWS_ENDPOINT_URL_... names."""

    def asking(service: str, call: Callable[[Any], object]) -> Try:
        async def ask() -> object:
            return await (await services()).ask(service, f"{service} for cdn doctor", call)

        return ask

    tries: dict[str, tuple[str, Callable[[Any], object]]] = {
        "cloudfront:DescribeFunction": ("cloudfront", lambda client: client.describe_function(Name=_NO_SUCH_FUNCTION)),
        "cloudfront:GetFunction": (
            "cloudfront",
            lambda client: client.get_function(Name=_NO_SUCH_FUNCTION, Stage="DEVELOPMENT"),
        ),
        "lambda:GetFunctionConfiguration": (
            "lambda",
            lambda client: client.get_function_configuration(FunctionName=_NO_SUCH_FUNCTION),
        ),
        "lambda:ListVersionsByFunction": (
            "lambda",
            lambda client: client.list_versions_by_function(FunctionName=_NO_SUCH_FUNCTION),
        ),
        "lambda:GetFunction": ("lambda", lambda client: client.get_function(FunctionName=_NO_SUCH_FUNCTION)),
        "cloudwatch:GetMetricData": ("cloudwatch", lambda client: client.get_metric_data(**_one_metric(target))),
        "logs:DescribeDeliverySources": ("logs", lambda client: client.describe_delivery_sources(limit=1)),
        "logs:DescribeDeliveries": ("logs", lambda client: client.describe_deliveries(limit=1)),
    }
    if bucket is not None:
        name, prefix = bucket
        tries["s3:ListBucket"] = (
            "s3", lambda client: client.list_objects_v2(Bucket=name, Prefix=prefix, MaxKeys=1),
        )  # fmt: skip
        tries["s3:GetObject"] = ("s3", lambda client: _first_byte(client, name, prefix))
    return {action: asking(*each) for action, each in tries.items() if _is_there(each[0], control)}


def _is_there(service: str, control: ControlPlane) -> bool:
    """Whether AWS itself is asked, or somebody says what stands in for this service."""
    placed = {f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"} & os.environ.keys()
    return is_aws(control.endpoint) or bool(placed)


def _one_metric(target: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    dimensions = [{"Name": "DistributionId", "Value": target}, {"Name": "Region", "Value": "Global"}]
    metric = {"Namespace": "AWS/CloudFront", "MetricName": "Requests", "Dimensions": dimensions}
    query = {"Id": "requests", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}}
    return {"MetricDataQueries": [query], "StartTime": now - timedelta(minutes=10), "EndTime": now}


def _first_byte(client: Any, bucket: str, prefix: str) -> object:
    """Of the first object there; an empty bucket is read as far as it goes."""
    rows = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])
    return client.get_object(Bucket=bucket, Key=rows[0]["Key"], Range="bytes=0-0") if rows else None
