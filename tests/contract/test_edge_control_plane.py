"""One contract for CloudFront's control plane: ours, and two other emulators as a second and third opinion.

Where another emulator is known to differ, `DIFFERENCES` says so and why; the test then has to fail there, so that
the row goes when the emulator changes. Every operation of ours is asked by at least one test.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import botocore.session
import pytest
from botocore.exceptions import ClientError, WaiterError

from perfctl.cdn.delivery.policies import CACHING_DISABLED, MANAGED
from perfctl.sandbox.edge.control import OPERATIONS
from tests.contract.edge_emulators import NAMES, SERVERS
from tests.integration.edge.process import client

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

DIFFERENCES: dict[tuple[str, str], str] = {
    ("ministack", "test_a_page_has_no_more_than_was_asked_for"): "ignores MaxItems",
    ("ministack", "test_invalidations_are_listed_newest_first_over_pages"): "ignores MaxItems, oldest first",
    ("ministack", "test_a_reference_makes_one_distribution"): "does not remember a distribution's reference",
    ("ministack", "test_an_origin_that_does_not_exist_is_refused"): "does not look origins up",
    ("ministack", "test_an_invalidation_begins_in_progress"): "completes at once",
    ("ministack", "test_fifteen_wildcards_are_in_progress_at_most"): "has no quotas",
    ("ministack", "test_a_batch_has_3000_paths_at_most"): "has no quotas",
    ("ministack", "test_a_quantity_that_lies_is_refused"): "does not count items",
    ("ministack", "test_a_path_that_is_none_is_refused"): "checks no path",
    ("ministack", "test_a_policy_lives_as_long_as_nobody_uses_it"): "deletes a policy that is in use",
    ("ministack", "test_times_out_of_order_are_refused"): "does not compare times",
    ("ministack", "test_a_function_goes_from_development_to_live"): "wants Stage where the model has it optional",
    ("ministack", "test_a_function_that_does_not_exist_cannot_be_tested"): "does not have the operation",
    ("ministack", "test_the_reference_of_a_distribution_stays"): "lets it be changed",
    ("ministack", "test_a_function_of_an_old_version_is_not_changed"): "ignores If-Match",
    ("ministack", "test_a_function_that_does_not_exist_is_not_associated"): "does not look functions up",
    ("ministack", "test_an_association_without_a_version_is_refused"): "does not look at the ARN",
    ("ministack", "test_a_function_is_run_when_it_is_tested"): "does not have the operation",
    ("moto", "test_the_reference_of_a_distribution_stays"): "lets it be changed",
    ("moto", "test_an_origin_request_policy_is_made_changed_and_deleted"): "has no policies",
    ("moto", "test_a_response_headers_policy_is_made_changed_and_deleted"): "has no policies",
    ("moto", "test_a_policy_of_an_old_version_is_not_changed"): "has no policies",
    ("moto", "test_a_function_of_an_old_version_is_not_changed"): "cannot update or publish a function",
    ("moto", "test_a_published_function_is_associated_with_a_behaviour"): "cannot update or publish a function",
    ("moto", "test_a_function_that_does_not_exist_is_not_associated"): "does not look functions up",
    ("moto", "test_an_association_without_a_version_is_refused"): "does not look at the ARN",
    ("moto", "test_a_function_is_run_when_it_is_tested"): "does not have the operation",
    ("moto", "test_an_update_changes_the_version"): "keeps the ETag over an update",
    ("moto", "test_an_update_of_an_old_version_is_refused"): "ignores If-Match",
    ("moto", "test_an_enabled_distribution_is_not_deleted"): "deletes what is enabled",
    ("moto", "test_an_invalidation_begins_in_progress"): "completes at once",
    ("moto", "test_the_waiter_of_boto3_sees_the_completion"): "says COMPLETED for Completed",
    ("moto", "test_invalidations_are_listed_newest_first_over_pages"): "lists the oldest first",
    ("moto", "test_the_same_reference_and_paths_give_the_old_invalidation"): "ignores CallerReference",
    ("moto", "test_the_same_reference_with_other_paths_is_refused"): "ignores CallerReference",
    ("moto", "test_fifteen_wildcards_are_in_progress_at_most"): "has no quotas",
    ("moto", "test_a_batch_has_3000_paths_at_most"): "has no quotas",
    ("moto", "test_a_quantity_that_lies_is_refused"): "does not count items",
    ("moto", "test_a_path_that_is_none_is_refused"): "checks no path",
    ("moto", "test_what_does_not_exist_is_named"): "answers for distributions that do not exist",
    ("moto", "test_the_managed_policies_have_their_ids"): "has no policies",
    ("moto", "test_a_policy_lives_as_long_as_nobody_uses_it"): "has no policies",
    ("moto", "test_times_out_of_order_are_refused"): "has no policies",
    ("moto", "test_the_managed_origin_request_policies_are_there"): "has no policies",
    ("moto", "test_the_managed_response_headers_policies_are_there"): "has no policies",
    ("moto", "test_a_function_goes_from_development_to_live"): "cannot update or publish a function",
    ("moto", "test_a_function_that_does_not_exist_cannot_be_tested"): "does not have the operation",
    ("moto", "test_additional_metrics_are_off_until_they_are_switched_on"): "does not have the operations",
}

CODE = b"function handler(event) { event.request.uri = '/seen'; return event.request; }"
ASKED: set[str] = set()
_NUMBERS = itertools.count()

Test = TypeVar("Test", bound=Callable[..., None])


def asks(*operations: str) -> Callable[[Test], Test]:
    """Say which operations a test covers."""

    def note(test: Test) -> Test:
        ASKED.update(operations)
        return test

    return note


@dataclass(frozen=True, slots=True)
class Plane:
    """An emulator, and boto3's client of it."""

    name: str
    cloudfront: CloudFrontClient


