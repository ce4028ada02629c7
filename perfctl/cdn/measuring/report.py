"""From CloudWatch's series to an answer: every period has a value or null, and what was not measured a reason."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.measuring.cloudwatch import Asked, Series, metric_data
from perfctl.cdn.measuring.metrics import Metric, metrics_of
from perfctl.cdn.model.measures import CdnMetric, CdnMetrics, MetricPoint
from perfctl.cdn.services import Services
from perfctl.errors import AuthError, UsageError

_MINUTE, _DAY = 60, 86_400
_POINTS = 180
"""About so many periods where none is named."""
_MOST_POINTS = 20_000
_KEPT = ((15 * _DAY, _MINUTE), (63 * _DAY, 5 * _MINUTE), (455 * _DAY, 60 * _MINUTE))
"""For how long CloudWatch keeps periods of this length (CloudWatch User Guide, "Metrics retention")."""
NOT_ENABLED = "not enabled: the distribution's additional metrics (a monitoring subscription) are off"


@dataclass(frozen=True, slots=True)
class Window:
    """Whole periods, the last of them begun; seconds since 1970."""

    since: int
    until: int
    period_seconds: int


def window_of(now: float, since_seconds: float, period_seconds: float | None) -> Window:
    """The periods of the last `since_seconds`. UsageError for a time or a period that CloudWatch has not."""
    shortest = next((period for kept, period in _KEPT if since_seconds <= kept), None)
    if since_seconds < _MINUTE or shortest is None:
        raise UsageError(
            "--since: CloudWatch keeps metrics for a minute to 455 days", hint="such as 3h or 7d", where="--since"
        )
    period = _period(since_seconds, period_seconds, shortest)
    until = (math.floor(now / period) + 1) * period
    return Window(until - math.ceil(since_seconds / period) * period, until, period)


def _period(since_seconds: float, wanted: float | None, shortest: int) -> int:
    if wanted is None:
        return max(shortest, math.ceil(since_seconds / _POINTS / _MINUTE) * _MINUTE)
    if wanted < shortest or wanted % _MINUTE or since_seconds / wanted > _MOST_POINTS:
        raise UsageError(
            f"--period: {wanted:g} s is no period for that time",
            hint=f"whole minutes, at least {shortest} s, at most {_MOST_POINTS} of them",
            where="--period",
        )
    return int(wanted)


async def distribution_metrics(
    services: Services, control: Callable[[], Awaitable[ControlPlane]], distribution_id: str, window: Window
) -> CdnMetrics:
    """All metrics of a distribution; the additional ones are asked for where they are switched on."""
    has_additional = await _has_additional(await control(), distribution_id)
    asked = metrics_of("default") if has_additional is False else metrics_of("default", "additional")
    found = await metric_data(services, Asked(asked, "DistributionId", distribution_id, *_of(window)))
    rows = tuple(_row(metric, found.get(metric.name), window) for metric in metrics_of("default", "additional"))
    return CdnMetrics(distribution_id, None, *_told(window), has_additional, rows)


async def function_metrics(services: Services, function: str, window: Window) -> CdnMetrics:
    """The metrics of a CloudFront Function, by its name."""
    asked = metrics_of("function")
    found = await metric_data(services, Asked(asked, "FunctionName", function, *_of(window)))
    return CdnMetrics(None, function, *_told(window), None, tuple(_row(one, found[one.name], window) for one in asked))


async def _has_additional(control: ControlPlane, distribution_id: str) -> bool | None:
    """None where we may not ask."""
    try:
        return await control.monitoring(distribution_id)
    except AuthError:
        return None


def _of(window: Window) -> tuple[int, int, int]:
    return window.since, window.until, window.period_seconds


def _told(window: Window) -> tuple[str, str, int]:
    return _moment(window.since), _moment(window.until), window.period_seconds


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _row(metric: Metric, series: Series | None, window: Window) -> CdnMetric:
    values: Mapping[int, float] = {} if series is None else series.values
    times = range(window.since, window.until, window.period_seconds)
    told = [values.get(at) for at in times]
    measured = [value * metric.scale for value in told if value is not None]
    return CdnMetric(
        name=metric.name,
        unit=metric.unit,
        metric=metric.metric,
        statistic=metric.statistic,
        latest=measured[-1] if measured else None,
        lowest=min(measured, default=None),
        highest=max(measured, default=None),
        mean=math.fsum(measured) / len(measured) if measured else None,
        total=math.fsum(measured) if measured and metric.statistic == "Sum" else None,
        reason=None if measured else _reason(series),
        points=tuple(
            MetricPoint(_moment(at), None if value is None else value * metric.scale)
            for at, value in zip(times, told, strict=True)
        )
        if measured
        else (),
    )


def _reason(series: Series | None) -> str:
    if series is None:
        return NOT_ENABLED
    return series.trouble or "CloudWatch has nothing of this time"
