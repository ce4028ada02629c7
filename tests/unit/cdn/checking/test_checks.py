"""Checks of a distribution: each finds what it is for, and says nothing of a distribution in good shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import perfctl.cdn.checking.checks as checks
from perfctl.cdn.checking.checks.directives import is_hashed
from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule
from perfctl.cdn.checking.explaining.explain import explain
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import CACHING_DISABLED, CachePolicy, Selection
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.diagnosis import Check
from tests.unit.cdn.checking.checking_setups import OWN_POLICY, behaviour, listed, origin, setup

RULES: Mapping[str, Rule] = dict(zip(checks.FILES, checks.every_rule(), strict=True))
NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
SENT = Headers((("Host", "www.example.com"), ("Accept-Encoding", "br, gzip")))

_NAMES = {"etag": "ETag"}
WELL_FIELDS = {
    "Date": DATE,
    "Cache-Control": "public, max-age=60, stale-while-revalidate=60",
    "ETag": 'W/"abc"',
    "Vary": "Accept-Encoding",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}


def page(
    path: str = "/",
    *,
    status: int = 200,
    cache: str = "hit",
    age: int | None = 5,
    size: int = 5000,
    coding: str | None = "br",
    kind: str | None = "text/html",
    **fields: str | None,
) -> Page:
    """A page in good shape, or with other header fields; None takes one away."""
    named = {
        **WELL_FIELDS,
        **{_NAMES.get(name, name.replace("_", "-").title()): value for name, value in fields.items()},
    }
    headers = tuple((name, value) for name, value in named.items() if value is not None)
    answer = EdgeAnswer(
        url=f"https://www.example.com{path}", status=status, cache=cache,  # type: ignore[arg-type]
        x_cache=None, age_seconds=age, cache_control=Headers(headers).get("cache-control"), content_type=kind,
        content_encoding=coding, size_bytes=size, etag=None, vary=None, via_pop=None, took_ms=1.0, headers=headers,
    )  # fmt: skip
    return Page(path, answer, explain(answer, SENT, setup(), now=NOW))


def evidence(*pages: Page, **changes: Any) -> Evidence:
    """Everything is known and well; with other values of the configuration."""
    policies = changes.pop("policies", None)
    return Evidence(
        setup=setup(policies, **changes),
        pages=pages or (page(), page("/app.js", kind="text/javascript")),
        has_metrics=True,
        deliveries=(),
        viewers={"100": 9000.0, "200": 900.0, "All": 200.0},
        private_paths=("/account/*",),
    )


def _own(**policy: Any) -> dict[str, Any]:
    """The default behaviour with a policy of its own."""
    return {"policies": {OWN_POLICY: CachePolicy(**policy)}, "DefaultCacheBehavior": behaviour(None, OWN_POLICY)}


def _legacy(**more: Any) -> dict[str, Any]:
    old = behaviour(None, "")
    forwarded = {"QueryString": False, "Cookies": {"Forward": "none"}, **more}
    return {"DefaultCacheBehavior": {**old, "ForwardedValues": forwarded, "DefaultTTL": 86400}}


def _lambda(arn: str, trigger: str = "viewer-request") -> dict[str, Any]:
    attached = listed({"LambdaFunctionARN": arn, "EventType": trigger})
    return {"DefaultCacheBehavior": behaviour(LambdaFunctionAssociations=attached)}


GROUP = {
    "Id": "both",
    "FailoverCriteria": {"StatusCodes": listed(404)},
    "Members": listed({"OriginId": "first"}, {"OriginId": "second"}),
}
BUCKET = {
    "Origins": listed({"Id": "both", "DomainName": "a.s3.amazonaws.com", "S3OriginConfig": {}}),
    "OriginGroups": None,
}
REWRITTEN = {"DefaultCacheBehavior": behaviour(ResponseHeadersPolicyId="aaaaaaaa-1111-2222-3333-444444444444")}
UNCOMPRESSED = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"
BOTH = {"gzip": True, "brotli": True}

PLANTED: Mapping[str, tuple[Callable[[], Evidence], ...]] = {
    "private_minimum": (
        lambda: replace(evidence(), private_paths=("/me/*",)),
        lambda: evidence(CacheBehaviors=listed(behaviour("/account/*"))),
        lambda: evidence(CacheBehaviors=listed(behaviour("wp-admin/*"))),
    ),
    "private_served": (
        lambda: evidence(page(cache_control="private")),
        lambda: evidence(page(cache_control="no-store")),
        lambda: evidence(page(cache_control="private"), **BUCKET),
        lambda: evidence(page(cache_control="no-store"), **REWRITTEN),
    ),
    "no_lifetime": (lambda: evidence(page(cache_control=None)), lambda: evidence(page(cache_control="public"))),
    "error_lifetime": (lambda: evidence(CustomErrorResponses=listed({"ErrorCode": 503, "ErrorCachingMinTTL": 3600})),),
    "stale": (lambda: evidence(page(cache_control="max-age=60")),),
    "compress_switch": (lambda: evidence(DefaultCacheBehavior=behaviour(Compress=False)),),
    "encodings": (lambda: evidence(**_own()), lambda: evidence(**_own(gzip=True))),
    "accept_encoding": (lambda: evidence(**_own(headers=Selection("whitelist", ("accept-encoding",)), **BOTH)),),
    "uncompressed": (
        lambda: evidence(page(coding=None, content_length="5000")),
        lambda: evidence(page("/a.wasm", coding=None, kind="application/wasm", content_length="5000")),
        lambda: evidence(page("/a.json", coding=None, kind="application/manifest+json", content_length="5000")),
    ),
    "content_length": (lambda: evidence(page(coding=None)),),
    "query_fanout": (
        lambda: evidence(**_own(queries=Selection("all"), **BOTH)),
        lambda: evidence(**_legacy(QueryString=True)),
    ),
    "cookie_fanout": (
        lambda: evidence(**_own(cookies=Selection("all"), **BOTH)),
        lambda: evidence(**_legacy(Cookies={"Forward": "all"})),
    ),
    "header_fanout": (lambda: evidence(**_own(headers=Selection("whitelist", ("user-agent",)), **BOTH)),),
    "failover_time": (
        lambda: evidence(Origins=listed(origin("first", ConnectionAttempts=3, ConnectionTimeout=10), origin("second"))),
    ),
    "failover": (lambda: evidence(OriginGroups=listed(GROUP)),),
    "shield": (lambda: evidence(Origins=listed(origin("first", OriginShield={"Enabled": False}), origin("second"))),),
    "origin_timeout": (
        lambda: evidence(
            Origins=listed(origin("first", CustomOriginConfig={"OriginReadTimeout": 120}), origin("second"))
        ),
        lambda: evidence(
            Origins=listed(origin("first", CustomOriginConfig={"OriginReadTimeout": 1}), origin("second"))
        ),
    ),
    "unused_origins": (lambda: evidence(Origins=listed(origin("first"), origin("second"), origin("old"))),),
    "https": (lambda: evidence(DefaultCacheBehavior=behaviour(ViewerProtocolPolicy="allow-all")),),
    "tls": (
        lambda: evidence(ViewerCertificate={"ACMCertificateArn": "arn:x", "MinimumProtocolVersion": "TLSv1.1_2016"}),
    ),
    "http_version": (lambda: evidence(HttpVersion="http1.1"),),
    "ipv6": (lambda: evidence(IsIPV6Enabled=False),),
    "price_class": (lambda: replace(evidence(PriceClass="PriceClass_100"), viewers={"100": 5000.0, "All": 5000.0}),),
    "root_object": (
        lambda: evidence(
            DefaultRootObject="",
            Origins=listed({"Id": "both", "DomainName": "a.s3.amazonaws.com", "S3OriginConfig": {}}),
            OriginGroups=None,
        ),
    ),
    "security_headers": (lambda: evidence(page(strict_transport_security=None)),),
    "logging": (lambda: evidence(Logging={"Enabled": False}), lambda: evidence(Logging=None)),
    "metrics": (lambda: replace(evidence(), has_metrics=False),),
    "legacy": (lambda: evidence(**_legacy()),),
    "shadowed": (lambda: evidence(CacheBehaviors=listed(behaviour("/img/*"), behaviour("/img/icons/*.png"))),),
    "managed_policies": (
        lambda: evidence(CacheBehaviors=listed(behaviour("*.css", CACHING_DISABLED))),
        lambda: evidence(CacheBehaviors=listed(behaviour("/static/*", CACHING_DISABLED))),
    ),
    "functions": (
        lambda: evidence(**_lambda("arn:aws:lambda:us-east-1:1:function:f:$LATEST")),
        lambda: evidence(**_lambda("arn:aws:lambda:eu-west-1:1:function:f:3")),
    ),
    "reachable": (lambda: evidence(page(status=503)), lambda: evidence(page(status=404))),
    "directives": (
        lambda: evidence(page(cache_control="no-store, max-age=60")),
        lambda: evidence(page(cache_control="private, s-maxage=60")),
        lambda: evidence(page(cache_control="max-age=60, max-age=600")),
        lambda: evidence(page(cache_control="max-age=1h")),
        lambda: evidence(page("/app.js", cache_control="max-age=31536000, immutable")),
    ),
    "expires": (
        lambda: evidence(page(expires="Fri, 15 Jan 2027 09:00:00 GMT")),
        lambda: evidence(page(expires="0")),
        lambda: evidence(page(pragma="no-cache")),
    ),
    "validators": (lambda: evidence(page(etag=None)), lambda: evidence(page(etag="abc"))),
    "vary": (
        lambda: evidence(page(vary="*")),
        lambda: evidence(page(vary="User-Agent, Accept-Encoding")),
        lambda: evidence(page(vary=None)),
    ),
    "set_cookie": (lambda: evidence(page(set_cookie="session=1")),),
    "age": (lambda: evidence(page(age=600)),),
    "content_type": (lambda: evidence(page(kind=None)),),
}
"""What each check is for; those without a row judge nobody."""

TWINS: Mapping[str, tuple[Callable[[], Evidence], ...]] = {
    "private_minimum": (lambda: evidence(CacheBehaviors=listed(behaviour("/account/*", CACHING_DISABLED))),),
    "private_served": (
        lambda: evidence(page(cache_control="private", cache="miss", age=None)),
        lambda: evidence(page(cache_control="no-cache")),
        lambda: evidence(page(cache_control="no-cache, no-store, must-revalidate"), **BUCKET),
    ),
    "no_lifetime": (
        lambda: evidence(page(cache_control=None, expires="Fri, 15 Jan 2027 09:00:00 GMT")),
        lambda: evidence(page("/account/me", cache_control=None)),
    ),
    "error_lifetime": (lambda: evidence(CustomErrorResponses=listed({"ErrorCode": 404, "ErrorCachingMinTTL": 300})),),
    "stale": (
        lambda: evidence(page(cache_control="max-age=86400")),
        lambda: evidence(page(cache_control="max-age=60, must-revalidate")),
        lambda: evidence(page("/live.m3u8", kind="application/vnd.apple.mpegurl", cache_control="max-age=2")),
    ),
    "compress_switch": (
        lambda: evidence(CacheBehaviors=listed(behaviour("*.jpg", Compress=False))),
        lambda: evidence(CacheBehaviors=listed(behaviour("*.ts", Compress=False), behaviour("hls/*", Compress=False))),
        lambda: evidence(DefaultCacheBehavior=behaviour(None, UNCOMPRESSED, Compress=False)),
        lambda: evidence(CacheBehaviors=listed(behaviour("/account/*", CACHING_DISABLED, Compress=False))),
    ),
    "encodings": (lambda: evidence(CacheBehaviors=listed(behaviour("*.png", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"))),),
    "uncompressed": (
        lambda: evidence(page("/a.png", coding=None, kind="image/png", content_length="5000")),
        lambda: evidence(page(coding=None, size=900, content_length="900")),
    ),
    "content_length": (
        lambda: evidence(page(coding="br")),
        lambda: evidence(page(coding=None, size=900)),
        lambda: evidence(page("/account/me", coding=None, cache="miss", age=None)),
    ),
    "query_fanout": (lambda: evidence(**_own(default_ttl=0, queries=Selection("all"), **BOTH)),),
    "cookie_fanout": (
        lambda: evidence(CacheBehaviors=listed(behaviour("/app/*", "83da9c7e-98b4-4e11-a168-04f0df8e2c65"))),
    ),
    "header_fanout": (
        lambda: evidence(**_own(headers=Selection("whitelist", ("host", "origin")), **BOTH)),
        lambda: evidence(**_legacy(Headers=listed("*"))),
    ),
    "unused_origins": (
        lambda: evidence(),
        lambda: evidence(
            Origins=listed(origin("first"), origin("second"), origin("europe")),
            **_lambda("arn:aws:lambda:us-east-1:1:function:f:3", "origin-request"),
        ),
    ),
    "tls": (
        lambda: evidence(ViewerCertificate={"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"}),
    ),
    "price_class": (lambda: replace(evidence(PriceClass="PriceClass_100"), viewers={"100": 9900.0, "All": 100.0}),),
    "root_object": (lambda: evidence(DefaultRootObject=""),),
    "logging": (lambda: replace(evidence(Logging=None), deliveries=("arn:aws:logs:x",)),),
    "shadowed": (lambda: evidence(CacheBehaviors=listed(behaviour("/img/icons/*.png"), behaviour("/img/*"))),),
    "managed_policies": (
        lambda: evidence(
            CacheBehaviors=listed(behaviour("/img/*", CACHING_DISABLED, AllowedMethods=listed("GET", "HEAD", "PUT")))
        ),
    ),
    "functions": (lambda: evidence(**_lambda("arn:aws:lambda:us-east-1:1:function:f:3", "origin-response")),),
    "directives": (
        lambda: evidence(page("/app.3f2a9c1b.js", cache_control="public, max-age=31536000, immutable")),
        lambda: evidence(page(cache_control="no-store, max-age=0")),
    ),
    "expires": (
        lambda: evidence(page(expires="Fri, 15 Jan 2027 08:01:00 GMT")),
        lambda: evidence(page(cache_control="no-store", expires="0", cache="miss", age=None)),
    ),
    "validators": (lambda: evidence(page(etag=None, last_modified=DATE)),),
    "set_cookie": (
        lambda: evidence(page("/account/me", set_cookie="session=1", cache="miss", age=None)),
        lambda: evidence(
            page(set_cookie="variant=1"), **_lambda("arn:aws:lambda:us-east-1:1:function:f:3", "viewer-response")
        ),
    ),
    "age": (lambda: evidence(page(age=100)), lambda: evidence(page(age=600), **REWRITTEN)),
}
"""What looks like a fault, and is none."""


def test_every_file_of_a_check_has_a_row() -> None:
    files = {file.stem for file in Path(str(checks.__file__)).parent.glob("*.py")} - {"__init__", "rule"}
    assert files == set(checks.FILES)
    assert set(PLANTED) == set(checks.FILES) - {"tags"}
    assert len({(rule.area, rule.name) for rule in RULES.values()}) == len(checks.FILES)


def test_a_distribution_in_good_shape_has_nothing_to_mend() -> None:
    found = checks.run(evidence())
    assert [(one.check, one.observed) for one in found if one.status in ("warn", "fail")] == []
    assert all(one.fix is None for one in found if one.status == "pass")


@pytest.mark.parametrize(("file", "number"), [(file, at) for file, rows in PLANTED.items() for at in range(len(rows))])
def test_a_check_finds_what_it_is_for(file: str, number: int) -> None:
    found = _judged(file, PLANTED[file][number]())
    assert found.status in ("warn", "fail")
    assert found.fix
    assert len(found.observed) < 200


@pytest.mark.parametrize(("file", "number"), [(file, at) for file, rows in TWINS.items() for at in range(len(rows))])
def test_what_only_looks_like_a_fault_is_none(file: str, number: int) -> None:
    assert _judged(file, TWINS[file][number]()).status in ("pass", "off")


def _judged(file: str, given: Evidence) -> Check:
    rule = RULES[file]
    return next(one for one in checks.run(given) if (one.component, one.check) == (f"cdn.{rule.area}", rule.name))


def test_without_permission_nothing_is_judged_that_needs_it() -> None:
    found = checks.run(Evidence(pages=(page(),)))
    assert found
    assert {one.check for one in found} == {rule.name for rule in RULES.values() if rule.needs == "pages"}


def test_an_unreadable_policy_is_no_fault() -> None:
    unknown = replace(setup().behaviours[-1], kind="unknown", policy=None)
    known = replace(setup(), behaviours=(*setup().behaviours[:-1], unknown))
    assert all(one.status in ("pass", "off") for one in checks.run(replace(evidence(), setup=known)))


@pytest.mark.parametrize(
    "path",
    [
        "/app.3f2a9c1b.js",
        "/assets/index-BX9zK1a2.css",
        "/a.js?v=12",
        "/jquery-3.7.1.min.js",
        "/assets/index-BvPqKwTd.js",
        "/assets/index-C_x-Ab1Q.css",
        "/3f2a9c1bde/app.js",
        "/_next/static/abc/app.js",
    ],
)
def test_a_hashed_name_is_known(path: str) -> None:
    assert is_hashed(path)


@pytest.mark.parametrize(
    "path",
    [
        "/app.js",
        "/",
        "/index.html",
        "/stylesheets/application.css",
        "/api/stocks?symbol=A",
        "/site-settings.js",
        "/assets/main.js",
        "/feedback/decade.js",
        "/jquery.validate.js",
        "/Overview.html",
    ],
)
def test_a_plain_name_is_no_hash(path: str) -> None:
    assert not is_hashed(path)
