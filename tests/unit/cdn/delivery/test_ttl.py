"""For how long an answer is kept: CloudFront's algebra against its table, row by row."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import YEAR_SECONDS, CachePolicy
from perfctl.cdn.delivery.ttl import NOT_STORED, Freshness, freshness

NOW = 1_780_000_000.0
SECONDS = st.integers(0, 100)


def ttl(cache_control: str | None, policy: CachePolicy, *, status: int = 200, expires: str | None = None) -> int | None:
    fields = (("Cache-Control", cache_control), ("Expires", expires))
    headers = Headers(tuple((name, value) for name, value in fields if value is not None))
    return freshness(status, headers, policy, now=NOW, error_ttl=10).ttl


@st.composite
def policies(draw: st.DrawFn) -> CachePolicy:
    minimum, default, maximum = sorted((draw(SECONDS), draw(SECONDS), draw(SECONDS)))
    return CachePolicy(min_ttl=minimum, default_ttl=default, max_ttl=maximum)


def table(policy: CachePolicy, s_maxage: int | None, max_age: int | None, expires_in: int | None) -> int:
    """The developer guide's table as a cascade of questions."""
    for asked in (s_maxage, max_age, expires_in):
        if asked is not None:
            if asked < policy.min_ttl:
                return policy.min_ttl
            return policy.max_ttl if asked > policy.max_ttl else asked
    return policy.default_ttl if policy.default_ttl > policy.min_ttl else policy.min_ttl


@given(policies(), st.none() | SECONDS, st.none() | SECONDS, st.none() | SECONDS)
@settings(derandomize=True, max_examples=500)
def test_the_time_is_what_the_table_says(
    policy: CachePolicy, s_maxage: int | None, max_age: int | None, expires_in: int | None
) -> None:
    named = (("s-maxage", s_maxage), ("max-age", max_age))
    rules = ", ".join(f"{name}={value}" for name, value in named if value is not None)
    expires = None if expires_in is None else formatdate(NOW + expires_in, usegmt=True)
    expected = table(policy, s_maxage, max_age, expires_in) if policy.max_ttl else None
    assert ttl(rules or None, policy, expires=expires) == expected


@pytest.mark.parametrize("rule", ["no-store", "no-cache", "private", "max-age=600, private", "No-Store"])
@pytest.mark.parametrize(("minimum", "expected"), [(0, None), (7, 7)])
def test_what_may_not_be_cached_is_cached_for_the_minimum_when_that_is_positive(
    rule: str, minimum: int, expected: int | None
) -> None:
    assert ttl(rule, CachePolicy(min_ttl=minimum)) == expected


@pytest.mark.parametrize(
    ("status", "cache_control", "expected"),
    [
        (404, None, 10),
        (404, "max-age=60", 60),
        (404, "max-age=3", 10),
        (503, None, 10),
        (403, None, None),
        (403, "max-age=60", 60),
        (410, "max-age=60", None),
        (206, "max-age=60", None),
        (304, "max-age=60", None),
        (302, "max-age=60", 60),
    ],
)
def test_errors_have_times_of_their_own(status: int, cache_control: str | None, expected: int | None) -> None:
    assert ttl(cache_control, CachePolicy(), status=status) == expected


def test_a_policy_without_time_stores_nothing() -> None:
    disabled = CachePolicy(min_ttl=0, default_ttl=0, max_ttl=0)
    assert freshness(200, Headers((("Cache-Control", "max-age=60"),)), disabled, now=NOW, error_ttl=10) == NOT_STORED


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("max-age=5", Freshness(5, 0, YEAR_SECONDS - 5)),
        ("max-age=5, stale-while-revalidate=30", Freshness(5, 30, YEAR_SECONDS - 5)),
        ("max-age=5, stale-if-error=0", Freshness(5, 0, 0)),
        ("max-age=5, stale-if-error=60", Freshness(5, 0, 60)),
        ("max-age=5, must-revalidate", Freshness(5, 0, 0)),
    ],
)
def test_the_origin_says_how_stale_an_answer_may_be(rule: str, expected: Freshness) -> None:
    assert freshness(200, Headers((("Cache-Control", rule),)), CachePolicy(), now=NOW, error_ttl=10) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("max-age=50, stale-while-revalidate=600, stale-if-error=600", Freshness(50, 10, 10)),
        ("max-age=600, stale-while-revalidate=600", Freshness(60, 0, 0)),
        ("max-age=50, stale-if-error=7", Freshness(50, 0, 7)),
        ("private", Freshness(40, 0, 20)),
        ("no-store, stale-if-error=0", Freshness(40, 0, 0)),
    ],
)
def test_nothing_is_served_past_the_maximum_and_what_is_kept_against_its_will_outlives_an_error(
    rule: str, expected: Freshness
) -> None:
    policy = CachePolicy(min_ttl=40, default_ttl=40, max_ttl=60)
    assert freshness(200, Headers((("Cache-Control", rule),)), policy, now=NOW, error_ttl=10) == expected


@pytest.mark.parametrize("nonsense", ["max-age=abc", "max-age=-1", "max-age", "max-age=²", ",,=,", "max-age=1e9"])
def test_an_unreadable_age_counts_as_none(nonsense: str) -> None:
    assert ttl(nonsense, CachePolicy(default_ttl=77)) == 77


def test_an_unreadable_expires_is_the_past() -> None:
    assert ttl(None, CachePolicy(), expires="0") == 0
