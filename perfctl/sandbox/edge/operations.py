"""What the control plane can be asked: one function an operation, from call to answer."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call, page_of
from perfctl.sandbox.edge.clock import iso
from perfctl.sandbox.edge.distributions import Distribution
from perfctl.sandbox.edge.functions import Version
from perfctl.sandbox.edge.identity import distribution_arn, function_arn
from perfctl.sandbox.edge.invalidations import Invalidation
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.shelf import Policy, Shelf
from perfctl.sandbox.edge.xml import (
    check_quantities,
    element,
    items_of,
    leaves,
    listing,
    parse,
    renamed,
    stored,
    text_of,
    texts_of,
)

PATH = "/2020-05-31"

# -- distributions ----------------------------------------------------------------------------------------------


def create_distribution(call: Call) -> Answer:
    return _created(call, call.account.distributions.create(call.body()))


def create_distribution_with_tags(call: Call) -> Answer:
    body = call.body()
    config = body.find("DistributionConfig")
    if config is None:
        raise ServiceProblem("InvalidArgument", "DistributionConfig is missing.")
    tags = body.find("Tags")
    return _created(call, call.account.distributions.create(config, tags=() if tags is None else _tags(tags)))


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
    location = f"{_base(call)}/distribution/{made.identity}"
    return Answer(201, _distribution(call, made), (("ETag", made.etag), ("Location", location)))


def _base(call: Call) -> str:
    return f"http://{call.request.headers.get('host') or 'cloudfront.amazonaws.com'}{PATH}"


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


# -- invalidations ----------------------------------------------------------------------------------------------


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
    location = f"{_base(call)}/distribution/{distribution_id}/invalidation/{made.identity}"
    return Answer(201, _invalidation(call, made), (("Location", location),))


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


# -- policies ---------------------------------------------------------------------------------------------------


def list_cache_policies(call: Call) -> Answer:
    return _list_policies(call, call.account.cache_policies)


def get_cache_policy(call: Call) -> Answer:
    return _get_policy(call, call.account.cache_policies)


def get_cache_policy_config(call: Call) -> Answer:
    return _get_policy_config(call, call.account.cache_policies)


def create_cache_policy(call: Call) -> Answer:
    made = call.account.cache_policies.create(call.body())
    location = f"{_base(call)}/cache-policy/{made.identity}"
    return Answer(201, _policy("CachePolicy", made), (("ETag", made.etag), ("Location", location)))


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


# -- functions --------------------------------------------------------------------------------------------------


def create_function(call: Call) -> Answer:
    name, made = call.account.functions.create(call.body())
    location = f"{_base(call)}/function/{name}"
    return Answer(201, _function(name, "DEVELOPMENT", made), (("ETag", made.etag), ("Location", location)))


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


# -- resource tags, additional metrics --------------------------------------------------------------------------


def list_tags(call: Call) -> Answer:
    tags = call.account.distributions.get(_tagged(call)).tags
    items = [element("Tag", children=leaves(Key=key, Value=value)) for key, value in tags]
    return Answer(root=element("Tags", children=[element("Items", children=items)]))


def tag_resource(call: Call) -> Answer:
    call.account.distributions.tag(_tagged(call), dict(_tags(call.body())))
    return Answer(204)


def untag_resource(call: Call) -> Answer:
    call.account.distributions.tag(_tagged(call), {}, without=texts_of(call.body(), ""))
    return Answer(204)


def _tagged(call: Call) -> str:
    resource = call.parameters.get("Resource", "")
    identity = resource.rpartition("/")[2]
    if resource != distribution_arn(identity) or not any(
        known.identity == identity for known in call.account.distributions.all()
    ):
        raise ServiceProblem("NoSuchResource", f"The resource does not exist: {resource[:200]!r}.")
    return identity


def _tags(root: Element) -> tuple[tuple[str, str], ...]:
    tags = tuple((text_of(tag, "Key"), text_of(tag, "Value")) for tag in items_of(root, ""))
    if any(not key or len(key) > 128 or len(value) > 256 for key, value in tags) or len(tags) > 50:
        raise ServiceProblem(
            "InvalidTagging", "A resource has at most 50 tags, each with a key of 1 to 128 characters."
        )
    return tags


def get_monitoring_subscription(call: Call) -> Answer:
    found = call.account.store.all("monitoring").get(call.account.distributions.get(call.names["Id"]).identity)
    if found is None:
        raise ServiceProblem("NoSuchMonitoringSubscription", "The distribution has no monitoring subscription.")
    return Answer(root=parse(found["config"].encode()))


def create_monitoring_subscription(call: Call) -> Answer:
    config = renamed(call.body(), "MonitoringSubscription")
    identity = call.account.distributions.get(call.names["Id"]).identity
    call.account.store.put("monitoring", identity, {"config": stored(config)})
    return Answer(root=config)


def delete_monitoring_subscription(call: Call) -> Answer:
    get_monitoring_subscription(call)
    call.account.store.delete("monitoring", call.names["Id"])
    return Answer(200)
