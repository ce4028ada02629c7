"""Edge locations, layers of caches, policies of headers, error pages, logs and faults, over real HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError

from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED, USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS
from perfctl.sandbox.edge.response_policies import SECURITY_HEADERS, SIMPLE_CORS
from tests.integration.edge.process import DISTRIBUTION, EdgeProcess, client
from tests.integration.edge.sites import Site, listed, origin

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

PAGE = "/css/site.css"


@pytest.fixture(scope="module")
def made(edge_process: EdgeProcess) -> Site:
    return Site.made(edge_process, "network", policy=CACHING_OPTIMIZED)


@pytest.fixture
def site(made: Site, edge: EdgeProcess) -> Iterator[Site]:
    """A distribution as at first, with no latency, and logs of version 1."""
    held = made.cloudfront.get_distribution_config(Id=made.identity)["DistributionConfig"]
    yield made
    current = made.cloudfront.get_distribution_config(Id=made.identity)
    made.update(held, current["ETag"])
    edge.admin("POST", "network")
    edge.admin("POST", "logs", {"forms": ["v1"]})
    edge.admin("DELETE", "faults")


# -- locations and layers ---------------------------------------------------------------------------------------


def test_each_edge_location_has_a_cache_of_its_own(site: Site) -> None:
    seen = [site.get(PAGE, X_Perfctl_Pop=pop) for pop in ("FRA", "FRA", "nrt57-p1", "IAD")]
    assert [(reply.headers["x-amz-cf-pop"], reply.x_cache) for reply in seen] == [
        ("FRA60-P1", "Miss"),
        ("FRA60-P1", "Hit"),
        ("NRT57-P1", "Miss"),
        ("IAD89-P1", "Miss"),
    ]
    assert site.get(PAGE).x_cache == "Hit"


def test_a_host_name_may_name_the_edge_location(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    domain = cloudfront.get_distribution(Id=DISTRIBUTION)["Distribution"]["DomainName"]
    hosts = (f"{DISTRIBUTION}.FRA.cloudfront.net", domain.replace(".", ".FRA60-P1.", 1), domain)
    seen = [edge.get(PAGE, host=host) for host in hosts]
    assert [(reply.headers["x-amz-cf-pop"], reply.x_cache) for reply in seen] == [
        ("FRA60-P1", "Miss"),
        ("FRA60-P1", "Hit"),
        ("IAD89-P1", "Miss"),
    ]
    assert edge.get(PAGE, X_Perfctl_Pop="XYZ").status == 400


def test_an_invalidation_reaches_every_location(site: Site, edge: EdgeProcess) -> None:
    for pop in ("FRA", "NRT"):
        site.get(PAGE, X_Perfctl_Pop=pop)
    site.cloudfront.create_invalidation(
        DistributionId=site.identity, InvalidationBatch={"Paths": listed([PAGE]), "CallerReference": "everywhere"}
    )
    edge.advance(7)
    assert [site.get(PAGE, X_Perfctl_Pop=pop).x_cache for pop in ("FRA", "NRT")] == ["Miss", "Miss"]


def test_the_shield_is_asked_once_for_all_locations(site: Site, edge: EdgeProcess) -> None:
    shield = {"Enabled": True, "OriginShieldRegion": "us-east-1"}
    site.configure(Origins=listed([origin("main", edge.origin_port, OriginShield=shield)]))
    site.change(CachePolicyId=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)
    edge.admin("POST", "logs/flush")
    replies = [site.get("/api/stocks/SHLD", X_Perfctl_Pop=pop) for pop in ("FRA", "NRT", "NRT")]
    assert len({reply.json["version"] for reply in replies}) == 1
    assert [row[28] for row in site.log_rows()] == ["Miss", "OriginShieldHit", "Hit"]


def test_what_a_location_got_from_the_shield_is_as_old_as_it_is_there(site: Site, edge: EdgeProcess) -> None:
    shield = {"Enabled": True, "OriginShieldRegion": "us-east-1"}
    site.configure(Origins=listed([origin("main", edge.origin_port, OriginShield=shield)]))
    site.change(CachePolicyId=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)
    first = site.get("/api/stocks/AGED", X_Perfctl_Pop="FRA")
    edge.advance(40)
    second = site.get("/api/stocks/AGED", X_Perfctl_Pop="NRT")
    edge.advance(40)
    third = site.get("/api/stocks/AGED", X_Perfctl_Pop="NRT")
    assert (second.headers["age"], second.json["version"]) == ("40", first.json["version"])
    assert third.json["version"] > first.json["version"]


def test_regional_caches_stand_between_locations_and_the_origin(site: Site, edge: EdgeProcess) -> None:
    edge.admin("POST", "network", {"regional_caches": True})
    site.change(CachePolicyId=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)
    versions = [site.get("/api/stocks/REGN", X_Perfctl_Pop=pop).json["version"] for pop in ("LHR", "CDG", "NRT")]
    assert versions[1] - versions[0] == 0
    assert versions[2] - versions[0] == 1
    assert {"regional LHR62-P1", "regional NRT57-P1"} <= edge.admin("GET", "cache")["layers"].keys()


def test_far_away_takes_longer(site: Site, edge: EdgeProcess) -> None:
    edge.admin("POST", "network", {"world": True, "origin_region": "us-east-1", "pops": {"FRA": 20}})
    began = time.monotonic()
    site.get("/img/far.jpg", X_Perfctl_Pop="NRT")
    far = time.monotonic() - began
    assert far >= 0.14  # 11,000 km
    began = time.monotonic()
    site.get("/img/far.jpg", X_Perfctl_Pop="FRA")
    site.get("/img/far.jpg", X_Perfctl_Pop="FRA")
    assert time.monotonic() - began >= 0.12  # 6,500 km once, and 20 ms twice


# -- what goes to the viewer ------------------------------------------------------------------------------------


def test_the_managed_security_headers_are_on_hits_misses_and_errors(site: Site) -> None:
    site.change(ResponseHeadersPolicyId=SECURITY_HEADERS)
    for reply in (site.get(PAGE), site.get(PAGE), site.get("/nowhere")):
        named = ("strict-transport-security", "x-content-type-options", "x-frame-options", "referrer-policy")
        assert [reply.headers[name] for name in named] == [
            "max-age=31536000",
            "nosniff",
            "SAMEORIGIN",
            "strict-origin-when-cross-origin",
        ]


def test_simple_cors_answers_who_asks_with_an_origin(site: Site) -> None:
    site.change(ResponseHeadersPolicyId=SIMPLE_CORS)
    plain, shared = site.get(PAGE), site.get(PAGE, origin="https://shop.test")
    assert "access-control-allow-origin" not in plain.headers
    assert shared.headers["access-control-allow-origin"] == "*"


def test_a_policy_of_one_s_own_adds_removes_and_times(site: Site, cloudfront: CloudFrontClient) -> None:
    settings: Any = {
        "Name": "own",
        "CustomHeadersConfig": listed(
            [
                {"Header": "X-Team", "Value": "web", "Override": False},
                {"Header": "Cache-Control", "Value": "max-age=5", "Override": True},
            ]
        ),
        "RemoveHeadersConfig": listed([{"Header": "Server"}]),
        "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 100.0},
        "CorsConfig": {
            "AccessControlAllowOrigins": listed(["https://*.shop.test"]),
            "AccessControlAllowHeaders": listed(["x-a"]),
            "AccessControlAllowMethods": listed(["ALL"]),
            "AccessControlAllowCredentials": True,
            "AccessControlMaxAgeSec": 60,
            "OriginOverride": True,
        },
    }
    policy = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=settings)["ResponseHeadersPolicy"]
    site.change(ResponseHeadersPolicyId=policy["Id"])
    reply = site.get(PAGE, origin="https://www.shop.test")
    assert (reply.headers["x-team"], reply.headers["cache-control"], "server" in reply.headers) == (
        "web",
        "max-age=5",
        False,
    )
    assert 'cdn-pop;desc="IAD89-P1"' in reply.headers["server-timing"]
    assert (reply.headers["access-control-allow-origin"], reply.headers["access-control-allow-credentials"]) == (
        "https://www.shop.test",
        "true",
    )
    preflight = site.get(PAGE, method="OPTIONS", origin="https://a.shop.test", access_control_request_method="PUT")
    assert preflight.headers["access-control-max-age"] == "60"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in site.get(PAGE, origin="https://evil.test").headers


def test_an_error_has_the_page_and_the_status_that_the_distribution_says(site: Site) -> None:
    entry = {"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 5}
    site.configure(CustomErrorResponses=listed([entry]))
    reply = site.get("/no/such/page")
    assert (reply.status, reply.x_cache, reply.body) == (200, "Error", site.get("/index.html").body)
    entry |= {"ResponsePagePath": "/status/500", "ResponseCode": "404"}
    site.configure(CustomErrorResponses=listed([entry]))
    assert site.get("/no/other/page").status == 404


def test_a_page_without_a_status_is_refused(site: Site) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        site.configure(CustomErrorResponses=listed([{"ErrorCode": 404, "ResponsePagePath": "/index.html"}]))


@pytest.mark.parametrize(("policy", "status"), [("redirect-to-https", 301), ("https-only", 403), ("allow-all", 200)])
def test_the_viewer_s_protocol_is_what_the_behaviour_says(site: Site, policy: str, status: int) -> None:
    site.change(ViewerProtocolPolicy=policy)
    plain, secure = site.get(f"{PAGE}?a=1"), site.get(f"{PAGE}?a=1", x_forwarded_proto="https")
    assert (plain.status, secure.status) == (status, 200)
    if status == 301:
        assert (plain.headers["location"], plain.x_cache) == ("https://network.test/css/site.css?a=1", "Redirect")


# -- failover, collapsing, stale answers, compression, with other clients ----------------------------------------


def test_the_second_origin_answers_while_the_first_is_down(site: Site, edge: EdgeProcess) -> None:
    pair = {
        "Id": "pair",
        "FailoverCriteria": {"StatusCodes": listed([500, 503])},
        "Members": listed([{"OriginId": "main"}, {"OriginId": "spare"}]),
    }
    origins = [origin("main", edge.origin_port), origin("spare", edge.origin_port, OriginPath="/img")]
    site.configure(Origins=listed(origins), OriginGroups=listed([pair]))
    site.change(TargetOriginId="pair")
    with httpx.Client(base_url=f"http://127.0.0.1:{edge.edge_port}", headers={"Host": site.host}) as viewer:
        seen = [viewer.get("/a.jpg").status_code]
        for fault in ({"origin_down": True}, {"origin_5xx": 1}, {"origin_cut": 1}):
            edge.admin("DELETE", "cache")
            edge.admin("POST", "faults", {**fault, "origins": ["main"]})
            seen.append(viewer.get("/a.jpg").status_code)
        edge.admin("DELETE", "cache")
        edge.admin("POST", "faults", {"origin_down": True})
        seen.append(viewer.get("/a.jpg").status_code)
    assert seen == [404, 200, 200, 200, 502]


def test_a_stale_answer_outlives_a_slow_and_failing_origin(site: Site, edge: EdgeProcess) -> None:
    url = f"http://127.0.0.1:{edge.edge_port}/api/stocks/STAL"
    site.change(CachePolicyId=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)
    with httpx.Client(headers={"Host": site.host, "Accept-Encoding": "br, gzip"}) as viewer:
        first = viewer.get(url)
        edge.advance(61)
        edge.admin("POST", "faults", {"origin_5xx": 1})
        stale = viewer.get(url)
    assert first.headers["content-encoding"] == "br"
    assert (stale.status_code, stale.json(), stale.headers["x-cache"]) == (200, first.json(), "Hit from cloudfront")


def test_viewers_of_every_location_share_the_fetch_of_the_shield(site: Site, edge: EdgeProcess) -> None:
    shield = {"Enabled": True, "OriginShieldRegion": "eu-central-1"}
    site.configure(Origins=listed([origin("main", edge.origin_port, OriginShield=shield)]))
    site.change(CachePolicyId=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)
    edge.admin("POST", "faults", {"origin_latency_ms": 300})
    pops = ("FRA", "NRT", "IAD", "GRU") * 3
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda pop: site.get("/api/stocks/MANY", X_Perfctl_Pop=pop), pops))
    assert len({reply.json["version"] for reply in replies}) == 1


def test_faults_of_the_edge_befall_viewers(site: Site, edge: EdgeProcess) -> None:
    edge.admin("POST", "faults", {"edge_5xx": 1})
    busy = site.get(PAGE)
    edge.admin("POST", "faults", {"edge_reset": 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        site.get(PAGE)
    edge.admin("POST", "faults", {"edge_cut": 1})
    with pytest.raises(http.client.IncompleteRead):
        site.get(PAGE)
    edge.admin("DELETE", "faults")
    assert (busy.status, site.get(PAGE).status) == (503, 200)


# -- logs ---------------------------------------------------------------------------------------------------------


def test_version_2_of_the_log_is_written_beside_version_1_and_read_over_s3(site: Site, edge: EdgeProcess) -> None:
    edge.admin("POST", "logs", {"forms": ["v1", "v2-json", "v2-w3c"]})
    site.get("/img/logged.jpg", X_Perfctl_Pop="FRA", cookie="a=1")
    s3 = client("s3", edge.endpoint)
    rows: dict[str, str] = {}
    for item in s3.list_objects_v2(Bucket="sandbox-logs")["Contents"]:
        body = s3.get_object(Bucket="sandbox-logs", Key=item["Key"])["Body"].read()
        assert len(body) == item["Size"]
        for line in gzip.decompress(body).decode().splitlines():
            if "/img/logged.jpg" in line:
                rows[item["Key"].split(".")[0]] = line
    below = f"AWSLogs/000000000000/CloudFront/{site.identity}"
    assert set(rows) == {site.identity, f"v2-json/{below}", f"v2-w3c/{below}"}
    fields = json.loads(rows[f"v2-json/{below}"])
    assert (fields["x-edge-location"], fields["c-country"], fields["cs(Cookie)"]) == ("FRA60-P1", "DE", "-")
    assert fields["cache-behavior-path-pattern"] == "*"
    assert rows[f"v2-w3c/{below}"].startswith(rows[site.identity])


def test_a_listing_has_pages_prefixes_and_folders(site: Site, edge: EdgeProcess) -> None:
    edge.admin("POST", "logs", {"forms": ["v1", "v2-json"]})
    for _ in range(3):
        site.get(PAGE)
        edge.admin("POST", "logs/flush")
    s3 = client("s3", edge.endpoint)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="sandbox-logs", Prefix=f"{site.identity}.", PaginationConfig={"PageSize": 2}
    )
    sizes = [len(page["Contents"]) for page in pages]
    assert set(sizes[:-1]) == {2}
    folders = s3.list_objects_v2(Bucket="sandbox-logs", Delimiter="/")["CommonPrefixes"]
    assert {"Prefix": "v2-json/"} in folders
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="elsewhere")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="sandbox-logs", Key="../state/edge.sqlite3")
    with pytest.raises(ClientError, match="MethodNotAllowed"):
        s3.put_object(Bucket="sandbox-logs", Key="x", Body=b"")


def test_the_distribution_s_own_settings_rule_version_1(site: Site, edge: EdgeProcess) -> None:
    logging: Any = {"Enabled": True, "IncludeCookies": True, "Bucket": "sandbox-logs.s3.amazonaws.com", "Prefix": "a/b"}
    site.configure(Logging=logging)
    site.get(PAGE, cookie="seen=1")
    site.configure(Logging={**logging, "Enabled": False})
    site.get("/unlogged")
    edge.admin("POST", "logs/flush")
    (file,) = (edge.folder / "logs/a/b").glob("*.gz")
    (row,) = gzip.decompress(file.read_bytes()).decode().splitlines()[2:]
    assert row.split("\t")[12] == "seen=1"


def test_a_delivery_writes_the_fields_that_were_asked_for_to_its_place(site: Site, edge: EdgeProcess) -> None:
    logs, arn = client("logs", edge.endpoint), f"arn:aws:cloudfront::000000000000:distribution/{site.identity}"
    logs.put_delivery_source(name="site", resourceArn=arn, logType="ACCESS_LOGS")
    destination = logs.put_delivery_destination(
        name="bucket",
        outputFormat="w3c",
        deliveryDestinationConfiguration={"destinationResourceArn": "arn:aws:s3:::own-logs/cdn"},
    )["deliveryDestination"]["arn"]
    made = logs.create_delivery(
        deliverySourceName="site",
        deliveryDestinationArn=destination,
        recordFields=["sc-status", "cs-uri-stem", "c-country"],
        s3DeliveryConfiguration={"suffixPath": "{DistributionId}/{yyyy}"},
    )["delivery"]
    with pytest.raises(ClientError, match="ConflictException"):
        logs.delete_delivery_source(name="site")
    listed_ones = logs.describe_deliveries()["deliveries"]
    site.get("/img/delivered.jpg", X_Perfctl_Pop="NRT")
    s3 = client("s3", edge.endpoint)
    prefix = f"cdn/AWSLogs/000000000000/CloudFront/{site.identity}/20"
    (item,) = s3.list_objects_v2(Bucket="own-logs", Prefix=prefix)["Contents"]
    body = s3.get_object(Bucket="own-logs", Key=item["Key"])["Body"].read()
    assert gzip.decompress(body).decode().splitlines() == [
        "#Version: 1.0",
        "#Fields: sc-status cs-uri-stem c-country",
        "200\t/img/delivered.jpg\tJP",
    ]
    assert [one["id"] for one in listed_ones] == [made["id"]]
    logs.delete_delivery(id=made["id"])
    logs.delete_delivery_source(name="site")
    logs.delete_delivery_destination(name="bucket")
    assert logs.describe_deliveries()["deliveries"] == []


@pytest.mark.parametrize(
    ("call", "fields", "code"),
    [
        ("put_delivery_source", {"name": "x", "resourceArn": "arn:x", "logType": "ACCESS_LOGS"}, "ValidationException"),
        ("put_delivery_destination", {"name": "x", "outputFormat": "parquet"}, "ValidationException"),
        ("create_delivery", {"deliverySourceName": "x", "deliveryDestinationArn": "arn"}, "ResourceNotFoundException"),
        ("get_delivery", {"id": "x"}, "ResourceNotFoundException"),
        ("describe_log_groups", {}, "UnknownOperationException"),
    ],
)
def test_a_delivery_that_cannot_be_is_refused(edge: EdgeProcess, call: str, fields: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        getattr(client("logs", edge.endpoint), call)(**fields)


# -- how long an invalidation takes -----------------------------------------------------------------------------------


def test_invalidations_take_any_time_between_two(site: Site, edge: EdgeProcess) -> None:
    before = edge.admin("GET", "invalidations")
    edge.admin("POST", "invalidations", {"completion_seconds": 10, "up_to_seconds": 100, "seed": 3})
    made = []
    for number in range(8):
        batch = {"Paths": listed([f"/{number}"]), "CallerReference": f"spread-{number}"}
        answer = site.cloudfront.create_invalidation(DistributionId=site.identity, InvalidationBatch=batch)  # type: ignore[arg-type]
        made.append(answer["Invalidation"]["Id"])
    left = []
    for _ in range(10):
        edge.advance(10)
        states = [site.cloudfront.get_invalidation(DistributionId=site.identity, Id=one) for one in made]
        left.append(sum(state["Invalidation"]["Status"] == "InProgress" for state in states))
    edge.admin("POST", "invalidations", before)
    assert left == sorted(left, reverse=True)
    assert (left[-1], len(set(left)) > 1) == (0, True)
