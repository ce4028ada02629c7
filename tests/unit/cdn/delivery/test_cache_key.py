"""Which requests share an answer."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.cache_key import CacheKey, canonical, key_of, normalised_encodings
from perfctl.cdn.delivery.headers import NO_HEADERS, Headers
from perfctl.cdn.delivery.policies import CachePolicy, Selection

BOTH = CachePolicy(gzip=True, brotli=True)


def key(query: str = "", policy: CachePolicy = BOTH, **fields: str) -> CacheKey:
    headers = Headers(tuple((name.replace("_", "-"), value) for name, value in fields.items()))
    return key_of("E1", "/a", query, headers, policy)


def test_nothing_but_the_path_counts_by_default() -> None:
    assert key("x=1", cookie="s=1", origin="http://a", user_agent="me") == CacheKey("E1", "/a")


def test_a_listed_parameter_counts_and_the_others_do_not() -> None:
    policy = CachePolicy(queries=Selection("whitelist", ("v",)))
    assert key("utm=1&v=2&w", policy).query == "v=2"
    assert key("utm=1&v=2&w", CachePolicy(queries=Selection("allExcept", ("utm",)))).query == "v=2&w"


def test_the_order_of_parameters_makes_another_key() -> None:
    everything = CachePolicy(queries=Selection("all"))
    assert key("a=1&b=2", everything) != key("b=2&a=1", everything)


def test_a_listed_header_counts_whatever_the_case_of_its_name() -> None:
    policy = CachePolicy(headers=Selection("whitelist", ("origin",)))
    assert key(policy=policy, Origin="http://a") == key(policy=policy, ORIGIN="http://a")
    assert key(policy=policy, Origin="http://a") != key(policy=policy)


def test_listed_cookies_count_in_any_order() -> None:
    policy = CachePolicy(cookies=Selection("whitelist", ("a", "b")))
    assert key(policy=policy, cookie="b=2; session=9; a=1") == key(policy=policy, cookie="a=1; b=2")


def test_a_cookie_keeps_the_commas_of_its_value() -> None:
    policy = CachePolicy(cookies=Selection("all"))
    assert key(policy=policy, cookie='a={"x":1,"y":2}; b=1').cookies == (("a", '{"x":1,"y":2}'), ("b", "1"))
    several = Headers((("Cookie", "b=1"), ("Cookie", "a=1,2")))
    assert key_of("E1", "/a", "", several, policy).cookies == (("a", "1,2"), ("b", "1"))


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, ()),
        ("identity", ()),
        ("gzip", ("gzip",)),
        ("gzip, deflate, br", ("br", "gzip")),
        ("BR", ("br",)),
        ("br;q=0, gzip;q=0.5", ("gzip",)),
        ("br;q=0.001", ("br",)),
        ("*", ()),
        (",,;q=,br;", ("br",)),
    ],
)
def test_accept_encoding_is_reduced_to_what_the_edge_serves(accepted: str | None, expected: tuple[str, ...]) -> None:
    assert normalised_encodings(accepted, BOTH) == expected
    assert normalised_encodings(accepted, CachePolicy()) == ()


@given(st.text(max_size=30))
@settings(derandomize=True, max_examples=500)
def test_one_spelling_stays_what_it_is_and_means_the_same_bytes(text: str) -> None:
    once = canonical("/" + text)
    assert canonical(once) == once
    assert once.isascii()
    assert unquote_to_bytes(once) == unquote_to_bytes("/" + text)


def test_a_slash_that_is_escaped_is_no_slash() -> None:
    assert canonical("/a%2fb") == "/a%2Fb"


def test_a_policy_of_every_header_keys_on_all_of_them() -> None:
    everything = CachePolicy(headers=Selection("all"))
    assert key(policy=everything, user_agent="a") != key(policy=everything, user_agent="b")
    assert key_of("E1", "/", "", NO_HEADERS, everything).headers == ()
