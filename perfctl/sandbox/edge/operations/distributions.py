"""What can be asked about distributions."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.distributions import Distribution
from perfctl.sandbox.edge.identity import distribution_arn
from perfctl.sandbox.edge.operations.extras import tags_of
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import (
    element,
    leaves,
    listing,
)


def create_distribution(call: Call) -> Answer:
    return _created(call, call.account.distributions.create(call.body()))


def create_distribution_with_tags(call: Call) -> Answer:
    body = call.body()
    config = body.find("DistributionConfig")
    if config is None:
        raise ServiceProblem("InvalidArgument", "DistributionConfig is missing.")
    tags = body.find("Tags")
    return _created(call, call.account.distributions.create(config, tags=() if tags is None else tags_of(tags)))


def get_distribution(call: Call) -> Answer:
    found = call.account.distributions.get(call.names["Id"])
    return Answer(root=_distribution(call, found), headers=(("ETag", found.etag),))


def get_distribution_config(call: Call) -> Answer:
    found = call.account.distributions.get(call.names["Id"])
    return Answer(root=found.config_element, headers=(("ETag", found.etag),))


def list_distributions(call: Call) -> Answer:
    known = sorted(call.account.distributions.all(), key=lambda item: item.identity)
    shown, page = page_of(call, known, lambda item: item.identity)
    return Answer(
        root=listing(
            "DistributionList",
            "DistributionSummary",
            [_distribution_summary(call, item) for item in shown],
            Marker=page.marker,
            NextMarker=page.next_marker,
            MaxItems=page.size,
            IsTruncated=page.is_truncated,
        )
    )


def update_distribution(call: Call) -> Answer:
    changed = call.account.distributions.update(call.names["Id"], call.body(), if_match=call.if_match)
    return Answer(root=_distribution(call, changed), headers=(("ETag", changed.etag),))


def delete_distribution(call: Call) -> Answer:
    call.account.distributions.delete(call.names["Id"], if_match=call.if_match)
    call.account.invalidations.forget(call.names["Id"])
    return Answer(204)


def _created(call: Call, made: Distribution) -> Answer:
    location = call.location(f"/distribution/{made.identity}")
    return Answer(201, _distribution(call, made), (("ETag", made.etag), location))


def _distribution(call: Call, item: Distribution) -> Element:
    config = item.config_element
    batches = len(call.account.invalidations.in_progress(item.identity))
    nobody = leaves(Enabled=False, Quantity=0)
    return element(
        "Distribution",
        children=[
            *_distribution_facts(call, item),
            *leaves(InProgressInvalidationBatches=batches, DomainName=item.domain),
            element("ActiveTrustedSigners", children=nobody),
            element("ActiveTrustedKeyGroups", children=nobody),
            config,
        ],
    )


def _distribution_facts(call: Call, item: Distribution) -> list[Element]:
    deploying = call.account.clock.now() < item.modified_at + call.account.invalidations.completion_seconds
    return leaves(
        Id=item.identity,
        ARN=distribution_arn(item.identity),
        Status="InProgress" if deploying else "Deployed",
        LastModifiedTime=iso(item.modified_at),
    )


_NOT_IN_SUMMARY = frozenset(("CallerReference", "DefaultRootObject", "Logging", "CacheTagConfig"))


def _distribution_summary(call: Call, item: Distribution) -> Element:
    config = [child for child in item.config_element if child.tag not in _NOT_IN_SUMMARY]
    facts = [*_distribution_facts(call, item), *leaves(ETag=item.etag, DomainName=item.domain)]
    return element("DistributionSummary", children=[*facts, *config])
