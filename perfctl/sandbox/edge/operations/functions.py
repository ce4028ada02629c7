"""What can be asked about functions."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.functions import Version
from perfctl.sandbox.edge.identity import function_arn
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import (
    element,
    leaves,
    listing,
)


def create_function(call: Call) -> Answer:
    name, made = call.account.functions.create(call.body())
    location = call.location(f"/function/{name}")
    return Answer(201, _function(name, "DEVELOPMENT", made), (("ETag", made.etag), location))


def get_function(call: Call) -> Answer:
    found = call.account.functions.get(call.names["Name"], _stage(call))
    return Answer(headers=(("ETag", found.etag), ("Content-Type", "application/octet-stream")), raw=found.code)


def describe_function(call: Call) -> Answer:
    stage = _stage(call)
    found = call.account.functions.get(call.names["Name"], stage)
    return Answer(root=_function(call.names["Name"], stage, found), headers=(("ETag", found.etag),))


def list_functions(call: Call) -> Answer:
    known = call.account.functions.all(call.parameters.get("Stage"))
    shown, page = page_of(call, known, lambda item: f"{item[0]}/{item[1]}")
    return Answer(
        root=listing(
            "FunctionList",
            "FunctionSummary",
            [_function(*item) for item in shown],
            NextMarker=page.next_marker,
            MaxItems=page.size,
        )
    )


def update_function(call: Call) -> Answer:
    changed = call.account.functions.update(call.names["Name"], call.body(), if_match=call.if_match)
    return Answer(
        root=_function(call.names["Name"], "DEVELOPMENT", changed),
        headers=(("ETag", changed.etag), ("ETtag", changed.etag)),  # the service's model reads it by this name
    )


def publish_function(call: Call) -> Answer:
    live = call.account.functions.publish(call.names["Name"], if_match=call.if_match)
    return Answer(root=_function(call.names["Name"], "LIVE", live))


def test_function(call: Call) -> Answer:
    call.account.functions.get(call.names["Name"])
    raise ServiceProblem("UnsupportedOperation", "The local CloudFront does not run functions yet.")


def delete_function(call: Call) -> Answer:
    if call.account.distributions.uses(function_arn(call.names["Name"])):
        raise ServiceProblem("FunctionInUse", "The function is associated with a distribution.")
    call.account.functions.delete(call.names["Name"], if_match=call.if_match)
    return Answer(204)


def _stage(call: Call) -> str:
    return call.parameters.get("Stage") or "DEVELOPMENT"


def _function(name: str, stage: str, version: Version) -> Element:
    metadata = leaves(
        FunctionARN=function_arn(name),
        Stage=stage,
        CreatedTime=iso(version.created_at),
        LastModifiedTime=iso(version.modified_at),
    )
    return element(
        "FunctionSummary",
        children=[
            *leaves(Name=name, Status="UNASSOCIATED" if stage == "LIVE" else "UNPUBLISHED"),
            version.config_element,
            element("FunctionMetadata", children=metadata),
        ],
    )
