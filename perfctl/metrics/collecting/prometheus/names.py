"""What HTTP servers call their metrics: one row a family, the most telling ones first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["duration", "requests", "gauge"]
"""A histogram or summary of durations; a counter of requests; a value."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of metrics, and what its labels are called."""

    name: str
    scale: float = 1.0
    """What makes its unit seconds."""
    route: tuple[str, ...] = ("handler", "route", "path", "uri", "http_route", "endpoint", "view")
    method: tuple[str, ...] = ("method", "http_request_method", "http_method")
    status: tuple[str, ...] = ("status", "status_code", "code", "http_response_status_code", "http_status_code")


DURATIONS = (
    Family("http_server_request_duration_seconds"),  # OpenTelemetry, stable; ASP.NET
    Family("http_server_duration_milliseconds", scale=0.001),  # OpenTelemetry before 1.23
    Family("http_server_duration_seconds"),
    Family("http_server_requests_seconds"),  # Spring, Micronaut (Micrometer)
    Family("http_request_duration_seconds"),  # prometheus-fastapi-instrumentator, go, express, actix
    Family("http_request_duration_highr_seconds"),  # the same of the instrumentator, without labels
    Family("http_requests_duration_seconds"),
    Family("http_request_duration_milliseconds", scale=0.001),
    Family("http_request_duration_ms", scale=0.001),
    Family("starlette_request_duration_seconds"),
    Family("starlette_requests_processing_time_seconds"),
    Family("fastapi_requests_duration_seconds"),
    Family("flask_http_request_duration_seconds"),
    Family("django_http_requests_latency_seconds_by_view_method"),
    Family("django_http_requests_latency_including_middlewares_seconds"),
    Family("rails_request_duration_seconds"),
    Family("caddy_http_request_duration_seconds"),
    Family("traefik_service_request_duration_seconds"),
    Family("traefik_entrypoint_request_duration_seconds"),
    Family("nginx_ingress_controller_request_duration_seconds"),
    Family("istio_request_duration_milliseconds", scale=0.001, status=("response_code",)),
    Family("envoy_http_downstream_rq_time", scale=0.001),
    Family("grpc_server_handling_seconds", route=("grpc_method",), method=(), status=()),
)

REQUESTS = (
    Family("http_requests"),
    Family("http_server_requests"),
    Family("http_requests_count"),
    Family("starlette_requests"),
    Family("fastapi_requests"),
    Family("flask_http_request"),
    Family("django_http_responses_total_by_status"),
    Family("rails_requests"),
    Family("nginx_ingress_controller_requests"),
    Family("nginx_vts_server_requests"),
    Family("nginx_http_requests"),  # stub_status: without a status
    Family("traefik_service_requests"),
    Family("traefik_entrypoint_requests"),
    Family("haproxy_frontend_http_responses"),
    Family("caddy_http_requests"),
    Family("istio_requests", status=("response_code",)),
    Family("envoy_http_downstream_rq", status=("envoy_response_code", "envoy_response_code_class")),
    Family("apache_accesses"),
)
"""Without `_total`, which text of 0.0.4 and of OpenMetrics has alike. `promhttp_metric_handler_requests_total` is not
among them: it counts those who fetch the page."""

OTHERS = {
    "database_query_time_ms": Family("db_client_operation_duration_seconds"),
}
"""Further figures that are measured in an application under a name that is agreed upon."""

STARTED = "process_start_time_seconds"
