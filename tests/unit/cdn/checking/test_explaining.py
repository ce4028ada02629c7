"""Why an answer is cached or not: the steps that are told lead to what the edge does."""

from __future__ import annotations

import random
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.checking.explaining.algebra import algebra
from perfctl.cdn.checking.explaining.explain import explain
from perfctl.cdn.checking.looking import request_headers
from perfctl.cdn.checking.setup import Setup
from perfctl.cdn.delivery.cache_key import key_of
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import MANAGED, CachePolicy, Selection
from perfctl.cdn.delivery.ttl import freshness
from perfctl.cdn.model.checks import CacheExplanation
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.errors import UsageError
from tests.campaign import campaign
from tests.unit.cdn.checking.checking_setups import OWN_POLICY, behaviour, listed, setup

NOW = 1_800_000_000.0
DATE = formatdate(NOW, usegmt=True)


def _rules(*fields: tuple[str, str], policy: CachePolicy | None = None, status: int = 200) -> list[str]:
    chosen = policy or CachePolicy(min_ttl=1)
    found = algebra(status, Headers(fields), chosen, fetched_at=NOW, error_ttl=10)
    return [step.rule for step in found.steps]


def test_s_maxage_wins_and_is_clamped() -> None:
    assert _rules(("Cache-Control", "public, max-age=300, s-maxage=60")) == [
        "s-maxage=60 wins over max-age=300",
        "clamp(60, min 1, max 31536000) = 60 s",
    ]


def test_max_age_wins_over_expires() -> None:
    assert _rules(("Cache-Control", "max-age=300"), ("Expires", DATE))[0] == "max-age=300 wins over Expires"


def test_private_content_is_kept_for_the_minimum_all_the_same() -> None:
    assert _rules(("Cache-Control", "private"), policy=CachePolicy(min_ttl=60)) == [
        "private with min TTL 60: kept for 60 s all the same"
    ]
    assert _rules(("Cache-Control", "private, no-store"), policy=CachePolicy()) == [
        "no-store and private with min TTL 0: not kept"
    ]


def test_without_a_word_the_default_holds() -> None:
    assert _rules() == ["no max-age, s-maxage or Expires: max(min 1, default 86400) = 86400 s"]


def test_nothing_is_kept_where_all_headers_go_to_the_origin() -> None:
    everything = CachePolicy(headers=Selection("all"))
    assert freshness(200, Headers((("Cache-Control", "max-age=60"),)), everything, now=NOW, error_ttl=10).ttl is None
    assert _rules(("Cache-Control", "max-age=60"), policy=everything) == [
        "all headers go to the origin: nothing is kept, whatever the origin says"
    ]


def test_expires_counts_from_the_origins_date() -> None:
    assert _rules(("Expires", formatdate(NOW + 90, usegmt=True)))[0] == "Expires - Date = 90 s"
    assert _rules(("Expires", "0"))[0] == "Expires '0' is no date: taken for the past"


@campaign(300, 5_000)
@given(st.randoms(use_true_random=False))
def test_the_steps_end_where_the_rules_of_delivery_end(dice: random.Random) -> None:
    policy = dice.choice([*(found.policy for found in MANAGED.values()), _policy(dice)])
    headers, status = _headers(dice), dice.choice([200, 200, 200, 206, 301, 304, 400, 403, 404, 418, 500, 503])
    error_ttl = dice.choice([0, 10, 300])
    found = algebra(status, headers, policy, fetched_at=NOW, error_ttl=error_ttl)
    assert found.freshness == freshness(status, headers, policy, now=NOW, error_ttl=error_ttl)
    assert found.steps[-1].ttl_seconds == (found.freshness.ttl if found.freshness else None), (headers, policy)


def _policy(dice: random.Random) -> CachePolicy:
    times = sorted(dice.choice([0, 0, 1, 60, 3600, 86400, 31536000]) for _ in range(3))
    return CachePolicy(min_ttl=times[0], default_ttl=times[1], max_ttl=times[2])


def _headers(dice: random.Random) -> Headers:
    words = ["public", "private", "no-store", "no-cache", "max-age=60", "max-age=x", "s-maxage=5", "s-maxage=99999"]
    fields = []
    if chosen := dice.sample(words, dice.randrange(4)):
        fields.append(("Cache-Control", ", ".join(chosen)))
    if dice.random() < 0.4:
        fields.append(
            ("Expires", dice.choice(["0", "-1", "", formatdate(NOW + dice.randrange(-99, 9999), usegmt=True)]))
        )
    return Headers(tuple(fields))


def _answer(url: str = "https://www.example.com/app.js", **fields: object) -> EdgeAnswer:
    headers: tuple[tuple[str, str], ...] = fields.pop("headers", ())  # type: ignore[assignment]
    plain: dict[str, object] = {
        "status": 200, "cache": "miss", "x_cache": "Miss from cloudfront", "age_seconds": None,
        "cache_control": dict(headers).get("Cache-Control"), "content_type": "text/javascript",
        "content_encoding": None, "size_bytes": 5000, "etag": None, "vary": None, "via_pop": "FRA56-P1", "took_ms": 1.0,
    }  # fmt: skip
    return EdgeAnswer(url=url, headers=(("Date", DATE), *headers), **{**plain, **fields})  # type: ignore[arg-type]


def _explained(answer: EdgeAnswer, found: Setup | None = None, **request: str) -> CacheExplanation:
    sent = Headers(tuple({"Host": "www.example.com", "Accept-Encoding": "br, gzip", **request}.items()))
    return explain(answer, sent, found, now=NOW, unknown="AccessDenied" if found is None else None)


