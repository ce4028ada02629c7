"""Which paths a pattern covers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.behaviours import Behaviour, Delivery, Origin
from perfctl.cdn.delivery.cache_key import canonical
from perfctl.cdn.delivery.patterns import matches, without_dots
from perfctl.cdn.delivery.policies import CachePolicy

PATHS = st.text(alphabet="ab/?*.", max_size=12).map(lambda text: "/" + text)
PATTERNS = st.text(alphabet="ab/?*.", min_size=1, max_size=10)


def oracle(pattern: str, path: str) -> bool:
    """The rule word by word, as a regular expression."""
    full = pattern if pattern.startswith(("/", "*")) else "/" + pattern
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(letter, re.escape(letter)) for letter in full), path, re.DOTALL) is not None


@given(PATTERNS, PATHS)
@settings(derandomize=True, max_examples=500)
def test_a_pattern_matches_as_the_rule_says(pattern: str, path: str) -> None:
    assert matches(pattern, path) == oracle(pattern, path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a//b///c", "/a/b/c"),
        ("/public/../private/x", "/private/x"),
        ("/public/..//private", "/private"),
        ("/../../a", "/a"),
        ("/a/.", "/a/"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("//", "/"),
        ("/.well-known/a..b/...", "/.well-known/a..b/..."),
        ("*", "*"),
    ],
)
def test_slashes_and_dots_are_resolved_before_a_pattern_is_tried(path: str, expected: str) -> None:
    assert without_dots(path) == expected


@pytest.mark.parametrize("path", ["/public/../private/x", "//private/x", canonical("/public/%2e%2e/private/x")])
def test_a_behaviour_is_found_by_the_path_that_is_meant(path: str) -> None:
    public, private, rest = (
        Behaviour(pattern, Origin("o", "o.example.com"), CachePolicy()) for pattern in ("/public/*", "/private/*", None)
    )
    delivery = Delivery("E1", ("a.test",), True, "", (public, private, rest))
    assert delivery.behaviour_of(path) is private


def test_a_pattern_of_many_stars_takes_no_exponential_time() -> None:
    assert not matches("*a" * 120 + "b", "/" + "a" * 4000)
