"""What can be asked about functions."""

from __future__ import annotations

import base64
import json
from typing import Any
from xml.etree.ElementTree import Element

from perfctl.errors import PerfctlError
from perfctl.sandbox.edge.associations import VIEWER_TRIGGERS
from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.distributions import check_version
from perfctl.sandbox.edge.edge_code import small_function
from perfctl.sandbox.edge.functions import Version
from perfctl.sandbox.edge.identity import function_arn
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import (
    element,
    leaves,
    listing,
    text_of,
)

MAX_EVENT_BYTES = 40_960


def create_function(call: Call) -> Answer:
    name, made = call.account.functions.create(call.body())
    location = call.location(f"/function/{name}")
    return Answer(201, _function(call, name, "DEVELOPMENT", made), (("ETag", made.etag), location))


def get_function(call: Call) -> Answer:
    found = call.account.functions.get(call.names["Name"], _stage(call))
    return Answer(headers=(("ETag", found.etag), ("Content-Type", "application/octet-stream")), raw=found.code)


def describe_function(call: Call) -> Answer:
    stage = _stage(call)
    found = call.account.functions.get(call.names["Name"], stage)
    return Answer(root=_function(call, call.names["Name"], stage, found), headers=(("ETag", found.etag),))


def list_functions(call: Call) -> Answer:
    known = call.account.functions.all(call.parameters.get("Stage"))
    shown, page = page_of(call, known, lambda item: f"{item[0]}/{item[1]}")
    return Answer(
        root=listing(
            "FunctionList",
            "FunctionSummary",
            [_function(call, *item) for item in shown],
            NextMarker=page.next_marker,
            MaxItems=page.size,
        )
    )


def update_function(call: Call) -> Answer:
    changed = call.account.functions.update(call.names["Name"], call.body(), if_match=call.if_match)
    return Answer(
        root=_function(call, call.names["Name"], "DEVELOPMENT", changed),
        headers=(("ETag", changed.etag), ("ETtag", changed.etag)),  # the service's model reads it by this name
    )


def publish_function(call: Call) -> Answer:
    live = call.account.functions.publish(call.names["Name"], if_match=call.if_match)
    return Answer(root=_function(call, call.names["Name"], "LIVE", live))


async def test_function(call: Call) -> Answer:
    """Run it once with the asker's event; what it did wrong is part of the answer."""
    from perfctl.cdn.edge.model import EdgeFunctionError

    name, body = call.names["Name"], call.body()
    stage = text_of(body, "Stage") or "DEVELOPMENT"
    version = call.account.functions.get(name, stage)
    check_version(version.etag, call.if_match)
    event = _event(text_of(body, "EventObject"))
    function = small_function(call.account.functions, name, stage, event["context"]["eventType"])
    try:
        called = await call.account.code.tested(function, event)
    except EdgeFunctionError as error:
        return Answer(root=_test_result(_function(call, name, stage, version), error.logs, error=error.reason))
    except PerfctlError as error:
        raise ServiceProblem("TestFunctionFailed", error.message) from error
    output = json.dumps({"response" if "statusCode" in called.result else "request": called.result})
    summary = _function(call, name, stage, version)
    used = str(called.compute_utilization or 0)
    return Answer(root=_test_result(summary, called.logs, output=output, utilization=used))


def _event(text: str) -> dict[str, Any]:
    """The event, which must say for which trigger it is."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
        event = json.loads(raw)
        is_known = event["context"]["eventType"] in VIEWER_TRIGGERS and isinstance(event["request"], dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ServiceProblem("InvalidArgument", "EventObject is not the JSON of an event.") from None
    if len(raw) > MAX_EVENT_BYTES or not is_known:
        raise ServiceProblem("InvalidArgument", "EventObject is too long, or no event of a viewer.")
    found: dict[str, Any] = event
    return found


def _test_result(
    summary: Element, logs: tuple[str, ...], *, output: str = "", utilization: str = "", error: str = ""
) -> Element:
    lines = element("FunctionExecutionLogs", children=[element("member", _carried(line)) for line in logs])
    told = leaves(ComputeUtilization=utilization, FunctionErrorMessage=_carried(error), FunctionOutput=output)
    return element("TestResult", children=[summary, lines, *told])


def _carried(text: str) -> str:
    """Text that XML can carry."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)


def delete_function(call: Call) -> Answer:
    if call.account.distributions.uses(function_arn(call.names["Name"])):
        raise ServiceProblem("FunctionInUse", "The function is associated with a distribution.")
    call.account.functions.delete(call.names["Name"], if_match=call.if_match)
    return Answer(204)


def _stage(call: Call) -> str:
    return call.parameters.get("Stage") or "DEVELOPMENT"


def _function(call: Call, name: str, stage: str, version: Version) -> Element:
    metadata = leaves(
        FunctionARN=function_arn(name),
        Stage=stage,
        CreatedTime=iso(version.created_at),
        LastModifiedTime=iso(version.modified_at),
    )
    return element(
        "FunctionSummary",
        children=[
            *leaves(Name=name, Status=_status(call, name, stage)),
            version.config_element,
            element("FunctionMetadata", children=metadata),
        ],
    )


def _status(call: Call, name: str, stage: str) -> str:
    if stage != "LIVE":
        return "UNPUBLISHED"
    return "DEPLOYED" if call.account.distributions.uses(function_arn(name)) else "UNASSOCIATED"