@pytest.fixture(
    scope="module",
    params=NAMES,
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    name: str = request.param
    with SERVERS[name](tmp_path_factory.mktemp(name)) as endpoint:
        yield Plane(name, client("cloudfront", endpoint))


@pytest.fixture
def plane(server: Plane, request: pytest.FixtureRequest) -> Plane:
    test = request.node.originalname
    if reason := DIFFERENCES.get((server.name, test)):
        request.applymarker(pytest.mark.xfail(reason=f"{server.name} {reason}", strict=True))
    return server


@pytest.fixture
def cloudfront(plane: Plane) -> CloudFrontClient:
    return plane.cloudfront


def unique(word: str) -> str:
    return f"{word}-{next(_NUMBERS)}"


def config(**changes: Any) -> Any:
    """A DistributionConfig with what every emulator needs."""
    return {
        "CallerReference": unique("reference"),
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "main",
                    "DomainName": "origin.example.com",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "http-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "main",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": CACHING_DISABLED,
        },
        "Comment": "contract",
        "Enabled": True,
        **changes,
    }


def distribution(cloudfront: CloudFrontClient, **changes: Any) -> str:
    return cloudfront.create_distribution(DistributionConfig=config(**changes))["Distribution"]["Id"]


def batch(*paths: str, reference: str | None = None, quantity: int | None = None) -> Any:
    number = len(paths) if quantity is None else quantity
    return {"Paths": {"Quantity": number, "Items": list(paths)}, "CallerReference": reference or unique("batch")}


