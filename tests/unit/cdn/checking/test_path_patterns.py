"""Whether a pattern can be reached past others: decided exactly, and proved by a path or by trying them all."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.checking.patterns import covering, path_left
from perfctl.cdn.delivery.patterns import matches
from tests.campaign import campaign

PATTERNS = st.text("ab/*?", min_size=1, max_size=5)
PATHS = ["/" + "".join(letters) for length in range(6) for letters in product("ab/", repeat=length)]


@campaign(300, 20_000)
@given(PATTERNS, st.lists(PATTERNS, max_size=3))
def test_a_path_that_is_left_proves_itself_and_none_means_none(pattern: str, earlier: list[str]) -> None:
    left = path_left(pattern, earlier)
    if left is not None:
        assert matches(pattern, left), left
        assert not any(matches(each, left) for each in earlier), left
    else:
        tried = (path for path in PATHS if matches(pattern, path))
        assert all(any(matches(each, path) for each in earlier) for path in tried)


@pytest.mark.parametrize(
    ("pattern", "earlier", "by"),
    [
        ("/img/icons/*.png", ["/api/*", "/img/*"], ("/img/*",)),
        ("*.css", ["/*"], ("/*",)),
        ("*", ["/a*", "/*"], ("/*",)),
        ("img/*", ["/img/*"], ("/img/*",)),
        ("/a?c", ["/a*"], ("/a*",)),
        ("/img/*", ["/img/icons/*"], ()),
        ("/IMG/*", ["/img/*"], ()),
        ("*.jpg", ["/img/*"], ()),
        ("/a?", ["/a??", "/a"], ()),
    ],
)
def test_which_patterns_leave_nothing(pattern: str, earlier: list[str], by: tuple[str, ...]) -> None:
    assert covering(pattern, earlier) == by


def test_many_stars_end_in_time_and_claim_nothing_that_is_not_proved() -> None:
    many = ["*" + "*".join("abcdefghij"[at:] + "abcdefghij"[:at]) + "*" for at in range(10)]
    assert covering("*" + "*".join("jihgfedcba") + "*", many) == ()