def test_a_hit_says_how_old_it_is_and_when_it_expires() -> None:
    answer = _answer(cache="hit", age_seconds=40, headers=(("Cache-Control", "max-age=60"),))
    found = _explained(answer, setup())
    assert found.verdict == "served from the cache: 40 s old, kept for 60 s, 20 s left"
    assert (found.ttl_seconds, found.expires_in_seconds, found.is_cached) == (60, 20, True)


def test_the_behaviour_is_the_first_that_matches_and_those_before_it_are_named() -> None:
    found = _explained(_answer("https://www.example.com/account/me"), setup())
    assert found.behaviour is not None
    assert (found.behaviour.pattern, found.behaviour.position, found.behaviour.of) == ("/account/*", 2, 3)
    assert found.behaviour.passed_over == ("/api/*",)
    assert found.policy.name == "CachingDisabled"
    assert found.verdict.startswith("not cached: the policy's maximum TTL is 0")
    assert found.remedies


def test_without_the_configuration_the_policy_is_unknown_and_the_origin_is_told_all_the_same() -> None:
    found = _explained(_answer(headers=(("Cache-Control", "max-age=60"),)))
    assert (found.policy.kind, found.policy.reason, found.is_cached) == ("unknown", "AccessDenied", None)
    assert found.steps[0].rule == "max-age=60 is what the origin asks for"
    assert "doctor" in found.remedies[0]


def test_a_hit_that_the_rules_do_not_allow_is_told_as_such() -> None:
    answer = _answer(cache="hit", age_seconds=1, headers=(("Cache-Control", "no-store"),))
    policies = {OWN_POLICY: CachePolicy()}
    found = _explained(answer, setup(policies, DefaultCacheBehavior=behaviour(None, OWN_POLICY)))
    assert "although by these headers it is not kept" in found.verdict


def test_the_key_names_what_is_kept_and_what_is_dropped() -> None:
    policy = CachePolicy(
        gzip=True,
        headers=Selection("whitelist", ("origin",)),
        cookies=Selection("whitelist", ("lang",)),
        queries=Selection("allExcept", ("utm_source",)),
    )
    found = _explained(
        _answer("https://www.example.com/?size=2&utm_source=x"),
        setup({OWN_POLICY: policy}, DefaultCacheBehavior=behaviour(None, OWN_POLICY), DefaultRootObject="index.html"),
        Cookie="lang=en; id=7",
    )
    kept = {(part.part, part.name): part.is_kept for part in found.key}
    assert kept == {
        ("path", "path"): True,
        ("query", "size"): True,
        ("query", "utm_source"): False,
        ("header", "host"): False,
        ("header", "origin"): True,
        ("cookie", "id"): False,
        ("cookie", "lang"): True,
        ("encoding", "accept-encoding"): True,
    }
    assert found.cache_key == "/index.html?size=2"
    expected = key_of("E1", "/index.html", "size=2&utm_source=x", Headers(), policy)
    assert found.cache_key == expected.url


def test_no_cookie_value_is_told() -> None:
    found = _explained(_answer(headers=(("Set-Cookie", "session=secret-1"),)), setup(), Cookie="id=secret-2")
    assert "secret" not in repr(found)


def test_a_cookie_of_what_is_not_kept_is_one_visitors_own() -> None:
    found = _explained(_answer("https://www.example.com/account/me", headers=(("Set-Cookie", "a=1"),)), setup())
    assert next(one.effect for one in found.said if one.name == "Set-Cookie").startswith("for this visitor alone")


def test_every_condition_of_compression_is_told_and_the_failing_one_mended() -> None:
    found = _explained(_answer(headers=(("Cache-Control", "max-age=60"),)), setup())
    failing = [each.condition for each in found.compression if each.holds is False]
    assert failing == ["the origin sends Content-Length"]
    assert any("Content-Length" in remedy for remedy in found.remedies)


def test_accept_encoding_among_the_policys_headers_stands_in_the_way() -> None:
    policy = CachePolicy(headers=Selection("whitelist", ("accept-encoding",)))
    found = _explained(_answer(), setup({OWN_POLICY: policy}, DefaultCacheBehavior=behaviour(None, OWN_POLICY)))
    told = {each.condition: each for each in found.compression}
    assert "leaves compression to the origin" in told["the policy enables that encoding"].observed


def test_forwarded_values_are_a_policy_of_the_behaviour_itself() -> None:
    old = behaviour()
    del old["CachePolicyId"]
    old |= {
        "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}, "Headers": listed("Origin")},
        "MinTTL": 5,
    }
    found = _explained(_answer(), setup(DefaultCacheBehavior=old))
    assert (found.policy.kind, found.policy.min_ttl_seconds, found.policy.default_ttl_seconds) == ("legacy", 5, 86400)


@pytest.mark.parametrize("text", ["no colon", "Host: x", "Bad Name: x", "A: b\r\nC: d", ": x"])
def test_what_is_no_header_of_a_request_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--header"):
        request_headers([text])


def test_what_beside_the_origin_may_have_set_headers_is_told() -> None:
    attached = listed({"FunctionARN": "arn:f", "EventType": "viewer-response"})
    found = _explained(_answer(), setup(DefaultCacheBehavior=behaviour(FunctionAssociations=attached)))
    assert [one.name for one in found.said[-2:]] == ["response headers policy", "functions"]
