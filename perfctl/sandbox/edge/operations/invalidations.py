"""What can be asked about invalidations."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.invalidations import Invalidation
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import (
    check_quantities,
    element,
    leaves,
    listing,
    text_of,
    texts_of,
)


def create_invalidation(call: Call) -> Answer:
    account, distribution_id = call.account, call.names["Id"]
    account.distributions.get(distribution_id)
    batch = call.body()
    if batch.tag != "InvalidationBatch":
        raise ServiceProblem("MalformedXML", f"InvalidationBatch is expected, not {batch.tag}.")
    check_quantities(batch)
    made = account.invalidations.create(
        distribution_id,
        text_of(batch, "CallerReference"),
        texts_of(batch, "Paths"),
        tags_enabled=account.distributions.delivery(distribution_id).tag_header is not None,
    )
    location = call.location(f"/distribution/{distribution_id}/invalidation/{made.identity}")
    return Answer(201, _invalidation(call, made), (location,))


def get_invalidation(call: Call) -> Answer:
    call.account.distributions.get(call.names["Id"])
    return Answer(
        root=_invalidation(call, call.account.invalidations.get(call.names["Id"], call.names["InvalidationId"]))
    )


def list_invalidations(call: Call) -> Answer:
    call.account.distributions.get(call.names["Id"])
    known = call.account.invalidations.newest_first(call.names["Id"])
    shown, page = page_of(call, known, lambda item: item.identity)
    return Answer(
        root=listing(
            "InvalidationList",
            "InvalidationSummary",
            [element("InvalidationSummary", children=_invalidation_facts(call, item)) for item in shown],
            Marker=page.marker,
            NextMarker=page.next_marker,
            MaxItems=page.size,
            IsTruncated=page.is_truncated,
        )
    )


def _invalidation(call: Call, item: Invalidation) -> Element:
    items = element("Items", children=[element("Path", path) for path in item.paths])
    paths = element("Paths", children=[*leaves(Quantity=len(item.paths)), items])
    batch = element("InvalidationBatch", children=[paths, *leaves(CallerReference=item.caller_reference)])
    return element("Invalidation", children=[*_invalidation_facts(call, item), batch])


def _invalidation_facts(call: Call, item: Invalidation) -> list[Element]:
    status = item.status(call.account.clock.now())
    return leaves(Id=item.identity, Status=status, CreateTime=iso(item.created_at))
