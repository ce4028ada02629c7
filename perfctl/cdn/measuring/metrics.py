"""The metrics of CloudFront: their names in CloudWatch, their one valid statistic, and how they are told here.

Names and statistics: Amazon CloudFront Developer Guide, "Types of metrics for CloudFront".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.model.measures import Unit

NAMESPACE = "AWS/CloudFront"

Group = Literal["default", "additional", "function"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of what is asked for. `scale` makes CloudWatch's value one of the unit."""

    name: str
    metric: str
    statistic: str
    unit: Unit
    group: Group = "default"

    @property
    def scale(self) -> float:
        """CloudWatch has percent where we have ratios."""
        return 0.01 if self.unit == "ratio" else 1.0


METRICS: tuple[Metric, ...] = (
    Metric("requests", "Requests", "Sum", "count"),
    Metric("downloaded", "BytesDownloaded", "Sum", "bytes"),
    Metric("uploaded", "BytesUploaded", "Sum", "bytes"),
    Metric("error_ratio", "TotalErrorRate", "Average", "ratio"),
    Metric("error_ratio_4xx", "4xxErrorRate", "Average", "ratio"),
    Metric("error_ratio_5xx", "5xxErrorRate", "Average", "ratio"),
    Metric("cache_hit_ratio", "CacheHitRate", "Average", "ratio", "additional"),
    Metric("origin_latency_p50", "OriginLatency", "p50", "ms", "additional"),
    Metric("origin_latency_p90", "OriginLatency", "p90", "ms", "additional"),
    Metric("origin_latency_p99", "OriginLatency", "p99", "ms", "additional"),
    *(
        Metric(f"error_ratio_{status}", f"{status}ErrorRate", "Average", "ratio", "additional")
        for status in (401, 403, 404, 502, 503, 504)
    ),
    Metric("invocations", "FunctionInvocations", "Sum", "count", "function"),
    Metric("validation_errors", "FunctionValidationErrors", "Sum", "count", "function"),
    Metric("execution_errors", "FunctionExecutionErrors", "Sum", "count", "function"),
    Metric("compute_utilization", "FunctionComputeUtilization", "Average", "ratio", "function"),
    Metric("throttles", "FunctionThrottles", "Sum", "count", "function"),
)


def metrics_of(*groups: Group) -> tuple[Metric, ...]:
    """Those of some groups, in the table's order."""
    return tuple(metric for metric in METRICS if metric.group in groups)
