"""What can be asked about policies."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.shelf import Policy, Shelf
from perfctl.sandbox.edge.xml import (
    element,
    leaves,
    listing,
)


def list_cache_policies(call: Call) -> Answer:
    return _list_policies(call, call.account.cache_policies)


def get_cache_policy(call: Call) -> Answer:
    return _get_policy(call, call.account.cache_policies)


def get_cache_policy_config(call: Call) -> Answer:
    return _get_policy_config(call, call.account.cache_policies)


def create_cache_policy(call: Call) -> Answer:
    made = call.account.cache_policies.create(call.body())
    location = call.location(f"/cache-policy/{made.identity}")
    return Answer(201, _policy("CachePolicy", made), (("ETag", made.etag), location))


def update_cache_policy(call: Call) -> Answer:
    changed = call.account.cache_policies.update(call.names["Id"], call.body(), if_match=call.if_match)
    call.account.distributions.reread()
    return Answer(root=_policy("CachePolicy", changed), headers=(("ETag", changed.etag),))


def delete_cache_policy(call: Call) -> Answer:
    if call.account.distributions.uses(call.names["Id"]):
        raise ServiceProblem("CachePolicyInUse", "The cache policy is attached to a distribution.")
    call.account.cache_policies.delete(call.names["Id"], if_match=call.if_match)
    return Answer(204)


def list_origin_request_policies(call: Call) -> Answer:
    return _list_policies(call, call.account.origin_request_policies)


def get_origin_request_policy(call: Call) -> Answer:
    return _get_policy(call, call.account.origin_request_policies)


def list_response_headers_policies(call: Call) -> Answer:
    return _list_policies(call, call.account.response_headers_policies)


def get_response_headers_policy(call: Call) -> Answer:
    return _get_policy(call, call.account.response_headers_policies)


def _list_policies(call: Call, shelf: Shelf) -> Answer:
    wanted = call.parameters.get("Type")
    known = [item for item in shelf.all() if wanted in (None, _type(item))]
    shown, page = page_of(call, known, lambda item: item.identity)
    summaries = [element("Summary", children=[*leaves(Type=_type(item)), _policy(shelf.kind, item)]) for item in shown]
    return Answer(
        root=listing(
            f"{shelf.kind}List",
            f"{shelf.kind}Summary",
            summaries,
            NextMarker=page.next_marker,
            MaxItems=page.size,
        )
    )


def _get_policy(call: Call, shelf: Shelf) -> Answer:
    found = shelf.get(call.names["Id"])
    return Answer(root=_policy(shelf.kind, found), headers=(("ETag", found.etag),))


def _get_policy_config(call: Call, shelf: Shelf) -> Answer:
    found = shelf.get(call.names["Id"])
    return Answer(root=found.config_element, headers=(("ETag", found.etag),))


def _type(policy: Policy) -> str:
    return "managed" if policy.is_managed else "custom"


def _policy(kind: str, policy: Policy) -> Element:
    facts = leaves(Id=policy.identity, LastModifiedTime=iso(policy.modified_at))
    return element(kind, children=[*facts, policy.config_element])
