"""What a response headers policy makes of an answer."""

from __future__ import annotations

import pytest

from perfctl.cdn.delivery.headers import NO_HEADERS, Headers
from perfctl.cdn.delivery.response_headers import Cors, FixedHeader, ResponseHeadersPolicy, with_policy

ANSWER = Headers((("Content-Type", "text/css"), ("X-Team", "origin"), ("Server", "nginx")))
SHOP = Headers((("Origin", "https://www.shop.test"),))


def fields(policy: ResponseHeadersPolicy, asked: Headers = NO_HEADERS, method: str = "GET") -> dict[str, str]:
    return dict(with_policy(policy, asked, method, ANSWER))


@pytest.mark.parametrize(("override", "value"), [(True, "policy"), (False, "origin")])
def test_a_fixed_header_replaces_the_origin_s_where_it_may(override: bool, value: str) -> None:
    policy = ResponseHeadersPolicy(fixed=(FixedHeader("X-Team", "policy", override), FixedHeader("X-New", "1")))
    assert (fields(policy)["X-Team"], fields(policy)["X-New"]) == (value, "1")


def test_a_header_that_is_removed_may_be_set_anew() -> None:
    policy = ResponseHeadersPolicy(fixed=(FixedHeader("X-Team", "policy"),), removed=("server", "x-team"))
    assert fields(policy) == {"Content-Type": "text/css", "X-Team": "policy"}


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        (("*",), "*"),
        (("https://www.shop.test",), "https://www.shop.test"),
        (("https://*.shop.test",), "https://www.shop.test"),
        (("*.shop.test",), "https://www.shop.test"),
        (("http://www.shop.test",), None),
        (("shop.test",), None),
    ],
)
def test_an_origin_is_allowed_by_its_pattern(origins: tuple[str, ...], allowed: str | None) -> None:
    assert fields(ResponseHeadersPolicy(cors=Cors(origins)), SHOP).get("Access-Control-Allow-Origin") == allowed


def test_who_does_not_say_an_origin_gets_nothing() -> None:
    assert fields(ResponseHeadersPolicy(cors=Cors(("*",)))) == dict(ANSWER)


def test_an_answer_that_differs_by_origin_says_so() -> None:
    changed = fields(ResponseHeadersPolicy(cors=Cors(("*",), credentials=True)), SHOP)
    assert (changed["Vary"], changed["Access-Control-Allow-Credentials"]) == ("Origin", "true")


@pytest.mark.parametrize(("override", "allowed"), [(False, "https://own.test"), (True, "*")])
def test_the_origin_s_own_sharing_stays_where_it_may(override: bool, allowed: str) -> None:
    own = Headers((("Access-Control-Allow-Origin", "https://own.test"), ("Access-Control-Max-Age", "5")))
    policy = ResponseHeadersPolicy(cors=Cors(("*",), override=override))
    changed = with_policy(policy, SHOP, "GET", own)
    assert (changed.get("access-control-allow-origin"), "access-control-max-age" in changed) == (allowed, not override)


def test_a_preflight_is_told_methods_headers_and_age() -> None:
    asked = Headers((("Origin", "https://a.test"), ("Access-Control-Request-Method", "PUT")))
    cors = Cors(("*",), methods=("ALL",), headers=("x-a", "x-b"), exposed=("etag",), max_age_seconds=60)
    changed = fields(ResponseHeadersPolicy(cors=cors), asked, "OPTIONS")
    assert changed["Access-Control-Allow-Methods"] == "GET, DELETE, HEAD, OPTIONS, PATCH, POST, PUT"
    assert (changed["Access-Control-Allow-Headers"], changed["Access-Control-Max-Age"]) == ("x-a, x-b", "60")
    assert "Access-Control-Expose-Headers" not in changed
