"""What can be asked about policies: the same of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.shelf import Policy, Shelf
from perfctl.sandbox.edge.xml import element, leaves, listing


@dataclass(frozen=True, slots=True)
class PolicyOperations:
    """The operations on one kind of policy, which lie below `path`."""

    path: str
    shelf: Callable[[Account], Shelf]

    def list(self, call: Call) -> Answer:
        shelf = self.shelf(call.account)
        wanted = call.parameters.get("Type")
        known = [item for item in shelf.all() if wanted in (None, _type(item))]
        shown, page = page_of(call, known, lambda item: item.identity)
        summaries = [
            element("Summary", children=[*leaves(Type=_type(item)), _policy(shelf.kind, item)]) for item in shown
        ]
        kind, place = shelf.kind, {"NextMarker": page.next_marker, "MaxItems": page.size}
        return Answer(root=listing(f"{kind}List", f"{kind}Summary", summaries, **place))

    def get(self, call: Call) -> Answer:
        shelf = self.shelf(call.account)
        return _answer(shelf.kind, shelf.get(call.names["Id"]))

    def get_config(self, call: Call) -> Answer:
        found = self.shelf(call.account).get(call.names["Id"])
        return Answer(root=found.config_element, headers=(("ETag", found.etag),))

    def create(self, call: Call) -> Answer:
        shelf = self.shelf(call.account)
        made = shelf.create(call.body())
        location = call.location(f"/{self.path}/{made.identity}")
        return Answer(201, _policy(shelf.kind, made), (("ETag", made.etag), location))

    def update(self, call: Call) -> Answer:
        shelf = self.shelf(call.account)
        changed = shelf.update(call.names["Id"], call.body(), if_match=call.if_match)
        call.account.distributions.reread()
        return _answer(shelf.kind, changed)

    def delete(self, call: Call) -> Answer:
        shelf = self.shelf(call.account)
        if call.account.distributions.uses(call.names["Id"]):
            raise ServiceProblem(f"{shelf.kind}InUse", "The policy is attached to a distribution.")
        shelf.delete(call.names["Id"], if_match=call.if_match)
        return Answer(204)


CACHE = PolicyOperations("cache-policy", lambda account: account.cache_policies)
ORIGIN_REQUEST = PolicyOperations("origin-request-policy", lambda account: account.origin_request_policies)
RESPONSE_HEADERS = PolicyOperations("response-headers-policy", lambda account: account.response_headers_policies)


def _answer(kind: str, policy: Policy) -> Answer:
    return Answer(root=_policy(kind, policy), headers=(("ETag", policy.etag),))


def _type(policy: Policy) -> str:
    return "managed" if policy.is_managed else "custom"


def _policy(kind: str, policy: Policy) -> Element:
    facts = leaves(Id=policy.identity, LastModifiedTime=iso(policy.modified_at))
    return element(kind, children=[*facts, policy.config_element])
