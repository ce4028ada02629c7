"""CloudWatch's GetMetricData, as far as CloudFront's metrics go: counted, minute by minute, from what the edge answers.

botocore speaks JSON to CloudWatch (`X-Amz-Target: GraniteServiceVersion20100801.GetMetricData`).
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from perfctl.sandbox.edge.access_forms import Record
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.json_protocol import Json, body_of, json_reply
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller

_TARGET = "GraniteServiceVersion20100801."
_MOST_MINUTES = 10_000
_MOST_LATENCIES = 2_000
_MOST_QUERIES = 500
_DEFAULT = ("Requests", "BytesDownloaded", "BytesUploaded", "TotalErrorRate", "4xxErrorRate", "5xxErrorRate")
"""What every distribution has; the rest comes with a monitoring subscription."""
_HITS = ("Hit", "RefreshHit")

_PROTOCOL = "1.0"


@dataclass(slots=True)
class Minute:
    """What one distribution answered in one minute."""

    requests: int = 0
    down_bytes: int = 0
    up_bytes: int = 0
    cacheable: int = 0
    hits: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    """Of the answers that came from the origin; the first of them where there are very many."""


class CloudWatch:
    """Observes the edge, and answers for what it saw since its start."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._minutes: OrderedDict[tuple[str, int], Minute] = OrderedDict()

    def observe(self, record: Record) -> None:
        """Count one answer."""
        minute = self._minutes.setdefault((record.distribution_id, int(record.at // 60)), Minute())
        minute.requests += 1
        minute.down_bytes += record.sent_bytes
        minute.up_bytes += record.request.head_bytes + len(record.request.body)
        minute.statuses[record.status] += 1
        if record.request.method in ("GET", "HEAD") and record.status < 400:
            minute.cacheable += 1
            minute.hits += record.result in _HITS
        if record.origin_seconds is not None and len(minute.latencies_ms) < _MOST_LATENCIES:
            minute.latencies_ms.append(record.took_seconds * 1000)
        if len(self._minutes) > _MOST_MINUTES:
            self._minutes.popitem(last=False)

    def is_asked(self, request: Request) -> bool:
        return request.path == "/" and (request.headers.get("x-amz-target") or "").startswith(_TARGET)

    def handle(self, request: Request) -> Response:
        try:
            operation = (request.headers.get("x-amz-target") or "").removeprefix(_TARGET)
            if operation != "GetMetricData":
                raise ServiceProblem("UnknownOperationException", f"The local CloudWatch has no {operation[:80]!r}.")
            check_caller(request, self._account.access_key, unknown="UnrecognizedClientException")
            self._account.dice.strike(f"cloudwatch:{operation}", changes=False)
            return json_reply(
                200,
                self._metric_data(body_of(request, ServiceProblem("InvalidArgument", "The body is no JSON object."))),
                version=_PROTOCOL,
            )
        except ServiceProblem as problem:
            return json_reply(problem.status, {"__type": problem.code, "message": problem.message}, version=_PROTOCOL)

    def _metric_data(self, body: Json) -> Json:
        try:
            queries, since, until = body["MetricDataQueries"], float(body["StartTime"]), float(body["EndTime"])
            is_ascending = body.get("ScanBy") == "TimestampAscending"
            results = [self._result(query, since, until, is_ascending) for query in queries[:_MOST_QUERIES]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServiceProblem("InvalidArgument", f"The query is not one of GetMetricData: {error!r:.80}.") from error
        return {"MetricDataResults": results, "Messages": []}

    def _result(self, query: Json, since: float, until: float, is_ascending: bool) -> Json:
        stat = query["MetricStat"]
        metric, period = stat["Metric"], max(int(stat["Period"]), 60)
        names = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
        is_ours = metric["Namespace"] == "AWS/CloudFront" and names.get("Region") == "Global"
        identity = str(names.get("DistributionId")) if is_ours else ""
        is_known = metric["MetricName"] in _DEFAULT or self._has_additional(identity)
        points = [
            (at, value)
            for at, minutes in sorted(self._periods(identity, since, until, period).items(), reverse=not is_ascending)
            if is_known and (value := _value(metric["MetricName"], stat["Stat"], minutes)) is not None
        ]
        return {
            "Id": query["Id"],
            "Label": query.get("Label") or metric["MetricName"],
            "Timestamps": [at for at, _ in points],
            "Values": [value for _, value in points],
            "StatusCode": "Complete",
        }

    def _periods(self, identity: str, since: float, until: float, period: int) -> dict[int, list[Minute]]:
        """The minutes of each period that has any, from that of `since` on."""
        start, found = since // period * period, dict[int, list[Minute]]()
        for (distribution, number), minute in self._minutes.items():
            if distribution == identity and start <= number * 60 < until:
                found.setdefault(number * 60 // period * period, []).append(minute)
        return found

    def _has_additional(self, identity: str) -> bool:
        subscription = self._account.store.all("monitoring").get(identity)
        return subscription is not None and ">Enabled<" in subscription["config"]


def _value(name: str, statistic: str, minutes: list[Minute]) -> float | None:
    """Of one period; None for a metric or a statistic that CloudFront has not."""
    requests = sum(minute.requests for minute in minutes)
    sums = {
        "Requests": requests,
        "BytesDownloaded": sum(minute.down_bytes for minute in minutes),
        "BytesUploaded": sum(minute.up_bytes for minute in minutes),
    }
    if name in sums:
        return float(sums[name]) if statistic == "Sum" else None
    if name == "OriginLatency":
        return _percentile(sorted(ms for minute in minutes for ms in minute.latencies_ms), statistic)
    if statistic != "Average":
        return None
    if name == "CacheHitRate":
        cacheable = sum(minute.cacheable for minute in minutes)
        return 100 * sum(minute.hits for minute in minutes) / cacheable if cacheable else None
    return _error_rate(name, minutes, requests)


def _error_rate(name: str, minutes: list[Minute], requests: int) -> float | None:
    status = name.removesuffix("ErrorRate")
    classes = {"Total": (400, 600), "4xx": (400, 500), "5xx": (500, 600)}
    low, high = classes.get(status) or ((int(status), int(status) + 1) if status.isdigit() else (0, 0))
    found = sum(count for minute in minutes for code, count in minute.statuses.items() if low <= code < high)
    return 100 * found / requests if high else None


def _percentile(values: list[float], statistic: str) -> float | None:
    if not values or not statistic.startswith("p"):
        return None
    return values[max(math.ceil(float(statistic[1:]) / 100 * len(values)) - 1, 0)]