def refused(call: Callable[..., object], **arguments: Any) -> tuple[str, int]:
    """The error's code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


# -- distributions ----------------------------------------------------------------------------------------------


@asks("CreateDistribution", "GetDistribution", "GetDistributionConfig")
def test_a_distribution_comes_back_as_it_was_sent(cloudfront: CloudFrontClient) -> None:
    sent = config(Comment="héé & <b>", DefaultRootObject="index.html")
    made = cloudfront.create_distribution(DistributionConfig=sent)
    identity = made["Distribution"]["Id"]
    held = cloudfront.get_distribution_config(Id=identity)
    assert made["ETag"] == held["ETag"] == cloudfront.get_distribution(Id=identity)["ETag"]
    assert {name: held["DistributionConfig"][name] for name in ("Comment", "DefaultRootObject", "Enabled")} == {
        "Comment": "héé & <b>",
        "DefaultRootObject": "index.html",
        "Enabled": True,
    }
    assert held["DistributionConfig"]["DefaultCacheBehavior"]["CachePolicyId"] == CACHING_DISABLED


@asks("CreateDistributionWithTags", "ListTagsForResource", "TagResource", "UntagResource")
def test_tags_are_kept_added_and_removed(cloudfront: CloudFrontClient) -> None:
    made = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": config(),
            "Tags": {"Items": [{"Key": "team", "Value": "web"}]},
        }
    )
    resource = made["Distribution"]["ARN"]
    cloudfront.tag_resource(Resource=resource, Tags={"Items": [{"Key": "stage", "Value": "test"}]})
    cloudfront.untag_resource(Resource=resource, TagKeys={"Items": ["team"]})
    tags = cloudfront.list_tags_for_resource(Resource=resource)["Tags"]
    assert tags["Items"] == [{"Key": "stage", "Value": "test"}]


@asks("ListDistributions")
def test_every_distribution_is_listed_once_over_pages(cloudfront: CloudFrontClient) -> None:
    made = {distribution(cloudfront) for _ in range(3)}
    pages = cloudfront.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 2})
    listed = [item["Id"] for page in pages for item in page["DistributionList"].get("Items", [])]
    assert made <= set(listed)
    assert len(listed) == len(set(listed))


@asks("ListDistributions")
def test_a_page_has_no_more_than_was_asked_for(cloudfront: CloudFrontClient) -> None:
    for _ in range(2):
        distribution(cloudfront)
    page = cloudfront.list_distributions(MaxItems="1")["DistributionList"]
    assert (len(page["Items"]), page["IsTruncated"], page["Quantity"]) == (1, True, 1)


@asks("UpdateDistribution")
def test_an_update_changes_the_version(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    held = cloudfront.get_distribution_config(Id=identity)
    held["DistributionConfig"]["Comment"] = "changed"
    changed = cloudfront.update_distribution(
        Id=identity, IfMatch=held["ETag"], DistributionConfig=held["DistributionConfig"]
    )
    now = cloudfront.get_distribution_config(Id=identity)
    assert (now["DistributionConfig"]["Comment"], now["ETag"]) == ("changed", changed["ETag"])
    assert changed["ETag"] != held["ETag"]


@asks("UpdateDistribution")
def test_an_update_of_an_old_version_is_refused(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    held = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    error = refused(cloudfront.update_distribution, Id=identity, IfMatch="EOLD", DistributionConfig=held)
    assert error == ("PreconditionFailed", 412)


@asks("UpdateDistribution")
def test_an_update_without_a_version_is_refused(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    held = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    error = refused(cloudfront.update_distribution, Id=identity, DistributionConfig=held)
    assert error == ("InvalidIfMatchVersion", 400)


@asks("GetDistributionConfig", "UpdateDistribution")
def test_what_an_update_does_not_touch_stays(cloudfront: CloudFrontClient) -> None:
    errors = {
        "Quantity": 1,
        "Items": [{"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 30}],
    }
    logging = {"Enabled": True, "IncludeCookies": False, "Bucket": "logs.s3.amazonaws.com", "Prefix": "cdn/"}
    identity = distribution(
        cloudfront,
        Aliases={"Quantity": 1, "Items": [f"{unique('www')}.example.com"]},
        CustomErrorResponses=errors,
        Logging=logging,
        PriceClass="PriceClass_100",
        DefaultRootObject="index.html",
    )
    before = cloudfront.get_distribution_config(Id=identity)
    wanted: Any = before["DistributionConfig"]
    wanted["DefaultCacheBehavior"]["Compress"] = True
    wanted["Comment"] = "read, changed, written"
    cloudfront.update_distribution(Id=identity, IfMatch=before["ETag"], DistributionConfig=wanted)
    now = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    assert now == wanted
    assert (now["Logging"], now["CustomErrorResponses"]) == (logging, errors)


@asks("UpdateDistribution")
def test_the_reference_of_a_distribution_stays(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    held = cloudfront.get_distribution_config(Id=identity)
    held["DistributionConfig"]["CallerReference"] = unique("another")
    code, _ = refused(
        cloudfront.update_distribution,
        Id=identity,
        IfMatch=held["ETag"],
        DistributionConfig=held["DistributionConfig"],
    )
    assert code in ("IllegalUpdate", "PreconditionFailed")


@asks("DeleteDistribution")
def test_a_distribution_is_deleted_after_it_was_disabled(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront, Enabled=False)
    cloudfront.delete_distribution(Id=identity, IfMatch=cloudfront.get_distribution(Id=identity)["ETag"])
    assert refused(cloudfront.get_distribution, Id=identity) == ("NoSuchDistribution", 404)


@asks("DeleteDistribution")
def test_an_enabled_distribution_is_not_deleted(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    etag = cloudfront.get_distribution(Id=identity)["ETag"]
    assert refused(cloudfront.delete_distribution, Id=identity, IfMatch=etag) == ("DistributionNotDisabled", 409)


@asks("CreateDistribution")
def test_a_reference_makes_one_distribution(cloudfront: CloudFrontClient) -> None:
    sent = config()
    cloudfront.create_distribution(DistributionConfig=sent)
    assert refused(cloudfront.create_distribution, DistributionConfig=sent) == ("DistributionAlreadyExists", 409)


@asks("CreateDistribution")
def test_an_origin_that_does_not_exist_is_refused(cloudfront: CloudFrontClient) -> None:
    behaviour = {**config()["DefaultCacheBehavior"], "TargetOriginId": "elsewhere"}
    error = refused(cloudfront.create_distribution, DistributionConfig=config(DefaultCacheBehavior=behaviour))
    assert error == ("NoSuchOrigin", 404)


# -- invalidations ----------------------------------------------------------------------------------------------


@asks("CreateInvalidation", "GetInvalidation")
def test_an_invalidation_comes_back_as_it_was_sent(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    sent = batch("/a", "/b/*")
    made = cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=sent)["Invalidation"]
    held = cloudfront.get_invalidation(DistributionId=identity, Id=made["Id"])["Invalidation"]
    assert made["InvalidationBatch"] == held["InvalidationBatch"] == sent


@asks("CreateInvalidation")
def test_an_invalidation_begins_in_progress(cloudfront: CloudFrontClient) -> None:
    made = cloudfront.create_invalidation(DistributionId=distribution(cloudfront), InvalidationBatch=batch("/a"))
    assert made["Invalidation"]["Status"] == "InProgress"


@asks("GetInvalidation")
def test_the_waiter_of_boto3_sees_the_completion(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    made = cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=batch("/a"))["Invalidation"]
    waiter = cloudfront.get_waiter("invalidation_completed")
    with contextlib.suppress(WaiterError):
        waiter.wait(DistributionId=identity, Id=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    held = cloudfront.get_invalidation(DistributionId=identity, Id=made["Id"])
    assert held["Invalidation"]["Status"] == "Completed"


@asks("ListInvalidations")
def test_invalidations_are_listed_newest_first_over_pages(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    made = []
    for number in range(5):
        answer = cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=batch(f"/{number}"))
        made.append(answer["Invalidation"]["Id"])
    pages = list(
        cloudfront.get_paginator("list_invalidations").paginate(
            DistributionId=identity, PaginationConfig={"PageSize": 2}
        )
    )
    sizes = [page["InvalidationList"]["Quantity"] for page in pages]
    listed = [item["Id"] for page in pages for item in page["InvalidationList"]["Items"]]
    assert (listed, sizes) == (made[::-1], [2, 2, 1])


@asks("CreateInvalidation")
def test_the_same_reference_and_paths_give_the_old_invalidation(cloudfront: CloudFrontClient) -> None:
    identity, sent = distribution(cloudfront), batch("/a")
    ids = {
        cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=sent)["Invalidation"]["Id"]
        for _ in range(2)
    }
    assert len(ids) == 1


@asks("CreateInvalidation")
def test_the_same_reference_with_other_paths_is_refused(cloudfront: CloudFrontClient) -> None:
    identity, reference = distribution(cloudfront), unique("same")
    cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=batch("/a", reference=reference))
    code, _ = refused(
        cloudfront.create_invalidation, DistributionId=identity, InvalidationBatch=batch("/b", reference=reference)
    )
    assert code == "InvalidationBatchAlreadyExists"


@asks("CreateInvalidation")
def test_fifteen_wildcards_are_in_progress_at_most(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    too_many = batch(*(f"/{number}/*" for number in range(16)))
    error = refused(cloudfront.create_invalidation, DistributionId=identity, InvalidationBatch=too_many)
    assert error == ("TooManyInvalidationsInProgress", 400)


@asks("CreateInvalidation")
def test_a_batch_has_3000_paths_at_most(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    too_large = batch(*(f"/{number}" for number in range(3_001)))
    error = refused(cloudfront.create_invalidation, DistributionId=identity, InvalidationBatch=too_large)
    assert error == ("BatchTooLarge", 413)


@asks("CreateInvalidation")
def test_a_quantity_that_lies_is_refused(cloudfront: CloudFrontClient) -> None:
    error = refused(
        cloudfront.create_invalidation,
        DistributionId=distribution(cloudfront),
        InvalidationBatch=batch("/a", quantity=2),
    )
    assert error == ("InconsistentQuantities", 400)


@pytest.mark.parametrize("path", ["no-slash", "/mid*dle", "/with space", "/" + "a" * 4_000, "#tag-without-config"])
@asks("CreateInvalidation")
def test_a_path_that_is_none_is_refused(cloudfront: CloudFrontClient, path: str) -> None:
    error = refused(
        cloudfront.create_invalidation, DistributionId=distribution(cloudfront), InvalidationBatch=batch(path)
    )
    assert error == ("InvalidArgument", 400)


@asks("CreateInvalidation")
def test_a_tag_is_accepted_where_the_distribution_reads_tags(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront, CacheTagConfig={"HeaderName": "cache-tag"})
    held = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    made = cloudfront.create_invalidation(DistributionId=identity, InvalidationBatch=batch("#product-1", "/a"))
    assert held["CacheTagConfig"] == {"HeaderName": "cache-tag"}
    assert made["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] == ["#product-1", "/a"]


@asks("CreateInvalidation", "GetInvalidation", "ListInvalidations")
def test_what_does_not_exist_is_named(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    assert refused(cloudfront.get_invalidation, DistributionId=identity, Id="INONE") == ("NoSuchInvalidation", 404)
    for call, more in (
        (cloudfront.create_invalidation, {"InvalidationBatch": batch("/a")}),
        (cloudfront.list_invalidations, {}),
        (cloudfront.get_invalidation, {"Id": "INONE"}),
    ):
        assert refused(call, DistributionId="ENONE", **more) == ("NoSuchDistribution", 404)


# -- policies ---------------------------------------------------------------------------------------------------


@asks("ListCachePolicies", "GetCachePolicy", "GetCachePolicyConfig")
def test_the_managed_policies_have_their_ids(cloudfront: CloudFrontClient) -> None:
    listed = cloudfront.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    ids = {item["CachePolicy"]["Id"]: item["CachePolicy"]["CachePolicyConfig"]["Name"] for item in listed}
    names = {identity: f"Managed-{managed.name}" for identity, managed in MANAGED.items()}
    assert ids == names
    held = cloudfront.get_cache_policy(Id=CACHING_DISABLED)["CachePolicy"]["CachePolicyConfig"]
    config_alone = cloudfront.get_cache_policy_config(Id=CACHING_DISABLED)["CachePolicyConfig"]
    assert (held["MinTTL"], held["DefaultTTL"], held["MaxTTL"]) == (0, 0, 0)
    assert config_alone == held


@asks("CreateCachePolicy", "UpdateCachePolicy", "DeleteCachePolicy")
def test_a_policy_lives_as_long_as_nobody_uses_it(cloudfront: CloudFrontClient) -> None:
    settings: Any = {
        "Name": unique("policy"),
        "MinTTL": 1,
        "DefaultTTL": 5,
        "MaxTTL": 10,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 1, "Items": ["Origin"]}},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    }
    made = cloudfront.create_cache_policy(CachePolicyConfig=settings)
    identity = made["CachePolicy"]["Id"]
    longer: Any = {**settings, "MaxTTL": 20}
    changed = cloudfront.update_cache_policy(Id=identity, IfMatch=made["ETag"], CachePolicyConfig=longer)
    assert changed["CachePolicy"]["CachePolicyConfig"]["MaxTTL"] == 20
    behaviour = {**config()["DefaultCacheBehavior"], "CachePolicyId": identity}
    used_by = distribution(cloudfront, DefaultCacheBehavior=behaviour, Enabled=False)
    assert refused(cloudfront.delete_cache_policy, Id=identity, IfMatch=changed["ETag"]) == ("CachePolicyInUse", 409)
    cloudfront.delete_distribution(Id=used_by, IfMatch=cloudfront.get_distribution(Id=used_by)["ETag"])
    cloudfront.delete_cache_policy(Id=identity, IfMatch=changed["ETag"])
    assert refused(cloudfront.get_cache_policy, Id=identity) == ("NoSuchCachePolicy", 404)


@asks("CreateCachePolicy")
def test_times_out_of_order_are_refused(cloudfront: CloudFrontClient) -> None:
    settings: Any = {"Name": unique("policy"), "MinTTL": 10, "DefaultTTL": 5, "MaxTTL": 20}
    code, status = refused(cloudfront.create_cache_policy, CachePolicyConfig=settings)
    assert (code in ("InvalidArgument", "InvalidTTLOrder"), status) == (True, 400)


@asks("ListOriginRequestPolicies", "GetOriginRequestPolicy")
def test_the_managed_origin_request_policies_are_there(cloudfront: CloudFrontClient) -> None:
    listed = cloudfront.list_origin_request_policies(Type="managed")["OriginRequestPolicyList"]["Items"]
    ids = [item["OriginRequestPolicy"]["Id"] for item in listed]
    assert "216adef6-5c7f-47e4-b989-5492eafa07d3" in ids
    held = cloudfront.get_origin_request_policy(Id="216adef6-5c7f-47e4-b989-5492eafa07d3")["OriginRequestPolicy"]
    assert held["OriginRequestPolicyConfig"]["HeadersConfig"]["HeaderBehavior"] == "allViewer"


@asks(
    "CreateOriginRequestPolicy",
    "GetOriginRequestPolicyConfig",
    "UpdateOriginRequestPolicy",
    "DeleteOriginRequestPolicy",
)
def test_an_origin_request_policy_is_made_changed_and_deleted(cloudfront: CloudFrontClient) -> None:
    settings: Any = {
        "Name": unique("request-policy"),
        "Comment": "",
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 1, "Items": ["Origin"]}},
        "CookiesConfig": {"CookieBehavior": "all"},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    }
    made = cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=settings)
    identity = made["OriginRequestPolicy"]["Id"]
    held = cloudfront.get_origin_request_policy_config(Id=identity)["OriginRequestPolicyConfig"]
    assert (held["HeadersConfig"], held["Name"]) == (settings["HeadersConfig"], settings["Name"])
    fewer: Any = {**settings, "CookiesConfig": {"CookieBehavior": "none"}}
    changed = cloudfront.update_origin_request_policy(
        Id=identity, IfMatch=made["ETag"], OriginRequestPolicyConfig=fewer
    )
    cookies = changed["OriginRequestPolicy"]["OriginRequestPolicyConfig"]["CookiesConfig"]
    assert cookies["CookieBehavior"] == "none"
    cloudfront.delete_origin_request_policy(Id=identity, IfMatch=changed["ETag"])
    assert refused(cloudfront.get_origin_request_policy, Id=identity) == ("NoSuchOriginRequestPolicy", 404)


@asks(
    "CreateResponseHeadersPolicy",
    "GetResponseHeadersPolicyConfig",
    "UpdateResponseHeadersPolicy",
    "DeleteResponseHeadersPolicy",
)
def test_a_response_headers_policy_is_made_changed_and_deleted(cloudfront: CloudFrontClient) -> None:
    header = {"Header": "X-Team", "Value": "web", "Override": True}
    settings: Any = {
        "Name": unique("headers-policy"),
        "Comment": "",
        "CustomHeadersConfig": {"Quantity": 1, "Items": [header]},
    }
    made = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=settings)
    identity = made["ResponseHeadersPolicy"]["Id"]
    held = cloudfront.get_response_headers_policy_config(Id=identity)["ResponseHeadersPolicyConfig"]
    assert held["CustomHeadersConfig"] == settings["CustomHeadersConfig"]
    timed: Any = {**settings, "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 5.0}}
    changed = cloudfront.update_response_headers_policy(
        Id=identity, IfMatch=made["ETag"], ResponseHeadersPolicyConfig=timed
    )
    config_now = changed["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    assert config_now["ServerTimingHeadersConfig"] == {"Enabled": True, "SamplingRate": 5.0}
    cloudfront.delete_response_headers_policy(Id=identity, IfMatch=changed["ETag"])
    assert refused(cloudfront.get_response_headers_policy, Id=identity) == ("NoSuchResponseHeadersPolicy", 404)


@asks("GetCachePolicy")
def test_a_policy_of_an_old_version_is_not_changed(cloudfront: CloudFrontClient) -> None:
    settings: Any = {"Name": unique("policy"), "MinTTL": 1, "DefaultTTL": 5, "MaxTTL": 10}
    identity = cloudfront.create_cache_policy(CachePolicyConfig=settings)["CachePolicy"]["Id"]
    error = refused(cloudfront.update_cache_policy, Id=identity, IfMatch="EOLD", CachePolicyConfig=settings)
    assert error == ("PreconditionFailed", 412)
    assert cloudfront.get_cache_policy(Id=identity)["CachePolicy"]["CachePolicyConfig"]["MaxTTL"] == 10


@asks("ListResponseHeadersPolicies", "GetResponseHeadersPolicy")
def test_the_managed_response_headers_policies_are_there(cloudfront: CloudFrontClient) -> None:
    listed = cloudfront.list_response_headers_policies(Type="managed")["ResponseHeadersPolicyList"]["Items"]
    assert "67f7725c-6f97-4210-82d7-5512b31e9d03" in [item["ResponseHeadersPolicy"]["Id"] for item in listed]
    held = cloudfront.get_response_headers_policy(Id="67f7725c-6f97-4210-82d7-5512b31e9d03")
    assert held["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"].endswith("SecurityHeadersPolicy")


# -- functions, additional metrics ------------------------------------------------------------------------------


@asks(
    "CreateFunction",
    "DescribeFunction",
    "GetFunction",
    "ListFunctions",
    "UpdateFunction",
    "PublishFunction",
    "DeleteFunction",
)
def test_a_function_goes_from_development_to_live(cloudfront: CloudFrontClient) -> None:
    name = unique("function")
    settings: Any = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=b"first")
    cloudfront.update_function(
        Name=name, IfMatch=made["ETag"], FunctionConfig=settings, FunctionCode=b"function handler(e) { return e; }"
    )
    etag = cloudfront.describe_function(Name=name)["ETag"]
    live = cloudfront.publish_function(Name=name, IfMatch=etag)["FunctionSummary"]
    assert live["FunctionMetadata"]["Stage"] == "LIVE"
    assert name in [item["Name"] for item in cloudfront.list_functions(Stage="LIVE")["FunctionList"]["Items"]]
    code = cloudfront.get_function(Name=name, Stage="LIVE")["FunctionCode"].read()
    assert code == b"function handler(e) { return e; }"
    cloudfront.delete_function(Name=name, IfMatch=cloudfront.describe_function(Name=name)["ETag"])
    assert refused(cloudfront.describe_function, Name=name) == ("NoSuchFunctionExists", 404)


@asks("UpdateFunction", "CreateFunction")
def test_a_function_of_an_old_version_is_not_changed(cloudfront: CloudFrontClient) -> None:
    name, settings = unique("function"), {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=CODE)  # type: ignore[arg-type]
    error = refused(
        cloudfront.update_function, Name=name, IfMatch="EOLD", FunctionConfig=settings, FunctionCode=b"// other"
    )
    assert error[0] in ("PreconditionFailed", "InvalidIfMatchVersion")
    assert cloudfront.get_function(Name=name)["FunctionCode"].read() == CODE


@asks("CreateFunction")
def test_a_function_s_name_is_given_once(cloudfront: CloudFrontClient) -> None:
    name, settings = unique("function"), {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=CODE)  # type: ignore[arg-type]
    error = refused(cloudfront.create_function, Name=name, FunctionConfig=settings, FunctionCode=CODE)
    assert error == ("FunctionAlreadyExists", 409)


@asks("PublishFunction", "UpdateDistribution")
def test_a_published_function_is_associated_with_a_behaviour(cloudfront: CloudFrontClient) -> None:
    name, settings = unique("function"), {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=CODE)  # type: ignore[arg-type]
    live = cloudfront.publish_function(Name=name, IfMatch=made["ETag"])["FunctionSummary"]
    arn = live["FunctionMetadata"]["FunctionARN"]
    named = {"Quantity": 1, "Items": [{"FunctionARN": arn, "EventType": "viewer-request"}]}
    behaviour = {**config()["DefaultCacheBehavior"], "FunctionAssociations": named}
    identity = distribution(cloudfront, DefaultCacheBehavior=behaviour)
    held = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]["DefaultCacheBehavior"]
    assert held["FunctionAssociations"] == named


@asks("CreateDistribution")
def test_a_function_that_does_not_exist_is_not_associated(cloudfront: CloudFrontClient) -> None:
    arn = "arn:aws:cloudfront::000000000000:function/none"
    named = {"Quantity": 1, "Items": [{"FunctionARN": arn, "EventType": "viewer-request"}]}
    behaviour = {**config()["DefaultCacheBehavior"], "FunctionAssociations": named}
    error = refused(cloudfront.create_distribution, DistributionConfig=config(DefaultCacheBehavior=behaviour))
    assert error == ("InvalidFunctionAssociation", 400)


@asks("CreateDistribution")
def test_an_association_without_a_version_is_refused(cloudfront: CloudFrontClient) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:none:$LATEST"
    named = {"Quantity": 1, "Items": [{"LambdaFunctionARN": arn, "EventType": "origin-request"}]}
    behaviour = {**config()["DefaultCacheBehavior"], "LambdaFunctionAssociations": named}
    error = refused(cloudfront.create_distribution, DistributionConfig=config(DefaultCacheBehavior=behaviour))
    assert error == ("InvalidLambdaFunctionAssociation", 400)


@asks("TestFunction")
def test_a_function_is_run_when_it_is_tested(cloudfront: CloudFrontClient) -> None:
    pytest.importorskip("quickjs")
    name, settings = unique("function"), {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=CODE)  # type: ignore[arg-type]
    request = {"method": "GET", "uri": "/a", "querystring": {}, "headers": {}, "cookies": {}}
    context = {"eventType": "viewer-request"}
    event = {"version": "1.0", "context": context, "viewer": {"ip": "198.51.100.11"}, "request": request}
    asked: Any = {"Name": name, "IfMatch": made["ETag"], "Stage": "DEVELOPMENT"}
    result = cloudfront.test_function(**asked, EventObject=json.dumps(event).encode())["TestResult"]
    assert json.loads(result["FunctionOutput"])["request"]["uri"] == "/seen"
    assert result["FunctionSummary"]["Name"] == name


@asks("TestFunction")
def test_a_function_that_does_not_exist_cannot_be_tested(cloudfront: CloudFrontClient) -> None:
    error = refused(cloudfront.test_function, Name="none", IfMatch="E1", EventObject=b"{}")
    assert error == ("NoSuchFunctionExists", 404)


@asks("CreateMonitoringSubscription", "GetMonitoringSubscription", "DeleteMonitoringSubscription")
def test_additional_metrics_are_off_until_they_are_switched_on(cloudfront: CloudFrontClient) -> None:
    identity = distribution(cloudfront)
    missing = refused(cloudfront.get_monitoring_subscription, DistributionId=identity)
    wanted: Any = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}
    cloudfront.create_monitoring_subscription(DistributionId=identity, MonitoringSubscription=wanted)
    held = cloudfront.get_monitoring_subscription(DistributionId=identity)["MonitoringSubscription"]
    cloudfront.delete_monitoring_subscription(DistributionId=identity)
    assert (missing, held) == (("NoSuchMonitoringSubscription", 404), wanted)


# -- the table itself -------------------------------------------------------------------------------------------


def test_every_operation_of_ours_is_asked() -> None:
    assert {operation.name for operation in OPERATIONS} == ASKED


def test_every_operation_has_the_method_and_path_of_the_service_model() -> None:
    model = botocore.session.get_session().get_service_model("cloudfront")
    for operation in OPERATIONS:
        http = model.operation_model(operation.name).http
        path, _, query = http["requestUri"].removeprefix("/2020-05-31").rstrip("/").partition("?")
        ours = (operation.method, re.sub(r"{\w+}", "{}", operation.path), operation.query)
        assert ours == (http["method"], re.sub(r"{\w+}", "{}", path), query), operation.name


def test_a_difference_names_a_test_of_this_file() -> None:
    for name, test in DIFFERENCES:
        assert name in SERVERS
        assert test in globals()
