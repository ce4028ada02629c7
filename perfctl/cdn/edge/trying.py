"""Calling a function once, with the rules: `perfctl cdn edge run`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perfctl.cdn.edge.events import is_response, request_event, response_event
from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, EdgeRequest, EdgeResponse, Event
from perfctl.cdn.edge.rules import check_result
from perfctl.cdn.edge.running import open_runner
from perfctl.cdn.model.edge_functions import EdgeRun
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.recording.registry import Registry

SOME_ORIGIN: Event = {
    "custom": {
        "customHeaders": {},
        "domainName": "origin.example.com",
        "keepaliveTimeout": 5,
        "path": "",
        "port": 443,
        "protocol": "https",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1.2"],
    }
}
"""Where a request would go that nobody gave an origin."""


async def try_function(
    function: EdgeFunction, event: Event, *, time_limit_ms: float | None = None, recorder: Registry | None = None
) -> EdgeRun:
    """Call a function with an event and judge what it returns; whatever goes wrong in it is part of the answer.

    `recorder` is told how long it took.
    """
    called: Called | None = None
    try:
        runner = await open_runner(function, time_limit_ms=time_limit_ms, recorder=recorder)
        try:
            called = await runner.call(event)
        finally:
            await runner.close()
        result = check_result(function, event, called.result)
    except EdgeFunctionError as error:
        return _failed(function, error, called)
    return EdgeRun(
        function=function.name,
        runtime=function.runtime,
        trigger=function.trigger,
        outcome="response" if is_response(function, result) else "request",
        result=result,
        error=None,
        where=None,
        violations=(),
        viewer_status=None,
        logs=called.logs,
        took_us=round(called.took_us, 1),
        compute_utilization=called.compute_utilization,
    )


def event_of(function: EdgeFunction, request: EdgeRequest, response: EdgeResponse) -> Event:
    """The event of a function's trigger; the response counts at response triggers alone."""
    if function.trigger == "origin-request" and request.origin is None:
        request = replace(request, origin=SOME_ORIGIN)
    if function.is_for_requests:
        return request_event(function, request)
    return response_event(function, request, response)


def check_event(function: EdgeFunction, event: Any) -> Event:
    """An event that somebody wrote. UsageError where it is not of the documented form for this function."""
    if not isinstance(event, dict):
        raise UsageError(f"the event is not an object, but {type(event).__name__}", hint=_form(function))
    if function.is_lambda:
        try:
            fields = event["Records"][0]["cf"]
        except (KeyError, IndexError, TypeError):
            raise UsageError("the event has no Records[0].cf", hint=_form(function)) from None
    else:
        fields = event
    wanted = ("request",) if function.is_for_requests else ("request", "response")
    for name in wanted:
        if not isinstance(fields, dict) or not isinstance(fields.get(name), dict):
            raise UsageError(f"the event has no {name}", hint=_form(function))
    for name in wanted:
        for group in ("headers",) if function.is_lambda else ("headers", "querystring", "cookies"):
            _check_fields(function, f"{name}.{group}", fields[name].get(group, {}))
    return event


def _check_fields(function: EdgeFunction, group: str, fields: Any) -> None:
    """Each field has string values: a list of them, and in CloudFront Functions one, maybe with `multiValue`."""
    if not isinstance(fields, dict):
        raise UsageError(f"{group} of the event is not an object", hint=_form(function))
    for name, field in fields.items():
        several = field if function.is_lambda else [field, *_several(field)]
        if not isinstance(several, list) or not all(_has_value(one) for one in several):
            raise UsageError(f"{group}.{name} of the event is not of the documented form", hint=_form(function))


def _several(field: Any) -> list[Any]:
    values = field.get("multiValue", []) if isinstance(field, dict) else []
    return values if isinstance(values, list) else [values]


def _has_value(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("value"), str)


def _form(function: EdgeFunction) -> str:
    kind = "Lambda@Edge" if function.is_lambda else "CloudFront Functions"
    return f"give the JSON that {kind} gets at {function.trigger}, or build it with --url"


def _failed(function: EdgeFunction, error: EdgeFunctionError, called: Called | None) -> EdgeRun:
    return EdgeRun(
        function=function.name,
        runtime=function.runtime,
        trigger=function.trigger,
        outcome="error",
        result=called.result if called is not None and isinstance(called.result, dict) else None,
        error=error.reason,
        where=error.where,
        violations=error.reasons if error.fault == "validation" else (),
        viewer_status=error.status,
        logs=called.logs if called is not None else error.logs,
        took_us=round(called.took_us, 1) if called is not None else None,
        compute_utilization=called.compute_utilization if called is not None else None,
    )
