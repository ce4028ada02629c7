"""Which paths a pattern covers."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.cdn.delivery.patterns import matches

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


def test_a_pattern_of_many_stars_takes_no_exponential_time() -> None:
    assert not matches("*a" * 120 + "b", "/" + "a" * 4000)
