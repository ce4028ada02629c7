"""What can be asked about resource tags and additional metrics."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.sandbox.edge.call import Answer, Call
from perfctl.sandbox.edge.identity import distribution_arn
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import (
    element,
    items_of,
    leaves,
    parse,
    renamed,
    stored,
    text_of,
    texts_of,
)


def list_tags(call: Call) -> Answer:
    tags = call.account.distributions.get(_tagged(call)).tags
    items = [element("Tag", children=leaves(Key=key, Value=value)) for key, value in tags]
    return Answer(root=element("Tags", children=[element("Items", children=items)]))


def tag_resource(call: Call) -> Answer:
    call.account.distributions.tag(_tagged(call), dict(tags_of(call.body())))
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


def tags_of(root: Element) -> tuple[tuple[str, str], ...]:
    """The keys and values of a `Tags` element; InvalidTagging for more or longer ones than allowed."""
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
