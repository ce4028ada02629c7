"""A viewer of the local CloudFront, over real HTTP."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped,unused-ignore]
import pytest

from perfctl.cdn.delivery.policies import CACHING_DISABLED, CACHING_OPTIMIZED
from tests.integration.edge.process import DISTRIBUTION, EdgeProcess, Reply, ask, free_ports

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudfront.type_defs import DistributionConfigTypeDef

STOCK, PORTFOLIO, MARKET = "/api/stocks/AAPL", "/api/portfolio/123", "/api/market/overview"


def invalidate(cloudfront: CloudFrontClient, reference: str, *items: str) -> str:
    made = cloudfront.create_invalidation(
        DistributionId=DISTRIBUTION,
        InvalidationBatch={
            "Paths": {"Quantity": len(items), "Items": list(items)},
            "CallerReference": reference,
        },
    )
    return made["Invalidation"]["Id"]


def small_config(reference: str, origin_port: int, policy: str = CACHING_OPTIMIZED) -> DistributionConfigTypeDef:
    return {
        "CallerReference": reference,
        "Aliases": {"Quantity": 1, "Items": [f"{reference}.test"]},
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "main",
                    "DomainName": "127.0.0.1",
                    "CustomOriginConfig": {
                        "HTTPPort": origin_port,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "http-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "main",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": policy,
        },
        "Comment": "",
        "Enabled": True,
    }


def test_the_second_viewer_is_served_from_the_cache(edge: EdgeProcess) -> None:
    first = edge.get("/img/1.jpg")
    edge.advance(7)
    second = edge.get("/img/1.jpg")
    assert [reply.x_cache for reply in (first, second)] == ["Miss", "Hit"]
    assert (second.body, second.headers["age"]) == (first.body, "7")
    assert "age" not in first.headers


@pytest.mark.parametrize("path", [STOCK, PORTFOLIO, MARKET])
def test_a_document_of_the_api_is_fetched_again_after_its_time(edge: EdgeProcess, path: str) -> None:
    first = edge.get(path)
    edge.advance(59)
    second = edge.get(path)
    edge.advance(2)
    third = edge.get(path)
    assert [reply.x_cache for reply in (first, second, third)] == ["Miss", "Hit", "Miss"]
    assert [reply.json["version"] - first.json["version"] for reply in (second, third)] == [0, 1]


def test_what_is_unchanged_at_the_origin_is_only_refreshed(edge: EdgeProcess) -> None:
    edge.get("/assets/app.js")
    edge.advance(3_601)
    assert [edge.get("/assets/app.js").x_cache for _ in range(2)] == ["RefreshHit", "Hit"]


def test_private_documents_are_never_cached(edge: EdgeProcess) -> None:
    replies = [edge.get("/private") for _ in range(2)]
    assert [reply.x_cache for reply in replies] == ["Miss", "Miss"]
    assert replies[1].json["version"] == replies[0].json["version"] + 1
    assert replies[0].headers["set-cookie"] == "session=1"


@pytest.mark.parametrize(
    ("accepted", "coding"), [("br, gzip", "br"), ("gzip, deflate", "gzip"), ("identity", None), ("zstd", None)]
)
def test_text_is_compressed_as_the_viewer_can_read_it(edge: EdgeProcess, accepted: str, coding: str | None) -> None:
    plain = edge.get("/assets/app.js").body
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding]
    for expected in ("Miss" if coding else "Hit", "Hit"):
        reply = edge.get("/assets/app.js", accept_encoding=accepted)
        assert (reply.x_cache, reply.headers.get("content-encoding")) == (expected, coding)
        assert unpack(reply.body) == plain


def test_images_are_not_compressed(edge: EdgeProcess) -> None:
    assert "content-encoding" not in edge.get("/img/1.jpg", accept_encoding="br, gzip").headers


def test_an_invalidated_path_is_a_hit_before_the_effect_and_a_miss_after_it(
    edge: EdgeProcess, cloudfront: CloudFrontClient
) -> None:
    edge.get(STOCK)
    edge.get(PORTFOLIO)
    invalidate(cloudfront, "effect", STOCK)
    before = edge.get(STOCK).x_cache
    edge.advance(7)
    assert [before, edge.get(STOCK).x_cache, edge.get(PORTFOLIO).x_cache] == ["Hit", "Miss", "Hit"]


def test_a_wildcard_takes_everything_below_it(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    paths = ["/img/1.jpg", "/img/deep/2.jpg", "/assets/app.js"]
    for path in paths:
        edge.get(path)
    invalidate(cloudfront, "wildcard", "/img/*")
    edge.advance(7)
    assert [edge.get(path).x_cache for path in paths] == ["Miss", "Miss", "Hit"]


def test_an_exact_path_takes_every_variant(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    for accepted in ("br", "gzip", "identity"):
        edge.get("/assets/app.js", accept_encoding=accepted)
    invalidate(cloudfront, "variants", "/assets/app.js")
    edge.advance(7)
    kinds = ("br", "gzip", "identity")
    assert [edge.get("/assets/app.js", accept_encoding=kind).x_cache for kind in kinds] == ["Miss"] * 3


def test_a_query_string_in_the_key_must_be_named(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    urls = [STOCK, f"{STOCK}?day=1", f"{STOCK}?day=2"]
    for url in urls:
        edge.get(url)
    invalidate(cloudfront, "query", STOCK, f"{STOCK}?day=2")
    edge.advance(7)
    assert [edge.get(url).x_cache for url in urls] == ["Miss", "Hit", "Miss"]


def test_the_root_is_its_default_object(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    seen = [edge.get("/").x_cache, edge.get("/index.html").x_cache]
    invalidate(cloudfront, "root", "/")
    edge.advance(7)
    assert [*seen, edge.get("/index.html").x_cache] == ["Miss", "Hit", "Miss"]


def test_a_tag_takes_what_carries_it_whatever_its_path(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    paths = [STOCK, "/api/stocks/MSFT", "/img/1.jpg"]
    for path in paths:
        edge.get(path)
    invalidate(cloudfront, "tag", "#Symbol-aapl", "#img-1")
    edge.advance(7)
    assert [edge.get(path).x_cache for path in paths] == ["Miss", "Hit", "Miss"]


def test_a_fetch_that_began_before_an_invalidation_is_not_kept(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    edge.admin("POST", "faults", {"origin_latency_ms": 1_500})
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(edge.get, MARKET)
        while edge.admin("GET", "cache")["fetching"] == 0:
            threading.Event().wait(0.01)
        invalidate(cloudfront, "race", MARKET)
        edge.advance(7)
        late = edge.get(MARKET)
        assert early.result().json["version"] < late.json["version"]
    edge.admin("DELETE", "faults")
    assert edge.get(MARKET).json["version"] == late.json["version"]


def test_many_viewers_of_one_key_make_one_fetch(edge: EdgeProcess) -> None:
    edge.admin("POST", "faults", {"origin_latency_ms": 400})
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: edge.get(MARKET), range(12)))
    assert len({reply.json["version"] for reply in replies}) == 1
    assert sorted(reply.x_cache for reply in replies) == ["Hit"] * 11 + ["Miss"]


def test_an_expired_object_is_served_while_the_origin_is_down(edge: EdgeProcess) -> None:
    edge.get(STOCK)
    edge.advance(61)
    edge.admin("POST", "faults", {"origin_down": True})
    stale, never_seen = edge.get(STOCK), edge.get("/api/stocks/NVDA")
    assert (stale.status, stale.x_cache, int(stale.headers["age"]) >= 61) == (200, "Hit", True)
    assert (never_seen.status, never_seen.x_cache) == (502, "Error")


def test_an_error_is_kept_for_ten_seconds(edge: EdgeProcess) -> None:
    edge.get("/status/503")
    before = edge.admin("GET", "cache")["entries"]
    edge.advance(11)
    assert (before, edge.get("/status/503").x_cache) == (1, "Error")


def test_head_is_answered_from_a_cached_get(edge: EdgeProcess) -> None:
    full = edge.get("/img/1.jpg")
    head = edge.get("/img/1.jpg", method="HEAD")
    assert (head.x_cache, head.body, head.headers["content-length"]) == ("Hit", b"", str(len(full.body)))


def test_head_of_what_is_not_held_goes_to_the_origin_and_is_not_kept(edge: EdgeProcess) -> None:
    heads = [edge.get("/img/9.jpg", method="HEAD") for _ in range(2)]
    assert [head.x_cache for head in heads] == ["Miss", "Miss"]
    assert int(heads[0].headers["content-length"]) == len(edge.get("/img/9.jpg").body)


@pytest.mark.parametrize("warm", [False, True])
def test_a_range_is_served_from_the_origin_and_from_the_cache(edge: EdgeProcess, warm: bool) -> None:
    whole = edge.get("/img/2.jpg").body if warm else None
    part = edge.get("/img/2.jpg", range="bytes=10-19")
    assert (part.status, len(part.body), part.x_cache) == (206, 10, "Hit" if warm else "Miss")
    assert whole is None or part.body == whole[10:20]


def test_a_viewer_that_has_it_gets_a_304(edge: EdgeProcess) -> None:
    etag = edge.get("/img/1.jpg").headers["etag"]
    again = edge.get("/img/1.jpg", if_none_match=etag)
    assert (again.status, again.body, again.x_cache) == (304, b"", "Hit")


def test_a_method_that_the_behaviour_does_not_allow_is_a_403(edge: EdgeProcess) -> None:
    assert edge.get("/img/1.jpg", method="POST", body=b"x").status == 403
    assert edge.get(STOCK, method="POST", body=b"x").x_cache == "Miss"


def test_a_host_is_a_distribution_or_refused(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    domain = cloudfront.get_distribution(Id=DISTRIBUTION)["Distribution"]["DomainName"]
    hosts = [domain, "cdn.sandbox.test", f"localhost:{edge.edge_port}", "elsewhere.test"]
    assert [edge.get("/img/1.jpg", host=host).status for host in hosts] == [200, 200, 200, 403]


def test_a_second_distribution_has_its_own_cache_and_origin(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    made = cloudfront.create_distribution(DistributionConfig=small_config("second", edge.origin_port))
    edge.get("/img/1.jpg")
    seen = [edge.get("/img/1.jpg", host="second.test").x_cache for _ in range(2)]
    assert (seen, made["Distribution"]["DistributionConfig"]["Aliases"]["Items"]) == (["Miss", "Hit"], ["second.test"])


def test_a_dead_origin_is_a_502(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    (nobody,) = free_ports(1)
    cloudfront.create_distribution(DistributionConfig=small_config("dead", nobody, CACHING_DISABLED))
    assert edge.get("/", host="dead.test").status == 502


def test_an_origin_group_asks_its_second_origin(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    (nobody,) = free_ports(1)
    config = small_config("group", nobody)
    spare = small_config("spare", edge.origin_port)["Origins"]["Items"]
    config["Origins"] = {"Quantity": 2, "Items": [*config["Origins"]["Items"], {**spare[0], "Id": "spare"}]}
    config["OriginGroups"] = {
        "Quantity": 1,
        "Items": [
            {
                "Id": "pair",
                "FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [503]}},
                "Members": {"Quantity": 2, "Items": [{"OriginId": "main"}, {"OriginId": "spare"}]},
            }
        ],
    }
    config["DefaultCacheBehavior"]["TargetOriginId"] = "pair"
    cloudfront.create_distribution(DistributionConfig=config)
    assert edge.get("/img/1.jpg", host="group.test").status == 200


def test_the_marks_of_cloudfront_are_on_every_answer(edge: EdgeProcess) -> None:
    for reply in (edge.get("/"), edge.get("/nope"), edge.get("/", host="elsewhere.test")):
        assert {"x-cache", "via", "x-amz-cf-pop", "x-amz-cf-id"} <= reply.headers.keys()


def test_every_request_is_in_the_access_log(edge: EdgeProcess) -> None:
    edge.admin("POST", "logs/flush")
    for path in ("/logged", "/logged?x=1", "/img/log.jpg", "/img/log.jpg"):
        edge.get(path)
    assert edge.admin("POST", "logs/flush") == {"files": 1}
    newest = max((edge.folder / "logs").glob("*.gz"), key=lambda path: path.stat().st_mtime_ns)
    rows = [line.split("\t") for line in gzip.decompress(newest.read_bytes()).decode().splitlines()[2:]]
    assert [(row[7], row[8], row[11], row[13]) for row in rows] == [
        ("/logged", "404", "-", "Error"),
        ("/logged", "404", "x=1", "Error"),
        ("/img/log.jpg", "200", "-", "Miss"),
        ("/img/log.jpg", "200", "-", "Hit"),
    ]


def test_the_origin_answers_by_itself(edge: EdgeProcess) -> None:
    replies: list[Reply] = [
        ask(edge.origin_port, "GET", path, {}) for path in ("/", STOCK, "/slow?ms=1", "/status/418")
    ]
    assert [reply.status for reply in replies] == [200, 200, 200, 418]
